//! One wallet as its events tell, twice: folded, and as the sum of its postings.

use cqrs_es::Aggregate as _;
use mintmark_domain::Credits;
use mintmark_domain::es::Recorded;
use mintmark_domain::wallet::{CreditWallet, Hold, Ledger, Posting, WalletEvent};

use super::Finding;

/// A wallet so far.
#[derive(Default)]
pub(super) struct Purse {
    folded: CreditWallet,
    available: Credits,
    held: Credits,
    /// Less than nothing where something is owed.
    receivable: Credits,
}

impl Purse {
    /// The open holds.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.folded.holds()
    }

    /// Takes the next event in, and compares what it says, its postings and its fold.
    pub fn check(&mut self, recorded: &Recorded, event: WalletEvent) -> Vec<Finding> {
        let mut wrong = self.post(&event);
        let opening = matches!(event, WalletEvent::Opened { .. });
        let (after, still_owed) = (event.after(), still_owed(&event));
        self.folded.apply(event);
        let held: Credits = self.folded.holds().map(Hold::left).sum();
        let available: Credits = self.folded.lots().map(|(_, lot)| lot.available).sum();
        let owed = self.folded.balance(recorded.recorded_at).receivable;
        if !opening && (after.available, after.held) != (available, held) {
            let (said, said_held) = (after.available, after.held);
            wrong
                .push(format!("the event says {said} available and {said_held} held, its fold {available} and {held}"));
        }
        if let Some(said) = still_owed.filter(|said| *said != owed) {
            wrong.push(format!("the event says that {said} is owed still, its fold {owed}"));
        }
        if (self.available, self.held) != (available, held) {
            let (summed, summed_held) = (self.available, self.held);
            wrong.push(format!(
                "postings add up to {summed} available and {summed_held} held, lots to {available} and {held}"
            ));
        }
        if self.receivable != -owed {
            wrong.push(format!(
                "postings add up to {} owed, what was charged back and paid to {owed}",
                -self.receivable
            ));
        }
        if available.is_negative() || held.is_negative() || owed.is_negative() {
            wrong.push("a side of the wallet has the wrong sign".into());
        }
        wrong.into_iter().map(|what| Finding::at(recorded, what)).collect()
    }

    /// Adds an event's postings up. Together they move what the event says.
    fn post(&mut self, event: &WalletEvent) -> Vec<String> {
        let mut wrong = Vec::new();
        let postings = event.postings();
        for Posting { from, to, amount } in &postings {
            if amount.is_negative() {
                wrong.push(format!("a posting of {amount}"));
            }
            if let Some(side) = self.side(*from) {
                *side -= *amount;
            }
            if let Some(side) = self.side(*to) {
                *side += *amount;
            }
        }
        let (said, posted) = (amount(event), postings.iter().map(|posting| posting.amount).sum::<Credits>());
        if said != posted {
            wrong.push(format!("the event moves {said}, its postings {posted}"));
        }
        wrong
    }

    /// The side of a posting that is this wallet's; `None` for those of the house.
    fn side(&mut self, ledger: Ledger) -> Option<&mut Credits> {
        match ledger {
            Ledger::Available => Some(&mut self.available),
            Ledger::Held => Some(&mut self.held),
            Ledger::Receivable => Some(&mut self.receivable),
            Ledger::IssuedPaid
            | Ledger::IssuedFree
            | Ledger::Transferred
            | Ledger::Spent
            | Ledger::Expired
            | Ledger::Adjusted => None,
        }
    }
}

/// How much an event says it moves; an opening moves nothing.
fn amount(event: &WalletEvent) -> Credits {
    match event {
        WalletEvent::Opened { .. } => Credits::ZERO,
        WalletEvent::LotGranted { amount, .. }
        | WalletEvent::CreditsHeld { amount, .. }
        | WalletEvent::HoldSplit { amount, .. }
        | WalletEvent::CreditsCaptured { amount, .. }
        | WalletEvent::CreditsReleased { amount, .. }
        | WalletEvent::CreditsRefunded { amount, .. }
        | WalletEvent::CreditsGifted { amount, .. }
        | WalletEvent::CreditsAdjusted { amount, .. }
        | WalletEvent::PaymentChargedBack { amount, .. }
        | WalletEvent::ReceivablePaid { amount, .. }
        | WalletEvent::LotExpired { amount, .. } => *amount,
    }
}

/// What is owed after an event, where it says so.
fn still_owed(event: &WalletEvent) -> Option<Credits> {
    if let WalletEvent::ReceivablePaid { left, .. } = event { Some(*left) } else { None }
}
