//! Giving back.

use super::*;

pub(super) fn refund(reference: &str, amount: &str, parts: &[(LotKind, &str)]) -> RunCommand {
    RunCommand::Refund {
        reference: reference.into(),
        amount: c(amount),
        parts: parts.iter().map(|(kind, amount)| CapturedPart { kind: *kind, amount: c(amount) }).collect(),
        by: "operator".into(),
        reason: "blank".into(),
        at: at(90),
    }
}

/// One free and five paid credits were captured.
fn captured() -> Vec<RunCommand> {
    vec![request(), intend(), succeed()]
}

fn two() -> RunCommand {
    refund("r1", "2", &[(LotKind::Free, "1"), (LotKind::Paid, "1")])
}

#[test]
fn a_refund_gives_back_the_kinds_that_had_paid_in_their_order() {
    given::<Run>(captured()).when(two()).then_expect_events(vec![RunEvent::Refunded {
        reference: "r1".into(),
        amount: c("2"),
        parts: vec![
            CapturedPart { kind: LotKind::Free, amount: c("1") },
            CapturedPart { kind: LotKind::Paid, amount: c("1") },
        ],
        by: "operator".into(),
        reason: "blank".into(),
        at: at(90),
    }]);
    let run = state::<Run>([captured(), vec![two()]].concat());
    assert_eq!(run.refunded(), c("2"));
    assert_eq!(run.refunds().collect::<Vec<_>>(), [("r1", c("2"))]);
    assert_eq!(run.refund_parts(c("4")), Some(vec![CapturedPart { kind: LotKind::Paid, amount: c("4") }]));
    assert_eq!(run.refund_parts(c("4.5")), None);
}

#[test]
fn a_refund_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Run>(captured(), two());
    // Even when by now nothing is left.
    let all = refund("r2", "4", &[(LotKind::Paid, "4")]);
    given::<Run>([captured(), vec![two(), all]].concat()).when(two()).then_expect_events(vec![]);
}

#[test]
fn a_reference_stands_for_one_refund_only() {
    given::<Run>([captured(), vec![two()]].concat())
        .when(refund("r1", "3", &[(LotKind::Paid, "3")]))
        .then_expect_error(RunError::OtherRefund { reference: "r1".into() });
}

#[test]
fn nothing_is_refunded_before_the_end() {
    for before in [vec![request()], vec![request(), intend()], vec![request(), intend(), unknown()]] {
        given::<Run>(before).when(two()).then_expect_error(RunError::NotEnded);
    }
}

#[test]
fn no_more_is_refunded_than_was_captured() {
    let paid = |reference, amount| refund(reference, amount, &[(LotKind::Paid, amount)]);
    given::<Run>(captured())
        .when(paid("r1", "6.5"))
        .then_expect_error(RunError::RefundTooMuch { asked: c("6.5"), left: c("6") });
    given::<Run>([captured(), vec![two()]].concat())
        .when(paid("r2", "5"))
        .then_expect_error(RunError::RefundTooMuch { asked: c("5"), left: c("4") });
    given::<Run>([request(), cancel()])
        .when(paid("r1", "1"))
        .then_expect_error(RunError::RefundTooMuch { asked: c("1"), left: c("0") });
}

#[test]
fn a_refund_of_nothing_or_of_other_kinds_than_had_paid_is_refused() {
    let (free, paid) = (LotKind::Free, LotKind::Paid);
    for (amount, parts) in [
        ("0", &[][..]),
        ("-1", &[(paid, "-1")]),
        ("2", &[(paid, "2")]),
        ("2", &[(free, "2")]),
        ("2", &[(free, "1")]),
        ("2", &[(paid, "1"), (free, "1")]),
        ("2", &[(free, "1"), (paid, "2"), (paid, "-1")]),
    ] {
        given::<Run>(captured()).when(refund("r1", amount, parts)).then_expect_error(RunError::BadRefundParts);
    }
}

#[test]
fn refunds_of_one_run_are_limited() {
    let max = Run::REFUNDS_MAX;
    let cents = (0..max).map(|n| refund(&format!("r{n}"), "0.01", &[(LotKind::Free, "0.01")]));
    let given_back: Vec<_> = captured().into_iter().chain(cents).collect();
    given::<Run>(given_back)
        .when(refund("one more", "0.01", &[(LotKind::Paid, "0.01")]))
        .then_expect_error(RunError::TooManyRefunds { max });
}
