//! GraphQL over a WebSocket: the protocol graphql-transport-ws. Saying who one is counts as one request,
//! so does each operation. A mutation runs to its end even when its connection is gone; whoever's key
//! is revoked hears nothing more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures::stream::SplitSink;
use futures::{SinkExt as _, StreamExt as _};
use mintmark_domain::account::Scopes;
use mintmark_domain::usecases::{Caller, ErrorClass, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::answer::{Kind, kind_of, refused};
use crate::error::GraphqlError;
use crate::gate::{Admitted, Origin};
use crate::operation::{Operation, Said, Saying};
pub(crate) use crate::places::Places;
use crate::places::{Owner, Place};
use crate::server::{LIMITS, Server};

/// The protocol.
pub(crate) const PROTOCOL: &str = "graphql-transport-ws";
/// How long a connection that we close may take to say goodbye.
const HEARD_OUT_WITHIN: Duration = Duration::from_secs(2);
/// How many messages may wait for a slow reader; whoever makes them waits then.
const QUEUE: usize = 64;
/// How many characters an operation's id may have.
const ID_CHARS_MAX: usize = 128;

/// What bounds WebSockets.
#[derive(Clone, Copy, Debug)]
pub struct SocketLimits {
    /// How many one process serves.
    pub all: usize,
    /// How many an account may have.
    pub per_account: usize,
    /// How many an address may have that said no key, or not yet.
    pub per_address: usize,
    /// How many operations may run on one connection at once.
    pub operations: usize,
    /// How long a new connection may take to say who it is.
    pub init_within: Duration,
    /// How often the other end is asked whether it is there.
    pub ping_every: Duration,
    /// How long nothing may be heard of it.
    pub silent_for: Duration,
    /// How long it may take to accept a message.
    pub send_within: Duration,
    /// How often it is asked whether a connection's key still holds.
    pub ask_again_every: Duration,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Heard {
    ConnectionInit { payload: Option<Value> },
    Subscribe { id: String, payload: Box<async_graphql::Request> },
    Complete { id: String },
    Ping { payload: Option<Value> },
    Pong {},
}

/// Why a connection is closed: the protocol's code and a few words.
struct Closing(u16, String);

impl Closing {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Closing(code, reason.into())
    }

    /// Who asks is not known, or not allowed.
    fn forbidden(why: impl std::fmt::Display) -> Self {
        Closing(4403, format!("Forbidden: {why}"))
    }

    /// Worth trying again.
    fn later(why: impl std::fmt::Display) -> Self {
        Closing(1013, format!("Try again later: {why}"))
    }

    fn frame(mut self) -> Message {
        // A close frame holds 123 bytes of reason; ours are ASCII but for what a caller named.
        let end = self.1.floor_char_boundary(123);
        self.1.truncate(end);
        Message::Close(Some(CloseFrame { code: self.0, reason: self.1.into() }))
    }
}

type Step = Result<Option<Value>, Closing>;

/// Whether the client offers our protocol.
pub(crate) fn speaks_ours(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|one| one.trim() == PROTOCOL)
}

/// Serves a connection, if there is a place for it.
pub(crate) fn serve(
    server: Server,
    origin: Origin,
    authorization: Option<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let place = match server.places.take(Owner::address(origin.peer)) {
        Ok(place) => place,
        Err(full) => {
            let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, "application/json", "UNAVAILABLE", &full);
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
            return response;
        }
    };
    upgrade.max_message_size(LIMITS.body_bytes).protocols([PROTOCOL]).on_upgrade(async move |socket| {
        let (said, hears) = mpsc::channel(QUEUE);
        let room = Arc::new(Semaphore::new(LIMITS.sockets.operations));
        let running = HashMap::new();
        let connection = Connection { server, origin, authorization, place, who: None, said, room, running, begun: 0 };
        connection.talk(socket, hears).await;
    })
}

/// Who a connection said it is.
struct Who {
    authorization: Option<String>,
    /// What the key might do then.
    scopes: Option<Scopes>,
}

struct Running {
    /// Tells an operation from an earlier one of the same id.
    number: u64,
    /// How it is stopped; a mutation is not.
    stop: Option<AbortHandle>,
}

struct Connection {
    server: Server,
    origin: Origin,
    /// What the HTTP request said, where a browser's cannot.
    authorization: Option<String>,
    place: Place,
    who: Option<Who>,
    said: mpsc::Sender<Said>,
    room: Arc<Semaphore>,
    running: HashMap<String, Running>,
    begun: u64,
}

impl Drop for Connection {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.stop();
        }
    }
}

impl Running {
    fn stop(&self) {
        if let Some(stop) = &self.stop {
            stop.abort();
        }
    }
}

impl Connection {
    /// Listens and answers until either end has had enough.
    async fn talk(mut self, socket: WebSocket, mut hears: mpsc::Receiver<Said>) {
        let limits = LIMITS.sockets;
        let (mut sink, mut stream) = socket.split();
        let init_until = Instant::now() + limits.init_within;
        let mut heard_at = Instant::now();
        let mut ping = interval(limits.ping_every);
        let mut ask_again = interval(limits.ask_again_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ask_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                heard = stream.next() => {
                    heard_at = Instant::now();
                    match heard {
                        Some(Ok(Message::Text(text))) => self.hear(text.as_str()).await,
                        Some(Ok(Message::Binary(_))) => Err(Closing::new(4400, "messages are text")),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    }
                }
                Some(said) = hears.recv() => Ok(self.pass_on(said)),
                () = sleep_until(init_until), if self.who.is_none() => {
                    Err(Closing::new(4408, "Connection initialisation timeout"))
                }
                _ = ping.tick() => {
                    if heard_at.elapsed() > limits.silent_for {
                        return;
                    }
                    if !send(&mut sink, Message::Ping(Default::default())).await {
                        return;
                    }
                    Ok(None)
                }
                _ = ask_again.tick() => self.ask_again().await,
            };
            let (message, ends) = match step {
                Ok(None) => continue,
                Ok(Some(message)) => (Message::text(message.to_string()), false),
                Err(closing) => (closing.frame(), true),
            };
            if !send(&mut sink, message).await {
                return;
            }
            if ends {
                // A socket that is dropped with something unread is reset, and its peer may never hear why.
                let heard_out = async { while stream.next().await.is_some_and(|heard| heard.is_ok()) {} };
                let _ = tokio::time::timeout(HEARD_OUT_WITHIN, heard_out).await;
                return;
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Step {
        let heard: Heard =
            serde_json::from_str(text).map_err(|error| Closing::new(4400, format!("Invalid message: {error}")))?;
        match heard {
            Heard::ConnectionInit { payload } => self.init(payload).await,
            Heard::Subscribe { id, payload } => self.subscribe(id, *payload).await,
            Heard::Complete { id } => {
                if let Some(running) = self.running.remove(&id) {
                    running.stop();
                }
                Ok(None)
            }
            Heard::Ping { payload } => Ok(Some(match payload {
                Some(payload) => json!({"type": "pong", "payload": payload}),
                None => json!({"type": "pong"}),
            })),
            Heard::Pong {} => Ok(None),
        }
    }

    /// The caller as the key stands now; nobody where none was said.
    async fn caller(&self, authorization: Option<&str>) -> Result<Option<Caller>, Refusal> {
        self.server.gate.caller(authorization, &self.origin).await
    }

    async fn init(&mut self, payload: Option<Value>) -> Step {
        if self.who.is_some() {
            return Err(Closing::new(4429, "Too many initialisation requests"));
        }
        let payload = payload.unwrap_or_default();
        let said = payload.as_object().into_iter().flatten();
        let said =
            said.filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).find_map(|(_, value)| value.as_str());
        let authorization = said.map(str::to_owned).or(self.authorization.take());
        let caller = self.caller(authorization.as_deref()).await;
        // Guessing keys counts too, on the address.
        let known = caller.as_ref().ok().and_then(Option::as_ref);
        self.server.gate.count(known, self.origin.peer).await.map_err(|limit| Closing::later(limit.message))?;
        let caller = caller.map_err(|refusal| match barred(&refusal) {
            true => Closing::forbidden(refusal),
            false => Closing::later("the service is temporarily unavailable"),
        })?;
        if let Some(caller) = &caller {
            self.place.pass_to(Owner::Account(caller.account)).map_err(Closing::later)?;
        }
        self.who = Some(Who { authorization, scopes: caller.map(|caller| caller.scopes) });
        Ok(Some(json!({"type": "connection_ack"})))
    }

    async fn subscribe(&mut self, id: String, mut request: async_graphql::Request) -> Step {
        let Some(who) = &self.who else { return Err(Closing::new(4401, "Unauthorized")) };
        if id.is_empty() || id.chars().count() > ID_CHARS_MAX {
            return Err(Closing::new(4400, format!("an id has 1 to {ID_CHARS_MAX} characters")));
        }
        if self.running.contains_key(&id) {
            return Err(Closing::new(4409, format!("Subscriber for {id} already exists")));
        }
        let caller = match self.caller(who.authorization.as_deref()).await {
            Ok(None) if who.scopes.is_some() => return Err(Closing::forbidden("the session is over")),
            Ok(caller) => caller,
            Err(refusal) if barred(&refusal) => return Err(Closing::forbidden(refusal)),
            Err(refusal) => {
                return Ok(Some(error_of(&id, refusal)));
            }
        };
        if let Err(limit) = self.server.gate.count(caller.as_ref(), self.origin.peer).await {
            return Ok(Some(error_of(&id, limit)));
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let message = format!("a connection may run {} operations at once", LIMITS.sockets.operations);
            return Ok(Some(json!({"type": "error", "id": id, "payload": [{
                "message": message, "extensions": {"code": "TOO_MANY_OPERATIONS"},
            }]})));
        };
        self.begun += 1;
        let kind = kind_of(&mut request);
        let admitted = Admitted { origin: self.origin.clone(), caller, opens_socket: false };
        let operation = Operation {
            schema: self.server.schema.clone(),
            request: self.server.asked(request, kind, &admitted),
            kind,
            id: id.clone(),
            number: self.begun,
            said: self.said.clone(),
        };
        let task = tokio::spawn(async move {
            operation.run().await;
            drop(room);
        });
        // What changes something is never left half done.
        let stop = (kind != Some(Kind::Mutation)).then(|| task.abort_handle());
        self.running.insert(id, Running { number: self.begun, stop });
        Ok(None)
    }

    /// What an operation said, unless its caller wanted no more of it.
    fn pass_on(&mut self, said: Said) -> Option<Value> {
        let Said { id, number, what } = said;
        self.running.get(&id).filter(|running| running.number == number)?;
        Some(match what {
            Saying::Next(payload) => json!({"type": "next", "id": id, "payload": payload}),
            Saying::Error(errors) => {
                self.running.remove(&id);
                json!({"type": "error", "id": id, "payload": errors})
            }
            Saying::Complete => {
                self.running.remove(&id);
                json!({"type": "complete", "id": id})
            }
        })
    }

    /// Whether the key still holds and may do what it might when the connection began: what listens
    /// was let in by it.
    async fn ask_again(&self) -> Step {
        let Some(who) = &self.who else { return Ok(None) };
        match self.caller(who.authorization.as_deref()).await {
            Ok(caller) if caller.as_ref().map(|caller| &caller.scopes) == who.scopes.as_ref() => Ok(None),
            Ok(_) => Err(Closing::forbidden("what the key may do has changed")),
            Err(refusal) if barred(&refusal) => Err(Closing::forbidden(refusal)),
            // Nobody can say at the moment: asked again soon.
            Err(_) => Ok(None),
        }
    }
}

/// That an operation was refused before it began.
fn error_of(id: &str, why: impl Into<GraphqlError>) -> Value {
    let error = async_graphql::Error::from(why.into());
    json!({"type": "error", "id": id, "payload": [{"message": error.message, "extensions": error.extensions}]})
}

/// Whether it was refused because of who asks.
fn barred(refusal: &Refusal) -> bool {
    matches!(refusal.public().0, ErrorClass::Unauthenticated | ErrorClass::Forbidden)
}

/// Whether the message was taken.
async fn send(sink: &mut SplitSink<WebSocket, Message>, message: Message) -> bool {
    matches!(timeout(LIMITS.sockets.send_within, sink.send(message)).await, Ok(Ok(())))
}
