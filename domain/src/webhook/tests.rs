//! Given, when, then: every command and every refusal of an endpoint and a roster.

use super::samples::created;
use super::*;
use crate::event_book::sample_id;
use crate::ids::{SealedId, WebhookEndpointId};
use crate::testing::{at, given, said_twice_is_no_new_fact, state};

fn create() -> WebhookCommand {
    WebhookCommand::Create(Box::new(created()))
}

fn warn() -> WebhookCommand {
    WebhookCommand::WarnFailing { failing_since: at(0), at: at(9) }
}

fn disable(cause: DisabledCause) -> WebhookCommand {
    WebhookCommand::Disable { cause, at: at(10) }
}

fn enable() -> WebhookCommand {
    WebhookCommand::Enable { at: at(11) }
}

fn delete() -> WebhookCommand {
    WebhookCommand::Delete { at: at(12) }
}

fn rotate(name: &str) -> WebhookCommand {
    WebhookCommand::RotateSecret { secret: SealedId(sample_id(name)), previous_until: at(100), at: at(5) }
}

fn change_of(of: &str, settings: Option<&str>, topics: Option<Vec<Topic>>) -> WebhookCommand {
    let sealed = |name| SealedId(sample_id(name));
    let settings = settings.map(|name| NewSettings { of: sealed(of), settings: sealed(name) });
    WebhookCommand::Change { settings, topics, at: at(3) }
}

fn change(settings: Option<&str>, topics: Option<Vec<Topic>>) -> WebhookCommand {
    change_of("settings", settings, topics)
}

#[test]
fn what_was_made_of_settings_that_are_not_there_any_more_is_refused() {
    let moved = [create(), change(Some("moved"), None)];
    given::<WebhookEndpoint>(moved.clone())
        .when(change(Some("described"), None))
        .then_expect_error(WebhookError::ChangedMeanwhile);
    let both = change_of("moved", Some("described"), None);
    let event = WebhookEvent::Changed { settings: Some(SealedId(sample_id("described"))), topics: None, at: at(3) };
    given::<WebhookEndpoint>(moved.clone()).when(both).then_expect_events(vec![event]);
    said_twice_is_no_new_fact::<WebhookEndpoint>([create()], change(Some("moved"), None));
    let topics = WebhookEvent::Changed { settings: None, topics: Some(vec![Topic::BatchFailed]), at: at(3) };
    given::<WebhookEndpoint>(moved).when(change(None, Some(vec![Topic::BatchFailed]))).then_expect_events(vec![topics]);
}

#[test]
fn who_chooses_what_was_told_anyway_has_chosen() {
    let unchosen = CreatedWebhook { topics_unchosen: true, ..created() };
    let made = [WebhookCommand::Create(Box::new(unchosen))];
    let choose = change(None, Some(Topic::DEFAULT.to_vec()));
    let event = WebhookEvent::Changed { settings: None, topics: Some(Topic::DEFAULT.to_vec()), at: at(3) };
    given::<WebhookEndpoint>(made.clone()).when(choose.clone()).then_expect_events(vec![event]);
    said_twice_is_no_new_fact::<WebhookEndpoint>(made, choose);
}

#[test]
fn while_the_secret_before_still_signs_there_is_no_third_unless_all_earlier_ones_end_at_once() {
    let rotated = [create(), rotate("secret 2")];
    given::<WebhookEndpoint>(rotated.clone())
        .when(rotate("secret 3"))
        .then_expect_error(WebhookError::OverlapLasts { until: at(100) });
    let said = WebhookError::OverlapLasts { until: at(100) }.to_string();
    assert!(said.contains(&at(100).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)), "{said}");
    let third = |until, now| WebhookCommand::RotateSecret {
        secret: SealedId(sample_id("secret 3")),
        previous_until: until,
        at: now,
    };
    let event = |until, now| WebhookEvent::SecretRotated {
        secret: SealedId(sample_id("secret 3")),
        previous_until: until,
        at: now,
    };
    let at_once = vec![event(at(6), at(6))];
    given::<WebhookEndpoint>(rotated.clone()).when(third(at(6), at(6))).then_expect_events(at_once);
    let afterwards = vec![event(at(300), at(100))];
    given::<WebhookEndpoint>(rotated).when(third(at(300), at(100))).then_expect_events(afterwards);
}

#[test]
fn an_endpoint_is_made_once_and_is_told_about_something() {
    given::<WebhookEndpoint>([]).when(create()).then_expect_events(vec![WebhookEvent::Created(Box::new(created()))]);
    said_twice_is_no_new_fact::<WebhookEndpoint>([], create());
    let nothing = CreatedWebhook { topics: vec![], ..created() };
    given::<WebhookEndpoint>([])
        .when(WebhookCommand::Create(Box::new(nothing)))
        .then_expect_error(WebhookError::NoTopics);
    let other = CreatedWebhook { topics: vec![Topic::CreditsLow], ..created() };
    given::<WebhookEndpoint>([create()])
        .when(WebhookCommand::Create(Box::new(other)))
        .then_expect_error(WebhookError::OtherEndpoint);
}

#[test]
fn what_stays_as_it_was_is_no_change() {
    let kept = change(Some("settings"), Some(Topic::DEFAULT.to_vec()));
    given::<WebhookEndpoint>([create()]).when(kept).then_expect_events(vec![]);
    let expected = WebhookEvent::Changed { settings: None, topics: Some(vec![Topic::BatchFailed]), at: at(3) };
    let narrowed = change(Some("settings"), Some(vec![Topic::BatchFailed]));
    given::<WebhookEndpoint>([create()]).when(narrowed).then_expect_events(vec![expected]);
    given::<WebhookEndpoint>([create()]).when(change(None, Some(vec![]))).then_expect_error(WebhookError::NoTopics);
    let changed = state::<WebhookEndpoint>([create(), change(Some("elsewhere"), None)]);
    assert_eq!(changed.current().unwrap().settings, SealedId(sample_id("elsewhere")));
    assert_eq!(changed.current().unwrap().topics, Topic::DEFAULT);
}

#[test]
fn a_secret_that_is_replaced_signs_for_a_while() {
    let rotated = state::<WebhookEndpoint>([create(), rotate("secret 2")]);
    assert_eq!(rotated.current().unwrap().secret, SealedId(sample_id("secret 2")));
    assert_eq!(rotated.previous(), Some(Previous { secret: SealedId(sample_id("secret")), until: at(100) }));
    said_twice_is_no_new_fact::<WebhookEndpoint>([create()], rotate("secret 2"));
}

#[test]
fn nobody_is_disabled_for_failing_without_a_warning() {
    given::<WebhookEndpoint>([create()])
        .when(disable(DisabledCause::Failing))
        .then_expect_error(WebhookError::NotWarned);
    let event = WebhookEvent::Disabled { cause: DisabledCause::Failing, at: at(10) };
    given::<WebhookEndpoint>([create(), warn()]).when(disable(DisabledCause::Failing)).then_expect_events(vec![event]);
    said_twice_is_no_new_fact::<WebhookEndpoint>([create()], warn());
    // Enabled again, it is warned again before it is disabled again.
    let again = [create(), warn(), disable(DisabledCause::Failing), enable()];
    assert_eq!(state::<WebhookEndpoint>(again.clone()).warned_at(), None);
    given::<WebhookEndpoint>(again).when(disable(DisabledCause::Failing)).then_expect_error(WebhookError::NotWarned);
}

#[test]
fn an_owner_disables_and_enables_at_will() {
    said_twice_is_no_new_fact::<WebhookEndpoint>([create()], disable(DisabledCause::Owner));
    given::<WebhookEndpoint>([create()]).when(enable()).then_expect_events(vec![]);
    let off = state::<WebhookEndpoint>([create(), disable(DisabledCause::Owner)]);
    assert_eq!(off.status(), EndpointStatus::Disabled(DisabledCause::Owner));
    assert_eq!(off.changed_at(), Some(at(10)));
    given::<WebhookEndpoint>([create(), disable(DisabledCause::Owner)]).when(warn()).then_expect_events(vec![]);
}

#[test]
fn what_was_deleted_is_gone_for_good() {
    let gone = [create(), delete()];
    assert_eq!(state::<WebhookEndpoint>(gone.clone()).account(), None);
    for command in [change(Some("x"), None), rotate("x"), warn(), disable(DisabledCause::Owner), enable()] {
        given::<WebhookEndpoint>(gone.clone()).when(command.clone()).then_expect_error(WebhookError::NotFound);
        given::<WebhookEndpoint>([]).when(command).then_expect_error(WebhookError::NotFound);
    }
    given::<WebhookEndpoint>(gone.clone()).when(create()).then_expect_error(WebhookError::OtherEndpoint);
    given::<WebhookEndpoint>([]).when(delete()).then_expect_error(WebhookError::NotFound);
    said_twice_is_no_new_fact::<WebhookEndpoint>([create()], delete());
}

fn endpoint(number: usize) -> WebhookEndpointId {
    WebhookEndpointId(sample_id(&format!("endpoint {number}")))
}

fn add(number: usize) -> RosterCommand {
    RosterCommand::Add { endpoint: endpoint(number), at: at(0) }
}

#[test]
fn an_account_has_so_many_endpoints_and_no_more() {
    let full: Vec<RosterCommand> = (0..WebhookRoster::ENDPOINTS_MAX).map(add).collect();
    given::<WebhookRoster>(full.clone()).when(add(99)).then_expect_error(RosterError::TooMany { max: 20 });
    given::<WebhookRoster>(full.clone()).when(add(3)).then_expect_events(vec![]);
    let remove = RosterCommand::Remove { endpoint: endpoint(3), at: at(1) };
    said_twice_is_no_new_fact::<WebhookRoster>(full.clone(), remove.clone());
    let mut less = full;
    less.push(remove);
    let event = RosterEvent::Added { endpoint: endpoint(99), at: at(0) };
    given::<WebhookRoster>(less.clone()).when(add(99)).then_expect_events(vec![event]);
    assert_eq!(state::<WebhookRoster>(less).endpoints().len(), 19);
}
