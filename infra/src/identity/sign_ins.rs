//! Passwords' hashes, one-time links and sessions of people on Postgres.

use async_trait::async_trait;
use chrono::DateTime;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{IdentityError, SignIns, WebSession};
use sqlx::PgPool;
use uuid::Uuid;

use super::{corrupt, unavailable};
use crate::keys::{MasterKey, Purpose, PurposeKey};

/// How many sessions an account has at most; with one more the oldest ends.
pub const SESSIONS_MAX: i64 = 50;

/// A [`SignIns`] on Postgres. Passwords' hashes are sealed besides, so that the database alone is not enough
/// to guess at them.
#[derive(Clone)]
pub struct PgSignIns {
    pool: PgPool,
    sealing: PurposeKey,
}

impl PgSignIns {
    /// What this database holds, sealed under this master key.
    #[must_use]
    pub fn new(pool: PgPool, master: &MasterKey) -> Self {
        PgSignIns { pool, sealing: master.purpose(Purpose::Passwords) }
    }
}

#[async_trait]
impl SignIns for PgSignIns {
    async fn put_link(&self, token: [u8; 32], account: AccountId, expires_at: Timestamp) -> Result<(), IdentityError> {
        sqlx::query(
            "INSERT INTO sign_in_links (account, token, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (account) DO UPDATE SET token = excluded.token, expires_at = excluded.expires_at",
        )
        .bind(account.0)
        .bind(&token[..])
        .bind(expires_at.timestamp_micros())
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(unavailable)
    }

    async fn link(&self, token: [u8; 32], now: Timestamp) -> Result<Option<AccountId>, IdentityError> {
        let query = sqlx::query_scalar("SELECT account FROM sign_in_links WHERE token = $1 AND expires_at > $2");
        let query = query.bind(token.to_vec()).bind(now.timestamp_micros());
        let found: Option<Uuid> = query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        Ok(found.map(AccountId))
    }

    async fn take_link(&self, token: [u8; 32], now: Timestamp) -> Result<Option<AccountId>, IdentityError> {
        let query =
            sqlx::query_scalar("DELETE FROM sign_in_links WHERE token = $1 AND expires_at > $2 RETURNING account");
        let query = query.bind(token.to_vec()).bind(now.timestamp_micros());
        let taken: Option<Uuid> = query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        Ok(taken.map(AccountId))
    }

    async fn put_password(&self, account: AccountId, hash: &str) -> Result<(), IdentityError> {
        sqlx::query(
            "INSERT INTO passwords (account, sealed) VALUES ($1, $2)
             ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, changed_at = now()",
        )
        .bind(account.0)
        .bind(self.sealing.seal(account.0.as_bytes(), hash.as_bytes()))
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(unavailable)
    }

    async fn password(&self, account: AccountId) -> Result<Option<String>, IdentityError> {
        let query = sqlx::query_scalar("SELECT sealed FROM passwords WHERE account = $1").bind(account.0);
        let sealed: Option<Vec<u8>> = query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        let Some(sealed) = sealed else { return Ok(None) };
        let opened = self.sealing.open(account.0.as_bytes(), &sealed).map_err(|_| corrupt("a password's hash"))?;
        String::from_utf8(opened.to_vec()).map(Some).map_err(|_| corrupt("a password's hash"))
    }

    async fn put_session(&self, token: [u8; 32], session: &WebSession) -> Result<(), IdentityError> {
        sqlx::query("INSERT INTO web_sessions (token, account, began_at, seen_at) VALUES ($1, $2, $3, $4)")
            .bind(&token[..])
            .bind(session.account.0)
            .bind(session.began_at.timestamp_micros())
            .bind(session.seen_at.timestamp_micros())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        sqlx::query(
            "DELETE FROM web_sessions WHERE token IN
             (SELECT token FROM web_sessions WHERE account = $1 ORDER BY began_at DESC, token OFFSET $2)",
        )
        .bind(session.account.0)
        .bind(SESSIONS_MAX)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(unavailable)
    }

    async fn session(&self, token: [u8; 32]) -> Result<Option<WebSession>, IdentityError> {
        let query = sqlx::query_as("SELECT account, began_at, seen_at FROM web_sessions WHERE token = $1");
        let row: Option<(Uuid, i64, i64)> =
            query.bind(token.to_vec()).fetch_optional(&self.pool).await.map_err(unavailable)?;
        let Some((account, began_at, seen_at)) = row else { return Ok(None) };
        let time = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(|| corrupt("a session"));
        Ok(Some(WebSession { account: AccountId(account), began_at: time(began_at)?, seen_at: time(seen_at)? }))
    }

    async fn seen(&self, token: [u8; 32], at: Timestamp) -> Result<(), IdentityError> {
        let query = sqlx::query("UPDATE web_sessions SET seen_at = greatest(seen_at, $2) WHERE token = $1");
        let query = query.bind(token.to_vec()).bind(at.timestamp_micros());
        query.execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    async fn end_session(&self, token: [u8; 32]) -> Result<(), IdentityError> {
        let query = sqlx::query("DELETE FROM web_sessions WHERE token = $1").bind(token.to_vec());
        query.execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    async fn end_others(&self, account: AccountId, but: Option<[u8; 32]>) -> Result<u64, IdentityError> {
        let query = sqlx::query("DELETE FROM web_sessions WHERE account = $1 AND ($2::bytea IS NULL OR token <> $2)");
        let query = query.bind(account.0).bind(but.map(|token| token.to_vec()));
        Ok(query.execute(&self.pool).await.map_err(unavailable)?.rows_affected())
    }

    async fn sweep(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64, IdentityError> {
        let links = sqlx::query("DELETE FROM sign_in_links WHERE expires_at <= $1").bind(now.timestamp_micros());
        let links = links.execute(&self.pool).await.map_err(unavailable)?.rows_affected();
        let sessions = sqlx::query("DELETE FROM web_sessions WHERE seen_at < $1").bind(idle_since.timestamp_micros());
        Ok(links + sessions.execute(&self.pool).await.map_err(unavailable)?.rows_affected())
    }
}
