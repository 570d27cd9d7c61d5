//! An S3 API on a free port, from the pinned test tools: as long as the test lives.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use mintmark_infra::assets::S3Settings;
use tokio::process::{Child, Command};

/// How long it may take to answer.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// How often it is asked whether it is up.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// moto's server, stopped when this is dropped.
pub struct S3Server {
    endpoint: String,
    client: reqwest::Client,
    _process: Child,
}

impl S3Server {
    /// Starts it, with one empty bucket.
    pub async fn start() -> Self {
        let tool = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/.venv/bin/moto_server");
        assert!(tool.exists(), "{} is missing: run `make setup`", tool.display());
        // Free now; whoever takes it in between makes the test fail, not lie.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(tool)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("an S3 API");
        let endpoint = format!("http://127.0.0.1:{port}");
        let client = reqwest::Client::new();
        let bucket = format!("{endpoint}/mintmark");
        let up = async {
            while client.put(&bucket).send().await.is_err() {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        tokio::time::timeout(UP_WITHIN, up).await.expect("the S3 API comes up");
        S3Server { endpoint, client, _process: process }
    }

    /// What the setting `storage` says of it, and how it is reached.
    pub fn storage(&self) -> (String, S3Settings) {
        let settings = S3Settings {
            endpoint: self.endpoint.clone(),
            region: "us-east-1".into(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            virtual_hosted: false,
        };
        ("s3://mintmark/some/prefix".into(), settings)
    }

    /// How many uploads in parts were begun and not ended.
    pub async fn unfinished(&self) -> usize {
        let listed = self.client.get(format!("{}/mintmark?uploads", self.endpoint)).send().await.unwrap();
        listed.text().await.unwrap().matches("<UploadId>").count()
    }
}
