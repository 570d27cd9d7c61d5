//! The log, and what stands right on it: the writer that decides and appends, snapshots, and the
//! directory.
//!
//! * [`postgres`] and [`memory`]: the log itself, compare-and-append on one shard at a time.
//! * [`faults`]: any log, with replies that get lost.
//! * [`writer`]: one per process; makes decisions one after another per shard and appends them in
//!   batches. Every answer is validated by the log.
//! * [`snapshots`]: states, written behind, so that long streams load fast.
//! * [`directory`]: what is unique across all shards, and public integer ids.

pub mod directory;
pub mod faults;
pub mod memory;
mod opening;
pub mod postgres;
pub mod schema;
pub mod snapshots;
pub mod system;
pub mod writer;
