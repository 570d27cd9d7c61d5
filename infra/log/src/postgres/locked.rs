//! A shard held by an open transaction.

use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::es::{AppendError, Commit, End, LockedShard, Position, ReadError, Recorded};
use sqlx::{Executor, PgConnection};

use super::append::Sent;
use super::read::{self, Failure, shard_number};
use super::{NO_REPLY, PgEventLog, send_in_time, unavailable};

const LOCK: &str = "SELECT shard FROM shards WHERE shard = $1 FOR UPDATE";

/// The transaction that holds the shard's row. Others wait for the row in the order in which they
/// came.
pub(super) struct PgLockedShard {
    log: PgEventLog,
    shard: Shard,
    /// Taken out when the transaction is ended.
    connection: Option<PgConnection>,
}

impl PgLockedShard {
    pub(super) async fn lock(log: PgEventLog, shard: Shard) -> Result<Self, ReadError> {
        let mut tries = 0;
        let connection = loop {
            tries += 1;
            let mut connection = log.sessions.take_owned().await.map_err(unavailable)?;
            match say(&mut connection, log.reply_max, "BEGIN").await {
                Ok(()) => break connection,
                // An idle session that the server had closed, or that leads nowhere any more.
                Err(_) if tries == 1 => log.sessions.forget_idle(),
                Err(why) => return Err(ReadError::Unavailable(why)),
            }
        };
        let mut locked = PgLockedShard { log, shard, connection: Some(connection) };
        let found = {
            let reply_max = locked.log.reply_max;
            let query = sqlx::query(LOCK).bind(shard_number(shard)).fetch_optional(locked.connection()?);
            tokio::time::timeout(reply_max, query).await
        };
        match found {
            Ok(Ok(Some(_))) => Ok(locked),
            Ok(Ok(None)) => Err(ReadError::Corrupt(format!("shard {shard} was never opened"))),
            Ok(Err(error)) => {
                locked.abandon();
                Err(ReadError::Unavailable(error.to_string()))
            }
            Err(_) => {
                locked.abandon();
                Err(ReadError::Unavailable("the shard was not free in time".into()))
            }
        }
    }

    fn connection(&mut self) -> Result<&mut PgConnection, ReadError> {
        self.connection.as_mut().ok_or_else(let_go)
    }

    /// Closes the session: the server then rolls back.
    fn abandon(&mut self) {
        self.connection = None;
    }

    /// Reads within the time allowed for a reply; after a failure the session is not used again.
    async fn read_or_abandon<T>(
        &mut self,
        read: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure> + Send,
    ) -> Result<T, ReadError> {
        let reply_max = self.log.reply_max;
        let result = match tokio::time::timeout(reply_max, read(self.connection()?)).await {
            Ok(read) => read.map_err(ReadError::from),
            Err(_) => Err(ReadError::Unavailable(NO_REPLY.into())),
        };
        if result.is_err() {
            self.abandon();
        }
        result
    }
}

fn let_go() -> ReadError {
    ReadError::Unavailable("the shard was let go".into())
}

/// A statement without an answer to be read, within the time allowed for a reply.
async fn say(connection: &mut PgConnection, reply_max: Duration, statement: &'static str) -> Result<(), String> {
    match tokio::time::timeout(reply_max, connection.execute(statement)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{NO_REPLY} to {statement}")),
    }
}

impl Drop for PgLockedShard {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (sessions, reply_max) = (self.log.sessions.clone(), self.log.reply_max);
        runtime.spawn(async move {
            if say(&mut connection, reply_max, "ROLLBACK").await.is_ok() {
                sessions.put(connection);
            }
        });
    }
}

#[async_trait]
impl LockedShard for PgLockedShard {
    async fn end(&mut self) -> Result<End, ReadError> {
        let shard = self.shard;
        self.read_or_abandon(async move |connection| read::end(connection, shard).await).await
    }

    async fn at(&mut self, position: Position) -> Result<Option<Recorded>, ReadError> {
        let shard = self.shard;
        self.read_or_abandon(async move |connection| read::at(connection, shard, position).await).await
    }

    async fn read(&mut self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let shard = self.shard;
        self.read_or_abandon(async move |connection| read::read(connection, shard, after, limit).await).await
    }

    async fn append(mut self: Box<Self>, expected: End, commit: &Commit) -> Result<End, AppendError> {
        commit.check(self.shard).map_err(AppendError::Refused)?;
        let Some(mut connection) = self.connection.take() else {
            return Err(AppendError::Unavailable("the shard was let go".into()));
        };
        let reply_max = self.log.reply_max;
        match send_in_time(&mut connection, reply_max, self.shard, expected, commit).await {
            Sent::Appended(end) => {
                // Until the server says so nobody knows whether this took effect.
                match say(&mut connection, reply_max, "COMMIT").await {
                    Ok(()) => {
                        self.log.sessions.put(connection);
                        Ok(end)
                    }
                    Err(why) => Err(AppendError::Unknown(why)),
                }
            }
            Sent::ToBeJudged(said) => {
                if say(&mut connection, reply_max, "ROLLBACK").await.is_ok() {
                    self.log.sessions.put(connection);
                }
                self.log.judged(self.shard, expected, commit, &said).await
            }
            Sent::Unknown(error) => Err(AppendError::Unknown(error.to_string())),
        }
    }
}
