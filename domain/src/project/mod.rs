//! A project: what a storyboard run planned, stage by stage, and what its owner says of it. Its id is
//! derived from the run that opened it.

mod aggregate;
pub(crate) mod described;
mod events;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Project, ProjectCommand, ProjectError, ProjectStatus};
pub use events::{ProjectEvent, Stage, StageMade};
