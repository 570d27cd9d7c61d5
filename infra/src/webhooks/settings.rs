//! The sender's limits.

use std::time::Duration;

use chrono::TimeDelta;

use super::attempt::attempts_last;

/// What a delivery may take besides being posted, until it is written down: opening texts, making the body,
/// the queue to the outbox.
const LEASE_MARGIN: Duration = Duration::from_secs(20);
/// One account may hold so manieth a part of the places.
const ACCOUNT_SHARE: usize = 4;
/// Endpoints that fail may hold so manieth a part of the places, of all accounts together.
const FAILING_SHARE: usize = 4;

/// Limits of one process's sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSettings {
    /// How many attempts are under way at once.
    pub attempts_max: usize,
    /// How many of them may go to one endpoint; a single one while it fails.
    pub per_endpoint_max: u32,
    /// How long an endpoint may take to answer.
    pub timeout: Duration,
    /// How often the outbox is looked at while nothing is due.
    pub look_every: Duration,
    /// When a delivery whose body could not be made is due again, at the least; the longer that goes on, the
    /// longer it waits.
    pub postpone: TimeDelta,
    /// And at the most.
    pub postpone_max: TimeDelta,
    /// After how long such a delivery is given up.
    pub bodiless_for: TimeDelta,
    /// For how long everything has to fail before an endpoint's owner is warned.
    pub warn_after: TimeDelta,
    /// For how long after the warning it has to go on failing before it is disabled.
    pub disable_after: TimeDelta,
    /// For how long deliveries that came to their end are kept.
    pub retention: TimeDelta,
    /// How often what is older is forgotten.
    pub forget_every: Duration,
    /// The pause between two parts of what is forgotten.
    pub forget_pause: Duration,
}

impl Default for SenderSettings {
    fn default() -> Self {
        SenderSettings {
            attempts_max: 256,
            per_endpoint_max: 8,
            timeout: Duration::from_secs(10),
            look_every: Duration::from_millis(100),
            postpone: TimeDelta::seconds(2),
            postpone_max: TimeDelta::minutes(10),
            bodiless_for: TimeDelta::days(1),
            warn_after: TimeDelta::days(4),
            disable_after: TimeDelta::days(1),
            retention: TimeDelta::days(30),
            forget_every: Duration::from_secs(600),
            forget_pause: Duration::from_millis(200),
        }
    }
}

impl SenderSettings {
    /// For how long a claimed delivery is nobody else's. What a crash cut short is made again after it.
    #[must_use]
    pub fn lease(&self) -> TimeDelta {
        TimeDelta::from_std(self.timeout + LEASE_MARGIN).unwrap_or(TimeDelta::MAX)
    }

    /// How many attempts may be under way for one account.
    #[must_use]
    pub fn per_account_max(&self) -> u32 {
        share(self.attempts_max, ACCOUNT_SHARE)
    }

    /// How many attempts may be under way at endpoints that fail.
    #[must_use]
    pub fn failing_max(&self) -> u32 {
        share(self.attempts_max, FAILING_SHARE)
    }

    /// For how long the addresses in a body have to be good: the same bytes are sent at every attempt, as long
    /// as an endpoint may fail before it is disabled, and at every replay of what is kept.
    #[must_use]
    pub fn addresses_last(&self) -> TimeDelta {
        self.retention + self.warn_after + self.disable_after + attempts_last()
    }
}

fn share(places: usize, part: usize) -> u32 {
    u32::try_from((places / part).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_and_endpoints_that_fail_hold_a_share_of_the_places_and_at_least_one() {
        let shares = |attempts_max| {
            let settings = SenderSettings { attempts_max, ..SenderSettings::default() };
            (settings.per_account_max(), settings.failing_max())
        };
        assert_eq!((shares(256), shares(1)), ((64, 64), (1, 1)));
    }

    #[test]
    fn a_lease_outlasts_its_attempt_and_addresses_outlast_every_replay() {
        let settings = SenderSettings { timeout: Duration::from_secs(10), ..SenderSettings::default() };
        assert_eq!(settings.lease(), TimeDelta::seconds(30));
        assert!(settings.addresses_last() > TimeDelta::days(35) + TimeDelta::hours(7));
    }
}
