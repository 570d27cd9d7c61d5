//! What can go wrong with keys.

use std::path::PathBuf;

/// What can go wrong with keys. No message ever holds a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is a log, and the key it was made with is not where it should be.
    #[error(
        "the master key {} is missing, and the database was made with one: put the file back (it is not in the database's backups), or set `master_key`", .0.display()
    )]
    MasterMissing(PathBuf),
    /// The database was made with another key.
    #[error(
        "this master key ({ours}) is not the one that the database was made with ({recorded}): use that key; with another one nothing sealed can be read"
    )]
    MasterDiffers {
        /// Fingerprint of the key that was given.
        ours: String,
        /// Fingerprint that the database keeps.
        recorded: String,
    },
    /// Others could read the key file.
    #[error("others can read the master key {} (mode {mode:03o}): run `chmod 600 {}`", .path.display(), .path.display())]
    MasterExposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key is not 32 bytes in hexadecimal.
    #[error("the master key in {place} is not 64 hexadecimal digits: make one with `openssl rand -hex 32`")]
    MasterMalformed {
        /// Where it was read from.
        place: String,
    },
    /// The key file cannot be read or written.
    #[error("cannot use the master key {}: {source}", .path.display())]
    MasterFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The subject has no key: it was erased, or never had a sealed text.
    #[error("the subject has no key: it was erased")]
    SubjectGone,
    /// The bytes were not sealed under this key for this use, or were altered.
    #[error("sealed data does not open: it was altered, or sealed under another key")]
    DoesNotOpen,
    /// The database refused.
    #[error("the key table cannot be used: {0}")]
    Database(#[from] sqlx::Error),
}
