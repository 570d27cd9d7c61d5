//! Attempts: intended, taken over, submitted, disproved, unknown.

use super::*;

#[test]
fn an_attempt_is_written_down_before_it_is_sent() {
    given::<Run>([request()]).when(intend()).then_expect_events(vec![RunEvent::SubmitIntended {
        attempt: 1,
        provider: "sandbox".into(),
        client_id: "run_1".into(),
        node: "a".into(),
        submit_by: at(60),
        at: at(1),
    }]);
}

#[test]
fn an_intention_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Run>([request()], intend());
}

#[test]
fn there_is_never_a_second_live_attempt() {
    for before in [
        vec![request(), intend()],
        vec![request(), intend(), submitted()],
        vec![request(), intend(), unknown()],
        vec![request(), intend(), take_over("a", "b")],
    ] {
        given::<Run>(before).when(intend_as("run_2", "c")).then_expect_error(RunError::AttemptLive { attempt: 1 });
    }
}

#[test]
fn the_same_attempt_may_not_be_sent_by_another_node_or_until_later() {
    let live = RunError::AttemptLive { attempt: 1 };
    given::<Run>([request(), intend()]).when(intend_as("run_1", "b")).then_expect_error(live.clone());
    let later = RunCommand::IntendSubmit { client_id: "run_1".into(), node: "a".into(), submit_by: at(61), at: at(1) };
    given::<Run>([request(), intend()]).when(later).then_expect_error(live);
}

#[test]
fn after_a_disproved_attempt_another_follows_under_an_id_of_its_own() {
    let disproved = [request(), intend(), disprove()];
    assert_eq!(state::<Run>([&disproved[..], &[intend_as("run_2", "a")]].concat()).attempt().unwrap().number, 2);
    let second = state::<Run>([&disproved[..], &[intend_as("run_2", "a")]].concat());
    let earlier: Vec<_> = second.earlier_attempts().iter().map(|attempt| attempt.client_id.as_str()).collect();
    assert_eq!(earlier, ["run_1"]);
    // What was proven of the first id would else be said of the second attempt, too.
    given::<Run>(disproved).when(intend()).then_expect_error(RunError::NotTheAttempt { attempt: 1 });
}

#[test]
fn attempts_are_limited() {
    let max = Run::ATTEMPTS_MAX;
    let mut commands = vec![request()];
    for number in 1..=max {
        commands.push(intend_as(&format!("run_{number}"), "a"));
        commands.push(disprove_as(by_node(number, "a")));
    }
    given::<Run>(commands).when(intend_as("run_last", "a")).then_expect_error(RunError::TooManyAttempts { max });
}

#[test]
fn another_node_carries_an_attempt_on() {
    given::<Run>([request(), intend()]).when(take_over("a", "b")).then_expect_events(vec![RunEvent::TakenOver {
        attempt: 1,
        node: "b".into(),
        at: at(2),
    }]);
    said_twice_is_no_new_fact::<Run>([request(), intend(), submitted()], take_over("a", "b"));
    said_twice_is_no_new_fact::<Run>([request(), intend(), unknown()], take_over("a", "b"));
}

#[test]
fn a_node_that_was_replaced_is_refused_whatever_it_says() {
    let before = [request(), intend(), take_over("a", "b")];
    for command in on_attempt(&first()) {
        given::<Run>(before.clone()).when(command).then_expect_error(RunError::Replaced { attempt: 1 });
    }
}

#[test]
fn only_the_attempt_under_way_can_be_spoken_of() {
    let before = [request(), intend(), disprove(), intend_as("run_2", "a")];
    for command in on_attempt(&first()) {
        given::<Run>(before.clone()).when(command).then_expect_error(RunError::NotTheAttempt { attempt: 1 });
    }
    for command in on_attempt(&by_node(3, "a")) {
        given::<Run>(before.clone()).when(command).then_expect_error(RunError::NotTheAttempt { attempt: 3 });
        given::<Run>([request()])
            .when(disprove_as(by_node(3, "a")))
            .then_expect_error(RunError::NotTheAttempt { attempt: 3 });
    }
}

#[test]
fn nothing_more_is_said_of_a_disproved_attempt() {
    for command in on_attempt(&first()) {
        if command == disprove() {
            given::<Run>([request(), intend(), disprove()]).when(command).then_expect_events(vec![]);
        } else {
            given::<Run>([request(), intend(), disprove()])
                .when(command)
                .then_expect_error(RunError::NotTheAttempt { attempt: 1 });
        }
    }
    given::<Run>([request(), intend(), disprove()])
        .when(take_over("a", "a"))
        .then_expect_error(RunError::NotTheAttempt { attempt: 1 });
}

#[test]
fn the_provider_s_id_is_recorded_once() {
    given::<Run>([request(), intend()]).when(submitted()).then_expect_events(vec![RunEvent::Submitted {
        attempt: 1,
        provider_request_id: "prv-1".into(),
        at: at(3),
    }]);
    said_twice_is_no_new_fact::<Run>([request(), intend()], submitted());
    given::<Run>([request(), intend(), submitted()])
        .when(submitted_as(first(), "prv-2"))
        .then_expect_error(RunError::OtherSubmission { attempt: 1 });
}

#[test]
fn a_probe_that_finds_the_job_ends_the_doubt() {
    let doubted = [request(), intend(), submitted(), unknown()];
    said_twice_is_no_new_fact::<Run>(doubted.clone(), submitted());
    let run = state::<Run>([&doubted[..], &[submitted()]].concat());
    assert_eq!((run.status(), run.unknown_until()), (RunStatus::Running, None));
}

#[test]
fn an_attempt_that_provably_never_arrived_puts_the_run_back_in_the_queue() {
    given::<Run>([request(), intend(), unknown()])
        .when(disprove())
        .then_expect_events(vec![RunEvent::SubmitDisproved { attempt: 1, reason: reason("not_sent"), at: at(4) }]);
    said_twice_is_no_new_fact::<Run>([request(), intend()], disprove());
    let run = state::<Run>([request(), intend(), unknown(), disprove()]);
    assert_eq!((run.status(), run.unknown_until()), (RunStatus::Queued, None));
}

#[test]
fn what_the_provider_took_cannot_be_called_unsent() {
    given::<Run>([request(), intend(), submitted()]).when(disprove()).then_expect_error(RunError::AlreadySent);
    given::<Run>([request(), intend(), submitted(), unknown()])
        .when(disprove())
        .then_expect_error(RunError::AlreadySent);
}

#[test]
fn a_doubt_has_a_deadline_that_saying_it_again_does_not_move() {
    given::<Run>([request(), intend()]).when(unknown()).then_expect_events(vec![RunEvent::OutcomeUnknown {
        attempt: 1,
        reason: reason("reply_lost"),
        until: at(86_400),
        at: at(5),
    }]);
    said_twice_is_no_new_fact::<Run>([request(), intend()], unknown());
    let later = RunCommand::MarkUnknown { attempt: first(), reason: reason("still"), until: at(99_999), at: at(50) };
    given::<Run>([request(), intend(), unknown()]).when(later).then_expect_events(vec![]);
}

#[test]
fn a_run_that_is_to_be_stopped_is_not_sent_any_more() {
    given::<Run>([request(), wish_to_stop()]).when(intend()).then_expect_error(RunError::CancelRequested);
    let disproved = [request(), intend(), wish_to_stop(), disprove()];
    given::<Run>(disproved).when(intend_as("run_2", "a")).then_expect_error(RunError::CancelRequested);
    // What was written down before the wish stays written down.
    given::<Run>([request(), intend(), wish_to_stop()]).when(intend()).then_expect_events(vec![]);
}
