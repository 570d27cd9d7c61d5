//! Nodes that die, and those that carry on for them. A node that "dies" is stopped in the middle of a
//! step and dropped; the log, storage and the provider live on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mintmark_domain::ports::Provider;
use mintmark_domain::run::{AttemptRef, RunError, RunStatus};
use mintmark_domain::usecases::{Caller, Conclusion, Refusal};
use mintmark_infra::providers::Sandbox;
use mintmark_infra::providers::sandbox::SandboxSettings;
use mintmark_infra::running::{MemoryNodes, RunningSettings};
use tokio::time::Instant;

use super::support::*;

/// Asks on node `a` while it stops at `at`, lets it die there, asks for the same again on node `b`,
/// and checks that there is one run, paid once, sent at most once.
async fn dies_at(prompt: &str, arm: impl FnOnce(&World, &Node), world: World, remote: Arc<Remote>, what: &str) {
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    arm(&world, &a);
    let request = || keyed(image_request(prompt, 2), "key");
    let (core, asking) = (a.core.clone(), caller.clone());
    let first = request();
    let asked = tokio::spawn(async move { core.accept_run(&asking, first).await });
    tokio::select! {
        () = a.gate.stop.reached.notified() => {}
        () = world.assets.gate.reached.notified() => {}
        () = tokio::time::sleep(Duration::from_secs(3_600)) => panic!("{what}: it was never reached"),
    }
    asked.abort();
    drop(a);

    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let again = b.core.accept_run(&caller, request()).await.unwrap();
    let run = b.ended(again.run_id).await;
    assert_eq!(run.status(), RunStatus::Succeeded, "{what}");
    assert_eq!(b.balance(caller.account).await, (credits("94"), credits("0")), "{what}");
    let submissions = remote.submissions();
    assert!(submissions.values().all(|times| *times <= 1), "{what}: {submissions:?}");
    assert_eq!(submissions.values().sum::<u32>(), 1, "{what}: {submissions:?}");
}

async fn fresh() -> (World, Arc<Remote>) {
    let world = World::new().await;
    let remote = Arc::new(Remote::new(instant(&world).await));
    (world, remote)
}

/// Each of a run's decisions, before and after it is recorded.
async fn dies_at_every_decision(prompt: &str, decisions: usize) {
    for number in 0..decisions {
        for at in [At::Before(number), At::After(number)] {
            let (world, remote) = fresh().await;
            dies_at(prompt, |_, node| node.gate.stop.arm(at), world, remote, &format!("{prompt}, {at:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_may_die_at_every_decision_of_a_run() {
    // Request with intent, submitted, settled.
    dies_at_every_decision("a boat [sandbox:slow=3]", 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_may_die_at_every_decision_of_a_run_that_is_sent_twice() {
    // Request with intent, disproved, intended, submitted, settled.
    dies_at_every_decision("a boat [sandbox:unsent]", 5).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_may_die_at_every_decision_of_a_run_whose_reply_was_lost() {
    // Request with intent, unknown, settled.
    dies_at_every_decision("a boat [sandbox:lost-reply]", 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_may_die_around_each_output_that_is_stored() {
    for at in [At::Before(0), At::After(0), At::Before(1), At::After(1)] {
        let world = World::new().await;
        // One that draws, so that there is something to store.
        let settings = SandboxSettings { dies_with_node: false, ..SandboxSettings::default() };
        let remote = Arc::new(Remote::new(Sandbox::new(settings)));
        dies_at("a boat", |world, _| world.assets.gate.arm(at), world, remote, &format!("{at:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_may_die_while_a_submission_is_on_its_way() {
    let (world, remote) = fresh().await;
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    remote.deaf.store(true, Ordering::SeqCst);
    let accepted = a.images(&caller, "a boat", 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(a);
    remote.deaf.store(false, Ordering::SeqCst);
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    assert_eq!(b.ended(accepted.run_id).await.status(), RunStatus::Succeeded);
    let events = world.events_of(accepted.run_id).await;
    assert_eq!(events, ["run.requested", "run.submit_intended", "run.taken_over", "run.succeeded"]);
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn what_only_our_storage_knows_is_found_there() {
    let world = World::new().await;
    let settings = SandboxSettings { dies_with_node: false, ..SandboxSettings::default() };
    let mut remote = Remote::new(Sandbox::new(settings));
    remote.traits.takes_client_ids = false;
    let remote = Arc::new(remote);
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    // Request with intent, submitted, settled: it dies right before it settles.
    a.gate.stop.arm(At::Before(2));
    let accepted = a.images(&caller, "a boat [sandbox:partial=1]", 2).await;
    a.gate.stop.reached.notified().await;
    drop(a);
    // The provider will say nothing any more.
    remote.down.store(true, Ordering::SeqCst);
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let run = b.ended(accepted.run_id).await;
    assert_eq!((run.status(), run.ending().unwrap().captured), (RunStatus::Succeeded, credits("3")));
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_sandbox_in_process_are_done_again_by_the_next_process() {
    let world = World::new().await;
    let a = world.node("a", Arc::new(Sandbox::new(SandboxSettings::default()))).await;
    let caller = a.account("ann", "100").await;
    let accepted = a.images(&caller, "a boat [sandbox:slow=60]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(a);
    // Its jobs went with it: the next process has a sandbox of its own.
    let begun = Instant::now();
    let b = world.node("b", Arc::new(Sandbox::new(SandboxSettings::default()))).await;
    let run = b.ended(accepted.run_id).await;
    assert_eq!((run.status(), run.attempt().unwrap().number), (RunStatus::Succeeded, 2));
    assert!(begun.elapsed() < Duration::from_secs(90), "{:?}", begun.elapsed());
    assert_eq!(b.balance(caller.account).await, (credits("97"), credits("0")));
}

/// An account with a run under way on node `a`, which others take for dead although it lives.
async fn silent() -> (World, Arc<Remote>, Node, Caller, mintmark_domain::ids::RunId) {
    let (world, remote) = fresh().await;
    let unseen = Arc::new(MemoryNodes::default());
    let a = world.node_with("a", Arc::clone(&remote) as _, RunningSettings::default(), unseen).await;
    let caller = a.account("ann", "100").await;
    let accepted = a.images(&caller, "a boat [sandbox:slow=30]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    (world, remote, a, caller, accepted.run_id)
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_replaced_is_refused_by_the_log() {
    let (world, remote, a, caller, run) = silent().await;
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let state = b.core.run_state(run).await.unwrap();
    assert_eq!(state.attempt().unwrap().node, "b", "it was taken over");
    // What the first node still says of it is refused, whatever it is.
    let from_a = AttemptRef { number: 1, node: "a".into() };
    let outputs = vec![Err(mintmark_domain::run::FailureReason { code: "x".into(), message: "y".into() })];
    let finished = Conclusion::Finished { outputs, quality: None, reported_cost: None };
    let said = a.core.conclude_run(run, state.requested().unwrap(), Some(from_a), finished).await;
    assert_eq!(said.unwrap_err(), Refusal::Run(RunError::Replaced { attempt: 1 }));
    // Both follow it to its end; one of them settles, once.
    assert_eq!(b.ended(run).await.status(), RunStatus::Succeeded);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let events = world.events_of(run).await;
    let expected = ["run.requested", "run.submit_intended", "run.submitted", "run.taken_over", "run.succeeded"];
    assert_eq!(events, expected);
    assert_eq!(b.balance(caller.account).await, (credits("97"), credits("0")));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
    assert_eq!((a.dispatcher.load_of("sandbox"), b.dispatcher.load_of("sandbox")), ((0, 0), (0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_living_node_keeps_what_it_carries() {
    let (world, remote) = fresh().await;
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    let accepted = a.images(&caller, "a boat [sandbox:slow=100]", 1).await;
    assert_eq!(b.ended(accepted.run_id).await.status(), RunStatus::Succeeded);
    let events = world.events_of(accepted.run_id).await;
    assert!(!events.contains(&"run.taken_over".to_owned()), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_stop_reaches_the_node_that_carries_the_run() {
    let (world, remote) = fresh().await;
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    let accepted = a.images(&caller, "a boat [sandbox:hang]", 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    b.core.cancel_run(&caller, accepted.run_id).await.unwrap();
    assert_eq!(b.ended(accepted.run_id).await.status(), RunStatus::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_in_order_leaves_at_a_safe_point_and_the_next_goes_on_at_once() {
    let (world, remote) = fresh().await;
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    let accepted = a.images(&caller, "a boat [sandbox:slow=60]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let begun = Instant::now();
    a.running.shutdown(Duration::from_secs(20)).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "nothing had to be waited for");
    let late = a.core.accept_run(&caller, image_request("a ship", 1)).await.unwrap();
    assert_eq!(late.run.status(), RunStatus::Queued, "it is kept, and not started");
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(b.core.run_state(accepted.run_id).await.unwrap().attempt().unwrap().node, "b");
    assert_eq!(b.ended(late.run_id).await.status(), RunStatus::Succeeded);
    assert_eq!(b.ended(accepted.run_id).await.status(), RunStatus::Succeeded);
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1, 1]);
    assert_eq!(b.balance(caller.account).await, (credits("94"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_asker_went_away_is_carried_all_the_same() {
    let (world, remote) = fresh().await;
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    // The caller's connection breaks between the append and the start.
    a.gate.stop.arm(At::After(0));
    let request = keyed(image_request("a boat", 1), "key");
    let (core, asking, first) = (a.core.clone(), caller.clone(), request.clone());
    let asked = tokio::spawn(async move { core.accept_run(&asking, first).await });
    a.gate.stop.reached.notified().await;
    asked.abort();
    let again = a.core.accept_run(&caller, request).await.unwrap();
    assert!(again.replayed);
    assert_eq!(a.ended(again.run_id).await.status(), RunStatus::Succeeded);
    assert_eq!(a.balance(caller.account).await, (credits("97"), credits("0")));
    assert_eq!(remote.submissions().values().sum::<u32>(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_another_node_took_while_it_waited_is_left_to_it() {
    let world = World::new().await;
    let mut remote = Remote::new(instant(&world).await);
    remote.traits.concurrency = 1;
    let remote = Arc::new(remote);
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    let first = a.images(&caller, "a boat [sandbox:slow=60]", 1).await;
    let waits = a.images(&caller, "a ship [sandbox:slow=100]", 1).await;
    // A node that has room takes what waits.
    let b = world.node("b", Arc::clone(&remote) as Arc<dyn Provider>).await;
    assert_eq!(a.ended(first.run_id).await.status(), RunStatus::Succeeded);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(b.core.run_state(waits.run_id).await.unwrap().attempt().unwrap().node, "b");
    assert_eq!(a.ended(waits.run_id).await.status(), RunStatus::Succeeded);
    let events = world.events_of(waits.run_id).await;
    assert_eq!(events, ["run.requested", "run.submit_intended", "run.submitted", "run.succeeded"]);
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1, 1]);
}
