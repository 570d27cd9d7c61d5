//! Events of the log, decoded once for all read models.

use std::collections::HashMap;
use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use cqrs_es::DomainEvent;
use mintmark_domain::account::{Account, AccountEvent};
use mintmark_domain::batch::{Batch, BatchEvent};
use mintmark_domain::creation::{Creation, CreationEvent};
use mintmark_domain::es::{Recorded, decode_event};
use mintmark_domain::event_book::chapters;
use mintmark_domain::gift::{Gift, GiftEvent};
use mintmark_domain::run::{Run, RunEvent};
use mintmark_domain::social::{Comment, CommentEvent, Follow, FollowEvent, Rating, RatingEvent, Vote, VoteEvent};
use mintmark_domain::team::{Allowance, Team, TeamEvent};
use mintmark_domain::wallet::{CreditWallet, WalletEvent};
use mintmark_domain::webhook::{WebhookEndpoint, WebhookEvent};

/// What an event says, as far as any read model cares.
#[derive(Debug)]
pub enum Fact {
    /// About an account.
    Account(AccountEvent),
    /// About a wallet.
    Wallet(WalletEvent),
    /// About a run.
    Run(RunEvent),
    /// About a creation.
    Creation(CreationEvent),
    /// About a batch.
    Batch(BatchEvent),
    /// About a webhook endpoint.
    Webhook(WebhookEvent),
    /// About people among each other.
    People(PeopleFact),
    /// About something that no read model shows: the row that opens a shard, payments, bonuses and the
    /// receivers' sides of gifts (the wallet says what they brought), kinds of stream that a newer release knows.
    Elsewhere,
    /// Of a type or version that only a newer release knows, in a stream that a read model shows.
    Unreadable(String),
    /// Of a type and version that this release knows, but it cannot be read.
    Corrupt(String),
}

/// What people did among each other.
#[derive(Debug)]
pub enum PeopleFact {
    /// About a follow.
    Follow(FollowEvent),
    /// About a comment.
    Comment(CommentEvent),
    /// About a vote on a comment.
    Vote(VoteEvent),
    /// About a rating.
    Rating(RatingEvent),
    /// About a team.
    Team(TeamEvent),
    /// About a gift, on its giver's side.
    Gift(GiftEvent),
}

/// Which kinds of stream a read model is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Accounts.
    Account,
    /// Wallets.
    Wallet,
    /// Runs.
    Run,
    /// Creations.
    Creation,
    /// Batches.
    Batch,
    /// Webhook endpoints.
    Webhook,
    /// Follows, comments, votes, ratings, teams, gifts.
    People,
}

impl Kind {
    fn of(recorded: &Recorded) -> Option<Self> {
        match recorded.stream.aggregate.as_str() {
            Account::TYPE => Some(Kind::Account),
            CreditWallet::TYPE => Some(Kind::Wallet),
            Run::TYPE => Some(Kind::Run),
            Creation::TYPE => Some(Kind::Creation),
            Batch::TYPE => Some(Kind::Batch),
            WebhookEndpoint::TYPE => Some(Kind::Webhook),
            Follow::TYPE | Comment::TYPE | Vote::TYPE | Rating::TYPE | Team::TYPE | Gift::TYPE => Some(Kind::People),
            // Who draws how much is enforced where it is kept, and read from there.
            Allowance::TYPE => None,
            // Names are open: newer releases add kinds of stream.
            _ => None,
        }
    }
}

/// An event and what it says.
#[derive(Debug)]
pub struct Event {
    /// As the log holds it.
    pub recorded: Recorded,
    /// The kind of stream, where a read model cares.
    pub kind: Option<Kind>,
    /// What it says.
    pub fact: Fact,
}

/// The version under which this release writes each event type.
static WRITTEN: LazyLock<HashMap<String, Version>> = LazyLock::new(|| {
    let samples = chapters().into_iter().flat_map(|chapter| chapter.samples);
    samples.map(|sample| (sample.event_type, Version::of(&sample.event_version))).collect()
});

/// Numeric semantic version. What is not one counts as newer than any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    fn of(text: &str) -> Self {
        let mut parts = text.split('.').map(|part| part.parse().unwrap_or(u32::MAX));
        Version(parts.next().unwrap_or(u32::MAX), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

impl Event {
    /// Decodes an event, through the upcasters where an older release wrote it.
    #[must_use]
    pub fn decode(recorded: Recorded) -> Self {
        let kind = Kind::of(&recorded);
        let fact = match kind {
            Some(Kind::Account) => read(&recorded, Fact::Account),
            Some(Kind::Wallet) => read(&recorded, Fact::Wallet),
            Some(Kind::Run) => read(&recorded, Fact::Run),
            Some(Kind::Creation) => read(&recorded, Fact::Creation),
            Some(Kind::Batch) => read(&recorded, Fact::Batch),
            Some(Kind::Webhook) => read(&recorded, Fact::Webhook),
            Some(Kind::People) => read_people(&recorded),
            None => Fact::Elsewhere,
        };
        Event { recorded, kind, fact }
    }
}

fn read_people(recorded: &Recorded) -> Fact {
    match recorded.stream.aggregate.as_str() {
        Follow::TYPE => read(recorded, |event| Fact::People(PeopleFact::Follow(event))),
        Comment::TYPE => read(recorded, |event| Fact::People(PeopleFact::Comment(event))),
        Vote::TYPE => read(recorded, |event| Fact::People(PeopleFact::Vote(event))),
        Rating::TYPE => read(recorded, |event| Fact::People(PeopleFact::Rating(event))),
        Team::TYPE => read(recorded, |event| Fact::People(PeopleFact::Team(event))),
        Gift::TYPE => read(recorded, |event| Fact::People(PeopleFact::Gift(event))),
        // `Kind::of` names no other as people's.
        _ => Fact::Elsewhere,
    }
}

fn read<E: DomainEvent>(recorded: &Recorded, fact: fn(E) -> Fact) -> Fact {
    let Some(written) = WRITTEN.get(&recorded.event_type) else {
        return Fact::Unreadable(format!("unknown event type {}", recorded.event_type));
    };
    match decode_event::<E>(recorded) {
        Ok(event) => fact(event),
        // A newer release may write a known type in a new form under a higher version.
        Err(error) if Version::of(&recorded.event_version) > *written => Fact::Unreadable(error.to_string()),
        Err(error) => Fact::Corrupt(error.to_string()),
    }
}
