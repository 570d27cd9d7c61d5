//! Webhook endpoints and their deliveries, through the same use cases as in REST. Rotating a secret is
//! only here.

use async_graphql::{Context, Enum, ID, InputObject, Json, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::ids::{DeliveryId, WebhookEndpointId};
use mintmark_domain::usecases::{NewWebhook, ROTATION_OVERLAP_HOURS, Refusal, WebhookChange, WebhookView};
use mintmark_domain::webhook::{DisabledCause, EndpointStatus, Topic};
use mintmark_projections::webhooks::{Delivery, DeliveryStatus, EndpointHealth, Replay};

use crate::cost;
use crate::error::{GraphqlError, Result};
use crate::guard::Needs;
use crate::paging::{self, WebhookDeliveryConnection};
use crate::state::ContextExt as _;

/// What an endpoint can be told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "mintmark_domain::webhook::Topic")]
pub(crate) enum WebhookTopic {
    /// `run.completed`: a run delivered.
    RunCompleted,
    /// `run.failed`: a run delivered nothing.
    RunFailed,
    /// `run.cancelled`; who does not ask for it is told of it as `run.failed`.
    RunCancelled,
    /// `batch.completed`: every item delivered.
    BatchCompleted,
    /// `batch.partial`: some items delivered.
    BatchPartial,
    /// `batch.failed`: no item delivered.
    BatchFailed,
    /// `credits.low`: what can be spent fell below the threshold; once a UTC day at most.
    CreditsLow,
    /// `webhook.failing`: another endpoint has failed for days.
    WebhookFailing,
}

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum WebhookStatus {
    /// It is told.
    Active,
    /// Its owner wants it told nothing.
    Disabled,
    /// It failed for days after its owner was warned, and is told nothing.
    DisabledForFailing,
}

/// An address that is told about events.
pub(crate) struct WebhookEndpoint {
    view: WebhookView,
    health: Option<EndpointHealth>,
}

/// An address that is told about events.
#[Object]
impl WebhookEndpoint {
    /// `wh_` and 32 hex digits.
    async fn id(&self) -> ID {
        ID(self.view.id.to_string())
    }

    /// Where deliveries go.
    async fn url(&self) -> &str {
        &self.view.settings.url
    }

    /// What its owner calls it.
    async fn description(&self) -> Option<&str> {
        self.view.settings.description.as_deref()
    }

    /// Whether it is told.
    async fn status(&self) -> WebhookStatus {
        match self.view.endpoint.status() {
            EndpointStatus::Active => WebhookStatus::Active,
            EndpointStatus::Disabled(DisabledCause::Failing) => WebhookStatus::DisabledForFailing,
            EndpointStatus::Disabled(DisabledCause::Owner) | EndpointStatus::None | EndpointStatus::Deleted => {
                WebhookStatus::Disabled
            }
        }
    }

    /// What it is told about.
    async fn events(&self) -> Vec<WebhookTopic> {
        let topics = self.view.endpoint.current().map(|current| current.topics.clone()).unwrap_or_default();
        topics.into_iter().map(Into::into).collect()
    }

    /// The ends of its signing secret.
    async fn secret_preview(&self) -> &str {
        &self.view.secret_preview
    }

    /// Until when the secret before the last rotation signs, too.
    async fn previous_secret_until(&self) -> Option<DateTime<Utc>> {
        self.view.endpoint.previous().map(|previous| previous.until)
    }

    /// When it was made.
    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.view.endpoint.current().map(|current| current.at)
    }

    /// When anything of it last changed.
    async fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.view.endpoint.changed_at()
    }

    /// When it was last told something.
    async fn last_delivery_at(&self) -> Option<DateTime<Utc>> {
        self.health.map(|health| health.last_delivery_at)
    }

    /// Since when every attempt failed.
    async fn failing_since(&self) -> Option<DateTime<Utc>> {
        self.health.and_then(|health| health.failing_since)
    }

    /// When its owner was warned that it fails.
    async fn warned_at(&self) -> Option<DateTime<Utc>> {
        self.view.endpoint.warned_at()
    }

    /// What it was told and is to be told, newest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
    ) -> async_graphql::Result<WebhookDeliveryConnection> {
        let _turn = ctx.turn().await;
        Ok(paging::webhook_deliveries(ctx, Some(self.view.id), first, after).await?)
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum WebhookDeliveryStatus {
    /// It is to be attempted, for the first time or again.
    Pending,
    /// It was answered with success.
    Success,
    /// Every attempt failed, its endpoint was disabled or deleted, or what it shows cannot be had.
    Failed,
}

/// The telling of an event to an endpoint.
#[derive(SimpleObject)]
pub(crate) struct WebhookDelivery {
    /// `delivery_` and 32 hex digits.
    id: ID,
    /// The event's id, the same at every endpoint, attempt and replay.
    event_id: ID,
    /// The endpoint's id.
    endpoint_id: ID,
    /// What it tells.
    event_type: WebhookTopic,
    /// The run that it is about.
    run_id: Option<ID>,
    /// The batch that it is about.
    batch_id: Option<ID>,
    /// Where it stands.
    status: WebhookDeliveryStatus,
    /// How many attempts were made, of six at most.
    attempt_count: u32,
    /// The status that the last attempt was answered with.
    response_status: Option<u16>,
    /// The beginning of that answer's body.
    response_body: Option<String>,
    /// Why the last attempt did not succeed.
    last_error: Option<String>,
    /// The headers of the last attempt.
    request_headers: Json<serde_json::Value>,
    /// When it was to be told first.
    created_at: DateTime<Utc>,
    /// When the last attempt was made.
    last_attempt_at: Option<DateTime<Utc>>,
    /// When the next attempt is due.
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was answered with success.
    delivered_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        WebhookDelivery {
            id: ID(delivery.id.to_string()),
            event_id: ID(delivery.event.to_string()),
            endpoint_id: ID(delivery.endpoint.to_string()),
            event_type: delivery.topic.into(),
            run_id: delivery.run.map(|run| ID(run.to_string())),
            batch_id: delivery.batch.map(|batch| ID(batch.to_string())),
            status: match delivery.status {
                DeliveryStatus::Pending => WebhookDeliveryStatus::Pending,
                DeliveryStatus::Success => WebhookDeliveryStatus::Success,
                DeliveryStatus::Failed => WebhookDeliveryStatus::Failed,
            },
            attempt_count: delivery.attempts,
            response_status: delivery.response_status,
            response_body: delivery.response_body,
            last_error: delivery.last_error,
            request_headers: Json(delivery.request_headers.into()),
            created_at: delivery.created_at,
            last_attempt_at: delivery.last_attempt_at,
            next_attempt_at: delivery.next_attempt_at,
            delivered_at: delivery.delivered_at,
        }
    }
}

/// An endpoint that is wanted.
#[derive(InputObject)]
pub(crate) struct CreateWebhookInput {
    /// A public https address.
    url: String,
    /// A label for people.
    description: Option<String>,
    /// What to tell; runs that completed or failed, and other endpoints that fail, if left out.
    events: Option<Vec<WebhookTopic>>,
}

/// What is to be changed; what is left out stays.
#[derive(InputObject)]
pub(crate) struct UpdateWebhookInput {
    /// A public https address.
    url: Option<String>,
    /// A label for people; null clears it.
    description: MaybeUndefined<String>,
    /// Whether it is told.
    active: Option<bool>,
    /// What to tell from now on.
    events: Option<Vec<WebhookTopic>>,
}

/// An endpoint with a secret that was just made.
#[derive(SimpleObject)]
pub(crate) struct WebhookSecretPayload {
    /// The endpoint.
    endpoint: WebhookEndpoint,
    /// The secret. It is not shown again.
    secret: String,
}

async fn with_health(ctx: &Context<'_>, views: Vec<WebhookView>) -> Result<Vec<WebhookEndpoint>> {
    let ids: Vec<WebhookEndpointId> = views.iter().map(|view| view.id).collect();
    let health = ctx.reads().webhook_health(&ids).await?;
    Ok(views.into_iter().map(|view| WebhookEndpoint { health: health.get(&view.id).copied(), view }).collect())
}

async fn one(ctx: &Context<'_>, view: WebhookView) -> Result<WebhookEndpoint> {
    let found = with_health(ctx, vec![view]).await?.pop();
    found.ok_or_else(|| GraphqlError::from(Refusal::NotFound("webhook endpoint")))
}

fn endpoint_id(id: &ID) -> Result<WebhookEndpointId> {
    id.parse().map_err(|_| GraphqlError::from(Refusal::NotFound("webhook endpoint")))
}

fn topics(events: Option<Vec<WebhookTopic>>) -> Option<Vec<Topic>> {
    events.map(|events| events.into_iter().map(Into::into).collect())
}

/// What can be asked about webhooks.
#[derive(Default)]
pub(crate) struct WebhookQuery;

/// What can be asked about webhooks.
#[Object]
impl WebhookQuery {
    /// The caller's webhook endpoints, the newest first; at most 20.
    #[graphql(guard = "Needs(Scope::WebhooksRead)", complexity = "cost::rows(20, child_complexity)")]
    async fn webhook_endpoints(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<WebhookEndpoint>> {
        let _turn = ctx.turn().await;
        let (views, _) = ctx.core().webhooks_of(ctx.caller()?.account).await.map_err(GraphqlError::from)?;
        Ok(with_health(ctx, views).await?)
    }

    /// One webhook endpoint of the caller's.
    #[graphql(guard = "Needs(Scope::WebhooksRead)", complexity = "cost::one(child_complexity)")]
    async fn webhook_endpoint(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<WebhookEndpoint>> {
        let _turn = ctx.turn().await;
        let Ok(id) = endpoint_id(&id) else { return Ok(None) };
        match ctx.core().webhook_of(ctx.caller()?.account, id).await {
            Ok(view) => Ok(Some(one(ctx, view).await?)),
            Err(Refusal::NotFound(_)) => Ok(None),
            Err(refusal) => Err(GraphqlError::from(refusal).into()),
        }
    }

    /// What the caller's endpoints were told and are to be told, newest first.
    #[graphql(guard = "Needs(Scope::WebhooksRead)", complexity = "paging::cost(first, child_complexity)")]
    async fn webhook_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
    ) -> async_graphql::Result<WebhookDeliveryConnection> {
        let _turn = ctx.turn().await;
        Ok(paging::webhook_deliveries(ctx, None, first, after).await?)
    }
}

/// What can be changed about webhooks.
#[derive(Default)]
pub(crate) struct WebhookMutation;

/// What can be changed about webhooks.
#[Object]
impl WebhookMutation {
    /// Makes a webhook endpoint. The secret is shown only here.
    #[graphql(guard = "Needs(Scope::WebhooksWrite)")]
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        input: CreateWebhookInput,
    ) -> async_graphql::Result<WebhookSecretPayload> {
        let wanted = NewWebhook { url: input.url, description: input.description, topics: topics(input.events) };
        let (view, secret, _) = ctx.core().create_webhook(ctx.caller()?, wanted).await.map_err(GraphqlError::from)?;
        let endpoint = one(ctx, view).await?;
        Ok(WebhookSecretPayload { endpoint, secret: secret.reveal().to_owned() })
    }

    /// Changes a webhook endpoint.
    #[graphql(guard = "Needs(Scope::WebhooksWrite)")]
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: UpdateWebhookInput,
    ) -> async_graphql::Result<WebhookEndpoint> {
        let description = match input.description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => Some(Some(text)),
        };
        let change = WebhookChange { url: input.url, description, active: input.active, topics: topics(input.events) };
        let changed = ctx.core().change_webhook(ctx.caller()?, endpoint_id(&id)?, change).await;
        let (view, _) = changed.map_err(GraphqlError::from)?;
        Ok(one(ctx, view).await?)
    }

    /// Deletes a webhook endpoint: it is told nothing more.
    #[graphql(guard = "Needs(Scope::WebhooksWrite)")]
    async fn delete_webhook(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<bool> {
        ctx.core().delete_webhook(ctx.caller()?, endpoint_id(&id)?).await.map_err(GraphqlError::from)?;
        Ok(true)
    }

    /// Gives an endpoint another secret, shown only here. For a while deliveries carry the signatures of
    /// both: `X-GenFire-Signature` is that of the secret before, `X-GenFire-Signature-New` that of the new one.
    /// While that lasts another rotation is refused, unless it has no overlap: that ends both at once.
    #[graphql(guard = "Needs(Scope::WebhooksWrite)")]
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "For how many hours the secret before signs, too: 0 to 168, 24 if left out.")]
        overlap_hours: Option<u32>,
    ) -> async_graphql::Result<WebhookSecretPayload> {
        let hours = overlap_hours.unwrap_or(ROTATION_OVERLAP_HOURS);
        let rotated = ctx.core().rotate_webhook_secret(ctx.caller()?, endpoint_id(&id)?, hours).await;
        let (view, secret, _) = rotated.map_err(GraphqlError::from)?;
        Ok(WebhookSecretPayload { endpoint: one(ctx, view).await?, secret: secret.reveal().to_owned() })
    }

    /// Tells an event again, with the same id and bytes, as a delivery of its own.
    #[graphql(guard = "Needs(Scope::WebhooksWrite)")]
    async fn replay_webhook_delivery(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<WebhookDelivery> {
        let not_found = || GraphqlError::from(Refusal::NotFound("webhook delivery"));
        let delivery: DeliveryId = id.parse().map_err(|_| not_found())?;
        let (core, account) = (ctx.core(), ctx.caller()?.account);
        let as_new = DeliveryId(core.new_id(account.shard()));
        let replay = ctx.reads().replay_webhook_delivery(account, delivery, as_new, core.now()).await;
        match replay.map_err(GraphqlError::from)? {
            Replay::Queued(queued) => Ok((*queued).into()),
            Replay::NotFound => Err(not_found().into()),
            Replay::EndpointOff => {
                Err(GraphqlError::argument("id", "the webhook endpoint is disabled or deleted").into())
            }
        }
    }
}
