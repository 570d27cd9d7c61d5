//! Usage of an account with a million runs in a year.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mintmark_domain::ids::AccountId;
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::http::Server;
use crate::report::{Report, median, percentile};
use crate::scaled;

/// How many runs the account has.
const RUNS: usize = 1_000_000;
/// How long the account's own run may take to be in the read model.
const BEHIND_AT_MOST: Duration = Duration::from_secs(10);
/// How many times each question is asked.
const ASKED: usize = 100;
/// What is asked: each grouping, a filter, whole days and days that are cut.
const QUESTIONS: [&str; 6] = [
    "group_by=model",
    "group_by=capability",
    "group_by=day",
    "group_by=none",
    "group_by=model&capability=image_generation",
    "group_by=day&start_date=",
];

pub async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let runs = scaled(RUNS);
    let (account, key) = server.account("usage")?;
    let body = json!({"prompt": "A lighthouse at dusk", "aspect_ratio": "1:1"});
    server.ask(&key, Method::POST, "/v1/images/generations", Some(&body)).await?;
    let account: AccountId = account.parse().context("an account's id")?;
    fill(server, account, runs).await?;
    let mut times = Vec::new();
    for number in 0..ASKED {
        for question in QUESTIONS {
            // Never the same period twice, and cut in the middle of a day.
            let days = 1 + (number * 37) % 364;
            let start = (chrono::Utc::now() - chrono::TimeDelta::days(days as i64)).format("%Y-%m-%dT%H:%M:%SZ");
            let question = question.trim_end_matches("&start_date=");
            let begun = Instant::now();
            let usage =
                server.ask(&key, Method::GET, &format!("/v1/usage?{question}&start_date={start}"), None).await?;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            ensure!(usage["totals"]["runs_count"].as_u64().is_some_and(|count| count > 0), "{usage}");
        }
    }
    let (middle, p99) = (median(times.clone()), percentile(times, 0.99));
    report.line(
        &format!("`GET /v1/usage` of an account with {runs} runs in a year"),
        &format!("median {middle:.0} ms, p99 {p99:.0} ms"),
        "p99 ≤ 50 ms",
    );
    Ok(())
}

/// Puts rows into the read model as if the account had made so many runs over a year, like the one it made.
async fn fill(server: &Server, account: AccountId, runs: usize) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(&server.database()).await?;
    let schema: String = sqlx::query_scalar(
        "SELECT schema FROM read_side.definitions WHERE schema LIKE 'read_generation_v%' ORDER BY length(schema) DESC, schema DESC LIMIT 1",
    )
    .fetch_one(&mut connection)
    .await?;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = $1 AND table_name = 'runs' ORDER BY ordinal_position",
    )
    .bind(&schema)
    .fetch_all(&mut connection)
    .await?;
    let said = |column: &String| match column.as_str() {
        "run_id" => "gen_random_uuid()".to_owned(),
        "completed_at" | "recorded_at" | "updated_at" => {
            format!("r.{column} - interval '1 minute' - n * interval '365 days' / {runs}")
        }
        // Of several models, so that groups are many.
        "model" => "r.model || (n % 12)".to_owned(),
        other => format!("r.{other}"),
    };
    let values: Vec<String> = columns.iter().map(said).collect();
    let sql = format!(
        "INSERT INTO {schema}.runs ({}) SELECT {} FROM
             (SELECT * FROM {schema}.runs WHERE account_id = $1 AND completed_at IS NOT NULL LIMIT 1) r,
             generate_series(1, {runs}) AS n",
        columns.join(", "),
        values.join(", ")
    );
    // The read model is a moment behind the answer.
    let begun = Instant::now();
    loop {
        let inserted = sqlx::query(&sql).bind(account.0).execute(&mut connection).await?.rows_affected();
        if inserted == runs as u64 {
            break;
        }
        ensure!(begun.elapsed() < BEHIND_AT_MOST, "{inserted} of {runs} rows");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sql = format!(
        "DELETE FROM {schema}.usage_days WHERE account_id = '{0}';
         INSERT INTO {schema}.usage_days
             (account_id, day, capability, model, surface, key_id, succeeded, failed, cancelled, credits)
         SELECT account_id, (completed_at AT TIME ZONE 'UTC')::date, capability, model, surface, coalesce(key_id, 0),
                count(*), 0, 0, sum(captured)
         FROM {schema}.runs WHERE account_id = '{0}' AND completed_at IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6;
         ANALYZE {schema}.runs; ANALYZE {schema}.usage_days",
        account.0
    );
    sqlx::raw_sql(&sql).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
