//! Processes under test: started, waited for, stopped, killed by their id.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long anything may take before a test gives up on it: a machine under load is no defect.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that cannot be waited for otherwise.
pub const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks until there is something to see.
///
/// # Panics
/// When there is nothing within [`PATIENCE`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let watch = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match timeout(PATIENCE, watch).await {
        Ok(seen) => seen,
        Err(_) => panic!("within {PATIENCE:?} there was not: {what}"),
    }
}

/// The binary, with nothing of this machine's own settings about it.
pub fn mintmark(directory: &Path, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mintmark"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MINTMARK_") || name == "DATABASE_URL" || name == "FAILPOINTS" {
            command.env_remove(name);
        }
    }
    // Whoever runs the tests with more shards means these processes too.
    if let Ok(shards) = std::env::var("TEST_SHARDS") {
        command.env("MINTMARK_SHARDS", shards);
    }
    command.env("MINTMARK_LOG__FILTER", "warn");
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command.current_dir(directory).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a command that does one thing came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Runs a command to its end.
    pub async fn of(mut command: Command) -> Ran {
        let output: Output = timeout(PATIENCE, command.output()).await.expect("it ends").expect("it starts");
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, once it is sure that it went well.
    #[track_caller]
    pub fn good(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        &self.out
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.good()).expect("JSON")
    }

    /// The one line that it complained with.
    #[track_caller]
    pub fn complaint(&self) -> &str {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        let lines: Vec<&str> = self.err.lines().filter(|line| line.starts_with("mintmark: ")).collect();
        assert_eq!((lines.len(), self.err.lines().count()), (1, 1), "one line: {}", self.err);
        assert_eq!(self.out, "");
        lines[0]
    }
}

/// A process that runs beside the test.
pub struct Process {
    child: Child,
    said: watch::Receiver<String>,
    complained: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it with arguments.
    pub fn start<A: AsRef<OsStr>>(mut command: Command, arguments: impl IntoIterator<Item = A>) -> Process {
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let (saying, said) = watch::channel(String::new());
        let complained = Arc::new(Mutex::new(String::new()));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        tokio::spawn(listen(out, move |line| saying.send_modify(|said| said.push_str(line))));
        let complaining = Arc::clone(&complained);
        tokio::spawn(listen(err, move |line| {
            complaining.lock().unwrap_or_else(PoisonError::into_inner).push_str(line)
        }));
        Process { child, said, complained }
    }

    /// What it said on standard output so far.
    pub fn said(&self) -> String {
        self.said.borrow().clone()
    }

    /// What it said on standard error so far.
    pub fn complained(&self) -> String {
        self.complained.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said that, and gives all it said; nothing if it ended without.
    pub async fn says(&mut self, words: &str) -> Option<String> {
        let heard = timeout(PATIENCE, self.said.wait_for(|said| said.contains(words))).await;
        // Either it was said, or it closed its output.
        let heard = heard.map(|said| said.ok().map(|said| said.clone()));
        match heard {
            Ok(heard) => heard,
            Err(_) => panic!("it never said {words:?}: {}{}", self.said(), self.complained()),
        }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {pid}");
    }

    /// SIGTERM, as service managers send it, and how it ended.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.ended().await
    }

    /// SIGKILL, as the system sends it when memory runs out.
    pub async fn kill(mut self) {
        self.signal("-KILL");
        self.ended().await;
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.expect("an exit status"),
            Err(_) => panic!("it does not end: {}", self.complained()),
        }
    }
}

async fn listen(stream: impl AsyncRead + Unpin, mut heard: impl FnMut(&str)) {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while matches!(lines.read_line(&mut line).await, Ok(1..)) {
        heard(&line);
        line.clear();
    }
}
