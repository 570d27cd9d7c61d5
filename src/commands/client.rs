//! `mintmark client` and `mintmark tokens`

use std::process::ExitCode;

use serde_json::json;

use super::key::parse_scopes;
use super::{account_named, show, with_platform};
use crate::cli::{ClientCommand, TokensCommand};

pub async fn run(command: ClientCommand) -> anyhow::Result<ExitCode> {
    match command {
        ClientCommand::Create { place, account, name, scopes, json } => {
            let scopes = parse_scopes(scopes.as_deref())?;
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                let (client, _) = platform.core.create_client_by_operator(account, &name, scopes).await?;
                if json {
                    let answer = json!({
                        "client_id": client.client_id,
                        "client_secret": client.secret,
                        "name": client.name,
                        "scopes": client.scopes.names(),
                    });
                    say!("{answer}");
                } else {
                    say!("client id  {}", client.client_id);
                    say!("secret     {}   (shown only now)", client.secret);
                }
                Ok(())
            })
            .await?;
        }
        ClientCommand::List { place, account } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                show::clients(&platform.core.account_view(account).await?.state);
                Ok(())
            })
            .await?;
        }
        ClientCommand::Revoke { place, account, client_id } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                platform.core.revoke_client_by_operator(account, &client_id).await?;
                say!("client {client_id} is revoked, and its tokens with it");
                Ok(())
            })
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn tokens(command: TokensCommand) -> anyhow::Result<ExitCode> {
    let TokensCommand::Rotate { place, end_tokens } = command;
    with_platform(place, async |platform| {
        let rotated = platform.signing_keys.rotate(end_tokens).await?;
        let seconds = mintmark_infra::identity::KEYS_READ_FOR.as_secs();
        say!("{} signs from now on; every server knows within {seconds} s", rotated.kid);
        match rotated.verifying {
            0 => say!("nothing that was signed before holds any more"),
            several => say!("{several} earlier keys verify until what they signed has expired"),
        }
        Ok(())
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
