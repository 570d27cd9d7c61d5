//! Builds read models again from the log, beside the live ones: to put them in their place, or to
//! find out whether they are what a replay comes to.

mod compare;
mod replay;
mod switch;

pub use compare::Difference;
pub use switch::{rebuild, verify};

use crate::error::ApplyError;
use crate::projection::ProjectionName;

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being replayed.
    pub projection: ProjectionName,
    /// Events applied, over all shards.
    pub done: u64,
    /// Events to be applied, over all shards, as far as known.
    pub total: u64,
}

/// What came of a rebuild or a verification of one projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Which one.
    pub projection: ProjectionName,
    /// Events replayed, over all shards.
    pub events: u64,
    /// Where the live read models differed from the replay at the same positions; at most
    /// [`DIFFERENCES_MAX`] of each table. Empty where there was nothing to compare with.
    pub differences: Vec<Difference>,
    /// Whether the live ones could be compared: not if they hold another history than the log.
    pub compared: bool,
}

/// The most rows of each table that are named as differing.
pub const DIFFERENCES_MAX: i64 = 20;

/// Why read models could not be built again. The live ones are untouched.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The database refused or did not answer.
    #[error("the read models' database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log could not be read, or not applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Another process is at it.
    #[error("{0} is being rebuilt or verified by another process")]
    Busy(ProjectionName),
}
