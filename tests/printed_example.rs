//! The GirlGeneratorAI document's own polling example, against the real binary: nothing but its base
//! URL and its key is changed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mintmark_testkit::TestDb;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_mintmark");
const PRINTED: &str = include_str!("../api-rest/tests/fixtures/girlgenerator/python_polling_example.py");
/// How long the server may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mintmark(db: &TestDb, directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--data-dir").arg(directory).current_dir(directory);
    command
        .env("MINTMARK_DATABASE_URL", db.url())
        .env("MINTMARK_LOG__FILTER", "warn")
        .env("MINTMARK_DEMO_ACCOUNT", "false");
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn the_printed_example_runs_with_only_base_url_and_key_changed() {
    let db = TestDb::new().await;
    let directory = tempfile::tempdir().unwrap();
    let create = ["account", "create", "--username", "ann", "--email", "ann@example.com", "--credits", "5", "--json"];
    let made = mintmark(&db, directory.path(), &create).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let account: Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = account["api_key"].as_str().unwrap();

    let address: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serve =
        mintmark(&db, directory.path(), &["serve", "--listen", &address.to_string()]).stdout(Stdio::null()).spawn();
    let _server = Process(serve.unwrap());
    let base_url = format!("http://{address}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let begun = Instant::now();
    while client.get(format!("{base_url}/healthz")).send().await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "the server does not come up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let script = PRINTED.replace("https://girlgenerator.app", &base_url).replace("YOUR_API_KEY", key);
    let ran =
        tokio::task::spawn_blocking(move || Command::new("python3").arg("-c").arg(script).output()).await.unwrap();
    let ran = ran.expect("python3 runs");
    assert!(ran.status.success(), "{}", said(&ran));
    assert!(said(&ran).starts_with("Images: ['http"), "{}", said(&ran));
    let image = said(&ran).split('\'').nth(1).unwrap().to_owned();
    let file = client.get(image).send().await.unwrap();
    assert_eq!(file.status(), 200);
    assert!(file.headers()["content-type"].to_str().unwrap().starts_with("image/"));
}
