//! Ids that carry their shard.
//!
//! Every stream id is a UUIDv8: 48 bits of unix milliseconds, 12 bits of shard, the rest random. A
//! *derived* id takes everything but version, variant and shard from a SHA-256 over its parts, so
//! that whoever knows the parts finds the stream: a retry finds its run, a bonus its period.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Timestamp;

/// One of at most 4,096 partitions of the log. An account is pinned to one when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shard(u16);

impl Shard {
    /// How many shards an id can name.
    pub const COUNT_MAX: u16 = 4096;
    /// The first shard, and with the default settings the only one.
    pub const ZERO: Shard = Shard(0);

    /// The shard of that number; `None` at 4,096 or above.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number < Self::COUNT_MAX).then_some(Shard(number))
    }

    /// The shard that an id carries.
    #[must_use]
    pub fn of(id: Uuid) -> Self {
        let bytes = id.as_bytes();
        Shard(u16::from_be_bytes([bytes[6] & 0x0f, bytes[7]]))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A new id in `shard`: `random` supplies the 62 bits that are not time or shard.
#[must_use]
pub fn new_id(shard: Shard, now: Timestamp, random: [u8; 8]) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0).to_be_bytes();
    let mut bytes = [0u8; 16];
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[8..].copy_from_slice(&random);
    stamped(bytes, shard)
}

/// The id that `kind` and `parts` determine in `shard`. Parts are length-prefixed, so no two lists
/// of parts collide.
#[must_use]
pub fn derived_id(shard: Shard, kind: &str, parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    stamped(bytes, shard)
}

/// Writes shard, version 8 and variant over the bits that are theirs.
fn stamped(mut bytes: [u8; 16], shard: Shard) -> Uuid {
    let [high, low] = shard.0.to_be_bytes();
    bytes[6] = 0x80 | high;
    bytes[7] = low;
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

/// Why a text is not an id of the asked kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct IdError;

/// Parses `prefix_` + 32 hex, 32 bare hex digits, or the hyphenated form.
fn parse_id(prefix: &str, text: &str) -> Result<Uuid, IdError> {
    let bare = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).unwrap_or(text);
    if !matches!(bare.len(), 32 | 36) {
        return Err(IdError);
    }
    Uuid::try_parse(bare).map_err(|_| IdError)
}

macro_rules! stream_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Shown as its prefix and 32 hex digits, bare or with hyphens; all three are accepted. In
        /// events and SQL it is the hyphenated UUID.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What stands before the hex digits in the public form.
            pub const PREFIX: &'static str = $prefix;

            /// The shard whose log holds this stream.
            #[must_use]
            pub fn shard(self) -> Shard {
                Shard::of(self.0)
            }

            /// The 32 hex digits alone.
            #[must_use]
            pub fn hex(self) -> String {
                self.0.simple().to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_id($prefix, text).map($name)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }
    )*};
}

stream_ids! {
    /// A person or organisation that owns keys, runs and creations.
    AccountId = "acct";
    /// A purse of credits: an account's own, a team's, or a member's allowance.
    WalletId = "wal";
    /// One request for generation, from acceptance to its end.
    RunId = "run";
    /// One thing made: a text, an image, a video, a sound.
    CreationId = "cre";
    /// Many runs asked for at once.
    BatchId = "batch";
    /// A team of accounts.
    TeamId = "team";
    /// Something paid for in money, named by the payment processor's own id.
    PaymentId = "pay";
    /// One free grant for one period.
    BonusId = "bonus";
    /// Credits handed from one account to another.
    GiftId = "gift";
    /// The receiver's side of a gift.
    GiftReceiptId = "giftr";
    /// What an account says of a creation.
    CommentId = "cmt";
    /// How one account votes on one comment.
    VoteId = "vote";
    /// What one account thinks of one creation.
    RatingId = "rate";
    /// Whether one account follows another.
    FollowId = "flw";
    /// What a team lets one of its members spend.
    AllowanceId = "alw";
    /// An address that is told about events.
    WebhookEndpointId = "wh";
    /// What a storyboard run planned, and what its owner says of it.
    ProjectId = "proj";
    /// Something that endpoints are told about, the same at each of them.
    WebhookEventId = "evt";
    /// The telling of one event to one endpoint.
    DeliveryId = "delivery";
    /// Which webhook endpoints an account has.
    WebhookRosterId = "whr";
    /// A text kept apart from the books, encrypted under its subject's key.
    SealedId = "sealed";
    /// A group of events that became true together.
    CommitId = "commit";
}

impl AccountId {
    /// The account's own wallet.
    #[must_use]
    pub fn wallet(self) -> WalletId {
        WalletId(derived_id(self.shard(), "wallet", &[self.0.as_bytes()]))
    }
}

impl AccountId {
    /// The stream that says which webhook endpoints the account has.
    #[must_use]
    pub fn webhook_roster(self) -> WebhookRosterId {
        WebhookRosterId(derived_id(self.shard(), "webhook_roster", &[self.0.as_bytes()]))
    }
}

impl WebhookEventId {
    /// The event that tells of a fact of the log under the name of a topic.
    #[must_use]
    pub fn of_fact(stream: Uuid, sequence: u64, topic: &str) -> Self {
        let parts = [stream.as_bytes().as_slice(), &sequence.to_be_bytes(), topic.as_bytes()];
        WebhookEventId(derived_id(Shard::of(stream), "webhook_event", &parts))
    }

    /// The event that tells of what is told of a stream at most once a UTC day, under the name of a topic.
    #[must_use]
    pub fn of_day(stream: Uuid, day: chrono::NaiveDate, topic: &str) -> Self {
        let parts = [stream.as_bytes().as_slice(), &day.to_epoch_days().to_be_bytes(), topic.as_bytes()];
        WebhookEventId(derived_id(Shard::of(stream), "webhook_event_of_day", &parts))
    }
}

impl DeliveryId {
    /// The first telling of an event to an endpoint; a replay has an id of its own.
    #[must_use]
    pub fn of_event(event: WebhookEventId, endpoint: WebhookEndpointId) -> Self {
        let parts = [event.0.as_bytes().as_slice(), endpoint.0.as_bytes()];
        DeliveryId(derived_id(event.shard(), "webhook_delivery", &parts))
    }
}

impl WalletId {
    /// A team's own wallet, in the team's shard.
    #[must_use]
    pub fn of_team(team: TeamId) -> Self {
        WalletId(derived_id(team.shard(), "team_wallet", &[team.0.as_bytes()]))
    }

    /// What a team lets one member spend, in the member's shard.
    #[must_use]
    pub fn allowance(team: TeamId, member: AccountId) -> Self {
        WalletId(derived_id(member.shard(), "allowance", &[team.0.as_bytes(), member.0.as_bytes()]))
    }
}

impl RunId {
    /// The run of a request with an idempotency key: whoever repeats it finds the same run.
    #[must_use]
    pub fn keyed(account: AccountId, method: &str, path: &str, key: &str) -> Self {
        let parts = [account.0.as_bytes().as_slice(), method.as_bytes(), path.as_bytes(), key.as_bytes()];
        RunId(derived_id(account.shard(), "run", &parts))
    }

    /// The run of a batch's item.
    #[must_use]
    pub fn of_item(batch: BatchId, index: u32) -> Self {
        RunId(derived_id(batch.shard(), "batch_item", &[batch.0.as_bytes(), &index.to_be_bytes()]))
    }
}

impl ProjectId {
    /// The project that a run opens.
    #[must_use]
    pub fn of_run(run: RunId) -> Self {
        ProjectId(derived_id(run.shard(), "project", &[run.0.as_bytes()]))
    }
}

impl BatchId {
    /// The batch of a request with an idempotency key.
    #[must_use]
    pub fn keyed(account: AccountId, method: &str, path: &str, key: &str) -> Self {
        let parts = [account.0.as_bytes().as_slice(), method.as_bytes(), path.as_bytes(), key.as_bytes()];
        BatchId(derived_id(account.shard(), "batch", &parts))
    }
}

impl CreationId {
    /// The creation with that public integer id, in the shard its block belongs to.
    #[must_use]
    pub fn numbered(shard: Shard, number: u64) -> Self {
        CreationId(derived_id(shard, "creation", &[&number.to_be_bytes()]))
    }
}

impl CommentId {
    /// The comment with that public integer id, in the shard its block belongs to.
    #[must_use]
    pub fn numbered(shard: Shard, number: u64) -> Self {
        CommentId(derived_id(shard, "comment", &[&number.to_be_bytes()]))
    }
}

impl TeamId {
    /// The team with that public integer id, in the shard its block belongs to.
    #[must_use]
    pub fn numbered(shard: Shard, number: u64) -> Self {
        TeamId(derived_id(shard, "team", &[&number.to_be_bytes()]))
    }
}

impl AllowanceId {
    /// What `team` lets `member` spend, in the team's shard. (The purse it goes into is
    /// [`WalletId::allowance`], in the member's.)
    #[must_use]
    pub fn of(team: TeamId, member: AccountId) -> Self {
        AllowanceId(derived_id(team.shard(), "team_allowance", &[team.0.as_bytes(), member.0.as_bytes()]))
    }
}

/// Whoever credits are exchanged with: an account, or a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartyId(pub Uuid);

impl From<AccountId> for PartyId {
    fn from(account: AccountId) -> Self {
        PartyId(account.0)
    }
}

impl From<TeamId> for PartyId {
    fn from(team: TeamId) -> Self {
        PartyId(team.0)
    }
}

impl FollowId {
    /// Whether `follower` follows `followee`, in the follower's shard.
    #[must_use]
    pub fn between(follower: AccountId, followee: AccountId) -> Self {
        FollowId(derived_id(follower.shard(), "follow", &[follower.0.as_bytes(), followee.0.as_bytes()]))
    }
}

impl RatingId {
    /// What `rater` thinks of a creation, in the creation's shard.
    #[must_use]
    pub fn of(creation: CreationId, rater: AccountId) -> Self {
        RatingId(derived_id(creation.shard(), "rating", &[creation.0.as_bytes(), rater.0.as_bytes()]))
    }
}

impl VoteId {
    /// How `voter` votes on a comment, in the comment's shard.
    #[must_use]
    pub fn of(comment: CommentId, voter: AccountId) -> Self {
        VoteId(derived_id(comment.shard(), "vote", &[comment.0.as_bytes(), voter.0.as_bytes()]))
    }
}

impl GiftId {
    /// The gift of a request with an idempotency key, in the giver's shard.
    #[must_use]
    pub fn keyed(giver: AccountId, method: &str, path: &str, key: &str) -> Self {
        let parts = [giver.0.as_bytes().as_slice(), method.as_bytes(), path.as_bytes(), key.as_bytes()];
        GiftId(derived_id(giver.shard(), "gift", &parts))
    }

    /// The receiver's side of it, in the shard of the wallet that it goes into.
    #[must_use]
    pub fn receipt(self, into: WalletId) -> GiftReceiptId {
        GiftReceiptId(derived_id(into.shard(), "gift_receipt", &[self.0.as_bytes()]))
    }
}

impl BonusId {
    /// The stream in which an account's bonuses of `kind` are claimed.
    #[must_use]
    pub fn for_kind(account: AccountId, kind: &str) -> Self {
        let parts = [account.0.as_bytes().as_slice(), kind.as_bytes()];
        BonusId(derived_id(account.shard(), "bonus", &parts))
    }

    /// The claim of `kind` for one account and period, as the wallet's lot names it (`2026-11-22`, `2026-W47`).
    #[must_use]
    pub fn for_period(account: AccountId, kind: &str, period: &str) -> Self {
        let parts = [account.0.as_bytes().as_slice(), kind.as_bytes(), period.as_bytes()];
        BonusId(derived_id(account.shard(), "bonus", &parts))
    }
}

impl PaymentId {
    /// The payment that the processor calls `id`, in the shard of the wallet it fills: another account's
    /// payment of the same shard under the same id is the same stream.
    #[must_use]
    pub fn of_processor(shard: Shard, id: &str) -> Self {
        PaymentId(derived_id(shard, "processor payment", &[id.as_bytes()]))
    }

    /// The payment that `source` calls `reference`, in the shard of the wallet it fills.
    #[must_use]
    pub fn external(wallet: WalletId, source: &str, reference: &str) -> Self {
        PaymentId(derived_id(
            wallet.shard(),
            "payment",
            &[wallet.0.as_bytes(), source.as_bytes(), reference.as_bytes()],
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: u16) -> Shard {
        Shard::new(number).unwrap()
    }

    #[test]
    fn an_id_carries_its_shard_version_and_variant() {
        let now = chrono::DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
        for number in [0, 1, 255, 256, 4095] {
            for id in [new_id(shard(number), now, [0xff; 8]), derived_id(shard(number), "x", &[b"y"])] {
                assert_eq!(Shard::of(id), shard(number));
                assert_eq!(id.get_version_num(), 8);
                assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            }
        }
    }

    #[test]
    fn new_ids_sort_by_time() {
        let at = |ms| chrono::DateTime::from_timestamp_millis(ms).unwrap();
        assert!(new_id(shard(9), at(1_000), [0xff; 8]) < new_id(shard(9), at(1_001), [0; 8]));
    }

    #[test]
    fn derived_ids_keep_their_parts_apart() {
        assert_ne!(derived_id(shard(1), "k", &[b"ab", b"c"]), derived_id(shard(1), "k", &[b"a", b"bc"]));
        assert_ne!(derived_id(shard(1), "k", &[b"a"]), derived_id(shard(1), "ka", &[]));
    }

    #[test]
    fn each_public_form_is_accepted_and_another_kind_is_not() {
        let id = RunId(derived_id(shard(3), "k", &[]));
        for text in [id.to_string(), id.hex(), id.0.to_string()] {
            assert_eq!(text.parse::<RunId>(), Ok(id));
        }
        assert_eq!(id.to_string().parse::<BatchId>(), Err(IdError));
        assert_eq!("run_".parse::<RunId>(), Err(IdError));
    }

    #[test]
    fn there_is_no_shard_4096() {
        assert_eq!(Shard::new(4096), None);
    }
}
