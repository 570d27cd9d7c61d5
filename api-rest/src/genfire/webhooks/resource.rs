//! The endpoint and delivery resources, in the document's order of fields.

use mintmark_domain::ports::DELIVERY_ATTEMPTS_MAX;
use mintmark_domain::usecases::WebhookView;
use mintmark_domain::webhook::{DisabledCause, EndpointStatus};
use mintmark_projections::webhooks::{Delivery, DeliveryStatus, EndpointHealth};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::values::Moment;

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// It is told.
    Active,
    /// It is told nothing.
    Disabled,
}

/// An address that is told about events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookEndpointResource {
    /// `wh_` and 32 hex digits.
    #[schema(examples("wh_019aab3c5f7080009e1f7d2c4b6a8190"))]
    pub id: String,
    /// Always `webhook_endpoint`.
    #[schema(examples("webhook_endpoint"))]
    pub object: &'static str,
    /// Where deliveries go.
    pub url: String,
    /// What its owner calls it.
    pub description: Option<String>,
    /// Whether it is told.
    pub status: EndpointState,
    /// What it is told about.
    #[schema(examples(json!(["run.completed", "run.failed"])))]
    pub events: Vec<&'static str>,
    /// The ends of its signing secret.
    #[schema(examples("gfwsec_1234...abcd"))]
    pub signing_secret_preview: String,
    /// When it was made.
    pub created_at: Moment,
    /// When anything of it last changed.
    pub updated_at: Moment,
    /// When it was last told something.
    pub last_delivery_at: Option<Moment>,
    /// Since when every delivery failed; absent where the last one did not. After four days its owner is
    /// warned (`webhook.failing`), and a day later it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Moment>,
    /// When its owner was warned; absent where nobody was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warned_at: Option<Moment>,
    /// `owner` or `failing`, of one that is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<&'static str>,
}

/// An endpoint that was just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedWebhookResource {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: WebhookEndpointResource,
    /// The secret that deliveries are signed with. Shown only here.
    pub signing_secret: String,
}

/// The account's endpoints, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookEndpointList {
    /// Always `list`.
    #[schema(examples("list"))]
    pub object: &'static str,
    /// The endpoints.
    pub data: Vec<WebhookEndpointResource>,
}

impl WebhookEndpointResource {
    /// The resource of an endpoint.
    pub fn of(view: &WebhookView, health: Option<&EndpointHealth>) -> Self {
        let current = view.endpoint.current();
        let made = current.map(|current| current.at).unwrap_or_default();
        let (status, disabled_reason) = match view.endpoint.status() {
            EndpointStatus::Active => (EndpointState::Active, None),
            EndpointStatus::Disabled(DisabledCause::Owner) => (EndpointState::Disabled, Some("owner")),
            EndpointStatus::Disabled(DisabledCause::Failing) => (EndpointState::Disabled, Some("failing")),
            EndpointStatus::None | EndpointStatus::Deleted => (EndpointState::Disabled, None),
        };
        WebhookEndpointResource {
            id: view.id.to_string(),
            object: "webhook_endpoint",
            url: view.settings.url.clone(),
            description: view.settings.description.clone(),
            status,
            events: current
                .map(|current| current.topics.iter().map(|topic| topic.as_str()).collect())
                .unwrap_or_default(),
            signing_secret_preview: view.secret_preview.clone(),
            created_at: Moment(made),
            updated_at: Moment(view.endpoint.changed_at().unwrap_or(made)),
            last_delivery_at: health.map(|health| Moment(health.last_delivery_at)),
            failing_since: health.and_then(|health| health.failing_since).map(Moment),
            warned_at: view.endpoint.warned_at().map(Moment),
            disabled_reason,
        }
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be attempted, for the first time or again.
    Pending,
    /// It was answered with success (2xx).
    Success,
    /// Every attempt failed, its endpoint was disabled or deleted, or what it shows cannot be had.
    Failed,
}

/// The telling of an event to an endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookDeliveryResource {
    /// `delivery_` and 32 hex digits.
    #[schema(examples("delivery_019aab3c5f7080009e1f7d2c4b6a8190"))]
    pub id: String,
    /// Always `webhook_delivery`.
    #[schema(examples("webhook_delivery"))]
    pub object: &'static str,
    /// The endpoint.
    pub endpoint_id: String,
    /// What it tells.
    #[schema(examples("run.completed"))]
    pub event_type: &'static str,
    /// The run that it is about.
    pub run_id: Option<String>,
    /// The batch that it is about.
    pub batch_id: Option<String>,
    /// Where it stands.
    pub status: DeliveryState,
    /// How many attempts were made.
    pub attempt_count: u32,
    /// How many are made at most: at once, and after 5 s, 5 min, 30 min, 2 h and 5 h.
    pub max_attempts: u32,
    /// The status that the last attempt was answered with.
    pub response_status: Option<u16>,
    /// The beginning of that answer's body.
    pub response_body: Option<String>,
    /// Why the last attempt did not succeed.
    pub last_error: Option<String>,
    /// The headers of the last attempt, its signatures among them; of a replay before its first attempt,
    /// those of what it replays; empty before the first attempt of all.
    #[schema(value_type = Object)]
    pub request_headers: Map<String, Value>,
    /// When it was to be told first.
    pub created_at: Moment,
    /// When anything of it last changed.
    pub updated_at: Moment,
    /// When the last attempt was made.
    pub last_attempt_at: Option<Moment>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Moment>,
    /// When it was answered with success.
    pub delivered_at: Option<Moment>,
}

/// A page of deliveries, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookDeliveryList {
    /// Always `list`.
    #[schema(examples("list"))]
    pub object: &'static str,
    /// The deliveries.
    pub data: Vec<WebhookDeliveryResource>,
    /// Whether more follow: ask again with `starting_after` set to the last delivery's id.
    pub has_more: bool,
}

impl From<&Delivery> for WebhookDeliveryResource {
    fn from(delivery: &Delivery) -> Self {
        WebhookDeliveryResource {
            id: delivery.id.to_string(),
            object: "webhook_delivery",
            endpoint_id: delivery.endpoint.to_string(),
            event_type: delivery.topic.as_str(),
            run_id: delivery.run.map(|run| run.to_string()),
            batch_id: delivery.batch.map(|batch| batch.to_string()),
            status: match delivery.status {
                DeliveryStatus::Pending => DeliveryState::Pending,
                DeliveryStatus::Success => DeliveryState::Success,
                DeliveryStatus::Failed => DeliveryState::Failed,
            },
            attempt_count: delivery.attempts,
            max_attempts: DELIVERY_ATTEMPTS_MAX,
            response_status: delivery.response_status,
            response_body: delivery.response_body.clone(),
            last_error: delivery.last_error.clone(),
            request_headers: delivery.request_headers.clone(),
            created_at: Moment(delivery.created_at),
            updated_at: Moment(delivery.updated_at),
            last_attempt_at: delivery.last_attempt_at.map(Moment),
            next_attempt_at: delivery.next_attempt_at.map(Moment),
            delivered_at: delivery.delivered_at.map(Moment),
        }
    }
}
