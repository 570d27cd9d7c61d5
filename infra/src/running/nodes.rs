//! Which nodes live.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use tokio::time::Instant;

/// It cannot be said which nodes live; try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list of nodes cannot be reached: {0}")]
pub struct NodesUnavailable(pub String);

/// Knows which nodes live.
#[async_trait]
pub trait Nodes: Send + Sync + 'static {
    /// `node` lives.
    async fn beat(&self, node: &str) -> Result<(), NodesUnavailable>;

    /// The nodes that said so within the last `within`.
    async fn alive(&self, within: Duration) -> Result<HashSet<String>, NodesUnavailable>;

    /// `node` leaves, and has let go of everything.
    async fn leave(&self, node: &str) -> Result<(), NodesUnavailable>;
}

/// The table `nodes`; all times are the database's.
#[derive(Clone, Debug)]
pub struct PgNodes {
    pool: PgPool,
}

/// Nodes that were silent for longer than this are forgotten, in seconds.
const FORGOTTEN_AFTER_SECONDS: f64 = 86_400.0;
/// Whoever makes the table holds this advisory lock ("nodes" in ASCII).
const SCHEMA_LOCK: i64 = 0x6e_6f64_6573;

impl PgNodes {
    /// Over a pool. [`PgNodes::prepare`] makes the table.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        PgNodes { pool }
    }

    /// Makes the table where it is not there yet. Any number of processes may do so at once.
    pub async fn prepare(&self) -> Result<(), NodesUnavailable> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(SCHEMA_LOCK)
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS nodes (
                 node    text        PRIMARY KEY,
                 seen_at timestamptz NOT NULL DEFAULT now())",
        )
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }
}

fn unavailable(error: sqlx::Error) -> NodesUnavailable {
    NodesUnavailable(error.to_string())
}

#[async_trait]
impl Nodes for PgNodes {
    async fn beat(&self, node: &str) -> Result<(), NodesUnavailable> {
        sqlx::query(
            "INSERT INTO nodes (node, seen_at) VALUES ($1, clock_timestamp())
             ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at",
        )
        .bind(node)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        sqlx::query("DELETE FROM nodes WHERE seen_at < clock_timestamp() - make_interval(secs => $1)")
            .bind(FORGOTTEN_AFTER_SECONDS)
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn alive(&self, within: Duration) -> Result<HashSet<String>, NodesUnavailable> {
        let alive: Vec<String> =
            sqlx::query_scalar("SELECT node FROM nodes WHERE seen_at >= clock_timestamp() - make_interval(secs => $1)")
                .bind(within.as_secs_f64())
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
        Ok(alive.into_iter().collect())
    }

    async fn leave(&self, node: &str) -> Result<(), NodesUnavailable> {
        sqlx::query("DELETE FROM nodes WHERE node = $1").bind(node).execute(&self.pool).await.map_err(unavailable)?;
        Ok(())
    }
}

/// The same in memory, for simulations and tests.
#[derive(Debug, Default)]
pub struct MemoryNodes {
    seen: Mutex<HashMap<String, Instant>>,
}

#[async_trait]
impl Nodes for MemoryNodes {
    async fn beat(&self, node: &str) -> Result<(), NodesUnavailable> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(node.to_owned(), Instant::now());
        Ok(())
    }

    async fn alive(&self, within: Duration) -> Result<HashSet<String>, NodesUnavailable> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(seen.iter().filter(|(_, at)| at.elapsed() <= within).map(|(node, _)| node.clone()).collect())
    }

    async fn leave(&self, node: &str) -> Result<(), NodesUnavailable> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(node);
        Ok(())
    }
}
