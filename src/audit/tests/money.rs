//! What is paid for a run and given back, and what a payment brings and is charged back.

use mintmark_domain::money::ChargingRule;
use mintmark_domain::payment::{Reversal, ReversedPayment};
use mintmark_domain::run::{
    AttemptRef, CapturedPart, Ending, FailureReason, OutputOutcome, ReportedCost, RequestedRun, Run, RunCommand,
};
use mintmark_domain::wallet::RefundPart;

use super::*;

fn run() -> RunId {
    RunId(derived_id(Shard::ZERO, "run", &[]))
}

fn granted_by_hand() -> PaymentId {
    PaymentId(derived_id(Shard::ZERO, "grant", &[]))
}

/// A run of two outputs that costs 6 at most, which the account pays for.
fn requested() -> RequestedRun {
    let mut requested = golden(include_str!("../../../domain/golden/run.requested-1.0.0.jsonl"))["requested"].take();
    requested["account"] = json!(account().0);
    requested["payer"] = json!({ "wallet": account().wallet().0 });
    serde_json::from_value(requested).unwrap()
}

fn streams() -> Vec<StreamRef> {
    vec![
        StreamRef::of::<CreditWallet>(account().wallet()),
        StreamRef::of::<Payment>(payment()),
        StreamRef::of::<Payment>(granted_by_hand()),
        StreamRef::of::<Run>(run()),
    ]
}

/// The account's wallet, and a payment of 10 in it.
async fn paid() -> Told {
    let told = Told::begun().await;
    told.decide(&streams(), |unit| {
        let (at, amount, kind) = (unit.now(), Credits::whole(10), LotKind::Paid);
        wallet(unit, WalletCommand::Open { owner: WalletOwner::Account(account()) });
        let source = GrantSource::Purchase { payment: payment() };
        wallet(unit, WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at });
        let received = ReceivedPayment::granted(account().wallet(), amount, None);
        unit.execute::<Payment>(payment(), PaymentCommand::Receive { received, at }).unwrap();
    })
    .await;
    told
}

/// A run that is under way.
async fn under_way() -> Told {
    let told = paid().await;
    told.decide(&streams(), |unit| {
        let at = unit.now();
        wallet(unit, WalletCommand::Hold { held_for: HeldFor::Run(run()), amount: Credits::whole(6), at });
        unit.execute::<Run>(run(), RunCommand::Request(Box::new(requested()))).unwrap();
        let (client_id, node) = ("one".into(), "node".into());
        unit.execute::<Run>(run(), RunCommand::IntendSubmit { client_id, node, submit_by: at, at }).unwrap();
    })
    .await;
    told
}

fn attempt() -> AttemptRef {
    AttemptRef { number: 1, node: "node".into() }
}

fn reason() -> FailureReason {
    FailureReason { code: "moderated".into(), message: "It was.".into() }
}

/// A run that delivered one output of two for 3, of which 2 were given back.
async fn refunded() -> Arc<MemoryEventLog> {
    let told = under_way().await;
    told.decide(&streams(), |unit| {
        let (at, captured, rule) = (unit.now(), Credits::whole(3), ChargingRule::PartialDelivery);
        let captured_parts = vec![CapturedPart { kind: LotKind::Paid, amount: captured }];
        let ending = Ending { at, rule, captured, captured_parts, reported_cost: None };
        let outputs = vec![OutputOutcome::Delivered, OutputOutcome::Failed(reason())];
        unit.execute::<Run>(run(), RunCommand::Succeed { attempt: attempt(), outputs, ending }).unwrap();
        let held_for = HeldFor::Run(run());
        wallet(unit, WalletCommand::Capture { held_for, amount: captured, rule, at });
        wallet(unit, WalletCommand::Release { held_for, at });
    })
    .await;
    told.decide(&streams(), |unit| {
        let (at, amount) = (unit.now(), Credits::whole(2));
        let (parts, reference) = (unit.state::<Run>(run()).refund_parts(amount).unwrap(), "ticket-5".into());
        let (by, reason) = ("operator".into(), "it was blank".into());
        unit.execute::<Run>(run(), RunCommand::Refund { reference, amount, parts, by, reason, at }).unwrap();
        let parts = vec![RefundPart { kind: LotKind::Paid, amount }];
        wallet(unit, WalletCommand::Refund { run: run(), parts, reason: None, at });
    })
    .await;
    told.ended().await
}

#[tokio::test]
async fn what_a_run_charges_is_captured_in_its_append() {
    let log = refunded().await;
    assert_eq!(found_in(&*log).await, Vec::<String>::new());
    let found = found_said(&log, ("run.succeeded", 0), "\"captured\":\"3\"", "\"captured\":\"2\"").await;
    assert_found(&found, "charges 2 with wallet");
}

#[tokio::test]
async fn what_a_run_gives_back_is_refunded_in_its_append_and_is_never_more_than_it_captured() {
    let log = refunded().await;
    let found = found_said(&log, ("run.refunded", 0), "\"amount\":\"2\"", "\"amount\":\"1\"").await;
    assert_found(&found, "gives back 1 with wallet");
    let found = found_said(&log, ("run.refunded", 0), "\"amount\":\"2\"", "\"amount\":\"4\"").await;
    assert_found(&found, "takes back 4 of 3");
    let found = found_altered(&log, ("credit_wallet.credits_refunded", 0), |recorded| {
        recorded.commit_id = CommitId(derived_id(Shard::ZERO, "another append", &[]));
    })
    .await;
    assert_found(&found, "gives back 2 with wallet");
    assert_found(&found, "nothing in its append refunds that");
}

#[tokio::test]
async fn a_run_is_billed_late_and_refunded_only_after_its_end() {
    let told = under_way().await;
    told.decide(&streams(), |unit| {
        let (at, rule) = (unit.now(), ChargingRule::ProviderFailed);
        let ending = Ending { at, rule, captured: Credits::ZERO, captured_parts: Vec::new(), reported_cost: None };
        let failed = RunCommand::Fail { attempt: Some(attempt()), reason: reason(), ending };
        unit.execute::<Run>(run(), failed).unwrap();
        wallet(unit, WalletCommand::Release { held_for: HeldFor::Run(run()), at });
    })
    .await;
    told.decide(&streams(), |unit| {
        let reported_cost = ReportedCost { amount: "0.04".into(), currency: "USD".into() };
        let bill = RunCommand::BillLate { attempt: 1, reported_cost, at: unit.now() };
        assert_eq!(unit.execute::<Run>(run(), bill).unwrap(), 1);
    })
    .await;
    assert_eq!(found_in(&*told.ended().await).await, Vec::<String>::new());
    let billed = include_str!("../../../domain/golden/run.billed_late-1.0.0.jsonl");
    let refunded = include_str!("../../../domain/golden/run.refunded-1.0.0.jsonl");
    for too_early in [run_row(2, 2, "run.billed_late", billed), run_row(2, 2, "run.refunded", refunded)] {
        let mut books = Books::default();
        let requested = include_str!("../../../domain/golden/run.requested-1.0.0.jsonl");
        books.check(&run_row(1, 1, "run.requested", requested));
        let found: Vec<String> = books.check(&too_early).iter().map(ToString::to_string).collect();
        assert_found(&found, "shard 0, position 2: run/");
        assert_found(&found, "it has not ended");
    }
}

/// A payment of 10 of which 4 were taken away; 6 charged back, then the 4 that are owed since; of a grant of 5 the
/// first 4 pay for them.
async fn charged_back() -> Arc<MemoryEventLog> {
    let told = paid().await;
    told.decide(&streams(), |unit| {
        let at = unit.now();
        wallet(unit, WalletCommand::Adjust { amount: Credits::whole(4), reason: "a mistake".into(), at });
    })
    .await;
    for (reference, credits) in [("first", 6), ("second", 4)] {
        told.decide(&streams(), move |unit| {
            let (at, credits, how) = (unit.now(), Credits::whole(credits), Reversal::Chargeback);
            let reference = reference.into();
            let reversed = ReversedPayment { credits, how, reference, paid_back: None, currency: None };
            unit.execute::<Payment>(payment(), PaymentCommand::Reverse { reversed, at }).unwrap();
            wallet(unit, WalletCommand::ChargeBack { payment: payment(), how, amount: credits, at });
        })
        .await;
    }
    told.decide(&streams(), |unit| {
        let (at, amount, kind) = (unit.now(), Credits::whole(5), LotKind::Free);
        let received = ReceivedPayment::granted(account().wallet(), amount, None);
        unit.execute::<Payment>(granted_by_hand(), PaymentCommand::Receive { received, at }).unwrap();
        let source = GrantSource::Operator { reason: "a gift".into(), payment: Some(granted_by_hand()) };
        wallet(unit, WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at });
    })
    .await;
    told.ended().await
}

#[tokio::test]
async fn what_a_wallet_owes_is_what_was_charged_back_beyond_its_balance_and_not_paid_since() {
    let log = charged_back().await;
    assert_eq!(found_in(&*log).await, Vec::<String>::new());
    let second = ("credit_wallet.payment_charged_back", 1);
    let found = found_said(&log, second, "\"receivable\":\"4\"", "\"receivable\":\"3\"").await;
    assert_found(&found, "postings add up to 4 owed, what was charged back and paid to 3");
    let found = found_said(&log, second, "\"issued_paid\",\"amount\":\"4\"", "\"issued_paid\",\"amount\":\"5\"").await;
    assert_found(&found, "the event moves 4, its postings 5");
    assert_found(&found, "postings add up to 5 owed");
    let found = found_said(&log, ("credit_wallet.receivable_paid", 0), "\"left\":\"0\"", "\"left\":\"1\"").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_found(&found, "the event says that 1 is owed still, its fold 0");
}

#[tokio::test]
async fn no_more_is_charged_back_than_was_received() {
    let log = charged_back().await;
    let found = found_said(&log, ("payment.charged_back", 1), "\"credits\":\"4\"", "\"credits\":\"5\"").await;
    assert_found(&found, "takes back 5 of 4");
    let never = derived_id(Shard::ZERO, "other", &[]);
    let found = found_altered(&log, ("payment.charged_back", 0), move |recorded| recorded.stream.id = never).await;
    assert_found(&found, "is charged back and was never received");
}

#[tokio::test]
async fn a_payment_is_received_once() {
    let log = charged_back().await;
    say_again(&log, "payment.received").await;
    let found = found_in(&*log).await;
    assert_found(&found, "payment.received is event 4 of payment/");
}

#[tokio::test]
async fn an_operators_grant_beside_a_payment_of_the_same_amount_is_not_taken_for_it() {
    let told = Told::begun().await;
    told.decide(&streams(), |unit| {
        let (at, amount, kind) = (unit.now(), Credits::whole(10), LotKind::Paid);
        wallet(unit, WalletCommand::Open { owner: WalletOwner::Account(account()) });
        let by_hand = GrantSource::Operator { reason: "a gift".into(), payment: None };
        for source in [by_hand, GrantSource::Purchase { payment: payment() }] {
            wallet(unit, WalletCommand::Grant { kind, amount, priority: 0, expires_at: None, source, at });
        }
        // The payment stands where who looks for the grant's finds it first.
        for id in [payment(), granted_by_hand()] {
            let received = ReceivedPayment::granted(account().wallet(), amount, None);
            unit.execute::<Payment>(id, PaymentCommand::Receive { received, at }).unwrap();
        }
    })
    .await;
    assert_eq!(found_in(&*told.ended().await).await, Vec::<String>::new());
}
