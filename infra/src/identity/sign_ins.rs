//! Passwords' hashes, one-time links and sessions of people on Postgres.

use async_trait::async_trait;
use chrono::DateTime;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{IdentityError, KeptPassword, SignIns, WebSession};
use sqlx::{PgConnection, PgPool};
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

    fn sealed(&self, account: AccountId, hash: &str) -> Vec<u8> {
        self.sealing.seal(account.0.as_bytes(), hash.as_bytes())
    }
}

/// Ends what an account's earlier password let in: its sessions but one, and what was approved for command
/// lines and is not exchanged yet.
async fn end_all(
    connection: &mut PgConnection,
    account: AccountId,
    but: Option<[u8; 32]>,
) -> Result<(), IdentityError> {
    sqlx::query("DELETE FROM web_sessions WHERE account = $1 AND ($2::bytea IS NULL OR token <> $2)")
        .bind(account.0)
        .bind(but.map(|token| token.to_vec()))
        .execute(&mut *connection)
        .await
        .map_err(unavailable)?;
    sqlx::query("UPDATE cli_sessions SET status = 'expired' WHERE account = $1 AND status = 'approved'")
        .bind(account.0)
        .execute(connection)
        .await
        .map(drop)
        .map_err(unavailable)
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

    async fn set_password_by_link(
        &self,
        token: [u8; 32],
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<(AccountId, i64)>, IdentityError> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let query =
            sqlx::query_scalar("DELETE FROM sign_in_links WHERE token = $1 AND expires_at > $2 RETURNING account");
        let query = query.bind(token.to_vec()).bind(now.timestamp_micros());
        let taken: Option<Uuid> = query.fetch_optional(&mut *transaction).await.map_err(unavailable)?;
        let Some(account) = taken.map(AccountId) else { return Ok(None) };
        let version = sqlx::query_scalar(
            "INSERT INTO passwords (account, sealed) VALUES ($1, $2)
             ON CONFLICT (account) DO UPDATE
             SET sealed = excluded.sealed, changed_at = now(), version = passwords.version + 1 RETURNING version",
        )
        .bind(account.0)
        .bind(self.sealed(account, hash))
        .fetch_one(&mut *transaction)
        .await
        .map_err(unavailable)?;
        end_all(&mut transaction, account, None).await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(Some((account, version)))
    }

    async fn set_first_password(&self, account: AccountId, hash: &str) -> Result<Option<i64>, IdentityError> {
        let query = "INSERT INTO passwords (account, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING version";
        let query = sqlx::query_scalar(query).bind(account.0).bind(self.sealed(account, hash));
        query.fetch_optional(&self.pool).await.map_err(unavailable)
    }

    async fn change_password(
        &self,
        account: AccountId,
        version: i64,
        hash: &str,
        session: [u8; 32],
    ) -> Result<bool, IdentityError> {
        let mut transaction = self.pool.begin().await.map_err(unavailable)?;
        let changed = sqlx::query(
            "UPDATE passwords SET sealed = $3, changed_at = now(), version = version + 1
             WHERE account = $1 AND version = $2",
        )
        .bind(account.0)
        .bind(version)
        .bind(self.sealed(account, hash))
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        end_all(&mut transaction, account, Some(session)).await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(true)
    }

    async fn password(&self, account: AccountId) -> Result<Option<KeptPassword>, IdentityError> {
        let query = sqlx::query_as("SELECT sealed, version FROM passwords WHERE account = $1").bind(account.0);
        let row: Option<(Vec<u8>, i64)> = query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        let Some((sealed, version)) = row else { return Ok(None) };
        let opened = self.sealing.open(account.0.as_bytes(), &sealed).map_err(|_| corrupt("a password's hash"))?;
        let hash = String::from_utf8(opened.to_vec()).map_err(|_| corrupt("a password's hash"))?;
        Ok(Some(KeptPassword { hash, version }))
    }

    async fn put_session(&self, token: [u8; 32], session: &WebSession, version: i64) -> Result<bool, IdentityError> {
        // Waits for a change of the password that is under way, and then finds another version; a change
        // that comes later waits for this, and then ends this session too.
        let put = sqlx::query(
            "WITH proven AS (SELECT account FROM passwords WHERE account = $2 AND version = $5 FOR SHARE)
             INSERT INTO web_sessions (token, account, began_at, seen_at) SELECT $1, account, $3, $4 FROM proven",
        )
        .bind(&token[..])
        .bind(session.account.0)
        .bind(session.began_at.timestamp_micros())
        .bind(session.seen_at.timestamp_micros())
        .bind(version)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        if put.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "DELETE FROM web_sessions WHERE token IN
             (SELECT token FROM web_sessions WHERE account = $1 ORDER BY began_at DESC, token OFFSET $2)",
        )
        .bind(session.account.0)
        .bind(SESSIONS_MAX)
        .execute(&self.pool)
        .await
        .map_err(unavailable)?;
        Ok(true)
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

    async fn sweep(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64, IdentityError> {
        let links = sqlx::query("DELETE FROM sign_in_links WHERE expires_at <= $1").bind(now.timestamp_micros());
        let links = links.execute(&self.pool).await.map_err(unavailable)?.rows_affected();
        let sessions = sqlx::query("DELETE FROM web_sessions WHERE seen_at < $1").bind(idle_since.timestamp_micros());
        Ok(links + sessions.execute(&self.pool).await.map_err(unavailable)?.rows_affected())
    }
}
