//! The schema, its limits, and how it is served: GraphQL over HTTP (GET and POST), the
//! graphql-transport-ws protocol, GraphiQL.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{MergedObject, Request, Response as Answered, Schema, SchemaBuilder};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts as _, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

use crate::answer::{Kind, coded, executed, kind_of, refused, wanted};
use crate::batch::{BatchMutation, BatchQuery};
use crate::conversation::ConversationMutation;
use crate::counted::{Counted, Counter};
use crate::document;
use crate::fresh::Ends;
use crate::gate::{Admitted, Gate};
use crate::mutation::MutationRoot;
use crate::page;
use crate::person::{PeopleMutation, PeopleQuery};
use crate::query::QueryRoot;
use crate::socket::{self, Places, SocketLimits};
use crate::state::{Asking, GraphqlState, Turns};
use crate::subscription::SubscriptionRoot;
use crate::team::{TeamMutation, TeamQuery};
use crate::webhook::{WebhookMutation, WebhookQuery};

/// What bounds a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep fields may be nested.
    pub depth: usize,
    /// How much a request may cost: a field costs 1, what asks the database more by itself, a list its length times
    /// what it holds besides. Nor may it hold more fields than that, its fragments unfolded.
    pub cost: usize,
    /// How many fields of a request may ask the database at once.
    pub reads: usize,
    /// How many mutations one request may hold.
    pub mutations: usize,
    /// How many levels of directives and fragments the parser follows.
    pub recursion: usize,
    /// How large a body or a message may be, in bytes.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_within: Duration,
    /// What bounds WebSockets.
    pub sockets: SocketLimits,
}

/// The limits that are on.
pub const LIMITS: Limits = Limits {
    // The query by which GraphiQL and other tools read a schema is as deep as that.
    depth: 15,
    cost: 5_000,
    // All requests share the connections of one process, a few dozen.
    reads: 4,
    mutations: 50,
    recursion: 32,
    body_bytes: 1 << 20,
    body_within: Duration::from_secs(30),
    sockets: SocketLimits {
        all: 2_000,
        per_account: 50,
        per_address: 50,
        operations: 100,
        init_within: Duration::from_secs(10),
        ping_every: Duration::from_secs(20),
        silent_for: Duration::from_secs(60),
        send_within: Duration::from_secs(20),
        ask_again_every: Duration::from_secs(5),
    },
};

/// What can be asked, over all concepts.
#[derive(MergedObject)]
#[graphql(name = "Query")]
pub(crate) struct Queries(QueryRoot, BatchQuery, WebhookQuery, PeopleQuery, TeamQuery);

/// What can be changed, over all concepts.
#[derive(MergedObject)]
#[graphql(name = "Mutation")]
pub(crate) struct Mutations(
    MutationRoot,
    BatchMutation,
    WebhookMutation,
    PeopleMutation,
    ConversationMutation,
    TeamMutation,
);

pub(crate) type MintmarkSchema = Schema<Queries, Counted<Mutations>, SubscriptionRoot>;

/// The schema without a state.
pub(crate) fn builder() -> SchemaBuilder<Queries, Counted<Mutations>, SubscriptionRoot> {
    let queries = Queries(QueryRoot, BatchQuery, WebhookQuery, PeopleQuery, TeamQuery);
    let mutations =
        Mutations(MutationRoot, BatchMutation, WebhookMutation, PeopleMutation, ConversationMutation, TeamMutation);
    Schema::build(queries, Counted(mutations), SubscriptionRoot)
        .limit_depth(LIMITS.depth)
        .limit_complexity(LIMITS.cost)
        .limit_recursive_depth(LIMITS.recursion)
}

/// The schema over a state.
#[must_use]
pub(crate) fn schema(state: GraphqlState) -> MintmarkSchema {
    builder().data(state).finish()
}

/// The schema as text, as it is committed and diffed.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl()
}

/// What every handler is given.
#[derive(Clone)]
pub(crate) struct Server {
    pub schema: MintmarkSchema,
    pub gate: Arc<dyn Gate>,
    pub places: Places,
}

/// `/graphql` (GET, POST, WebSocket) and `/graphiql`. What comes in has been let in, counted and named
/// before ([`Admitted`]); `gate` is for what a WebSocket carries, and for the mutations after the first.
pub fn router(state: GraphqlState, gate: Arc<dyn Gate>) -> Router {
    let server = Server { schema: schema(state), gate, places: Places::new(LIMITS.sockets) };
    Router::new()
        .route("/graphql", get(answer_get).post(answer_post))
        .route("/graphiql", get(page::page))
        .route("/graphiql/{tag}/{file}", get(page::file))
        .layer(DefaultBodyLimit::disable())
        .with_state(server)
}

impl Server {
    /// A request with what its fields are to know of whoever was let in.
    pub fn asked(&self, request: Request, kind: Option<Kind>, admitted: &Admitted) -> Request {
        let counter = Counter::new(Arc::clone(&self.gate), admitted.origin.peer);
        let request = request.data(Asking(Ok(admitted.caller.clone()))).data(Turns::new()).data(counter);
        if kind == Some(Kind::Query) { request.data(Ends::default()) } else { request }
    }
}

async fn execute(server: &Server, mut request: Request, admitted: &Admitted, wanted: &'static str) -> Response {
    let kind = kind_of(&mut request);
    let answered = match document::check(&mut request) {
        Ok(()) => server.schema.execute(server.asked(request, kind, admitted)).await,
        Err(error) => Answered::from_errors(vec![error]),
    };
    executed(&coded(kind.is_some(), answered), wanted)
}

/// A request in a body. It runs to its end even when its caller hangs up: the pipeline that lets it in
/// runs what is sent by POST in a task of its own.
async fn answer_post(
    State(server): State<Server>,
    axum::Extension(admitted): axum::Extension<Admitted>,
    request: axum::extract::Request,
) -> Response {
    let wanted = wanted(request.headers());
    match read_body(request, wanted).await {
        Ok(request) => execute(&server, request, &admitted, wanted).await,
        Err(response) => response,
    }
}

/// The one request that a body holds.
async fn read_body(request: axum::extract::Request, wanted: &'static str) -> Result<Request, Response> {
    let bad = |status, message: &str| refused(status, wanted, "BAD_REQUEST", message);
    if !is_json(request.headers()) {
        return Err(bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json in UTF-8"));
    }
    let reading = axum::body::to_bytes(request.into_body(), LIMITS.body_bytes);
    let bytes = match tokio::time::timeout(LIMITS.body_within, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            let message = format!("the body must have at most {} bytes", LIMITS.body_bytes);
            return Err(bad(StatusCode::PAYLOAD_TOO_LARGE, &message));
        }
        Err(_) => return Err(bad(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    };
    let body: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| bad(StatusCode::BAD_REQUEST, &format!("the body is not JSON: {error}")))?;
    if body.is_array() {
        return Err(bad(StatusCode::BAD_REQUEST, "batches are not taken: send one request at a time"));
    }
    if !body["query"].is_string() {
        return Err(bad(StatusCode::BAD_REQUEST, "query must be a text that holds a GraphQL document"));
    }
    serde_json::from_value(body).map_err(|error| bad(StatusCode::BAD_REQUEST, &error.to_string()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, parameters) = said.split_once(';').unwrap_or((said, ""));
    let charset = parameters.split(';').find_map(|one| one.trim().strip_prefix("charset="));
    media_type.trim().eq_ignore_ascii_case("application/json")
        && charset.is_none_or(|charset| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

/// A query by GET, a WebSocket, or GraphiQL for a browser that just opened the address. Mutations by
/// GET are refused, as GraphQL over HTTP asks.
async fn answer_get(
    State(server): State<Server>,
    axum::Extension(admitted): axum::Extension<Admitted>,
    request: axum::extract::Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let wanted = wanted(&parts.headers);
    if admitted.opens_socket {
        if !socket::speaks_ours(&parts.headers) {
            let message = format!("the WebSocket protocol must be {}", socket::PROTOCOL);
            return refused(StatusCode::BAD_REQUEST, wanted, "BAD_REQUEST", &message);
        }
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let authorization = authorization.map(str::to_owned);
        // It may be one offer of several.
        parts.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => socket::serve(server, admitted.origin, authorization, upgrade),
            Err(rejection) => refused(rejection.status(), wanted, "BAD_REQUEST", &rejection.body_text()),
        };
    }
    let query = parts.uri.query().unwrap_or_default();
    let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if query.is_empty() && accept.is_some_and(|accept| accept.contains("text/html")) {
        return page::page().await;
    }
    let mut request = match async_graphql::http::parse_query_string(query) {
        Ok(request) if !request.query.is_empty() => request,
        _ => return refused(StatusCode::BAD_REQUEST, wanted, "BAD_REQUEST", "give a GraphQL query in `query`"),
    };
    match kind_of(&mut request) {
        Some(Kind::Query) | None => execute(&server, request, &admitted, wanted).await,
        Some(kind) => {
            let message = match kind {
                Kind::Mutation => "mutations are sent by POST",
                Kind::Query | Kind::Subscription => "subscriptions come over a WebSocket",
            };
            let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, wanted, "METHOD_NOT_ALLOWED", message);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(Method::POST.as_str()));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn errors_of(query: &str) -> Vec<String> {
        let response = builder().finish().execute(query).await;
        response.errors.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let committed = include_str!("../schema.graphql");
        let hint = "api-graphql/schema.graphql is out of date: cargo run -p mintmark-api-graphql --example sdl > api-graphql/schema.graphql";
        assert!(committed == sdl(), "{hint}");
    }

    #[tokio::test]
    async fn a_query_that_is_too_deep_is_refused() {
        let nested = |levels: usize| {
            let types = format!("{}name{}", "ofType { ".repeat(levels), " }".repeat(levels));
            format!("{{ __schema {{ types {{ fields {{ args {{ type {{ {types} }} }} }} }} }} }}")
        };
        assert_eq!(errors_of(&nested(9)).await, Vec::<String>::new(), "as deep as tools read a schema");
        assert_eq!(errors_of(&nested(10)).await, ["Query is nested too deep."]);
    }

    #[tokio::test]
    async fn a_query_that_costs_too_much_is_refused() {
        let feed = "publicFeed(first: 100) { edges { cursor node { number username model prompt } } }";
        let dear = (0..10).map(|i| format!("f{i}: {feed}")).collect::<Vec<_>>().join(" ");
        assert_eq!(errors_of(&format!("{{ {dear} }}")).await, ["Query is too complex."]);
    }
}
