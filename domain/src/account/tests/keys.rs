//! API keys and OAuth clients.

use super::*;

fn only(scopes: &[Scope]) -> Scopes {
    Scopes::only(scopes.iter().copied())
}

#[test]
fn a_key_is_issued_without_its_secret() {
    let AccountCommand::IssueKey { key: issued, .. } = key(41) else { unreachable!() };
    given::<Account>([register()]).when(key(41)).then_expect_events(vec![AccountEvent::KeyIssued(issued)]);
    let account = state::<Account>([register(), key(41)]);
    assert_eq!(account.key(41).map(|key| key.hash.as_str()), Some("hash 41"));
    assert_eq!(account.keys().map(|(id, _)| id).collect::<Vec<_>>(), [41]);
}

#[test]
fn keys_and_clients_said_twice_are_no_new_fact() {
    said_twice_is_no_new_fact::<Account>([register()], key(41));
    said_twice_is_no_new_fact::<Account>([register()], client("one"));
}

#[test]
fn a_number_belongs_to_one_key() {
    let AccountCommand::IssueKey { key: issued, by } = key(41) else { unreachable!() };
    let other = AccountCommand::IssueKey { key: IssuedKey { hash: "another".into(), ..issued }, by };
    given::<Account>([register(), key(41)]).when(other).then_expect_error(AccountError::IdTaken);
    // Nor does a late repetition bring a revoked key back.
    given::<Account>([register(), key(41), revoke(41)]).when(key(41)).then_expect_error(AccountError::IdTaken);
}

#[test]
fn keys_may_be_numbered_in_any_order() {
    // Two processes give out numbers from blocks of their own.
    let account = state::<Account>([register(), key(141), key(41), revoke(141), key(42)]);
    assert_eq!(account.keys().map(|(id, _)| id).collect::<Vec<_>>(), [41, 42]);
}

#[test]
fn revoked_keys_are_remembered_up_to_a_limit() {
    let kept = Account::REVOKED_KEPT as u64;
    let mut commands = vec![register()];
    for number in 1..=kept + 1 {
        commands.extend([key(number), revoke(number)]);
    }
    given::<Account>(commands.clone()).when(key(2)).then_expect_error(AccountError::IdTaken);
    given::<Account>(commands.clone()).when(key(kept + 1)).then_expect_error(AccountError::IdTaken);
    assert!(given::<Account>(commands).when(key(1)).inspect_result().is_ok());
}

#[test]
fn there_are_never_more_than_ten_active_keys() {
    let max = Account::ACTIVE_KEYS_MAX;
    let ten: Vec<_> = [register()].into_iter().chain((1..=10).map(key)).collect();
    given::<Account>(ten.clone()).when(key(11)).then_expect_error(AccountError::TooManyKeys { max });
    let replaced = [ten, vec![revoke(3), key(11)]].concat();
    assert_eq!(state::<Account>(replaced).keys().count(), 10);
}

#[test]
fn clients_are_limited() {
    let max = Account::CLIENTS_MAX;
    let most: Vec<_> = [register()].into_iter().chain((0..max).map(|n| client(&n.to_string()))).collect();
    given::<Account>(most).when(client("one more")).then_expect_error(AccountError::TooMany { max });
}

#[test]
fn a_client_s_id_belongs_to_one_client() {
    let AccountCommand::IssueClient { client: issued, by } = client("one") else { unreachable!() };
    given::<Account>([register()])
        .when(client("one"))
        .then_expect_events(vec![AccountEvent::ClientIssued(issued.clone())]);
    let other = AccountCommand::IssueClient { client: IssuedClient { secret_hash: "another".into(), ..issued }, by };
    given::<Account>([register(), client("one")]).when(other).then_expect_error(AccountError::IdTaken);
}

#[test]
fn a_key_or_client_that_may_do_nothing_is_refused() {
    let nothing = Scopes::Only(vec![]);
    given::<Account>([register()]).when(key_with(41, nothing.clone(), None)).then_expect_error(AccountError::NoScopes);
    given::<Account>([register()]).when(client_with("one", nothing, None)).then_expect_error(AccountError::NoScopes);
}

#[test]
fn a_key_is_never_wider_than_its_maker() {
    let narrow = only(&[Scope::Read, Scope::KeysWrite]);
    let before = [register(), key_with(41, narrow, None)];
    for wider in [Scopes::Full, only(&[Scope::ImagesWrite]), only(&[Scope::RunsRead, Scope::Write])] {
        given::<Account>(before.clone())
            .when(key_with(42, wider.clone(), Some(41)))
            .then_expect_error(AccountError::WiderThanMaker);
        given::<Account>(before.clone())
            .when(client_with("one", wider, Some(41)))
            .then_expect_error(AccountError::WiderThanMaker);
    }
    let as_wide = [only(&[Scope::Read]), only(&[Scope::RunsRead, Scope::KeysWrite])];
    for scopes in as_wide {
        assert!(given::<Account>(before.clone()).when(key_with(42, scopes, Some(41))).inspect_result().is_ok());
    }
}

#[test]
fn what_is_the_operator_s_is_granted_from_the_command_line_only() {
    for scope in [Scope::Admin, Scope::AuditRead] {
        let scopes = only(&[scope]);
        let held = [register(), key_with(41, scopes.clone(), None)];
        given::<Account>(held.clone())
            .when(key_with(42, scopes.clone(), Some(41)))
            .then_expect_error(AccountError::OperatorsScope(scope));
        given::<Account>(held)
            .when(client_with("one", scopes, Some(41)))
            .then_expect_error(AccountError::OperatorsScope(scope));
    }
}

#[test]
fn a_revoked_key_makes_no_other() {
    let before = [register(), key(41), revoke(41)];
    for made_with in [41, 99] {
        given::<Account>(before.clone())
            .when(key_with(42, Scopes::Full, Some(made_with)))
            .then_expect_error(AccountError::KeyRevoked);
        given::<Account>(before.clone())
            .when(client_with("one", Scopes::Full, Some(made_with)))
            .then_expect_error(AccountError::KeyRevoked);
    }
}

#[test]
fn a_key_is_revoked_once() {
    let by_key = AccountCommand::RevokeKey { key_id: 41, by: ActsWith::Key(42) };
    given::<Account>([register(), key(41), key(42)])
        .when(by_key)
        .then_expect_events(vec![AccountEvent::KeyRevoked { key_id: 41, by_key: Some(42) }]);
    given::<Account>([register(), key(41), revoke(41)]).when(revoke(41)).then_expect_error(AccountError::NoSuchKey);
    given::<Account>([register()]).when(revoke(41)).then_expect_error(AccountError::NoSuchKey);
}

#[test]
fn a_client_is_revoked_once() {
    given::<Account>([register(), client("one")])
        .when(revoke_client())
        .then_expect_events(vec![AccountEvent::ClientRevoked { client_id: "one".into() }]);
    given::<Account>([register(), client("one"), revoke_client()])
        .when(revoke_client())
        .then_expect_error(AccountError::NoSuchClient);
}

#[test]
fn authorizing_yields_no_event_and_refuses_what_may_not_be() {
    let before = [register(), key_with(41, only(&[Scope::Generate]), None)];
    for (key_id, scope) in [(None, Scope::ImagesWrite), (Some(41), Scope::ImagesWrite), (Some(41), Scope::Generate)] {
        given::<Account>(before.clone()).when(authorize(key_id, scope)).then_expect_events(vec![]);
    }
    given::<Account>(before.clone())
        .when(authorize(Some(41), Scope::RunsRead))
        .then_expect_error(AccountError::MissingScope(Scope::RunsRead));
    given::<Account>(before.clone())
        .when(authorize(Some(42), Scope::ImagesWrite))
        .then_expect_error(AccountError::KeyRevoked);
    given::<Account>([&before[..], &[revoke(41)]].concat())
        .when(authorize(Some(41), Scope::ImagesWrite))
        .then_expect_error(AccountError::KeyRevoked);
}

/// A token of the client `one`.
fn token(scopes: &[Scope]) -> ActsWith {
    ActsWith::Client { client_id: "one".into(), scopes: only(scopes) }
}

#[test]
fn a_token_may_do_what_both_it_and_its_client_may_until_the_client_is_revoked() {
    let before = [register(), client_with("one", only(&[Scope::Read]), None)];
    let asks = |by: ActsWith, scope| AccountCommand::Authorize { by, scope };
    given::<Account>(before.clone()).when(asks(token(&[Scope::RunsRead]), Scope::RunsRead)).then_expect_events(vec![]);
    for (token, scope) in [
        (token(&[Scope::RunsRead]), Scope::ModelsRead),
        (token(&[Scope::ImagesWrite]), Scope::ImagesWrite),
        (token(&[Scope::Read]), Scope::ImagesWrite),
    ] {
        given::<Account>(before.clone()).when(asks(token, scope)).then_expect_error(AccountError::MissingScope(scope));
    }
    given::<Account>([&before[..], &[revoke_client()]].concat())
        .when(asks(token(&[Scope::Read]), Scope::RunsRead))
        .then_expect_error(AccountError::ClientRevoked);
}

#[test]
fn what_a_token_makes_is_never_wider_than_the_token_and_dies_with_its_client() {
    let before = [register(), client_with("one", only(&[Scope::Read, Scope::KeysWrite]), None)];
    let made_by = |scopes: Scopes, by: ActsWith| match key_with(42, scopes, None) {
        AccountCommand::IssueKey { key, .. } => AccountCommand::IssueKey { key, by },
        other => other,
    };
    let narrow = token(&[Scope::RunsRead, Scope::KeysWrite]);
    for wider in [Scopes::Full, only(&[Scope::ModelsRead]), only(&[Scope::ImagesWrite])] {
        given::<Account>(before.clone())
            .when(made_by(wider, narrow.clone()))
            .then_expect_error(AccountError::WiderThanMaker);
    }
    let fits = made_by(only(&[Scope::RunsRead]), narrow.clone());
    assert!(given::<Account>(before.clone()).when(fits.clone()).inspect_result().is_ok());
    given::<Account>([&before[..], &[revoke_client()]].concat())
        .when(fits)
        .then_expect_error(AccountError::ClientRevoked);
}

#[test]
fn a_person_has_everything_but_what_is_the_operator_s() {
    let asks = |scope| AccountCommand::Authorize { by: ActsWith::Person, scope };
    given::<Account>([register()]).when(asks(Scope::KeysWrite)).then_expect_events(vec![]);
    given::<Account>([register()]).when(asks(Scope::Admin)).then_expect_error(AccountError::MissingScope(Scope::Admin));
    let AccountCommand::IssueKey { key, .. } = key_with(41, only(&[Scope::Admin]), None) else { unreachable!() };
    given::<Account>([register()])
        .when(AccountCommand::IssueKey { key, by: ActsWith::Person })
        .then_expect_error(AccountError::OperatorsScope(Scope::Admin));
}
