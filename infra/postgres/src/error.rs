//! Why a database could not be opened: one line each that says what to do.

use std::path::{Path, PathBuf};

/// Why a database could not be opened. Every message is one line and names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No server binaries were found.
    #[error(
        "no PostgreSQL server is installed here: run `apt-get install postgresql` as root, or set DATABASE_URL to a server of your own"
    )]
    BinariesMissing,
    /// The directory named for the binaries holds none.
    #[error("{} holds no PostgreSQL server (initdb and postgres): correct the setting or leave it out", .0.display())]
    BinariesNotThere(PathBuf),
    /// The cluster was made by a major version that is not installed.
    #[error(
        "the database in {} was made by PostgreSQL {made_by}, and only {installed} is installed: run `apt-get install postgresql-{made_by}`, or dump it with version {made_by} and restore it into an empty data directory", .place.display()
    )]
    OtherVersion {
        /// The cluster's directory.
        place: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major versions found, for people.
        installed: String,
    },
    /// Started by root, and there is no user to run Postgres as.
    #[error(
        "Postgres refuses to run as root and there is no user `{0}`: run `apt-get install postgresql`, or start Mintmark as another user"
    )]
    UserMissing(String),
    /// The cluster belongs to somebody else.
    #[error(
        "the database in {} belongs to user id {owner}, and this process would run it as user id {ours}: start Mintmark as the user that made it (root, if `make run` was run by root)", .place.display()
    )]
    Owner {
        /// The cluster's directory.
        place: PathBuf,
        /// Whose it is.
        owner: u32,
        /// As whom Postgres would run.
        ours: u32,
    },
    /// The disk is full.
    #[error("no space is left on the disk that holds {}: free some and start again", .0.display())]
    DiskFull(PathBuf),
    /// A file or directory could not be made or read.
    #[error("cannot use {}: {source}; check that it exists and who may write to it", .path.display())]
    Directory {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `initdb` failed.
    #[error("initdb could not make a database in {}: {detail}", .place.display())]
    Initdb {
        /// The cluster's directory.
        place: PathBuf,
        /// The last thing it said.
        detail: String,
    },
    /// Postgres ended instead of serving.
    #[error("Postgres did not start in {}: {detail}", .place.display())]
    Exited {
        /// The cluster's directory.
        place: PathBuf,
        /// The last thing it said.
        detail: String,
    },
    /// Postgres runs, and nothing answers on its socket.
    #[error(
        "Postgres (process {pid}) runs in {} but its socket does not answer: stop it with `kill -INT {pid}` and start again", .place.display()
    )]
    Unreachable {
        /// The cluster's directory.
        place: PathBuf,
        /// The postmaster.
        pid: i32,
    },
    /// It took too long.
    #[error("Postgres in {} was not ready after {seconds} s: see the files in its `log` directory", .place.display())]
    TimedOut {
        /// The cluster's directory.
        place: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// Another process has held the start lock for too long.
    #[error("another process has been starting or stopping the database for {seconds} s (lock file {}): end it and start again", .lock.display())]
    Busy {
        /// The lock.
        lock: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// The server refused the first connection.
    #[error("the database refused a connection: {0}")]
    Connect(#[source] sqlx::Error),
    /// `DATABASE_URL` cannot be read.
    #[error("DATABASE_URL cannot be used ({0}): it looks like postgres://user:password@host:5432/database")]
    Url(String),
    /// The blocking part of the start ended early.
    #[error("the start of Postgres was interrupted: {0}")]
    Interrupted(String),
}

impl StartError {
    /// An I/O error at a path; a full disk is told apart.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull(path.to_owned());
        }
        Self::Directory { path: path.to_owned(), source }
    }

    /// What a Postgres program said before it failed, judged.
    pub(crate) fn said(place: &Path, said: &str, otherwise: impl FnOnce(PathBuf, String) -> Self) -> Self {
        if said.contains("No space left on device") {
            return Self::DiskFull(place.to_owned());
        }
        otherwise(place.to_owned(), last_words(said))
    }
}

/// The line that tells why: the last FATAL, PANIC or error line, else the last line.
fn last_words(said: &str) -> String {
    let telling = |line: &&str| ["FATAL:", "PANIC:", "error:"].iter().any(|word| line.contains(word));
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines().rfind(telling).or_else(|| lines().next_back()).unwrap_or("it said nothing").chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_tells_why_is_found() {
        let said = "LOG: starting\nFATAL:  could not map anonymous shared memory\nLOG:  database system is shut down\n";
        assert_eq!(last_words(said), "FATAL:  could not map anonymous shared memory");
        assert_eq!(last_words("one\ntwo\n\n"), "two");
        assert_eq!(last_words(""), "it said nothing");
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let place = Path::new("/data");
        let said = "initdb: error: could not write to file: No space left on device";
        let error = StartError::said(place, said, |place, detail| StartError::Initdb { place, detail });
        assert!(matches!(error, StartError::DiskFull(_)));
        let error = StartError::io(place, std::io::Error::from(std::io::ErrorKind::StorageFull));
        assert!(matches!(error, StartError::DiskFull(_)));
    }
}
