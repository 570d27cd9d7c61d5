//! Two processes' writers on one shard, one with few callers and one with many: how long each waits.

use std::time::Duration;

use mintmark_testkit::TestCluster;

use crate::report::{Report, percentile};
use crate::writer::Decisions;

/// Callers of the one and of the other.
const FEW: u64 = 4;
const MANY: u64 = 256;

pub async fn measure(cluster: &TestCluster, lasts: Duration, report: &mut Report) -> anyhow::Result<()> {
    let small = Decisions::prepare(cluster, "contended").await?;
    let large = small.another_writer(cluster, "contended").await?;
    let (few, many) = tokio::join!(small.waits(0..FEW, lasts), large.waits(FEW..MANY, lasts));
    for (callers, waits) in [(FEW, few?), (MANY - FEW, many?)] {
        let rate = waits.len() as f64 / lasts.as_secs_f64();
        let (half, most) = (percentile(waits.clone(), 0.5), percentile(waits, 0.99));
        let what = format!("two writers on one shard: the one with {callers} callers");
        report.line(&what, &format!("{rate:.0} decisions/s, wait median {half:.1} ms, p99 {most:.1} ms"), "");
    }
    small.stop().await;
    large.stop().await;
    Ok(())
}
