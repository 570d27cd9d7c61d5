//! Serves runs, creations, batches, usage, and the dispatcher's list of what has not ended.

mod batch_fold;
mod batches;
mod creation_feed;
mod creation_fold;
mod creation_lists;
mod creation_totals;
mod creations;
mod pending;
mod projection;
mod rows;
mod run_fold;
mod runs;
mod usage;
mod work;

pub use batches::{Batch, BatchFilter, BatchItem};
#[cfg(test)]
pub(crate) use creation_feed::FeedLimits;
pub use creation_lists::{CreationFilter, CreationList};
pub use creations::{Creation, CreationCounts, CreationState};
pub use projection::GenerationProjection;
pub use runs::{Run, RunFilter};
pub use usage::{Usage, UsageBy, UsageFilter, UsageGroup, UsageTotals};
pub use work::{OpenBatch, OpenRun};
