//! The work queue: what has not ended yet, as the read side knows it.

use async_trait::async_trait;
use uuid::Uuid;

use crate::Timestamp;
use crate::ids::{AccountId, BatchId, GiftId, RunId, WalletId};
use crate::run::RunStatus;
use crate::wallet::WalletOwner;

/// A run that has not ended, as the read side knows it. It may lag: whoever acts on it asks the log
/// first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRun {
    /// Which.
    pub run: RunId,
    /// Whose.
    pub account: AccountId,
    /// Who is to carry it out.
    pub provider: String,
    /// Where it stands; never one that has ended.
    pub status: RunStatus,
    /// The node that carries its attempt; `None` while it waits.
    pub node: Option<String>,
    /// Whether its owner wants it stopped.
    pub cancel_requested: bool,
    /// The batch that it is an item of.
    pub batch: Option<BatchId>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// A batch that has not ended and has items that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingBatch {
    /// Which.
    pub batch: BatchId,
    /// Whose.
    pub account: AccountId,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// Something that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkItem {
    /// A run.
    Run(PendingRun),
    /// A batch.
    Batch(PendingBatch),
}

/// A place in the work queue: after the item that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkCursor {
    /// When that item last changed.
    pub changed_at: Timestamp,
    /// Its id.
    pub id: Uuid,
}

impl WorkItem {
    /// The place after this item.
    #[must_use]
    pub fn cursor(&self) -> WorkCursor {
        match self {
            WorkItem::Run(run) => WorkCursor { changed_at: run.changed_at, id: run.run.0 },
            WorkItem::Batch(batch) => WorkCursor { changed_at: batch.changed_at, id: batch.batch.0 },
        }
    }
}

/// The read side did not answer; try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the work queue cannot be read: {0}")]
pub struct WorkUnavailable(pub String);

/// An influencer that is being trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Training {
    /// Whose it is.
    pub account: AccountId,
    /// Which.
    pub influencer_id: String,
}

/// Knows which influencers are being trained. It may be behind the log: who ends a training asks the
/// account itself.
#[async_trait]
pub trait TrainingQueue: Send + Sync + 'static {
    /// Trainings that began at `since` or before, the oldest first, at most `limit`.
    async fn trainings(&self, since: Timestamp, limit: usize) -> Result<Vec<Training>, WorkUnavailable>;
}

/// Knows what has not ended, over all shards.
#[async_trait]
pub trait WorkQueue: Send + Sync + 'static {
    /// At most `limit` items after a place, ordered by (changed at, id), oldest first.
    async fn pending(&self, after: Option<WorkCursor>, limit: usize) -> Result<Vec<WorkItem>, WorkUnavailable>;
}

/// Credits that are on their way, or lie where nobody can spend them.
#[async_trait]
pub trait GiftQueue: Send + Sync + 'static {
    /// Gifts sent at `before` or earlier that have not ended, by id, from the one after `after` on: whoever goes on
    /// from page to page comes to each, whatever keeps others from ending.
    async fn gifts_sent_before(
        &self,
        before: Timestamp,
        after: Option<GiftId>,
        limit: usize,
    ) -> Result<Vec<GiftId>, WorkUnavailable>;

    /// Purses with something in them: of members that have not changed since `idle_since`, of who is no member any
    /// more, and of teams that have ended; by wallet, from the one after `after` on. It may be behind the log: who
    /// sends it on asks the team itself.
    async fn stranded_purses(
        &self,
        idle_since: Timestamp,
        after: Option<WalletId>,
        limit: usize,
    ) -> Result<Vec<WalletOwner>, WorkUnavailable>;
}
