//! Keeping a batch's items under way.

use std::time::Duration;

use mintmark_domain::ids::BatchId;
use mintmark_domain::usecases::{ErrorClass, ItemStart};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::engine::Engine;

/// How long a driver waits at most before it looks again: an item may have ended on another node.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How many times as long as an item's start took a batch rests after it: a third of the time is a batch's at
/// most, whatever it holds, so that ten thousand items that end at once leave room for everybody else.
const REST_FACTOR: u32 = 2;
/// The longest such rest.
const REST_MAX: Duration = Duration::from_millis(50);
/// The pause after the log could not take a decision.
const OVERLOADED_PAUSE: Duration = Duration::from_millis(500);
/// How often an item is tried that cannot start for another reason, with a second's pause and twice as much
/// each time. After that it counts as failed, so that neither its batch nor the batch's hold waits for ever.
const ITEM_TRIES_MAX: u32 = 6;

/// Starts items as long as there are any to start, and again whenever one has ended.
pub(super) async fn drive(engine: &Engine, batch: BatchId, wake: &Notify) {
    let stopping = &engine.shared.stopping;
    let mut tries = 0;
    while !stopping.is_cancelled() {
        let began = Instant::now();
        let started = engine.core.start_batch_item(batch).await;
        let took = began.elapsed();
        if started.is_ok() {
            tries = 0;
        }
        match started {
            Ok(ItemStart::Started { run, .. }) => {
                engine.shared.note_batch(run, batch);
                tokio::time::sleep((took * REST_FACTOR).min(REST_MAX)).await;
            }
            Ok(ItemStart::Dropped { index }) => {
                tracing::warn!(%batch, index, "an item's inputs are gone; it counts as failed");
            }
            Ok(ItemStart::NothingToStart) => {
                tokio::select! {
                    () = wake.notified() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = stopping.cancelled() => {}
                }
            }
            Ok(ItemStart::Ended) => return,
            Err(refusal) if refusal.public().0 == ErrorClass::Overloaded => {
                tracing::debug!(%batch, %refusal, "an item starts later");
                tokio::time::sleep(OVERLOADED_PAUSE).await;
            }
            Err(refusal) if tries < ITEM_TRIES_MAX => {
                tracing::error!(%batch, %refusal, tries, "an item cannot start; it is tried again");
                tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                tries += 1;
            }
            Err(refusal) => {
                tracing::error!(%batch, %refusal, "an item cannot start; it counts as failed");
                if let Err(refusal) = engine.core.drop_next_item(batch).await {
                    tracing::error!(%batch, %refusal, "a batch cannot go on; it is tried again");
                    return;
                }
                tries = 0;
            }
        }
    }
}
