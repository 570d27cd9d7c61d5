//! Given, when, then: every command and every refusal of a run.

mod attempts;
mod bills;
mod endings;
mod refunds;
mod requests;

use super::samples::{ending, reason, requested};
use super::*;
use crate::money::ChargingRule;
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};
use crate::wallet::LotKind;

fn request() -> RunCommand {
    RunCommand::Request(Box::new(requested()))
}

fn intend_as(client_id: &str, node: &str) -> RunCommand {
    RunCommand::IntendSubmit { client_id: client_id.into(), node: node.into(), submit_by: at(60), at: at(1) }
}

/// Node a is about to send attempt 1.
fn intend() -> RunCommand {
    intend_as("run_1", "a")
}

fn by_node(number: u32, node: &str) -> AttemptRef {
    AttemptRef { number, node: node.into() }
}

/// Attempt 1 as node a carries it.
fn first() -> AttemptRef {
    by_node(1, "a")
}

fn take_over(from: &str, to: &str) -> RunCommand {
    RunCommand::TakeOver { attempt: by_node(1, from), node: to.into(), at: at(2) }
}

fn submitted_as(attempt: AttemptRef, id: &str) -> RunCommand {
    RunCommand::RecordSubmitted { attempt, provider_request_id: id.into(), at: at(3) }
}

fn submitted() -> RunCommand {
    submitted_as(first(), "prv-1")
}

fn disprove_as(attempt: AttemptRef) -> RunCommand {
    RunCommand::DisproveSubmit { attempt, reason: reason("not_sent"), at: at(4) }
}

fn disprove() -> RunCommand {
    disprove_as(first())
}

fn unknown_as(attempt: AttemptRef) -> RunCommand {
    RunCommand::MarkUnknown { attempt, reason: reason("reply_lost"), until: at(86_400), at: at(5) }
}

fn unknown() -> RunCommand {
    unknown_as(first())
}

fn wish_to_stop() -> RunCommand {
    RunCommand::RequestCancel { by: "acct".into(), at: at(6) }
}

fn failed_output() -> OutputOutcome {
    OutputOutcome::Failed(reason("moderated"))
}

/// Both pictures, six credits.
fn whole() -> Ending {
    ending(ChargingRule::Delivered, &[(LotKind::Free, 1), (LotKind::Paid, 5)])
}

/// One picture of two, three credits.
fn half() -> Ending {
    ending(ChargingRule::PartialDelivery, &[(LotKind::Free, 1), (LotKind::Paid, 2)])
}

/// Nothing.
fn free(rule: ChargingRule) -> Ending {
    ending(rule, &[])
}

fn succeed_as(attempt: AttemptRef, outputs: Vec<OutputOutcome>, ending: Ending) -> RunCommand {
    RunCommand::Succeed { attempt, outputs, ending }
}

fn succeed() -> RunCommand {
    succeed_as(first(), vec![OutputOutcome::Delivered; 2], whole())
}

fn fail_as(attempt: Option<AttemptRef>, ending: Ending) -> RunCommand {
    RunCommand::Fail { attempt, reason: reason("provider_failed"), ending }
}

fn fail() -> RunCommand {
    fail_as(Some(first()), free(ChargingRule::ProviderFailed))
}

fn cancel_as(attempt: Option<AttemptRef>, outputs: Vec<OutputOutcome>, ending: Ending) -> RunCommand {
    RunCommand::Cancel { attempt, by: "acct".into(), outputs, ending }
}

/// While it waits.
fn cancel() -> RunCommand {
    cancel_as(None, vec![], free(ChargingRule::CancelledWhileQueued))
}

fn settle_as(ending: Ending) -> RunCommand {
    RunCommand::SettleByHand { by: "operator".into(), reason: reason("invoice_says_no"), ending }
}

fn settle() -> RunCommand {
    settle_as(free(ChargingRule::OutcomeNeverKnown))
}

/// Every command on an attempt, as said by whoever carries it.
fn on_attempt(attempt: &AttemptRef) -> Vec<RunCommand> {
    vec![
        RunCommand::TakeOver { attempt: attempt.clone(), node: "z".into(), at: at(9) },
        submitted_as(attempt.clone(), "prv-9"),
        unknown_as(attempt.clone()),
        succeed_as(attempt.clone(), vec![OutputOutcome::Delivered; 2], whole()),
        fail_as(Some(attempt.clone()), free(ChargingRule::ProviderFailed)),
        cancel_as(Some(attempt.clone()), vec![], free(ChargingRule::CancelledWhileRunning)),
        disprove_as(attempt.clone()),
    ]
}

#[test]
fn a_run_that_was_never_requested_is_not_found_by_any_command() {
    let mut commands = on_attempt(&first());
    commands.extend([intend(), wish_to_stop(), cancel(), settle(), fail_as(None, free(ChargingRule::ProviderFailed))]);
    commands.push(refunds::refund("r", "1", &[(LotKind::Free, "1")]));
    for command in commands {
        given::<Run>([]).when(command).then_expect_error(RunError::NotFound);
    }
}

#[test]
fn a_run_that_has_ended_stays_as_it_is() {
    let endings = [
        (vec![request(), intend(), succeed()], RunStatus::Succeeded),
        (vec![request(), intend(), fail()], RunStatus::Failed),
        (vec![request(), cancel()], RunStatus::Cancelled),
        (vec![request(), intend(), settle()], RunStatus::Failed),
    ];
    for (before, status) in endings {
        assert_eq!(state::<Run>(before.clone()).status(), status);
        let other = RunCommand::Fail {
            attempt: None,
            reason: reason("otherwise"),
            ending: free(ChargingRule::RefusedBeforeSubmit),
        };
        let otherwise = cancel_as(Some(first()), vec![], free(ChargingRule::CancelledWhileRunning));
        let by_hand = RunCommand::SettleByHand {
            by: "operator".into(),
            reason: reason("otherwise"),
            ending: free(ChargingRule::SettledByHand),
        };
        let mut commands = vec![
            intend(),
            intend_as("run_2", "b"),
            take_over("a", "b"),
            take_over("a", "a"),
            submitted(),
            disprove(),
            unknown(),
            wish_to_stop(),
            succeed_as(first(), vec![OutputOutcome::Delivered, failed_output()], half()),
        ];
        commands.extend([other, otherwise, by_hand]);
        for command in commands {
            given::<Run>(before.clone()).when(command).then_expect_error(RunError::Ended(status));
        }
    }
}

#[test]
fn a_run_says_where_it_stands() {
    let status = |commands: Vec<RunCommand>| state::<Run>(commands).status();
    assert_eq!(status(vec![]), RunStatus::None);
    assert_eq!(status(vec![request()]), RunStatus::Queued);
    assert_eq!(status(vec![request(), intend()]), RunStatus::Running);
    assert_eq!(status(vec![request(), intend(), unknown()]), RunStatus::OutcomeUnknown);
    assert_eq!(status(vec![request(), intend(), unknown(), submitted()]), RunStatus::Running);
    assert_eq!(status(vec![request(), intend(), unknown(), disprove()]), RunStatus::Queued);
    assert!(!RunStatus::OutcomeUnknown.is_ended());
    assert!(RunStatus::Cancelled.is_ended());
}

#[test]
fn a_run_shows_what_it_knows() {
    let run = state::<Run>([request(), intend(), unknown(), wish_to_stop()]);
    assert_eq!(run.unknown_until(), Some(at(86_400)));
    assert_eq!(run.changed_at(), Some(at(6)));
    assert_eq!(run.cancel_requested_by(), Some("acct"));
    assert_eq!(run.attempt().map(|attempt| attempt.state.clone()), Some(AttemptState::Intended));
    let run = state::<Run>([
        request(),
        intend(),
        succeed_as(first(), vec![OutputOutcome::Delivered, failed_output()], half()),
    ]);
    assert_eq!(run.outputs(), [OutputOutcome::Delivered, failed_output()]);
    assert_eq!(run.ending(), Some(&half()));
    assert_eq!(run.failure(), None);
    let run = state::<Run>([request(), cancel()]);
    assert_eq!(run.failure().map(|failure| failure.code.as_str()), Some("cancelled"));
}
