//! What was read of product pages, kept for a while for each account.

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{AccountId, derived_id};
use serde_json::{Map, Value};
use sqlx::PgPool;
use uuid::Uuid;

use crate::keys::{KeyError, MasterKey, SubjectKeys};

/// The table, made where it is not there.
pub const SCHEMA: &str = include_str!("schema.sql");

/// Pages in the table `product_pages`, sealed under their account's key.
#[derive(Debug)]
pub struct PageCache {
    pool: PgPool,
    keys: SubjectKeys,
}

/// Why the cache cannot be used; a page is then read anew.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The key of the account cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl PageCache {
    /// The cache in this database, under this master key.
    #[must_use]
    pub fn new(pool: PgPool, master: &MasterKey) -> Self {
        let keys = SubjectKeys::new(pool.clone(), master);
        PageCache { pool, keys }
    }

    /// What was read of a page at `since` or later.
    ///
    /// # Errors
    /// [`CacheError`].
    pub async fn get(
        &self,
        account: AccountId,
        url: &str,
        since: Timestamp,
    ) -> Result<Option<Map<String, Value>>, CacheError> {
        let key = self.keys.key(account.0).await?;
        let id = id_of(account, &key.fingerprint(url.as_bytes()));
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT content FROM product_pages WHERE id = $1 AND read_at >= $2")
                .bind(id)
                .bind(since)
                .fetch_optional(&self.pool)
                .await?;
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(serde_json::from_slice(&key.open(id, &sealed)?).ok())
    }

    /// Keeps what was read.
    ///
    /// # Errors
    /// [`CacheError`].
    pub async fn put(
        &self,
        account: AccountId,
        url: &str,
        product: &Map<String, Value>,
        at: Timestamp,
    ) -> Result<(), CacheError> {
        let key = self.keys.key(account.0).await?;
        let id = id_of(account, &key.fingerprint(url.as_bytes()));
        let sealed = key.seal(id, &serde_json::to_vec(product).unwrap_or_default());
        sqlx::query(
            "INSERT INTO product_pages (id, account_id, read_at, content) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET read_at = excluded.read_at, content = excluded.content",
        )
        .bind(id)
        .bind(account.0)
        .bind(at)
        .bind(sealed)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets what is older than `kept_for`. Answers how many pages that were.
    ///
    /// # Errors
    /// [`CacheError::Database`].
    pub async fn sweep(&self, now: Timestamp, kept_for: TimeDelta) -> Result<u64, CacheError> {
        let swept = sqlx::query("DELETE FROM product_pages WHERE read_at < $1")
            .bind(now - kept_for)
            .execute(&self.pool)
            .await?;
        Ok(swept.rows_affected())
    }
}

fn id_of(account: AccountId, fingerprint: &str) -> Uuid {
    derived_id(account.shard(), "product_page", &[account.0.as_bytes(), fingerprint.as_bytes()])
}
