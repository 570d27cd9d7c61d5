//! Teams: who belongs to one, who may do what in it, and how others come in.

mod aggregate;
mod commands;
pub(crate) mod described;
mod error;
mod events;
mod rights;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Member, Team};
pub use commands::TeamCommand;
pub use error::TeamError;
pub use events::{CreatedTeam, InviteCode, Joined, TeamEvent};
pub use rights::{Act, RIGHTS, Role};
