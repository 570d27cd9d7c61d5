//! A place to kill servers in: a database, a provider of its own, an account; servers come and go.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mintmark_testkit::TestDb;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_mintmark");
/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// What the account has.
pub const CREDITS: u64 = 1_000;
/// Between two looks at another process.
pub const LOOK_EVERY: Duration = Duration::from_millis(25);
/// A process that does not outlive its test.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Waits for it to be killed by the signal that nothing can catch.
    pub async fn killed(&mut self, step: &str) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "{step} was never reached");
            tokio::time::sleep(LOOK_EVERY).await;
        };
        assert_eq!(status.signal(), Some(9), "{step}: {status}");
    }
}

/// A database, a provider that counts, an account with a thousand credits; servers come and go.
pub struct Place {
    db: TestDb,
    directory: tempfile::TempDir,
    pub client: reqwest::Client,
    provider: String,
    pub key: String,
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
    command.env("MINTMARK_RUNNING__TRAINING_SECONDS", "3");
    command.env("MINTMARK_RUNNING__SUBMIT_WINDOW_SECONDS", "2");
    command.env("MINTMARK_RUNNING__PROVIDER_TIMEOUT_SECONDS", "4");
    command
}

/// An account with credits and no limits; its key.
fn account(db: &TestDb, directory: &Path, name: &str, credits: u64) -> String {
    let mut create = command(db, directory);
    create.args(["account", "create", "--username", name, "--email", &format!("{name}@example.com"), "--json"]);
    create.args(["--credits", &credits.to_string(), "--tier", "unlimited", "--data-dir"]).arg(directory);
    let made = create.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    made["api_key"].as_str().unwrap().to_owned()
}

impl Place {
    /// Another account, with nothing; its key.
    pub fn account(&self, name: &str) -> String {
        account(&self.db, self.directory.path(), name, 0)
    }

    pub async fn new() -> Self {
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
        let key = account(&db, directory.path(), "ann", CREDITS);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Place { db, directory, client, provider, key, _sandbox: Process(sandbox) }
    }

    pub async fn serve(&self) -> (Process, String) {
        self.serve_armed(None).await
    }

    /// A server, armed to die at a step if there is one.
    pub async fn serve_armed(&self, step: Option<&str>) -> (Process, String) {
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

    pub async fn post(&self, base: &str, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{base}{path}")).bearer_auth(&self.key);
        let answer = request.header("Idempotency-Key", "once").json(body).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status}: {answer}");
        answer
    }

    pub async fn get(&self, base: &str, path: &str) -> Value {
        self.get_as(&self.key, base, path).await
    }

    pub async fn get_as(&self, key: &str, base: &str, path: &str) -> Value {
        let answer = self.client.get(format!("{base}{path}")).bearer_auth(key).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Asks for something that the server may die of. The same key is the same run. `None`: it died before it
    /// answered.
    pub async fn ask(&self, base: &str, (path, body): (&str, &Value), key: &str) -> Option<Value> {
        let request = self.client.post(format!("{base}{path}")).bearer_auth(&self.key);
        let request = request.header("Idempotency-Key", key).header("Prefer", "respond-async");
        let response = request.json(body).send().await.ok()?;
        let status = response.status();
        let answer: Value = response.json().await.ok()?;
        assert!(status.is_success(), "{status}: {answer}");
        Some(answer)
    }

    /// A request over GraphQL, and its data.
    pub async fn graphql(&self, base: &str, query: &str) -> Value {
        let request = self.client.post(format!("{base}/graphql")).bearer_auth(&self.key);
        let answer: Value = request.json(&json!({"query": query})).send().await.unwrap().json().await.unwrap();
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].clone()
    }

    /// Looks until a read shows what is waited for.
    pub async fn until(&self, base: &str, path: &str, what: impl Fn(&Value) -> bool) -> Value {
        self.until_as(&self.key, base, path, what).await
    }

    pub async fn until_as(&self, key: &str, base: &str, path: &str, what: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.get_as(key, base, path).await;
            if what(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {seen}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub async fn jobs(&self) -> Vec<Value> {
        self.client.get(format!("{}/v1/jobs", self.provider)).send().await.unwrap().json().await.unwrap()
    }

    pub fn verify(&self) {
        let mut verify = command(&self.db, self.directory.path());
        let verified = verify.args(["audit", "verify", "--data-dir"]).arg(self.directory.path()).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    }
}
