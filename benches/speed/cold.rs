//! A wallet with a long history that nobody has in memory.

use std::sync::Arc;
use std::time::Instant;

use mintmark_domain::Shard;
use mintmark_domain::es::{Decider as _, StreamRef};
use mintmark_domain::wallet::CreditWallet;
use mintmark_log::snapshots::{MemorySnapshots, PgSnapshots, SnapshotStore};
use mintmark_testkit::TestCluster;

use crate::report::{Report, median};
use crate::writer::{Decisions, account, log_of, start_writer};

/// How long the history is.
const EVENTS: u64 = 200_000;
/// How often it is read.
const READS: usize = 5;

pub async fn measure(cluster: &TestCluster, report: &mut Report) -> anyhow::Result<()> {
    let decisions = Decisions::prepare(cluster, "cold").await?;
    decisions.grow_one(EVENTS).await?;
    decisions.stop().await;
    let pool = mintmark_log::postgres::pool(cluster.options().database("cold"), "bench", 2);
    for kept in [false, true] {
        let mut times = Vec::new();
        for _ in 0..READS {
            // A writer of its own each time: nothing is in memory.
            let log = log_of(cluster, "cold");
            let snapshots: Arc<dyn SnapshotStore> = if kept {
                Arc::new(PgSnapshots::new(pool.clone()))
            } else {
                Arc::new(MemorySnapshots::new(log.clone()))
            };
            let writer = start_writer(log, snapshots).await?;
            let stream = StreamRef::of::<CreditWallet>(account(0).wallet());
            // The connections are made before, by a stream of no length.
            let other = StreamRef::of::<CreditWallet>(account(u64::MAX).wallet());
            writer.load(Shard::ZERO, vec![other]).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
            let begun = Instant::now();
            let loaded = writer.load(Shard::ZERO, vec![stream]).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            anyhow::ensure!(loaded.iter().all(|loaded| loaded.sequence >= EVENTS), "the history is shorter");
            writer.shutdown(std::time::Duration::from_secs(5)).await;
        }
        let how = if kept { "with its snapshot" } else { "by all of its events" };
        let what = format!("a cold wallet of 200,000 events, read {how}");
        report.line(&what, &format!("{:.1} ms", median(times)), "≤ 100 ms");
    }
    pool.close().await;
    Ok(())
}
