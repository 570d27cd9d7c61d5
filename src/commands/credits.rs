//! `mintmark credits`

use std::process::ExitCode;

use mintmark_domain::usecases::Grant;
use serde_json::json;

use super::{account_named, show, with_platform};
use crate::cli::CreditsCommand;

pub async fn run(command: CreditsCommand) -> anyhow::Result<ExitCode> {
    match command {
        CreditsCommand::Grant { place, account, amount, kind, reason, reference, json } => {
            with_platform(place, async |platform| {
                let account = account_named(platform, &account).await?;
                let grant = Grant { account, amount, kind: kind.into(), reason, reference, expires_at: None };
                let granted = platform.core.grant_credits(grant).await?;
                if json {
                    let answer = json!({
                        "payment_id": granted.payment.to_string(),
                        "account_id": account.to_string(),
                        "replayed": granted.replayed,
                        "available": granted.balance.available.to_string(),
                    });
                    say!("{answer}");
                } else {
                    let (payment, available) = (granted.payment, granted.balance.available);
                    let said = if granted.replayed { "was granted before" } else { "granted" };
                    say!("{said}: {amount} as {payment}; {available} available now");
                }
                Ok(())
            })
            .await?;
        }
        CreditsCommand::Refund { place, run, amount, reason, reference } => {
            with_platform(place, async |platform| {
                let (balance, _) =
                    platform.core.refund_run(run, amount, "operator".to_owned(), reason, reference).await?;
                say!("refunded {amount} of {run}; {} available now", balance.available);
                Ok(())
            })
            .await?;
        }
        CreditsCommand::Chargeback { place, payment, amount, reference } => {
            with_platform(place, async |platform| {
                let (balance, _) = platform.core.charge_back(payment, amount, reference).await?;
                let (available, owed) = (balance.available, balance.receivable);
                println!("charged back {amount} of {payment}; {available} available and {owed} owed now");
                Ok(())
            })
            .await?;
        }
        CreditsCommand::Payment { place, payment } => {
            with_platform(place, async |platform| {
                let (id, found) = platform.core.payment(&payment).await?;
                show::payment(id, &found);
                Ok(())
            })
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
