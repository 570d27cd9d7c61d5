//! How fast read models are made anew, against COPY of the rows that come of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mintmark_domain::Shard;
use mintmark_domain::es::EventLog;
use mintmark_log::postgres::PgEventLog;
use mintmark_projections::Projection;
use mintmark_projections::generation::GenerationProjection;
use mintmark_projections::rebuild;
use mintmark_projections::wallets::WalletsProjection;
use mintmark_testkit::TestCluster;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::http::Server;
use crate::report::Report;

/// Replays the log of the full server into fresh tables, and copies their rows.
pub async fn measure(cluster: &TestCluster, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let projections: [&dyn Projection; 2] = [&WalletsProjection, &GenerationProjection];
    let directory = cluster.data_directory().join("copies");
    tokio::fs::create_dir_all(&directory).await?;
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let (mut replays, mut copies, mut events) = (0.0, 0.0, 0);
    for projection in projections {
        let replayed = replay(report, server.database(), &directory, projection).await?;
        replays += replayed.seconds;
        copies += replayed.copy_seconds;
        events = replayed.events;
    }
    let rate = events as f64 / replays;
    let ratio = format!("{rate:.0} events/s, {:.1} × the events of whole runs", rate / report.run_events);
    report.line("both read models, one after the other", &ratio, "≥ 5 ×");
    report.line("both, to COPY of the same rows", &format!("{:.1} × its time", replays / copies), "");
    Ok(())
}

/// How long a read model took to be made anew, and its rows to be copied.
pub struct Replayed {
    pub events: u64,
    pub seconds: f64,
    pub copy_seconds: f64,
}

/// Makes one read model anew, and copies its rows by way of files in `directory`.
pub async fn replay(
    report: &mut Report,
    options: PgConnectOptions,
    directory: &Path,
    projection: &dyn Projection,
) -> anyhow::Result<Replayed> {
    let pool = mintmark_log::postgres::pool(options.clone(), "bench", 4);
    let log: Arc<dyn EventLog> = Arc::new(PgEventLog::new(options, "bench"));
    let begun = Instant::now();
    let replayed = rebuild::rebuild(&pool, &log, projection, &[Shard::ZERO], &|_| {}).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let (copy_seconds, rows) = copy(directory, &pool, projection.definition().schema).await?;
    let what = format!("`{}` replays {} events and compares", replayed.projection, replayed.events);
    let measured = format!(
        "{:.0} events/s, {:.0} rows/s; COPY of its {rows} rows {:.0} rows/s: {:.1} × the time",
        replayed.events as f64 / seconds,
        rows as f64 / seconds,
        rows as f64 / copy_seconds,
        seconds / copy_seconds
    );
    report.line(&what, &measured, "");
    pool.close().await;
    Ok(Replayed { events: replayed.events, seconds, copy_seconds })
}

/// Copies all rows of a schema into tables like them, indexes and all: seconds, rows.
async fn copy(directory: &Path, pool: &PgPool, schema: &str) -> anyhow::Result<(f64, i64)> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1")
        .bind(schema)
        .fetch_all(pool)
        .await?;
    let (mut seconds, mut rows) = (0.0, 0);
    // A large table takes longer than a statement may.
    let mut connection = pool.acquire().await?;
    sqlx::raw_sql("SET statement_timeout = 0; CREATE SCHEMA copies").execute(&mut *connection).await?;
    for table in &tables {
        let file = directory.join(table).display().to_string();
        sqlx::raw_sql(&format!("CREATE TABLE copies.{table} (LIKE {schema}.{table} INCLUDING ALL)"))
            .execute(&mut *connection)
            .await?;
        sqlx::raw_sql(&format!("COPY {schema}.{table} TO '{file}'")).execute(&mut *connection).await?;
        let begun = Instant::now();
        let copied = sqlx::raw_sql(&format!("COPY copies.{table} FROM '{file}'")).execute(&mut *connection).await?;
        seconds += begun.elapsed().as_secs_f64();
        rows += copied.rows_affected().cast_signed();
        std::fs::remove_file(directory.join(table)).ok();
    }
    sqlx::raw_sql("DROP SCHEMA copies CASCADE").execute(&mut *connection).await?;
    Ok((seconds, rows))
}
