//! GraphiQL in Debian's Chromium, which can resolve no name: what the page needs comes from here.
//!
//! Needs the package `chromium` (the Makefile's setup installs it); another place of the program is
//! named by the environment variable `CHROMIUM`.

#[path = "../../src/compose/door.rs"]
mod door;
#[path = "../../api-rest/tests/support/mod.rs"]
mod support;

#[path = "graphql/app.rs"]
#[allow(dead_code, reason = "shared with the tests beside it")]
mod app;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long anything may take; a busy machine needs most of it for the browser's start.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long an answer to a click may take before the page is clicked again.
const CLICK_AGAIN_AFTER: Duration = Duration::from_secs(5);

fn chromium() -> PathBuf {
    let path = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    assert!(path.exists(), "{} is missing: `make setup` installs Chromium, CHROMIUM names another", path.display());
    path
}

/// A page in a browser, driven by the browser's own protocol. Both end with the test.
struct Page {
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
    async fn open(url: &str) -> Page {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut process = Command::new(chromium())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1400,900"])
            // No network but this machine: what the page asks of anybody else fails.
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
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

    async fn call(&mut self, method: &str, params: Value) -> Value {
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
    async fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        self.call("Runtime.evaluate", params).await["result"]["value"].clone()
    }

    /// Looks until an expression holds.
    async fn until(&mut self, what: &str, expression: &str) {
        let begun = Instant::now();
        while self.value(expression).await != true {
            if begun.elapsed() > PATIENCE {
                let text = self.value("document.body.innerText").await;
                panic!("there never was {what}: {text}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into an editor of the page's.
    async fn write(&mut self, editor: &str, text: &str) {
        let expression = format!("document.querySelector('{editor} .CodeMirror').CodeMirror.setValue({})", json!(text));
        self.value(&expression).await;
    }

    /// Runs what stands in the query editor, and waits until the answer holds some words. The page looks
    /// at what was written only once nobody types any more, so whoever is too quick clicks again.
    async fn runs(&mut self, words: &str) {
        let answer = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()";
        let holds = format!("{answer}.includes({})", json!(words));
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.value("document.querySelector('.graphiql-execute-button').click()").await;
            let clicked = Instant::now();
            while clicked.elapsed() < CLICK_AGAIN_AFTER {
                if self.value(&holds).await == true {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        let text = self.value("document.body.innerText").await;
        panic!("there never was {words}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graphiql_runs_queries_and_subscriptions_without_a_network() {
    let app = app::start().await;
    let mut page = Page::open(&format!("{}/graphql", app.base_url)).await;
    page.until("the query editor", "!!document.querySelector('.graphiql-query-editor .CodeMirror')").await;
    page.until("its button", "!!document.querySelector('.graphiql-execute-button')").await;

    // The query that it opens with is a good one, without a key.
    page.runs("creditCost").await;

    let headers = ".graphiql-editor-tool .graphiql-editor:not(.hidden)";
    page.until("the headers editor", &format!("!!document.querySelector('{headers} .CodeMirror')")).await;
    page.write(".graphiql-query-editor", "{ wallet { available } }").await;
    page.runs("UNAUTHENTICATED").await;
    page.write(headers, &json!({"Authorization": format!("Bearer {}", app.account.key)}).to_string()).await;
    page.runs("100000").await;

    page.write(".graphiql-query-editor", "subscription { walletUpdates(after: \"0\") { type available } }").await;
    page.runs("credit_wallet.").await;

    let elsewhere = "performance.getEntriesByType('resource').map(one => new URL(one.name).origin)\
                     .filter(origin => origin !== location.origin && origin !== 'null').join()";
    assert_eq!(page.value(elsewhere).await, "", "nothing was asked of anybody else");
    let kept = format!("Object.values(localStorage).join().includes('{}')", app.account.key);
    assert_eq!(page.value(&kept).await, false, "the key is kept nowhere");
}
