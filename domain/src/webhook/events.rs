//! What happened to an endpoint. Its address, description and secret are sealed, never in an event.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::topic::Topic;
use crate::Timestamp;
use crate::ids::{AccountId, SealedId};

/// What an endpoint is from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedWebhook {
    /// Whose it is.
    pub account: AccountId,
    /// The key it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<u64>,
    /// The sealed address and description.
    pub settings: SealedId,
    /// What it is told about.
    pub topics: Vec<Topic>,
    /// Whether nobody chose that: then it is told of failing endpoints, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub topics_unchosen: bool,
    /// The sealed signing secret.
    pub secret: SealedId,
    /// When it was made.
    pub at: Timestamp,
}

/// Why an endpoint is told nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledCause {
    /// Its owner wants so.
    Owner,
    /// It failed for days, and its owner was warned.
    Failing,
}

/// A fact about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEvent {
    /// It came to be.
    Created(Box<CreatedWebhook>),
    /// Its owner changed where it leads, what it is called or what it is told about.
    Changed {
        /// The sealed address and description; as before if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<SealedId>,
        /// What it is told about from now on; as before if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topics: Option<Vec<Topic>>,
        /// When.
        at: Timestamp,
    },
    /// It has another secret; for a while deliveries are signed with the one before, too.
    SecretRotated {
        /// The sealed new secret.
        secret: SealedId,
        /// Until when the one before signs, too.
        previous_until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// It has failed for days: its owner is told, and it will be disabled if it goes on.
    FailingWarned {
        /// Since when every delivery failed.
        failing_since: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// It is told nothing any more.
    Disabled {
        /// Why.
        cause: DisabledCause,
        /// When.
        at: Timestamp,
    },
    /// It is told again.
    Enabled {
        /// When.
        at: Timestamp,
    },
    /// It is gone.
    Deleted {
        /// When.
        at: Timestamp,
    },
}

impl WebhookEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 7] = [
        "webhook_endpoint.created",
        "webhook_endpoint.changed",
        "webhook_endpoint.secret_rotated",
        "webhook_endpoint.failing_warned",
        "webhook_endpoint.disabled",
        "webhook_endpoint.enabled",
        "webhook_endpoint.deleted",
    ];
}

impl DomainEvent for WebhookEvent {
    fn event_type(&self) -> String {
        let index = match self {
            WebhookEvent::Created(_) => 0,
            WebhookEvent::Changed { .. } => 1,
            WebhookEvent::SecretRotated { .. } => 2,
            WebhookEvent::FailingWarned { .. } => 3,
            WebhookEvent::Disabled { .. } => 4,
            WebhookEvent::Enabled { .. } => 5,
            WebhookEvent::Deleted { .. } => 6,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
