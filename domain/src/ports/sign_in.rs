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

/// A password's hash as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPassword {
    /// The hash.
    pub hash: String,
    /// Which one of the account's passwords it is: each that is set has a greater number.
    pub version: i64,
}

/// Keeps passwords' hashes, one-time links and sessions. Links and sessions are known by the SHA-256 of
/// their random tokens only.
///
/// Setting a password is one step, all of it or nothing: what proves that one may is used up, the hash is
/// kept, every other session of the account ends, and so does what was approved for a command line and is
/// not exchanged yet. A session begins only under the password that it was proven with: one that was
/// changed meanwhile begins none.
#[async_trait]
pub trait SignIns: Send + Sync + 'static {
    /// Keeps a one-time link in place of any earlier one of the account's.
    async fn put_link(&self, token: [u8; 32], account: AccountId, expires_at: Timestamp) -> Result<(), IdentityError>;

    /// Whose link that is, if it is still good.
    async fn link(&self, token: [u8; 32], now: Timestamp) -> Result<Option<AccountId>, IdentityError>;

    /// Sets a password with a link, which is used up: of several at once one does. Gives the account and the
    /// password's version; `None` where the link is not good.
    async fn set_password_by_link(
        &self,
        token: [u8; 32],
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<(AccountId, i64)>, IdentityError>;

    /// Sets the first password of an account and gives its version; `None` where it has one.
    async fn set_first_password(&self, account: AccountId, hash: &str) -> Result<Option<i64>, IdentityError>;

    /// Sets a password in place of that version, and leaves one session; `false` where it is another by now.
    async fn change_password(
        &self,
        account: AccountId,
        version: i64,
        hash: &str,
        session: [u8; 32],
    ) -> Result<bool, IdentityError>;

    /// The hash of an account's password, if it has one.
    async fn password(&self, account: AccountId) -> Result<Option<KeptPassword>, IdentityError>;

    /// Keeps a new session that was proven with that version of the account's password; `false` where it is
    /// another by now.
    async fn put_session(&self, token: [u8; 32], session: &WebSession, version: i64) -> Result<bool, IdentityError>;

    /// One session, over or not.
    async fn session(&self, token: [u8; 32]) -> Result<Option<WebSession>, IdentityError>;

    /// Notes that a session was used.
    async fn seen(&self, token: [u8; 32], at: Timestamp) -> Result<(), IdentityError>;

    /// Ends a session.
    async fn end_session(&self, token: [u8; 32]) -> Result<(), IdentityError>;

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
