//! `mintmark key`

use std::process::ExitCode;

use mintmark_domain::account::{Scope, Scopes, UnknownScope};
use serde_json::json;

use super::{account_named, show, with_platform};
use crate::cli::KeyCommand;

pub async fn run(command: KeyCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeyCommand::Create { place, account, name, scopes, json } => {
            let scopes = parse_scopes(scopes.as_deref())?;
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                let (key, _) = platform.core.issue_key_by_operator(account, &name, scopes).await?;
                if json {
                    let answer = json!({
                        "key_id": key.key_id,
                        "api_key": key.secret,
                        "prefix": key.prefix,
                        "name": key.name,
                        "scopes": key.scopes.names(),
                    });
                    say!("{answer}");
                } else {
                    say!("key id   {}", key.key_id);
                    say!("API key  {}   (shown only now)", key.secret);
                }
                Ok(())
            })
            .await?;
        }
        KeyCommand::List { place, account } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                let view = platform.core.account_view(account).await?;
                show::keys(&view.state);
                Ok(())
            })
            .await?;
        }
        KeyCommand::Revoke { place, account, key_id } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                platform.core.revoke_key_by_operator(account, key_id).await?;
                say!("key {key_id} is revoked");
                Ok(())
            })
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Scopes separated by spaces or commas; full access if none are named.
pub(super) fn parse_scopes(text: Option<&str>) -> anyhow::Result<Scopes> {
    let Some(text) = text else { return Ok(Scopes::Full) };
    let scopes: Result<Vec<Scope>, UnknownScope> =
        text.split([' ', ',']).filter(|name| !name.is_empty()).map(str::parse).collect();
    let known = || Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    Ok(Scopes::only(scopes.map_err(|error| anyhow::anyhow!("{error}; the scopes are: {}", known()))?))
}
