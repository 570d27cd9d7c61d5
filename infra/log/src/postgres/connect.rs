//! Sessions as the log needs them, and a few of them kept open.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Row};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long anything may hold a shard without saying a word before Postgres ends its session.
const IDLE_IN_TRANSACTION_MAX: &str = "10s";
/// How long one statement may run, waiting for its turn included.
const STATEMENT_MAX: &str = "60s";
/// How long a new session may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A session of a pool that rested for so long is tried before it is used again: the server may have gone meanwhile.
/// Sooner that would be a round trip more for each statement.
const UNTRIED_MAX: Duration = Duration::from_secs(1);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server cannot be reached or refuses.
    #[error("cannot connect: {0}")]
    Database(#[from] sqlx::Error),
    /// The server is a standby: what it shows may be old, and nothing can be written.
    #[error("the server is a standby; connect to the primary")]
    Standby,
    /// The session did not come up in time.
    #[error("no session within {} s", CONNECT_MAX.as_secs())]
    TimedOut,
}

/// The settings that every session of ours has, whatever the server's, the database's or the role's
/// defaults are: READ COMMITTED, commits that survive a crash, no session that holds locks for ever.
#[must_use]
pub fn session_options(options: PgConnectOptions, application_name: &str) -> PgConnectOptions {
    options
        .application_name(application_name)
        .options([
            ("default_transaction_isolation", "read\\ committed"),
            ("synchronous_commit", "on"),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MAX),
            ("statement_timeout", STATEMENT_MAX),
        ])
        .disable_statement_logging()
}

/// The plans of the log's own few statements: made once per session and always by index. Planned while
/// the tables are still small, a statement would else go on reading them whole as they grow.
pub(super) fn planned_once(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("jit", "off")])
}

/// Refuses a session on a standby.
pub async fn refuse_standby(connection: &mut PgConnection) -> Result<(), ConnectError> {
    let row = sqlx::query("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if row.try_get::<bool, _>(0)? { Err(ConnectError::Standby) } else { Ok(()) }
}

/// Opens one session on the primary. `options` come from [`session_options`].
pub async fn connect(options: &PgConnectOptions) -> Result<PgConnection, ConnectError> {
    let opening = async {
        let mut connection = PgConnection::connect_with(options).await?;
        refuse_standby(&mut connection).await?;
        Ok(connection)
    };
    tokio::time::timeout(CONNECT_MAX, opening).await.map_err(|_| ConnectError::TimedOut)?
}

/// A pool of sessions with the settings of [`session_options`], for whoever reads or writes beside the
/// log: claims, ids and keys must survive a crash as the events do that rely on them. Connects when it
/// is first used.
#[must_use]
pub fn pool(options: PgConnectOptions, application_name: &str, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(CONNECT_MAX)
        .test_before_acquire(false)
        .before_acquire(|connection, resting| {
            Box::pin(async move {
                if resting.idle_for >= UNTRIED_MAX {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                refuse_standby(connection).await.map_err(|error| match error {
                    ConnectError::Database(error) => error,
                    other => sqlx::Error::Configuration(Box::new(other)),
                })
            })
        })
        .connect_lazy_with(session_options(options, application_name))
}

/// The log's own sessions. Unlike a pool it says nothing to the server between two uses: an append
/// is one round trip.
#[derive(Debug)]
pub(super) struct Sessions {
    options: PgConnectOptions,
    idle: Mutex<Vec<PgConnection>>,
    places: Semaphore,
}

/// A session in use. Dropping it closes it; [`Session::keep`] gives it back.
pub(super) struct Session<'a> {
    pub(super) connection: PgConnection,
    sessions: &'a Sessions,
    /// Whether it was in use before: then the server may have closed it unnoticed.
    pub(super) reused: bool,
    _place: SemaphorePermit<'a>,
}

impl Session<'_> {
    /// Gives the session back for the next one. Only where nothing is left to be read from it.
    pub(super) fn keep(self) {
        self.sessions.put(self.connection);
    }
}

impl Sessions {
    pub(super) fn new(options: PgConnectOptions, connections_max: usize) -> Self {
        Sessions { options, idle: Mutex::default(), places: Semaphore::new(connections_max) }
    }

    pub(super) async fn take(&self) -> Result<Session<'_>, ConnectError> {
        let place = tokio::time::timeout(CONNECT_MAX, self.places.acquire())
            .await
            .map_err(|_| ConnectError::TimedOut)?
            .map_err(|_| ConnectError::TimedOut)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (connection, reused) = match idle {
            Some(connection) => (connection, true),
            None => (connect(&self.options).await?, false),
        };
        Ok(Session { connection, sessions: self, reused, _place: place })
    }

    /// A session of its own, beside the bounded ones: for whoever keeps it longer.
    pub(super) async fn take_owned(&self) -> Result<PgConnection, ConnectError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => connect(&self.options).await,
        }
    }

    /// Keeps a session for the next one.
    pub(super) fn put(&self, connection: PgConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.places.available_permits().max(4) {
            idle.push(connection);
        }
    }

    /// Forgets the idle sessions: one of them was found broken, so all may be.
    pub(super) fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
