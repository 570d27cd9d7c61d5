//! `POST`, `GET`, `PATCH` and `DELETE /webhooks`.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use mintmark_domain::account::Scope;
use mintmark_domain::ids::WebhookEndpointId;
use mintmark_domain::usecases::{NewWebhook, Refusal, WebhookChange, WebhookView};
use mintmark_domain::webhook::Topic;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::asked::unsupported;
use super::resource::{CreatedWebhookResource, EndpointState, WebhookEndpointList, WebhookEndpointResource};
use crate::http::{Authenticated, JsonBody, LogPosition, Path, Problem};
use crate::state::AppState;

/// A webhook endpoint that is wanted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct WebhookCreateRequest {
    /// A public https address; at most 2,048 characters.
    #[schema(format = "uri", max_length = 2048)]
    pub url: String,
    /// A label for people; at most 500 characters.
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// What to tell: `run.completed`, `run.failed`, `run.cancelled`, `batch.completed`, `batch.partial`,
    /// `batch.failed`, `credits.low`, `webhook.failing`. A cancelled run is told as `run.failed` to whoever
    /// does not ask for `run.cancelled`. Where nothing is said `webhook.failing` is told beside the default.
    #[schema(min_items = 1, default = json!(["run.completed", "run.failed"]))]
    pub events: Option<Vec<String>>,
}

/// What is to be changed; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct WebhookUpdateRequest {
    /// A public https address.
    #[schema(format = "uri", max_length = 2048)]
    pub url: Option<String>,
    /// A label for people; null clears it.
    #[serde(default, with = "serde_with::rust::double_option")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub description: Option<Option<String>>,
    /// Whether it is told.
    pub status: Option<EndpointState>,
    /// What to tell from now on.
    #[schema(min_items = 1)]
    pub events: Option<Vec<String>>,
}

/// Event types by their names. Errors: one that there is not, or none at all.
fn topics(names: Option<Vec<String>>) -> Result<Option<Vec<Topic>>, Problem> {
    let Some(names) = names else { return Ok(None) };
    let allowed = || Topic::ALL.map(Topic::as_str).join(", ");
    if names.is_empty() {
        return Err(unsupported(format!("events must name at least one event type. Allowed: {}.", allowed())));
    }
    let named = names.iter().enumerate().map(|(index, name)| {
        let unknown = |_| unsupported(format!("events[{index}] cannot be {name:?}. Allowed: {}.", allowed()));
        name.parse::<Topic>().map_err(unknown)
    });
    named.collect::<Result<Vec<Topic>, Problem>>().map(Some)
}

/// An endpoint's id as a path names it; what is not one names no endpoint.
pub(super) fn endpoint_id(text: &str) -> Result<WebhookEndpointId, Problem> {
    text.parse().map_err(|_| Problem::from(Refusal::NotFound("webhook endpoint")))
}

async fn shown(state: &AppState, view: &WebhookView) -> Result<WebhookEndpointResource, Problem> {
    let health = state.reads.webhook_health(&[view.id]).await?;
    Ok(WebhookEndpointResource::of(view, health.get(&view.id)))
}

/// Create a webhook endpoint
///
/// From now on it is told what it asks for. Each delivery is signed twice: `X-GenFire-Signature` is
/// `sha256=` and the HMAC of the body, keyed with the whole secret; `webhook-id`, `webhook-timestamp` and
/// `webhook-signature` are those of Standard Webhooks, keyed with the bytes that the secret holds in base64
/// after `gfwsec_`. While a rotation's overlap lasts `X-GenFire-Signature` is that of the secret before, and
/// `X-GenFire-Signature-New` that of the new one. The secret is shown only here. An account has at most 20 endpoints.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "webhooks.create", tag = "Webhooks",
    request_body(content = WebhookCreateRequest, example = json!({
        "url": "https://example.com/webhooks/genfire",
        "description": "Agency production endpoint",
        "events": ["run.completed", "run.failed"],
    })),
    responses((status = 201, body = CreatedWebhookResource)),
)]
pub(in crate::genfire) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    body: JsonBody<WebhookCreateRequest>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::WebhooksWrite)?;
    let WebhookCreateRequest { url, description, events } = body.value;
    let wanted = NewWebhook { url, description, topics: topics(events)? };
    let (view, secret, confirmed) = state.core.create_webhook(&caller, wanted).await?;
    let endpoint = WebhookEndpointResource::of(&view, None);
    let created = CreatedWebhookResource { endpoint, signing_secret: secret.reveal().to_owned() };
    Ok((StatusCode::CREATED, LogPosition::confirmed(view.id.shard(), &confirmed), Json(created)))
}

/// List webhook endpoints
///
/// All of the account's, the newest first.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "webhooks.list", tag = "Webhooks",
    responses((status = 200, body = WebhookEndpointList)),
)]
pub(in crate::genfire) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let (views, read_at) = state.core.webhooks_of(caller.account).await?;
    let ids: Vec<WebhookEndpointId> = views.iter().map(|view| view.id).collect();
    let health = state.reads.webhook_health(&ids).await?;
    let data = views.iter().map(|view| WebhookEndpointResource::of(view, health.get(&view.id))).collect();
    let list = WebhookEndpointList { object: "list", data };
    Ok((LogPosition::read(caller.account.shard(), Some(read_at)), Json(list)))
}

/// Update a webhook endpoint
///
/// What is left out stays as it is. While an endpoint is disabled nothing is told, and deliveries that
/// wait are given up; they can be replayed.
#[utoipa::path(
    patch, path = "/v1/webhooks/{endpointId}", operation_id = "webhooks.update", tag = "Webhooks",
    params(("endpointId" = String, Path, description = "The endpoint's id.")),
    request_body(content = WebhookUpdateRequest, example = json!({"status": "disabled"})),
    responses((status = 200, body = WebhookEndpointResource)),
)]
pub(in crate::genfire) async fn update(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    body: JsonBody<WebhookUpdateRequest>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::WebhooksWrite)?;
    let id = endpoint_id(&id)?;
    let WebhookUpdateRequest { url, description, status, events } = body.value;
    let active = status.map(|status| status == EndpointState::Active);
    let change = WebhookChange { url, description, active, topics: topics(events)? };
    let (view, confirmed) = state.core.change_webhook(&caller, id, change).await?;
    let position = LogPosition::confirmed(id.shard(), &confirmed);
    Ok((position, Json(shown(&state, &view).await?)))
}

/// Delete a webhook endpoint
///
/// It is told nothing more; its id is not used again.
#[utoipa::path(
    delete, path = "/v1/webhooks/{endpointId}", operation_id = "webhooks.delete", tag = "Webhooks",
    params(("endpointId" = String, Path, description = "The endpoint's id.")),
    responses((status = 204, description = "It is gone.")),
)]
pub(in crate::genfire) async fn delete(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::WebhooksWrite)?;
    let id = endpoint_id(&id)?;
    let confirmed = state.core.delete_webhook(&caller, id).await?;
    Ok((StatusCode::NO_CONTENT, LogPosition::confirmed(id.shard(), &confirmed), ()))
}
