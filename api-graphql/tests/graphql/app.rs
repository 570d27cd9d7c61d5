//! The surface as the program wires it: behind the REST surface's pipeline, keys and counters.

use axum::Router;
use mintmark_api_graphql::GraphqlState;
use mintmark_api_rest::http::limits::RateLimits;
use mintmark_api_rest::{AppState, RestSettings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::door;
use crate::support::{Answer, Beside, Options, TestApp};

/// GraphQL's media type.
pub const OWN: &str = "application/graphql-response+json";

fn routes(beside: Beside) -> Router<AppState> {
    let Beside { state, log, ends } = beside;
    let graphql = GraphqlState { core: state.core.clone(), reads: state.reads.clone(), log, ends };
    door::graphql(graphql, &state)
}

/// With an account that has credits and no limits.
pub async fn start() -> TestApp {
    with(Options::default()).await
}

/// With some things otherwise.
pub async fn with(options: Options) -> TestApp {
    TestApp::with(Options { more: Some(routes), instant: true, ..options }).await
}

/// With files of their own instead of one ready asset, and nobody limited.
pub async fn with_files() -> TestApp {
    let rate_limits = RateLimits { unauthenticated_per_minute: u32::MAX, ..RateLimits::default() };
    let settings = RestSettings { rate_limits, ..RestSettings::default() };
    TestApp::with(Options { more: Some(routes), settings, ..Options::default() }).await
}

/// What is answered to a query with the first account's key.
pub async fn ask(app: &TestApp, query: &str, variables: Value) -> Value {
    ask_as(app, &app.account.key, query, variables).await
}

/// What is answered to a query with some key.
pub async fn ask_as(app: &TestApp, key: &str, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables});
    Answer::of(app.request_as(key, Method::POST, "/graphql").json(&body)).await.json_of(200)
}

/// The data of an answer without errors.
#[track_caller]
pub fn data(answer: &Value) -> &Value {
    assert!(answer.get("errors").is_none(), "{answer}");
    &answer["data"]
}

/// The code of an answer's first error.
pub fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}
