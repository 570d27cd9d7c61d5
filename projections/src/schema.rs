//! The tables of the read models.
//!
//! Each projection has a Postgres schema of its own, named after it and the number of its
//! definition. A rebuild fills a second schema beside it and takes its name when it is complete.

use sha2::{Digest, Sha256};
use sqlx::{Acquire, PgConnection};

use crate::projection::{Definition, Projection};

/// Whoever makes tables holds this advisory lock ("readside" in ASCII).
const SCHEMA_LOCK: i64 = 0x7265_6164_7369_6465;

/// How long taking a superseded version away waits for whoever reads it.
const DROP_WITHIN_MS: u32 = 2_000;

/// What every projection's schema holds beside its own tables.
const COMMON_DDL: &str = include_str!("common.sql");
/// What is kept outside the log, so that no rebuild touches it.
const OUTSIDE_DDL: &str = include_str!("outside.sql");

/// Why the tables could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database refused or did not answer.
    #[error("the read models' tables could not be made: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables were made from another definition under the same number.
    #[error("{schema} was made from another definition; the number in its name must be raised")]
    Differs {
        /// The schema.
        schema: &'static str,
    },
}

/// Makes the tables that are not there yet. Any number of processes may do so at the same time.
pub async fn migrate(connection: &mut PgConnection, projections: &[&dyn Projection]) -> Result<(), SchemaError> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(OUTSIDE_DDL).execute(&mut *transaction).await?;
    for projection in projections {
        let definition = projection.definition();
        let made: Option<(Vec<u8>,)> = sqlx::query_as("SELECT sha256 FROM read_side.definitions WHERE schema = $1")
            .bind(definition.schema)
            .fetch_optional(&mut *transaction)
            .await?;
        let ours = digest(&definition);
        match made {
            Some((theirs,)) if theirs == ours => {}
            Some(_) => return Err(SchemaError::Differs { schema: definition.schema }),
            None => {
                create(&mut transaction, definition.schema, &definition).await?;
                sqlx::query("INSERT INTO read_side.definitions (schema, sha256) VALUES ($1, $2)")
                    .bind(definition.schema)
                    .bind(ours)
                    .execute(&mut *transaction)
                    .await?;
                tracing::info!(schema = definition.schema, "read models' tables made");
            }
        }
    }
    transaction.commit().await?;
    for projection in projections {
        drop_superseded(connection, projection.definition().schema).await;
    }
    Ok(())
}

/// Takes away the versions of a projection that are older than the one before `current`. That one stays:
/// another process may still serve it, and whoever goes back to the last release finds it. Newer ones are
/// somebody else's. What cannot be taken away is left for the next start.
async fn drop_superseded(connection: &mut PgConnection, current: &str) {
    match superseded(connection, current).await {
        Ok(schemas) => {
            for schema in schemas {
                match drop_version(connection, &schema).await {
                    Ok(()) => tracing::info!(schema, "a superseded version of read models was taken away"),
                    Err(error) => tracing::warn!(schema, %error, "a superseded version of read models is left"),
                }
            }
        }
        Err(error) => tracing::warn!(schema = current, %error, "superseded versions of read models are left"),
    }
}

/// Name and number of a version: `read_wallets_v` and 1.
fn version(schema: &str) -> Option<(&str, u32)> {
    let digits = schema.rfind(|letter: char| !letter.is_ascii_digit())? + 1;
    let (name, number) = schema.split_at(digits);
    name.ends_with("_v").then_some(())?;
    Some((name, number.parse().ok()?))
}

async fn superseded(connection: &mut PgConnection, current: &str) -> sqlx::Result<Vec<String>> {
    let Some((name, number)) = version(current) else { return Ok(Vec::new()) };
    let known: Vec<String> =
        sqlx::query_scalar("SELECT schema FROM read_side.definitions").fetch_all(&mut *connection).await?;
    let mut older: Vec<(u32, String)> = known
        .into_iter()
        .filter_map(|schema| {
            let (of, at) = version(&schema)?;
            (of == name && at < number).then_some((at, schema))
        })
        .collect();
    older.sort_unstable();
    older.pop();
    Ok(older.into_iter().map(|(_, schema)| schema).collect())
}

/// Takes one version away with what a rebuild of it may have left.
async fn drop_version(connection: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(&format!("SET LOCAL lock_timeout = '{DROP_WITHIN_MS}ms'")).execute(&mut *transaction).await?;
    for schema in [schema.to_owned(), format!("{schema}_next"), format!("{schema}_verify"), format!("{schema}_retired")]
    {
        sqlx::raw_sql(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).execute(&mut *transaction).await?;
    }
    sqlx::query("DELETE FROM read_side.definitions WHERE schema = $1").bind(schema).execute(&mut *transaction).await?;
    transaction.commit().await
}

fn digest(definition: &Definition) -> Vec<u8> {
    Sha256::new().chain_update(COMMON_DDL).chain_update(definition.ddl).finalize().to_vec()
}

/// Makes a version's tables in `schema`, which must not exist.
pub(crate) async fn create(connection: &mut PgConnection, schema: &str, definition: &Definition) -> sqlx::Result<()> {
    sqlx::raw_sql(&format!("CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}"))
        .execute(&mut *connection)
        .await?;
    sqlx::raw_sql(COMMON_DDL).execute(&mut *connection).await?;
    sqlx::raw_sql(definition.ddl).execute(&mut *connection).await?;
    sqlx::raw_sql("SET LOCAL search_path = public").execute(&mut *connection).await?;
    Ok(())
}
