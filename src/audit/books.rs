//! The ledger: every event handed to what checks it; holds against runs and batches, what is taken back against what
//! was paid.

use std::collections::{HashMap, HashSet};

use cqrs_es::Aggregate as _;
use mintmark_domain::Credits;
use mintmark_domain::account::AccountEvent;
use mintmark_domain::batch::{Batch, BatchEvent};
use mintmark_domain::bonus::BonusEvent;
use mintmark_domain::creation::CreationEvent;
use mintmark_domain::es::{DecodeError, EventLog, ReadError, Recorded, decode_event};
use mintmark_domain::gift::GiftEvent;
use mintmark_domain::ids::{GiftId, WalletId};
use mintmark_domain::payment::PaymentEvent;
use mintmark_domain::project::ProjectEvent;
use mintmark_domain::run::{Run, RunEvent};
use mintmark_domain::social::{CommentEvent, FollowEvent, RatingEvent, VoteEvent};
use mintmark_domain::team::TeamEvent;
use mintmark_domain::wallet::{HeldFor, WalletEvent};
use mintmark_domain::webhook::{RosterEvent, WebhookEvent};
use uuid::Uuid;

use super::gifts::Gifts;
use super::purse::Purse;
use super::together::Together;
use super::{Finding, not_at};

/// Credits that can be taken back: what a payment brought, what a run captured.
struct Reversible {
    wallet: WalletId,
    left: Credits,
}

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
    /// What each payment brought and was not charged back.
    payments: HashMap<Uuid, Reversible>,
    /// What each run captured, if anything, and did not give back.
    captured: HashMap<Uuid, Reversible>,
    gifts: Gifts,
    /// The append that is being read.
    together: Together,
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
            "allowance" => decode_event(recorded).map(|event| {
                self.together.allowance(recorded, &event);
                Vec::new()
            }),
            "gift" => decode_event(recorded).map(|event| self.gift(recorded, event)),
            "gift_receipt" => decode_event(recorded).map(|event| {
                self.together.receipt(recorded, &event);
                self.gifts.received(recorded, &event)
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
        match event {
            PaymentEvent::Received { wallet, credits, .. } => {
                self.together.payment(recorded, event, *wallet);
                self.payments.entry(id).or_insert(Reversible { wallet: *wallet, left: *credits });
                not_at(recorded, 1).into_iter().collect()
            }
            PaymentEvent::ChargedBack { credits, .. } => {
                let Some(payment) = self.payments.get_mut(&id) else {
                    return vec![Finding::at(recorded, format!("payment {id} is charged back and was never received"))];
                };
                self.together.payment(recorded, event, payment.wallet);
                payment.take(recorded, *credits).into_iter().collect()
            }
        }
    }

    fn gift(&mut self, recorded: &Recorded, event: GiftEvent) -> Vec<Finding> {
        self.together.gift(recorded, &event, self.gifts.sent(GiftId(recorded.stream.id)));
        self.gifts.given(recorded, event)
    }

    fn wallet(&mut self, recorded: &Recorded, event: WalletEvent) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.together.wallet(recorded, &event);
        if let WalletEvent::CreditsCaptured { held_for: HeldFor::Batch(batch), .. } = &event {
            findings.push(Finding::at(recorded, format!("{batch} was charged itself instead of its runs")));
        }
        findings.extend(self.purses.entry(recorded.stream.id).or_default().check(recorded, event));
        findings
    }

    fn run(&mut self, recorded: &Recorded, event: RunEvent) -> Vec<Finding> {
        let id = recorded.stream.id;
        if matches!(event, RunEvent::Refunded { .. } | RunEvent::BilledLate { .. }) {
            return self.after_the_end(recorded, &event);
        }
        let findings = self.in_order(recorded, matches!(event, RunEvent::Requested(_)));
        if !findings.is_empty() {
            return findings;
        }
        self.together.run(recorded, &event);
        let run = self.open_runs.entry(id).or_default();
        run.apply(event);
        if let (Some(requested), Some(ending)) = (run.requested(), run.ending()) {
            let (wallet, captured) = (requested.payer.wallet, ending.captured);
            if !captured.is_zero() {
                self.together.charged(recorded, wallet, captured);
                self.captured.insert(id, Reversible { wallet, left: captured });
            }
            self.open_runs.remove(&id);
            self.ended.insert(id);
        }
        Vec::new()
    }

    /// What is said of a run that has ended: a refund, or the provider's late bill.
    fn after_the_end(&mut self, recorded: &Recorded, event: &RunEvent) -> Vec<Finding> {
        let id = recorded.stream.id;
        if !self.ended.contains(&id) {
            return vec![out_of_order(recorded, "it has not ended")];
        }
        let RunEvent::Refunded { amount, .. } = event else { return Vec::new() };
        let Some(captured) = self.captured.get_mut(&id) else {
            return vec![Finding::at(recorded, format!("run {id} gives back {amount}, and nothing was captured"))];
        };
        self.together.refunded(recorded, captured.wallet, *amount);
        captured.take(recorded, *amount).into_iter().collect()
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
        vec![out_of_order(recorded, what)]
    }

    /// What is left to compare once everything was read.
    pub async fn close(self, log: &dyn EventLog) -> Result<Vec<Finding>, ReadError> {
        let mut findings = self.gifts.close(log).await?;
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
        Ok(findings)
    }
}

impl Reversible {
    /// Takes some of it back: never more than is left.
    fn take(&mut self, recorded: &Recorded, amount: Credits) -> Option<Finding> {
        let left = self.left;
        self.left -= amount;
        let fits = amount.is_positive() && amount <= left;
        (!fits).then(|| Finding::at(recorded, format!("{:?} takes back {amount} of {left}", recorded.stream)))
    }
}

fn out_of_order(recorded: &Recorded, what: &str) -> Finding {
    Finding::at(recorded, format!("{:?}, {}: {what}", recorded.stream, recorded.event_type))
}

fn nothing_but<E: cqrs_es::DomainEvent>(recorded: &Recorded) -> Result<Vec<Finding>, DecodeError> {
    decode_event::<E>(recorded).map(|_| Vec::new())
}
