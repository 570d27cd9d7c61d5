//! Live data over graphql-transport-ws: from a cursor, then live; nothing missing, nothing twice.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use futures::{SinkExt as _, StreamExt as _};

use crate::books;
use crate::process::PATIENCE;
use crate::site::{Server, Site};

/// A connection that speaks the protocol.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(server: &Server) -> Socket {
        let url = format!("{}/graphql", server.url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse().unwrap());
        let (stream, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Socket(stream)
    }

    /// One that has said whose it is.
    async fn of(server: &Server, key: &str) -> Socket {
        let mut socket = Socket::open(server).await;
        let init = json!({"type": "connection_init", "payload": {"Authorization": format!("Bearer {key}")}});
        socket.say(init).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message; the reason in words where the connection was closed instead.
    async fn hear(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message").expect("an open connection");
            match message.unwrap() {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                Message::Close(frame) => return json!({"closed": frame.map(|frame| frame.reason.to_string())}),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn subscribe(&mut self, run: &str, after: Option<&str>) {
        let query = "subscription ($id: ID!, $after: String) \
                     { runUpdates(id: $id, after: $after) { cursor type status } }";
        let payload = json!({"query": query, "variables": {"id": run, "after": after}});
        self.say(json!({"id": "updates", "type": "subscribe", "payload": payload})).await;
    }

    /// The next update of a run; nothing once the subscription is complete.
    async fn update(&mut self) -> Option<Value> {
        let message = self.hear().await;
        if message["type"] == "complete" {
            return None;
        }
        let update = &message["payload"]["data"]["runUpdates"];
        assert!(message["type"] == "next" && update.is_object(), "{message}");
        Some(update.clone())
    }

    /// All updates up to the end.
    async fn rest(&mut self) -> Vec<Value> {
        let mut updates = Vec::new();
        while let Some(update) = self.update().await {
            updates.push(update);
        }
        updates
    }
}

#[tokio::test]
async fn updates_of_a_run_come_from_a_cursor_and_then_live_without_a_gap() {
    let site = Site::on_test_database().await;
    let (server, key) = site.first_start().await;
    let request = server.request(reqwest::Method::POST, "/v1/images/generations", &key);
    let request = request.header("Idempotency-Key", "live").header("Prefer", "respond-async");
    let asked = request.json(&json!({"prompt": "A boat [sandbox:slow=2]"}));
    let run = crate::site::Answer::of(asked).await.unwrap().json_of(202);
    let run = run["id"].as_str().unwrap();

    // One that listens from the beginning, and one that takes up after the first update it saw.
    let mut whole = Socket::of(&server, &key).await;
    whole.subscribe(run, None).await;
    let first = whole.update().await.expect("what happened before it asked");
    assert_eq!(first["type"], "run.requested");
    let mut later = Socket::of(&server, &key).await;
    later.subscribe(run, first["cursor"].as_str()).await;
    let mut all = vec![first];
    all.extend(whole.rest().await);
    assert_eq!(later.rest().await, all[1..], "nothing missing, nothing twice");
    let cursors: Vec<String> = all.iter().map(|update| update["cursor"].as_str().unwrap().to_owned()).collect();
    let counted: Vec<String> = (1..=all.len()).map(|number| number.to_string()).collect();
    assert_eq!(cursors, counted);
    let last = all.last().unwrap();
    assert_eq!((&last["type"], &last["status"]), (&json!("run.succeeded"), &json!("SUCCEEDED")));

    // After its end, the same is told again; after the last cursor, nothing.
    whole.subscribe(run, None).await;
    assert_eq!(whole.rest().await, all);
    whole.subscribe(run, cursors.last().map(String::as_str)).await;
    let nothing = timeout(Duration::from_secs(10), whole.rest()).await.expect("it ends at once");
    assert_eq!(nothing, Vec::<Value>::new());

    // Whoever it does not belong to hears nothing of it.
    let other = site.run("account create --username eve --email eve@example.com --json").await.json();
    let mut stranger = Socket::of(&server, other["api_key"].as_str().unwrap()).await;
    stranger.subscribe(run, None).await;
    let refused = stranger.hear().await.to_string();
    assert!(refused.contains("NOT_FOUND") && !refused.contains("run.requested"), "{refused}");
    let mut nobody = Socket::open(&server).await;
    nobody.say(json!({"type": "connection_init", "payload": {"Authorization": "Bearer gnr_live_wrong"}})).await;
    assert!(nobody.hear().await.get("closed").is_some(), "a wrong key closes the connection");

    books::assert_in_order(&site).await;
    assert!(server.process.stop().await.success());
}
