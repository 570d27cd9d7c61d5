//! The log on Postgres.

mod append;
mod columns;
mod connect;
mod locked;
mod read;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::es::{
    AppendError, Commit, End, EventLog, LockedShard, Position, ReadError, Recorded, SealedText, StreamId,
};
use mintmark_domain::ids::{CommitId, SealedId};
use mintmark_domain::{Shard, Timestamp};
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use crate::schema::{self, SchemaError};
use append::Sent;
use connect::Sessions;
use read::Failure;

pub use connect::{ConnectError, connect, pool, refuse_standby, session_options};

/// How many sessions a log keeps, unless said otherwise: one that appends, the rest read.
pub const SESSIONS_DEFAULT: usize = 8;
/// How long a reply may take before the session is given up.
pub const REPLY_MAX_DEFAULT: Duration = Duration::from_secs(30);

/// What is said of a session that stayed silent.
const NO_REPLY: &str = "no reply in time";

/// An [`EventLog`] on a Postgres database.
///
/// Sessions are READ COMMITTED with `synchronous_commit = on`, on the primary only. An append is one
/// statement in one round trip, prepared once per session.
#[derive(Clone, Debug)]
pub struct PgEventLog {
    sessions: Arc<Sessions>,
    reply_max: Duration,
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No session, or one on a standby.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The tables could not be made.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// Runs a read on a session; once more on a fresh one where the server had closed an idle one.
macro_rules! reading {
    ($log:expr, $connection:ident => $read:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let mut session = match $log.sessions.take().await {
                Ok(session) => session,
                Err(error) => break Err(unavailable(error)),
            };
            let reused = session.reused;
            let result = {
                let $connection = &mut session.connection;
                tokio::time::timeout($log.reply_max, $read).await
            };
            match result {
                Ok(Ok(value)) => {
                    session.keep();
                    break Ok(value);
                }
                Ok(Err(Failure::Database(_))) if reused && tries == 1 => $log.sessions.forget_idle(),
                Ok(Err(failure)) => break Err(ReadError::from(failure)),
                Err(_) => break Err(ReadError::Unavailable(NO_REPLY.into())),
            }
        }
    }};
}

impl PgEventLog {
    /// A log on the database that `options` name. Connects when it is first used.
    #[must_use]
    pub fn new(options: PgConnectOptions, application_name: &str) -> Self {
        Self::with_sessions(options, application_name, SESSIONS_DEFAULT)
    }

    /// The same with at most `sessions_max` sessions (one more while a shard is held).
    #[must_use]
    pub fn with_sessions(options: PgConnectOptions, application_name: &str, sessions_max: usize) -> Self {
        let options = connect::planned_once(session_options(options, application_name));
        PgEventLog { sessions: Arc::new(Sessions::new(options, sessions_max)), reply_max: REPLY_MAX_DEFAULT }
    }

    /// The same with another patience for replies.
    #[must_use]
    pub fn with_reply_max(self, reply_max: Duration) -> Self {
        PgEventLog { reply_max, ..self }
    }

    /// Connects and brings the schema up to date.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let mut session = self.sessions.take().await?;
        schema::migrate(&mut session.connection).await?;
        session.keep();
        Ok(())
    }

    async fn judged(&self, shard: Shard, expected: End, commit: &Commit, said: &str) -> Result<End, AppendError> {
        let judged: Result<_, ReadError> =
            reading!(self, connection => append::judge(connection, shard, expected, commit, said));
        // Until the rows were read, nobody knows.
        judged.unwrap_or_else(|error| Err(AppendError::Unknown(error.to_string())))
    }
}

fn unavailable(error: ConnectError) -> ReadError {
    ReadError::Unavailable(error.to_string())
}

/// Sends the statement within the time allowed for a reply.
async fn send_in_time(
    connection: &mut PgConnection,
    reply_max: Duration,
    shard: Shard,
    expected: End,
    commit: &Commit,
) -> Sent {
    match tokio::time::timeout(reply_max, append::send(connection, shard, expected, commit)).await {
        Ok(sent) => sent,
        Err(_) => Sent::Unknown(sqlx::Error::Protocol(NO_REPLY.into())),
    }
}

#[async_trait]
impl EventLog for PgEventLog {
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
        let mut session = self.sessions.take().await.map_err(|error| AppendError::Unavailable(error.to_string()))?;
        tokio::time::timeout(self.reply_max, append::open(&mut session.connection, shard, commit_id, at))
            .await
            .map_err(|_| AppendError::Unknown(NO_REPLY.into()))?
            .map_err(|error| AppendError::Unknown(error.to_string()))?;
        session.keep();
        self.end(shard).await.map_err(|error| AppendError::Unknown(error.to_string()))
    }

    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        commit.check(shard).map_err(AppendError::Refused)?;
        let mut session = self.sessions.take().await.map_err(|error| AppendError::Unavailable(error.to_string()))?;
        match send_in_time(&mut session.connection, self.reply_max, shard, expected, commit).await {
            Sent::Appended(end) => {
                session.keep();
                Ok(end)
            }
            Sent::ToBeJudged(said) => {
                session.keep();
                self.judged(shard, expected, commit, &said).await
            }
            Sent::Unknown(error) => {
                self.sessions.forget_idle();
                Err(AppendError::Unknown(error.to_string()))
            }
        }
    }

    async fn end(&self, shard: Shard) -> Result<End, ReadError> {
        reading!(self, connection => read::end(connection, shard))
    }

    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        reading!(self, connection => read::at(connection, shard, position))
    }

    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        reading!(self, connection => read::read(connection, shard, after, limit))
    }

    async fn read_streams_page(
        &self,
        streams: &[(StreamId, u64)],
        limit_each: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        reading!(self, connection => read::read_streams(connection, streams, limit_each))
    }

    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
        reading!(self, connection => read::read_sealed(connection, shard, ids))
    }

    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
        let locked = locked::PgLockedShard::lock(self.clone(), shard).await?;
        Ok(Box::new(locked))
    }
}
