//! The rows of uploads.

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::AssetError;
use sqlx::PgPool;
use uuid::Uuid;

/// An upload as its row says.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Row {
    pub asset_id: String,
    pub account_id: Uuid,
    pub key: String,
    pub content_type: String,
    pub declared: Option<i64>,
    pub state: String,
    pub size_bytes: Option<i64>,
}

const COLUMNS: &str = "asset_id, account_id, key, content_type, declared, state, size_bytes";

/// The rows of uploads.
#[derive(Clone, Debug)]
pub(super) struct Table(pub PgPool);

pub(super) fn unavailable(error: &sqlx::Error) -> AssetError {
    AssetError::Unavailable(error.to_string())
}

impl Table {
    /// Writes a new upload, unless the account has as many as it may have, or their bytes. Answers whether.
    pub async fn insert(
        &self,
        row: &Row,
        (now, read_until): (Timestamp, Timestamp),
        (count_max, bytes_max): (i64, i64),
    ) -> sqlx::Result<bool> {
        let mut transaction = self.0.begin().await?;
        // Of one account's requests one counts at a time.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || $1::text, 0))")
            .bind(row.account_id)
            .execute(&mut *transaction)
            .await?;
        let inserted = sqlx::query(
            "INSERT INTO uploads (asset_id, account_id, key, content_type, declared, state, created_at, read_until)
             SELECT $1, $2, $3, $4, $5, 'open', $6, $7
             FROM (SELECT count(*) AS number, coalesce(sum(coalesce(size_bytes, declared, 0)), 0) AS bytes
                   FROM uploads WHERE account_id = $2 AND read_until > $6) AS known
             WHERE number < $8 AND bytes + coalesce($5, 0) <= $9",
        )
        .bind(&row.asset_id)
        .bind(row.account_id)
        .bind(&row.key)
        .bind(&row.content_type)
        .bind(row.declared)
        .bind(now)
        .bind(read_until)
        .bind(count_max)
        .bind(bytes_max)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// An upload by its id.
    pub async fn find(&self, asset_id: &str) -> sqlx::Result<Option<Row>> {
        let sql = format!("SELECT {COLUMNS} FROM uploads WHERE asset_id = $1");
        sqlx::query_as(&sql).bind(asset_id).fetch_optional(&self.0).await
    }

    /// An upload by its file's key, once it was stored.
    pub async fn stored(&self, key: &str, now: Timestamp) -> sqlx::Result<Option<Row>> {
        let sql = format!("SELECT {COLUMNS} FROM uploads WHERE key = $1 AND state = 'stored' AND read_until > $2");
        sqlx::query_as(&sql).bind(key).bind(now).fetch_optional(&self.0).await
    }

    /// The bytes of an account's other uploads that can still be read.
    pub async fn bytes_of(&self, account: AccountId, but: &str, now: Timestamp) -> sqlx::Result<u64> {
        let bytes: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(coalesce(size_bytes, declared, 0)), 0)::bigint FROM uploads
             WHERE account_id = $1 AND asset_id <> $2 AND read_until > $3",
        )
        .bind(account.0)
        .bind(but)
        .bind(now)
        .fetch_one(&self.0)
        .await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Claims an upload for whoever stores it: one that nobody stores, or whose claim has lapsed.
    pub async fn claim(&self, asset_id: &str, claim: Uuid, now: Timestamp, lease: TimeDelta) -> sqlx::Result<bool> {
        let claimed = sqlx::query(
            "UPDATE uploads SET state = 'storing', claim = $2, claimed_until = $3
             WHERE asset_id = $1 AND (state = 'open' OR state = 'storing' AND claimed_until < $4)",
        )
        .bind(asset_id)
        .bind(claim)
        .bind(now + lease)
        .bind(now)
        .execute(&self.0)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Renews a claim. Answers whether it still held.
    pub async fn renew(&self, asset_id: &str, claim: Uuid, until: Timestamp) -> sqlx::Result<bool> {
        let renewed = sqlx::query("UPDATE uploads SET claimed_until = $3 WHERE asset_id = $1 AND claim = $2")
            .bind(asset_id)
            .bind(claim)
            .bind(until)
            .execute(&self.0)
            .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Gives a claim up: the file can be put again.
    pub async fn give_up(&self, asset_id: &str, claim: Uuid) -> sqlx::Result<()> {
        sqlx::query("UPDATE uploads SET state = 'open', claim = NULL WHERE asset_id = $1 AND claim = $2")
            .bind(asset_id)
            .bind(claim)
            .execute(&self.0)
            .await?;
        Ok(())
    }

    /// The file is stored. Answers whether the claim still held.
    pub async fn finish(&self, asset_id: &str, claim: Uuid, size_bytes: u64) -> sqlx::Result<bool> {
        let finished = sqlx::query(
            "UPDATE uploads SET state = 'stored', claim = NULL, size_bytes = $3 WHERE asset_id = $1 AND claim = $2",
        )
        .bind(asset_id)
        .bind(claim)
        .bind(size_bytes.cast_signed())
        .execute(&self.0)
        .await?;
        Ok(finished.rows_affected() == 1)
    }

    /// Keys of uploads whose address to read from is over, `limit` at most; with whether a file lies there.
    pub async fn over(&self, now: Timestamp, limit: i64) -> sqlx::Result<Vec<(String, String)>> {
        sqlx::query_as("SELECT asset_id, key FROM uploads WHERE read_until <= $1 ORDER BY read_until LIMIT $2")
            .bind(now)
            .bind(limit)
            .fetch_all(&self.0)
            .await
    }

    /// Forgets an upload.
    pub async fn forget(&self, asset_id: &str) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM uploads WHERE asset_id = $1").bind(asset_id).execute(&self.0).await?;
        Ok(())
    }
}
