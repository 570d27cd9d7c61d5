//! Sessions of command lines on Postgres: each change of status is one statement that names the status
//! it changes from, so that of several at once one wins.

use async_trait::async_trait;
use chrono::DateTime;
use mintmark_domain::Timestamp;
use mintmark_domain::account::{ActsWith, Scopes};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    CliSession, CliSessions, CliStatus, CliVerdict, IdentityError, OPEN_CLI_SESSIONS_MAX, WRONG_VERIFIERS_MAX,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::{corrupt, unavailable};

const OPEN: &str = "
    INSERT INTO cli_sessions (id, client_id, challenge, scopes, label, status, expires_at)
    SELECT $1, $2, $3, $4, $5, 'pending', $6
    WHERE (SELECT count(*) FROM cli_sessions WHERE expires_at > $7) < $8";
const FIND: &str = "
    SELECT id, client_id, challenge, scopes, label, status, expires_at FROM cli_sessions WHERE id = $1";
const JUDGE: &str = "
    UPDATE cli_sessions SET status = $2, account = $3, approved = $4
    WHERE id = $1 AND status = 'pending' AND expires_at > $5";
const CONSUME: &str = "
    UPDATE cli_sessions SET status = 'consumed'
    WHERE id = $1 AND status = 'approved' AND expires_at > $2 RETURNING account, approved";
const WRONG: &str = "
    UPDATE cli_sessions SET wrong = wrong + 1, status = CASE WHEN wrong + 1 >= $2 THEN 'expired' ELSE status END
    WHERE id = $1 AND status = 'approved' RETURNING wrong";

/// A [`CliSessions`] on Postgres.
#[derive(Clone, Debug)]
pub struct PgCliSessions {
    pool: PgPool,
}

/// What an approval says besides whose key it will be.
#[derive(Serialize, Deserialize)]
struct Approval {
    by: ActsWith,
    scopes: Scopes,
}

#[derive(FromRow)]
struct Row {
    id: String,
    client_id: String,
    challenge: String,
    scopes: String,
    label: Option<String>,
    status: String,
    expires_at: i64,
}

impl Row {
    fn session(self) -> Result<CliSession, IdentityError> {
        let status = CliStatus::ALL.into_iter().find(|status| status.as_str() == self.status);
        Ok(CliSession {
            scopes: serde_json::from_str(&self.scopes).map_err(|_| corrupt("a CLI session"))?,
            status: status.ok_or_else(|| corrupt("a CLI session"))?,
            expires_at: DateTime::from_timestamp_micros(self.expires_at).ok_or_else(|| corrupt("a CLI session"))?,
            id: self.id,
            client_id: self.client_id,
            challenge: self.challenge,
            label: self.label,
        })
    }
}

impl PgCliSessions {
    /// The sessions in this database.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        PgCliSessions { pool }
    }
}

#[async_trait]
impl CliSessions for PgCliSessions {
    async fn open(&self, session: &CliSession, now: Timestamp) -> Result<(), IdentityError> {
        let opened = sqlx::query(OPEN)
            .bind(&session.id)
            .bind(&session.client_id)
            .bind(&session.challenge)
            .bind(serde_json::to_string(&session.scopes).unwrap_or_default())
            .bind(&session.label)
            .bind(session.expires_at.timestamp_micros())
            .bind(now.timestamp_micros())
            .bind(i64::from(OPEN_CLI_SESSIONS_MAX))
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        if opened.rows_affected() == 1 { Ok(()) } else { Err(IdentityError::Full("sessions of command lines")) }
    }

    async fn find(&self, id: &str) -> Result<Option<CliSession>, IdentityError> {
        let row: Option<Row> = sqlx::query_as(FIND).bind(id).fetch_optional(&self.pool).await.map_err(unavailable)?;
        row.map(Row::session).transpose()
    }

    async fn judge(&self, id: &str, verdict: &CliVerdict, now: Timestamp) -> Result<bool, IdentityError> {
        let (status, account, approved) = match verdict {
            CliVerdict::Approved { account, by, scopes } => {
                let approval = Approval { by: by.clone(), scopes: scopes.clone() };
                (CliStatus::Approved, Some(account.0), Some(serde_json::to_string(&approval).unwrap_or_default()))
            }
            CliVerdict::Denied => (CliStatus::Denied, None, None),
        };
        let judged = sqlx::query(JUDGE)
            .bind(id)
            .bind(status.as_str())
            .bind(account)
            .bind(approved)
            .bind(now.timestamp_micros())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(judged.rows_affected() == 1)
    }

    async fn consume(&self, id: &str, now: Timestamp) -> Result<Option<(AccountId, ActsWith, Scopes)>, IdentityError> {
        let query = sqlx::query_as(CONSUME).bind(id).bind(now.timestamp_micros());
        let row: Option<(Option<Uuid>, Option<String>)> =
            query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        let Some((account, approved)) = row else { return Ok(None) };
        let approval: Option<Approval> = approved.and_then(|text| serde_json::from_str(&text).ok());
        let (Some(account), Some(approval)) = (account, approval) else { return Err(corrupt("a CLI session")) };
        Ok(Some((AccountId(account), approval.by, approval.scopes)))
    }

    async fn give_back(&self, id: &str) -> Result<(), IdentityError> {
        let query = sqlx::query("UPDATE cli_sessions SET status = 'approved' WHERE id = $1 AND status = 'consumed'");
        query.bind(id).execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    async fn wrong_verifier(&self, id: &str) -> Result<u32, IdentityError> {
        let query = sqlx::query_scalar(WRONG).bind(id).bind(WRONG_VERIFIERS_MAX.cast_signed());
        let wrong: Option<i32> = query.fetch_optional(&self.pool).await.map_err(unavailable)?;
        Ok(wrong.map_or(WRONG_VERIFIERS_MAX, i32::cast_unsigned))
    }

    async fn sweep(&self, before: Timestamp) -> Result<u64, IdentityError> {
        let query = sqlx::query("DELETE FROM cli_sessions WHERE expires_at < $1").bind(before.timestamp_micros());
        Ok(query.execute(&self.pool).await.map_err(unavailable)?.rows_affected())
    }
}
