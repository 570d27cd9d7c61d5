//! Teams: who belongs to one, who may do what in it, and how others come in.

mod aggregate;
pub(crate) mod allowance;
mod commands;
pub(crate) mod described;
mod error;
mod events;
mod rights;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Member, Team};
pub use allowance::{Allowance, AllowanceCommand, AllowanceError, AllowanceEvent};
pub use commands::TeamCommand;
pub use error::TeamError;
pub use events::{CreatedTeam, InviteCode, Joined, Purse, TeamEvent};
pub use rights::{Act, RIGHTS, Role};
