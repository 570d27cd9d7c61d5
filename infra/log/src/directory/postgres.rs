//! Claims on Postgres.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use mintmark_domain::ports::{Claim, ClaimKind, ClaimRequest, Clock, Directory, DirectoryError};
use mintmark_domain::{Shard, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::check_value;

/// Inserted, or owned already; a row comes back only then.
const CLAIM: &str = "
    INSERT INTO claims (kind, value, owner, shard, reference, claimed_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (kind, value) DO UPDATE
    SET claimed_at = excluded.claimed_at, reference = coalesce(excluded.reference, claims.reference)
    WHERE claims.owner = excluded.owner
    RETURNING 1";
const CONFIRM: &str =
    "UPDATE claims SET confirmed = true WHERE kind = $1 AND value = $2 AND owner = $3 AND NOT confirmed";
const FIND: &str = "
    SELECT kind, value, owner, reference, claimed_at, confirmed FROM claims WHERE kind = $1 AND value = $2";
const WALK: &str = "
    SELECT kind, value, owner, reference, claimed_at, confirmed FROM claims
    WHERE (kind, value) > ($1, $2) ORDER BY kind, value LIMIT $3";
const RELEASE: &str = "DELETE FROM claims WHERE kind = $1 AND value = $2 AND owner = $3";
const OWNED_BY: &str = "
    SELECT kind, value, owner, reference, claimed_at, confirmed FROM claims WHERE owner = $1 ORDER BY kind, value";
const UNCONFIRMED: &str = "
    SELECT kind, value, owner, reference, claimed_at, confirmed FROM claims
    WHERE NOT confirmed AND claimed_at < $1 ORDER BY claimed_at, kind, value LIMIT $2";
/// Not where it was claimed again meanwhile.
const SWEEP: &str = "
    DELETE FROM claims WHERE kind = $1 AND value = $2 AND owner = $3 AND claimed_at = $4 AND NOT confirmed";
/// The log's word counts: an unconfirmed claim of another gives way, a confirmed one was entered by
/// this rebuild or by the log itself.
const ENTER: &str = "
    INSERT INTO claims (kind, value, owner, shard, reference, claimed_at, confirmed)
    VALUES ($1, $2, $3, $4, $5, $6, true)
    ON CONFLICT (kind, value) DO UPDATE
    SET owner = excluded.owner, shard = excluded.shard, confirmed = true,
        reference = coalesce(excluded.reference, claims.reference)
    WHERE claims.owner = excluded.owner OR NOT claims.confirmed
    RETURNING 1";

/// A [`Directory`] on Postgres.
#[derive(Clone)]
pub struct PgDirectory {
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

impl PgDirectory {
    /// The directory in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        PgDirectory { pool, clock }
    }

    /// All claims by kind and value, those after `after`, at most `limit`: for whoever compares them with
    /// the log.
    pub async fn walk(&self, after: Option<&Claim>, limit: usize) -> Result<Vec<Claim>, DirectoryError> {
        let rows = sqlx::query(WALK)
            .bind(after.map_or("", |claim| claim.kind.as_str()))
            .bind(after.map_or(&[][..], |claim| &claim.value))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        rows.iter().map(claim_of).collect()
    }
}

pub(super) fn unavailable(error: sqlx::Error) -> DirectoryError {
    DirectoryError::Unavailable(error.to_string())
}

pub(super) fn signed(number: u64) -> Result<i64, DirectoryError> {
    i64::try_from(number).map_err(|_| DirectoryError::BadValue)
}

fn claim_of(row: &PgRow) -> Result<Claim, DirectoryError> {
    let read = || -> Result<_, sqlx::Error> {
        let kind: String = row.try_get(0)?;
        let reference: Option<i64> = row.try_get(3)?;
        let claimed_at: i64 = row.try_get(4)?;
        Ok((kind, row.try_get(1)?, row.try_get(2)?, reference, claimed_at, row.try_get(5)?))
    };
    let (kind, value, owner, reference, claimed_at, confirmed) = read().map_err(unavailable)?;
    let claimed_at = DateTime::from_timestamp_micros(claimed_at);
    Ok(Claim {
        kind: kind.parse()?,
        value,
        owner,
        reference: reference.and_then(|reference| u64::try_from(reference).ok()),
        claimed_at: claimed_at.ok_or_else(|| DirectoryError::Corrupt("a claim out of time".into()))?,
        confirmed,
    })
}

#[async_trait]
impl Directory for PgDirectory {
    async fn claim(&self, request: &ClaimRequest) -> Result<(), DirectoryError> {
        check_value(&request.value)?;
        let claimed = sqlx::query(CLAIM)
            .bind(request.kind.as_str())
            .bind(&request.value)
            .bind(request.owner)
            .bind(Shard::of(request.owner).number().cast_signed())
            .bind(request.reference.map(signed).transpose()?)
            .bind(self.clock.now().timestamp_micros())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        claimed.map(drop).ok_or(DirectoryError::Taken)
    }

    async fn confirm(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<(), DirectoryError> {
        let query = sqlx::query(CONFIRM).bind(kind.as_str()).bind(value).bind(owner);
        query.execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    async fn find(&self, kind: ClaimKind, value: &[u8]) -> Result<Option<Claim>, DirectoryError> {
        let query = sqlx::query(FIND).bind(kind.as_str()).bind(value);
        let row = query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        row.as_ref().map(claim_of).transpose()
    }

    async fn release(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<bool, DirectoryError> {
        let query = sqlx::query(RELEASE).bind(kind.as_str()).bind(value).bind(owner);
        let released = query.execute(&self.pool).await.map_err(unavailable)?;
        Ok(released.rows_affected() > 0)
    }

    async fn owned_by(&self, owner: Uuid) -> Result<Vec<Claim>, DirectoryError> {
        let rows = sqlx::query(OWNED_BY).bind(owner).fetch_all(&self.pool).await.map_err(unavailable)?;
        rows.iter().map(claim_of).collect()
    }

    async fn unconfirmed(&self, before: Timestamp, limit: usize) -> Result<Vec<Claim>, DirectoryError> {
        let rows = sqlx::query(UNCONFIRMED)
            .bind(before.timestamp_micros())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        rows.iter().map(claim_of).collect()
    }

    async fn sweep(&self, orphan: &Claim) -> Result<bool, DirectoryError> {
        let swept = sqlx::query(SWEEP)
            .bind(orphan.kind.as_str())
            .bind(&orphan.value)
            .bind(orphan.owner)
            .bind(orphan.claimed_at.timestamp_micros())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(swept.rows_affected() > 0)
    }

    async fn rebuild(
        &self,
        claims: &mut (dyn Iterator<Item = ClaimRequest> + Send),
    ) -> Result<Vec<ClaimRequest>, DirectoryError> {
        let now = self.clock.now().timestamp_micros();
        let mut contested = Vec::new();
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await.map_err(unavailable)?;
        // Whoever claims meanwhile waits; what was confirmed before is the log's to say anew.
        sqlx::query("UPDATE claims SET confirmed = false WHERE confirmed")
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        for request in claims {
            check_value(&request.value)?;
            let entered = sqlx::query(ENTER)
                .bind(request.kind.as_str())
                .bind(&request.value)
                .bind(request.owner)
                .bind(Shard::of(request.owner).number().cast_signed())
                .bind(request.reference.map(signed).transpose()?)
                .bind(now)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(unavailable)?;
            if entered.is_none() {
                contested.push(request);
            }
        }
        transaction.commit().await.map_err(unavailable)?;
        Ok(contested)
    }
}
