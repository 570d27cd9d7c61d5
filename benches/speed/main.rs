//! `make bench`: speed as ratios to a baseline on the same cluster, in the same run, interleaved,
//! median of five. Prints what it measured, and writes it into `docs/BENCHMARKS.md`. Named parts alone are
//! only printed: `cargo bench --bench speed -- batches limits webhooks usage scale`.

mod batches;
mod budget;
mod cold;
mod contended;
mod http;
mod lag;
mod limits;
mod pgbench;
mod projections;
mod report;
mod scale;
mod start;
mod usage;
mod webhooks;
mod writer;

use std::time::Duration;

use mintmark_testkit::{EmbeddedSettings, TestCluster};
use report::{Report, Rounds};

/// How often everything is measured, one after the other.
const ROUNDS: usize = 5;
/// How long each measurement takes.
const LASTS: Duration = Duration::from_secs(3);
/// How many events the full log holds.
const MANY_EVENTS: i64 = 1_000_000;
/// pgbench's clients and all servers and writers that are measured beside each other.
const CONNECTIONS: u16 = 400;

/// What part of the full sizes of batches, webhooks and usage is measured, in hundredths; less is only for
/// trying the code out.
pub fn scaled(size: usize) -> usize {
    let hundredths = std::env::var("BENCH_SCALE").ok().and_then(|text| text.parse::<usize>().ok());
    (size * hundredths.unwrap_or(100) / 100).max(1)
}

fn main() -> anyhow::Result<()> {
    // `cargo test` runs benches too; there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let settings = EmbeddedSettings { max_connections: CONNECTIONS, ..EmbeddedSettings::default() };
        let cluster = TestCluster::with_settings(settings).await;
        if parts.is_empty() { all(&cluster).await } else { some(&cluster, &parts).await }
    })
}

/// The parts that need no more than a server on a young log.
async fn some(cluster: &TestCluster, parts: &[String]) -> anyhow::Result<()> {
    let mut report = Report::default();
    if parts == ["scale"] {
        return scale::measure(&mut report).await;
    }
    let server = http::Server::start(cluster, "young_log", true).await?;
    for part in parts {
        match part.as_str() {
            "scale" => scale::measure(&mut report).await?,
            "batches" => batches::measure(&server, &mut report).await?,
            "limits" => limits::measure(cluster, &mut report).await?,
            "webhooks" => webhooks::measure(&server, &mut report).await?,
            "usage" => usage::measure(&server, &mut report).await?,
            other => anyhow::bail!("no part {other}: there are batches, limits, webhooks, usage and scale"),
        }
    }
    server.stop().await
}

async fn all(cluster: &TestCluster) -> anyhow::Result<()> {
    let mut report = Report::default();
    eprintln!("start and rest");
    start::measure(&mut report).await?;
    eprintln!("a cold wallet, contended writers");
    cold::measure(cluster, &mut report).await?;
    contended::measure(cluster, LASTS, &mut report).await?;
    eprintln!("counting requests");
    limits::measure(cluster, &mut report).await?;

    let fresh = http::Server::start(cluster, "young_log", true).await?;
    let drawn = http::Server::start(cluster, "drawn_log", false).await?;
    let full = http::Server::start(cluster, "full_log", true).await?;
    eprintln!("filling a log");
    full.fill(MANY_EVENTS).await?;
    rounds(cluster, [&fresh, &drawn, &full], &mut report).await?;
    for (server, log) in [(&fresh, "a young log"), (&full, "a log of 1,000,000 events")] {
        eprintln!("lag, {log}");
        lag::measure(server, log, &mut report).await?;
    }
    eprintln!("a batch, webhooks, usage");
    batches::measure(&fresh, &mut report).await?;
    webhooks::measure(&fresh, &mut report).await?;
    usage::measure(&fresh, &mut report).await?;
    eprintln!("catching up");
    projections::measure(cluster, &full, &mut report).await?;
    for server in [fresh, drawn, full] {
        server.stop().await?;
    }
    eprintln!("the read side at size");
    scale::measure(&mut report).await?;
    report.finish()
}

/// What is compared with each other, in turns.
async fn rounds(
    cluster: &TestCluster,
    [fresh, drawn, full]: [&http::Server; 3],
    report: &mut Report,
) -> anyhow::Result<()> {
    let baseline = pgbench::Pgbench::prepare(cluster).await?;
    let young = writer::Decisions::prepare(cluster, "young").await?;
    let grown = writer::Decisions::prepare(cluster, "grown").await?;
    grown.grow(MANY_EVENTS.unsigned_abs()).await?;
    let mut rounds = Rounds::default();
    let mut budget = budget::Budget::default();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        rounds.add("pgbench", baseline.commits(LASTS).await?);
        rounds.add("locked", baseline.locked_wallet(LASTS).await?);
        rounds.add("distinct", young.per_second(LASTS).await?);
        rounds.add("hot", young.per_second_on_one(LASTS).await?);
        rounds.add("distinct, full", grown.per_second(LASTS).await?);
        rounds.add("hot, full", grown.per_second_on_one(LASTS).await?);
        rounds.add("hello", fresh.hello_per_second(LASTS).await?);
        rounds.add("reads", fresh.reads_per_second(LASTS).await?);
        rounds.add("reads, full", full.reads_per_second(LASTS).await?);
        let before = budget::Spent::now(fresh).await?;
        let runs = fresh.runs_per_second(LASTS).await?;
        budget.add(&before, &budget::Spent::now(fresh).await?, runs * LASTS.as_secs_f64());
        rounds.add("runs", runs);
        rounds.add("run events", runs * fresh.events_per_run());
        rounds.add("runs, full", full.runs_per_second(LASTS).await?);
        rounds.add("runs, drawn", drawn.runs_per_second(LASTS).await?);
    }
    report.rounds(rounds);
    report.budget(&budget);
    young.stop().await;
    grown.stop().await;
    Ok(())
}
