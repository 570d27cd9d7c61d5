//! Whole runs and reads over HTTP: the real binary on the same cluster, the load on the same cores.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mintmark_testkit::{TestCluster, url_of};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

/// How many requests are under way at once.
const CLIENTS: usize = 64;
/// What the account has.
const CREDITS: &str = "90000000000";
/// How long a server may take to come up.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A server's process. Killed with the value.
pub struct Child {
    process: std::process::Child,
    pub address: SocketAddr,
}

impl Child {
    pub fn serve(arguments: &[&str], settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = free_address()?;
        let process = Command::new(env!("CARGO_BIN_EXE_mintmark"))
            .args(["serve", "--listen", &address.to_string()])
            .args(arguments)
            .env("MINTMARK_LOG__FILTER", "warn")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Child { process, address })
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        tokio::task::spawn_blocking(move || self.process.wait()).await??;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until a server says that it is ready.
pub async fn ready(address: SocketAddr) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let begun = Instant::now();
    loop {
        let answer = client.get(format!("http://{address}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return Ok(());
        }
        ensure!(begun.elapsed() < READY_WITHIN, "the server does not come up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The server under load, and a hello-world of axum's beside it.
pub struct Server {
    child: Child,
    hello: SocketAddr,
    key: String,
    client: reqwest::Client,
    next: AtomicU64,
    run: String,
    events_per_run: f64,
    options: PgConnectOptions,
    directory: String,
    settings: Vec<(&'static str, String)>,
    // After the process that uses it.
    _data: TempDir,
}

impl Server {
    /// One on a database of its own in the cluster. `instant`: nothing is drawn.
    pub async fn start(cluster: &TestCluster, database: &str, instant: bool) -> anyhow::Result<Self> {
        cluster.restore(format!("CREATE DATABASE {database};").as_bytes()).await?;
        let options = cluster.options();
        let url = url_of(&options, database);
        let data = tempfile::Builder::new().prefix("mintmark-").tempdir()?;
        let directory = data.path().display().to_string();
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("MINTMARK_SANDBOX__INSTANT", if instant { "true" } else { "false" }),
            ("MINTMARK_SANDBOX__CONCURRENCY", "256"),
            ("MINTMARK_DEMO_ACCOUNT", "false"),
            // Receivers of webhooks listen on this machine.
            ("MINTMARK_EGRESS__ALLOW", "[\"127.0.0.1\"]"),
            ("MINTMARK_WEBHOOKS__CREDITS_LOW", "0"),
        ];
        let child = Child::serve(&["--data-dir", &directory], &settings)?;
        ready(child.address).await?;
        let settings: Vec<(&'static str, String)> =
            settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (_, key) = create_account(&directory, &settings, "bench")?;
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(512).build()?;
        let mut server = Server {
            child,
            hello: hello_world().await?,
            key,
            client,
            next: AtomicU64::new(0),
            run: String::new(),
            events_per_run: 0.0,
            options: options.database(database),
            directory,
            settings,
            _data: data,
        };
        server.run = server.one_run(1).await?;
        let before = server.events().await?;
        server.one_run(1).await?;
        server.events_per_run = (server.events().await? - before) as f64;
        Ok(server)
    }

    /// One more account without limits: its id and key.
    pub fn account(&self, name: &str) -> anyhow::Result<(String, String)> {
        create_account(&self.directory, &self.settings, name)
    }

    /// A request with some key, and its answer's body where it went well.
    pub async fn ask(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let once = self.next.fetch_add(1, Ordering::Relaxed);
        let request = self.client.request(method, format!("http://{}{path}", self.child.address)).bearer_auth(key);
        let request = request.header("Idempotency-Key", format!("ask-{once}"));
        let answer = body.into_iter().fold(request, |request, body| request.json(body)).send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        ensure!(status.is_success(), "{path}: {status}: {answer}");
        Ok(answer)
    }

    /// How to connect to its database.
    pub fn database(&self) -> PgConnectOptions {
        self.options.clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// How many events a whole run is.
    pub fn events_per_run(&self) -> f64 {
        self.events_per_run
    }

    /// How many events its log holds.
    async fn events(&self) -> anyhow::Result<i64> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let events = sqlx::query_scalar("SELECT max(position) FROM events").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(events)
    }

    /// Runs until the log holds so many events.
    pub async fn fill(&self, events: i64) -> anyhow::Result<()> {
        while self.events().await? < events {
            load(Duration::from_secs(5), || async { self.one_run(4).await.map(drop) }).await?;
        }
        Ok(())
    }

    /// One whole run, from POST to captured; its id.
    async fn one_run(&self, images: u8) -> anyhow::Result<String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = self
            .client
            .post(format!("http://{}/v1/images/generations", self.child.address))
            .bearer_auth(&self.key)
            .header("Idempotency-Key", format!("bench-{number}"))
            .json(&json!({ "prompt": "A lighthouse at dusk", "aspect_ratio": "1:1", "count": images }))
            .send()
            .await?;
        let status = answer.status();
        let run: Value = answer.json().await?;
        ensure!(status == 200 && run["usage"]["credits"].is_number(), "{status}: {run}");
        Ok(run["id"].as_str().context("id")?.to_owned())
    }

    /// Whole runs a second.
    pub async fn runs_per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        load(lasts, || async { self.one_run(1).await.map(drop) }).await
    }

    /// Begins runs at a steady rate, however long each takes; how many have ended.
    pub async fn runs_at(&self, rate: f64, lasts: Duration) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let done = AtomicU64::new(0);
        let started = AtomicU64::new(0);
        let clients = (0..CLIENTS).map(|_| async {
            loop {
                let due = Duration::from_secs_f64(started.fetch_add(1, Ordering::Relaxed) as f64 / rate);
                if due >= lasts {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
                self.one_run(1).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        futures::future::try_join_all(clients).await?;
        Ok(done.load(Ordering::Relaxed) as f64)
    }

    /// Polls of a run a second.
    pub async fn reads_per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        let url = format!("http://{}/v1/runs/{}", self.child.address, self.run);
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

    pub async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }
}

/// Makes an account from the command line: its id and key.
fn create_account(
    directory: &str,
    settings: &[(&'static str, String)],
    name: &str,
) -> anyhow::Result<(String, String)> {
    let made = Command::new(env!("CARGO_BIN_EXE_mintmark"))
        .args(["account", "create", "--username", name, "--email", &format!("{name}@example.com")])
        .args(["--tier", "unlimited", "--credits", CREDITS, "--json", "--data-dir", directory])
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()?;
    let made: Value = serde_json::from_slice(&made.stdout).context("account create")?;
    let text = |field: &'static str| made[field].as_str().map(str::to_owned).context(field);
    Ok((text("account_id")?, text("api_key")?))
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
