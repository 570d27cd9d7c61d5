//! What the tests of this crate share: the whole surface over a real core, on a database and a socket
//! of its own. `TestApp::start().await` is all that most tests need.

#![allow(dead_code, reason = "each test binary uses a part of it")]

mod assets;
pub mod contract;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Method, Request};
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_api_rest::{AppState, RestSettings};
use mintmark_domain::account::{Scope, Scopes, Tier};
use mintmark_domain::catalog::{Ask, Catalog, Dialect, Sources};
use mintmark_domain::creation::Privacy;
use mintmark_domain::es::{End, EventLog};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::Clock;
use mintmark_domain::run::Inputs;
use mintmark_domain::usecases::{BonusAmounts, Caller, Core, Registration, RunRequest};
use mintmark_domain::{Credits, Shard, Timestamp};
use mintmark_infra::assets::S3Settings;
use mintmark_infra::egress::Resolve;
use mintmark_infra::uploads::{SignedUploads, UploadsSettings};
use mintmark_infra::youtube::YoutubeSource;
use mintmark_projections::ReadModels;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

/// What a test wants otherwise than usual.
#[derive(Clone)]
pub struct Options {
    /// The first account's tier; `unlimited` usually, so that limits bind nobody.
    pub tier: Tier,
    /// The first account's credits.
    pub credits: u32,
    /// Settings of the surface.
    pub settings: RestSettings,
    /// Free credits by tier; none usually.
    pub bonuses: BTreeMap<&'static str, BonusAmounts>,
    /// The clock of the core; the system's usually.
    pub core_clock: Option<Arc<dyn Clock>>,
    /// Below how many credits `credits.low` is told.
    pub credits_low: u32,
    /// Whether the sandbox delivers ready samples instead of drawing.
    pub instant: bool,
    /// Where files are stored, if not in a directory of its own.
    pub storage: Option<(String, S3Settings)>,
    /// Limits of uploads.
    pub uploads: UploadsSettings,
    /// The clock of uploads; the system's usually.
    pub clock: Option<Arc<dyn Clock>>,
    /// Hosts that may be reached although they are not public; none usually.
    pub egress_allow: Vec<String>,
    /// Who resolves names; the system usually.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// The catalog; the built-in one usually.
    pub catalog: Sources,
    /// Where the sound of videos on YouTube comes from; a sample usually.
    pub youtube: YoutubeSource,
    /// More routes behind the same pipeline.
    pub more: Option<fn(Beside) -> Router<AppState>>,
}

/// What more routes may stand on.
pub struct Beside {
    /// What the handlers are given.
    pub state: AppState,
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// The confirmed end of each shard.
    pub ends: BTreeMap<Shard, watch::Receiver<End>>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            tier: Tier::Unlimited,
            credits: 100_000,
            settings: RestSettings::default(),
            bonuses: BTreeMap::new(),
            core_clock: None,
            credits_low: 0,
            instant: false,
            storage: None,
            uploads: UploadsSettings::default(),
            clock: None,
            egress_allow: Vec::new(),
            resolver: None,
            catalog: Sources::embedded(),
            youtube: YoutubeSource::Sample,
            more: None,
        }
    }
}

impl Options {
    /// With a tier whose limits bind, and those limits.
    pub fn limited(tier: Tier, rate_limits: RateLimits) -> Self {
        let settings = RestSettings { rate_limits, ..RestSettings::default() };
        Options { tier, settings, ..Options::default() }
    }
}

/// An account of a test.
#[derive(Clone)]
pub struct TestAccount {
    /// Its id.
    pub id: AccountId,
    /// Its public integer id.
    pub user_id: u64,
    /// Its first key's id.
    pub key_id: u64,
    /// Its key.
    pub key: String,
}

/// The whole surface, served on a socket.
pub struct TestApp {
    /// Where it is served: `http://127.0.0.1:<port>`.
    pub base_url: String,
    /// The first account.
    pub account: TestAccount,
    /// The use cases, with somebody who runs what is accepted.
    pub core: Core,
    /// The read models.
    pub reads: ReadModels,
    /// What the handlers are given.
    pub state: AppState,
    /// The surface without a socket.
    pub router: Router,
    /// A client that follows nothing.
    pub client: reqwest::Client,
    world: world::World,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestApp {
    /// The surface with an account that has credits and no limits.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// The same with some things otherwise.
    pub async fn with(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("its address"));
        let world = world::World::start(&base_url, &options).await;
        let state = world.state(options.settings.clone());
        let more = options.more.map(|more| more(world.beside(&state))).unwrap_or_default();
        let router = mintmark_api_rest::router_with(state.clone(), more);
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.expect("serving") });
        let core = state.core.clone();
        let account = register(&core, options.tier, options.credits).await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let reads = state.reads.clone();
        TestApp { base_url, account, core, reads, state, router, client, world, server }
    }

    /// One more account.
    pub async fn register(&self, tier: Tier, credits: u32) -> TestAccount {
        register(&self.core, tier, credits).await
    }

    /// A key of the first account that may do only that.
    pub async fn key_with(&self, scopes: Scopes) -> String {
        let issued = self.core.issue_key_by_operator(self.account.id, "narrow", scopes).await;
        issued.expect("a key").0.secret
    }

    /// A request with the first account's key.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.request_as(&self.account.key, method, path)
    }

    /// A request with some key.
    pub fn request_as(&self, key: &str, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).bearer_auth(key)
    }

    /// A request without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base_url))
    }

    /// GET with the first account's key.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// POST of JSON with the first account's key.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    /// POST of JSON under an idempotency key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// The same books behind another catalog, as the next release or another operator's file has it.
    pub async fn with_catalog(&self, sources: &Sources) -> Elsewhere {
        let catalog = Catalog::load(sources).unwrap_or_else(|problems| panic!("{problems:?}"));
        let core = Core { catalog: catalog.into(), ..self.core.clone() };
        let router = mintmark_api_rest::router(AppState { core, ..self.state.clone() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("its address"));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.expect("serving") });
        Elsewhere { base_url, key: self.account.key.clone(), client: self.client.clone(), server }
    }

    /// A request in process, without a socket.
    pub async fn oneshot(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("it never fails")
    }

    /// Every event of the log, type and payload.
    pub async fn events_as_text(&self) -> String {
        self.world.events_as_text().await
    }

    /// Takes a stored file away.
    pub async fn delete_file(&self, key: &str) {
        self.world.delete_file(key).await;
    }

    /// Ends every training that is under way, whenever it began.
    pub async fn end_trainings(&self) -> usize {
        self.caught_up().await;
        let ended = mintmark_infra::training::end_due(&self.core, &self.reads, std::time::Duration::ZERO).await;
        ended.expect("the read models")
    }

    /// Waits until every read model has applied all that is in the log now.
    pub async fn caught_up(&self) {
        self.world.caught_up(&self.reads).await;
    }

    /// The first account as a caller with its first key.
    pub fn caller(&self) -> Caller {
        Caller {
            account: self.account.id,
            user_id: self.account.user_id,
            acts_with: mintmark_domain::account::ActsWith::Key(self.account.key_id),
            scopes: Scopes::Full,
            tier: Tier::Unlimited,
            surface: mintmark_domain::run::Surface::Graphql,
            request_id: "req_test".into(),
            traceparent: String::new(),
        }
    }

    /// Tells webhook endpoints what is due now, and how many deliveries that were.
    pub async fn tell(&self) -> usize {
        self.caught_up().await;
        self.world.sender(&self.state).round().await
    }

    /// What telling webhook endpoints needs, for a sender of the test's own.
    pub fn sending(&self) -> mintmark_infra::webhooks::SenderDeps {
        self.world.sending(&self.state)
    }

    /// The database, for what only a defect or another release would write.
    pub fn pool(&self) -> &sqlx::PgPool {
        self.world.pool()
    }

    /// The events of a stream.
    pub async fn events_of(&self, stream: mintmark_domain::es::StreamId) -> Vec<mintmark_domain::es::Recorded> {
        self.world.events_of(stream).await
    }

    /// What the first account can spend, by the fold that enforces it.
    pub async fn available(&self) -> Credits {
        self.world.available(&self.core, self.account.id).await
    }

    /// The uploads, and the directory of stored files.
    pub fn uploads(&self) -> (&SignedUploads, &std::path::Path) {
        self.world.uploads()
    }

    /// Now, by the core's clock.
    pub fn now(&self) -> Timestamp {
        self.core.now()
    }
}

/// A second server on the books of a [`TestApp`].
pub struct Elsewhere {
    base_url: String,
    key: String,
    client: reqwest::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Elsewhere {
    /// POST of JSON under an idempotency key, with the first account's API key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base_url)).bearer_auth(&self.key);
        Answer::of(request.header("Idempotency-Key", key).json(body)).await
    }
}

async fn register(core: &Core, tier: Tier, credits: u32) -> TestAccount {
    let name = format!("u{}", hex_of(core));
    let registration = Registration {
        email: format!("{name}@example.com"),
        username: name,
        tier,
        credits: Credits::whole(credits),
        scopes: Scopes::Full,
    };
    let made = core.register(registration).await.expect("an account");
    TestAccount { id: made.account, user_id: made.user_id, key_id: made.key.key_id, key: made.key.secret }
}

fn hex_of(core: &Core) -> String {
    let mut random = [0; 8];
    core.entropy.fill(&mut random);
    hex::encode(random)
}

/// An answer that was read whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body.
    pub bytes: bytes::Bytes,
}

impl Answer {
    /// Sends and reads; and holds what comes against the documents.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("its body");
        contract::check(&method, &path, status, &bytes);
        Answer { status, headers, bytes }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.bytes)))
    }

    /// The body as JSON, where the status is that one.
    #[track_caller]
    pub fn json_of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A request for one picture in GenFire's default model.
pub fn image_request(prompt: &str) -> RunRequest {
    RunRequest {
        team: None,
        dialect: Dialect::Genfire,
        model: "image.nano_banana_2".into(),
        ask: Ask::prompt(u32::try_from(prompt.chars().count()).expect("a short prompt")),
        inputs: Inputs { prompt: prompt.into(), ..Inputs::default() },
        generator: None,
        workflow: None,
        preference: None,
        preference_two: None,
        privacy: Privacy::Private,
        route: "POST /test".into(),
        operation: "test".into(),
        scope: Scope::ImagesWrite,
        idempotency: None,
    }
}
