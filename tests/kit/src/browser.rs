//! Debian's Chromium, driven by its own protocol: for tests that hold a page against a real browser.
//!
//! Needs the package `chromium` (the Makefile's setup installs it); another place of the program is
//! named by the environment variable `CHROMIUM`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long anything may take; a busy machine needs most of it for the browser's start.
pub const PATIENCE: Duration = Duration::from_secs(90);

fn chromium() -> PathBuf {
    let path = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    assert!(path.exists(), "{} is missing: `make setup` installs Chromium, CHROMIUM names another", path.display());
    path
}

/// A page in a browser, driven by the browser's own protocol. Both end with the test.
pub struct Page {
    process: Child,
    folder: PathBuf,
    devtools: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last: u64,
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.process.start_kill();
        // Its helper processes end a moment later, and may still write into the profile.
        let until = Instant::now() + Duration::from_secs(5);
        while std::fs::remove_dir_all(&self.folder).is_err() && self.folder.exists() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Page {
    /// Opens an address in a browser of its own.
    ///
    /// # Panics
    /// Where there is no Chromium, or it does not start.
    pub async fn open(url: &str) -> Page {
        Page::open_with(url, &[]).await
    }

    /// The same in a browser that was started with more arguments.
    ///
    /// # Panics
    /// Where there is no Chromium, or it does not start.
    pub async fn open_with(url: &str, arguments: &[&str]) -> Page {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut process = Command::new(chromium())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1400,900"])
            // No network but this machine: what the page asks of anybody else fails.
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .args(arguments)
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Chromium starts");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let browser = timeout(PATIENCE, async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, address)) = line.split_once("DevTools listening on ws://") {
                    return address.split('/').next().unwrap_or_default().to_owned();
                }
            }
            panic!("Chromium ended without saying where it listens");
        });
        let browser = browser.await.expect("Chromium says where it listens");
        // Read to its end, so that the browser never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let pages: Value = reqwest::get(format!("http://{browser}/json/list")).await.unwrap().json().await.unwrap();
        let page = pages.as_array().unwrap().iter().find(|page| page["type"] == "page").expect("a page");
        let (devtools, _) = connect_async(page["webSocketDebuggerUrl"].as_str().unwrap()).await.unwrap();
        let mut page = Page { process, folder, devtools, last: 0 };
        page.call("Page.navigate", json!({ "url": url })).await;
        page
    }

    /// Says a command of the browser's protocol and gives its result.
    ///
    /// # Panics
    /// Where the browser does not answer in time.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let message = json!({"id": self.last, "method": method, "params": params}).to_string();
        self.devtools.send(Message::text(message)).await.unwrap();
        loop {
            let message = timeout(PATIENCE, self.devtools.next()).await.expect("an answer").unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.last {
                return answer["result"].clone();
            }
        }
    }

    /// What an expression comes to.
    pub async fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.call("Runtime.evaluate", params).await["result"]["value"].clone()
    }

    /// Looks until an expression holds.
    ///
    /// # Panics
    /// Where it never does.
    pub async fn until(&mut self, what: &str, expression: &str) {
        let begun = Instant::now();
        while self.value(expression).await != true {
            if begun.elapsed() > PATIENCE {
                let text = self.value("document.body.innerText").await;
                panic!("there never was {what}: {text}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Goes to another address and waits until it is there.
    pub async fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url })).await;
        self.until("the page", &format!("document.readyState === 'complete' && location.href === {}", json!(url)))
            .await;
    }

    /// What the page looks like, whole, as a PNG file.
    ///
    /// # Panics
    /// Where the browser gives no picture.
    pub async fn picture(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true})).await;
        let data = shot["data"].as_str().expect("a picture");
        base64::engine::general_purpose::STANDARD.decode(data).expect("base64")
    }
}
