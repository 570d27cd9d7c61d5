//! The wallet's state and its decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use cqrs_es::event_sink::EventSink;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::commands::{RefundPart, WalletCommand};
use super::draft::Draft;
use super::error::WalletError;
use super::events::{
    After, HeldFor, HoldId, Ledger, LotExtension, LotKind, LotNumber, Part, Posting, WalletEvent, WalletOwner,
};
use super::lots::{Lot, Lots, split_parts};
use crate::ids::{BatchId, PaymentId, RunId};
use crate::money::ChargingRule;
use crate::payment::Reversal;
use crate::{Credits, Timestamp, es};

/// A hold that is open: which lots it set aside, in the order of spending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What it is for.
    pub held_for: HeldFor,
    /// What it set aside at first; splits and captures leave this as it was.
    pub amount: Credits,
    /// What is still set aside.
    pub parts: Vec<Part>,
}

impl Hold {
    /// What is left in it.
    #[must_use]
    pub fn left(&self) -> Credits {
        self.parts.iter().map(|part| part.amount).sum()
    }
}

/// What a wallet holds, as shown and as enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What can be spent: `paid + free + earned`.
    pub available: Credits,
    /// What is set aside for runs and batches.
    pub held: Credits,
    /// Bought, and can be spent.
    pub paid: Credits,
    /// Given by the house, and can be spent.
    pub free: Credits,
    /// Received as gifts, and can be spent.
    pub earned: Credits,
    /// Owed after a chargeback of spent or held credits; whatever comes in pays this first.
    pub receivable: Credits,
}

/// A purse of credits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditWallet {
    pub(super) owner: Option<WalletOwner>,
    pub(super) lots_made: LotNumber,
    pub(super) lots: Lots,
    /// Persistent, so that the copy a decision works on costs nothing however many are open.
    pub(super) holds: OrdMap<HoldId, Arc<Hold>>,
    pub(super) receivable: Credits,
}

type Decided = Result<Vec<WalletEvent>, WalletError>;

impl CreditWallet {
    /// How many holds may be open at once.
    pub const OPEN_HOLDS_MAX: usize = 20_000;
    /// How many lots may be open at once.
    pub const OPEN_LOTS_MAX: usize = 5_000;
    /// How much longer an expired lot lives when credits held from it come back (decision 4).
    pub const EXPIRED_LOT_GRACE: TimeDelta = TimeDelta::hours(24);

    /// Whose it is; `None` before it is opened.
    #[must_use]
    pub fn owner(&self) -> Option<WalletOwner> {
        self.owner
    }

    /// The balance at `at`: lots that are due count as expired, whether recorded yet or not.
    #[must_use]
    pub fn balance(&self, at: Timestamp) -> Balance {
        let mut balance = Balance { held: self.lots.held(), receivable: self.receivable, ..Balance::default() };
        for lot in self.lots.0.values().filter(|lot| !lot.is_due(at)) {
            balance.available += lot.available;
            match lot.kind {
                LotKind::Paid => balance.paid += lot.available,
                LotKind::Free => balance.free += lot.available,
                LotKind::Earned => balance.earned += lot.available,
            }
        }
        balance
    }

    /// The open lots, by number.
    pub fn lots(&self) -> impl Iterator<Item = (LotNumber, &Lot)> {
        self.lots.0.iter().map(|(number, lot)| (*number, lot))
    }

    /// The open holds.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values().map(Arc::as_ref)
    }

    /// The open hold of a run or batch.
    #[must_use]
    pub fn hold(&self, held_for: HeldFor) -> Option<&Hold> {
        self.holds.get(&held_for.id()).map(Arc::as_ref).filter(|hold| hold.held_for == held_for)
    }

    /// The kinds of lot that parts of an open hold came from.
    #[must_use]
    pub fn kinds_of(&self, parts: &[Part]) -> Vec<RefundPart> {
        let mut kinds: BTreeMap<LotKind, Credits> = BTreeMap::new();
        for part in parts {
            if let Some(lot) = self.lots.0.get(&part.lot) {
                *kinds.entry(lot.kind).or_default() += part.amount;
            }
        }
        kinds.into_iter().map(|(kind, amount)| RefundPart { kind, amount }).collect()
    }

    /// Of which lots a capture of `amount` from a hold would take.
    #[must_use]
    pub fn capture_parts(&self, held_for: HeldFor, amount: Credits) -> Vec<Part> {
        self.hold(held_for).map(|hold| split_parts(&hold.parts, amount).0).unwrap_or_default()
    }

    pub(super) fn after(&self) -> After {
        After { available: self.lots.available(), held: self.lots.held() }
    }

    /// First expires what is due, in the same append; then decides; last pays what is owed from
    /// whatever that brought in.
    fn decide_at(&self, at: Timestamp, decide: impl FnOnce(&mut Draft) -> Result<(), WalletError>) -> Decided {
        if self.owner.is_none() {
            return Err(WalletError::NotOpen);
        }
        let mut draft = Draft { wallet: self.clone(), events: Vec::new() };
        draft.expire_due(at);
        decide(&mut draft)?;
        draft.pay_receivable();
        Ok(draft.events)
    }

    fn open(&self, owner: WalletOwner) -> Decided {
        match self.owner {
            None => Ok(vec![WalletEvent::Opened { owner }]),
            Some(known) if known == owner => Ok(vec![]),
            Some(_) => Err(WalletError::OtherOwner),
        }
    }

    fn hold_credits(&self, held_for: HeldFor, amount: Credits, at: Timestamp) -> Decided {
        if let Some(hold) = self.hold(held_for) {
            if hold.amount == amount {
                return Ok(vec![]);
            }
            return Err(WalletError::HoldMismatch { hold: held_for.id(), held: hold.amount, asked: amount });
        }
        self.check_holds()?;
        self.decide_at(at, |draft| {
            let parts = draft.take(amount)?;
            let posting = Posting { from: Ledger::Available, to: Ledger::Held, amount };
            draft.record(|after| WalletEvent::CreditsHeld { held_for, amount, parts, posting, after });
            Ok(())
        })
    }

    fn split(&self, batch: BatchId, run: RunId, amount: Credits, at: Timestamp) -> Decided {
        if let Some(hold) = self.hold(HeldFor::Run(run)) {
            if hold.amount == amount {
                return Ok(vec![]);
            }
            return Err(WalletError::HoldMismatch { hold: HoldId(run.0), held: hold.amount, asked: amount });
        }
        let parts = self.of_hold(HeldFor::Batch(batch), amount)?;
        self.check_holds()?;
        self.decide_at(at, |draft| {
            let posting = Posting { from: Ledger::Held, to: Ledger::Held, amount };
            draft.record(|after| WalletEvent::HoldSplit { batch, run, amount, parts, posting, after });
            Ok(())
        })
    }

    fn capture(&self, held_for: HeldFor, amount: Credits, rule: ChargingRule, at: Timestamp) -> Decided {
        let parts = self.of_hold(held_for, amount)?;
        self.decide_at(at, |draft| {
            let posting = Posting { from: Ledger::Held, to: Ledger::Spent, amount };
            draft.record(|after| WalletEvent::CreditsCaptured { held_for, amount, parts, rule, posting, after });
            Ok(())
        })
    }

    fn release(&self, held_for: HeldFor, at: Timestamp) -> Decided {
        let hold = self.hold(held_for).ok_or(WalletError::HoldNotOpen { hold: held_for.id() })?;
        let (parts, amount) = (hold.parts.clone(), hold.left());
        self.decide_at(at, |draft| {
            let extended = parts
                .iter()
                .filter(|part| draft.wallet.lots.0.get(&part.lot).is_some_and(|lot| lot.expired || lot.extended))
                .map(|part| LotExtension { lot: part.lot, expires_at: at + Self::EXPIRED_LOT_GRACE })
                .collect();
            let posting = Posting { from: Ledger::Held, to: Ledger::Available, amount };
            draft.record(|after| WalletEvent::CreditsReleased { held_for, amount, parts, extended, posting, after });
            Ok(())
        })
    }

    fn check_holds(&self) -> Result<(), WalletError> {
        if self.holds.len() >= Self::OPEN_HOLDS_MAX {
            return Err(WalletError::TooManyHolds { max: Self::OPEN_HOLDS_MAX });
        }
        Ok(())
    }

    /// The first `amount` of what an open hold has left.
    fn of_hold(&self, held_for: HeldFor, amount: Credits) -> Result<Vec<Part>, WalletError> {
        let hold = self.hold(held_for).ok_or(WalletError::HoldNotOpen { hold: held_for.id() })?;
        if !amount.is_positive() {
            return Err(WalletError::NotPositive);
        }
        if amount > hold.left() {
            return Err(WalletError::HoldTooSmall { hold: held_for.id(), left: hold.left(), asked: amount });
        }
        Ok(split_parts(&hold.parts, amount).0)
    }

    fn charge_back(&self, payment: PaymentId, how: Reversal, amount: Credits, at: Timestamp) -> Decided {
        if !amount.is_positive() {
            return Err(WalletError::NotPositive);
        }
        self.decide_at(at, |draft| {
            let taken = draft.wallet.lots.available().min(amount);
            let receivable = amount - taken;
            if draft.wallet.receivable + receivable > Credits::MAX {
                return Err(WalletError::OwesTooMuch);
            }
            let parts = draft.wallet.lots.take_of_payment_first(payment, taken).unwrap_or_default();
            let posted = |from, to, amount: Credits| amount.is_positive().then_some(Posting { from, to, amount });
            let posting = posted(Ledger::Available, Ledger::IssuedPaid, taken);
            let owed = posted(Ledger::Receivable, Ledger::IssuedPaid, receivable);
            draft.record(|after| WalletEvent::PaymentChargedBack {
                payment,
                how,
                amount,
                parts,
                receivable,
                posting,
                owed,
                after,
            });
            Ok(())
        })
    }
}

impl es::Aggregate for CreditWallet {
    const STATE_SCHEMA: &'static str = "credit_wallet/3";

    fn decide(&self, command: WalletCommand) -> Decided {
        match command {
            WalletCommand::Open { owner } => self.open(owner),
            WalletCommand::Grant { kind, amount, priority, expires_at, source, at } => {
                self.decide_at(at, |draft| draft.grant((kind, amount, priority), expires_at, source, at))
            }
            WalletCommand::Hold { held_for, amount, at } => self.hold_credits(held_for, amount, at),
            WalletCommand::Split { batch, run, amount, at } => self.split(batch, run, amount, at),
            WalletCommand::Capture { held_for, amount, rule, at } => self.capture(held_for, amount, rule, at),
            WalletCommand::Release { held_for, at } => self.release(held_for, at),
            WalletCommand::Refund { run, parts, reason, at } => {
                self.decide_at(at, |draft| draft.refund(run, &parts, reason))
            }
            WalletCommand::Gift { gift, to, amount, at } => self.decide_at(at, |draft| {
                let parts = draft.take(amount)?;
                let posting = Posting { from: Ledger::Available, to: Ledger::Transferred, amount };
                draft.record(|after| WalletEvent::CreditsGifted { gift, to, amount, parts, posting, after });
                Ok(())
            }),
            WalletCommand::Adjust { amount, reason, at } => self.decide_at(at, |draft| {
                let parts = draft.take(amount)?;
                let posting = Posting { from: Ledger::Available, to: Ledger::Adjusted, amount };
                draft.record(|after| WalletEvent::CreditsAdjusted { amount, parts, reason, posting, after });
                Ok(())
            }),
            WalletCommand::ChargeBack { payment, how, amount, at } => self.charge_back(payment, how, amount, at),
            WalletCommand::ExpireDue { at } => self.decide_at(at, |_| Ok(())),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.lots.0.len() * (size_of::<Lot>() + 16)
            + self
                .holds
                .values()
                .map(|hold| size_of::<Hold>() + 32 + hold.parts.len() * size_of::<Part>())
                .sum::<usize>()
    }
}

impl cqrs_es::Aggregate for CreditWallet {
    const TYPE: &'static str = "credit_wallet";
    type Command = WalletCommand;
    type Event = WalletEvent;
    type Error = WalletError;
    type Services = ();

    async fn handle(
        &mut self,
        command: WalletCommand,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), WalletError> {
        let events = es::Aggregate::decide(self, command)?;
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: WalletEvent) {
        self.fold(&event);
    }
}
