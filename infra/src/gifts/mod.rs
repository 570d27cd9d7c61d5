//! Carries gifts on that are under way. Where each stands is in the log alone: a restart changes nothing, and
//! several nodes may carry the same gift at once.

pub mod steps;

use std::time::Duration;

use chrono::TimeDelta;
use mintmark_domain::ports::GiftQueue;
use mintmark_domain::usecases::Core;

/// How many gifts are looked at in one go.
const PAGE: usize = 100;
/// How often those under way are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Whoever sends a gift carries it on at once: only what is left after this long is looked at here.
const LEFT_AFTER_SECONDS: i64 = 2;

/// Carries gifts on as long as it is polled.
pub async fn keep_gifts(core: &Core, queue: &dyn GiftQueue) {
    loop {
        let left_since = core.now() - TimeDelta::seconds(LEFT_AFTER_SECONDS);
        if let Err(error) = carry_left(core, queue, left_since).await {
            tracing::warn!(error, "gifts could not be looked at; it is tried again");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Carries on what was sent before a moment and has not ended. How many ended. Errors: the read models did
/// not answer.
pub async fn carry_left(
    core: &Core,
    queue: &dyn GiftQueue,
    before: mintmark_domain::Timestamp,
) -> Result<usize, String> {
    let gifts = queue.gifts_sent_before(before, PAGE).await.map_err(|error| error.to_string())?;
    let mut ended = 0;
    for gift in gifts {
        match core.carry_gift(gift).await {
            Ok(_) => ended += 1,
            // One that cannot go on now keeps none of the others waiting.
            Err(refusal) => tracing::warn!(%gift, %refusal, "a gift could not be carried on; it is tried again"),
        }
    }
    Ok(ended)
}
