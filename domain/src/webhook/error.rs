//! Why an endpoint refuses.

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
}
