//! Whether the server lives, whether it is ready, and its metrics.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::{AppState, PartHealth};

/// How long the parts have to say how they are.
const CHECK_WITHIN: Duration = Duration::from_secs(2);
const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// The process answers. Says nothing of what it stands on: to be used for restarting it.
pub(super) async fn alive() -> impl IntoResponse {
    ([NO_STORE], Json(json!({"status": "ok"})))
}

/// Whether requests can be served: 200, or 503 with each part that is not ready.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let asked = join_all(state.health.iter().map(|source| source.check()));
    let parts = match tokio::time::timeout(CHECK_WITHIN, asked).await {
        Ok(parts) => parts.into_iter().flatten().collect(),
        Err(_) => {
            let detail = format!("no answer within {} s", CHECK_WITHIN.as_secs());
            vec![PartHealth { name: "checks".into(), ready: false, detail }]
        }
    };
    let ready = parts.iter().all(|part: &PartHealth| part.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let parts: Vec<Value> =
        parts.into_iter().map(|part| json!({"name": part.name, "ready": part.ready, "detail": part.detail})).collect();
    let body = json!({"status": if ready { "ready" } else { "not_ready" }, "parts": parts});
    (status, [NO_STORE], Json(body)).into_response()
}

/// Everything counted in this process, in Prometheus' text format.
pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let content_type = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([content_type, NO_STORE], (state.metrics)())
}
