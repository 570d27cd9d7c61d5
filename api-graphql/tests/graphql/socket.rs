//! The protocol graphql-transport-ws, and what bounds it.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use mintmark_api_graphql::LIMITS;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::app::{ask, data, start};
use crate::support::TestApp;

const PATIENCE: Duration = Duration::from_secs(60);
/// A subscription that goes on for as long as it is listened to.
const LISTEN: &str = "subscription { walletUpdates { type available held } }";

/// A connection.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn connect(app: &TestApp, protocol: Option<&str>) -> Result<Socket, Error> {
    let mut request = format!("{}/graphql", app.base_url.replacen("http", "ws", 1)).into_client_request().unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    }
    connect_async(request).await.map(|(stream, _)| Socket(stream))
}

impl Socket {
    /// One that has said nothing yet.
    pub async fn open(app: &TestApp) -> Socket {
        connect(app, Some("graphql-transport-ws")).await.unwrap()
    }

    /// One that a browser opens from a page of that origin, with that cookie; it has said no key.
    pub async fn from_browser(app: &TestApp, cookie: &str, origin: &str) -> Socket {
        let mut request = format!("{}/graphql", app.base_url.replacen("http", "ws", 1)).into_client_request().unwrap();
        for (name, value) in
            [("Sec-WebSocket-Protocol", "graphql-transport-ws"), ("Cookie", cookie), ("Origin", origin)]
        {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let mut socket = Socket(connect_async(request).await.unwrap().0);
        socket.init(None).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    /// One that has said whose it is.
    pub async fn of(app: &TestApp, key: &str) -> Socket {
        let mut socket = Socket::open(app).await;
        socket.init(Some(key)).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    pub async fn init(&mut self, key: Option<&str>) {
        let payload = key.map(|key| json!({"authorization": format!("Bearer {key}")}));
        self.say(json!({"type": "connection_init", "payload": payload})).await;
    }

    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn ask(&mut self, id: &str, query: &str) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query}})).await;
    }

    async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message").expect("an end that is said");
            match message.unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => {
                    let frame = frame.expect("a reason");
                    return Err((frame.code.into(), frame.reason.to_string()));
                }
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        self.next().await.expect("an open connection")
    }

    /// With which code and words the connection was closed.
    pub async fn closed(&mut self) -> (u16, String) {
        self.next().await.expect_err("a closed connection")
    }
}

#[tokio::test]
async fn only_our_protocol_is_spoken() {
    let app = start().await;
    for protocol in [None, Some("graphql-ws"), Some("mqtt")] {
        let Err(Error::Http(response)) = connect(&app, protocol).await else { panic!("{protocol:?}") };
        assert_eq!(response.status(), 400);
        let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
        assert!(body["errors"][0]["message"].as_str().unwrap().contains("graphql-transport-ws"));
    }
    assert!(connect(&app, Some("graphql-ws, graphql-transport-ws")).await.is_ok());
}

#[tokio::test]
async fn who_breaks_the_protocol_is_told_how() {
    let app = start().await;
    let mut early = Socket::open(&app).await;
    early.ask("a", "{ __typename }").await;
    assert_eq!(early.closed().await, (4401, "Unauthorized".to_owned()));
    let mut twice = Socket::of(&app, &app.account.key).await;
    twice.init(None).await;
    assert_eq!(twice.closed().await.0, 4429);
    let mut same = Socket::of(&app, &app.account.key).await;
    same.ask("a", LISTEN).await;
    same.ask("a", LISTEN).await;
    assert_eq!(same.closed().await, (4409, "Subscriber for a already exists".to_owned()));
    for nonsense in ["{", "[]", r#"{"type": "start"}"#, r#"{"type": "subscribe", "id": 1}"#] {
        let mut socket = Socket::of(&app, &app.account.key).await;
        socket.0.send(Message::text(nonsense)).await.unwrap();
        assert_eq!(socket.closed().await.0, 4400, "{nonsense}");
    }
    let mut empty = Socket::of(&app, &app.account.key).await;
    empty.ask("", LISTEN).await;
    assert_eq!(empty.closed().await.0, 4400);
    for key in [format!("gnr_live_{}", "0".repeat(40)), "nonsense".to_owned()] {
        let mut wrong = Socket::open(&app).await;
        wrong.init(Some(&key)).await;
        assert_eq!(wrong.closed().await.0, 4403);
    }
}

#[tokio::test]
async fn who_says_nothing_in_time_is_let_go() {
    let app = start().await;
    let begun = std::time::Instant::now();
    assert_eq!(Socket::open(&app).await.closed().await, (4408, "Connection initialisation timeout".to_owned()));
    assert!(begun.elapsed() >= LIMITS.sockets.init_within.mul_f32(0.9));
}

#[tokio::test]
async fn without_a_key_what_is_public_is_answered() {
    let app = start().await;
    let mut nobody = Socket::open(&app).await;
    nobody.init(None).await;
    assert_eq!(nobody.hear().await["type"], "connection_ack");
    nobody.ask("a", "{ models { slug } }").await;
    assert!(nobody.hear().await["payload"]["data"]["models"][0]["slug"].is_string());
    assert_eq!(nobody.hear().await, json!({"type": "complete", "id": "a"}));
    nobody.ask("a", LISTEN).await;
    let refused = nobody.hear().await;
    assert!(refused.to_string().contains("UNAUTHENTICATED"), "{refused}");
}

#[tokio::test]
async fn pings_are_answered_and_what_was_completed_says_nothing_more() {
    let app = start().await;
    let mut socket = Socket::of(&app, &app.account.key).await;
    socket.say(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong", "payload": {"a": 1}}));
    socket.say(json!({"type": "pong"})).await;
    socket.ask("a", LISTEN).await;
    socket.say(json!({"type": "complete", "id": "a"})).await;
    socket.say(json!({"type": "complete", "id": "never"})).await;
    // The id is free again, and only the new one is heard.
    let all = "subscription { walletUpdates(after: \"0\") { type } }";
    socket.ask("a", all).await;
    let first = socket.hear().await;
    assert_eq!((&first["type"], &first["id"]), (&json!("next"), &json!("a")));
    assert!(first["payload"]["data"]["walletUpdates"]["type"].as_str().unwrap().starts_with("credit_wallet."));
    socket.ask("b", "{ nothing }").await;
    loop {
        let heard = socket.hear().await;
        if heard["id"] == "b" {
            assert_eq!(
                (&heard["type"], &heard["payload"][0]["extensions"]["code"]),
                (&json!("error"), &json!("GRAPHQL_VALIDATION_FAILED"))
            );
            break;
        }
    }
}

#[tokio::test]
async fn a_mutation_outlives_its_connection() {
    let app = start().await;
    let mutation = "mutation { createRun(input: {model: \"image.nano_banana_2\", prompt: \"A boat\"}) { run { id } } }";
    let mut socket = Socket::of(&app, &app.account.key).await;
    socket.ask("a", mutation).await;
    socket.say(json!({"type": "complete", "id": "a"})).await;
    socket.say(json!({"type": "ping"})).await;
    // What it came to may be said before it is heard that nobody wants it.
    while socket.hear().await["type"] != "pong" {}
    drop(socket);
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let seen = ask(&app, "{ wallet { held } runs { edges { node { status } } } }", Value::Null).await;
        let runs = data(&seen)["runs"]["edges"].as_array().unwrap().clone();
        if runs.len() == 1 && runs[0]["node"]["status"] == "SUCCEEDED" {
            assert_eq!(seen["data"]["wallet"]["held"], "0");
            return;
        }
    }
    panic!("the run did not end");
}

#[tokio::test]
async fn whoever_s_key_is_revoked_hears_nothing_more() {
    let app = start().await;
    let mut socket = Socket::of(&app, &app.account.key).await;
    socket.ask("a", LISTEN).await;
    app.core.revoke_key_by_operator(app.account.id, app.account.key_id).await.unwrap();
    let within = LIMITS.sockets.ask_again_every + Duration::from_secs(10);
    let closed = timeout(within, socket.closed()).await.expect("it is told soon");
    assert_eq!(closed.0, 4403);
}

#[tokio::test]
async fn a_connection_runs_so_many_operations_and_an_account_has_so_many_connections() {
    let app = start().await;
    let mut sockets = vec![Socket::of(&app, &app.account.key).await];
    for id in 0..LIMITS.sockets.operations {
        sockets[0].ask(&id.to_string(), LISTEN).await;
    }
    sockets[0].ask("more", LISTEN).await;
    let refused = sockets[0].hear().await;
    assert_eq!(
        (&refused["id"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("more"), &json!("TOO_MANY_OPERATIONS"))
    );
    sockets[0].say(json!({"type": "complete", "id": "0"})).await;
    for _ in 1..LIMITS.sockets.per_account {
        sockets.push(Socket::of(&app, &app.account.key).await);
    }
    let mut one_more = Socket::open(&app).await;
    one_more.init(Some(&app.account.key)).await;
    let (code, why) = one_more.closed().await;
    assert!(code == 1013 && why.contains(&LIMITS.sockets.per_account.to_string()), "{code} {why}");
    drop(sockets.pop());
    // Its place is free as soon as the server has seen it go.
    for _ in 0..100 {
        let mut again = Socket::open(&app).await;
        again.init(Some(&app.account.key)).await;
        if again.next().await.is_ok_and(|heard| heard["type"] == "connection_ack") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the place was not given back");
}

#[tokio::test]
async fn a_websocket_among_other_offers_is_opened_however_it_is_spelt() {
    let app = start().await;
    let request = app.anonymous(reqwest::Method::GET, "/graphql").header("Connection", "keep-alive, Upgrade");
    let request = request.header("Upgrade", "h2c, WebSocket").header("Sec-WebSocket-Version", "13");
    let request = request.header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let opened = request.header("Sec-WebSocket-Protocol", "graphql-transport-ws").send().await.unwrap();
    assert_eq!(opened.status(), 101);
    assert_eq!(opened.headers()["sec-websocket-protocol"], "graphql-transport-ws");
}
