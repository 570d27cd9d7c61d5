//! The schema, its limits, and how it is served: GraphQL over HTTP (GET and POST), the
//! graphql-transport-ws protocol, GraphiQL.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::http::{ALL_WEBSOCKET_PROTOCOLS, GraphiQLSource};
use async_graphql::{BatchRequest, Data, Request, Schema, SchemaBuilder};
use async_graphql_axum::rejection::GraphQLRejection;
use async_graphql_axum::{GraphQLProtocol, GraphQLRequest, GraphQLResponse, GraphQLWebSocket};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, State, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{Caller, Credential, Refusal};
use tokio::sync::Semaphore;

use crate::mutation::MutationRoot;
use crate::query::QueryRoot;
use crate::state::{Asking, GraphqlState};
use crate::subscription::SubscriptionRoot;

/// What bounds a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep fields may be nested.
    pub depth: usize,
    /// How much a request may cost: a field costs 1, a list its length times what it holds.
    pub cost: usize,
    /// How many levels of directives and fragments the parser follows.
    pub recursion: usize,
    /// How large a body may be, in bytes.
    pub body_bytes: usize,
    /// How many WebSocket connections one process serves.
    pub sockets: usize,
    /// How long a new WebSocket may take to say who it is.
    pub init_within: Duration,
}

/// The limits that are on.
pub const LIMITS: Limits = Limits {
    depth: 12,
    cost: 5_000,
    recursion: 32,
    body_bytes: 1 << 20,
    sockets: 2_000,
    init_within: Duration::from_secs(10),
};

type MintmarkSchema = Schema<QueryRoot, MutationRoot, SubscriptionRoot>;

fn builder() -> SchemaBuilder<QueryRoot, MutationRoot, SubscriptionRoot> {
    Schema::build(QueryRoot, MutationRoot, SubscriptionRoot)
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

#[derive(Clone)]
struct Server {
    schema: MintmarkSchema,
    state: GraphqlState,
    sockets: Arc<Semaphore>,
}

/// `/graphql` (GET, POST, WebSocket) and `/graphiql`.
pub fn router(state: GraphqlState) -> Router {
    let server = Server { schema: schema(state.clone()), state, sockets: Arc::new(Semaphore::new(LIMITS.sockets)) };
    Router::new()
        .route("/graphql", get(answer_get).post(answer_post))
        .route("/graphiql", get(graphiql))
        .layer(DefaultBodyLimit::max(LIMITS.body_bytes))
        .with_state(server)
}

async fn graphiql() -> Html<String> {
    Html(GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql").title("Mintmark").finish())
}

/// A request's id: what a proxy gave, if it is plain, else a new one.
fn request_id(server: &Server, headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let plain = |id: &&str| !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic());
    given.filter(plain).map_or_else(
        || format!("req_{}", server.state.core.new_id(mintmark_domain::Shard::ZERO).simple()),
        str::to_owned,
    )
}

async fn asking(server: &Server, authorization: Option<&str>, request_id: String, traceparent: String) -> Asking {
    let Some(text) = authorization else { return Asking(Ok(None)) };
    let bearer = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some(credential) = bearer.and_then(|(_, key)| Credential::api_key(key.trim())) else {
        return Asking(Err(Refusal::Unauthenticated));
    };
    let core = &server.state.core;
    let caller: Result<Caller, Refusal> =
        core.authenticate(&credential, Surface::Graphql, request_id, traceparent).await;
    Asking(caller.map(Some))
}

async fn execute(server: &Server, headers: &HeaderMap, batch: BatchRequest) -> Response {
    let id = request_id(server, headers);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let traceparent = header("traceparent").unwrap_or_default().to_owned();
    let asking = asking(server, header("authorization"), id.clone(), traceparent).await;
    let response = server.schema.execute_batch(batch.data(asking)).await;
    let mut response = GraphQLResponse::from(response).into_response();
    if let Ok(value) = id.parse() {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn refused(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({
        "errors": [{ "message": message, "extensions": { "code": "BAD_REQUEST" } }],
    });
    (status, axum::Json(body)).into_response()
}

async fn answer_post(State(server): State<Server>, request: axum::extract::Request) -> Response {
    let headers = request.headers().clone();
    match GraphQLRequest::<GraphQLRejection>::from_request(request, &()).await {
        Ok(request) => execute(&server, &headers, BatchRequest::Single(request.into_inner())).await,
        Err(rejection) => {
            let status = rejection.into_response().status();
            refused(status, "the body must be one GraphQL request as JSON, of at most 1 MiB")
        }
    }
}

/// A query by GET, a WebSocket, or GraphiQL for a browser that just opened the address. Mutations by
/// GET are refused, as GraphQL over HTTP asks.
async fn answer_get(State(server): State<Server>, request: axum::extract::Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let headers = parts.headers.clone();
    if headers.contains_key(header::UPGRADE) {
        use axum::extract::FromRequestParts as _;
        let protocol = GraphQLProtocol::from_request_parts(&mut parts, &()).await;
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
        return match (protocol, upgrade) {
            (Ok(protocol), Ok(upgrade)) => serve_socket(server, headers, protocol, upgrade),
            _ => refused(StatusCode::BAD_REQUEST, "the WebSocket protocol must be graphql-transport-ws"),
        };
    }
    let query = parts.uri.query().unwrap_or_default();
    let accepts_html = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if query.is_empty() && accepts_html {
        return graphiql().await.into_response();
    }
    let request: Request = match async_graphql::http::parse_query_string(query) {
        Ok(request) => request,
        Err(_) => return refused(StatusCode::BAD_REQUEST, "give a GraphQL query in the parameter `query`"),
    };
    if is_mutation(&request) {
        let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, "mutations are sent by POST");
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(Method::POST.as_str()));
        return response;
    }
    execute(&server, &headers, BatchRequest::Single(request)).await
}

fn is_mutation(request: &Request) -> bool {
    use async_graphql::parser::types::OperationType;
    let Ok(document) = async_graphql::parser::parse_query(&request.query) else { return false };
    document.operations.iter().any(|(name, operation)| {
        let named = match (&request.operation_name, name) {
            (Some(wanted), Some(name)) => wanted == name.as_str(),
            (Some(_), None) => false,
            (None, _) => true,
        };
        named && operation.node.ty != OperationType::Query
    })
}

fn serve_socket(server: Server, headers: HeaderMap, protocol: GraphQLProtocol, upgrade: WebSocketUpgrade) -> Response {
    let Ok(place) = Arc::clone(&server.sockets).try_acquire_owned() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "too many WebSocket connections");
    };
    let id = request_id(&server, &headers);
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    upgrade.max_message_size(LIMITS.body_bytes).protocols(ALL_WEBSOCKET_PROTOCOLS).on_upgrade(async move |socket| {
        let schema = server.schema.clone();
        GraphQLWebSocket::new(socket, schema, protocol)
            .keepalive_timeout(Duration::from_secs(60))
            .on_connection_init(async move |init: serde_json::Value| {
                let said = init.get("Authorization").or_else(|| init.get("authorization"));
                let said = said.and_then(|value| value.as_str()).map(str::to_owned).or(authorization);
                let asking = asking(&server, said.as_deref(), id, String::new()).await;
                if let Asking(Err(refusal)) = &asking {
                    return Err(async_graphql::Error::new(refusal.to_string()));
                }
                let mut data = Data::default();
                data.insert(asking);
                Ok(data)
            })
            .serve()
            .await;
        drop(place);
    })
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
        let deep = "{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType \
                    { ofType { name } } } } } } } } } } } } }";
        assert_eq!(errors_of(deep).await, ["Query is nested too deep."]);
    }

    #[tokio::test]
    async fn a_query_that_costs_too_much_is_refused() {
        let feed = "publicFeed(first: 100) { edges { cursor node { number username model prompt } } }";
        let dear = (0..10).map(|i| format!("f{i}: {feed}")).collect::<Vec<_>>().join(" ");
        assert_eq!(errors_of(&format!("{{ {dear} }}")).await, ["Query is too complex."]);
    }

    #[test]
    fn only_the_operation_that_is_named_counts() {
        let both = "query a { __typename } mutation b { deleteCreation(number: 1) }";
        let named = |name: &str| is_mutation(&Request::new(both).operation_name(name));
        assert!(!named("a"));
        assert!(named("b"));
        assert!(is_mutation(&Request::new(both)), "without a name nobody can say which is meant");
        assert!(!is_mutation(&Request::new("{ __typename }")));
    }
}
