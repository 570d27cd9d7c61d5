//! Given, when, then: every command and every refusal of a batch.

use super::samples::created;
use super::*;
use crate::Credits;
use crate::event_book::sample_id;
use crate::ids::{AccountId, BatchId, RunId, SealedId};
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};

/// A batch of so many items, of which so many run at once.
fn batch(items: usize, concurrency: u32) -> CreatedBatch {
    CreatedBatch {
        concurrency,
        items: (0..items).map(|n| SealedId(sample_id(&format!("item {n}")))).collect(),
        item_maxima: vec![Credits::whole(6); items],
        ..created()
    }
}

fn create(items: usize, concurrency: u32) -> BatchCommand {
    BatchCommand::Create(Box::new(batch(items, concurrency)))
}

fn run(index: u32) -> RunId {
    RunId::of_item(BatchId(sample_id("batch")), index)
}

fn start(index: u32) -> BatchCommand {
    BatchCommand::StartItem { index, run: run(index) }
}

fn finish(index: u32, outcome: ItemOutcome) -> BatchCommand {
    BatchCommand::FinishItem { index, outcome }
}

fn drop_item(index: u32) -> BatchCommand {
    BatchCommand::DropItem { index }
}

fn cancel() -> BatchCommand {
    BatchCommand::Cancel { by: "acct".into() }
}

use ItemOutcome::{Cancelled, Failed, Succeeded};

#[test]
fn a_batch_is_accepted_with_the_maximum_of_each_item() {
    given::<Batch>([]).when(create(3, 2)).then_expect_events(vec![BatchEvent::Created(Box::new(batch(3, 2)))]);
    assert_eq!(batch(3, 2).maximum(), c("18"));
}

#[test]
fn every_command_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Batch>([], create(2, 1));
    said_twice_is_no_new_fact::<Batch>([create(2, 1)], start(0));
    said_twice_is_no_new_fact::<Batch>([create(2, 1), start(0)], finish(0, Succeeded));
    said_twice_is_no_new_fact::<Batch>([create(2, 1), start(0)], finish(0, Failed));
    said_twice_is_no_new_fact::<Batch>([create(2, 1), start(0)], finish(0, Cancelled));
    said_twice_is_no_new_fact::<Batch>([create(2, 1)], drop_item(1));
    said_twice_is_no_new_fact::<Batch>([create(2, 1), start(0)], cancel());
    // Also where it ends the batch.
    said_twice_is_no_new_fact::<Batch>([create(1, 1), start(0)], finish(0, Succeeded));
    said_twice_is_no_new_fact::<Batch>([create(1, 1)], cancel());
}

#[test]
fn the_same_body_under_the_same_key_is_the_same_batch() {
    let mut again = batch(2, 1);
    (again.at, again.request_id) = (at(99), "req_2".into());
    again.items.iter_mut().for_each(|item| *item = SealedId(sample_id("sealed again")));
    again.item_maxima[0] = c("7");
    given::<Batch>([create(2, 1)]).when(BatchCommand::Create(Box::new(again))).then_expect_events(vec![]);
}

#[test]
fn another_body_under_the_same_key_is_another_batch() {
    for change in [
        (|other| other.fingerprint = Some("0".repeat(64))) as fn(&mut CreatedBatch),
        |other| other.fingerprint = None,
        |other| other.account = AccountId(sample_id("friend")),
    ] {
        let mut other = batch(2, 1);
        change(&mut other);
        given::<Batch>([create(2, 1)])
            .when(BatchCommand::Create(Box::new(other)))
            .then_expect_error(BatchError::OtherRequest);
    }
}

#[test]
fn without_a_key_the_same_batch_is_one_that_differs_only_in_moment_and_ids() {
    let without_key = || CreatedBatch { fingerprint: None, ..batch(2, 1) };
    let accepted = BatchCommand::Create(Box::new(without_key()));
    let mut again = without_key();
    (again.at, again.request_id) = (at(99), "req_2".into());
    again.items[0] = SealedId(sample_id("sealed again"));
    given::<Batch>([accepted.clone()]).when(BatchCommand::Create(Box::new(again.clone()))).then_expect_events(vec![]);
    again.concurrency = 2;
    given::<Batch>([accepted.clone()])
        .when(BatchCommand::Create(Box::new(again)))
        .then_expect_error(BatchError::OtherRequest);
    let longer = CreatedBatch { fingerprint: None, ..batch(3, 1) };
    given::<Batch>([accepted]).when(BatchCommand::Create(Box::new(longer))).then_expect_error(BatchError::OtherRequest);
}

#[test]
fn a_batch_has_one_to_ten_thousand_items_each_with_its_maximum() {
    let max = Batch::ITEMS_MAX;
    let bad = BatchError::BadItems { max };
    for items in [0, max + 1] {
        given::<Batch>([]).when(create(items, 1)).then_expect_error(bad.clone());
    }
    let unpriced = CreatedBatch { item_maxima: vec![Credits::whole(6)], ..batch(2, 1) };
    let free = CreatedBatch { item_maxima: vec![Credits::whole(6), Credits::ZERO], ..batch(2, 1) };
    let negative = CreatedBatch { item_maxima: vec![Credits::whole(6), c("-1")], ..batch(2, 1) };
    for batch in [unpriced, free, negative] {
        given::<Batch>([]).when(BatchCommand::Create(Box::new(batch))).then_expect_error(bad.clone());
    }
    assert_eq!(state::<Batch>([create(max, 1)]).items().len(), max);
}

#[test]
fn one_to_fifty_items_run_at_once() {
    let max = Batch::CONCURRENCY_MAX;
    for concurrency in [0, max + 1] {
        given::<Batch>([]).when(create(1, concurrency)).then_expect_error(BatchError::BadConcurrency { max });
    }
    assert_eq!(state::<Batch>([create(1, max)]).status(), BatchStatus::Queued);
}

#[test]
fn a_batch_that_was_never_created_is_not_found() {
    for command in [start(0), drop_item(0), finish(0, Failed), cancel()] {
        given::<Batch>([]).when(command).then_expect_error(BatchError::NotFound);
    }
}

#[test]
fn there_is_no_item_beyond_the_last() {
    for command in [start(2), drop_item(2), finish(2, Failed)] {
        given::<Batch>([create(2, 1)]).when(command).then_expect_error(BatchError::NoSuchItem { index: 2 });
    }
}

#[test]
fn an_item_becomes_a_run() {
    given::<Batch>([create(2, 1)])
        .when(start(1))
        .then_expect_events(vec![BatchEvent::ItemStarted { index: 1, run: run(1) }]);
}

#[test]
fn no_more_items_run_than_may_at_once() {
    given::<Batch>([create(3, 2), start(0), start(1)])
        .when(start(2))
        .then_expect_error(BatchError::Saturated { concurrency: 2 });
    let batch = state::<Batch>([create(3, 2), start(0), start(1), finish(0, Failed)]);
    assert_eq!((batch.running(), batch.next_startable()), (1, Some(2)));
}

#[test]
fn a_finished_item_does_not_start_again() {
    for outcome in [Succeeded, Failed, Cancelled] {
        given::<Batch>([create(2, 1), start(0), finish(0, outcome)])
            .when(start(0))
            .then_expect_error(BatchError::ItemPast { index: 0 });
    }
}

#[test]
fn an_item_finishes_once() {
    for outcome in [Succeeded, Failed, Cancelled] {
        given::<Batch>([create(2, 1), start(0)])
            .when(finish(0, outcome))
            .then_expect_events(vec![BatchEvent::ItemFinished { index: 0, outcome }]);
        for other in [Succeeded, Failed, Cancelled].into_iter().filter(|other| *other != outcome) {
            given::<Batch>([create(2, 1), start(0), finish(0, outcome)])
                .when(finish(0, other))
                .then_expect_error(BatchError::ItemPast { index: 0 });
        }
    }
}

#[test]
fn an_item_that_can_never_start_counts_as_failed() {
    given::<Batch>([create(2, 1)])
        .when(drop_item(0))
        .then_expect_events(vec![BatchEvent::ItemFinished { index: 0, outcome: Failed }]);
    given::<Batch>([create(1, 1)])
        .when(drop_item(0))
        .then_expect_events(vec![BatchEvent::ItemFinished { index: 0, outcome: Failed }, BatchEvent::Failed {}]);
    for outcome in [Succeeded, Failed, Cancelled] {
        given::<Batch>([create(2, 1)]).when(finish(0, outcome)).then_expect_error(BatchError::ItemPast { index: 0 });
    }
}

#[test]
fn an_item_that_runs_is_ended_by_its_run_alone() {
    let past = BatchError::ItemPast { index: 0 };
    given::<Batch>([create(2, 1), start(0)]).when(drop_item(0)).then_expect_error(past.clone());
    for outcome in [Succeeded, Cancelled] {
        given::<Batch>([create(2, 1), start(0), finish(0, outcome)]).when(drop_item(0)).then_expect_error(past.clone());
    }
    given::<Batch>([create(2, 1), cancel()]).when(drop_item(0)).then_expect_error(past);
}

#[test]
fn the_last_item_ends_the_batch_by_what_became_of_all() {
    for (first, second, end, status) in [
        (Succeeded, Succeeded, BatchEvent::Completed {}, BatchStatus::Completed),
        (Succeeded, Failed, BatchEvent::Partial {}, BatchStatus::Partial),
        (Cancelled, Succeeded, BatchEvent::Partial {}, BatchStatus::Partial),
        (Failed, Failed, BatchEvent::Failed {}, BatchStatus::Failed),
        (Failed, Cancelled, BatchEvent::Failed {}, BatchStatus::Failed),
    ] {
        let before = [create(2, 1), start(0), finish(0, first), start(1)];
        given::<Batch>(before.clone())
            .when(finish(1, second))
            .then_expect_events(vec![BatchEvent::ItemFinished { index: 1, outcome: second }, end]);
        let batch = state::<Batch>([&before[..], &[finish(1, second)]].concat());
        assert_eq!(batch.status(), status);
        assert!(batch.status().is_ended());
        assert_eq!(batch.next_startable(), None);
        let counted = |wanted| [first, second].iter().filter(|outcome| **outcome == wanted).count() as u32;
        assert_eq!(batch.counts(), (counted(Succeeded), counted(Failed)));
    }
}

#[test]
fn a_cancelled_batch_lets_what_runs_go_on_and_starts_nothing_more() {
    let cancelling = [create(3, 1), start(0), cancel()];
    given::<Batch>([create(3, 1), start(0)])
        .when(cancel())
        .then_expect_events(vec![BatchEvent::CancelRequested { by: "acct".into() }]);
    let batch = state::<Batch>(cancelling.clone());
    assert_eq!(batch.items(), [ItemState::Running, ItemState::Cancelled, ItemState::Cancelled]);
    assert!(batch.is_cancelling() && batch.next_startable().is_none());
    given::<Batch>(cancelling.clone()).when(start(1)).then_expect_error(BatchError::ItemPast { index: 1 });
    given::<Batch>(cancelling.clone())
        .when(finish(0, Succeeded))
        .then_expect_events(vec![BatchEvent::ItemFinished { index: 0, outcome: Succeeded }, BatchEvent::Partial {}]);
    given::<Batch>(cancelling)
        .when(finish(0, Cancelled))
        .then_expect_events(vec![BatchEvent::ItemFinished { index: 0, outcome: Cancelled }, BatchEvent::Cancelled {}]);
}

#[test]
fn a_batch_of_which_nothing_runs_is_cancelled_at_once() {
    let wish = BatchEvent::CancelRequested { by: "acct".into() };
    given::<Batch>([create(2, 1)]).when(cancel()).then_expect_events(vec![wish.clone(), BatchEvent::Cancelled {}]);
    given::<Batch>([create(2, 1), start(0), finish(0, Succeeded)])
        .when(cancel())
        .then_expect_events(vec![wish, BatchEvent::Partial {}]);
}

#[test]
fn a_batch_that_has_ended_is_not_cancelled() {
    given::<Batch>([create(1, 1), start(0), finish(0, Succeeded)])
        .when(cancel())
        .then_expect_error(BatchError::Ended(BatchStatus::Completed));
}
