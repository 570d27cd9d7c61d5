//! Training of influencers. It lasts a while and ends by itself; where it stands is in the log alone, so
//! that a restart changes nothing, and several nodes may see to it at once.

use std::time::Duration;

use chrono::TimeDelta;
use mintmark_domain::ports::TrainingQueue;
use mintmark_domain::usecases::Core;

/// How many trainings are looked at in one go.
const PAGE: usize = 100;

/// When trainings end, and how often that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingSettings {
    /// How long a training lasts.
    pub lasts: Duration,
    /// How often those under way are looked at.
    pub every: Duration,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        TrainingSettings { lasts: Duration::from_secs(5), every: Duration::from_secs(1) }
    }
}

/// Ends trainings that have lasted long enough, as long as it is polled.
pub async fn keep_training(core: &Core, queue: &dyn TrainingQueue, settings: TrainingSettings) {
    loop {
        if let Err(error) = end_due(core, queue, settings.lasts).await {
            tracing::warn!(error, "trainings could not be looked at; it is tried again");
        }
        tokio::time::sleep(settings.every).await;
    }
}

/// Ends those that are due. How many ended. Errors: the read models did not answer.
pub async fn end_due(core: &Core, queue: &dyn TrainingQueue, lasts: Duration) -> Result<usize, String> {
    let lasts = TimeDelta::from_std(lasts).unwrap_or(TimeDelta::MAX);
    let due_since = core.now() - lasts;
    let trainings = queue.trainings(due_since, PAGE).await.map_err(|error| error.to_string())?;
    let mut ended = 0;
    for training in trainings {
        match core.finish_training(training.account, &training.influencer_id, lasts).await {
            Ok(finished) => ended += usize::from(finished),
            // One that cannot be ended now keeps none of the others waiting.
            Err(refusal) => tracing::warn!(%refusal, "a training could not be ended; it is tried again"),
        }
    }
    Ok(ended)
}
