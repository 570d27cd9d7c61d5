//! Succeeding, failing, being cancelled, being settled by hand.

use super::*;

const RUNNING: fn() -> [RunCommand; 2] = || [request(), intend()];

#[test]
fn a_run_that_delivered_everything_succeeds() {
    given::<Run>(RUNNING()).when(succeed()).then_expect_events(vec![RunEvent::Succeeded {
        attempt: 1,
        outputs: vec![OutputOutcome::Delivered; 2],
        ending: whole(),
    }]);
}

#[test]
fn a_run_that_delivered_a_part_succeeds_with_that_part() {
    let outputs = vec![failed_output(), OutputOutcome::Delivered];
    given::<Run>(RUNNING())
        .when(succeed_as(first(), outputs.clone(), half()))
        .then_expect_events(vec![RunEvent::Succeeded { attempt: 1, outputs, ending: half() }]);
}

#[test]
fn every_ending_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Run>(RUNNING(), succeed());
    said_twice_is_no_new_fact::<Run>(RUNNING(), fail());
    said_twice_is_no_new_fact::<Run>(RUNNING(), settle());
    said_twice_is_no_new_fact::<Run>([request()], fail_as(None, free(ChargingRule::RefusedBeforeSubmit)));
    said_twice_is_no_new_fact::<Run>([request()], cancel());
    let partly = vec![OutputOutcome::Delivered, failed_output()];
    let stopped = cancel_as(Some(first()), partly, ending(ChargingRule::CancelledWhileRunning, &[(LotKind::Paid, 3)]));
    said_twice_is_no_new_fact::<Run>(RUNNING(), stopped);
}

#[test]
fn an_outcome_is_named_for_each_output_asked_for() {
    for given_count in [0, 1, 3] {
        let outputs = vec![OutputOutcome::Delivered; given_count];
        let error = RunError::OutcomeCount { given: given_count, asked: 2 };
        given::<Run>(RUNNING()).when(succeed_as(first(), outputs.clone(), whole())).then_expect_error(error.clone());
        if given_count > 0 {
            let stopped = ending(ChargingRule::CancelledWhileRunning, &[(LotKind::Paid, 3)]);
            given::<Run>(RUNNING()).when(cancel_as(Some(first()), outputs, stopped)).then_expect_error(error);
        }
    }
}

#[test]
fn a_success_that_delivers_nothing_is_none() {
    given::<Run>(RUNNING())
        .when(succeed_as(first(), vec![failed_output(); 2], free(ChargingRule::OutputModerated)))
        .then_expect_error(RunError::DeliveryMismatch);
}

/// Every command that ends a run, with an ending of one's choice.
fn endings(ending: &Ending) -> Vec<RunCommand> {
    let outputs = || vec![OutputOutcome::Delivered; 2];
    vec![
        succeed_as(first(), outputs(), ending.clone()),
        fail_as(Some(first()), ending.clone()),
        cancel_as(Some(first()), outputs(), ending.clone()),
        settle_as(ending.clone()),
    ]
}

#[test]
fn no_ending_captures_more_than_was_held() {
    let too_much = ending(ChargingRule::Delivered, &[(LotKind::Paid, 7)]);
    for command in endings(&too_much) {
        given::<Run>(RUNNING())
            .when(command)
            .then_expect_error(RunError::CapturedTooMuch { captured: c("7"), held: c("6") });
    }
}

#[test]
fn no_ending_captures_other_than_the_sum_of_its_parts() {
    let part = |amount| CapturedPart { kind: LotKind::Paid, amount: c(amount) };
    for (captured, parts) in [
        ("3", vec![part("2")]),
        ("3", vec![]),
        ("0", vec![part("1")]),
        ("3", vec![part("4"), part("-1")]),
        ("-1", vec![part("-1")]),
        ("3", vec![part("3"), part("0")]),
    ] {
        let crooked = Ending { captured: c(captured), captured_parts: parts, ..whole() };
        for command in endings(&crooked) {
            given::<Run>(RUNNING())
                .when(command)
                .then_expect_error(RunError::CapturedTooMuch { captured: c(captured), held: c("6") });
        }
    }
}

#[test]
fn no_run_ends_by_the_rule_that_keeps_it_open() {
    for command in endings(&free(ChargingRule::OutcomeUnknown)) {
        given::<Run>(RUNNING()).when(command).then_expect_error(RunError::DeliveryMismatch);
    }
}

#[test]
fn a_failure_charges_nothing() {
    given::<Run>(RUNNING()).when(fail()).then_expect_events(vec![RunEvent::Failed {
        attempt: Some(1),
        reason: reason("provider_failed"),
        ending: free(ChargingRule::ProviderFailed),
    }]);
    let charging = ending(ChargingRule::ProviderFailed, &[(LotKind::Paid, 1)]);
    given::<Run>(RUNNING()).when(fail_as(Some(first()), charging)).then_expect_error(RunError::DeliveryMismatch);
}

#[test]
fn a_run_that_was_never_sent_fails_without_an_attempt() {
    let refused = fail_as(None, free(ChargingRule::RefusedBeforeSubmit));
    for before in [vec![request()], vec![request(), intend(), disprove()]] {
        given::<Run>(before).when(refused.clone()).then_expect_events(vec![RunEvent::Failed {
            attempt: None,
            reason: reason("provider_failed"),
            ending: free(ChargingRule::RefusedBeforeSubmit),
        }]);
    }
}

#[test]
fn a_run_under_way_is_ended_only_by_who_names_its_attempt() {
    let live = RunError::AttemptLive { attempt: 1 };
    given::<Run>(RUNNING())
        .when(fail_as(None, free(ChargingRule::RefusedBeforeSubmit)))
        .then_expect_error(live.clone());
    given::<Run>(RUNNING()).when(cancel()).then_expect_error(live);
    given::<Run>([request()]).when(fail()).then_expect_error(RunError::NotTheAttempt { attempt: 1 });
}

#[test]
fn an_outcome_that_stays_unknown_fails_at_no_cost() {
    let never_known = fail_as(Some(first()), free(ChargingRule::OutcomeNeverKnown));
    let run = state::<Run>([request(), intend(), unknown(), never_known]);
    assert_eq!((run.status(), run.unknown_until()), (RunStatus::Failed, None));
    assert!(run.ending().unwrap().captured.is_zero());
}

#[test]
fn a_run_that_waits_is_cancelled_at_no_cost() {
    given::<Run>([request()]).when(cancel()).then_expect_events(vec![RunEvent::Cancelled {
        attempt: None,
        by: "acct".into(),
        outputs: vec![],
        ending: free(ChargingRule::CancelledWhileQueued),
    }]);
}

#[test]
fn a_run_cancelled_while_running_pays_for_what_the_provider_confirms() {
    let outputs = vec![OutputOutcome::Delivered, failed_output()];
    let paid = ending(ChargingRule::CancelledWhileRunning, &[(LotKind::Paid, 3)]);
    given::<Run>([request(), intend(), wish_to_stop()])
        .when(cancel_as(Some(first()), outputs.clone(), paid.clone()))
        .then_expect_events(vec![RunEvent::Cancelled { attempt: Some(1), by: "acct".into(), outputs, ending: paid }]);
}

#[test]
fn a_cancelled_run_pays_exactly_if_something_was_delivered() {
    let delivered = || vec![OutputOutcome::Delivered, failed_output()];
    let nothing = free(ChargingRule::CancelledWhileRunning);
    let paid = ending(ChargingRule::CancelledWhileRunning, &[(LotKind::Paid, 3)]);
    for (attempt, outputs, ending) in [
        (Some(first()), delivered(), nothing.clone()),
        (Some(first()), vec![], paid.clone()),
        (Some(first()), vec![failed_output(); 2], paid.clone()),
    ] {
        given::<Run>(RUNNING()).when(cancel_as(attempt, outputs, ending)).then_expect_error(RunError::DeliveryMismatch);
    }
    // Nothing can have been delivered of what was never sent.
    given::<Run>([request()]).when(cancel_as(None, delivered(), paid)).then_expect_error(RunError::DeliveryMismatch);
}

#[test]
fn the_operator_ends_a_run_by_hand_at_no_cost() {
    for before in [vec![request()], vec![request(), intend()], vec![request(), intend(), unknown()]] {
        given::<Run>(before).when(settle()).then_expect_events(vec![RunEvent::SettledByHand {
            by: "operator".into(),
            reason: reason("invoice_says_no"),
            ending: free(ChargingRule::OutcomeNeverKnown),
        }]);
    }
    given::<Run>(RUNNING()).when(settle_as(half())).then_expect_error(RunError::DeliveryMismatch);
}
