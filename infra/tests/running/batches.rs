//! Batches: their hold, their items, and every credit of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mintmark_domain::account::Scope;
use mintmark_domain::batch::{Batch, BatchError, BatchMode, BatchStatus, ItemState};
use mintmark_domain::catalog::{Ask, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::ids::{BatchId, RunId};
use mintmark_domain::ports::Provider;
use mintmark_domain::run::{Inputs, RunStatus};
use mintmark_domain::usecases::{
    AcceptedBatch, BatchItemRequest, BatchRequest, Caller, ErrorClass, IdempotencyKey, Refusal,
};

use super::support::*;

fn item(prompt: &str, count: i64) -> BatchItemRequest {
    BatchItemRequest {
        dialect: Dialect::Genfire,
        model: "image.nano_banana_2".into(),
        ask: Ask { count: Some(count), ..Ask::prompt(Ask::length_of(prompt)) },
        inputs: Inputs { prompt: prompt.into(), ..Inputs::default() },
        generator: None,
        preference: None,
        preference_two: None,
        privacy: Privacy::Private,
        workflow: None,
        operation: "images.generations.create".into(),
    }
}

fn batch(concurrency: u32, items: Vec<BatchItemRequest>) -> BatchRequest {
    BatchRequest {
        mode: BatchMode::Operation,
        target: "images.generations.create".into(),
        concurrency,
        items,
        route: "POST /v1/batches".into(),
        scope: Scope::BatchesWrite,
        idempotency: None,
    }
}

fn keyed(request: BatchRequest, key: &str, body: &str) -> BatchRequest {
    let (method, path) = ("POST".into(), "/v1/batches".into());
    let idempotency = Some(IdempotencyKey { key: key.into(), method, path, body: body.into() });
    BatchRequest { idempotency, ..request }
}

async fn world() -> (World, Node, Arc<Remote>, Caller) {
    let world = World::new().await;
    let remote = Arc::new(Remote::new(instant(&world).await));
    let node = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = node.account("ann", "100").await;
    (world, node, remote, caller)
}

/// Waits for a batch's end. It is looked at once a (paused) second.
async fn over(node: &Node, batch: BatchId) -> Batch {
    for _ in 0..100_000 {
        let state = node.core.batch_state(batch).await.unwrap();
        if state.status().is_ended() {
            return state;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("the batch never ended");
}

async fn create(node: &Node, caller: &Caller, request: BatchRequest) -> AcceptedBatch {
    node.core.create_batch(caller, request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_its_maximum_runs_so_many_at_once_and_pays_per_item() {
    let (world, node, remote, caller) = world().await;
    let items = (0..6).map(|n| item(&format!("boat {n} [sandbox:slow=5]"), 1 + i64::from(n % 2))).collect();
    let accepted = create(&node, &caller, batch(2, items)).await;
    assert_eq!((accepted.batch.status(), accepted.available), (BatchStatus::Queued, credits("73")));
    assert_eq!(node.balance(caller.account).await, (credits("73"), credits("27")), "the whole maximum is held");
    let state = over(&node, accepted.batch_id).await;
    assert_eq!((state.status(), state.counts()), (BatchStatus::Completed, (6, 0)));
    assert_eq!(remote.under_way_most.load(Ordering::SeqCst), 2);
    assert_eq!(node.balance(caller.account).await, (credits("73"), credits("0")));
    let run = node.core.run_state(RunId::of_item(accepted.batch_id, 5)).await.unwrap();
    assert_eq!((run.status(), run.ending().unwrap().captured), (RunStatus::Succeeded, credits("6")));
    let view = node.core.run_view(caller.account, RunId::of_item(accepted.batch_id, 5)).await.unwrap();
    assert_eq!(view.inputs.prompt, "boat 5 [sandbox:slow=5]", "an item's inputs are its run's");
    assert_eq!(view.creations[0].creation.opened().unwrap().user_id, caller.user_id);
    assert_eq!(remote.submissions().len(), 6);
    drop(world);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_partial_or_failed_by_its_items_and_what_failed_goes_back() {
    let (_world, node, _, caller) = world().await;
    let items = vec![item("a", 1), item("b [sandbox:fail]", 1), item("c [sandbox:partial=1]", 3), item("d", 1)];
    let accepted = create(&node, &caller, batch(4, items)).await;
    let state = over(&node, accepted.batch_id).await;
    assert_eq!((state.status(), state.counts()), (BatchStatus::Partial, (3, 1)));
    assert_eq!(node.balance(caller.account).await, (credits("91"), credits("0")), "3 + 0 + 3 + 3");
    let failed = create(&node, &caller, batch(1, vec![item("e [sandbox:moderate]", 2)])).await;
    assert_eq!(over(&node, failed.batch_id).await.status(), BatchStatus::Failed);
    assert_eq!(node.balance(caller.account).await, (credits("91"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_can_never_start_counts_as_failed_and_its_batch_goes_on() {
    let (_world, node, remote, caller) = world().await;
    let request = keyed(batch(1, vec![item("a", 1), item("b", 1), item("c", 1)]), "one", "{}");
    let id = BatchId::keyed(caller.account, "POST", "/v1/batches", "one");
    *node.gate.defect.lock().unwrap() = Some(RunId::of_item(id, 1));
    assert_eq!(create(&node, &caller, request).await.batch_id, id);
    let state = over(&node, id).await;
    assert_eq!((state.status(), state.counts()), (BatchStatus::Partial, (2, 1)));
    assert_eq!(node.balance(caller.account).await, (credits("94"), credits("0")));
    assert_eq!(remote.submissions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_stopped_starts_nothing_more_and_lets_what_runs_go_on() {
    let (_world, node, remote, caller) = world().await;
    let items = (0..10).map(|_| item("a boat [sandbox:slow=10]", 1)).collect();
    let accepted = create(&node, &caller, batch(3, items)).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let (stopped, _) = node.core.cancel_batch(&caller, accepted.batch_id).await.unwrap();
    assert!(stopped.is_cancelling() && !stopped.status().is_ended());
    let state = over(&node, accepted.batch_id).await;
    assert_eq!((state.status(), state.counts()), (BatchStatus::Partial, (6, 0)));
    assert_eq!(state.items().iter().filter(|item| **item == ItemState::Cancelled).count(), 4);
    assert_eq!(node.balance(caller.account).await, (credits("82"), credits("0")));
    assert_eq!(remote.submissions().len(), 6);
    // Said again it changes nothing.
    let (again, _) = node.core.cancel_batch(&caller, accepted.batch_id).await.unwrap();
    assert_eq!(again.status(), BatchStatus::Partial);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_stopped_before_anything_starts_costs_nothing_at_once() {
    let (world, node, _, caller) = world().await;
    // Nobody is there to start its items.
    node.running.shutdown(Duration::from_secs(1)).await;
    let accepted = node.core.create_batch(&caller, batch(3, vec![item("a", 1), item("b", 2)])).await.unwrap();
    let (state, _) = node.core.cancel_batch(&caller, accepted.batch_id).await.unwrap();
    assert_eq!(state.status(), BatchStatus::Cancelled);
    let balance = node.core.balance_of(caller.account).await.unwrap();
    assert_eq!((balance.available, balance.held), (credits("100"), credits("0")));
    drop(world);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_refused_refuses_the_batch_and_is_named() {
    let (_world, node, _, caller) = world().await;
    let items = vec![item("a", 1), item("b", 99), item("c", 99)];
    let refusal = node.core.create_batch(&caller, batch(3, items)).await.unwrap_err();
    let Refusal::Item { index, problem } = &refusal else { panic!("{refusal:?}") };
    assert_eq!((*index, problem.public()), (1, refusal.public()));
    assert_eq!(refusal.public().0, ErrorClass::Validation);
    assert!(refusal.to_string().starts_with("item 1: "), "{refusal}");
    for (request, expected) in [
        (batch(3, vec![]), BatchError::BadItems { max: 10_000 }),
        (batch(0, vec![item("a", 1)]), BatchError::BadConcurrency { max: 50 }),
        (batch(51, vec![item("a", 1)]), BatchError::BadConcurrency { max: 50 }),
    ] {
        let refusal = node.core.create_batch(&caller, request).await.unwrap_err();
        assert_eq!(refusal, Refusal::Batch(expected));
    }
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")), "nothing is held");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_cannot_be_paid_in_whole_is_refused_in_whole() {
    let (_world, node, remote, caller) = world().await;
    let items = (0..34).map(|_| item("a boat", 1)).collect();
    let refusal = node.core.create_batch(&caller, batch(5, items)).await.unwrap_err();
    let expected = Refusal::Insufficient { needed: credits("102"), available: credits("100"), scope: "account" };
    assert_eq!(refusal, expected);
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")));
    assert!(remote.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_batch_again_is_the_same_batch() {
    let (_world, node, remote, caller) = world().await;
    let request = || keyed(batch(2, vec![item("a", 1), item("b", 1)]), "k", "body");
    let first = create(&node, &caller, request()).await;
    let second = create(&node, &caller, request()).await;
    assert!(!first.replayed && second.replayed && first.batch_id == second.batch_id);
    over(&node, first.batch_id).await;
    let third = create(&node, &caller, request()).await;
    assert_eq!((third.replayed, third.batch.status()), (true, BatchStatus::Completed));
    let other = keyed(batch(2, vec![item("c", 1)]), "k", "another body");
    assert_eq!(node.core.create_batch(&caller, other).await.unwrap_err(), Refusal::IdempotencyReused);
    // Found even if it could not be accepted any more.
    let unknown = BatchItemRequest { model: "image.of_the_future".into(), ..item("a", 1) };
    let stale = keyed(batch(2, vec![unknown]), "k", "body");
    assert!(node.core.create_batch(&caller, stale).await.unwrap().replayed);
    assert_eq!(node.balance(caller.account).await, (credits("94"), credits("0")));
    assert_eq!(remote.submissions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_its_owners_alone() {
    let (_world, node, _, caller) = world().await;
    let other = node.account("bob", "10").await;
    let accepted = create(&node, &caller, batch(1, vec![item("a [sandbox:slow=5]", 1)])).await;
    assert_eq!(node.core.batch_of(&other, accepted.batch_id).await.unwrap_err(), Refusal::NotFound("batch"));
    let refusal = node.core.cancel_batch(&other, accepted.batch_id).await.unwrap_err();
    assert_eq!(refusal, Refusal::NotFound("batch"));
    assert_eq!(over(&node, accepted.batch_id).await.status(), BatchStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn who_is_suspended_starts_nothing_more() {
    let (_world, node, remote, caller) = world().await;
    let items = (0..6).map(|_| item("a boat [sandbox:slow=10]", 1)).collect();
    let accepted = create(&node, &caller, batch(2, items)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    node.core.set_suspended(caller.account, Some("abuse".into())).await.unwrap();
    let state = over(&node, accepted.batch_id).await;
    assert_eq!((state.status(), state.counts()), (BatchStatus::Partial, (2, 0)));
    assert_eq!(remote.submissions().len(), 2);
    assert_eq!(node.balance(caller.account).await, (credits("94"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_cancelled_by_itself_lets_the_next_one_start() {
    let (_world, node, _, caller) = world().await;
    let items = vec![item("a [sandbox:hang]", 1), item("b", 1)];
    let accepted = create(&node, &caller, batch(1, items)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    node.core.cancel_run(&caller, RunId::of_item(accepted.batch_id, 0)).await.unwrap();
    let state = over(&node, accepted.batch_id).await;
    assert_eq!(
        (state.status(), state.items()),
        (BatchStatus::Partial, &[ItemState::Cancelled, ItemState::Succeeded][..])
    );
    assert_eq!(node.balance(caller.account).await, (credits("97"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_on_after_its_node_died_wherever_that_was() {
    // Created; then for each of two items: started, submitted, settled.
    for number in 0..7 {
        for at in [At::Before(number), At::After(number)] {
            let (world, a, remote, caller) = world().await;
            a.gate.stop.arm(at);
            let request = || keyed(batch(1, vec![item("a [sandbox:slow=2]", 1), item("b", 2)]), "k", "body");
            let (core, asking, first) = (a.core.clone(), caller.clone(), request());
            let asked = tokio::spawn(async move { core.create_batch(&asking, first).await });
            a.gate.stop.reached.notified().await;
            asked.abort();
            drop(a);
            let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
            let accepted = create(&b, &caller, request()).await;
            let state = over(&b, accepted.batch_id).await;
            assert_eq!((state.status(), state.counts()), (BatchStatus::Completed, (2, 0)), "{at:?}");
            assert_eq!(b.balance(caller.account).await, (credits("91"), credits("0")), "{at:?}");
            assert_eq!(remote.submissions().values().sum::<u32>(), 2, "{at:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_accounts_run_takes_its_turn_after_the_next_items_of_a_large_batch() {
    let world = World::new().await;
    let mut remote = Remote::new(instant(&world).await);
    remote.traits.concurrency = 4;
    let remote = Arc::new(remote);
    let node = world.node_with("a", Arc::clone(&remote) as _, patient(), Arc::clone(&world.nodes)).await;
    let (busy, late) = (node.account("busy", "3000").await, node.account("late", "3").await);
    let items = (0..1_000).map(|_| item("a boat [sandbox:slow=1]", 1)).collect();
    let accepted = create(&node, &busy, batch(50, items)).await;
    // The batch is well under way: 50 of its runs wait or are with the provider, which takes four.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = remote.submissions().len();
    assert!((8..400).contains(&before), "{before}");
    let run = node.images(&late, "a ship [sandbox:slow=1]", 1).await;
    assert_eq!(node.ended(run.run_id).await.status(), RunStatus::Succeeded);
    let turns = remote.submissions().len() - before - 1;
    // Those with the provider end, then it is this account's turn; while its run is made others go on in
    // the three places beside it.
    assert!(turns <= 3 * 4, "{turns} items of the batch were handed over before it had ended");
    assert!(remote.under_way_most.load(Ordering::SeqCst) <= 4);
    assert_eq!(node.core.batch_state(accepted.batch_id).await.unwrap().status(), BatchStatus::Processing);
}
