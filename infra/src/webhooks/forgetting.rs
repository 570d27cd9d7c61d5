//! Forgetting what is older than the retention, beside the sending and in parts: there may be much of it, and
//! nobody waits for it.

use mintmark_domain::ports::{Clock, WebhookOutbox};
use tokio_util::sync::CancellationToken;

use super::settings::SenderSettings;

/// How many old rows of each kind are forgotten in one part.
const FORGOTTEN_TOGETHER: u32 = 5_000;

/// Forgets from time to time, until it is stopped.
pub(super) async fn keep_forgetting(
    outbox: &dyn WebhookOutbox,
    clock: &dyn Clock,
    settings: &SenderSettings,
    stop: &CancellationToken,
) {
    loop {
        let forgotten = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            forgotten = outbox.forget(clock.now() - settings.retention, FORGOTTEN_TOGETHER) => forgotten,
        };
        let pause = match forgotten {
            Ok(0) => settings.forget_every,
            Ok(forgotten) => {
                tracing::info!(forgotten, "old webhook deliveries were forgotten");
                settings.forget_pause
            }
            Err(error) => {
                tracing::warn!(%error, "old webhook deliveries could not be forgotten; it is tried again");
                settings.forget_every
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use chrono::TimeDelta;
    use mintmark_domain::Timestamp;
    use mintmark_domain::ids::WebhookEventId;
    use mintmark_domain::ports::{
        Attempted, Claimed, DeliveryClaim, FailingEndpoint, FoundEvents, GivenUp, ManualClock, OutboxUnavailable,
        Postponed,
    };
    use tokio::time::{Duration, Instant};

    use super::*;

    /// Three parts are old, then nothing is; says when it was asked.
    struct ThreeParts {
        begun: Instant,
        asked: Mutex<Vec<(Duration, Timestamp)>>,
    }

    #[async_trait]
    impl WebhookOutbox for ThreeParts {
        async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, OutboxUnavailable> {
            let mut asked = self.asked.lock().unwrap();
            asked.push((self.begun.elapsed(), before));
            Ok(if asked.len() <= 3 { limit.into() } else { 0 })
        }
        async fn claim(&self, _: DeliveryClaim<'_>) -> Result<Claimed, OutboxUnavailable> {
            panic!("only forgetting is asked for")
        }
        async fn events(&self, _: &[WebhookEventId]) -> Result<FoundEvents, OutboxUnavailable> {
            panic!("only forgetting is asked for")
        }
        async fn keep_body(&self, _: WebhookEventId, _: &[u8]) -> Result<Option<Vec<u8>>, OutboxUnavailable> {
            panic!("only forgetting is asked for")
        }
        async fn settle(&self, _: &[Attempted]) -> Result<Vec<FailingEndpoint>, OutboxUnavailable> {
            panic!("only forgetting is asked for")
        }
        async fn postpone(&self, _: &[Postponed]) -> Result<(), OutboxUnavailable> {
            panic!("only forgetting is asked for")
        }
        async fn give_up(&self, _: &[GivenUp]) -> Result<(), OutboxUnavailable> {
            panic!("only forgetting is asked for")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_pause_between_parts_a_long_one_when_nothing_is_old_and_it_can_be_stopped() {
        let outbox = Arc::new(ThreeParts { begun: Instant::now(), asked: Mutex::default() });
        let (clock, settings, stop) = (ManualClock::default(), SenderSettings::default(), CancellationToken::new());
        let (short, long, before) = (settings.forget_pause, settings.forget_every, clock.now() - TimeDelta::days(30));
        let task = tokio::spawn({
            let (outbox, stop) = (Arc::clone(&outbox), stop.clone());
            async move { keep_forgetting(&*outbox, &clock, &settings, &stop).await }
        });
        tokio::time::sleep(short * 3 + long + short).await;
        stop.cancel();
        task.await.unwrap();
        let times = [Duration::ZERO, short, short * 2, short * 3, short * 3 + long];
        assert_eq!(*outbox.asked.lock().unwrap(), times.map(|time| (time, before)));
    }
}
