//! A batch of ten thousand: how fast it is accepted and run, and what another account notices of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::Server;
use crate::report::{Report, median, percentile};
use crate::{LASTS, ROUNDS, scaled};

/// How many items the batch has.
const ITEMS: usize = 10_000;
/// How many of them run at once: as many as may.
const CONCURRENCY: usize = 50;
/// The other account asks for so many runs a second.
const OTHER_RATE: f64 = 20.0;
/// For how long it does so without the batch, each round.
const ALONE: Duration = Duration::from_secs(10);
/// Between two looks at the batch.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let items = scaled(ITEMS);
    let (_, other) = server.account("beside")?;
    let (_, key) = server.account("batches")?;
    one(server, &other).await?;
    let before = peak_mib(server.pid())?;
    let (mut rates, mut ratios, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    let (mut with, mut without, mut slower) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let runs = server.runs_per_second(LASTS).await?;
        let alone = percentile(times(server, &other, &AtomicBool::new(false), Some(ALONE)).await?, 0.99);
        let over = AtomicBool::new(false);
        let (batch, beside) = tokio::try_join!(batch(server, &key, items, &over), times(server, &other, &over, None))?;
        let (rate, beside) = (items as f64 / batch.ran.as_secs_f64(), percentile(beside, 0.99));
        rates.push(rate);
        ratios.push(rate / runs);
        accepted.push(batch.accepted.as_secs_f64() * 1_000.0);
        with.push(beside);
        without.push(alone);
        slower.push(beside / alone);
    }
    let after = peak_mib(server.pid())?;
    report.line(
        &format!("a batch of {items} instant items, {CONCURRENCY} at once"),
        &format!("{:.0} items/s, {:.2} × whole runs over HTTP", median(rates), median(ratios)),
        "",
    );
    report.line(
        "the batch is accepted",
        &format!("{:.0} ms; peak memory {after} MiB, before it {before} MiB", median(accepted)),
        "",
    );
    report.line(
        "another account's run during the batch, p99",
        &format!("{:.0} ms, {:.2} × the {:.0} ms without", median(with), median(slower), median(without)),
        "≤ 1.5 ×",
    );
    Ok(())
}

struct Batch {
    /// From the request to its answer.
    accepted: Duration,
    /// From there until it has ended.
    ran: Duration,
}

async fn batch(server: &Server, key: &str, items: usize, over: &AtomicBool) -> anyhow::Result<Batch> {
    let inputs: Vec<Value> =
        (0..items).map(|n| json!({"input": {"prompt": format!("A lighthouse at dusk, number {n}")}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "concurrency": CONCURRENCY,
        "items": inputs});
    let begun = Instant::now();
    let made = server.ask(key, Method::POST, "/v1/batches", Some(&body)).await?;
    let accepted = begun.elapsed();
    let path = format!("/v1/batches/{}", made["id"].as_str().context("id")?);
    let begun = Instant::now();
    loop {
        let batch = server.ask(key, Method::GET, &path, None).await?;
        if batch["completed_at"].is_string() {
            anyhow::ensure!(batch["status"] == "completed", "{batch}");
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    over.store(true, Ordering::Relaxed);
    Ok(Batch { accepted, ran: begun.elapsed() })
}

async fn one(server: &Server, key: &str) -> anyhow::Result<()> {
    let body = json!({"prompt": "A lighthouse at dusk", "aspect_ratio": "1:1"});
    server.ask(key, Method::POST, "/v1/images/generations", Some(&body)).await.map(drop)
}

/// How long runs at a steady rate take, in milliseconds, until it is over or so much time has passed.
async fn times(server: &Server, key: &str, over: &AtomicBool, lasts: Option<Duration>) -> anyhow::Result<Vec<f64>> {
    let (begun, mut under_way, mut times) = (Instant::now(), futures::stream::FuturesUnordered::new(), Vec::new());
    for number in 0u32.. {
        let due = Duration::from_secs_f64(f64::from(number) / OTHER_RATE);
        if over.load(Ordering::Relaxed) || lasts.is_some_and(|lasts| due >= lasts) {
            break;
        }
        let wait = tokio::time::sleep(due.saturating_sub(begun.elapsed()));
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                Some(time) = futures::StreamExt::next(&mut under_way), if !under_way.is_empty() => times.push(time?),
            }
        }
        under_way.push(async {
            let asked = Instant::now();
            one(server, key).await?;
            anyhow::Ok(asked.elapsed().as_secs_f64() * 1_000.0)
        });
    }
    while let Some(time) = futures::StreamExt::next(&mut under_way).await {
        times.push(time?);
    }
    Ok(times)
}

/// The most memory that a process has held so far.
fn peak_mib(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1_024)
}
