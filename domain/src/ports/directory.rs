//! The directory: what must be unique across all shards, and public integer ids.
//!
//! A name is claimed here before the event that uses it is appended, and the claim is confirmed
//! after. A claim whose event never came is an orphan, and is swept. All of it can be rebuilt from
//! the log.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Shard, Timestamp};

/// What kind of thing is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// A username, folded to lower case by the caller.
    Username,
    /// An email address, as its HMAC.
    Email,
    /// An API key, as its hash.
    ApiKey,
    /// An invite code.
    Invite,
    /// An OAuth client's id.
    OauthClient,
    /// A payment, by the processor's id of it.
    Payment,
}

impl ClaimKind {
    /// Every kind.
    pub const ALL: [ClaimKind; 6] = [
        ClaimKind::Username,
        ClaimKind::Email,
        ClaimKind::ApiKey,
        ClaimKind::Invite,
        ClaimKind::OauthClient,
        ClaimKind::Payment,
    ];

    /// The frozen name, as the directory stores it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ClaimKind::Username => "username",
            ClaimKind::Email => "email",
            ClaimKind::ApiKey => "api_key",
            ClaimKind::Invite => "invite",
            ClaimKind::OauthClient => "oauth_client",
            ClaimKind::Payment => "payment",
        }
    }
}

impl FromStr for ClaimKind {
    type Err = DirectoryError;
    fn from_str(name: &str) -> Result<Self, DirectoryError> {
        let found = ClaimKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        found.ok_or_else(|| DirectoryError::Corrupt(format!("a claim of the kind {name}")))
    }
}

/// A value to be claimed, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// What kind of value.
    pub kind: ClaimKind,
    /// The value: a name's bytes, a hash. At most [`ClaimRequest::VALUE_BYTES_MAX`].
    pub value: Vec<u8>,
    /// Whose it is to be: an account's id, a team's for its invites, a wallet's for what fills it. Says the shard, too.
    pub owner: Uuid,
    /// An integer that belongs to it: an API key's or a user's public id.
    pub reference: Option<u64>,
}

impl ClaimRequest {
    /// The longest value.
    pub const VALUE_BYTES_MAX: usize = 1024;

    /// A claim of `value` for `owner`.
    #[must_use]
    pub fn new(kind: ClaimKind, value: impl Into<Vec<u8>>, owner: impl Into<Uuid>) -> Self {
        ClaimRequest { kind, value: value.into(), owner: owner.into(), reference: None }
    }

    /// With the integer that belongs to it.
    #[must_use]
    pub fn referring_to(mut self, reference: u64) -> Self {
        self.reference = Some(reference);
        self
    }
}

/// A value that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What kind of value.
    pub kind: ClaimKind,
    /// The value.
    pub value: Vec<u8>,
    /// Whose it is.
    pub owner: Uuid,
    /// An integer that belongs to it.
    pub reference: Option<u64>,
    /// When it was (last) claimed.
    pub claimed_at: Timestamp,
    /// Whether the event that uses it is known to be in the log.
    pub confirmed: bool,
}

impl Claim {
    /// The shard in which its owner lives.
    #[must_use]
    pub fn shard(&self) -> Shard {
        Shard::of(self.owner)
    }
}

/// Why the directory did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// Someone else has the value.
    #[error("taken")]
    Taken,
    /// The value is empty or too long.
    #[error("a claimed value has 1 to {} bytes", ClaimRequest::VALUE_BYTES_MAX)]
    BadValue,
    /// The store did not answer. Claims and releases may be said again.
    #[error("the directory cannot be reached: {0}")]
    Unavailable(String),
    /// A row that no directory writes.
    #[error("the directory holds a row that cannot be: {0}")]
    Corrupt(String),
}

/// Says who owns a value that is unique across everything.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Claims a value. Of several at once, one wins. Claiming what one owns already is no error and
    /// makes the claim young again. Errors: [`DirectoryError::Taken`].
    async fn claim(&self, request: &ClaimRequest) -> Result<(), DirectoryError>;

    /// Notes that the event which uses the value is in the log, so that it is never swept. Nothing
    /// happens where `owner` does not own it.
    async fn confirm(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<(), DirectoryError>;

    /// Who has the value, confirmed or not.
    async fn find(&self, kind: ClaimKind, value: &[u8]) -> Result<Option<Claim>, DirectoryError>;

    /// Gives a value back. `false` where `owner` did not own it.
    async fn release(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<bool, DirectoryError>;

    /// All that one owner has claimed, by kind and value.
    async fn owned_by(&self, owner: Uuid) -> Result<Vec<Claim>, DirectoryError>;

    /// Unconfirmed claims made before `before`, oldest first: orphans, unless the log says otherwise.
    async fn unconfirmed(&self, before: Timestamp, limit: usize) -> Result<Vec<Claim>, DirectoryError>;

    /// Releases an orphan, unless it was claimed again or confirmed since it was listed.
    async fn sweep(&self, orphan: &Claim) -> Result<bool, DirectoryError>;

    /// Enters what the log says is owned, confirmed. Values that the directory gave to another owner
    /// go to the one whom the log names; those whom the log gives to two owners stay with the first
    /// and are returned.
    async fn rebuild(
        &self,
        claims: &mut (dyn Iterator<Item = ClaimRequest> + Send),
    ) -> Result<Vec<ClaimRequest>, DirectoryError>;
}

/// What public integer ids are given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntegerKind {
    /// Accounts.
    User,
    /// Creations.
    Creation,
    /// Comments.
    Comment,
    /// API keys.
    ApiKey,
    /// Teams.
    Team,
}

impl IntegerKind {
    /// Every kind.
    pub const ALL: [IntegerKind; 5] =
        [IntegerKind::User, IntegerKind::Creation, IntegerKind::Comment, IntegerKind::ApiKey, IntegerKind::Team];

    /// The frozen name, as the directory stores it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            IntegerKind::User => "user",
            IntegerKind::Creation => "creation",
            IntegerKind::Comment => "comment",
            IntegerKind::ApiKey => "api_key",
            IntegerKind::Team => "team",
        }
    }
}

impl fmt::Display for IntegerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Gives out public integer ids: from 1 on, never one twice, with gaps. Each belongs to one shard.
#[async_trait]
pub trait IntegerIds: Send + Sync + 'static {
    /// A number that was never given out before, for a thing in `shard`.
    async fn next(&self, kind: IntegerKind, shard: Shard) -> Result<u64, DirectoryError>;

    /// `count` numbers at once, in rising order.
    async fn take(&self, kind: IntegerKind, shard: Shard, count: usize) -> Result<Vec<u64>, DirectoryError> {
        let mut taken = Vec::with_capacity(count);
        for _ in 0..count {
            taken.push(self.next(kind, shard).await?);
        }
        Ok(taken)
    }

    /// The shard whose things carry `number`; `None` where it was never set aside.
    async fn shard_of(&self, kind: IntegerKind, number: u64) -> Result<Option<Shard>, DirectoryError>;

    /// Gives out only numbers above `highest` from now on: after the log was restored.
    async fn ensure_above(&self, kind: IntegerKind, highest: u64) -> Result<(), DirectoryError>;

    /// Enters a number that the log says is in use in `shard`, so that [`IntegerIds::shard_of`] knows
    /// it and nobody is given it again.
    async fn record(&self, kind: IntegerKind, number: u64, shard: Shard) -> Result<(), DirectoryError>;
}
