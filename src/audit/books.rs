//! The ledger: every event handed to what checks it; holds against runs and batches.

use std::collections::{HashMap, HashSet};

use cqrs_es::Aggregate as _;
use mintmark_domain::Credits;
use mintmark_domain::account::AccountEvent;
use mintmark_domain::batch::{Batch, BatchEvent};
use mintmark_domain::bonus::BonusEvent;
use mintmark_domain::creation::CreationEvent;
use mintmark_domain::es::{DecodeError, Recorded, decode_event};
use mintmark_domain::ids::WalletId;
use mintmark_domain::payment::PaymentEvent;
use mintmark_domain::project::ProjectEvent;
use mintmark_domain::run::{Run, RunEvent};
use mintmark_domain::social::{CommentEvent, FollowEvent, RatingEvent, VoteEvent};
use mintmark_domain::team::{AllowanceEvent, TeamEvent};
use mintmark_domain::wallet::{HeldFor, WalletEvent};
use mintmark_domain::webhook::{RosterEvent, WebhookEvent};
use uuid::Uuid;

use super::Finding;
use super::purse::Purse;
use super::together::Together;

/// What the books say so far.
#[derive(Default)]
pub(super) struct Books {
    purses: HashMap<Uuid, Purse>,
    /// Runs that have not ended.
    open_runs: HashMap<Uuid, Run>,
    /// Batches that have not ended.
    open_batches: HashMap<Uuid, Batch>,
    /// Runs and batches that have.
    ended: HashSet<Uuid>,
    /// The wallet that each payment filled.
    payments: HashMap<Uuid, WalletId>,
    /// The append that is being read.
    together: Together,
    /// What wallets captured less what runs say they captured; nothing where both agree.
    captured: HashMap<Uuid, Credits>,
    /// What wallets refunded less what runs say they refunded.
    refunded: HashMap<Uuid, Credits>,
}

impl Books {
    /// Takes the next event in. Every event is decoded, whether it moves money or not.
    pub fn check(&mut self, recorded: &Recorded) -> Vec<Finding> {
        let mut findings = self.together.next(recorded);
        let checked = match recorded.stream.aggregate.as_str() {
            "credit_wallet" => decode_event(recorded).map(|event| self.wallet(recorded, event)),
            "run" => decode_event(recorded).map(|event| self.run(recorded, event)),
            "batch" => decode_event(recorded).map(|event| self.batch(recorded, event)),
            "account" => nothing_but::<AccountEvent>(recorded),
            "creation" => nothing_but::<CreationEvent>(recorded),
            "project" => nothing_but::<ProjectEvent>(recorded),
            "webhook_endpoint" => nothing_but::<WebhookEvent>(recorded),
            "webhook_roster" => nothing_but::<RosterEvent>(recorded),
            "comment" => nothing_but::<CommentEvent>(recorded),
            "vote" => nothing_but::<VoteEvent>(recorded),
            "rating" => nothing_but::<RatingEvent>(recorded),
            "follow" => nothing_but::<FollowEvent>(recorded),
            "team" => nothing_but::<TeamEvent>(recorded),
            "allowance" => nothing_but::<AllowanceEvent>(recorded),
            "gift" => decode_event(recorded).map(|event| {
                self.together.gift(recorded, &event);
                Vec::new()
            }),
            "gift_receipt" => decode_event(recorded).map(|event| {
                self.together.receipt(recorded, &event);
                Vec::new()
            }),
            "payment" => decode_event(recorded).map(|event| self.payment(recorded, &event)),
            "bonus" => decode_event(recorded).map(|event: BonusEvent| {
                self.together.bonus(recorded, &event);
                Vec::new()
            }),
            other => Ok(vec![Finding::at(recorded, format!("this release knows no aggregate {other}"))]),
        };
        findings.extend(checked.unwrap_or_else(|error| vec![Finding::at(recorded, error.to_string())]));
        findings
    }

    /// A shard was read to its end: its last append is complete.
    pub fn end_of_shard(&mut self) -> Vec<Finding> {
        self.together.close()
    }

    fn payment(&mut self, recorded: &Recorded, event: &PaymentEvent) -> Vec<Finding> {
        let id = recorded.stream.id;
        if let PaymentEvent::Received { wallet, .. } = event {
            self.payments.insert(id, *wallet);
        }
        self.together.payment(recorded, event, self.payments.get(&id).copied());
        Vec::new()
    }

    fn wallet(&mut self, recorded: &Recorded, event: WalletEvent) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.together.wallet(recorded, &event);
        match &event {
            WalletEvent::CreditsCaptured { held_for: HeldFor::Run(run), amount, .. } => {
                *self.captured.entry(run.0).or_default() += *amount;
            }
            WalletEvent::CreditsCaptured { held_for: HeldFor::Batch(batch), .. } => {
                findings.push(Finding::at(recorded, format!("{batch} was charged itself instead of its runs")));
            }
            WalletEvent::CreditsRefunded { run, amount, .. } => {
                *self.refunded.entry(run.0).or_default() += *amount;
            }
            WalletEvent::Opened { .. }
            | WalletEvent::LotGranted { .. }
            | WalletEvent::CreditsHeld { .. }
            | WalletEvent::HoldSplit { .. }
            | WalletEvent::CreditsReleased { .. }
            | WalletEvent::CreditsGifted { .. }
            | WalletEvent::CreditsAdjusted { .. }
            | WalletEvent::PaymentChargedBack { .. }
            | WalletEvent::ReceivablePaid { .. }
            | WalletEvent::LotExpired { .. } => {}
        }
        findings.extend(self.purses.entry(recorded.stream.id).or_default().check(recorded, event));
        findings
    }

    fn run(&mut self, recorded: &Recorded, event: RunEvent) -> Vec<Finding> {
        let id = recorded.stream.id;
        if let RunEvent::Refunded { amount, .. } = &event {
            *self.refunded.entry(id).or_default() -= *amount;
            return Vec::new();
        }
        let findings = self.in_order(recorded, matches!(event, RunEvent::Requested(_)));
        if !findings.is_empty() {
            return findings;
        }
        self.together.run(recorded, &event);
        let run = self.open_runs.entry(id).or_default();
        run.apply(event);
        if run.status().is_ended() {
            let captured = run.ending().map(|ending| ending.captured).unwrap_or_default();
            *self.captured.entry(id).or_default() -= captured;
            self.open_runs.remove(&id);
            self.ended.insert(id);
        }
        Vec::new()
    }

    fn batch(&mut self, recorded: &Recorded, event: BatchEvent) -> Vec<Finding> {
        let id = recorded.stream.id;
        let findings = self.in_order(recorded, matches!(event, BatchEvent::Created(_)));
        if !findings.is_empty() {
            return findings;
        }
        self.together.batch(recorded, &event);
        let batch = self.open_batches.entry(id).or_default();
        batch.apply(event);
        if batch.status().is_ended() {
            self.open_batches.remove(&id);
            self.ended.insert(id);
        }
        Vec::new()
    }

    /// A run or batch begins once, with its first event, and nothing follows its end.
    fn in_order(&self, recorded: &Recorded, begins: bool) -> Vec<Finding> {
        let id = recorded.stream.id;
        let what = if self.ended.contains(&id) {
            "it has ended before"
        } else {
            let open = self.open_runs.contains_key(&id) || self.open_batches.contains_key(&id);
            match (begins, open) {
                (true, true) => "it begins a second time",
                (false, false) => "it never began",
                (true, false) | (false, true) => return Vec::new(),
            }
        };
        vec![Finding::at(recorded, format!("{:?}, {}: {what}", recorded.stream, recorded.event_type))]
    }

    /// What is left to compare once everything was read.
    pub fn close(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut held: HashMap<Uuid, Credits> = HashMap::new();
        for (wallet, purse) in &self.purses {
            for hold in purse.holds() {
                let open = match hold.held_for {
                    HeldFor::Run(run) => self.open_runs.contains_key(&run.0),
                    HeldFor::Batch(batch) => self.open_batches.contains_key(&batch.0),
                };
                if !open {
                    findings.push(Finding::of(format!(
                        "wallet {wallet} holds {} for {:?}, which has ended or never was",
                        hold.left(),
                        hold.held_for
                    )));
                }
                held.insert(hold.held_for.id().0, hold.left());
            }
        }
        for (id, run) in &self.open_runs {
            let price = run.requested().map(|requested| requested.quote.amount).unwrap_or_default();
            if held.get(id) != Some(&price) {
                findings.push(Finding::of(format!(
                    "run {id} has not ended, costs {price} at most, and holds {:?}",
                    held.get(id)
                )));
            }
        }
        for id in self.open_batches.keys().filter(|id| !held.contains_key(id)) {
            findings.push(Finding::of(format!("batch {id} has not ended and holds nothing")));
        }
        let disagree = |what: &str, sums: HashMap<Uuid, Credits>| {
            let what = what.to_owned();
            sums.into_iter().filter(|(_, difference)| !difference.is_zero()).map(move |(run, difference)| {
                Finding::of(format!("run {run}: its wallet and itself differ by {difference} in what was {what}"))
            })
        };
        findings.extend(disagree("captured", self.captured));
        findings.extend(disagree("refunded", self.refunded));
        findings
    }
}

fn nothing_but<E: cqrs_es::DomainEvent>(recorded: &Recorded) -> Result<Vec<Finding>, DecodeError> {
    decode_event::<E>(recorded).map(|_| Vec::new())
}
