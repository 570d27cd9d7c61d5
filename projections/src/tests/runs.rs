//! Runs, usage, batches and the dispatcher's work.

use chrono::TimeDelta;
use mintmark_domain::Credits;
use mintmark_domain::batch::{Batch, BatchCommand, BatchStatus, ItemState};
use mintmark_domain::catalog::Capability;
use mintmark_domain::es::Position;
use mintmark_domain::run::{ItemRef, Run, RunCommand, RunStatus, Surface};
use mintmark_domain::wallet::LotKind;

use super::history::{Asked, History, reason};
use super::support::Bench;
use crate::generation::{CreationState, RunFilter, UsageBy, UsageFilter, UsageTotals};
use crate::positions::Walk;
use crate::reads::Order;

#[tokio::test]
async fn a_run_is_shown_at_every_step_of_its_life() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    history.grant(account, 100, LotKind::Paid, None);
    let run = history.request(account, &Asked::default()).unwrap();
    history.commit().await;
    let bench = Bench::new(&history).await;
    let reads = bench.reads();
    bench.catch_up(100).await;
    let shown = reads.run(run).await.unwrap().unwrap();
    assert_eq!(shown.request, *history.state::<Run>(run.0).requested().unwrap());
    assert_eq!((shown.status, shown.attempt, shown.captured), (RunStatus::Queued, 0, None));
    assert_eq!(shown.creations.iter().map(|made| made.state).collect::<Vec<_>>(), [CreationState::Pending; 2]);

    history.start(run);
    history.commit().await;
    bench.catch_up(100).await;
    let shown = reads.run(run).await.unwrap().unwrap();
    assert_eq!((shown.status, shown.attempt, shown.node.as_deref()), (RunStatus::Running, 1, Some("node-1")));
    assert_eq!(shown.creations[0].state, CreationState::Generating);
    let open = reads.open_runs(history.shard, Position(0), 10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].run, open[0].status, open[0].provider.as_str()), (run, RunStatus::Running, "sandbox"));
    assert!(open[0].submit_by.is_some() && open[0].client_id.is_some());

    let (attempt, at) = (history.attempt(run).unwrap(), history.now());
    let until = at + TimeDelta::hours(24);
    let unknown = RunCommand::MarkUnknown { attempt, reason: reason("lost"), until, at };
    assert!(history.act::<Run>(run.0, unknown));
    history.act::<Run>(run.0, RunCommand::RequestCancel { by: "owner".into(), at });
    history.commit().await;
    bench.catch_up(100).await;
    let open = reads.open_runs(history.shard, Position(0), 10).await.unwrap();
    assert_eq!((open[0].status, open[0].unknown_until), (RunStatus::OutcomeUnknown, Some(until)));
    assert!(open[0].cancel_requested);

    assert!(history.deliver(run, 1));
    history.commit().await;
    bench.catch_up(100).await;
    let shown = reads.run(run).await.unwrap().unwrap();
    assert_eq!((shown.status, shown.captured), (RunStatus::Succeeded, Some(Credits::whole(3))));
    assert_eq!(shown.unknown_until, None);
    let states: Vec<_> = shown.creations.iter().map(|made| made.state).collect();
    assert_eq!(states, [CreationState::Completed, CreationState::Failed]);
    assert_eq!(shown.creations[0].output, Some(super::history::picture(shown.creations[0].number)));
    assert_eq!(shown.creations[1].failure, Some(reason("moderated")));
    assert!(reads.open_runs(history.shard, Position(0), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_walk_through_runs_sees_each_once_and_keeps_to_its_filter() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    let other = history.account("ben").await;
    for account in [account, other] {
        history.grant(account, 1_000, LotKind::Paid, None);
    }
    let mut failed = Vec::new();
    for n in 0..30 {
        let capability = if n % 3 == 0 { Capability::VideoGeneration } else { Capability::ImageGeneration };
        let run = history.request(account, &Asked { capability, ..Asked::default() }).unwrap();
        history.request(other, &Asked::default()).unwrap();
        if n % 5 == 0 {
            history.fail(run, n % 2 == 0);
            failed.push(run);
        }
        history.commit().await;
    }
    let bench = Bench::new(&history).await;
    bench.catch_up(11).await;
    let reads = bench.reads();
    for order in [Order::Newest, Order::Oldest] {
        let known = reads.run_walk(account, &RunFilter::default(), order, &Walk::default(), 1_000).await.unwrap();
        let known: Vec<_> = known.items.into_iter().map(|(_, run)| run.id).collect();
        let mut seen = Vec::new();
        let mut walk = Walk::default();
        loop {
            let stretch = reads.run_walk(account, &RunFilter::default(), order, &walk, 7).await.unwrap();
            seen.extend(stretch.items.iter().map(|(_, run)| run.id));
            history.request(account, &Asked::default()).unwrap();
            history.commit().await;
            bench.catch_up(11).await;
            let Some((place, _)) = stretch.items.last().filter(|_| stretch.has_more) else { break };
            walk = Walk::from_token(&stretch.cursor(*place)).unwrap();
        }
        assert_eq!(seen, known, "{order:?}");
    }
    let not_delivered = RunFilter { statuses: vec![RunStatus::Failed, RunStatus::Cancelled], ..RunFilter::default() };
    let listed = reads.run_walk(account, &not_delivered, Order::Oldest, &Walk::default(), 50).await.unwrap();
    assert_eq!(listed.items.iter().map(|(_, run)| run.id).collect::<Vec<_>>(), failed);
    let videos = RunFilter { capability: Some("video_generation".into()), ..RunFilter::default() };
    let listed = reads.run_walk(account, &videos, Order::Newest, &Walk::default(), 50).await.unwrap();
    assert_eq!(listed.items.len(), 10);
    // A client that names the last run it saw.
    let place = reads.run_place(account, failed[1]).await.unwrap();
    assert!(place.is_some());
    let walk = Walk { after: place, ..Walk::default() };
    let after = reads.run_walk(account, &not_delivered, Order::Oldest, &walk, 50).await.unwrap();
    assert_eq!(after.items.first().map(|(_, run)| run.id), Some(failed[2]));
    assert_eq!(reads.run_place(other, failed[1]).await.unwrap(), None);
}

#[tokio::test]
async fn usage_counts_runs_when_they_ended_and_ties_to_the_captures() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    history.grant(account, 10_000, LotKind::Paid, None);
    // Over three days, from 10:00 on the first.
    let begun = history.now();
    let mut captured = Credits::ZERO;
    for n in 0..60_u32 {
        let asked = Asked {
            price: 4,
            model: if n % 2 == 0 { "nano-banana-2" } else { "flux-schnell" },
            surface: if n % 6 == 0 { Surface::Generor } else { Surface::Genfire },
            ..Asked::default()
        };
        let run = history.request(account, &asked).unwrap();
        history.pass(TimeDelta::minutes(60));
        history.start(run);
        if n % 10 == 0 {
            history.fail(run, false);
        } else {
            history.deliver(run, 2);
            captured += Credits::whole(4);
        }
        history.commit().await;
    }
    let bench = Bench::new(&history).await;
    bench.catch_up(9).await;
    let reads = bench.reads();
    let everything = UsageFilter::default();
    let (from, to) = (begun - TimeDelta::days(1), history.now() + TimeDelta::days(1));
    for by in [UsageBy::Model, UsageBy::Capability, UsageBy::Day, UsageBy::ApiKey, UsageBy::Surface] {
        let usage = reads.usage(account, from, to, by, &everything).await.unwrap();
        assert_eq!((usage.totals.credits, usage.totals.runs(), usage.totals.failed), (captured, 60, 6), "{by:?}");
    }
    let spent: rust_decimal::Decimal = sqlx::query_scalar("SELECT sum(captured) FROM read_wallets_v2.transactions")
        .fetch_one(bench.db.pool())
        .await
        .unwrap();
    assert_eq!(spent, captured.value());
    let genfire = UsageFilter { surfaces: vec![Surface::Genfire], ..UsageFilter::default() };
    assert_eq!(reads.usage(account, from, to, UsageBy::Model, &genfire).await.unwrap().totals.runs(), 50);
    let days = reads.usage(account, from, to, UsageBy::Day, &everything).await.unwrap();
    let names: Vec<_> = days.groups.iter().map(|group| group.group.as_str()).collect();
    assert_eq!(names, ["2026-11-22", "2026-11-23", "2026-11-24"]);
    // A period cut anywhere comes to the same as its parts: each run is counted once.
    for cut in [TimeDelta::minutes(90), TimeDelta::hours(14), TimeDelta::hours(29), TimeDelta::minutes(2_345)] {
        let middle = begun + cut;
        let mut sum = UsageTotals::default();
        for (from, to) in [(from, middle), (middle, to)] {
            let part = reads.usage(account, from, to, UsageBy::Model, &everything).await.unwrap().totals;
            sum.succeeded += part.succeeded;
            sum.failed += part.failed;
            sum.credits += part.credits;
        }
        assert_eq!((sum.succeeded, sum.failed, sum.credits), (54, 6, captured), "cut at {middle}");
        let ended: i64 = sqlx::query_scalar("SELECT count(*) FROM read_generation_v3.runs WHERE completed_at < $1")
            .bind(middle)
            .fetch_one(bench.db.pool())
            .await
            .unwrap();
        let first = reads.usage(account, from, middle, UsageBy::Model, &everything).await.unwrap().totals;
        assert_eq!(first.runs(), ended.unsigned_abs());
    }
}

#[tokio::test]
async fn a_batch_says_what_may_start_and_how_its_items_ended() {
    let mut history = History::new().await;
    let account = history.account("ada").await;
    history.grant(account, 1_000, LotKind::Paid, None);
    let batch = history.batch(account, 6, 4, 2).unwrap();
    history.commit().await;
    let bench = Bench::new(&history).await;
    let reads = bench.reads();
    bench.catch_up(100).await;
    let open = reads.open_batches(history.shard, Position(0), 10).await.unwrap();
    assert_eq!((open[0].batch, open[0].waiting, open[0].startable), (batch, 6, 2));

    let item = |index| Asked { price: 4, item: Some(ItemRef { batch, index }), ..Asked::default() };
    let runs: Vec<_> = (0..2).map(|index| history.request(account, &item(index)).unwrap()).collect();
    history.commit().await;
    bench.catch_up(3).await;
    let open = reads.open_batches(history.shard, Position(0), 10).await.unwrap();
    assert_eq!((open[0].waiting, open[0].startable), (4, 0));
    history.start(runs[0]);
    history.deliver(runs[0], 2);
    history.act::<Batch>(batch.0, BatchCommand::Cancel { by: "owner".into() });
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(reads.open_batches(history.shard, Position(0), 10).await.unwrap()[0].startable, 0);
    history.start(runs[1]);
    history.fail(runs[1], false);
    history.commit().await;
    bench.catch_up(100).await;
    let shown = reads.batch(batch).await.unwrap().unwrap();
    assert_eq!(shown.status, history.state::<Batch>(batch.0).status());
    assert_eq!(shown.status, BatchStatus::Partial);
    assert_eq!((shown.succeeded, shown.failed, shown.cancelled, shown.waiting, shown.running), (1, 1, 4, 0, 0));
    let states: Vec<_> = reads.batch_items(batch, 0, None).await.unwrap().into_iter().map(|item| item.state).collect();
    assert_eq!(states, history.state::<Batch>(batch.0).items());
    assert_eq!(states[2], ItemState::Cancelled);
    assert!(reads.open_batches(history.shard, Position(0), 10).await.unwrap().is_empty());
    // What was held for the batch is with the wallet again, but for what was delivered.
    let wallet = reads.wallet(account.wallet(), history.now()).await.unwrap().unwrap();
    assert_eq!((wallet.balance.available, wallet.balance.held), (Credits::whole(996), Credits::ZERO));
}
