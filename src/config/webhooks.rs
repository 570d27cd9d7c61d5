//! Settings of webhooks.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Below how many credits `credits.low` is told.
    #[serde(with = "rust_decimal::serde::str")]
    pub credits_low: Decimal,
    /// For how many days deliveries that came to their end are kept.
    pub retention_days: u32,
    /// How many attempts one process makes at once.
    pub attempts_max: usize,
    /// How many of them may go to one endpoint.
    pub per_endpoint_max: u32,
    /// How long an endpoint may take to answer, in seconds.
    pub timeout_seconds: u32,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        WebhookConfig {
            credits_low: Decimal::from(100),
            retention_days: 30,
            attempts_max: 256,
            per_endpoint_max: 8,
            timeout_seconds: 10,
        }
    }
}
