//! A decision being made: a copy of the wallet, and the events that led it there.

use super::aggregate::CreditWallet;
use super::commands::RefundPart;
use super::error::WalletError;
use super::events::{After, GrantSource, Ledger, LotKind, LotNumber, NewLot, Part, Posting, WalletEvent};
use crate::ids::RunId;
use crate::{Credits, Timestamp};

/// A wallet being changed by the events that a decision has yielded so far.
pub(super) struct Draft {
    pub wallet: CreditWallet,
    pub events: Vec<WalletEvent>,
}

impl Draft {
    /// Records an event with the balance that it leads to.
    pub fn record(&mut self, event: impl FnOnce(After) -> WalletEvent) {
        let mut event = event(After::default());
        self.wallet.fold(&event);
        event.set_after(self.wallet.after());
        self.events.push(event);
    }

    pub fn expire_due(&mut self, at: Timestamp) {
        let due: Vec<(LotNumber, Credits, Timestamp)> = self
            .wallet
            .lots
            .0
            .iter()
            .filter(|(_, lot)| lot.is_due(at))
            .filter_map(|(number, lot)| lot.expires_at.map(|due| (*number, lot.available, due)))
            .collect();
        for (lot, amount, effective_at) in due {
            let posting =
                amount.is_positive().then_some(Posting { from: Ledger::Available, to: Ledger::Expired, amount });
            self.record(|after| WalletEvent::LotExpired { lot, amount, effective_at, posting, after });
        }
    }

    /// Pays what is owed from what can be spent, as far as it goes: nobody spends credits while owing
    /// for others that were charged back.
    pub fn pay_receivable(&mut self) {
        let amount = self.wallet.receivable.min(self.wallet.lots.available());
        if !amount.is_positive() {
            return;
        }
        let parts = self.wallet.lots.take_paid_first(amount).unwrap_or_default();
        let left = self.wallet.receivable - amount;
        let posting = Posting { from: Ledger::Available, to: Ledger::Receivable, amount };
        self.record(|after| WalletEvent::ReceivablePaid { amount, parts, left, posting, after });
    }

    pub fn take(&self, amount: Credits) -> Result<Vec<Part>, WalletError> {
        if !amount.is_positive() {
            return Err(WalletError::NotPositive);
        }
        let available = self.wallet.lots.available();
        self.wallet.lots.take(amount).ok_or(WalletError::Insufficient { needed: amount, available })
    }

    fn check_room(&self, amount: Credits, lots: usize) -> Result<(), WalletError> {
        if self.wallet.lots.0.len() + lots > CreditWallet::OPEN_LOTS_MAX {
            return Err(WalletError::TooManyLots { max: CreditWallet::OPEN_LOTS_MAX });
        }
        let total = self.wallet.lots.available() + self.wallet.lots.held() + amount;
        if total > Credits::MAX { Err(WalletError::TooMuch) } else { Ok(()) }
    }

    pub fn grant(
        &mut self,
        (kind, amount, priority): (LotKind, Credits, i16),
        expires_at: Option<Timestamp>,
        source: GrantSource,
        at: Timestamp,
    ) -> Result<(), WalletError> {
        if !amount.is_positive() {
            return Err(WalletError::NotPositive);
        }
        if expires_at.is_some_and(|expires_at| expires_at <= at) {
            return Err(WalletError::ExpiryInPast);
        }
        self.check_room(amount, 1)?;
        let from = match (&source, kind) {
            (GrantSource::Gift { .. } | GrantSource::GiftReturned { .. }, _) => Ledger::Transferred,
            (GrantSource::Operator { .. }, LotKind::Earned) => Ledger::Adjusted,
            (_, LotKind::Paid) => Ledger::IssuedPaid,
            (_, LotKind::Free | LotKind::Earned) => Ledger::IssuedFree,
        };
        let posting = Posting { from, to: Ledger::Available, amount };
        let lot = self.wallet.lots_made + 1;
        self.record(|after| WalletEvent::LotGranted {
            lot,
            kind,
            amount,
            priority,
            expires_at,
            source,
            posting,
            after,
        });
        Ok(())
    }

    pub fn refund(&mut self, run: RunId, parts: &[RefundPart], reason: Option<String>) -> Result<(), WalletError> {
        let amount: Credits = parts.iter().map(|part| part.amount).sum();
        if parts.iter().any(|part| !part.amount.is_positive()) || parts.is_empty() {
            return Err(WalletError::NotPositive);
        }
        self.check_room(amount, parts.len())?;
        let lots = (self.wallet.lots_made + 1..)
            .zip(parts)
            .map(|(lot, part)| NewLot { lot, kind: part.kind, amount: part.amount, expires_at: None })
            .collect();
        let posting = Posting { from: Ledger::Spent, to: Ledger::Available, amount };
        self.record(|after| WalletEvent::CreditsRefunded { run, amount, lots, reason, posting, after });
        Ok(())
    }
}
