//! The run: one request for generation, from acceptance to its end. It knows who asked, who pays,
//! how the price came about, each attempt at a provider, and which charging rule ended it.

mod aggregate;
mod commands;
mod decisions;
pub(crate) mod described;
mod error;
mod events;
mod inputs;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Attempt, AttemptState, LateBill, Run, RunStatus};
pub use commands::{AttemptRef, RunCommand};
pub use error::RunError;
pub use events::{
    CapturedPart, CreationRef, Ending, FailureReason, ItemRef, OutputOutcome, Payer, ReportedCost, RequestedRun,
    RunEvent, Surface,
};
pub use inputs::{Inputs, Mention};
