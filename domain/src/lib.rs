//! The core of Mintmark: aggregates, their commands and events, money, ids, the price book,
//! use cases, and the ports through which the outside world is reached.
//!
//! Nothing here does I/O, reads a clock or draws a random number: time and ids arrive in commands,
//! everything else through a trait in [`ports`]. Nothing here knows a dialect, SQL or HTTP.

pub mod account;
pub mod batch;
pub mod bonus;
pub mod catalog;
pub mod creation;
pub mod credits;
pub mod es;
pub mod event_book;
pub mod gift;
pub mod ids;
#[cfg(test)]
mod laws;
pub mod money;
pub mod payment;
pub mod ports;
pub mod project;
pub mod run;
pub mod social;
pub mod team;
#[cfg(test)]
mod testing;
pub mod usecases;
pub mod wallet;
pub mod webhook;

pub use credits::Credits;
pub use ids::Shard;

/// A moment in UTC, to the microsecond (what Postgres and the log keep).
pub type Timestamp = chrono::DateTime<chrono::Utc>;
