//! Where an installation lives: its data directory and database; its servers, its command line.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use mintmark_testkit::TestDb;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, Ran, eventually, mintmark};

/// How often another port is tried where somebody was quicker to take it.
const PORTS_MAX: usize = 5;

/// An installation. Gone with the value.
pub struct Site {
    // Before the database, so that nobody uses it any more when it is dropped.
    directory: TempDir,
    /// The database it is told to use; none where it runs its own.
    pub db: Option<TestDb>,
    settings: Vec<(String, String)>,
}

impl Site {
    fn new(db: Option<TestDb>) -> Site {
        let directory = tempfile::Builder::new().prefix("mintmark-").tempdir().expect("a temporary directory");
        // Lets the user that runs Postgres pass through, where that is another.
        let mode = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(directory.path(), mode).expect("its permissions");
        let site = Site { directory, db, settings: Vec::new() };
        match site.db.as_ref().map(TestDb::url) {
            Some(url) => site.with("DATABASE_URL", &url),
            None => site,
        }
    }

    /// One that runs its own Postgres.
    pub fn embedded() -> Site {
        Site::new(None)
    }

    /// One on a database of the test cluster.
    pub async fn on_test_database() -> Site {
        Site::new(Some(TestDb::new().await))
    }

    /// With a setting by environment.
    pub fn with(mut self, name: &str, value: &str) -> Site {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What it is set to by environment.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Runs a command to its end: `site.run("account show demo")`.
    pub async fn run(&self, words: &str) -> Ran {
        self.run_words(&words.split_whitespace().collect::<Vec<_>>()).await
    }

    /// The same, with arguments that hold spaces.
    pub async fn run_words(&self, words: &[&str]) -> Ran {
        let mut command = mintmark(self.directory.path(), &self.settings);
        command.args(words).arg("--data-dir").arg(self.data());
        Ran::of(command).await
    }

    /// Runs a command that has no data: `site.run_plain("catalog check")`.
    pub async fn run_plain(&self, words: &str) -> Ran {
        let mut command = mintmark(self.directory.path(), &self.settings);
        command.args(words.split_whitespace());
        Ran::of(command).await
    }

    /// A server that is ready.
    pub async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// A server that is ready, with settings of its own.
    pub async fn serve_with(&self, settings: &[(String, String)]) -> Server {
        let all: Vec<(String, String)> = self.settings.iter().chain(settings).cloned().collect();
        for _ in 0..PORTS_MAX {
            let listen = format!("127.0.0.1:{}", free_port());
            let data = self.data().display().to_string();
            let command = mintmark(self.directory.path(), &all);
            let mut process = Process::start(command, ["serve", "--data-dir", &data, "--listen", &listen]);
            if process.says("Mintmark serves").await.is_some() {
                let server = Server { process, url: format!("http://{listen}"), client: Client::new() };
                eventually("readiness", async || {
                    let ready = server.client.get(format!("{}/readyz", server.url)).send().await.ok()?;
                    ready.status().is_success().then_some(())
                })
                .await;
                return server;
            }
            process.ended().await;
            let complaint = process.complained();
            assert!(complaint.contains("cannot be listened on"), "the server did not start: {complaint}");
        }
        panic!("no free port was found");
    }

    /// The first start, and the demo account's key that it prints.
    pub async fn first_start(&self) -> (Server, String) {
        let mut server = self.serve().await;
        let said = server.process.says("GraphiQL:").await.expect("the first start says how to go on");
        let key = said.split_whitespace().find(|word| word.starts_with("gnr_live_")).expect("a key");
        (server, key.to_owned())
    }
}

impl Drop for Site {
    /// A test that fails leaves no Postgres behind either.
    fn drop(&mut self) {
        let home = self.data().join("postgres");
        let Ok(pid_file) = std::fs::read_to_string(home.join("cluster/postmaster.pid")) else { return };
        let Some(pid) = pid_file.lines().next() else { return };
        let _ = std::process::Command::new("kill").args(["-QUIT", pid]).status();
        let process = PathBuf::from("/proc").join(pid);
        for _ in 0..400 {
            if !process.exists() {
                return;
            }
            std::thread::sleep(crate::process::LOOK_EVERY);
        }
    }
}

/// A port that was free just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// A server that runs.
pub struct Server {
    pub process: Process,
    pub url: String,
    client: Client,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Sends a request; an error if nobody answers.
    pub async fn of(request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, bytes: response.bytes().await?.to_vec() })
    }

    /// The JSON of an answer with that status.
    #[track_caller]
    pub fn json_of(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status, status, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Server {
    /// A request with a key, to be added to.
    pub fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.client.request(method, url).bearer_auth(key)
    }

    /// What is answered to a GET.
    pub async fn get(&self, path: &str, key: &str) -> Answer {
        Answer::of(self.request(Method::GET, path, key)).await.expect("an answer")
    }

    /// What is answered to a POST.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path, key).json(body)).await.expect("an answer")
    }

    /// What is answered to a POST with an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, once: &str, body: &Value) -> reqwest::Result<Answer> {
        Answer::of(self.request(Method::POST, path, key).header("Idempotency-Key", once).json(body)).await
    }

    /// The data of a GraphQL answer that has no errors.
    pub async fn graphql(&self, key: &str, query: &str) -> Value {
        let answer = self.post("/graphql", key, &json!({ "query": query })).await.json_of(200);
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    /// A file as anybody would fetch it: by its address alone.
    pub async fn file(&self, url: &str, range: Option<&str>) -> Answer {
        let mut request = self.client.get(url);
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        Answer::of(request).await.expect("an answer")
    }

    /// A GenFire run once it has ended.
    pub async fn ended(&self, run: &str, key: &str) -> Value {
        eventually("the end of a run", async || {
            let run = self.get(&format!("/v1/runs/{run}"), key).await.json_of(200);
            ["completed", "failed"].iter().any(|status| run["status"] == *status).then_some(run)
        })
        .await
    }
}
