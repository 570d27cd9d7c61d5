//! Accepting.

use super::*;

#[test]
fn a_request_is_accepted_with_all_that_later_questions_need() {
    given::<Run>([]).when(request()).then_expect_events(vec![RunEvent::Requested(Box::new(requested()))]);
}

#[test]
fn a_request_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Run>([], request());
}

#[test]
fn the_same_body_under_the_same_key_is_the_same_request_whatever_else_has_changed() {
    let mut later = requested();
    later.at = at(99);
    later.key_id = Some(77);
    later.request_id = "req_2".into();
    later.quote.price_book = "2027-01-01".into();
    later.creations.clear();
    later.provider = "another".into();
    given::<Run>([request()]).when(RunCommand::Request(Box::new(later))).then_expect_events(vec![]);
}

#[test]
fn another_body_under_the_same_key_is_another_request() {
    for change in [
        (|other| other.fingerprint = Some("0".repeat(64))) as fn(&mut RequestedRun),
        |other| other.fingerprint = None,
        |other| other.route = "POST /v1/videos/generations".into(),
        |other| other.account = crate::ids::AccountId(crate::event_book::sample_id("friend")),
    ] {
        let mut other = requested();
        change(&mut other);
        given::<Run>([request()]).when(RunCommand::Request(Box::new(other))).then_expect_error(RunError::OtherRequest);
    }
}

fn without_key() -> RequestedRun {
    RequestedRun { fingerprint: None, ..requested() }
}

#[test]
fn without_a_key_the_same_request_is_one_that_differs_only_in_moment_and_ids() {
    let accepted = RunCommand::Request(Box::new(without_key()));
    let mut again = without_key();
    again.at = at(99);
    again.request_id = "req_2".into();
    again.inputs = crate::ids::SealedId(crate::event_book::sample_id("other inputs"));
    again.creations.iter_mut().for_each(|creation| creation.number += 50);
    given::<Run>([accepted.clone()]).when(RunCommand::Request(Box::new(again.clone()))).then_expect_events(vec![]);
    again.creations.pop();
    given::<Run>([accepted.clone()])
        .when(RunCommand::Request(Box::new(again)))
        .then_expect_error(RunError::OtherRequest);
    let other = RequestedRun { private: true, ..without_key() };
    given::<Run>([accepted]).when(RunCommand::Request(Box::new(other))).then_expect_error(RunError::OtherRequest);
}

#[test]
fn a_request_for_nothing_or_for_too_much_is_refused() {
    let max = Run::OUTPUTS_MAX;
    let one = requested().creations[0];
    for count in [0, max + 1] {
        let request = RequestedRun { creations: vec![one; count], ..requested() };
        given::<Run>([])
            .when(RunCommand::Request(Box::new(request)))
            .then_expect_error(RunError::BadOutputCount { max });
    }
    let most = RequestedRun { creations: vec![one; max], ..requested() };
    assert_eq!(state::<Run>([RunCommand::Request(Box::new(most))]).status(), RunStatus::Queued);
}

#[test]
fn a_wish_to_stop_is_noted_once() {
    given::<Run>([request()])
        .when(wish_to_stop())
        .then_expect_events(vec![RunEvent::CancelRequested { by: "acct".into(), at: at(6) }]);
    said_twice_is_no_new_fact::<Run>([request(), intend()], wish_to_stop());
    let other = RunCommand::RequestCancel { by: "operator".into(), at: at(7) };
    given::<Run>([request(), wish_to_stop()]).when(other).then_expect_events(vec![]);
}
