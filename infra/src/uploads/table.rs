//! The rows of uploads.

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
    pub claimed_until: Option<Timestamp>,
}

/// What counts against an account's limits: what is stored, what comes in, and what can still be put. `now`
/// and `put_since` are the statement's places of the present and of when the oldest address was made that is
/// still good.
fn live(now: &str, put_since: &str) -> String {
    format!(
        "read_until > {now} AND (state = 'stored' OR created_at > {put_since} OR state = 'storing' AND claimed_until > {now})"
    )
}

/// When an upload counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub now: Timestamp,
    /// What was opened before cannot be put any more.
    pub put_since: Timestamp,
}

/// A claim on an upload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub id: Uuid,
    pub until: Timestamp,
}

const COLUMNS: &str = "asset_id, account_id, key, content_type, declared, state, size_bytes, claimed_until";

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
        (since, read_until): (Since, Timestamp),
        (count_max, bytes_max): (i64, i64),
    ) -> sqlx::Result<bool> {
        let mut transaction = self.counting(row.account_id).await?;
        let sql = format!(
            "INSERT INTO uploads
                 (asset_id, account_id, key, content_type, declared, state, size_bytes, created_at, read_until)
             SELECT $1, $2, $3, $4, $5, $11, $12, $6, $7
             FROM (SELECT count(*) AS number, coalesce(sum(coalesce(size_bytes, declared, 0)), 0) AS bytes
                   FROM uploads WHERE account_id = $2 AND {}) AS known
             WHERE number < $8 AND bytes + coalesce($12, $5, 0) <= $9",
            live("$6", "$10")
        );
        let inserted = sqlx::query(&sql)
            .bind(&row.asset_id)
            .bind(row.account_id)
            .bind(&row.key)
            .bind(&row.content_type)
            .bind(row.declared)
            .bind(since.now)
            .bind(read_until)
            .bind(count_max)
            .bind(bytes_max)
            .bind(since.put_since)
            .bind(&row.state)
            .bind(row.size_bytes)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// A transaction in which nobody else counts this account's uploads.
    async fn counting(&self, account_id: Uuid) -> sqlx::Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        let mut transaction = self.0.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || $1::text, 0))")
            .bind(account_id)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction)
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

    /// The bytes of an account's other uploads.
    pub async fn bytes_of(&self, account: AccountId, but: &str, since: Since) -> sqlx::Result<u64> {
        let sql = format!(
            "SELECT coalesce(sum(coalesce(size_bytes, declared, 0)), 0)::bigint FROM uploads
             WHERE account_id = $1 AND asset_id <> $2 AND {}",
            live("$3", "$4")
        );
        let bytes: i64 = sqlx::query_scalar(&sql)
            .bind(account.0)
            .bind(but)
            .bind(since.now)
            .bind(since.put_since)
            .fetch_one(&self.0)
            .await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Claims an upload for whoever stores it, one that nobody stores or whose claim has lapsed, together
    /// with the bytes that are known to come. Answers whether; not where the account has no room for them.
    pub async fn claim(
        &self,
        row: &Row,
        claim: Claim,
        since: Since,
        (coming, bytes_max): (Option<i64>, i64),
    ) -> sqlx::Result<bool> {
        let mut transaction = self.counting(row.account_id).await?;
        let sql = format!(
            "UPDATE uploads SET state = 'storing', claim = $2, claimed_until = $3, size_bytes = $4
             WHERE asset_id = $1 AND (state = 'open' OR state = 'storing' AND claimed_until < $5)
               AND (SELECT coalesce(sum(coalesce(size_bytes, declared, 0)), 0) FROM uploads
                    WHERE account_id = $7 AND asset_id <> $1 AND {}) + coalesce($4, declared, 0) <= $8",
            live("$5", "$6")
        );
        let claimed = sqlx::query(&sql)
            .bind(&row.asset_id)
            .bind(claim.id)
            .bind(claim.until)
            .bind(coming)
            .bind(since.now)
            .bind(since.put_since)
            .bind(row.account_id)
            .bind(bytes_max)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Renews a claim, and says how many bytes came so far. Answers whether it still held.
    pub async fn renew(&self, asset_id: &str, claim: Claim, came: u64) -> sqlx::Result<bool> {
        let renewed = sqlx::query(
            "UPDATE uploads SET claimed_until = $3, size_bytes = greatest(size_bytes, $4)
             WHERE asset_id = $1 AND claim = $2",
        )
        .bind(asset_id)
        .bind(claim.id)
        .bind(claim.until)
        .bind(came.cast_signed())
        .execute(&self.0)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Gives a claim up: the file can be put again.
    pub async fn give_up(&self, asset_id: &str, claim: Uuid) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE uploads SET state = 'open', claim = NULL, size_bytes = NULL WHERE asset_id = $1 AND claim = $2",
        )
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

    /// Uploads that can be read no more, and those that can be put no more and never were, `limit` of each at
    /// most: their ids and keys.
    pub async fn over(&self, since: Since, limit: i64) -> sqlx::Result<Vec<(String, String)>> {
        sqlx::query_as(
            "(SELECT asset_id, key FROM uploads WHERE read_until <= $1 ORDER BY read_until LIMIT $3)
             UNION
             (SELECT asset_id, key FROM uploads
              WHERE state <> 'stored' AND created_at <= $2 AND coalesce(claimed_until, $1) <= $1
              ORDER BY created_at LIMIT $3)",
        )
        .bind(since.now)
        .bind(since.put_since)
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
