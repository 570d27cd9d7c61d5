//! How runs end, and what they cost then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mintmark_domain::creation::{Creation, Output};
use mintmark_domain::es::{Decider, StreamRef};
use mintmark_domain::money::ChargingRule;
use mintmark_domain::ports::{Dispatch, Provider};
use mintmark_domain::run::{OutputOutcome, Run, RunStatus};
use mintmark_infra::providers::Sandbox;
use mintmark_infra::providers::sandbox::SandboxSettings;
use mintmark_infra::running::RunningSettings;

use super::support::*;

pub fn rule(run: &Run) -> ChargingRule {
    run.ending().unwrap().rule
}

/// A node with a remote sandbox, and an account with 100 credits.
pub async fn remote_world() -> (World, Node, Arc<Remote>, mintmark_domain::usecases::Caller) {
    remote_world_with(RunningSettings::default()).await
}

pub async fn remote_world_with(
    settings: RunningSettings,
) -> (World, Node, Arc<Remote>, mintmark_domain::usecases::Caller) {
    let world = World::new().await;
    let remote = Arc::new(Remote::new(instant(&world).await));
    let provider = Arc::clone(&remote) as Arc<dyn Provider>;
    let node = world.node_with("a", provider, settings, Arc::clone(&world.nodes)).await;
    let caller = node.account("ann", "100").await;
    (world, node, remote, caller)
}

#[tokio::test(start_paused = true)]
async fn a_run_is_delivered_charged_and_stored_under_its_stable_address() {
    let world = World::new().await;
    let node = world.node("a", Arc::new(Sandbox::new(SandboxSettings::default()))).await;
    let caller = node.account("ann", "100").await;
    let accepted = node.images(&caller, "a small red boat", 2).await;
    assert_eq!(accepted.run.status(), RunStatus::Running, "it starts at once, in its first append");
    assert_eq!(node.balance(caller.account).await, (credits("94"), credits("6")));

    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Succeeded, ChargingRule::Delivered));
    assert_eq!(node.balance(caller.account).await, (credits("94"), credits("0")));
    assert_eq!(world.events_of(accepted.run_id).await, ["run.requested", "run.submit_intended", "run.succeeded"]);
    for creation in &run.requested().unwrap().creations {
        let loaded =
            world.writer.load(creation.id.shard(), vec![StreamRef::of::<Creation>(creation.id)]).await.unwrap();
        let made = loaded[0].state.as_any().downcast_ref::<Creation>().unwrap();
        let Some(Output::Asset { key, content_type, size_bytes, width, height, duration_ms, .. }) = made.output()
        else {
            panic!("no asset: {made:?}");
        };
        assert_eq!(*key, format!("users/{}/img/image-{}.webp", caller.user_id, creation.number));
        assert_eq!((content_type.as_str(), *width, *height), ("image/webp", Some(1024), Some(1024)));
        assert_eq!(*duration_ms, None, "a picture has no length");
        let (stored_type, bytes) = world.assets.files.lock().unwrap()[key].clone();
        assert_eq!((stored_type.as_str(), bytes.len() as u64), ("image/webp", *size_bytes));
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_works_by_itself_is_asked_until_it_is_done() {
    let (world, node, remote, caller) = remote_world().await;
    let accepted = node.images(&caller, "a boat [sandbox:slow=30] [sandbox:cost=0.04]", 1).await;
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Succeeded, ChargingRule::Delivered));
    let events = world.events_of(accepted.run_id).await;
    assert_eq!(events, ["run.requested", "run.submit_intended", "run.submitted", "run.succeeded"]);
    assert_eq!(run.ending().unwrap().reported_cost.as_ref().unwrap().amount, "0.04");
    assert!((25..40).contains(&remote.probes.load(Ordering::SeqCst)));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
}

/// Runs one prompt for `count` images, and says how it ended and what is left of 100 credits.
async fn run_one(prompt: &str, count: i64) -> (World, Arc<Remote>, Run, Vec<String>, String) {
    let (world, node, remote, caller) = remote_world().await;
    let accepted = node.images(&caller, prompt, count).await;
    let run = node.ended(accepted.run_id).await;
    let events = world.events_of(accepted.run_id).await;
    let (available, held) = node.balance(caller.account).await;
    assert_eq!(held, credits("0"), "a hold is open after the end");
    assert!(remote.submissions().values().all(|times| *times <= 1), "something was sent twice");
    (world, remote, run, events, available.to_string())
}

#[tokio::test(start_paused = true)]
async fn of_a_partial_delivery_only_what_was_delivered_is_paid() {
    let (_, _, run, _, left) = run_one("a boat [sandbox:partial=1]", 3).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Succeeded, ChargingRule::PartialDelivery));
    assert_eq!(left, "97");
    let delivered: Vec<bool> = run.outputs().iter().map(|output| *output == OutputOutcome::Delivered).collect();
    assert_eq!(delivered, [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_moderated_output_costs_nothing() {
    let (_, _, run, _, left) = run_one("a boat [sandbox:moderate]", 2).await;
    assert_eq!((run.status(), rule(&run), left.as_str()), (RunStatus::Failed, ChargingRule::OutputModerated, "100"));
    assert_eq!(run.failure().unwrap().code, "moderated");
    let (_, _, run, _, left) = run_one("a boat [sandbox:moderate=1]", 2).await;
    assert_eq!((run.status(), left.as_str()), (RunStatus::Succeeded, "97"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_and_a_refusal_cost_nothing() {
    for card in ["fail", "refuse"] {
        let (_, _, run, _, left) = run_one(&format!("a boat [sandbox:{card}]"), 1).await;
        assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::ProviderFailed), "{card}");
        assert_eq!(left, "100");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_found_by_asking_and_never_sent_again() {
    let (_, remote, run, events, left) = run_one("a boat [sandbox:lost-reply]", 1).await;
    assert_eq!(events, ["run.requested", "run.submit_intended", "run.outcome_unknown", "run.succeeded"]);
    assert_eq!((run.status(), left.as_str()), (RunStatus::Succeeded, "97"));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_is_never_answered_is_asked_about() {
    let (_world, node, remote, caller) = remote_world().await;
    remote.deaf.store(true, Ordering::SeqCst);
    let accepted = node.images(&caller, "a boat", 1).await;
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), run.attempt().unwrap().number), (RunStatus::Succeeded, 1));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn what_provably_never_arrived_is_sent_again() {
    let (_, remote, run, events, left) = run_one("a boat [sandbox:unsent=2]", 1).await;
    let again = ["run.submit_intended", "run.submit_disproved"];
    let expected = [&["run.requested"][..], &again, &again, &["run.submit_intended", "run.submitted", "run.succeeded"]];
    assert_eq!(events, expected.concat());
    assert_eq!((run.status(), left.as_str()), (RunStatus::Succeeded, "97"));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_away_is_tried_a_few_times_and_costs_nothing() {
    let (_world, node, remote, caller) = remote_world().await;
    remote.down.store(true, Ordering::SeqCst);
    let accepted = node.images(&caller, "a boat", 1).await;
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::RefusedBeforeSubmit));
    assert_eq!(run.failure().unwrap().code, "provider_unreachable");
    assert_eq!(run.attempt().unwrap().number, 5);
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")));
    assert!(remote.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn not_found_is_proof_only_after_the_last_moment_at_which_it_could_have_been_sent() {
    let (world, node, remote, caller) = remote_world().await;
    remote.leaky.store(true, Ordering::SeqCst);
    let begun = tokio::time::Instant::now();
    let accepted = node.images(&caller, "a boat", 1).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(node.core.run_state(accepted.run_id).await.unwrap().status(), RunStatus::OutcomeUnknown);
    remote.leaky.store(false, Ordering::SeqCst);
    let run = node.ended(accepted.run_id).await;
    // 30 s window + 10 s timeout + 5 s skew.
    assert!(begun.elapsed() > Duration::from_secs(45));
    assert_eq!((run.status(), run.attempt().unwrap().number), (RunStatus::Succeeded, 2));
    let events = world.events_of(accepted.run_id).await;
    assert_eq!(events[2..4], ["run.outcome_unknown", "run.submit_disproved"]);
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn where_client_ids_are_not_taken_not_found_proves_nothing() {
    let world = World::new().await;
    let mut remote = Remote::new(instant(&world).await);
    remote.traits.takes_client_ids = false;
    remote.leaky.store(true, Ordering::SeqCst);
    let node = world.node_with("a", Arc::new(remote), patient(), Arc::clone(&world.nodes)).await;
    let caller = node.account("ann", "100").await;
    let accepted = node.images(&caller, "a boat", 1).await;
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::OutcomeNeverKnown));
    assert_eq!(run.attempt().unwrap().number, 1, "it was never sent again");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_stays_held_until_its_deadline_and_then_costs_nothing() {
    let (_world, node, remote, caller) = remote_world_with(patient()).await;
    let begun = tokio::time::Instant::now();
    let accepted = node.images(&caller, "a boat [sandbox:unknown]", 1).await;
    tokio::time::sleep(Duration::from_secs(23 * 3_600)).await;
    let run = node.core.run_state(accepted.run_id).await.unwrap();
    assert_eq!(run.status(), RunStatus::OutcomeUnknown);
    assert_eq!(node.balance(caller.account).await, (credits("97"), credits("3")), "the hold stays");
    assert_eq!(node.dispatcher.load_of("sandbox"), (0, 0), "it does not keep others from their place");
    let run = node.ended(accepted.run_id).await;
    assert!(begun.elapsed() >= Duration::from_secs(24 * 3_600));
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::OutcomeNeverKnown));
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")));
    assert!(remote.probes.load(Ordering::SeqCst) > 1_000, "probing went on");
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_is_cancelled_at_once_and_costs_nothing() {
    let world = World::new().await;
    let mut remote = Remote::new(instant(&world).await);
    remote.traits.concurrency = 1;
    let node = world.node("a", Arc::new(remote)).await;
    let caller = node.account("ann", "100").await;
    let first = node.images(&caller, "a boat [sandbox:slow=60]", 1).await;
    let second = node.images(&caller, "a ship", 1).await;
    assert_eq!(second.run.status(), RunStatus::Queued);
    assert_eq!(node.dispatcher.load_of("sandbox"), (1, 1));
    let cancelled = node.core.cancel_run(&caller, second.run_id).await.unwrap();
    assert_eq!(
        (cancelled.run.status(), rule(&cancelled.run)),
        (RunStatus::Cancelled, ChargingRule::CancelledWhileQueued)
    );
    node.ended(second.run_id).await;
    assert_eq!(node.dispatcher.load_of("sandbox"), (0, 1), "nothing waits any more");
    assert_eq!(node.ended(first.run_id).await.status(), RunStatus::Succeeded);
    assert_eq!(node.balance(caller.account).await, (credits("97"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn of_a_run_that_is_cancelled_what_the_provider_confirms_is_paid() {
    let (_world, node, _, caller) = remote_world().await;
    let accepted = node.images(&caller, "a boat [sandbox:slow=40]", 4).await;
    // After 40 s / 4 each, two of the four are made.
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert!((50..80).contains(&node.dispatcher.progress(accepted.run_id).unwrap()));
    let cancelled = node.core.cancel_run(&caller, accepted.run_id).await.unwrap();
    assert_eq!(cancelled.run.status(), RunStatus::Running, "the provider has a say");
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Cancelled, ChargingRule::CancelledWhileRunning));
    assert_eq!(run.outputs().iter().filter(|output| **output == OutputOutcome::Delivered).count(), 2);
    assert_eq!(node.balance(caller.account).await, (credits("94"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_in_one_go_is_stopped_too() {
    let world = World::new().await;
    let node = world.node("a", Arc::new(instant(&world).await)).await;
    let caller = node.account("ann", "100").await;
    let accepted = node.images(&caller, "a boat [sandbox:hang]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    node.core.cancel_run(&caller, accepted.run_id).await.unwrap();
    let run = node.ended(accepted.run_id).await;
    assert_eq!(run.status(), RunStatus::Cancelled);
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_stopped_is_delivered_and_paid() {
    let (_world, node, _, caller) = remote_world().await;
    let accepted = node.images(&caller, "a boat [sandbox:slow=20] [sandbox:stubborn]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    node.core.cancel_run(&caller, accepted.run_id).await.unwrap();
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Succeeded, ChargingRule::Delivered));
    assert_eq!(node.balance(caller.account).await, (credits("97"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_is_stopped_and_costs_nothing() {
    let (_, _, run, _, left) = run_one("a boat [sandbox:hang]", 1).await;
    assert_eq!((run.status(), rule(&run), left.as_str()), (RunStatus::Failed, ChargingRule::ProviderFailed, "100"));
    assert_eq!(run.failure().unwrap().code, "timeout");
}

#[tokio::test(start_paused = true)]
async fn a_local_timeout_alone_is_no_failure() {
    let (_world, node, _, caller) = remote_world().await;
    // It goes on after our patience of 120 s, does not listen, and is done after 300 s.
    let accepted = node.images(&caller, "a boat [sandbox:slow=300] [sandbox:stubborn]", 1).await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    let run = node.core.run_state(accepted.run_id).await.unwrap();
    assert_eq!(run.status(), RunStatus::OutcomeUnknown);
    assert_eq!(node.balance(caller.account).await.1, credits("3"));
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Succeeded, ChargingRule::Delivered));
}

#[tokio::test(start_paused = true)]
async fn an_input_that_is_gone_fails_the_run_before_anything_is_sent() {
    let (_world, node, remote, caller) = remote_world().await;
    let mut request = image_request("like this", 1);
    request.ask.images = 1;
    request.inputs.images = vec!["https://files.example/gone.png".into()];
    let accepted = node.core.accept_run(&caller, request).await.unwrap();
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::RefusedBeforeSubmit));
    assert_eq!(run.failure().unwrap().code, "input_unreachable");
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")));
    assert!(remote.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_request_again_is_the_same_run() {
    let (_world, node, remote, caller) = remote_world().await;
    let request = || keyed(image_request("a boat", 1), "key-1");
    let first = node.core.accept_run(&caller, request()).await.unwrap();
    let second = node.core.accept_run(&caller, request()).await.unwrap();
    assert!(!first.replayed && second.replayed && first.run_id == second.run_id);
    node.ended(first.run_id).await;
    let third = node.core.accept_run(&caller, request()).await.unwrap();
    assert_eq!((third.replayed, third.run.status()), (true, RunStatus::Succeeded));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1]);
    assert_eq!(node.balance(caller.account).await, (credits("97"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_stop_that_comes_while_inputs_are_fetched_is_heard_before_anything_is_sent() {
    let world = World::new().await;
    let remote = Arc::new(Remote::new(instant(&world).await));
    let provider = Arc::clone(&remote) as Arc<dyn Provider>;
    let node = world.node_with("a", provider, patient(), Arc::clone(&world.nodes)).await;
    let caller = node.account("ann", "100").await;
    // The first attempt never arrives, so that the run waits again, and fetches its input again.
    let mut request = image_request("a boat [sandbox:unsent=1]", 1);
    request.ask.images = 1;
    request.inputs.images = vec!["https://example.com/slow.png".into()];
    let run = node.core.accept_run(&caller, request).await.unwrap().run_id;
    while world.events_of(run).await.last().unwrap() != "run.submit_disproved" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Whoever stops it is gone before it ends the run: only the wish is in the log.
    let gate = Arc::new(Gate::before(world.writer.clone()));
    gate.stop.arm(At::Before(1));
    let elsewhere = mintmark_domain::usecases::Core { decider: gate.clone(), ..node.core.clone() };
    let (asking, by) = (caller.clone(), run);
    let stopping = tokio::spawn(async move { elsewhere.cancel_run(&asking, by).await.map(drop) });
    gate.stop.reached.notified().await;
    assert_eq!(world.events_of(run).await.last().unwrap(), "run.cancel_requested");

    let ended = node.ended(run).await;
    assert_eq!((ended.status(), rule(&ended)), (RunStatus::Cancelled, ChargingRule::CancelledWhileQueued));
    let told = ["run.submit_disproved", "run.cancel_requested", "run.cancelled"];
    assert_eq!(world.events_of(run).await[2..], told);
    assert_eq!(node.balance(caller.account).await, (credits("100"), credits("0")));
    assert!(remote.submissions().values().all(|times| *times == 0), "{:?}", remote.submissions());
    stopping.abort();
}
