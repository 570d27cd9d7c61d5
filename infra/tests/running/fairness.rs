//! Whose turn it is, and how many run at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mintmark_domain::ports::{Dispatch, Provider};
use mintmark_domain::run::RunStatus;
use mintmark_infra::running::RunningSettings;
use tokio::time::Instant;

use super::support::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_runs_of_one_account_do_not_delay_the_first_of_another() {
    let world = World::new().await;
    let mut remote = Remote::new(instant(&world).await);
    remote.traits.concurrency = 4;
    let remote = Arc::new(remote);
    let provider = Arc::clone(&remote) as Arc<dyn Provider>;
    let node = world.node_with("a", provider, patient(), Arc::clone(&world.nodes)).await;
    let (busy, late) = (node.account("busy", "3000").await, node.account("late", "3").await);
    let mut runs = Vec::new();
    for _ in 0..1_000 {
        runs.push(node.images(&busy, "a boat [sandbox:slow=1]", 1).await.run_id);
    }
    let begun = Instant::now();
    let first = node.images(&late, "a ship [sandbox:slow=1]", 1).await;
    assert_eq!(node.ended(first.run_id).await.status(), RunStatus::Succeeded);
    assert!(begun.elapsed() < Duration::from_secs(6), "it waited {:?}", begun.elapsed());
    let mut ended = 0;
    for run in &runs {
        ended += usize::from(node.core.run_state(*run).await.unwrap().status().is_ended());
    }
    assert!(ended < 30, "{ended} of the thousand went before it");
    for run in runs {
        assert_eq!(node.ended(run).await.status(), RunStatus::Succeeded);
    }
    assert_eq!(remote.under_way_most.load(Ordering::SeqCst), 4, "as many at once as the provider takes");
    assert_eq!(node.balance(busy.account).await, (credits("0"), credits("0")));
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_in_memory_is_found_in_the_log() {
    let world = World::new().await;
    let mut remote = Remote::new(instant(&world).await);
    remote.traits.concurrency = 2;
    let remote = Arc::new(remote);
    let settings = RunningSettings { waiting_per_account_max: 5, ..RunningSettings::default() };
    let node = world.node_with("a", Arc::clone(&remote) as _, settings, Arc::clone(&world.nodes)).await;
    let caller = node.account("ann", "300").await;
    let mut runs = Vec::new();
    for _ in 0..50 {
        runs.push(node.images(&caller, "a boat [sandbox:slow=1]", 1).await.run_id);
    }
    assert_eq!(node.dispatcher.load_of("sandbox"), (5, 2));
    for run in runs {
        assert_eq!(node.ended(run).await.status(), RunStatus::Succeeded);
    }
    assert_eq!(node.balance(caller.account).await, (credits("150"), credits("0")));
    assert!(remote.submissions().values().all(|times| *times == 1));
    assert!(remote.under_way_most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_told_at_the_end_or_when_the_time_is_over() {
    let world = World::new().await;
    let node = world.node("a", Arc::new(Remote::new(instant(&world).await))).await;
    let other = world.node("b", Arc::new(Remote::new(instant(&world).await))).await;
    let caller = node.account("ann", "10").await;
    let accepted = node.images(&caller, "a boat [sandbox:slow=10]", 1).await;
    let begun = Instant::now();
    assert!(!node.dispatcher.ended(accepted.run_id, Duration::from_secs(2)).await);
    assert_eq!(begun.elapsed().as_secs(), 2);
    // Another process has to ask the log.
    let (here, there) = tokio::join!(
        node.dispatcher.ended(accepted.run_id, Duration::from_secs(60)),
        other.dispatcher.ended(accepted.run_id, Duration::from_secs(60)),
    );
    assert!(here && there);
    assert!(begun.elapsed() < Duration::from_secs(13));
    assert!(node.dispatcher.ended(accepted.run_id, Duration::ZERO).await, "known without waiting");
    assert!(!node.dispatcher.ended(mintmark_domain::ids::RunId(uuid::Uuid::nil()), Duration::ZERO).await);
}
