//! An endpoint's state and its decisions.

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::commands::{NewSettings, WebhookCommand};
use super::error::WebhookError;
use super::events::{CreatedWebhook, DisabledCause, WebhookEvent};
use super::topic::Topic;
use crate::ids::{AccountId, SealedId};
use crate::{Timestamp, es};

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// There is no such endpoint.
    #[default]
    None,
    /// It is told.
    Active,
    /// It is told nothing.
    Disabled(DisabledCause),
    /// It is gone.
    Deleted,
}

/// The secret before the present one, while it still signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The sealed secret.
    pub secret: SealedId,
    /// Until when it signs.
    pub until: Timestamp,
}

/// An address that is told about events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    status: EndpointStatus,
    created: Option<Box<CreatedWebhook>>,
    previous: Option<Previous>,
    warned_at: Option<Timestamp>,
    changed_at: Option<Timestamp>,
}

type Decided = Result<Vec<WebhookEvent>, WebhookError>;

impl WebhookEndpoint {
    /// Whether it is told.
    #[must_use]
    pub fn status(&self) -> EndpointStatus {
        self.status
    }

    /// Whether it exists.
    #[must_use]
    pub fn is_there(&self) -> bool {
        match self.status {
            EndpointStatus::None | EndpointStatus::Deleted => false,
            EndpointStatus::Active | EndpointStatus::Disabled(_) => true,
        }
    }

    /// Whose it is; `None` if there is none.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.created.as_ref().filter(|_| self.is_there()).map(|created| created.account)
    }

    /// What holds of it now: settings, topics and secret as they were last set, and when it was made.
    #[must_use]
    pub fn current(&self) -> Option<&CreatedWebhook> {
        self.created.as_deref().filter(|_| self.is_there())
    }

    /// The secret before, while it may still sign.
    #[must_use]
    pub fn previous(&self) -> Option<Previous> {
        self.previous
    }

    /// When its owner was told that it fails; `None` if it does not, or was enabled since.
    #[must_use]
    pub fn warned_at(&self) -> Option<Timestamp> {
        self.warned_at
    }

    /// When anything of it last changed.
    #[must_use]
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.changed_at
    }

    fn known(&self) -> Result<&CreatedWebhook, WebhookError> {
        self.current().ok_or(WebhookError::NotFound)
    }

    fn create(&self, created: Box<CreatedWebhook>) -> Decided {
        match &self.created {
            Some(known) if **known == *created && self.is_there() => Ok(vec![]),
            Some(_) => Err(WebhookError::OtherEndpoint),
            None if created.topics.is_empty() => Err(WebhookError::NoTopics),
            None => Ok(vec![WebhookEvent::Created(created)]),
        }
    }

    fn change(&self, settings: Option<NewSettings>, topics: Option<Vec<Topic>>, at: Timestamp) -> Decided {
        let known = self.known()?;
        if topics.as_ref().is_some_and(Vec::is_empty) {
            return Err(WebhookError::NoTopics);
        }
        let settings = settings.filter(|new| new.settings != known.settings);
        if settings.is_some_and(|new| new.of != known.settings) {
            return Err(WebhookError::ChangedMeanwhile);
        }
        let settings = settings.map(|new| new.settings);
        // To choose what nobody had chosen is a change, too.
        let topics = topics.filter(|topics| known.topics_unchosen || *topics != known.topics);
        if settings.is_none() && topics.is_none() {
            return Ok(vec![]);
        }
        Ok(vec![WebhookEvent::Changed { settings, topics, at }])
    }

    fn rotate(&self, secret: SealedId, previous_until: Timestamp, at: Timestamp) -> Decided {
        if self.known()?.secret == secret {
            return Ok(vec![]);
        }
        // Without an overlap the owner says that every earlier secret ends now.
        if let Some(previous) = self.previous.filter(|previous| previous.until > at && previous_until > at) {
            return Err(WebhookError::OverlapLasts { until: previous.until });
        }
        Ok(vec![WebhookEvent::SecretRotated { secret, previous_until, at }])
    }

    fn warn(&self, failing_since: Timestamp, at: Timestamp) -> Decided {
        self.known()?;
        // A warning of an earlier failure, after which it was well again, is none of this one.
        let warned = self.warned_at.is_some_and(|at| at >= failing_since);
        match self.status {
            EndpointStatus::Active if !warned => Ok(vec![WebhookEvent::FailingWarned { failing_since, at }]),
            EndpointStatus::Active | EndpointStatus::Disabled(_) | EndpointStatus::None | EndpointStatus::Deleted => {
                Ok(vec![])
            }
        }
    }

    fn disable(&self, cause: DisabledCause, at: Timestamp) -> Decided {
        self.known()?;
        match (self.status, cause) {
            (EndpointStatus::Active, DisabledCause::Failing) if self.warned_at.is_none() => {
                Err(WebhookError::NotWarned)
            }
            (EndpointStatus::Active, DisabledCause::Failing | DisabledCause::Owner) => {
                Ok(vec![WebhookEvent::Disabled { cause, at }])
            }
            (EndpointStatus::None | EndpointStatus::Disabled(_) | EndpointStatus::Deleted, _) => Ok(vec![]),
        }
    }

    fn enable(&self, at: Timestamp) -> Decided {
        self.known()?;
        match self.status {
            EndpointStatus::Disabled(_) => Ok(vec![WebhookEvent::Enabled { at }]),
            EndpointStatus::None | EndpointStatus::Active | EndpointStatus::Deleted => Ok(vec![]),
        }
    }

    fn delete(&self, at: Timestamp) -> Decided {
        match self.status {
            EndpointStatus::None => Err(WebhookError::NotFound),
            EndpointStatus::Deleted => Ok(vec![]),
            EndpointStatus::Active | EndpointStatus::Disabled(_) => Ok(vec![WebhookEvent::Deleted { at }]),
        }
    }
}

impl es::Aggregate for WebhookEndpoint {
    const STATE_SCHEMA: &'static str = "webhook_endpoint/2";

    fn decide(&self, command: WebhookCommand) -> Decided {
        match command {
            WebhookCommand::Create(created) => self.create(created),
            WebhookCommand::Change { settings, topics, at } => self.change(settings, topics, at),
            WebhookCommand::RotateSecret { secret, previous_until, at } => self.rotate(secret, previous_until, at),
            WebhookCommand::WarnFailing { failing_since, at } => self.warn(failing_since, at),
            WebhookCommand::Disable { cause, at } => self.disable(cause, at),
            WebhookCommand::Enable { at } => self.enable(at),
            WebhookCommand::Delete { at } => self.delete(at),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + size_of::<CreatedWebhook>() + Topic::ALL.len()
    }
}

impl cqrs_es::Aggregate for WebhookEndpoint {
    const TYPE: &'static str = "webhook_endpoint";
    type Command = WebhookCommand;
    type Event = WebhookEvent;
    type Error = WebhookError;
    type Services = ();

    async fn handle(&mut self, command: WebhookCommand, _: &(), sink: &EventSink<Self>) -> Result<(), WebhookError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: WebhookEvent) {
        let at = match event {
            WebhookEvent::Created(created) => {
                let at = created.at;
                self.status = EndpointStatus::Active;
                self.created = Some(created);
                at
            }
            WebhookEvent::Changed { settings, topics, at } => {
                if let Some(current) = &mut self.created {
                    current.settings = settings.unwrap_or(current.settings);
                    if let Some(topics) = topics {
                        current.topics = topics;
                        current.topics_unchosen = false;
                    }
                }
                at
            }
            WebhookEvent::SecretRotated { secret, previous_until, at } => {
                if let Some(current) = &mut self.created {
                    self.previous = Some(Previous { secret: current.secret, until: previous_until });
                    current.secret = secret;
                }
                at
            }
            WebhookEvent::FailingWarned { at, .. } => {
                self.warned_at = Some(at);
                at
            }
            WebhookEvent::Disabled { cause, at } => {
                self.status = EndpointStatus::Disabled(cause);
                at
            }
            WebhookEvent::Enabled { at } => {
                self.status = EndpointStatus::Active;
                self.warned_at = None;
                at
            }
            WebhookEvent::Deleted { at } => {
                self.status = EndpointStatus::Deleted;
                at
            }
        };
        self.changed_at = Some(at);
    }
}
