//! What becomes of a delivery of which no attempt can be made.

use mintmark_domain::Timestamp;
use mintmark_domain::ports::{BodyError, DueDelivery, GivenUp, Postponed};

use super::sender::Outcome;
use super::settings::SenderSettings;

/// The longer no attempt could be made, the longer the next try waits: this part of that time.
const WAITS_PART: i32 = 4;

/// It is given up where what is missing is gone for good; otherwise it is tried again, ever more rarely, and
/// given up when that has gone on for too long. `why` is what its owner is told.
pub(super) fn unmade(
    due: &DueDelivery,
    error: &BodyError,
    why: &'static str,
    now: Timestamp,
    settings: &SenderSettings,
) -> Outcome {
    let since = due.postponed_since.unwrap_or(now);
    let lasted = now - since;
    let given_up = match error {
        BodyError::Gone => true,
        BodyError::NotNow(_) => lasted >= settings.bodiless_for,
    };
    if given_up {
        tracing::warn!(delivery = %due.id, %error, "a webhook is given up");
        return Outcome::GivenUp(GivenUp { delivery: due.id, at: now, why });
    }
    let until = now + (lasted / WAITS_PART).min(settings.postpone_max).max(settings.postpone);
    tracing::warn!(delivery = %due.id, %error, %until, "a webhook is sent later");
    Outcome::Postponed(Postponed { delivery: due.id, until, since: Some(since) })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use mintmark_domain::Shard;
    use mintmark_domain::ids::{AccountId, DeliveryId, SealedId, WebhookEndpointId, WebhookEventId, derived_id};

    use super::*;

    #[test]
    fn what_cannot_be_sent_is_tried_ever_more_rarely_and_at_last_given_up() {
        let settings = SenderSettings::default();
        let begun = Timestamp::UNIX_EPOCH;
        let id = derived_id(Shard::ZERO, "test", &[]);
        let mut due = DueDelivery {
            id: DeliveryId(id),
            event: WebhookEventId(id),
            endpoint: WebhookEndpointId(id),
            account: AccountId(id),
            attempt: 1,
            settings: SealedId(id),
            secret: SealedId(id),
            previous: None,
            failing: false,
            postponed_since: None,
        };
        let busy = BodyError::NotNow("busy".to_owned());
        let pause = |due: &DueDelivery, error: &BodyError, now| match unmade(due, error, "gone", now, &settings) {
            Outcome::Postponed(Postponed { until, since: Some(since), .. }) => Some((until - now, since)),
            Outcome::GivenUp(GivenUp { at, why: "gone", .. }) if at == now => None,
            other => panic!("{other:?}"),
        };
        // Long after the event, and the first time that it cannot be had: it is tried again soon.
        let late = begun + TimeDelta::days(20);
        assert_eq!(pause(&due, &busy, late), Some((settings.postpone, late)));
        due.postponed_since = Some(begun);
        let after = |lasted| pause(&due, &busy, begun + lasted);
        assert_eq!(after(TimeDelta::seconds(60)), Some((TimeDelta::seconds(15), begun)));
        assert_eq!(after(TimeDelta::hours(5)), Some((settings.postpone_max, begun)));
        assert_eq!(after(settings.bodiless_for), None);
        assert_eq!(pause(&due, &BodyError::Gone, begun), None);
    }
}
