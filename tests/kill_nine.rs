//! `kill -9` at every step of a run's life, in the real binary: whatever step the server dies at, after
//! a restart the run ends, is paid once, and was handed to its provider at most once (which counts,
//! and is a process of its own). Needs the feature `failpoints`.
#![cfg(feature = "failpoints")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mintmark_infra::running::steps;
use mintmark_testkit::TestDb;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_mintmark");
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Waits for it to be killed by the signal that nothing can catch.
    async fn killed(&mut self, step: &str) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "{step} was never reached");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(status.signal(), Some(9), "{step}: {status}");
    }
}

/// A database, a provider, an account with 100 credits; servers come and go.
struct Place {
    db: TestDb,
    directory: tempfile::TempDir,
    client: reqwest::Client,
    provider: String,
    key: String,
    paid: u32,
    _sandbox: Process,
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
        create.args(["--credits", "100", "--tier", "unlimited", "--data-dir"]).arg(directory.path());
        let made = create.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let key = made["api_key"].as_str().unwrap().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Place { db, directory, client, provider, key, paid: 0, _sandbox: Process(sandbox) }
    }

    /// A server, armed to die at `step` if there is one.
    async fn serve(&self, step: Option<&str>) -> (Process, String) {
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
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (process, base)
    }

    /// Asks for an image. The same key is the same run. `None`: the server died before it answered.
    async fn ask(&self, base: &str, prompt: &str, key: &str) -> Option<Value> {
        let request = self.client.post(format!("{base}/v1/images/generations"));
        let request = request.bearer_auth(&self.key).header("Idempotency-Key", key).header("Prefer", "respond-async");
        let response = request.json(&json!({ "model": "image.nano_banana_2", "prompt": prompt })).send().await.ok()?;
        let status = response.status();
        let answer: Value = response.json().await.ok()?;
        assert!(status.is_success(), "{status}: {answer}");
        Some(answer)
    }

    async fn get(&self, base: &str, path: &str) -> Value {
        let response = self.client.get(format!("{base}{path}")).bearer_auth(&self.key).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// A plain server finds the run, carries it to its end, and everything adds up.
    async fn recovers(&mut self, prompt: &str, key: &str, step: &str) {
        let (_server, base) = self.serve(None).await;
        let run = self.ask(&base, prompt, key).await.unwrap();
        let id = run["id"].as_str().unwrap_or_else(|| panic!("{step}: {run}")).to_owned();
        let begun = Instant::now();
        let run = loop {
            let run = self.get(&base, &format!("/v1/runs/{id}")).await;
            if matches!(run["status"].as_str(), Some("completed" | "failed")) {
                break run;
            }
            assert!(begun.elapsed() < PATIENCE, "{step}: the run never ended: {run}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(run["status"], "completed", "{step}: {run}");
        self.paid += 3;
        let credits = self.get(&base, "/v1/account/credits").await;
        assert_eq!(credits["balance"], 100 - self.paid, "{step}: paid once, and nothing stays held: {credits}");
        let jobs: Vec<Value> =
            self.client.get(format!("{}/v1/jobs", self.provider)).send().await.unwrap().json().await.unwrap();
        let handed = |job: &Value| job["submissions"].as_u64().unwrap();
        assert!(jobs.iter().all(|job| handed(job) <= 1), "{step}: sent twice: {jobs:?}");
        let of_run = jobs.iter().filter(|job| job["client_id"].as_str().unwrap().starts_with(&id));
        assert_eq!(of_run.map(handed).sum::<u64>(), 1, "{step}: {jobs:?}");
    }

    /// The server dies at each of `steps` in turn, while it carries one run.
    async fn dies(&mut self, steps: &[&str], prompt: &str) {
        let key = format!("dies at {}", steps.join(", "));
        for step in steps {
            let (mut server, base) = self.serve(Some(step)).await;
            let _ = self.ask(&base, prompt, &key).await;
            server.killed(step).await;
        }
        self.recovers(prompt, &key, &key).await;
    }

    fn verify(&self) {
        let mut verify = command(&self.db, self.directory.path());
        let verified = verify.args(["audit", "verify", "--data-dir"]).arg(self.directory.path()).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}

fn command(db: &TestDb, directory: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(directory);
    command.env("MINTMARK_DATABASE_URL", db.url());
    command.env("MINTMARK_DEMO_ACCOUNT", "false");
    command.env("MINTMARK_LOG__FILTER", "warn");
    command.env("MINTMARK_RUNNING__NODE_DEAD_SECONDS", "2");
    command.env("MINTMARK_RUNNING__SUBMIT_WINDOW_SECONDS", "2");
    command.env("MINTMARK_RUNNING__PROVIDER_TIMEOUT_SECONDS", "4");
    command
}

const AT_ONCE: [&str; 9] = [
    steps::BEFORE_REQUEST,
    steps::AFTER_REQUEST,
    steps::BEFORE_INPUTS,
    steps::BEFORE_SUBMIT,
    steps::AFTER_SUBMIT,
    steps::BEFORE_STORE,
    steps::AFTER_STORE,
    steps::BEFORE_SETTLE,
    steps::AFTER_SETTLE,
];
const FOLLOWED: [&str; 3] = [steps::BEFORE_SUBMITTED, steps::AFTER_SUBMITTED, steps::AFTER_PROBE];
const SENT_TWICE: [&str; 3] = [steps::AFTER_DISPROVED, steps::BEFORE_INTENT, steps::AFTER_INTENT];
const LOST: [&str; 1] = [steps::AFTER_UNKNOWN];
const TAKEN_OVER: [&str; 2] = [steps::AFTER_SUBMIT, steps::AFTER_TAKEOVER];

#[test]
fn no_step_is_left_out() {
    let dies_at: BTreeSet<&str> =
        [&AT_ONCE[..], &FOLLOWED, &SENT_TWICE, &LOST, &TAKEN_OVER].concat().into_iter().collect();
    assert_eq!(dies_at, steps::ALL.into_iter().collect());
}

#[tokio::test]
async fn a_run_that_is_done_at_once_survives_every_step() {
    let mut place = Place::new().await;
    for step in AT_ONCE {
        place.dies(&[step], "a small boat").await;
    }
    place.verify();
}

#[tokio::test]
async fn a_run_that_is_followed_sent_twice_lost_or_taken_over_survives_every_step() {
    let mut place = Place::new().await;
    for step in FOLLOWED {
        // Longer than the sandbox waits before it answers that it is under way.
        place.dies(&[step], "a small boat [sandbox:slow=3]").await;
    }
    for step in SENT_TWICE {
        place.dies(&[step], "a small boat [sandbox:unsent]").await;
    }
    place.dies(&LOST, "a small boat [sandbox:lost-reply]").await;
    place.dies(&TAKEN_OVER, "a small boat").await;
    place.verify();
}
