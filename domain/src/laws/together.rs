//! Runs, batches, creations and the wallet that pays for them, through the real use cases.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::acts::{Act, Play, acts};
use crate::Credits;
use crate::batch::{Batch, BatchError, ItemState};
use crate::creation::{Creation, CreationStatus};
use crate::es::decode_event;
use crate::ids::RunId;
use crate::money::ChargingRule;
use crate::run::{Run, RunEvent, RunStatus};
use crate::usecases::Refusal;
use crate::wallet::{CreditWallet, HeldFor, LotKind, WalletEvent};

impl Play {
    /// What the log says of each run's hold: how much was set aside, captured and released.
    fn check_holds(&self) {
        let books = self.world.books();
        let wallet: CreditWallet = books.state(self.caller.account.wallet());
        let balance = wallet.balance(self.core.now());
        assert!(balance.receivable.is_zero() || balance.available.is_zero(), "spendable while owing: {balance:?}");
        for hold in wallet.holds() {
            match hold.held_for {
                HeldFor::Run(run) => {
                    let run: Run = books.state(run);
                    assert!(run.requested().is_some() && !run.status().is_ended(), "a hold of a run that has ended");
                    assert_eq!(hold.left(), run.requested().unwrap().quote.amount);
                }
                HeldFor::Batch(batch) => {
                    let batch: Batch = books.state(batch);
                    assert!(
                        batch.created().is_some() && !batch.status().is_ended(),
                        "a hold of a batch that has ended"
                    );
                }
            }
        }
        for (id, run) in self.runs.iter().map(|id| (*id, books.state::<Run>(*id))) {
            assert_eq!(wallet.hold(HeldFor::Run(id)).is_some(), !run.status().is_ended(), "{id}: {:?}", run.status());
        }
        for (id, batch) in self.batches.iter().map(|id| (*id, books.state::<Batch>(*id))) {
            let hold = wallet.hold(HeldFor::Batch(id));
            assert_eq!(hold.is_some(), !batch.status().is_ended(), "{id}: {:?}", batch.status());
            let created = batch.created().unwrap();
            let waiting =
                batch.items().iter().zip(&created.item_maxima).filter(|(item, _)| **item == ItemState::Waiting);
            let needed: Credits = waiting.map(|(_, most)| *most).sum();
            assert!(hold.is_none_or(|hold| hold.left() >= needed), "what waits is not covered");
            assert!(batch.running() <= created.concurrency);
        }
    }

    /// Creations and items are finished exactly when their run has ended.
    fn check_ends(&self) {
        let books = self.world.books();
        for run in self.runs.iter().map(|id| books.state::<Run>(*id)) {
            let requested = run.requested().unwrap();
            let ended = run.status().is_ended();
            for creation in &requested.creations {
                let creation: Creation = books.state(creation.id);
                assert_eq!(creation.status() != CreationStatus::Opened, ended);
                assert!(ended || creation.output().is_none());
            }
            if let Some(item) = requested.item {
                let state = books.state::<Batch>(item.batch).items()[item.index as usize];
                assert_eq!(state == ItemState::Running, !ended, "an item and its run disagree");
            }
            let delivered = requested
                .creations
                .iter()
                .filter(|creation| books.state::<Creation>(creation.id).status() == CreationStatus::Completed)
                .count();
            if let Some(ending) = run.ending() {
                assert_eq!(delivered > 0, ending.captured.is_positive(), "what is delivered is paid for, nothing else");
                assert_eq!(run.status() == RunStatus::Failed, delivered == 0 && run.status() != RunStatus::Cancelled);
            }
        }
    }

    /// From the log alone: each hold resolves once, each run has one live attempt at most.
    fn check_history(&self) {
        let books = self.world.books();
        let mut open: HashMap<HeldFor, Credits> = HashMap::new();
        let mut seen: HashMap<HeldFor, u32> = HashMap::new();
        let mut spent: BTreeMap<RunId, Credits> = BTreeMap::new();
        let mut live: HashMap<uuid::Uuid, u32> = HashMap::new();
        for row in &books.rows {
            match row.stream.aggregate.as_str() {
                "credit_wallet" => match decode_event::<WalletEvent>(row).unwrap() {
                    WalletEvent::CreditsHeld { held_for, amount, .. } => {
                        open.insert(held_for, amount);
                        *seen.entry(held_for).or_default() += 1;
                    }
                    WalletEvent::HoldSplit { batch, run, amount, .. } => {
                        *open.get_mut(&HeldFor::Batch(batch)).unwrap() -= amount;
                        open.insert(HeldFor::Run(run), amount);
                        *seen.entry(HeldFor::Run(run)).or_default() += 1;
                    }
                    WalletEvent::CreditsCaptured { held_for, amount, .. } => {
                        let left = open.get_mut(&held_for).unwrap();
                        *left -= amount;
                        if left.is_zero() {
                            open.remove(&held_for);
                        }
                        let HeldFor::Run(run) = held_for else { panic!("a batch is never captured whole") };
                        assert!(spent.insert(run, amount).is_none(), "{run} was captured twice");
                    }
                    WalletEvent::CreditsReleased { held_for, amount, .. } => {
                        assert_eq!(open.remove(&held_for), Some(amount), "released other than what was left");
                    }
                    WalletEvent::Opened { .. }
                    | WalletEvent::LotGranted { .. }
                    | WalletEvent::CreditsRefunded { .. }
                    | WalletEvent::CreditsGifted { .. }
                    | WalletEvent::CreditsAdjusted { .. }
                    | WalletEvent::PaymentChargedBack { .. }
                    | WalletEvent::ReceivablePaid { .. }
                    | WalletEvent::LotExpired { .. } => {}
                },
                "run" => match decode_event::<RunEvent>(row).unwrap() {
                    RunEvent::SubmitIntended { attempt, .. } => {
                        assert_eq!(live.insert(row.stream.id, attempt), None, "two live attempts");
                    }
                    RunEvent::SubmitDisproved { attempt, .. } => {
                        assert_eq!(live.remove(&row.stream.id), Some(attempt));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        assert!(seen.values().all(|held| *held == 1), "held once: {seen:?}");
        for id in &self.runs {
            let run: Run = books.state(*id);
            let captured = run.ending().map(|ending| ending.captured).unwrap_or_default();
            assert_eq!(spent.remove(id).unwrap_or_default(), captured, "the run and the wallet tell the same");
        }
        assert!(spent.is_empty());
        let still_open = books.state::<CreditWallet>(self.caller.account.wallet()).holds().count();
        assert_eq!(open.len(), still_open);
    }
}

fn play(acts: &[Act]) -> Play {
    let mut play = Play::new();
    // Enough for a while, so that most of what is asked for can be paid.
    play.act(&Act::Grant { reference: 9, amount: 200, kind: LotKind::Paid, lives: None });
    for act in acts {
        play.act(act);
        play.check_holds();
        play.check_ends();
        play.check_money();
    }
    play.check_history();
    play.world.books().check_replay();
    play
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn holds_resolve_once_and_nothing_said_twice_is_a_new_fact(acts in prop::collection::vec(acts(), 1..70)) {
        play(&acts);
    }
}

#[test]
fn a_run_from_acceptance_to_captured_credits() {
    let finish = Act::Finish { run: 0, delivered: 0b01, low: false };
    let played =
        play(&[Act::Request { key: 0, auto: false, count: 2, at_once: true }, Act::Submitted { run: 0 }, finish]);
    let run = played.run(played.runs[0]);
    assert_eq!(run.status(), RunStatus::Succeeded);
    assert_eq!(run.ending().map(|ending| ending.captured), Some(Credits::whole(3)));
    let wallet: CreditWallet = played.world.books().state(played.caller.account.wallet());
    assert_eq!(wallet.balance(played.core.now()).available, Credits::whole(197));
}

#[test]
fn a_batch_from_acceptance_to_its_last_item() {
    let start = || Act::StartItem { batch: 0, at_once: true };
    let played = play(&[
        Act::Batch { key: 0, items: 3, concurrency: 1 },
        start(),
        start(),
        Act::Finish { run: 0, delivered: 0b11, low: false },
        start(),
        Act::CancelBatch { batch: 0 },
        Act::Finish { run: 1, delivered: 0b10, low: false },
    ]);
    assert_eq!(played.runs.len(), 2, "no more at once than may, and none after the wish to stop");
    let batch: Batch = played.world.books().state(played.batches[0]);
    assert_eq!(batch.items(), [ItemState::Succeeded, ItemState::Succeeded, ItemState::Cancelled]);
    let wallet: CreditWallet = played.world.books().state(played.caller.account.wallet());
    assert_eq!(wallet.balance(played.core.now()).available, Credits::whole(200 - 6 - 3));
}

#[test]
fn what_is_delivered_of_a_cancelled_run_is_paid_at_the_quality_that_the_provider_chose() {
    for (low, quality) in [(true, "low"), (false, "high")] {
        let played = play(&[
            Act::Request { key: 0, auto: true, count: 2, at_once: true },
            Act::Stopped { run: 0, delivered: 0b01, low },
        ]);
        let run = played.run(played.runs[0]);
        let quote = &run.requested().unwrap().quote;
        assert_eq!(run.status(), RunStatus::Cancelled);
        let expected = quote.rounding.up(quote.per_output_by_quality[quality]);
        assert_eq!(run.ending().unwrap().captured, expected, "{quality}");
        assert!(quality == "high" || expected < quote.for_outputs(1));
    }
}

#[test]
fn a_bill_that_comes_after_a_run_was_closed_at_no_cost_is_kept_and_charged_to_nobody() {
    let late = Act::Finish { run: 0, delivered: 0b11, low: true };
    let settled = [
        Act::Request { key: 0, auto: false, count: 2, at_once: true },
        Act::Submitted { run: 0 },
        Act::Unknown { run: 0 },
        Act::Settle { run: 0 },
    ];
    let played = play(&[&settled[..], &[late]].concat());
    let run = played.run(played.runs[0]);
    assert_eq!((run.status(), run.ending().unwrap().captured), (RunStatus::Failed, Credits::ZERO));
    let bill = run.late_bill().unwrap();
    assert_eq!((bill.rule, bill.reported_cost.amount.as_str()), (ChargingRule::LateProviderBill, "0.04"));
    assert_eq!(run.reported_cost(), Some(&bill.reported_cost));
    let wallet: CreditWallet = played.world.books().state(played.caller.account.wallet());
    assert_eq!(wallet.balance(played.core.now()).available, Credits::whole(200));
    // Without a bill there is nothing to keep.
    let silent = Act::Finish { run: 0, delivered: 0b11, low: false };
    let played = play(&[&settled[..], &[silent]].concat());
    assert_eq!(played.run(played.runs[0]).late_bill(), None);
}

#[test]
fn an_item_that_another_process_started_meanwhile_is_not_dropped() {
    let mut played =
        play(&[Act::Batch { key: 0, items: 2, concurrency: 2 }, Act::StartItem { batch: 0, at_once: true }]);
    let batch = played.batches[0];
    let created = played.world.books().state::<Batch>(batch).created().unwrap().clone();
    // Whoever looked before that, and could not open the item's inputs, speaks now.
    let late = futures::executor::block_on(played.core.drop_item(batch, &created, 0));
    assert_eq!(late.unwrap_err(), Refusal::Batch(BatchError::ItemPast { index: 0 }));
    played.act(&Act::Finish { run: 0, delivered: 0b11, low: false });
    played.check_holds();
    played.check_ends();
    assert_eq!(played.world.books().state::<Batch>(batch).items()[0], ItemState::Succeeded);
}

#[test]
fn what_is_held_and_charged_back_pays_what_is_owed_when_it_comes_back() {
    let played = play(&[
        Act::Batch { key: 0, items: 3, concurrency: 1 },
        Act::ChargeBack { payment: 0, reference: 0, amount: 59 },
        Act::ChargeBack { payment: 0, reference: 1, amount: 59 },
        Act::ChargeBack { payment: 0, reference: 2, amount: 59 },
        Act::ChargeBack { payment: 0, reference: 0, amount: 23 },
    ]);
    let balance = |played: &Play| {
        let wallet: CreditWallet = played.world.books().state(played.caller.account.wallet());
        wallet.balance(played.core.now())
    };
    let before = balance(&played);
    assert_eq!(
        (before.available, before.held, before.receivable),
        (Credits::ZERO, Credits::whole(18), Credits::whole(18))
    );
    let mut played = played;
    played.act(&Act::CancelBatch { batch: 0 });
    let after = balance(&played);
    assert_eq!((after.available, after.held, after.receivable), (Credits::ZERO, Credits::ZERO, Credits::ZERO));
}

#[test]
fn another_body_under_the_same_key_leaves_no_trace() {
    let played = play(&[
        Act::Request { key: 0, auto: false, count: 1, at_once: false },
        Act::Request { key: 0, auto: false, count: 2, at_once: false },
        Act::Batch { key: 0, items: 1, concurrency: 1 },
        Act::Batch { key: 0, items: 2, concurrency: 1 },
    ]);
    assert_eq!((played.runs.len(), played.batches.len()), (1, 1));
}
