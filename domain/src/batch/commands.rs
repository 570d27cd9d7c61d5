//! What can be asked of a batch.

use super::events::{CreatedBatch, ItemOutcome};
use crate::ids::RunId;

/// A command to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchCommand {
    /// Accept it.
    Create(Box<CreatedBatch>),
    /// An item becomes a run.
    StartItem {
        /// Which.
        index: u32,
        /// Its run.
        run: RunId,
    },
    /// An item will never start.
    DropItem {
        /// Which.
        index: u32,
    },
    /// An item's run ended.
    FinishItem {
        /// Which.
        index: u32,
        /// How.
        outcome: ItemOutcome,
    },
    /// Its owner wants it stopped. Items that wait are cancelled at once.
    Cancel {
        /// Which account, or `operator`.
        by: String,
    },
}
