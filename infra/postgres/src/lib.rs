//! Embedded Postgres: a private cluster in the data directory, run from the
//! installed server binaries.
//!
//! With no `DATABASE_URL` set, a process calls [`EmbeddedPostgres::start`]. Whoever finds no
//! live cluster starts it; each process holds a shared lock while it uses it, and the last
//! one to leave stops it. A process that is killed leaves Postgres running: the next start
//! finds it and uses it. Access control is the socket's directory, which only the user that
//! runs Postgres (and root) may enter; there is no TCP port.

mod account;
mod binaries;
mod cluster;
mod database;
mod embedded;
mod error;
mod locks;
mod pid_file;
mod place;
mod settings;

pub use binaries::Binaries;
pub use database::{Database, parse_database_url};
pub use embedded::{EmbeddedPostgres, Handle, Left};
pub use error::StartError;
pub use settings::{EmbeddedSettings, LastLeave};

/// The database and the role that Mintmark uses in its embedded cluster.
pub const EMBEDDED_NAME: &str = "mintmark";
