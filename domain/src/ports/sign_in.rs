//! Sign-in of people: passwords, one-time links, sessions. All of it outside the log.

use async_trait::async_trait;

use super::identity::IdentityError;
use crate::Timestamp;
use crate::ids::AccountId;

/// A person's session in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSession {
    /// Whose.
    pub account: AccountId,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used, to within a minute.
    pub seen_at: Timestamp,
}

/// Keeps passwords' hashes, one-time links and sessions. Links and sessions are known by the SHA-256 of
/// their random tokens only.
#[async_trait]
pub trait SignIns: Send + Sync + 'static {
    /// Keeps a one-time link in place of any earlier one of the account's.
    async fn put_link(&self, token: [u8; 32], account: AccountId, expires_at: Timestamp) -> Result<(), IdentityError>;

    /// Whose link that is, if it is still good.
    async fn link(&self, token: [u8; 32], now: Timestamp) -> Result<Option<AccountId>, IdentityError>;

    /// The same, and uses it up: of several at once one gets it.
    async fn take_link(&self, token: [u8; 32], now: Timestamp) -> Result<Option<AccountId>, IdentityError>;

    /// Keeps a password's hash in place of an earlier one.
    async fn put_password(&self, account: AccountId, hash: &str) -> Result<(), IdentityError>;

    /// The hash of an account's password, if it has one.
    async fn password(&self, account: AccountId) -> Result<Option<String>, IdentityError>;

    /// Keeps a new session.
    async fn put_session(&self, token: [u8; 32], session: &WebSession) -> Result<(), IdentityError>;

    /// One session, over or not.
    async fn session(&self, token: [u8; 32]) -> Result<Option<WebSession>, IdentityError>;

    /// Notes that a session was used.
    async fn seen(&self, token: [u8; 32], at: Timestamp) -> Result<(), IdentityError>;

    /// Ends a session.
    async fn end_session(&self, token: [u8; 32]) -> Result<(), IdentityError>;

    /// Ends all sessions of an account but one; says how many.
    async fn end_others(&self, account: AccountId, but: Option<[u8; 32]>) -> Result<u64, IdentityError>;

    /// Forgets links that expired before `now`, and sessions not used since `idle_since`; says how many.
    async fn sweep(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64, IdentityError>;
}

/// Hashes passwords, slowly and away from whoever must not wait.
#[async_trait]
pub trait Passwords: Send + Sync + 'static {
    /// What is kept of a password. Errors: [`IdentityError::Full`] where as many wait as may.
    async fn hash(&self, password: &str) -> Result<String, IdentityError>;

    /// Whether a password has that hash. Without one it takes as long, and does not.
    async fn verify(&self, hash: Option<&str>, password: &str) -> Result<bool, IdentityError>;
}
