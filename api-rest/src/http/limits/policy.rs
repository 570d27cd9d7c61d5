//! How many requests whom is allowed: all of it a setting.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mintmark_domain::account::{ActsWith, Tier};
use mintmark_domain::catalog::Dialect;
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::Caller;

use super::{Class, Counter, Quota, Subject};

/// How many times a key's limits an account has: as many as it may have keys.
pub const ACCOUNT_FACTOR: u32 = 10;

/// How many times the attempts at one name from one address there may be from that address at all names:
/// behind one address there may be many people.
pub const ATTEMPTS_ADDRESS_FACTOR: u32 = 5;

/// How many times those there may be at one name from all addresses: so many that whoever guesses from a few
/// does not lock its owner out.
pub const ATTEMPTS_NAME_FACTOR: u32 = 20;

/// Below this path a command line asks how its session stands, and for its key.
const CLI_SESSION: &str = "/v1/cli/auth/sessions/";

/// The limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Per key, by tier. A tier that is not named has the limits of `free`; `unlimited` has none.
    pub tiers: BTreeMap<&'static str, Quota>,
    /// Per minute and address without a key.
    pub unauthenticated_per_minute: u32,
    /// Submissions per minute and key in the GirlGeneratorAI dialect.
    pub girlgenerator_submits_per_minute: u32,
    /// Polls per minute and key in the GirlGeneratorAI dialect: its own polling example must live.
    pub girlgenerator_polls_per_minute: u32,
    /// A command line's polls of its session, per minute and address.
    pub cli_polls_per_minute: u32,
    /// Attempts at a password, and wrong ones at an OAuth client's secret, per minute, address and name.
    /// [`ATTEMPTS_ADDRESS_FACTOR`] and [`ATTEMPTS_NAME_FACTOR`] say what there may be in all.
    pub sign_ins_per_minute: u32,
    /// Pages for people, per minute and address.
    pub pages_per_minute: u32,
}

impl Default for RateLimits {
    /// The documents' limits.
    fn default() -> Self {
        let quota = |minute, hour, day| Quota { minute, hour, day };
        RateLimits {
            tiers: BTreeMap::from([
                (Tier::Free.as_str(), quota(30, 500, 5_000)),
                (Tier::Basic.as_str(), quota(60, 2_000, 20_000)),
                (Tier::Pro.as_str(), quota(120, 5_000, 50_000)),
                (Tier::Enterprise.as_str(), quota(300, 20_000, 200_000)),
            ]),
            unauthenticated_per_minute: 15,
            girlgenerator_submits_per_minute: 10,
            girlgenerator_polls_per_minute: 60,
            cli_polls_per_minute: 60,
            sign_ins_per_minute: 10,
            pages_per_minute: 120,
        }
    }
}

impl RateLimits {
    /// What a request counts as.
    #[must_use]
    pub fn class(dialect: Dialect, path: &str) -> Class {
        match dialect {
            Dialect::GirlGenerator if path.starts_with("/api/v1/generate") => Class::GirlGeneratorSubmit,
            Dialect::GirlGenerator => Class::GirlGeneratorPoll,
            // "428: keep polling", the document says of the exchange; five wrong verifiers end a session.
            Dialect::Genfire if path.starts_with(CLI_SESSION) => Class::CliPoll,
            Dialect::Generor | Dialect::Genfire | Dialect::Native => Class::Standard,
        }
    }

    /// The counters of a caller's request; none where the tier has no limits.
    #[must_use]
    pub fn of_caller(&self, caller: &Caller, class: Class) -> Vec<Counter> {
        self.of_account(caller.account, caller.tier, &caller.acts_with, class)
    }

    /// The same for whoever acts so for an account.
    #[must_use]
    pub fn of_account(&self, account: AccountId, tier: Tier, acts_with: &ActsWith, class: Class) -> Vec<Counter> {
        if tier == Tier::Unlimited {
            return Vec::new();
        }
        let quota = match class {
            Class::Standard | Class::CliPoll | Class::SignIn | Class::Page => self.tier(tier),
            Class::GirlGeneratorSubmit => Quota::per_minute(self.girlgenerator_submits_per_minute),
            Class::GirlGeneratorPoll => Quota::per_minute(self.girlgenerator_polls_per_minute),
        };
        let own = match acts_with {
            ActsWith::Key(key_id) => Some(Subject::Key(account, *key_id)),
            ActsWith::Client { client_id, .. } => Some(Subject::client(account, client_id)),
            ActsWith::Person | ActsWith::Operator => None,
        };
        let whole = Counter { subject: Subject::Account(account), class, quota: quota.times(ACCOUNT_FACTOR) };
        own.map(|subject| Counter { subject, class, quota }).into_iter().chain([whole]).collect()
    }

    /// The counters of a request without a key.
    #[must_use]
    pub fn of_address(&self, address: IpAddr, class: Class) -> Vec<Counter> {
        let (class, per_minute) = match class {
            Class::CliPoll => (class, self.cli_polls_per_minute),
            Class::SignIn => (class, self.sign_ins_per_minute.saturating_mul(ATTEMPTS_ADDRESS_FACTOR)),
            Class::Page => (class, self.pages_per_minute),
            Class::Standard | Class::GirlGeneratorSubmit | Class::GirlGeneratorPoll => {
                (Class::Standard, self.unauthenticated_per_minute)
            }
        };
        vec![Counter { subject: Subject::address(address), class, quota: Quota::per_minute(per_minute) }]
    }

    /// The counters of an attempt to prove that one is what one says: each to be asked by itself, the
    /// strictest first. By name alone only where guessing could succeed (`by_name`).
    #[must_use]
    pub fn of_attempt(&self, kind: &str, name: &str, address: IpAddr, by_name: bool) -> Vec<Counter> {
        let counter = |subject: Subject, factor: u32| Counter {
            subject,
            class: Class::SignIn,
            quota: Quota::per_minute(self.sign_ins_per_minute.saturating_mul(factor)),
        };
        let from = Subject::address(address);
        let Subject::Address(network) = from else { return Vec::new() };
        let here = counter(Subject::named(&format!("{kind}\n{name}\n{network}")), 1);
        let everywhere = by_name.then(|| counter(Subject::named(&format!("{kind}\n{name}")), ATTEMPTS_NAME_FACTOR));
        [here, counter(from, ATTEMPTS_ADDRESS_FACTOR)].into_iter().chain(everywhere).collect()
    }

    fn tier(&self, tier: Tier) -> Quota {
        let named = |tier: Tier| self.tiers.get(tier.as_str()).copied();
        named(tier).or_else(|| named(Tier::Free)).unwrap_or(Quota { minute: 30, hour: 500, day: 5_000 })
    }
}
