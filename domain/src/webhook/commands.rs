//! What can be asked of an endpoint.

use super::events::{CreatedWebhook, DisabledCause};
use super::topic::Topic;
use crate::Timestamp;
use crate::ids::SealedId;

/// An address and a description that were made of what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSettings {
    /// What was there, sealed: if something else is there by now, they are refused.
    pub of: SealedId,
    /// What is to be there, sealed.
    pub settings: SealedId,
}

/// A command to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookCommand {
    /// Make it.
    Create(Box<CreatedWebhook>),
    /// Change what is said.
    Change {
        /// The new address and description, where either is another.
        settings: Option<NewSettings>,
        /// What it is told about.
        topics: Option<Vec<Topic>>,
        /// The moment.
        at: Timestamp,
    },
    /// Give it another secret.
    RotateSecret {
        /// The sealed new secret.
        secret: SealedId,
        /// Until when the one before signs, too.
        previous_until: Timestamp,
        /// The moment.
        at: Timestamp,
    },
    /// Tell its owner that it fails.
    WarnFailing {
        /// Since when every delivery failed.
        failing_since: Timestamp,
        /// The moment.
        at: Timestamp,
    },
    /// Tell it nothing any more.
    Disable {
        /// Why. One that fails is disabled only after its owner was warned.
        cause: DisabledCause,
        /// The moment.
        at: Timestamp,
    },
    /// Tell it again.
    Enable {
        /// The moment.
        at: Timestamp,
    },
    /// Take it away.
    Delete {
        /// The moment.
        at: Timestamp,
    },
}
