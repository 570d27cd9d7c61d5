//! Sessions in which a command line asks a person for a key (PKCE): short-lived rows outside the log.

use async_trait::async_trait;

use super::identity::IdentityError;
use crate::Timestamp;
use crate::account::{ActsWith, Scopes};
use crate::ids::AccountId;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CliStatus {
    /// Nobody has said anything yet.
    Pending,
    /// A person has allowed it.
    Approved,
    /// A person has refused it.
    Denied,
    /// The key was handed out.
    Consumed,
    /// It took too long, or too many wrong verifiers came.
    Expired,
}

impl CliStatus {
    /// Every status.
    pub const ALL: [CliStatus; 5] =
        [CliStatus::Pending, CliStatus::Approved, CliStatus::Denied, CliStatus::Consumed, CliStatus::Expired];

    /// Its name, in GenFire's words and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CliStatus::Pending => "pending",
            CliStatus::Approved => "approved",
            CliStatus::Denied => "denied",
            CliStatus::Consumed => "consumed",
            CliStatus::Expired => "expired",
        }
    }
}

/// A session of a command line that asks for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliSession {
    /// `clisess_…`.
    pub id: String,
    /// Which program asks.
    pub client_id: String,
    /// BASE64URL(SHA256(verifier)).
    pub challenge: String,
    /// What it asks for.
    pub scopes: Scopes,
    /// What it calls itself to the person.
    pub label: Option<String>,
    /// Where it stands, as it is kept; see [`CliSession::status_at`].
    pub status: CliStatus,
    /// From when it is over.
    pub expires_at: Timestamp,
}

impl CliSession {
    /// Where it stands at a time: what nobody finished in time is over.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> CliStatus {
        match self.status {
            CliStatus::Pending | CliStatus::Approved if self.expires_at <= now => CliStatus::Expired,
            kept => kept,
        }
    }
}

/// What a person says of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key may have these scopes, of this account; made with what the person acted with.
    Approved {
        /// Whose key it will be.
        account: AccountId,
        /// With what the person said so.
        by: ActsWith,
        /// What the key may do.
        scopes: Scopes,
    },
    /// No.
    Denied,
}

/// Keeps the sessions.
#[async_trait]
pub trait CliSessions: Send + Sync + 'static {
    /// Keeps a new one. Errors: [`IdentityError::Full`] where as many are open as are kept.
    async fn open(&self, session: &CliSession, now: Timestamp) -> Result<(), IdentityError>;

    /// One session, over or not.
    async fn find(&self, id: &str) -> Result<Option<CliSession>, IdentityError>;

    /// Writes down what a person says of a pending session, once; `false` where it is not pending (any
    /// more) or there is none.
    async fn judge(&self, id: &str, verdict: &Verdict, now: Timestamp) -> Result<bool, IdentityError>;

    /// Uses an approved session up, in one step: of several at once one gets what was approved.
    async fn consume(&self, id: &str, now: Timestamp) -> Result<Option<(AccountId, ActsWith, Scopes)>, IdentityError>;

    /// Makes a session that was used up approved again: no key came of it.
    async fn give_back(&self, id: &str) -> Result<(), IdentityError>;

    /// Counts a wrong verifier and says how many there were; with [`WRONG_VERIFIERS_MAX`] it is over.
    async fn wrong_verifier(&self, id: &str) -> Result<u32, IdentityError>;

    /// Forgets those that were over before `before`; says how many.
    async fn sweep(&self, before: Timestamp) -> Result<u64, IdentityError>;
}

/// How many wrong verifiers end a session (decision 18).
pub const WRONG_VERIFIERS_MAX: u32 = 5;
/// How many sessions are open at once at most; each takes a few hundred bytes.
pub const OPEN_CLI_SESSIONS_MAX: u32 = 20_000;
