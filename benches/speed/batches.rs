//! A batch of ten thousand: how fast it is accepted and run, and what another account notices of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::Server;
use crate::report::{Report, percentile};
use crate::scaled;

/// How many items the batch has.
const ITEMS: usize = 10_000;
/// How many of them run at once: as many as may.
const CONCURRENCY: usize = 50;
/// The other account asks for so many runs a second.
const OTHER_RATE: f64 = 20.0;
/// For how long it does so without the batch.
const ALONE: Duration = Duration::from_secs(10);
/// Between two looks at the batch.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let items = scaled(ITEMS);
    let (_, other) = server.account("beside")?;
    let (_, key) = server.account("batches")?;
    one(server, &other).await?;
    let never = AtomicBool::new(false);
    let alone = times(server, &other, &never, Some(ALONE)).await?;
    let inputs: Vec<Value> =
        (0..items).map(|n| json!({"input": {"prompt": format!("A lighthouse at dusk, number {n}")}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "concurrency": CONCURRENCY,
        "items": inputs});
    let before = peak_mib(server.pid())?;
    let over = AtomicBool::new(false);
    let batch = async {
        let begun = Instant::now();
        let made = server.ask(&key, Method::POST, "/v1/batches", Some(&body)).await?;
        let accepted = begun.elapsed();
        let path = format!("/v1/batches/{}", made["id"].as_str().context("id")?);
        let begun = Instant::now();
        loop {
            let batch = server.ask(&key, Method::GET, &path, None).await?;
            if batch["completed_at"].is_string() {
                anyhow::ensure!(batch["status"] == "completed", "{batch}");
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        over.store(true, Ordering::Relaxed);
        anyhow::Ok((accepted, begun.elapsed()))
    };
    let ((accepted, ran), beside) = tokio::try_join!(batch, times(server, &other, &over, None))?;
    let after = peak_mib(server.pid())?;
    let rate = items as f64 / ran.as_secs_f64();
    report.line(
        &format!("a batch of {items} instant items, {CONCURRENCY} at once"),
        &format!("{rate:.0} items/s, {:.2} × whole runs over HTTP", rate / report.runs.max(1.0)),
        "",
    );
    report.line(
        "the batch is accepted",
        &format!("{} ms, peak memory {after} MiB, before it {before} MiB", accepted.as_millis()),
        "",
    );
    let (with, without) = (percentile(beside, 0.99), percentile(alone, 0.99));
    report.line(
        "another account's run during the batch, p99",
        &format!("{with:.0} ms, {:.2} × the {without:.0} ms without", with / without.max(f64::EPSILON)),
        "≤ 1.5 ×",
    );
    Ok(())
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
