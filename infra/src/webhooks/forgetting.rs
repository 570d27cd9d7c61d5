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
