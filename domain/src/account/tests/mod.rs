//! Given, when, then: every command and every refusal of an account.

mod characters;
mod identity;
mod keys;
mod scopes;

use super::*;
use crate::event_book::sample_id;
use crate::ids::SealedId;
use crate::testing::{given, said_twice_is_no_new_fact, state};

fn sealed(name: &str) -> SealedId {
    SealedId(sample_id(name))
}

fn register_as(user_id: u64) -> AccountCommand {
    AccountCommand::Register {
        user_id,
        profile: sealed("profile"),
        username_claim: "a1".into(),
        email_claim: "b2".into(),
        tier: Tier::Pro,
    }
}

fn register() -> AccountCommand {
    register_as(12)
}

fn by(made_with: Option<u64>) -> ActsWith {
    made_with.map_or(ActsWith::Operator, ActsWith::Key)
}

fn key_with(key_id: u64, scopes: Scopes, made_with: Option<u64>) -> AccountCommand {
    let hash = format!("hash {key_id}");
    let (name, prefix) = ("k".into(), "gnr_live_x".into());
    let key = IssuedKey { key_id, name, prefix, hash, scopes, made_with, made_with_client: None };
    AccountCommand::IssueKey { key, by: by(made_with) }
}

/// A full key, issued from the command line.
fn key(key_id: u64) -> AccountCommand {
    key_with(key_id, Scopes::Full, None)
}

fn client_with(client_id: &str, scopes: Scopes, made_with: Option<u64>) -> AccountCommand {
    let client = IssuedClient {
        client_id: client_id.into(),
        name: "app".into(),
        secret_hash: format!("hash {client_id}"),
        scopes,
        made_with,
        made_with_client: None,
    };
    AccountCommand::IssueClient { client, by: by(made_with) }
}

fn client(client_id: &str) -> AccountCommand {
    client_with(client_id, Scopes::Full, None)
}

fn revoke(key_id: u64) -> AccountCommand {
    AccountCommand::RevokeKey { key_id, by: ActsWith::Operator }
}

fn revoke_client() -> AccountCommand {
    AccountCommand::RevokeClient { client_id: "one".into() }
}

fn suspend() -> AccountCommand {
    AccountCommand::Suspend { reason: "chargeback".into() }
}

fn erase() -> AccountCommand {
    AccountCommand::Erase { by: "operator".into() }
}

fn authorize(key_id: Option<u64>, scope: Scope) -> AccountCommand {
    AccountCommand::Authorize { by: by(key_id), scope }
}

fn add_voice(id: &str) -> AccountCommand {
    AccountCommand::AddVoice { voice_id: id.into(), details: sealed("details") }
}

fn change_voice() -> AccountCommand {
    AccountCommand::ChangeVoice { voice_id: "v".into(), details: sealed("other details") }
}

fn archive_voice() -> AccountCommand {
    AccountCommand::ArchiveVoice { voice_id: "v".into() }
}

fn add_influencer(id: &str) -> AccountCommand {
    AccountCommand::AddInfluencer { influencer_id: id.into(), details: sealed("details"), handle_claim: None }
}

fn change_influencer() -> AccountCommand {
    let (details, handle_claim) = (sealed("other details"), None);
    AccountCommand::ChangeInfluencer { influencer_id: "i".into(), details, handle_claim }
}

fn move_to(status: InfluencerStatus) -> AccountCommand {
    AccountCommand::MoveInfluencer { influencer_id: "i".into(), status, at: crate::event_book::sample_time(3) }
}

/// Every command but registration and erasure.
fn commands() -> Vec<AccountCommand> {
    vec![
        AccountCommand::ChangeProfile { profile: sealed("profile 2") },
        key(41),
        revoke(41),
        client("one"),
        revoke_client(),
        AccountCommand::ChangeTier { tier: Tier::Basic },
        suspend(),
        AccountCommand::Reinstate,
        authorize(None, Scope::RunsRead),
        add_voice("v"),
        change_voice(),
        archive_voice(),
        add_influencer("i"),
        change_influencer(),
        move_to(InfluencerStatus::Training),
    ]
}

#[test]
fn an_account_that_was_never_registered_is_not_found() {
    for command in commands().into_iter().chain([erase()]) {
        given::<Account>([]).when(command).then_expect_error(AccountError::NotFound);
    }
}

#[test]
fn an_erased_account_does_nothing_any_more() {
    for command in commands() {
        given::<Account>([register(), key(41), add_voice("v"), add_influencer("i"), erase()])
            .when(command)
            .then_expect_error(AccountError::Erased);
    }
}
