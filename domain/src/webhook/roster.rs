//! Which endpoints an account has: bounds how many, in the same append that makes or deletes one. Its
//! id is derived from the account.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_id};
use crate::ids::WebhookEndpointId;
use crate::{Timestamp, es};

/// A fact about an account's endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterEvent {
    /// It has one more, made by the same append.
    Added {
        /// Which.
        endpoint: WebhookEndpointId,
        /// When.
        at: Timestamp,
    },
    /// One was deleted, by the same append.
    Removed {
        /// Which.
        endpoint: WebhookEndpointId,
        /// When.
        at: Timestamp,
    },
}

impl RosterEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 2] = ["webhook_roster.added", "webhook_roster.removed"];
}

impl DomainEvent for RosterEvent {
    fn event_type(&self) -> String {
        match self {
            RosterEvent::Added { .. } => Self::TYPES[0].to_owned(),
            RosterEvent::Removed { .. } => Self::TYPES[1].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterCommand {
    /// Take one in.
    Add {
        /// Which.
        endpoint: WebhookEndpointId,
        /// The moment.
        at: Timestamp,
    },
    /// Let one go.
    Remove {
        /// Which.
        endpoint: WebhookEndpointId,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a roster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The account has as many as it may.
    #[error("an account has at most {max} webhook endpoints")]
    TooMany {
        /// The limit.
        max: usize,
    },
}

/// The endpoints of an account, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRoster {
    endpoints: Vec<WebhookEndpointId>,
}

impl WebhookRoster {
    /// How many endpoints an account may have.
    pub const ENDPOINTS_MAX: usize = 20;

    /// The endpoints, the oldest first.
    #[must_use]
    pub fn endpoints(&self) -> &[WebhookEndpointId] {
        &self.endpoints
    }
}

impl es::Aggregate for WebhookRoster {
    const STATE_SCHEMA: &'static str = "webhook_roster/1";

    fn decide(&self, command: RosterCommand) -> Result<Vec<RosterEvent>, RosterError> {
        match command {
            RosterCommand::Add { endpoint, .. } if self.endpoints.contains(&endpoint) => Ok(vec![]),
            RosterCommand::Add { .. } if self.endpoints.len() >= Self::ENDPOINTS_MAX => {
                Err(RosterError::TooMany { max: Self::ENDPOINTS_MAX })
            }
            RosterCommand::Add { endpoint, at } => Ok(vec![RosterEvent::Added { endpoint, at }]),
            RosterCommand::Remove { endpoint, at } if self.endpoints.contains(&endpoint) => {
                Ok(vec![RosterEvent::Removed { endpoint, at }])
            }
            RosterCommand::Remove { .. } => Ok(vec![]),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.endpoints.len() * 16
    }
}

impl cqrs_es::Aggregate for WebhookRoster {
    const TYPE: &'static str = "webhook_roster";
    type Command = RosterCommand;
    type Event = RosterEvent;
    type Error = RosterError;
    type Services = ();

    async fn handle(&mut self, command: RosterCommand, _: &(), sink: &EventSink<Self>) -> Result<(), RosterError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: RosterEvent) {
        match event {
            RosterEvent::Added { endpoint, .. } => self.endpoints.push(endpoint),
            RosterEvent::Removed { endpoint, .. } => self.endpoints.retain(|known| *known != endpoint),
        }
    }
}

/// In the order of [`RosterEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "webhook_roster.added",
        meaning: "The account has one more webhook endpoint, made by the same append.",
        fields: &[("endpoint", "The endpoint")],
    },
    EventEntry {
        event_type: "webhook_roster.removed",
        meaning: "One of the account's webhook endpoints was deleted, by the same append.",
        fields: &[("endpoint", "The endpoint")],
    },
];

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<RosterEvent> {
    let (endpoint, at) = (WebhookEndpointId(sample_id("endpoint")), crate::event_book::sample_time(0));
    vec![RosterEvent::Added { endpoint, at }, RosterEvent::Removed { endpoint, at }]
}
