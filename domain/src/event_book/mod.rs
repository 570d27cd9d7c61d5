//! The book of events: every type and version there is, what it means, its fields and a sample of
//! each. `docs/EVENTS.md` is written from it, and the golden files are held against it.

mod common;
mod fields;
mod ids;
mod markdown;
mod questions;
#[cfg(test)]
mod tests;

use cqrs_es::{Aggregate, DomainEvent};

pub(crate) use ids::{sample_credits, sample_id, sample_time};
pub use markdown::markdown;

use crate::account::Account;
use crate::batch::Batch;
use crate::bonus::Bonus;
use crate::creation::Creation;
use crate::gift::{Gift, GiftReceipt};
use crate::payment::Payment;
use crate::project::Project;
use crate::run::Run;
use crate::social::{Comment, Follow, Rating, Vote};
use crate::team::{Allowance, Team};
use crate::wallet::CreditWallet;
use crate::webhook::{WebhookEndpoint, WebhookRoster};

/// What an event type means.
#[derive(Clone, Copy, Debug)]
pub struct EventEntry {
    /// Frozen name.
    pub event_type: &'static str,
    /// What became true by it, in a sentence or two.
    pub meaning: &'static str,
    /// Its own fields by path (`source.gift.from`, `lots[].amount`), and what each means. What many
    /// events have in common is not repeated here.
    pub fields: &'static [(&'static str, &'static str)],
}

/// An event as a row would hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Frozen name.
    pub event_type: String,
    /// The version that this release writes.
    pub event_version: String,
    /// JSON as it is written.
    pub payload: String,
}

impl Sample {
    fn of<E: DomainEvent>(event: &E) -> Self {
        Sample {
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_string(event).unwrap_or_default(),
        }
    }
}

/// All that one kind of stream can hold.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// The kind of stream.
    pub aggregate_type: &'static str,
    /// What such a stream is about, and how its id is made.
    pub about: &'static str,
    /// Its event types, in the order of the enum.
    pub entries: &'static [EventEntry],
    /// At least one sample of each: one with all that can be said, one with the least.
    pub samples: Vec<Sample>,
}

fn chapter<A: Aggregate>(about: &'static str, entries: &'static [EventEntry], samples: &[A::Event]) -> Chapter {
    Chapter { aggregate_type: A::TYPE, about, entries, samples: samples.iter().map(Sample::of).collect() }
}

/// The book, one chapter for each kind of stream.
#[must_use]
pub fn chapters() -> Vec<Chapter> {
    use crate::{account, batch, bonus, creation, gift, payment, project, run, social, team, wallet, webhook};
    vec![
        chapter::<CreditWallet>(
            "A purse of credits. Its id is derived from its owner: the account; the team; team and member for an \
             allowance.",
            wallet::described::DESCRIBED,
            &wallet::samples::samples(),
        ),
        chapter::<Run>(
            "One request for generation, from acceptance to its end. Its id is derived from acting account, method, \
             concrete path and idempotency key, or from batch and item; random where there is neither.",
            run::described::DESCRIBED,
            &run::samples::samples(),
        ),
        chapter::<Creation>(
            "One thing made. Its id is derived from its public integer id.",
            creation::described::DESCRIBED,
            &creation::samples::samples(),
        ),
        chapter::<Batch>(
            "Many runs asked for at once, under one hold. Its id is made like that of a run.",
            batch::described::DESCRIBED,
            &batch::samples::samples(),
        ),
        chapter::<Account>(
            "A person or organisation. Its id is random and says its shard.",
            account::described::DESCRIBED,
            &account::samples::samples(),
        ),
        chapter::<Payment>(
            "Something bought or granted once. Its id is derived from wallet, source and the source's reference; \
             random where there is no reference.",
            payment::described::DESCRIBED,
            &payment::samples::samples(),
        ),
        chapter::<Bonus>(
            "Free credits of one kind, once a period. Its id is derived from account and kind.",
            bonus::described::DESCRIBED,
            &bonus::samples::samples(),
        ),
        chapter::<Project>(
            "What a storyboard run planned, and what its owner says of it. Its id is derived from the run that opened \
             it.",
            project::described::DESCRIBED,
            &project::samples::samples(),
        ),
        chapter::<WebhookEndpoint>(
            "An address that is told about events. Its id is random and says its account's shard.",
            webhook::described::DESCRIBED,
            &webhook::samples::samples(),
        ),
        chapter::<WebhookRoster>(
            "Which webhook endpoints an account has. Its id is derived from the account.",
            webhook::roster::DESCRIBED,
            &webhook::roster::samples(),
        ),
        chapter::<Comment>(
            "What an account says of a creation, or of another comment on it. Its id is derived from its public \
             integer id and lies in the creation's shard.",
            social::comment::DESCRIBED,
            &social::comment::samples(),
        ),
        chapter::<Vote>(
            "How one account votes on one comment. Its id is derived from both and lies in the comment's shard.",
            social::vote::DESCRIBED,
            &social::vote::samples(),
        ),
        chapter::<Rating>(
            "What one account thinks of one creation. Its id is derived from both and lies in the creation's shard.",
            social::rating::DESCRIBED,
            &social::rating::samples(),
        ),
        chapter::<Follow>(
            "Whether one account follows another. Its id is derived from both and lies in the follower's shard.",
            social::follow::DESCRIBED,
            &social::follow::samples(),
        ),
        chapter::<Team>(
            "Accounts that make things together. Its id is derived from its public integer id.",
            team::described::DESCRIBED,
            &team::samples::samples(),
        ),
        chapter::<Allowance>(
            "What a team lets one member spend of its wallet. Its id is derived from both and lies in the team's \
             shard.",
            team::allowance::DESCRIBED,
            &team::allowance::samples(),
        ),
        chapter::<Gift>(
            "Credits handed from one wallet to another: the giver's side. Its id is derived from the giver and the \
             request's idempotency key; random where there is none.",
            gift::sent::DESCRIBED,
            &gift::sent::samples(),
        ),
        chapter::<GiftReceipt>(
            "The receiver's side of a gift. Its id is derived from the gift's and lies in the receiver's shard.",
            gift::receipt::DESCRIBED,
            &gift::receipt::samples(),
        ),
    ]
}
