//! The account: who it is, with which keys it acts, and what it may do.

mod aggregate;
mod commands;
pub(crate) mod described;
mod error;
mod events;
mod grants;
pub(crate) mod samples;
mod scope;
#[cfg(test)]
mod tests;

pub use aggregate::{Account, ApiKey, Influencer, OAuthClient, Voice};
pub use commands::AccountCommand;
pub use error::AccountError;
pub use events::{AccountEvent, InfluencerStatus, IssuedClient, IssuedKey, Profile, Tier};
pub use grants::ActsWith;
pub use scope::{Scope, Scopes, UnknownScope};
