//! Somebody's server that is told about events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Options, TestApp};

/// How long a delivery may take to come.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// One delivery as it came.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its headers.
    pub headers: HashMap<String, String>,
    /// Its body, byte for byte.
    pub body: Bytes,
}

impl Letter {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A header.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }
}

#[derive(Clone, Default)]
struct Shared {
    letters: Arc<Mutex<Vec<Letter>>>,
    came: Arc<Notify>,
    status: Arc<AtomicU16>,
}

/// A receiver on a socket of its own.
pub struct Receiver {
    /// Where it is: `http://127.0.0.1:<port>/hook`.
    pub url: String,
    shared: Shared,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    /// A receiver that answers 200.
    pub async fn start() -> Self {
        let shared = Shared::default();
        shared.status.store(200, Ordering::SeqCst);
        let router = Router::new().fallback(take).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { url, shared, server }
    }

    /// Answers with that status from now on.
    pub fn answers(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// All that came since it was last asked.
    pub fn letters(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.shared.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until so many have come since it was last asked.
    pub async fn wait_for(&self, count: usize) -> Vec<Letter> {
        let mut letters = Vec::new();
        while letters.len() < count {
            let came = tokio::time::timeout(COMES_WITHIN, self.shared.came.notified()).await;
            assert!(came.is_ok(), "{} of {count} came", letters.len());
            letters.extend(self.letters());
        }
        letters
    }

    /// The one that came since it was last asked.
    #[track_caller]
    pub fn letter(&self) -> Letter {
        let mut letters = self.letters();
        assert_eq!(letters.len(), 1, "{letters:?}");
        letters.remove(0)
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let lines = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    // Several lines of one name are one list, so whoever compares with one value sees them all.
    let headers = headers.keys().map(|name| (name.as_str().to_owned(), lines(name).join(", "))).collect();
    shared.letters.lock().unwrap_or_else(PoisonError::into_inner).push(Letter { headers, body });
    shared.came.notify_one();
    let status = StatusCode::from_u16(shared.status.load(Ordering::SeqCst)).unwrap();
    let location = [("location", "https://example.com/elsewhere")];
    (status, location, format!("said {}", status.as_u16()))
}

/// A surface that may reach receivers, with an instant sandbox.
pub fn reaching() -> Options {
    Options { instant: true, egress_allow: vec!["127.0.0.1".into()], ..Options::default() }
}

/// An endpoint at `receiver` for these events: the resource, with its secret.
pub async fn endpoint(app: &TestApp, receiver: &Receiver, events: &[&str]) -> Value {
    app.post("/v1/webhooks", &json!({"url": receiver.url, "events": events})).await.json_of(201)
}

/// The deliveries of the first account, the newest first.
pub async fn deliveries(app: &TestApp) -> Vec<Value> {
    app.get("/v1/webhooks/deliveries").await.json_of(200)["data"].as_array().unwrap().clone()
}
