//! Serves public profiles, accounts' standing and lists of API keys.

mod key_use;
mod projection;
mod queries;
mod rows;
mod trainings;

pub(crate) use queries::AUTHOR;

pub use key_use::KeyUse;
pub use projection::AccountsProjection;
pub use queries::{Account, ApiKey};
