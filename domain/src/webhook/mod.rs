//! Webhooks: addresses that are told about events. Each endpoint is a small stream; an account's roster
//! says which it has and bounds how many.

mod aggregate;
mod commands;
pub(crate) mod described;
mod error;
mod events;
pub(crate) mod roster;
pub(crate) mod samples;
mod secret;
mod standard;
#[cfg(test)]
mod tests;
mod topic;

pub use aggregate::{EndpointStatus, Previous, WebhookEndpoint};
pub use commands::{NewSettings, WebhookCommand};
pub use error::WebhookError;
pub use events::{CreatedWebhook, DisabledCause, WebhookEvent};
pub use roster::{RosterCommand, RosterError, RosterEvent, WebhookRoster};
pub use secret::{EndpointSettings, SigningSecret};
pub use standard::{SignatureError, SignedMessage, StandardSecret};
pub use topic::Topic;
