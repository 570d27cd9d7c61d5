//! What an endpoint can be told about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of event that an endpoint subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// A run delivered.
    #[serde(rename = "run.completed")]
    RunCompleted,
    /// A run delivered nothing.
    #[serde(rename = "run.failed")]
    RunFailed,
    /// A run was cancelled. Who does not ask for this is told of it as `run.failed`.
    #[serde(rename = "run.cancelled")]
    RunCancelled,
    /// Every item of a batch delivered.
    #[serde(rename = "batch.completed")]
    BatchCompleted,
    /// Some items of a batch delivered.
    #[serde(rename = "batch.partial")]
    BatchPartial,
    /// No item of a batch delivered.
    #[serde(rename = "batch.failed")]
    BatchFailed,
    /// What the account can spend fell below the threshold; told once a UTC day at most.
    #[serde(rename = "credits.low")]
    CreditsLow,
    /// Another endpoint of the account has failed for days and is about to be disabled.
    #[serde(rename = "webhook.failing")]
    WebhookFailing,
}

/// A name that stands for no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no event type")]
pub struct UnknownTopic(pub String);

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 8] = [
        Topic::RunCompleted,
        Topic::RunFailed,
        Topic::RunCancelled,
        Topic::BatchCompleted,
        Topic::BatchPartial,
        Topic::BatchFailed,
        Topic::CreditsLow,
        Topic::WebhookFailing,
    ];
    /// What an endpoint is told about where nobody said, as printed. Beside it such an endpoint is told of
    /// other endpoints that fail: their owner should hear of it without having asked.
    pub const DEFAULT: [Topic; 2] = [Topic::RunCompleted, Topic::RunFailed];

    /// The name everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::RunCompleted => "run.completed",
            Topic::RunFailed => "run.failed",
            Topic::RunCancelled => "run.cancelled",
            Topic::BatchCompleted => "batch.completed",
            Topic::BatchPartial => "batch.partial",
            Topic::BatchFailed => "batch.failed",
            Topic::CreditsLow => "credits.low",
            Topic::WebhookFailing => "webhook.failing",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;
    fn from_str(text: &str) -> Result<Self, UnknownTopic> {
        Topic::ALL.into_iter().find(|topic| topic.as_str() == text).ok_or_else(|| UnknownTopic(text.to_owned()))
    }
}
