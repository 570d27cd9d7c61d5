//! One sample or more of every event of an endpoint: with all that can be said, and with the least.

use super::events::{CreatedWebhook, DisabledCause, WebhookEvent};
use super::topic::Topic;
use crate::event_book::{sample_id, sample_time};
use crate::ids::{AccountId, SealedId};

/// An endpoint that is told of what nobody chose.
pub(crate) fn created() -> CreatedWebhook {
    CreatedWebhook {
        account: AccountId(sample_id("account")),
        key_id: Some(41),
        settings: SealedId(sample_id("settings")),
        topics: Topic::DEFAULT.to_vec(),
        topics_unchosen: false,
        secret: SealedId(sample_id("secret")),
        at: sample_time(0),
    }
}

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<WebhookEvent> {
    let at = sample_time(60);
    let least = CreatedWebhook { key_id: None, topics: Topic::ALL.to_vec(), ..created() };
    let unchosen = CreatedWebhook { topics_unchosen: true, ..created() };
    vec![
        WebhookEvent::Created(Box::new(created())),
        WebhookEvent::Created(Box::new(least)),
        WebhookEvent::Created(Box::new(unchosen)),
        WebhookEvent::Changed {
            settings: Some(SealedId(sample_id("settings 2"))),
            topics: Some(vec![Topic::BatchPartial]),
            at,
        },
        WebhookEvent::Changed { settings: None, topics: Some(vec![Topic::CreditsLow]), at },
        WebhookEvent::SecretRotated { secret: SealedId(sample_id("secret 2")), previous_until: sample_time(3600), at },
        WebhookEvent::FailingWarned { failing_since: sample_time(0), at },
        WebhookEvent::Disabled { cause: DisabledCause::Owner, at },
        WebhookEvent::Disabled { cause: DisabledCause::Failing, at },
        WebhookEvent::Enabled { at },
        WebhookEvent::Deleted { at },
    ]
}
