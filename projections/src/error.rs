//! What can go wrong when a read model is built or read.

use mintmark_domain::es::{Position, ReadError};
use mintmark_domain::ports::VaultError;
use mintmark_domain::usecases::ErrorClass;

/// Why a batch could not be applied. Nothing of it was: a batch is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database refused or did not answer.
    #[error("the read models' database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// Sealed personal data could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log holds another history than the one that was applied: the read models must be built
    /// again.
    #[error("the log no longer holds what was applied up to position {at}; rebuild the read models")]
    Diverged {
        /// The checkpoint's position.
        at: Position,
    },
    /// An event of a type and version known to this release that cannot be read.
    #[error("the event at position {at} cannot be read: {why}")]
    Corrupt {
        /// Where it stands.
        at: Position,
        /// What the decoder said.
        why: String,
    },
    /// Events contradict what was applied before: a book that does not add up, a fact about
    /// something that never came to be.
    #[error("the event at position {at} does not follow from those before it: {why}")]
    Inconsistent {
        /// Where it stands.
        at: Position,
        /// What does not follow.
        why: String,
    },
}

impl ApplyError {
    /// Whether trying again soon may help by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            // A constraint that is violated stays violated.
            ApplyError::Database(sqlx::Error::Database(error)) => {
                !error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
            }
            ApplyError::Database(_) | ApplyError::Log(ReadError::Unavailable(_)) => true,
            ApplyError::Vault(VaultError::Unavailable(_)) => true,
            ApplyError::Log(ReadError::Corrupt(_))
            | ApplyError::Vault(VaultError::Erased | VaultError::Corrupt(_))
            | ApplyError::Diverged { .. }
            | ApplyError::Corrupt { .. }
            | ApplyError::Inconsistent { .. } => false,
        }
    }
}

/// Why a read model could not be read.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database refused or did not answer.
    #[error("the read models' database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that this release would not have written.
    #[error("a row of {table} cannot be read: {why}")]
    Row {
        /// In which table.
        table: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The stream holds events that only a newer release understands: what is known of it is out of
    /// date, so it is not shown.
    #[error("what is asked for holds events that only a newer release understands")]
    Unreadable,
}

impl QueryError {
    /// The class and the stable code, for every adapter.
    #[must_use]
    pub fn public(&self) -> (ErrorClass, &'static str) {
        match self {
            QueryError::Database(_) | QueryError::Unreadable => (ErrorClass::Overloaded, "unavailable"),
            QueryError::Row { .. } => (ErrorClass::Internal, "internal_error"),
        }
    }
}
