//! Starting, using and leaving the embedded cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use crate::account::Account;
use crate::cluster::Cluster;
use crate::locks::{Lock, Locks};
use crate::place::{PORT, Place};
use crate::{Binaries, EMBEDDED_NAME, EmbeddedSettings, LastLeave, StartError};

/// How often the log files are counted.
const LOG_CARE_EVERY: Duration = Duration::from_secs(300);
/// How often a server that is in use is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// The longest pause after a restart that failed; the first is [`WATCH_EVERY`], doubled each time.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The embedded Postgres of a data directory.
#[derive(Debug)]
pub struct EmbeddedPostgres;

/// This process's use of a live cluster. [`Handle::close`] it at the end; dropping it does
/// the same, blocking the thread while Postgres stops.
#[derive(Debug)]
pub struct Handle {
    cluster: Arc<Cluster>,
    locks: Locks,
    using: Option<Lock>,
    socket_directory: PathBuf,
    log_care: Option<Sender<()>>,
    started: bool,
}

/// How a use of the cluster ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nobody else used it: it was stopped.
    Stopped,
    /// It goes on running.
    Running,
}

impl EmbeddedPostgres {
    /// Finds the live cluster of the data directory, or starts it, or makes it first.
    /// Both directories and the database [`EMBEDDED_NAME`] are made if they are missing.
    ///
    /// # Errors
    /// Any [`StartError`]; each says in one line what to do.
    pub async fn start(data_directory: &Path, settings: EmbeddedSettings) -> Result<Handle, StartError> {
        let data = data_directory.to_owned();
        let started = tokio::task::spawn_blocking(move || start_blocking(&data, settings));
        let handle = started.await.map_err(|error| StartError::Interrupted(error.to_string()))??;
        handle.ensure_database().await?;
        Ok(handle)
    }
}

fn start_blocking(data: &Path, settings: EmbeddedSettings) -> Result<Handle, StartError> {
    let account = Account::for_this_process()?;
    let installed = Binaries::installed(&settings)?;
    let place = Place::find(data, account, &settings)?;
    let locks = Locks::in_home(&place.home);
    let deciding = locks.deciding(settings.start_timeout)?;
    let using = locks.using(settings.start_timeout)?;
    let binaries = Binaries::choose(installed, place.made_by()?, &place.cluster)?;
    let cluster = Arc::new(Cluster { place, account, binaries, settings });
    let started = cluster.ensure_running()?;
    let socket_directory = cluster.socket_directory();
    drop(deciding);
    let log_care = take_care_of_logs(Arc::clone(&cluster));
    Ok(Handle { cluster, locks, using: Some(using), socket_directory, log_care, started })
}

/// Keeps the number of log files small for as long as the sender lives.
fn take_care_of_logs(cluster: Arc<Cluster>) -> Option<Sender<()>> {
    let (alive, ended) = channel();
    let care = move || {
        while ended.recv_timeout(LOG_CARE_EVERY) == Err(RecvTimeoutError::Timeout) {
            cluster.prune_logs();
        }
    };
    std::thread::Builder::new().name("postgres-logs".to_owned()).spawn(care).ok().map(|_| alive)
}

impl Handle {
    /// How to connect to the database [`EMBEDDED_NAME`].
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_directory)
            .port(PORT)
            .username(EMBEDDED_NAME)
            .database(EMBEDDED_NAME)
    }

    /// What people should know about where the database lies, if it is not in the data
    /// directory.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.cluster.place.notice.as_deref()
    }

    /// Whether it was this process that found no live cluster and started it.
    #[must_use]
    pub fn started(&self) -> bool {
        self.started
    }

    /// The installed server in use: `program("pg_dump")` is the dump that fits.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.cluster.binaries
    }

    /// The directory that holds the lock files, the cluster and (mostly) the socket.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.cluster.place.home
    }

    /// The directory of the Unix socket, as `host` for Postgres' own programs.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        &self.socket_directory
    }

    /// The process id of the live server.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.cluster.pid()
    }

    /// Whether no process of the server is left. After a crash its backends live on for a
    /// moment, until they notice.
    #[must_use]
    pub fn server_is_gone(&self) -> bool {
        self.cluster.is_gone()
    }

    /// Starts the cluster again if it has died. Answers whether that was needed.
    ///
    /// # Errors
    /// As [`EmbeddedPostgres::start`].
    pub async fn ensure_running(&self) -> Result<bool, StartError> {
        let (cluster, locks) = (Arc::clone(&self.cluster), self.locks.clone());
        let work = tokio::task::spawn_blocking(move || {
            let _deciding = locks.deciding(cluster.settings.start_timeout)?;
            cluster.ensure_running()
        });
        work.await.map_err(|error| StartError::Interrupted(error.to_string()))?
    }

    /// Looks at the cluster as long as it is polled, and starts it again whenever it has died.
    pub async fn keep_running(&self) {
        let mut pause = WATCH_EVERY;
        loop {
            tokio::time::sleep(pause).await;
            if self.server_pid().is_some() {
                pause = WATCH_EVERY;
                continue;
            }
            tracing::error!("the embedded Postgres has died; it is started again");
            pause = match self.ensure_running().await {
                Ok(_) => {
                    tracing::info!(pid = self.server_pid(), "the embedded Postgres runs again");
                    WATCH_EVERY
                }
                Err(error) => {
                    tracing::error!(%error, "the embedded Postgres could not be started again");
                    (pause * 2).min(RESTART_PAUSE_MAX)
                }
            };
        }
    }

    /// Leaves the cluster. The last process to leave stops it (unless the settings say
    /// otherwise) and waits until it is down. Close connection pools first.
    ///
    /// # Errors
    /// When the lock files cannot be used or Postgres does not stop.
    pub async fn close(mut self) -> Result<Left, StartError> {
        let work = tokio::task::spawn_blocking(move || self.leave());
        work.await.map_err(|error| StartError::Interrupted(error.to_string()))?
    }

    fn leave(&mut self) -> Result<Left, StartError> {
        drop(self.log_care.take());
        let Some(using) = self.using.take() else {
            return Ok(Left::Running);
        };
        if self.cluster.settings.last_leave == LastLeave::Keep {
            return Ok(Left::Running);
        }
        let _deciding = self.locks.deciding(self.cluster.settings.start_timeout)?;
        let Some(_alone) = self.locks.leave(using)? else {
            return Ok(Left::Running);
        };
        self.cluster.stop()?;
        Ok(Left::Stopped)
    }

    /// Makes our database in a new cluster. Two processes may try at once.
    async fn ensure_database(&self) -> Result<(), StartError> {
        match connect_when_it_accepts(&self.connect_options()).await {
            Ok(connection) => return connection.close().await.map_err(StartError::Connect),
            Err(error) if sql_state(&error).as_deref() == Some("3D000") => {}
            Err(error) => return Err(StartError::Connect(error)),
        }
        let options = self.connect_options().database("postgres");
        let mut connection = PgConnection::connect_with(&options).await.map_err(StartError::Connect)?;
        let statement = format!("CREATE DATABASE {EMBEDDED_NAME}");
        match connection.execute(statement.as_str()).await {
            Ok(_) => {}
            // Made by another process just now.
            Err(error) if matches!(sql_state(&error).as_deref(), Some("42P04" | "23505")) => {}
            Err(error) => return Err(StartError::Connect(error)),
        }
        connection.close().await.map_err(StartError::Connect)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.using.is_some()
            && let Err(error) = self.leave()
        {
            tracing::warn!(%error, "the embedded Postgres could not be left cleanly");
        }
    }
}

/// Connects, and tries again for a moment while the server says that it starts or is full.
async fn connect_when_it_accepts(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    for _ in 0..100 {
        match PgConnection::connect_with(options).await {
            Err(error) if matches!(sql_state(&error).as_deref(), Some("57P03" | "53300")) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
    PgConnection::connect_with(options).await
}

fn sql_state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}
