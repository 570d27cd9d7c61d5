//! Carries gifts on that are under way. Where each stands is in the log alone: a restart changes nothing, and
//! several nodes may carry the same gift at once.

pub mod steps;

use std::time::Duration;

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{GiftId, WalletId};
use mintmark_domain::ports::GiftQueue;
use mintmark_domain::usecases::Core;

/// How many gifts are looked at in one go.
const PAGE: usize = 100;
/// How often those under way are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Whoever sends a gift carries it on at once: only what is left after this long is looked at here.
const LEFT_AFTER_SECONDS: i64 = 2;
/// What a member drew on a team's wallet and did not spend is the team's again after this long, in minutes.
const IDLE_AFTER_MINUTES: i64 = 10;

/// Carries gifts on, and sends on what is stranded, as long as it is polled.
pub async fn keep_gifts(core: &Core, queue: &dyn GiftQueue) {
    let (mut after_gift, mut after_purse) = (None, None);
    loop {
        let left_since = core.now() - TimeDelta::seconds(LEFT_AFTER_SECONDS);
        match carry_left(core, queue, left_since, after_gift).await {
            Ok(last) => after_gift = last,
            Err(error) => tracing::warn!(error, "gifts could not be looked at; it is tried again"),
        }
        let idle_since = core.now() - TimeDelta::minutes(IDLE_AFTER_MINUTES);
        match send_stranded(core, queue, idle_since, after_purse).await {
            Ok(last) => after_purse = last,
            Err(error) => tracing::warn!(error, "stranded credits could not be looked at; it is tried again"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Carries on a page of what was sent before a moment and has not ended. Returns where the next page begins, so that
/// what cannot go on now keeps nothing else waiting; from the start again after the last one. Errors: the read
/// models did not answer.
pub async fn carry_left(
    core: &Core,
    queue: &dyn GiftQueue,
    before: Timestamp,
    after: Option<GiftId>,
) -> Result<Option<GiftId>, String> {
    let gifts = queue.gifts_sent_before(before, after, PAGE).await.map_err(|error| error.to_string())?;
    for gift in &gifts {
        if let Err(refusal) = core.carry_gift(*gift).await {
            tracing::warn!(%gift, %refusal, "a gift could not be carried on; it is tried again");
        }
    }
    Ok(gifts.last().copied().filter(|_| gifts.len() == PAGE))
}

/// The same for credits that lie where nobody spends them: of members, since `idle_since`.
pub async fn send_stranded(
    core: &Core,
    queue: &dyn GiftQueue,
    idle_since: Timestamp,
    after: Option<WalletId>,
) -> Result<Option<WalletId>, String> {
    let purses = queue.stranded_purses(idle_since, after, PAGE).await.map_err(|error| error.to_string())?;
    for purse in &purses {
        if let Err(refusal) = core.send_stranded_on(*purse).await {
            tracing::warn!(?purse, %refusal, "stranded credits could not be sent on; it is tried again");
        }
    }
    Ok(purses.last().map(|purse| purse.wallet()).filter(|_| purses.len() == PAGE))
}
