//! The sender's limits.

use std::time::Duration;

use chrono::TimeDelta;

/// Limits of one process's sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSettings {
    /// How many attempts are under way at once.
    pub attempts_max: usize,
    /// How many of them may go to one endpoint; a single one while it fails.
    pub per_endpoint_max: u32,
    /// How long an endpoint may take to answer.
    pub timeout: Duration,
    /// For how long a claimed delivery is nobody else's. Longer than making a body and the timeout take.
    pub lease: TimeDelta,
    /// How often the outbox is looked at while nothing is due.
    pub look_every: Duration,
    /// When a delivery whose body could not be made is due again.
    pub postpone: TimeDelta,
    /// For how long everything has to fail before an endpoint's owner is warned.
    pub warn_after: TimeDelta,
    /// For how long after the warning it has to go on failing before it is disabled.
    pub disable_after: TimeDelta,
    /// For how long deliveries that came to their end are kept.
    pub retention: TimeDelta,
    /// How often what is older is forgotten.
    pub sweep_every: Duration,
}

impl Default for SenderSettings {
    fn default() -> Self {
        SenderSettings {
            attempts_max: 256,
            per_endpoint_max: 8,
            timeout: Duration::from_secs(10),
            lease: TimeDelta::seconds(60),
            look_every: Duration::from_millis(100),
            postpone: TimeDelta::seconds(2),
            warn_after: TimeDelta::days(5),
            disable_after: TimeDelta::days(1),
            retention: TimeDelta::days(30),
            sweep_every: Duration::from_secs(600),
        }
    }
}
