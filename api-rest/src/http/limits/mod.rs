//! Rate limits (decision 14): per key, per account ten times that, per address for whoever has no
//! key; three windows each. Exact within one process; several of them lease permits from one place.

mod leased;
mod memory;
mod policy;
mod purse;

use std::net::IpAddr;

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::PermitsUnavailable;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use leased::{IDLE_AFTER, LEASE_WITHIN, LOOK_EVERY, LeasedLimiter, OTHERS_WITHIN};
pub use memory::MemoryLimiter;
pub use policy::{ACCOUNT_FACTOR, ATTEMPTS_ADDRESS_FACTOR, ATTEMPTS_NAME_FACTOR, RateLimits};

/// A stretch of time in which requests are counted. Windows begin at whole minutes, hours and days
/// of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
    /// 86,400 seconds.
    Day,
}

impl Window {
    /// Every window, the shortest first.
    pub const ALL: [Window; 3] = [Window::Minute, Window::Hour, Window::Day];

    /// Its length in seconds.
    #[must_use]
    pub fn length(self) -> u32 {
        match self {
            Window::Minute => 60,
            Window::Hour => 3_600,
            Window::Day => 86_400,
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
        }
    }

    /// Which one `now` lies in, and the second at which it ends (unix).
    fn at(self, now: Timestamp) -> (i64, i64) {
        let length = i64::from(self.length());
        let index = now.timestamp().div_euclid(length);
        (index, (index + 1) * length)
    }
}

/// How many requests each window takes. 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// In a minute.
    pub minute: u32,
    /// In an hour.
    pub hour: u32,
    /// In a day.
    pub day: u32,
}

impl Quota {
    /// So many in a minute, without other limits.
    #[must_use]
    pub fn per_minute(minute: u32) -> Self {
        Quota { minute, hour: 0, day: 0 }
    }

    /// What one window takes; `None` is no limit.
    #[must_use]
    pub fn of(self, window: Window) -> Option<u32> {
        let limit = match window {
            Window::Minute => self.minute,
            Window::Hour => self.hour,
            Window::Day => self.day,
        };
        (limit > 0).then_some(limit)
    }

    fn times(self, factor: u32) -> Self {
        Quota {
            minute: self.minute.saturating_mul(factor),
            hour: self.hour.saturating_mul(factor),
            day: self.day.saturating_mul(factor),
        }
    }
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Generor and GenFire: the tiers' own limits.
    Standard,
    /// GirlGeneratorAI's submissions.
    GirlGeneratorSubmit,
    /// GirlGeneratorAI's polls.
    GirlGeneratorPoll,
    /// A command line's polls of its session, by asking and by trying to exchange it.
    CliPoll,
    /// Attempts to prove a password or an OAuth client's secret.
    SignIn,
    /// Pages for people.
    Page,
}

/// Whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One key of an account.
    Key(AccountId, u64),
    /// One OAuth client of an account, over all its tokens; see [`Subject::client`].
    Client(AccountId, u64),
    /// A name that somebody says is theirs, whether it exists or not; see [`Subject::named`].
    Named(u64),
    /// An account, over all its keys.
    Account(AccountId),
    /// An address without a key (an IPv6 one stands for its /64).
    Address(IpAddr),
}

/// The first 64 bits of a text's SHA-256.
fn short_hash(text: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    u64::from_be_bytes(std::array::from_fn(|index| hash[index]))
}

impl Subject {
    /// The subject of an OAuth client.
    #[must_use]
    pub fn client(account: AccountId, client_id: &str) -> Self {
        Subject::Client(account, short_hash(client_id))
    }

    /// The subject of a name, or of several things that are counted together, joined by a character that
    /// none of them has.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Subject::Named(short_hash(name))
    }

    /// The subject of an address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Subject::Address(match address {
            IpAddr::V4(_) => address,
            // Whoever has one IPv6 address has the whole /64.
            IpAddr::V6(address) => address
                .to_ipv4_mapped()
                .map_or_else(|| IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()), IpAddr::V4),
        })
    }

    /// All that makes it up: its kind, and what it has of 16 and 8 bytes.
    fn parts(self) -> (u8, [u8; 16], u64) {
        match self {
            Subject::Key(account, key) => (0, account.0.into_bytes(), key),
            Subject::Client(account, client) => (1, account.0.into_bytes(), client),
            Subject::Named(name) => (2, [0; 16], name),
            Subject::Account(account) => (3, account.0.into_bytes(), 0),
            Subject::Address(IpAddr::V4(address)) => (4, address.to_ipv6_mapped().octets(), 0),
            Subject::Address(IpAddr::V6(address)) => (4, address.octets(), 0),
        }
    }

    /// What it is called in an answer.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Subject::Key(..) => "API key",
            Subject::Client(..) => "OAuth client",
            Subject::Named(_) => "name",
            Subject::Account(_) => "account",
            Subject::Address(_) => "IP address",
        }
    }
}

/// A counter to be counted up, and how far it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Whose.
    pub subject: Subject,
    /// Of which requests.
    pub class: Class,
    /// How many there may be.
    pub quota: Quota,
}

impl Counter {
    /// The same in every process, for the same subject and class: a hash, which names nobody.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let (kind, long, short) = self.subject.parts();
        let mut hash = Sha256::new();
        hash.update([kind, self.class as u8]);
        hash.update(long);
        hash.update(short.to_be_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        Uuid::from_bytes(std::array::from_fn(|index| hash[index]))
    }
}

/// How a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many it takes.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// When it ends, unix seconds.
    pub reset: i64,
}

/// What came of counting a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was counted. How the first counter's minute stands, with no more left than any of them has.
    Allowed(Option<Standing>),
    /// It was not counted: this bound.
    Refused {
        /// Which counter.
        subject: Subject,
        /// Which of its windows.
        window: Window,
        /// How that stands.
        standing: Standing,
        /// After how many whole seconds a request can be counted again.
        retry_after_seconds: u64,
    },
}

impl Verdict {
    /// How the window stands that is told of: the least of them, or the one that bound.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        match self {
            Verdict::Allowed(standing) => *standing,
            Verdict::Refused { standing, .. } => Some(*standing),
        }
    }
}

/// A request could not be counted. It must not pass: limits are never open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request could not be counted: {0}")]
pub struct Uncounted(pub String);

impl From<PermitsUnavailable> for Uncounted {
    fn from(unavailable: PermitsUnavailable) -> Self {
        Uncounted(unavailable.to_string())
    }
}

/// Counts requests: those of all processes together is what [`LeasedLimiter`] counts, those of one alone
/// [`MemoryLimiter`].
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Counts a request in every counter, if every window of every one of them has room; else in none.
    async fn take(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted>;

    /// What [`RateLimiter::take`] would answer, without counting: for what counts only if it fails.
    async fn look(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_stands_for_its_network() {
        let subject = |text: &str| Subject::address(text.parse().unwrap());
        assert_eq!(subject("2001:db8:1:2:3::4"), subject("2001:db8:1:2:ffff::1"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_eq!(subject("::ffff:1.2.3.4"), subject("1.2.3.4"));
    }

    #[test]
    fn counters_of_different_things_have_different_ids() {
        let account = AccountId(Uuid::from_u128(1));
        let subjects = [
            Subject::Key(account, 1),
            Subject::Key(account, 2),
            Subject::Client(account, 1),
            Subject::Account(account),
            Subject::Named(1),
            Subject::address([0, 0, 0, 1].into()),
            Subject::address([0, 0, 0, 2].into()),
        ];
        let classes = [Class::Standard, Class::GirlGeneratorSubmit, Class::GirlGeneratorPoll, Class::SignIn];
        let id = |(subject, class)| Counter { subject, class, quota: Quota::per_minute(1) }.id();
        let pairs: Vec<_> = subjects.iter().flat_map(|subject| classes.map(|class| (*subject, class))).collect();
        let ids: std::collections::HashSet<Uuid> = pairs.iter().copied().map(id).collect();
        assert_eq!(ids.len(), pairs.len());
    }
}
