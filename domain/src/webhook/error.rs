//! Why an endpoint refuses.

use crate::Timestamp;

/// A refusal by an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is no such endpoint, or no more.
    #[error("there is no such webhook endpoint")]
    NotFound,
    /// The id belongs to an endpoint with other content.
    #[error("the webhook endpoint exists with other content")]
    OtherEndpoint,
    /// It is told about nothing.
    #[error("a webhook endpoint is told about at least one event type")]
    NoTopics,
    /// One that fails is disabled only after its owner was warned.
    #[error("the webhook endpoint's owner was not warned yet")]
    NotWarned,
    /// Its address or description was changed since what is to be changed was read.
    #[error("the webhook endpoint was changed at the same time; try again")]
    ChangedMeanwhile,
    /// The secret before the present one still signs: a third would end it before its time.
    #[error(
        "the secret before the last rotation signs until {}; rotate after that, or with an overlap of 0 hours, which \
         ends both secrets at once",
        until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    )]
    OverlapLasts {
        /// Until when.
        until: Timestamp,
    },
}
