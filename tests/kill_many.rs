//! `kill -9` in the middle of many things, in the real binary: of a batch each item is run once and paid
//! once, and of webhooks each event is told, under one id and with the same bytes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use mintmark_testkit::TestDb;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_mintmark");
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at another process.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How many items the batch has.
const ITEMS: usize = 120;
/// How often the server is killed while it is under way.
const KILLS: usize = 3;

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A database, a provider that counts, an account; servers come and go.
struct Place {
    db: TestDb,
    directory: tempfile::TempDir,
    client: reqwest::Client,
    provider: String,
    key: String,
    _sandbox: Process,
}

fn command(db: &TestDb, directory: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(directory);
    command.env("MINTMARK_DATABASE_URL", db.url());
    command.env("MINTMARK_DEMO_ACCOUNT", "false");
    command.env("MINTMARK_LOG__FILTER", "error");
    command.env("MINTMARK_EGRESS__ALLOW", "[\"127.0.0.1\"]");
    command.env("MINTMARK_RUNNING__NODE_DEAD_SECONDS", "2");
    command.env("MINTMARK_RUNNING__SUBMIT_WINDOW_SECONDS", "2");
    command.env("MINTMARK_RUNNING__PROVIDER_TIMEOUT_SECONDS", "4");
    command
}

impl Place {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let directory = tempfile::tempdir().unwrap();
        let mut sandbox = Command::new(BINARY)
            .args(["sandbox", "serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let provider = line.trim().rsplit(' ').next().unwrap().to_owned();
        let mut create = command(&db, directory.path());
        create.args(["account", "create", "--username", "ann", "--email", "ann@example.com", "--json"]);
        create.args(["--credits", "1000", "--tier", "unlimited", "--data-dir"]).arg(directory.path());
        let made = create.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = made["api_key"].as_str().unwrap().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Place { db, directory, client, provider, key, _sandbox: Process(sandbox) }
    }

    async fn serve(&self) -> (Process, String) {
        self.serve_armed(None).await
    }

    /// A server, armed to die at a step if there is one.
    async fn serve_armed(&self, step: Option<&str>) -> (Process, String) {
        let address: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut serve = command(&self.db, self.directory.path());
        serve.args(["serve", "--listen", &address.to_string(), "--data-dir"]).arg(self.directory.path());
        serve.env("MINTMARK_SANDBOX__URL", &self.provider).stdout(Stdio::null());
        if let Some(step) = step {
            serve.env("FAILPOINTS", format!("{step}=return"));
        }
        let process = Process(serve.spawn().unwrap());
        let base = format!("http://{address}");
        let begun = Instant::now();
        while self.client.get(format!("{base}/healthz")).send().await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "the server does not come up");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        (process, base)
    }

    async fn post(&self, base: &str, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{base}{path}")).bearer_auth(&self.key);
        let answer = request.header("Idempotency-Key", "once").json(body).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status}: {answer}");
        answer
    }

    async fn get(&self, base: &str, path: &str) -> Value {
        let answer = self.client.get(format!("{base}{path}")).bearer_auth(&self.key).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Looks until a read shows what is waited for.
    async fn until(&self, base: &str, path: &str, what: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.get(base, path).await;
            if what(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {seen}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn jobs(&self) -> Vec<Value> {
        self.client.get(format!("{}/v1/jobs", self.provider)).send().await.unwrap().json().await.unwrap()
    }

    fn verify(&self) {
        let mut verify = command(&self.db, self.directory.path());
        let verified = verify.args(["audit", "verify", "--data-dir"]).arg(self.directory.path()).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_batch_whose_server_is_killed_again_and_again_runs_each_item_exactly_once() {
    let place = Place::new().await;
    let items: Vec<Value> = (0..ITEMS).map(|n| json!({"input": {"prompt": format!("boat {n}")}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "concurrency": 8, "items": items});
    let (mut server, mut base) = place.serve().await;
    let batch = place.post(&base, "/v1/batches", &body).await;
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    for kill in 1..=KILLS {
        // Somewhere in its middle, later each time.
        let so_far = (ITEMS * kill / (KILLS + 2)) as u64;
        place.until(&base, &path, |batch| number(&batch["completed_items"]) >= so_far).await;
        drop(server);
        (server, base) = place.serve().await;
    }
    let ended = place.until(&base, &path, |batch| batch["completed_at"].is_string()).await;
    assert_eq!((&ended["status"], &ended["completed_items"]), (&json!("completed"), &json!(ITEMS)));
    let credits = place.get(&base, "/v1/account/credits").await;
    assert_eq!(credits["balance"], json!(1_000 - 3 * ITEMS), "each paid once, and nothing stays held");
    let items = place.get(&base, &format!("{path}/items")).await;
    let mut jobs: BTreeMap<String, u64> = BTreeMap::new();
    for job in place.jobs().await {
        let client_id = job["client_id"].as_str().unwrap().to_owned();
        let submissions = number(&job["submissions"]);
        assert!(submissions <= 1, "sent twice: {job}");
        let run = items["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["run_id"].as_str().is_some_and(|run| client_id.starts_with(run)));
        *jobs.entry(run.unwrap()["run_id"].as_str().unwrap().to_owned()).or_default() += submissions;
    }
    assert_eq!((jobs.len(), jobs.values().all(|times| *times == 1)), (ITEMS, true), "{jobs:?}");
    drop(server);
    place.verify();
}

/// What came under one id: the bodies, and how often.
type Told = Arc<Mutex<BTreeMap<String, Vec<Bytes>>>>;

async fn receiver() -> (String, Told) {
    async fn take(State(told): State<Told>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let id = headers["webhook-id"].to_str().unwrap().to_owned();
        told.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default().push(body);
        StatusCode::NO_CONTENT
    }
    let told = Told::default();
    let router = Router::new().fallback(take).with_state(Arc::clone(&told));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, told)
}

#[tokio::test]
async fn no_event_is_lost_or_told_as_two_when_the_server_is_killed_while_it_tells() {
    let place = Place::new().await;
    let (url, told) = receiver().await;
    let (mut server, mut base) = place.serve().await;
    place.post(&base, "/v1/webhooks", &json!({"url": url, "events": ["run.completed", "batch.completed"]})).await;
    let items: Vec<Value> = (0..40).map(|n| json!({"input": {"prompt": format!("boat {n}")}})).collect();
    let body = json!({"mode": "operation", "target": "images.generations.create", "concurrency": 8, "items": items});
    let batch = place.post(&base, "/v1/batches", &body).await;
    let seen = || told.lock().unwrap_or_else(PoisonError::into_inner).len();
    for part in [10, 25] {
        let begun = Instant::now();
        while seen() < part {
            assert!(begun.elapsed() < PATIENCE, "{} were told", seen());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        drop(server);
        (server, base) = place.serve().await;
    }
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    place.until(&base, &path, |batch| batch["completed_at"].is_string()).await;
    // What was claimed when the server died is due again once its lease is over.
    let begun = Instant::now();
    while seen() < 41 {
        assert!(begun.elapsed() < PATIENCE, "{} of 41 were told", seen());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(told.len(), 41, "40 runs and their batch");
    for (id, bodies) in &told {
        assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{id} was told with other bytes");
    }
    let settled = |page: &Value| page["data"].as_array().unwrap().iter().all(|one| one["status"] == "success");
    let page = place.until(&base, "/v1/webhooks/deliveries?limit=100", settled).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 41, "one delivery for each event");
    drop(server);
    place.verify();
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn an_endpoint_that_was_told_right_before_a_kill_is_told_again_with_the_same_id_and_bytes() {
    use std::os::unix::process::ExitStatusExt as _;

    let place = Place::new().await;
    let (url, told) = receiver().await;
    let step = mintmark_infra::webhooks::steps::AFTER_POST;
    let (mut server, base) = place.serve_armed(Some(step)).await;
    place.post(&base, "/v1/webhooks", &json!({"url": url, "events": ["run.completed"]})).await;
    let image = json!({"model": "image.nano_banana_2", "prompt": "a small boat"});
    let ask = place.client.post(format!("{base}/v1/images/generations")).bearer_auth(&place.key);
    // The server may die before it answers.
    let _ = ask.header("Idempotency-Key", "boat").json(&image).send().await;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = server.0.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "{step} was never reached");
        tokio::time::sleep(LOOK_EVERY).await;
    };
    assert_eq!(status.signal(), Some(9), "{status}");
    let bodies = || told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(bodies().values().map(Vec::len).collect::<Vec<_>>(), [1], "told, and not written down");
    let (_server, base) = place.serve().await;
    let settled = |page: &Value| page["data"][0]["status"] == "success";
    let page = place.until(&base, "/v1/webhooks/deliveries", settled).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["data"][0]["attempt_count"]), (1, &json!(1)));
    let bodies: Vec<Vec<Bytes>> = bodies().into_values().collect();
    assert_eq!((bodies.len(), bodies[0].len()), (1, 2), "one id, twice");
    assert_eq!(bodies[0][0], bodies[0][1]);
}
