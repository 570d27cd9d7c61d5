//! How fast read models are made anew, against COPY of the rows that come of it.

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

use crate::http::Server;
use crate::report::Report;

/// Replays the log of the full server into fresh tables, and copies their rows.
pub async fn measure(cluster: &TestCluster, server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let options = server.database();
    let pool = mintmark_log::postgres::pool(options.clone(), "bench", 4);
    let log: Arc<dyn EventLog> = Arc::new(PgEventLog::new(options, "bench"));
    let projections: [Arc<dyn Projection>; 2] = [Arc::new(WalletsProjection), Arc::new(GenerationProjection)];
    let (mut replays, mut copies, mut events) = (0.0, 0.0, 0);
    for projection in &projections {
        let begun = Instant::now();
        let replayed = rebuild::rebuild(&pool, &log, &**projection, &[Shard::ZERO], &|_| {}).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let schema = projection.definition().schema;
        let (copy, rows) = copy(cluster, &pool, schema).await?;
        let rate = replayed.events as f64 / seconds;
        let what = format!("`{}` replays {} events and compares", replayed.projection, replayed.events);
        let measured = format!("{rate:.0} events/s; {:.1} × the time of COPY of its {rows} rows", seconds / copy);
        report.line(&what, &measured, "");
        replays += seconds;
        copies += copy;
        events = replayed.events;
    }
    let rate = events as f64 / replays;
    let ratio = format!("{rate:.0} events/s, {:.1} × the events of whole runs", rate / report.run_events);
    report.line("both read models, one after the other", &ratio, "≥ 5 ×");
    report.line("both, to COPY of the same rows", &format!("{:.1} × its time", replays / copies), "");
    pool.close().await;
    Ok(())
}

/// Copies all rows of a schema into tables like them, indexes and all: seconds, rows.
async fn copy(cluster: &TestCluster, pool: &PgPool, schema: &str) -> anyhow::Result<(f64, i64)> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1")
        .bind(schema)
        .fetch_all(pool)
        .await?;
    let directory = cluster.data_directory().join("copies");
    tokio::fs::create_dir_all(&directory).await?;
    std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let (mut seconds, mut rows) = (0.0, 0);
    sqlx::raw_sql("CREATE SCHEMA copies").execute(pool).await?;
    for table in &tables {
        let file = directory.join(table).display().to_string();
        sqlx::raw_sql(&format!("CREATE TABLE copies.{table} (LIKE {schema}.{table} INCLUDING ALL)"))
            .execute(pool)
            .await?;
        sqlx::raw_sql(&format!("COPY {schema}.{table} TO '{file}'")).execute(pool).await?;
        let begun = Instant::now();
        let copied = sqlx::raw_sql(&format!("COPY copies.{table} FROM '{file}'")).execute(pool).await?;
        seconds += begun.elapsed().as_secs_f64();
        rows += copied.rows_affected().cast_signed();
    }
    sqlx::raw_sql("DROP SCHEMA copies CASCADE").execute(pool).await?;
    Ok((seconds, rows))
}
