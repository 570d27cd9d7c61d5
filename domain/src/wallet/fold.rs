//! What each event does to a wallet.

use std::sync::Arc;

use super::aggregate::{CreditWallet, Hold};
use super::events::{After, GrantSource, HeldFor, HoldId, NewLot, Part, WalletEvent};
use super::lots::{Lot, split_parts};
use crate::Credits;
use crate::ids::PaymentId;

impl CreditWallet {
    pub(super) fn fold(&mut self, event: &WalletEvent) {
        match event {
            WalletEvent::Opened { owner } => self.owner = Some(*owner),
            WalletEvent::LotGranted { lot, kind, amount, priority, expires_at, source, .. } => {
                let bought_by = match source {
                    GrantSource::Purchase { payment } => Some(*payment),
                    GrantSource::Operator { payment, .. } => *payment,
                    GrantSource::Bonus { .. } | GrantSource::Gift { .. } | GrantSource::GiftReturned { .. } => None,
                };
                let new = NewLot { lot: *lot, kind: *kind, amount: *amount, expires_at: *expires_at };
                self.add_lot(new, *priority, bought_by);
            }
            WalletEvent::CreditsHeld { held_for, amount, parts, .. } => {
                for part in parts {
                    self.lots.change(part.lot, |lot| {
                        lot.available -= part.amount;
                        lot.held += part.amount;
                    });
                }
                let hold = Hold { held_for: *held_for, amount: *amount, parts: parts.clone() };
                self.holds.insert(held_for.id(), Arc::new(hold));
            }
            WalletEvent::HoldSplit { batch, run, amount, parts, .. } => {
                self.shrink(HeldFor::Batch(*batch), *amount, false);
                let hold = Hold { held_for: HeldFor::Run(*run), amount: *amount, parts: parts.clone() };
                self.holds.insert(HoldId(run.0), Arc::new(hold));
            }
            WalletEvent::CreditsCaptured { held_for, amount, parts, .. } => {
                for part in parts {
                    self.lots.change(part.lot, |lot| lot.held -= part.amount);
                }
                self.shrink(*held_for, *amount, true);
            }
            WalletEvent::CreditsReleased { held_for, parts, extended, .. } => {
                for part in parts {
                    self.lots.change(part.lot, |lot| {
                        lot.held -= part.amount;
                        lot.available += part.amount;
                    });
                }
                for extension in extended {
                    self.lots.change(extension.lot, |lot| {
                        lot.expired = false;
                        lot.extended = true;
                        lot.expires_at = Some(extension.expires_at);
                    });
                }
                self.holds.remove(&held_for.id());
            }
            WalletEvent::CreditsRefunded { lots, .. } => {
                for lot in lots {
                    self.add_lot(*lot, 0, None);
                }
            }
            WalletEvent::CreditsGifted { parts, .. } | WalletEvent::CreditsAdjusted { parts, .. } => self.spend(parts),
            WalletEvent::PaymentChargedBack { parts, receivable, .. } => {
                self.spend(parts);
                self.receivable += *receivable;
            }
            WalletEvent::ReceivablePaid { amount, parts, .. } => {
                self.spend(parts);
                self.receivable -= *amount;
            }
            WalletEvent::LotExpired { lot, amount, .. } => self.lots.change(*lot, |lot| {
                lot.expired = true;
                lot.available -= *amount;
            }),
        }
    }

    fn add_lot(&mut self, lot: NewLot, priority: i16, bought_by: Option<PaymentId>) {
        self.lots_made = self.lots_made.max(lot.lot);
        let state = Lot {
            kind: lot.kind,
            bought_by,
            priority,
            expires_at: lot.expires_at,
            expired: false,
            extended: false,
            available: lot.amount,
            held: Credits::ZERO,
        };
        self.lots.0.insert(lot.lot, state);
    }

    fn spend(&mut self, parts: &[Part]) {
        for part in parts {
            self.lots.change(part.lot, |lot| lot.available -= part.amount);
        }
    }

    /// Takes `amount` off a hold. A captured hold with nothing left is resolved; a batch's hold
    /// stays open, if empty, until the batch ends.
    fn shrink(&mut self, held_for: HeldFor, amount: Credits, close_when_empty: bool) {
        let Some(hold) = self.holds.get(&held_for.id()) else {
            return;
        };
        let parts = split_parts(&hold.parts, amount).1;
        if close_when_empty && parts.is_empty() {
            self.holds.remove(&held_for.id());
        } else {
            self.holds.insert(held_for.id(), Arc::new(Hold { parts, ..Hold::clone(hold) }));
        }
    }
}

impl WalletEvent {
    pub(super) fn set_after(&mut self, now: After) {
        match self {
            WalletEvent::Opened { .. } => {}
            WalletEvent::LotGranted { after, .. }
            | WalletEvent::CreditsHeld { after, .. }
            | WalletEvent::HoldSplit { after, .. }
            | WalletEvent::CreditsCaptured { after, .. }
            | WalletEvent::CreditsReleased { after, .. }
            | WalletEvent::CreditsRefunded { after, .. }
            | WalletEvent::CreditsGifted { after, .. }
            | WalletEvent::CreditsAdjusted { after, .. }
            | WalletEvent::PaymentChargedBack { after, .. }
            | WalletEvent::ReceivablePaid { after, .. }
            | WalletEvent::LotExpired { after, .. } => *after = now,
        }
    }
}
