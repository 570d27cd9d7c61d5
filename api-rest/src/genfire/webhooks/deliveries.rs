//! `GET /webhooks/deliveries` and the replay of one.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use mintmark_domain::account::Scope;
use mintmark_domain::ids::{AccountId, DeliveryId, WebhookEndpointId};
use mintmark_domain::usecases::Refusal;
use mintmark_projections::webhooks::Replay;
use mintmark_projections::{Place, ProjectionName};

use super::resource::{WebhookDeliveryList, WebhookDeliveryResource};
use crate::http::{Authenticated, Kind, Path, Problem, QueryParams, fresh};
use crate::state::AppState;

/// How many deliveries a page holds unless said otherwise.
const LIMIT_DEFAULT: u32 = 25;
/// The most deliveries of a page.
const LIMIT_MAX: i64 = 100;

/// Where the page begins. Errors: after something that is no delivery of the caller's.
async fn place(state: &AppState, account: AccountId, query: &QueryParams) -> Result<Option<Place>, Problem> {
    let Some(text) = query.text("starting_after")? else { return Ok(None) };
    let wrong = || Problem::invalid("starting_after must be the id of a delivery in this list.");
    let delivery: DeliveryId = text.parse().map_err(|_| wrong())?;
    state.reads.webhook_delivery_place(account, delivery).await?.map(Some).ok_or_else(wrong)
}

/// List webhook deliveries
///
/// What the account's endpoints were told or are to be told, the newest first. Deliveries that came to
/// their end are kept for 30 days (a setting).
#[utoipa::path(
    get, path = "/v1/webhooks/deliveries", operation_id = "webhooks.deliveries.list", tag = "Webhooks",
    params(
        ("endpoint_id" = Option<String>, Query, description = "Only those of this endpoint."),
        ("limit" = Option<u32>, Query, description = "1 to 100; 25 if not given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "The id of the last delivery of the page before."),
        ("min_position" = Option<String>, Query, description = "What a write answered as `X-Log-Position`."),
    ),
    responses((status = 200, body = WebhookDeliveryList)),
)]
pub(in crate::genfire) async fn list_deliveries(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<WebhookDeliveryList>, Problem> {
    caller.require(Scope::WebhooksRead)?;
    let limit = query.whole_in("limit", 1..=LIMIT_MAX)?.and_then(|limit| u32::try_from(limit).ok());
    let endpoint = match query.text("endpoint_id")? {
        None => None,
        Some(text) => {
            let wrong = |_| Problem::invalid("endpoint_id must be the id of a webhook endpoint.");
            Some(text.parse::<WebhookEndpointId>().map_err(wrong)?)
        }
    };
    fresh(&state, &caller, &query, ProjectionName::Webhooks).await?;
    let after = place(&state, caller.account, &query).await?;
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    let page = state.reads.webhook_deliveries(caller.account, endpoint, after, limit).await?;
    let data = page.items.iter().map(|(_, delivery)| delivery.into()).collect();
    Ok(Json(WebhookDeliveryList { object: "list", data, has_more: page.has_more }))
}

/// Replay a webhook delivery
///
/// Tells the same event again, with the same id and the same bytes, as a delivery of its own.
#[utoipa::path(
    post, path = "/v1/webhooks/deliveries/{deliveryId}/replay", operation_id = "webhooks.deliveries.replay",
    tag = "Webhooks",
    params(("deliveryId" = String, Path, description = "The delivery's id.")),
    responses(
        (status = 202, description = "It is to be told.", body = WebhookDeliveryResource),
    ),
)]
pub(in crate::genfire) async fn replay(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::WebhooksWrite)?;
    let not_found = || Problem::from(Refusal::NotFound("webhook delivery"));
    let delivery: DeliveryId = id.parse().map_err(|_| not_found())?;
    let as_new = DeliveryId(state.core.new_id(caller.account.shard()));
    let now = state.core.now();
    match state.reads.replay_webhook_delivery(caller.account, delivery, as_new, now).await? {
        Replay::Queued(queued) => Ok((StatusCode::ACCEPTED, Json(WebhookDeliveryResource::from(&*queued)))),
        Replay::NotFound => Err(not_found()),
        Replay::EndpointOff => {
            let message = "The webhook endpoint is disabled or deleted: enable it before a delivery is replayed.";
            Err(Problem::new(Kind::Conflict, message))
        }
    }
}
