//! Webhooks to a hundred endpoints over real sockets: how many a second, and what a dead endpoint among
//! them does to the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http::Server;
use crate::report::{Report, median, percentile};
use crate::{ROUNDS, scaled};

/// How many accounts tell, each to as many endpoints as an account may have: a hundred.
const ACCOUNTS: usize = 5;
const ENDPOINTS_EACH: usize = 20;
/// The endpoint that dies for half of the time; what arrives there is not counted.
const DOOMED: &str = "doomed";
/// How many runs of each account are told at full speed.
const RUNS_EACH: usize = 60;
/// How many runs of each account are told one after the other, for the delay.
const STEADY_RUNS_EACH: usize = 20;
/// The time between them: well below what can be told.
const STEADY_EVERY: Duration = Duration::from_millis(500);
/// How long deliveries may take to arrive.
const ARRIVE_WITHIN: Duration = Duration::from_secs(120);

/// One delivery that arrived.
struct Arrival {
    endpoint: String,
    at: Instant,
    delay_ms: f64,
}

type Arrivals = Arc<Mutex<Vec<Arrival>>>;

struct Receiver {
    base: String,
    arrivals: Arrivals,
}

impl Receiver {
    async fn start() -> anyhow::Result<Self> {
        async fn take(State(arrivals): State<Arrivals>, Path(endpoint): Path<String>, body: Bytes) -> StatusCode {
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let told: Option<DateTime<Utc>> = body["created_at"].as_str().and_then(|text| text.parse().ok());
            if endpoint == DOOMED {
                return StatusCode::NO_CONTENT;
            }
            let delay = told.map_or(0, |told| (Utc::now() - told).num_milliseconds());
            let arrival = Arrival { endpoint, at: Instant::now(), delay_ms: delay as f64 };
            arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
            StatusCode::NO_CONTENT
        }
        let arrivals = Arrivals::default();
        let router = Router::new().route("/{endpoint}", axum::routing::post(take)).with_state(Arc::clone(&arrivals));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Receiver { base, arrivals })
    }

    /// Waits for so many, and takes them.
    async fn arrived(&self, count: usize) -> anyhow::Result<Vec<Arrival>> {
        let begun = Instant::now();
        loop {
            {
                let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                if arrivals.len() >= count {
                    return Ok(std::mem::take(&mut *arrivals));
                }
                ensure!(begun.elapsed() < ARRIVE_WITHIN, "{} of {count} deliveries arrived", arrivals.len());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let mut keys = Vec::new();
    let mut doomed = (String::new(), String::new());
    for account in 0..ACCOUNTS {
        let (_, key) = server.account(&format!("hooks{account}"))?;
        for number in 0..ENDPOINTS_EACH {
            let name = if account + number == 0 { DOOMED.to_owned() } else { format!("{account}-{number}") };
            let body = json!({"url": format!("{}/{name}", receiver.base), "events": ["run.completed"]});
            let made = server.ask(&key, Method::POST, "/v1/webhooks", Some(&body)).await?;
            if name == DOOMED {
                doomed = (key.clone(), made["id"].as_str().context("id")?.to_owned());
            }
        }
        keys.push(key);
    }
    let endpoints = ACCOUNTS * ENDPOINTS_EACH;
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        rates.push(full_speed(server, &receiver, &keys, endpoints - 1).await?);
    }
    report.line(&format!("webhook deliveries to {endpoints} endpoints"), &format!("{:.0}/s", median(rates)), "≥ 500/s");
    // A listener that takes connections and never answers.
    let dead = TcpListener::bind("127.0.0.1:0").await?;
    let (dead, live) = (format!("http://{}/dead", dead.local_addr()?), format!("{}/{DOOMED}", receiver.base));
    let (mut with, mut without, mut slower) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut delays = [0.0; 2];
        for (url, delay) in [&live, &dead].into_iter().zip(&mut delays) {
            let path = format!("/v1/webhooks/{}", doomed.1);
            server.ask(&doomed.0, Method::PATCH, &path, Some(&json!({"url": url}))).await?;
            *delay = percentile(steady(server, &receiver, &keys, endpoints - 1).await?, 0.99);
        }
        without.push(delays[0]);
        with.push(delays[1]);
        slower.push(delays[1] / delays[0].max(1.0));
    }
    report.line(
        "delay of a delivery with one dead endpoint among 100, p99",
        &format!("{:.0} ms, {:.2} × the {:.0} ms without", median(with), median(slower), median(without)),
        "≤ 1.2 ×",
    );
    Ok(())
}

/// Deliveries a second to so many endpoints, from many runs at once.
async fn full_speed(server: &Server, receiver: &Receiver, keys: &[String], counted: usize) -> anyhow::Result<f64> {
    let runs = scaled(RUNS_EACH);
    let asked = (0..runs).flat_map(|_| keys).map(|key| run(server, key));
    futures::future::try_join_all(asked).await?;
    let arrivals = receiver.arrived(runs * counted).await?;
    let times = arrivals.iter().map(|arrival| arrival.at);
    let (first, end) = (times.clone().min().context("none")?, times.max().context("none")?);
    Ok(arrivals.len() as f64 / (end - first).as_secs_f64().max(0.001))
}

async fn run(server: &Server, key: &str) -> anyhow::Result<()> {
    let body = json!({"prompt": "A lighthouse at dusk", "aspect_ratio": "1:1"});
    server.ask(key, Method::POST, "/v1/images/generations", Some(&body)).await.map(drop)
}

/// The delays of deliveries at a steady rate, in milliseconds from when the run had ended.
async fn steady(server: &Server, receiver: &Receiver, keys: &[String], answering: usize) -> anyhow::Result<Vec<f64>> {
    let runs = scaled(STEADY_RUNS_EACH);
    for _ in 0..runs {
        futures::future::try_join_all(keys.iter().map(|key| run(server, key))).await?;
        tokio::time::sleep(STEADY_EVERY).await;
    }
    let arrivals = receiver.arrived(runs * answering).await?;
    let mut each: HashMap<&str, usize> = HashMap::new();
    for arrival in &arrivals {
        *each.entry(&arrival.endpoint).or_default() += 1;
    }
    ensure!(each.len() == answering && each.values().all(|count| *count == runs), "told more or less than once");
    Ok(arrivals.iter().map(|arrival| arrival.delay_ms).collect())
}
