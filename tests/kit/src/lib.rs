//! The test kit: a Postgres database for each test, and clusters of their own for tests
//! that kill, dump or restore.
//!
//! All tests of a checkout, in however many processes, share one private cluster: the first
//! to need it starts it, a keeper stops it a few seconds after the last one has left. Its
//! directory stays, so that the next run starts in a moment.

pub mod browser;
mod cluster;
mod database;
mod keeper;
mod shared;

pub use cluster::TestCluster;
pub use database::{TestDb, url_of};
pub use mintmark_postgres::{EmbeddedSettings, Handle};

/// How many shards tests that can run with several should use: `TEST_SHARDS`, else
/// one. `make test` runs the suite with one and with two.
///
/// # Panics
/// When the variable is set to something that is not a number from 1 up.
#[must_use]
pub fn shards() -> u16 {
    match std::env::var("TEST_SHARDS") {
        Ok(text) => text.parse().ok().filter(|&shards| shards > 0).expect("TEST_SHARDS is a number from 1 up"),
        Err(_) => 1,
    }
}
