//! Telling endpoints: what is due, what is sent, and what came of it.

use async_trait::async_trait;

use crate::es::Position;
use crate::ids::{AccountId, BatchId, DeliveryId, RunId, SealedId, WebhookEndpointId, WebhookEventId};
use crate::webhook::Topic;
use crate::{Credits, Timestamp};

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookSubject {
    /// A run.
    Run(RunId),
    /// A batch.
    Batch(BatchId),
    /// What the account can spend, when it fell below the threshold.
    Credits {
        /// What was left.
        available: Credits,
        /// The threshold.
        threshold: Credits,
    },
    /// An endpoint that fails.
    Endpoint {
        /// Which.
        endpoint: WebhookEndpointId,
        /// Since when.
        failing_since: Timestamp,
    },
}

/// An event that endpoints are told about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Its id, the same at every endpoint and attempt.
    pub id: WebhookEventId,
    /// What kind it is.
    pub topic: Topic,
    /// Whose it is.
    pub account: AccountId,
    /// What it is about.
    pub subject: WebhookSubject,
    /// Where it stands in its shard's log.
    pub position: Position,
    /// When it was recorded.
    pub at: Timestamp,
}

/// An event with the bytes that are sent of it, once there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    /// The event.
    pub event: OutboxEvent,
    /// Its body, sealed under the account's key; `None` before its first attempt.
    pub sealed_body: Option<Vec<u8>>,
}

/// An event that cannot be read: of a kind that a newer release writes, or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEvent {
    /// Which.
    pub id: WebhookEventId,
    /// What is wrong with it.
    pub why: String,
}

/// The events of deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundEvents {
    /// Those that can be told.
    pub kept: Vec<KeptEvent>,
    /// Those that are there, but cannot be read.
    pub unreadable: Vec<UnreadableEvent>,
}

/// A delivery that is due and was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Of which event.
    pub event: WebhookEventId,
    /// Where to.
    pub endpoint: WebhookEndpointId,
    /// Whose it is.
    pub account: AccountId,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The endpoint's sealed address.
    pub settings: SealedId,
    /// The endpoint's sealed secret.
    pub secret: SealedId,
    /// The sealed secret before, where it still signs.
    pub previous: Option<SealedId>,
    /// Whether the endpoint fails: then this one tries whether it still does.
    pub failing: bool,
    /// Since when no attempt could be made, where that is so.
    pub postponed_since: Option<Timestamp>,
}

/// How many attempts a delivery has: at once, and after each of the pauses (decision 26).
pub const DELIVERY_ATTEMPTS_MAX: u32 = 6;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its endpoint.
    pub endpoint: WebhookEndpointId,
    /// When it was made.
    pub at: Timestamp,
    /// Whether it was answered with success (2xx).
    pub succeeded: bool,
    /// The status it was answered with, if it was.
    pub response_status: Option<u16>,
    /// The beginning of the answer's body.
    pub response_body: Option<String>,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// The headers that were sent, as JSON.
    pub headers: String,
    /// When to try again; `None` where it succeeded, or was the last attempt.
    pub next_at: Option<Timestamp>,
}

/// A claimed delivery of which no attempt can be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Postponed {
    /// The delivery.
    pub delivery: DeliveryId,
    /// When it is due again.
    pub until: Timestamp,
    /// Since when no attempt could be made, where that counts towards giving it up.
    pub since: Option<Timestamp>,
}

/// A delivery that comes to its end without an attempt: what it would tell cannot be had, or its endpoint's
/// address or secret cannot. Nobody failed to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The delivery.
    pub delivery: DeliveryId,
    /// When it was given up.
    pub at: Timestamp,
    /// Why.
    pub why: &'static str,
}

/// An endpoint at which every delivery has failed for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailingEndpoint {
    /// Which.
    pub endpoint: WebhookEndpointId,
    /// Since when.
    pub failing_since: Timestamp,
}

/// How much is claimed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryClaim<'a> {
    /// Now: what is due by then.
    pub now: Timestamp,
    /// Until when nobody else claims it; after that it is due again.
    pub lease_until: Timestamp,
    /// Endpoints that are told already, and get nothing more for now.
    pub busy: &'a [WebhookEndpointId],
    /// How much is under way for accounts.
    pub under_way: &'a [(AccountId, u32)],
    /// The most for one endpoint; one that fails gets a single one.
    pub per_endpoint_max: u32,
    /// The most for one account, what is under way included.
    pub per_account_max: u32,
    /// The most for endpoints that fail, of all accounts together.
    pub failing_max: u32,
    /// The most in all.
    pub limit: u32,
    /// The endpoint after which to look; `None` for the first.
    pub after: Option<WebhookEndpointId>,
}

/// What was claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// The deliveries.
    pub due: Vec<DueDelivery>,
    /// The endpoint that was looked at last, if there may be more behind it; `None`: that was all.
    pub looked_to: Option<WebhookEndpointId>,
}

/// The outbox did not answer; try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the webhooks' outbox cannot be reached: {0}")]
pub struct OutboxUnavailable(pub String);

/// Holds what endpoints are to be told. Any number of processes may work on it.
#[async_trait]
pub trait WebhookOutbox: Send + Sync + 'static {
    /// Claims deliveries that are due; nobody else gets them until the lease is over. Accounts and endpoints
    /// take turns, and what it costs does not depend on how much waits for one of them.
    async fn claim(&self, claim: DeliveryClaim<'_>) -> Result<Claimed, OutboxUnavailable>;

    /// The events of deliveries; what was erased meanwhile is left out.
    async fn events(&self, ids: &[WebhookEventId]) -> Result<FoundEvents, OutboxUnavailable>;

    /// Keeps the bytes of an event, unless there are some already. What is kept is what is sent.
    async fn keep_body(&self, event: WebhookEventId, sealed: &[u8]) -> Result<Option<Vec<u8>>, OutboxUnavailable>;

    /// Writes down what became of attempts. Answers which of their endpoints fail, and since when.
    async fn settle(&self, attempts: &[Attempted]) -> Result<Vec<FailingEndpoint>, OutboxUnavailable>;

    /// Gives claimed deliveries back: no attempt was made, each is due again at its moment.
    async fn postpone(&self, deliveries: &[Postponed]) -> Result<(), OutboxUnavailable>;

    /// Writes down which deliveries come to their end without an attempt. Says nothing of their endpoints.
    async fn give_up(&self, deliveries: &[GivenUp]) -> Result<(), OutboxUnavailable>;

    /// Forgets deliveries that came to their end before `before`, at most `limit`, events of which no delivery
    /// is left, and endpoints that were deleted; how many rows that were.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, OutboxUnavailable>;
}

/// Why a body could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// What it shows cannot be read just now; try again.
    #[error("the body cannot be made now: {0}")]
    NotNow(String),
    /// What it shows is gone for good.
    #[error("what the event shows is gone")]
    Gone,
}

/// Makes the body of an event: in the words of the dialect that webhooks belong to.
#[async_trait]
pub trait WebhookBodies: Send + Sync + 'static {
    /// The body's bytes.
    async fn body(&self, event: &OutboxEvent) -> Result<Vec<u8>, BodyError>;
}
