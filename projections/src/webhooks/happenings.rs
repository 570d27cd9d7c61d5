//! Which events of the log endpoints are told about, before it is known who listens.

use mintmark_domain::batch::BatchEvent;
use mintmark_domain::es::Recorded;
use mintmark_domain::run::RunEvent;
use mintmark_domain::wallet::{Ledger, WalletEvent};
use mintmark_domain::webhook::{Topic, WebhookEvent};
use mintmark_domain::{Credits, Timestamp};
use uuid::Uuid;

use crate::fact::{Event, Fact};

/// What happened, in an endpoint's terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Happening {
    /// A run ended.
    Run(Topic),
    /// A batch ended.
    Batch(Topic),
    /// What can be spent fell below the threshold: this is left.
    CreditsLow {
        /// What is left.
        available: Credits,
    },
    /// An endpoint fails.
    Failing {
        /// Since when.
        since: Timestamp,
    },
}

/// What an event means to endpoints; `None` for most.
pub(super) fn happening(event: &Event, threshold: Credits) -> Option<Happening> {
    match &event.fact {
        Fact::Run(fact) => run(fact).map(Happening::Run),
        Fact::Batch(fact) => batch(fact).map(Happening::Batch),
        Fact::Wallet(fact) => credits_low(fact, threshold),
        Fact::Webhook(WebhookEvent::FailingWarned { failing_since, .. }) => {
            Some(Happening::Failing { since: *failing_since })
        }
        Fact::Webhook(
            WebhookEvent::Created(_)
            | WebhookEvent::Changed { .. }
            | WebhookEvent::SecretRotated { .. }
            | WebhookEvent::Disabled { .. }
            | WebhookEvent::Enabled { .. }
            | WebhookEvent::Deleted { .. },
        ) => None,
        Fact::Account(_)
        | Fact::Creation(_)
        | Fact::People(_)
        | Fact::Elsewhere
        | Fact::Unreadable(_)
        | Fact::Corrupt(_) => None,
    }
}

fn run(fact: &RunEvent) -> Option<Topic> {
    match fact {
        RunEvent::Succeeded { .. } => Some(Topic::RunCompleted),
        RunEvent::Failed { .. } | RunEvent::SettledByHand { .. } => Some(Topic::RunFailed),
        RunEvent::Cancelled { .. } => Some(Topic::RunCancelled),
        RunEvent::Requested(_)
        | RunEvent::SubmitIntended { .. }
        | RunEvent::TakenOver { .. }
        | RunEvent::Submitted { .. }
        | RunEvent::SubmitDisproved { .. }
        | RunEvent::OutcomeUnknown { .. }
        | RunEvent::CancelRequested { .. }
        | RunEvent::Refunded { .. }
        | RunEvent::BilledLate { .. } => None,
    }
}

fn batch(fact: &BatchEvent) -> Option<Topic> {
    match fact {
        BatchEvent::Completed {} => Some(Topic::BatchCompleted),
        BatchEvent::Partial {} => Some(Topic::BatchPartial),
        // A batch that was stopped before anything was delivered is shown as failed.
        BatchEvent::Failed {} | BatchEvent::Cancelled {} => Some(Topic::BatchFailed),
        BatchEvent::Created(_)
        | BatchEvent::ItemStarted { .. }
        | BatchEvent::ItemFinished { .. }
        | BatchEvent::CancelRequested { .. } => None,
    }
}

/// Whether what can be spent crossed the threshold downwards: every event says the balance after it and
/// what moved, so the balance before it is known too.
fn credits_low(fact: &WalletEvent, threshold: Credits) -> Option<Happening> {
    let available = fact.after().available;
    let moved = fact.postings();
    let left: Credits = moved.iter().filter(|posting| posting.from == Ledger::Available).map(|one| one.amount).sum();
    let entered: Credits = moved.iter().filter(|posting| posting.to == Ledger::Available).map(|one| one.amount).sum();
    let before = available + left - entered;
    (before >= threshold && available < threshold).then_some(Happening::CreditsLow { available })
}

/// Which topics an endpoint may know a happening by, the one that fits best first.
pub(super) fn topics(happening: Happening) -> &'static [Topic] {
    match happening {
        Happening::Run(Topic::RunCancelled) => &[Topic::RunCancelled, Topic::RunFailed],
        Happening::Run(Topic::RunCompleted) => &[Topic::RunCompleted],
        Happening::Run(_) => &[Topic::RunFailed],
        Happening::Batch(Topic::BatchCompleted) => &[Topic::BatchCompleted],
        Happening::Batch(Topic::BatchPartial) => &[Topic::BatchPartial],
        Happening::Batch(_) => &[Topic::BatchFailed],
        Happening::CreditsLow { .. } => &[Topic::CreditsLow],
        Happening::Failing { .. } => &[Topic::WebhookFailing],
    }
}

/// Whose it is, where the batch of events itself says so.
pub(super) fn owner_said(recorded: &Recorded, fact: &Fact) -> Option<(Uuid, Uuid)> {
    match fact {
        Fact::Run(RunEvent::Requested(requested)) => Some((recorded.stream.id, requested.account.0)),
        Fact::Batch(BatchEvent::Created(created)) => Some((recorded.stream.id, created.account.0)),
        Fact::Run(_)
        | Fact::Batch(_)
        | Fact::Account(_)
        | Fact::Wallet(_)
        | Fact::Creation(_)
        | Fact::Webhook(_)
        | Fact::People(_)
        | Fact::Elsewhere
        | Fact::Unreadable(_)
        | Fact::Corrupt(_) => None,
    }
}
