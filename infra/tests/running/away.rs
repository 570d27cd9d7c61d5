//! Providers that are away, no longer keep what they made, or left the configuration; and what a
//! cancelled run costs whose quality was left to its provider.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mintmark_domain::money::ChargingRule;
use mintmark_domain::ports::Provider;
use mintmark_domain::run::{OutputOutcome, RunStatus};
use mintmark_infra::providers::Sandbox;
use mintmark_infra::providers::sandbox::SandboxSettings;

use super::endings::{remote_world, remote_world_with, rule};
use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_away_when_a_run_is_cancelled_is_asked_ever_more_seldom() {
    let (_world, node, remote, caller) = remote_world_with(patient()).await;
    let accepted = node.images(&caller, "a boat [sandbox:slow=3000]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    remote.down.store(true, Ordering::SeqCst);
    remote.probes.store(0, Ordering::SeqCst);
    remote.probes_max.store(200, Ordering::SeqCst);
    node.core.cancel_run(&caller, accepted.run_id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let asked = remote.probes.load(Ordering::SeqCst);
    // Once in a minute after the first few.
    assert!((50..100).contains(&asked), "{asked}");
    // As soon as it is back it hears of the wish.
    remote.down.store(false, Ordering::SeqCst);
    let run = node.ended(accepted.run_id).await;
    assert!(run.status().is_ended());
    assert_eq!(node.balance(caller.account).await.1, credits("0"));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_of_open_quality_is_paid_at_the_quality_that_was_chosen() {
    let (_world, node, _, caller) = remote_world().await;
    let mut request = image_request("a boat [sandbox:slow=40] [sandbox:quality=low]", 2);
    request.model = "image.gpt_image_2".into();
    request.ask.quality = Some("auto".into());
    let accepted = node.core.accept_run(&caller, request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(25)).await;
    node.core.cancel_run(&caller, accepted.run_id).await.unwrap();
    let run = node.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Cancelled, ChargingRule::CancelledWhileRunning));
    assert_eq!(run.outputs().iter().filter(|output| **output == OutputOutcome::Delivered).count(), 1);
    let quote = &run.requested().unwrap().quote;
    let low = quote.for_outputs_at(1, "low");
    assert!(low < quote.for_outputs(1));
    assert_eq!(run.ending().unwrap().captured, low);
    assert_eq!(node.balance(caller.account).await, (credits("100") - low, credits("0")));
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_no_longer_keeps_fails_at_no_cost_and_is_never_sent_again() {
    let world = World::new().await;
    let settings = SandboxSettings { kept_max: 1, dies_with_node: false, ..SandboxSettings::default() };
    let sandbox = Sandbox::instant(settings, &*world.assets).await.unwrap();
    let remote = Arc::new(Remote::new(sandbox));
    let provider = Arc::clone(&remote) as Arc<dyn Provider>;
    let node = world.node_with("a", provider, patient(), Arc::clone(&world.nodes)).await;
    let caller = node.account("ann", "100").await;
    let first = node.images(&caller, "a boat [sandbox:slow=5]", 1).await;
    let second = node.images(&caller, "a ship [sandbox:slow=7]", 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    remote.down.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Meanwhile both were done, and the first made room for the second.
    remote.down.store(false, Ordering::SeqCst);
    let run = node.ended(first.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::ProviderFailed));
    assert_eq!(node.ended(second.run_id).await.status(), RunStatus::Succeeded);
    assert_eq!(node.balance(caller.account).await, (credits("97"), credits("0")));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_provider_that_left_the_configuration_fails_at_no_cost() {
    let world = World::new().await;
    let remote = Arc::new(Remote::new(instant(&world).await));
    let a = world.node("a", Arc::clone(&remote) as Arc<dyn Provider>).await;
    let caller = a.account("ann", "100").await;
    a.running.shutdown(Duration::from_secs(1)).await;
    let accepted = a.core.accept_run(&caller, image_request("a boat", 1)).await.unwrap();
    assert_eq!(accepted.run.status(), RunStatus::Queued);
    let mut other = Remote::new(instant(&world).await);
    other.name = "other";
    let b = world.node_with("b", Arc::new(other), patient(), Arc::clone(&world.nodes)).await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    let run = b.core.run_state(accepted.run_id).await.unwrap();
    assert_eq!(run.status(), RunStatus::Queued, "others may know the provider");
    let run = b.ended(accepted.run_id).await;
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::RefusedBeforeSubmit));
    assert_eq!(run.failure().unwrap().code, "provider_removed");
    assert_eq!(b.balance(caller.account).await, (credits("100"), credits("0")));
    assert!(remote.submissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_may_have_that_left_the_configuration_is_unknown_until_its_deadline() {
    let world = World::new().await;
    let remote = Arc::new(Remote::new(instant(&world).await));
    let provider = Arc::clone(&remote) as Arc<dyn Provider>;
    let a = world.node_with("a", provider, patient(), Arc::clone(&world.nodes)).await;
    let caller = a.account("ann", "100").await;
    let accepted = a.images(&caller, "a boat [sandbox:slow=30]", 1).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(a);
    let mut other = Remote::new(instant(&world).await);
    other.name = "other";
    let b = world.node_with("b", Arc::new(other), patient(), Arc::clone(&world.nodes)).await;
    let begun = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3 * 3_600)).await;
    let run = b.core.run_state(accepted.run_id).await.unwrap();
    assert_eq!(run.status(), RunStatus::OutcomeUnknown);
    assert_eq!(b.balance(caller.account).await.1, credits("3"), "the hold stays");
    let run = b.ended(accepted.run_id).await;
    assert!(begun.elapsed() >= Duration::from_secs(24 * 3_600));
    assert_eq!((run.status(), rule(&run)), (RunStatus::Failed, ChargingRule::OutcomeNeverKnown));
    assert_eq!(b.balance(caller.account).await, (credits("100"), credits("0")));
    assert_eq!(remote.submissions().into_values().collect::<Vec<_>>(), [1], "it was never sent again");
}
