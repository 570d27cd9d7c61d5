//! A bill that comes late.

use super::*;

fn cost(amount: &str) -> ReportedCost {
    ReportedCost { amount: amount.into(), currency: "USD".into() }
}

fn bill_of(attempt: u32, amount: &str) -> RunCommand {
    RunCommand::BillLate { attempt, reported_cost: cost(amount), at: at(90) }
}

#[test]
fn a_late_bill_of_a_run_that_was_closed_at_no_cost_is_kept() {
    for end in [settle(), fail(), cancel_as(Some(first()), vec![], free(ChargingRule::CancelledWhileRunning))] {
        let before = [request(), intend(), end];
        given::<Run>(before.clone()).when(bill_of(1, "0.04")).then_expect_events(vec![RunEvent::BilledLate {
            attempt: 1,
            rule: ChargingRule::LateProviderBill,
            reported_cost: cost("0.04"),
            at: at(90),
        }]);
        said_twice_is_no_new_fact::<Run>(before.clone(), bill_of(1, "0.04"));
        let run = state::<Run>([&before[..], &[bill_of(1, "0.04"), bill_of(1, "9")]].concat());
        assert_eq!(run.reported_cost(), Some(&cost("0.04")), "the first one said stands");
        assert!(run.ending().unwrap().captured.is_zero());
    }
}

#[test]
fn a_bill_that_came_in_time_or_was_paid_for_is_no_late_one() {
    let in_time = Ending { reported_cost: Some(cost("0.04")), ..free(ChargingRule::ProviderFailed) };
    for end in [fail_as(Some(first()), in_time), succeed()] {
        given::<Run>([request(), intend(), end]).when(bill_of(1, "0.05")).then_expect_events(vec![]);
    }
}

#[test]
fn a_late_bill_is_for_the_last_attempt_of_a_run_that_has_ended() {
    given::<Run>([request(), intend()]).when(bill_of(1, "1")).then_expect_error(RunError::NotEnded);
    let other = RunError::NotTheAttempt { attempt: 2 };
    given::<Run>([request(), intend(), settle()]).when(bill_of(2, "1")).then_expect_error(other);
    let none = RunError::NotTheAttempt { attempt: 1 };
    given::<Run>([request(), cancel()]).when(bill_of(1, "1")).then_expect_error(none);
    given::<Run>([]).when(bill_of(1, "1")).then_expect_error(RunError::NotFound);
}
