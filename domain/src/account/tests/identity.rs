//! Registration, profile, tier, suspension, erasure.

use super::*;

#[test]
fn a_person_registers() {
    given::<Account>([]).when(register()).then_expect_events(vec![AccountEvent::Registered {
        user_id: 12,
        profile: sealed("profile"),
        username_claim: "a1".into(),
        email_claim: "b2".into(),
        tier: Tier::Pro,
    }]);
    let account = state::<Account>([register()]);
    assert_eq!((account.user_id(), account.tier()), (Some(12), Tier::Pro));
    assert_eq!(account.profile(), Some(sealed("profile")));
}

#[test]
fn everything_about_a_person_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Account>([], register());
    said_twice_is_no_new_fact::<Account>([register()], AccountCommand::ChangeProfile { profile: sealed("profile 2") });
    said_twice_is_no_new_fact::<Account>([register()], AccountCommand::ChangeTier { tier: Tier::Basic });
    said_twice_is_no_new_fact::<Account>([register()], suspend());
    said_twice_is_no_new_fact::<Account>([register(), suspend()], AccountCommand::Reinstate);
    said_twice_is_no_new_fact::<Account>([register()], erase());
}

#[test]
fn an_account_s_id_belongs_to_one_person() {
    given::<Account>([register()]).when(register_as(13)).then_expect_error(AccountError::Exists);
    given::<Account>([register(), erase()]).when(register_as(13)).then_expect_error(AccountError::Exists);
    given::<Account>([register(), erase()]).when(register()).then_expect_events(vec![]);
}

#[test]
fn profile_and_tier_change() {
    let profile = sealed("profile 2");
    given::<Account>([register()])
        .when(AccountCommand::ChangeProfile { profile })
        .then_expect_events(vec![AccountEvent::ProfileChanged { profile }]);
    given::<Account>([register()])
        .when(AccountCommand::ChangeTier { tier: Tier::Unlimited })
        .then_expect_events(vec![AccountEvent::TierChanged { tier: Tier::Unlimited }]);
    given::<Account>([register()]).when(AccountCommand::ChangeTier { tier: Tier::Pro }).then_expect_events(vec![]);
}

#[test]
fn a_suspended_account_is_authorized_for_nothing_until_it_is_reinstated() {
    given::<Account>([register()])
        .when(suspend())
        .then_expect_events(vec![AccountEvent::Suspended { reason: "chargeback".into() }]);
    for key_id in [None, Some(41), Some(99)] {
        given::<Account>([register(), key(41), suspend()])
            .when(authorize(key_id, Scope::RunsRead))
            .then_expect_error(AccountError::Suspended);
    }
    assert_eq!(state::<Account>([register(), suspend()]).suspended(), Some("chargeback"));
    given::<Account>([register(), key(41), suspend(), AccountCommand::Reinstate])
        .when(authorize(Some(41), Scope::RunsRead))
        .then_expect_events(vec![]);
    given::<Account>([register()]).when(AccountCommand::Reinstate).then_expect_events(vec![]);
}

#[test]
fn an_erased_person_leaves_no_key_and_no_client() {
    given::<Account>([register()])
        .when(erase())
        .then_expect_events(vec![AccountEvent::Erased { by: "operator".into() }]);
    let account = state::<Account>([register(), key(41), client("one"), erase()]);
    assert!(account.is_erased());
    assert_eq!((account.keys().count(), account.clients().count()), (0, 0));
}

#[test]
fn every_tier_is_read_by_its_name() {
    for tier in Tier::ALL {
        assert_eq!(tier.to_string().parse(), Ok(tier));
        assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
    }
    assert!("gold".parse::<Tier>().unwrap_err().contains("enterprise"));
}
