//! The batch: many runs asked for at once, under one hold of their maximum.

mod aggregate;
mod commands;
pub(crate) mod described;
mod error;
mod events;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Batch, BatchStatus, ItemState};
pub use commands::BatchCommand;
pub use error::BatchError;
pub use events::{BatchEvent, BatchMode, CreatedBatch, ItemOutcome};
