//! `make bench`: speed as ratios against pgbench on the same cluster, in the same run, interleaved,
//! median of five. Writes the table to standard output; `docs/BENCHMARKS.md` keeps one that was
//! measured, with the command.

mod http;
mod pgbench;
mod projections;
mod report;
mod writer;

use std::time::Duration;

use mintmark_testkit::TestCluster;
use report::{Round, Table};

/// How often everything is measured, one after the other.
const ROUNDS: usize = 5;
/// How long each measurement takes.
const LASTS: Duration = Duration::from_secs(3);

fn main() -> anyhow::Result<()> {
    // `cargo test` runs benches too; there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let cluster = TestCluster::start().await;
    let baseline = pgbench::Pgbench::prepare(&cluster).await?;
    let decisions = writer::Decisions::prepare(&cluster).await?;
    let server = http::Server::start(&cluster).await?;
    let mut table = Table::default();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        let commits = baseline.commits(LASTS).await?;
        let locked = baseline.locked_wallet(LASTS).await?;
        let distinct = decisions.per_second(256, LASTS).await?;
        let hot = decisions.per_second_on_one(LASTS).await?;
        let hello = server.hello_per_second(LASTS).await?;
        let reads = server.reads_per_second(LASTS).await?;
        let runs = server.runs_per_second(LASTS).await?;
        table.add(Round { commits, locked, distinct, hot, hello, reads, runs });
    }
    table.print();
    let caught_up = projections::catch_up(&cluster, server.database()).await?;
    println!("{caught_up}");
    println!("{}", server.memory()?);
    server.stop().await?;
    decisions.stop().await;
    drop(cluster);
    Ok(())
}
