//! Who somebody is, beyond keys: access tokens and the keys that sign them, sign-in from a command line,
//! passwords, links and sessions of people. Tables outside the log, and the same in memory.

mod cli_sessions;
mod jwt;
mod memory;
mod passwords;
mod sign_ins;
mod signing_keys;

pub use cli_sessions::PgCliSessions;
pub use memory::{MemoryCliSessions, MemorySignIns};
pub use passwords::{Argon2Passwords, HASHES_AT_ONCE};
pub use sign_ins::{PgSignIns, SESSIONS_MAX};
pub use signing_keys::{KEYS_READ_FOR, RotatedKey, SigningKeys};

use std::sync::Arc;

use mintmark_domain::ports::{Identity, IdentityError};
use sqlx::{Connection as _, PgPool};

use crate::keys::MasterKey;

/// The tables of this module. Safe to run again.
const SCHEMA: &str = include_str!("schema.sql");
/// Whoever makes the tables holds this advisory lock ("identity" in ASCII).
const SCHEMA_LOCK: i64 = 0x6964_656e_7469_7479;

/// Makes the tables where they are missing; any number of processes may do so at once.
///
/// # Errors
/// What the database says.
pub async fn prepare(pool: &PgPool) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// All of it in this database, under this master key.
#[must_use]
pub fn on_postgres(pool: &PgPool, master: &MasterKey, tokens: Arc<SigningKeys>) -> Identity {
    Identity {
        tokens,
        cli_sessions: Arc::new(PgCliSessions::new(pool.clone())),
        sign_ins: Arc::new(PgSignIns::new(pool.clone(), master)),
        passwords: Arc::new(Argon2Passwords::default()),
    }
}

fn unavailable(error: sqlx::Error) -> IdentityError {
    IdentityError::Unavailable(error.to_string())
}

fn corrupt(what: &str) -> IdentityError {
    IdentityError::Corrupt(what.to_owned())
}

/// The script that makes the tables: for test databases made from a template.
#[must_use]
pub fn script() -> &'static str {
    SCHEMA
}
