//! Whole runs and reads over HTTP: the real binary on the same cluster, the load on the same cores.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mintmark_testkit::TestCluster;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

/// How many requests are under way at once.
const CLIENTS: u64 = 64;
/// What the account has.
const CREDITS: &str = "90000000000";

/// The server under load, and a hello-world of axum's beside it.
pub struct Server {
    child: Child,
    address: SocketAddr,
    hello: SocketAddr,
    key: String,
    client: reqwest::Client,
    next: AtomicU64,
    run: String,
    options: PgConnectOptions,
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Server {
    pub async fn start(cluster: &TestCluster) -> anyhow::Result<Self> {
        let binary = env!("CARGO_BIN_EXE_mintmark");
        let directory = cluster.data_directory();
        let address = free_address()?;
        let child = Command::new(binary)
            .args(["serve", "--listen", &address.to_string(), "--data-dir"])
            .arg(directory)
            .env("MINTMARK_SANDBOX__INSTANT", "true")
            .env("MINTMARK_SANDBOX__CONCURRENCY", "256")
            .env("MINTMARK_DEMO_ACCOUNT", "false")
            .env("MINTMARK_LOG__FILTER", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(512).build()?;
        let begun = Instant::now();
        while client.get(format!("http://{address}/readyz")).send().await.is_err() {
            ensure!(begun.elapsed() < Duration::from_secs(30), "the server does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let made = Command::new(binary)
            .args(["account", "create", "--username", "bench", "--email", "bench@example.com"])
            .args(["--tier", "unlimited", "--credits", CREDITS, "--json", "--data-dir"])
            .arg(directory)
            .output()?;
        let made: Value = serde_json::from_slice(&made.stdout).context("account create")?;
        let key = made["api_key"].as_str().context("api_key")?.to_owned();
        let hello = hello_world().await?;
        let options = cluster.options();
        let mut server =
            Server { child, address, hello, key, client, next: AtomicU64::new(0), run: String::new(), options };
        server.run = server.one_run().await?;
        Ok(server)
    }

    /// How to connect to its database.
    pub fn database(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// One whole run, from POST to captured; its id.
    async fn one_run(&self) -> anyhow::Result<String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = self
            .client
            .post(format!("http://{}/v1/images/generations", self.address))
            .bearer_auth(&self.key)
            .header("Idempotency-Key", format!("bench-{number}"))
            .json(&json!({ "prompt": "A lighthouse at dusk", "aspect_ratio": "1:1" }))
            .send()
            .await?;
        let status = answer.status();
        let run: Value = answer.json().await?;
        ensure!(status == 200 && run["usage"]["credits"].is_number(), "{status}: {run}");
        Ok(run["id"].as_str().context("id")?.to_owned())
    }

    /// Whole runs a second.
    pub async fn runs_per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        load(lasts, || async { self.one_run().await.map(drop) }).await
    }

    /// Polls of a run a second.
    pub async fn reads_per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        let url = format!("http://{}/v1/runs/{}", self.address, self.run);
        load(lasts, || self.get(&url)).await
    }

    /// Hello-worlds a second, by the same client.
    pub async fn hello_per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        let url = format!("http://{}/", self.hello);
        load(lasts, || self.get(&url)).await
    }

    async fn get(&self, url: &str) -> anyhow::Result<()> {
        let answer = self.client.get(url).bearer_auth(&self.key).send().await?;
        ensure!(answer.status() == 200, "{}", answer.status());
        answer.bytes().await?;
        Ok(())
    }

    /// The server's resident memory.
    pub fn memory(&self) -> anyhow::Result<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(format!("server memory after the load: {}", resident.trim()))
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        tokio::task::spawn_blocking(move || self.child.wait()).await??;
        Ok(())
    }
}

/// Requests a second with as many under way as there are clients.
async fn load<F, R>(lasts: Duration, request: F) -> anyhow::Result<f64>
where
    F: Fn() -> R,
    R: Future<Output = anyhow::Result<()>>,
{
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| async {
        while begun.elapsed() < lasts {
            request().await?;
            done.fetch_add(1, Ordering::Relaxed);
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(clients).await?;
    Ok(done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}

async fn hello_world() -> anyhow::Result<SocketAddr> {
    let app = axum::Router::new().route("/", axum::routing::get(async || "hello, world"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
