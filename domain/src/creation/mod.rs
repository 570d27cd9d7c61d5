//! The creation: one thing made, from the request that opened it to its deletion.

mod aggregate;
mod asset_key;
mod commands;
pub(crate) mod described;
mod error;
mod events;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Creation, CreationStatus};
pub use asset_key::{asset_key, creation_of_asset};
pub use commands::{By, CreationCommand};
pub use error::CreationError;
pub use events::{CreationEvent, License, OpenedCreation, Output, Privacy};
