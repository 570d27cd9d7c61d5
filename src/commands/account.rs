//! `mintmark account`

use std::process::ExitCode;

use anyhow::Context as _;
use mintmark_domain::account::Scopes;
use mintmark_domain::usecases::{LINK_DAYS, Registration};
use serde_json::json;

use super::{account_named, show, with_new_platform, with_platform};
use crate::cli::AccountCommand;

pub async fn run(command: AccountCommand) -> anyhow::Result<ExitCode> {
    match command {
        AccountCommand::Create { place, username, email, credits, tier, json } => {
            with_new_platform(place, async |platform| {
                let registration = Registration { username, email, tier, credits, scopes: Scopes::Full };
                let made = platform.core.register(registration).await?;
                // Whatever becomes of the link, the key is shown: it is known only now.
                let link = platform.core.new_link(made.account).await;
                if json {
                    let answer = json!({
                        "account_id": made.account.to_string(),
                        "user_id": made.user_id,
                        "api_key": made.key.secret,
                        "sign_in_url": link.as_ref().ok(),
                    });
                    say!("{answer}");
                } else {
                    say!("account  {}", made.account);
                    say!("user id  {}", made.user_id);
                    say!("API key  {}   (shown only now)", made.key.secret);
                    if let Ok(link) = &link {
                        say!("sign in  {link}   (once, within {LINK_DAYS} days, to set a password)");
                    }
                }
                link.map(drop).context("the account was made, but no link; `mintmark account link` makes one")
            })
            .await?;
        }
        AccountCommand::Show { place, account } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                show::account(platform, account).await
            })
            .await?;
        }
        AccountCommand::Link { place, account, json } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                let link = platform.core.new_link(account).await?;
                if json {
                    say!("{}", json!({"sign_in_url": link}));
                } else {
                    say!("{link}   (once, within {LINK_DAYS} days, to set a password)");
                }
                Ok(())
            })
            .await?;
        }
        AccountCommand::Suspend { place, account, reason } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                platform.core.set_suspended(account, Some(reason)).await?;
                say!("{account} is suspended");
                Ok(())
            })
            .await?;
        }
        AccountCommand::Reinstate { place, account } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                platform.core.set_suspended(account, None).await?;
                say!("{account} may act again");
                Ok(())
            })
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
