//! Keeping a batch's items under way.

use std::time::Duration;

use mintmark_domain::ids::BatchId;
use mintmark_domain::usecases::{ErrorClass, ItemStart};
use tokio::sync::Notify;

use super::engine::Engine;

/// How long a driver waits at most before it looks again: an item may have ended on another node.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// The pause after the log could not take a decision.
const OVERLOADED_PAUSE: Duration = Duration::from_millis(500);

/// Starts items as long as there are any to start, and again whenever one has ended.
pub(super) async fn drive(engine: &Engine, batch: BatchId, wake: &Notify) {
    let stopping = &engine.shared.stopping;
    while !stopping.is_cancelled() {
        match engine.core.start_batch_item(batch).await {
            Ok(ItemStart::Started { run, .. }) => engine.shared.note_batch(run, batch),
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
            Err(refusal) => {
                tracing::error!(%batch, %refusal, "a batch cannot go on");
                return;
            }
        }
    }
}
