//! The database that a process works on: its own server's, or the embedded one.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

use crate::{EmbeddedPostgres, EmbeddedSettings, Handle, Left, StartError};

/// The database that a process works on.
#[derive(Debug)]
pub enum Database {
    /// A server of the operator's own, named by `DATABASE_URL`.
    External(Box<PgConnectOptions>),
    /// The private cluster in the data directory.
    Embedded(Handle),
}

impl Database {
    /// The database that `DATABASE_URL` names, else the embedded one. Nothing is connected
    /// to an external server yet.
    ///
    /// # Errors
    /// Any [`StartError`]; each says in one line what to do.
    pub async fn open(
        database_url: Option<&str>,
        data_directory: &Path,
        settings: EmbeddedSettings,
    ) -> Result<Self, StartError> {
        match database_url {
            Some(url) => Ok(Self::External(Box::new(parse_database_url(url)?))),
            None => EmbeddedPostgres::start(data_directory, settings).await.map(Self::Embedded),
        }
    }

    /// How to connect.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        match self {
            Self::External(options) => options.as_ref().clone(),
            Self::Embedded(handle) => handle.connect_options(),
        }
    }

    /// What people should know about where the database lies.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        match self {
            Self::External(_) => None,
            Self::Embedded(handle) => handle.notice(),
        }
    }

    /// Watches the embedded Postgres and starts it again where it has died; never ends. An operator's own
    /// server is the operator's to watch.
    pub async fn keep_running(&self) {
        match self {
            Self::External(_) => std::future::pending().await,
            Self::Embedded(handle) => handle.keep_running().await,
        }
    }

    /// Leaves the database; see [`Handle::close`]. Close connection pools first.
    ///
    /// # Errors
    /// When the embedded Postgres does not stop.
    pub async fn close(self) -> Result<Left, StartError> {
        match self {
            Self::External(_) => Ok(Left::Running),
            Self::Embedded(handle) => handle.close().await,
        }
    }
}

/// Reads a `DATABASE_URL`. The error never repeats the URL: it holds a password.
///
/// # Errors
/// [`StartError::Url`].
pub fn parse_database_url(url: &str) -> Result<PgConnectOptions, StartError> {
    let scheme_fits = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    if !scheme_fits {
        return Err(StartError::Url("it does not begin with postgres://".to_owned()));
    }
    PgConnectOptions::from_str(url).map_err(|_| StartError::Url("it is not a valid URL".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_url_is_read_and_its_password_never_repeated() {
        let options = parse_database_url("postgres://ann:secret@db.internal:6543/books").unwrap();
        assert_eq!(options.get_host(), "db.internal");
        assert_eq!(options.get_port(), 6543);
        assert_eq!(options.get_database(), Some("books"));
        for wrong in ["mysql://ann:secret@db/books", "postgres://ann:secret@db:port/books"] {
            let said = parse_database_url(wrong).unwrap_err().to_string();
            assert!(!said.contains("secret"), "{said}");
            assert!(said.contains("postgres://user:password@host:5432/database"), "{said}");
        }
    }
}
