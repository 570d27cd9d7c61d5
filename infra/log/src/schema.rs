//! The tables of the log, of snapshots and of the directory, as numbered migrations.
//!
//! Each migration is applied once, in its own transaction, under a lock: any number of processes may
//! start at the same time.

use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection, Row};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "log", sql: include_str!("../migrations/0001_log.sql") },
    Migration { version: 2, name: "directory", sql: include_str!("../migrations/0002_directory.sql") },
];

/// Whoever migrates holds this advisory lock ("mintmark" in ASCII).
const MIGRATION_LOCK: i64 = 0x6d69_6e74_6d61_726b;

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database refused or did not answer.
    #[error("the schema could not be brought up to date: {0}")]
    Database(#[from] sqlx::Error),
    /// The database was migrated by a release whose step differs from ours.
    #[error("migration {version} ({name}) was applied in another form than this release knows")]
    Differs {
        /// The number of the step.
        version: i32,
        /// Its name.
        name: String,
    },
    /// The database was migrated by a newer release.
    #[error("the schema is at version {found}, newer than this release ({known}); start a newer release")]
    Newer {
        /// The version of the database.
        found: i32,
        /// The newest version that this release knows.
        known: i32,
    },
}

/// The scripts of all migrations, in order: for test databases made from a template.
#[must_use]
pub fn scripts() -> Vec<&'static str> {
    MIGRATIONS.iter().map(|migration| migration.sql).collect()
}

/// Brings the schema up to date. Nothing happens where it is already.
pub async fn migrate(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let mut transaction = connection.begin().await?;
    // Held to the end of the transaction: of several starting processes one migrates, the others wait.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    let log_migrations = "CREATE TABLE IF NOT EXISTS log_migrations (
         version    integer     PRIMARY KEY,
         name       text        NOT NULL,
         sha256     bytea       NOT NULL,
         applied_at timestamptz NOT NULL DEFAULT now())";
    transaction.execute(log_migrations).await?;
    let applied = sqlx::query("SELECT version, name, sha256 FROM log_migrations ORDER BY version")
        .fetch_all(&mut *transaction)
        .await?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    for row in &applied {
        let (version, name): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
        let sha256: Vec<u8> = row.try_get(2)?;
        let Some(ours) = MIGRATIONS.iter().find(|migration| migration.version == version) else {
            return Err(SchemaError::Newer { found: version, known });
        };
        if Sha256::digest(ours.sql).as_slice() != sha256 {
            return Err(SchemaError::Differs { version, name });
        }
    }
    for migration in &MIGRATIONS[applied.len()..] {
        transaction.execute(migration.sql).await?;
        sqlx::query("INSERT INTO log_migrations (version, name, sha256) VALUES ($1, $2, $3)")
            .bind(migration.version)
            .bind(migration.name)
            .bind(Sha256::digest(migration.sql).as_slice())
            .execute(&mut *transaction)
            .await?;
        tracing::info!(version = migration.version, name = migration.name, "schema migrated");
    }
    transaction.commit().await?;
    Ok(())
}
