//! Who somebody is, beyond keys: access tokens, sign-in from a command line, and sign-in of people.
//!
//! None of it is in the log: it is short-lived, or a secret that no event may hold. What lasts (the key
//! that a command line is given, the OAuth client that a token stands for) is the log's own fact.

use std::sync::Arc;

use async_trait::async_trait;

use super::cli_sessions::{CliSession, CliSessions, Verdict};
use super::sign_in::{KeptPassword, Passwords, SignIns, WebSession};
use crate::Timestamp;
use crate::account::{ActsWith, Scopes};
use crate::ids::AccountId;

/// Why what stands outside the log did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The store did not answer; try again.
    #[error("sign-in cannot be reached: {0}")]
    Unavailable(String),
    /// More of it than is carried out or kept at once.
    #[error("too many {0} at once; try again shortly")]
    Full(&'static str),
    /// A row that nobody here writes, or that no key of ours opens.
    #[error("sign-in holds a row that cannot be: {0}")]
    Corrupt(String),
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGrant {
    /// For whom it acts.
    pub account: AccountId,
    /// The OAuth client it was given to.
    pub client_id: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From when it holds, to the second.
    pub issued_at: Timestamp,
    /// From when it holds no more, to the second.
    pub expires_at: Timestamp,
}

/// Signs access tokens and reads them back.
#[async_trait]
pub trait AccessTokens: Send + Sync + 'static {
    /// A token that says this, with an id of its own.
    async fn sign(&self, grant: &TokenGrant) -> Result<String, IdentityError>;

    /// What a token says; `None` where it is not ours, was altered, or holds no more.
    async fn read(&self, token: &str, now: Timestamp) -> Result<Option<TokenGrant>, IdentityError>;
}

/// The stores of all of it. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    /// Access tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Sign-in from a command line.
    pub cli_sessions: Arc<dyn CliSessions>,
    /// Passwords, one-time links and sessions of people.
    pub sign_ins: Arc<dyn SignIns>,
    /// Hashes passwords.
    pub passwords: Arc<dyn Passwords>,
}

impl Identity {
    /// Stores that are not there: for whoever lets nobody sign in.
    #[must_use]
    pub fn absent() -> Self {
        let absent = Arc::new(Absent);
        Identity { tokens: absent.clone(), cli_sessions: absent.clone(), sign_ins: absent.clone(), passwords: absent }
    }
}

/// Answers that it is not there.
#[derive(Clone, Copy, Debug)]
struct Absent;

fn absent<T>() -> Result<T, IdentityError> {
    Err(IdentityError::Unavailable("this process lets nobody sign in".into()))
}

#[async_trait]
impl AccessTokens for Absent {
    async fn sign(&self, _: &TokenGrant) -> Result<String, IdentityError> {
        absent()
    }

    async fn read(&self, _: &str, _: Timestamp) -> Result<Option<TokenGrant>, IdentityError> {
        absent()
    }
}

#[async_trait]
impl CliSessions for Absent {
    async fn open(&self, _: &CliSession, _: Timestamp) -> Result<(), IdentityError> {
        absent()
    }

    async fn find(&self, _: &str) -> Result<Option<CliSession>, IdentityError> {
        absent()
    }

    async fn judge(&self, _: &str, _: &Verdict, _: Timestamp) -> Result<bool, IdentityError> {
        absent()
    }

    async fn consume(&self, _: &str, _: Timestamp) -> Result<Option<(AccountId, ActsWith, Scopes)>, IdentityError> {
        absent()
    }

    async fn give_back(&self, _: &str) -> Result<(), IdentityError> {
        absent()
    }

    async fn wrong_verifier(&self, _: &str) -> Result<u32, IdentityError> {
        absent()
    }

    async fn sweep(&self, _: Timestamp) -> Result<u64, IdentityError> {
        absent()
    }
}

#[async_trait]
impl SignIns for Absent {
    async fn put_link(&self, _: [u8; 32], _: AccountId, _: Timestamp) -> Result<(), IdentityError> {
        absent()
    }

    async fn link(&self, _: [u8; 32], _: Timestamp) -> Result<Option<AccountId>, IdentityError> {
        absent()
    }

    async fn set_password_by_link(
        &self,
        _: [u8; 32],
        _: &str,
        _: Timestamp,
    ) -> Result<Option<(AccountId, i64)>, IdentityError> {
        absent()
    }

    async fn set_first_password(&self, _: AccountId, _: &str) -> Result<Option<i64>, IdentityError> {
        absent()
    }

    async fn change_password(&self, _: AccountId, _: i64, _: &str, _: [u8; 32]) -> Result<bool, IdentityError> {
        absent()
    }

    async fn password(&self, _: AccountId) -> Result<Option<KeptPassword>, IdentityError> {
        absent()
    }

    async fn put_session(&self, _: [u8; 32], _: &WebSession, _: i64) -> Result<bool, IdentityError> {
        absent()
    }

    async fn session(&self, _: [u8; 32]) -> Result<Option<WebSession>, IdentityError> {
        absent()
    }

    async fn seen(&self, _: [u8; 32], _: Timestamp) -> Result<(), IdentityError> {
        absent()
    }

    async fn end_session(&self, _: [u8; 32]) -> Result<(), IdentityError> {
        absent()
    }

    async fn sweep(&self, _: Timestamp, _: Timestamp) -> Result<u64, IdentityError> {
        absent()
    }
}

#[async_trait]
impl Passwords for Absent {
    async fn hash(&self, _: &str) -> Result<String, IdentityError> {
        absent()
    }

    async fn verify(&self, _: Option<&str>, _: &str) -> Result<bool, IdentityError> {
        absent()
    }
}
