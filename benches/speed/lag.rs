//! How far read models are behind at half load: from outside, by looking at both ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mintmark_projections::Projection;
use mintmark_projections::generation::GenerationProjection;
use mintmark_projections::wallets::WalletsProjection;
use sqlx::{Connection as _, PgConnection};

use crate::http::Server;
use crate::report::{Report, percentile};

/// How long the half load lasts.
const LASTS: Duration = Duration::from_secs(15);
/// Between two looks. What is measured is this much too long at most.
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub async fn measure(server: &Server, log: &str, report: &mut Report) -> anyhow::Result<()> {
    let rate = report.runs / 2.0;
    let (loaded, lags) = tokio::join!(server.runs_at(rate, LASTS), watch(server));
    let (done, lags) = (loaded?, lags?);
    let load = done / LASTS.as_secs_f64();
    let what = format!("lag of the read models at half load ({load:.0} runs/s), {log}");
    let (half, most) = (percentile(lags.clone(), 0.5), percentile(lags, 0.99));
    report.line(&what, &format!("median {half:.0} ms, p99 {most:.0} ms"), "p99 ≤ 100 ms");
    Ok(())
}

/// Milliseconds from when a position is seen in the log until all read models have it.
async fn watch(server: &Server) -> anyhow::Result<Vec<f64>> {
    let projections: [Arc<dyn Projection>; 2] = [Arc::new(WalletsProjection), Arc::new(GenerationProjection)];
    let behind: Vec<String> = projections
        .iter()
        .map(|projection| {
            format!("(SELECT position FROM {}.checkpoints WHERE shard = 0)", projection.definition().schema)
        })
        .collect();
    let sql = format!("SELECT (SELECT max(position) FROM events WHERE shard = 0), least({})", behind.join(", "));
    let mut connection = PgConnection::connect_with(&server.database()).await?;
    let begun = Instant::now();
    let mut waiting: VecDeque<(i64, Instant)> = VecDeque::new();
    let mut lags = Vec::new();
    while begun.elapsed() < LASTS {
        let (end, applied): (i64, i64) = sqlx::query_as(&sql).fetch_one(&mut connection).await?;
        let now = Instant::now();
        if waiting.back().is_none_or(|(last, _)| *last < end) {
            waiting.push_back((end, now));
        }
        while waiting.front().is_some_and(|(position, _)| *position <= applied) {
            if let Some((_, seen)) = waiting.pop_front() {
                lags.push((now - seen).as_secs_f64() * 1e3);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    connection.close().await?;
    Ok(lags)
}
