//! What one append must say together: what is asked for and its hold, what is paid in and its lot, what
//! is charged back and what is taken for it, each step of a gift and what the wallet says of it.

use std::collections::HashMap;

use mintmark_domain::Credits;
use mintmark_domain::batch::BatchEvent;
use mintmark_domain::bonus::BonusEvent;
use mintmark_domain::es::Recorded;
use mintmark_domain::gift::{GiftEvent, ReceiptEvent};
use mintmark_domain::ids::{CommitId, WalletId, derived_id};
use mintmark_domain::payment::PaymentEvent;
use mintmark_domain::run::RunEvent;
use mintmark_domain::wallet::{BonusKind, GrantSource, WalletEvent};
use uuid::Uuid;

use super::Finding;

/// One side of something that has two: what it is about, whose wallet, how much, and where it stands.
struct Side {
    /// The run, batch, payment or bonus; absent where the wallet's event does not name it.
    about: Option<Uuid>,
    wallet: Uuid,
    amount: Credits,
    place: Recorded,
}

/// Two kinds of events that come in pairs.
struct Pairs {
    /// What the thing's own stream says, and how that is called.
    said: Vec<Side>,
    said_as: &'static str,
    /// What the wallet says.
    booked: Vec<Side>,
    booked_as: &'static str,
}

/// The append that is being read.
pub(super) struct Together {
    commit: Option<CommitId>,
    holds: Pairs,
    grants: Pairs,
    chargebacks: Pairs,
    gifts: Pairs,
    takings: Pairs,
    returns: Pairs,
    /// What left its giver and has neither arrived nor come back.
    under_way: HashMap<Uuid, (WalletId, Credits)>,
}

impl Default for Together {
    fn default() -> Self {
        Together {
            commit: None,
            holds: Pairs::new("asks for", "holds"),
            grants: Pairs::new("brings in", "grants"),
            chargebacks: Pairs::new("charges back", "takes back"),
            gifts: Pairs::new("sends", "hands over"),
            takings: Pairs::new("takes", "grants"),
            returns: Pairs::new("gives back", "grants"),
            under_way: HashMap::new(),
        }
    }
}

impl Together {
    /// To be called with every event, before it is told: the append before it may be complete.
    pub fn next(&mut self, recorded: &Recorded) -> Vec<Finding> {
        if self.commit == Some(recorded.commit_id) {
            return Vec::new();
        }
        let findings = self.close();
        self.commit = Some(recorded.commit_id);
        findings
    }

    /// The append is complete.
    pub fn close(&mut self) -> Vec<Finding> {
        let Together { holds, grants, chargebacks, gifts, takings, returns, .. } = self;
        [holds, grants, chargebacks, gifts, takings, returns].into_iter().flat_map(Pairs::settle).collect()
    }

    pub fn run(&mut self, recorded: &Recorded, event: &RunEvent) {
        if let RunEvent::Requested(requested) = event {
            self.holds.say(recorded, recorded.stream.id, requested.payer.wallet, requested.quote.amount);
        }
    }

    pub fn batch(&mut self, recorded: &Recorded, event: &BatchEvent) {
        if let BatchEvent::Created(created) = event {
            self.holds.say(recorded, recorded.stream.id, created.payer.wallet, created.maximum());
        }
    }

    pub fn payment(&mut self, recorded: &Recorded, event: &PaymentEvent, wallet: Option<WalletId>) {
        match event {
            PaymentEvent::Received { wallet, credits, .. } => {
                self.grants.say(recorded, recorded.stream.id, *wallet, *credits);
            }
            PaymentEvent::ChargedBack { credits, .. } => {
                let wallet = wallet.unwrap_or(WalletId(Uuid::nil()));
                self.chargebacks.say(recorded, recorded.stream.id, wallet, *credits);
            }
        }
    }

    pub fn bonus(&mut self, recorded: &Recorded, event: &BonusEvent) {
        let BonusEvent::Claimed { wallet, kind, period, credits, .. } = event;
        if credits.is_positive() {
            self.grants.say(recorded, claim_of(*wallet, *kind, period), *wallet, *credits);
        }
    }

    /// The giver's side of a gift.
    pub fn gift(&mut self, recorded: &Recorded, event: &GiftEvent) {
        let gift = recorded.stream.id;
        match event {
            GiftEvent::Sent(sent) => {
                self.under_way.insert(gift, (sent.from.wallet(), sent.amount));
                self.gifts.say(recorded, gift, sent.from.wallet(), sent.amount);
            }
            GiftEvent::Delivered { .. } => drop(self.under_way.remove(&gift)),
            GiftEvent::Returned { .. } => {
                let known = self.under_way.remove(&gift);
                let (wallet, amount) = known.unwrap_or((WalletId(Uuid::nil()), Credits::ZERO));
                self.returns.say(recorded, gift, wallet, amount);
            }
        }
    }

    /// The receiver's side.
    pub fn receipt(&mut self, recorded: &Recorded, event: &ReceiptEvent) {
        match event {
            ReceiptEvent::Taken { gift, to, amount, .. } => {
                self.takings.say(recorded, gift.0, to.wallet(), *amount);
            }
            ReceiptEvent::Refused { .. } => {}
        }
    }

    pub fn wallet(&mut self, recorded: &Recorded, event: &WalletEvent) {
        match event {
            WalletEvent::CreditsHeld { held_for, amount, .. } => {
                self.holds.book(recorded, Some(held_for.id().0), *amount);
            }
            WalletEvent::HoldSplit { run, amount, .. } => self.holds.book(recorded, Some(run.0), *amount),
            WalletEvent::LotGranted { source, amount, .. } => match source {
                GrantSource::Purchase { payment } => self.grants.book(recorded, Some(payment.0), *amount),
                GrantSource::Bonus { kind, period, .. } => {
                    let claim = claim_of(WalletId(recorded.stream.id), *kind, period);
                    self.grants.book(recorded, Some(claim), *amount);
                }
                GrantSource::Operator { .. } => self.grants.book(recorded, None, *amount),
                // The giver's side stands in another append.
                GrantSource::Gift { gift, .. } => self.takings.book(recorded, Some(gift.0), *amount),
                GrantSource::GiftReturned { gift } => self.returns.book(recorded, Some(gift.0), *amount),
            },
            WalletEvent::PaymentChargedBack { payment, amount, .. } => {
                self.chargebacks.book(recorded, Some(payment.0), *amount);
            }
            WalletEvent::CreditsGifted { gift, amount, .. } => {
                self.gifts.book(recorded, Some(gift.0), *amount);
            }
            WalletEvent::Opened { .. }
            | WalletEvent::CreditsCaptured { .. }
            | WalletEvent::CreditsReleased { .. }
            | WalletEvent::CreditsRefunded { .. }
            | WalletEvent::CreditsAdjusted { .. }
            | WalletEvent::ReceivablePaid { .. }
            | WalletEvent::LotExpired { .. } => {}
        }
    }
}

/// What both sides of a bonus are known by here: its stream is one for all periods of its kind.
fn claim_of(wallet: WalletId, kind: BonusKind, period: &str) -> Uuid {
    let parts = [wallet.0.as_bytes().as_slice(), kind.as_str().as_bytes(), period.as_bytes()];
    derived_id(wallet.shard(), "bonus claim", &parts)
}

impl Pairs {
    fn new(said_as: &'static str, booked_as: &'static str) -> Self {
        Pairs { said: Vec::new(), said_as, booked: Vec::new(), booked_as }
    }

    fn say(&mut self, recorded: &Recorded, about: Uuid, wallet: WalletId, amount: Credits) {
        self.said.push(Side { about: Some(about), wallet: wallet.0, amount, place: recorded.clone() });
    }

    fn book(&mut self, recorded: &Recorded, about: Option<Uuid>, amount: Credits) {
        self.booked.push(Side { about, wallet: recorded.stream.id, amount, place: recorded.clone() });
    }

    /// Matches both sides; what does not match is named where it stands.
    fn settle(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut said = std::mem::take(&mut self.said);
        for booked in std::mem::take(&mut self.booked) {
            let fits = |side: &Side| match booked.about {
                Some(about) => side.about == Some(about),
                None => (side.wallet, side.amount) == (booked.wallet, booked.amount),
            };
            let (verb, amount, wallet) = (self.booked_as, booked.amount, booked.wallet);
            // Several decisions may share an append, and two of them a payment.
            let same = |side: &Side| fits(side) && (side.wallet, side.amount) == (wallet, amount);
            let Some(place) = said.iter().position(same).or_else(|| said.iter().position(fits)) else {
                let about = booked.about.map(|about| format!(" for {about}")).unwrap_or_default();
                let what =
                    format!("wallet {wallet} {verb} {amount}{about}, and nothing in its append {}", self.said_as);
                findings.push(Finding::at(&booked.place, format!("{what} that")));
                continue;
            };
            let side = said.swap_remove(place);
            if (side.wallet, side.amount) != (wallet, amount) {
                let (stream, asked, payer) = (&side.place.stream, side.amount, side.wallet);
                let what = format!(
                    "{stream:?} {} {asked} with wallet {payer}, but wallet {wallet} {verb} {amount} for it",
                    self.said_as
                );
                findings.push(Finding::at(&booked.place, what));
            }
        }
        for side in said {
            let (stream, amount, wallet) = (&side.place.stream, side.amount, side.wallet);
            let what = format!(
                "{stream:?} {} {amount} with wallet {wallet}, and nothing in its append {} that",
                self.said_as, self.booked_as
            );
            findings.push(Finding::at(&side.place, what));
        }
        findings
    }
}
