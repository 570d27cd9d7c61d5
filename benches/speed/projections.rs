//! How fast read models catch up, against COPY of the same rows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use mintmark_domain::Shard;
use mintmark_domain::es::EventLog;
use mintmark_log::postgres::PgEventLog;
use mintmark_projections::rebuild;
use mintmark_projections::wallets::WalletsProjection;
use mintmark_projections::{Projection, generation::GenerationProjection};
use mintmark_testkit::TestCluster;
use sqlx::postgres::PgConnectOptions;

/// Replays the log of the HTTP measurement into fresh tables, and copies the events' rows.
pub async fn catch_up(cluster: &TestCluster, options: PgConnectOptions) -> anyhow::Result<String> {
    let pool = mintmark_log::postgres::pool(options.clone(), "mintmark speed", 4);
    let log: Arc<dyn EventLog> = Arc::new(PgEventLog::new(options, "bench"));
    let projections: [Arc<dyn Projection>; 2] = [Arc::new(WalletsProjection), Arc::new(GenerationProjection)];
    let mut lines = Vec::new();
    for projection in &projections {
        let events = Mutex::new(0);
        let progress = |now: rebuild::Progress| {
            *events.lock().unwrap_or_else(PoisonError::into_inner) = now.done;
        };
        let begun = Instant::now();
        let replayed = rebuild::verify(&pool, &log, &**projection, &[Shard::ZERO], &progress).await?;
        let rate = replayed.events as f64 / begun.elapsed().as_secs_f64();
        lines.push(format!("| `{}` replays and compares | {rate:.0} events/s |", replayed.projection));
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&pool).await?;
    let begun = Instant::now();
    cluster
        .restore(b"CREATE TABLE copied (LIKE events INCLUDING ALL); COPY events TO '/dev/null'; INSERT INTO copied SELECT * FROM events;")
        .await?;
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    lines.push(format!("| rows of `events` copied in the database | {rate:.0} rows/s |"));
    pool.close().await;
    Ok(lines.join("\n"))
}
