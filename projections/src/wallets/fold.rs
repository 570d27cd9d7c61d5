//! Folds a wallet's events into its rows, and checks the books on the way: each event carries the
//! balance after it, and the rows must come to the same.

use mintmark_domain::es::Recorded;
use mintmark_domain::payment::Reversal;
use mintmark_domain::wallet::{
    After, BonusKind, GrantSource, HeldFor, LotExtension, LotKind, Part, WalletEvent, WalletOwner,
};
use mintmark_domain::{Credits, wallet::LotNumber};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::rows::{HoldKey, HoldRow, LotKey, LotRow, TransactionKey, TransactionRow, WalletKey, WalletRow};
use super::transactions::{TransactionKind, TransactionStatus};
use crate::error::ApplyError;
use crate::positions::{position_column, shard_column};
use crate::table::Rows;

/// The rows that a batch touches.
pub(super) struct Fold {
    pub wallets: Rows<WalletRow>,
    pub lots: Rows<LotRow>,
    pub holds: Rows<HoldRow>,
    pub transactions: Rows<TransactionRow>,
}

/// What a new movement is about.
#[derive(Default)]
struct About {
    hold_id: Option<Uuid>,
    run_id: Option<Uuid>,
    batch_id: Option<Uuid>,
    payment_id: Option<Uuid>,
    gift_id: Option<Uuid>,
    other_account: Option<Uuid>,
    lot: Option<i32>,
    detail: Option<String>,
    owed: Decimal,
    /// What of the amount is set aside.
    held: Decimal,
}

fn inconsistent(event: &Recorded, why: String) -> ApplyError {
    ApplyError::Inconsistent { at: event.position, why }
}

fn missing(event: &Recorded, what: &str) -> ApplyError {
    inconsistent(event, format!("{} of {:?} about {what} that is not there", event.event_type, event.stream))
}

/// Lots of a wallet are few; the column is wide enough.
fn lot_column(lot: LotNumber) -> i32 {
    lot.cast_signed()
}

fn sequence_column(event: &Recorded) -> i64 {
    i64::try_from(event.sequence).unwrap_or(i64::MAX)
}

impl Fold {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Recorded, fact: &WalletEvent) -> Result<(), ApplyError> {
        match fact {
            WalletEvent::Opened { owner } => {
                self.opened(event, *owner);
                return Ok(());
            }
            WalletEvent::LotGranted { lot, kind, amount, priority, expires_at, source, after, .. } => {
                let row = LotRow {
                    priority: *priority,
                    expires_at: *expires_at,
                    source: source_name(source).to_owned(),
                    reference: source_reference(source),
                    ..new_lot(event, *lot, *kind, *amount)
                };
                self.lots.put(row);
                self.add(event, *kind, amount.value())?;
                let (kind, about) = grant(source, *kind, *lot);
                self.moved(event, kind, amount.value(), about, *after);
            }
            WalletEvent::CreditsHeld { held_for, amount, parts, after, .. } => {
                self.take(event, parts, true)?;
                self.held(event, *held_for, amount.value(), *after);
            }
            WalletEvent::HoldSplit { batch, run, amount, after, .. } => {
                self.shrink(event, HeldFor::Batch(*batch), amount.value(), Decimal::ZERO, *after)?;
                self.held(event, HeldFor::Run(*run), amount.value(), *after);
            }
            WalletEvent::CreditsCaptured { held_for, amount, parts, rule, after, .. } => {
                self.captured(event, *held_for, *amount, parts, rule.code(), *after)?;
            }
            WalletEvent::CreditsReleased { held_for, parts, extended, after, .. } => {
                self.released(event, *held_for, parts, extended, *after)?;
            }
            WalletEvent::CreditsRefunded { run, amount, lots, reason, after, .. } => {
                for lot in lots {
                    let row = new_lot(event, lot.lot, lot.kind, lot.amount);
                    let reference = Some(run.to_string());
                    self.lots.put(LotRow { expires_at: lot.expires_at, source: "refund".into(), reference, ..row });
                    self.add(event, lot.kind, lot.amount.value())?;
                }
                let about = About { run_id: Some(run.0), detail: reason.clone(), ..About::default() };
                self.moved(event, TransactionKind::Refund, amount.value(), about, *after);
            }
            WalletEvent::CreditsGifted { gift, to, amount, parts, after, .. } => {
                self.take(event, parts, false)?;
                let about = About { gift_id: Some(gift.0), other_account: Some(to.0), ..About::default() };
                self.moved(event, TransactionKind::GiftSent, -amount.value(), about, *after);
            }
            WalletEvent::CreditsAdjusted { amount, parts, reason, after, .. } => {
                self.take(event, parts, false)?;
                let about = About { detail: Some(reason.clone()), ..About::default() };
                self.moved(event, TransactionKind::Adjustment, -amount.value(), about, *after);
            }
            WalletEvent::PaymentChargedBack { payment, how, amount, parts, receivable, after, .. } => {
                self.take(event, parts, false)?;
                self.wallet(event)?.receivable += receivable.value();
                // A chargeback says all there is to say by its type.
                let detail = match how {
                    Reversal::Refunded => Some(how.as_str().to_owned()),
                    Reversal::Chargeback => None,
                };
                let owed = receivable.value();
                let about = About { payment_id: Some(payment.0), owed, detail, ..About::default() };
                let taken = amount.value() - receivable.value();
                self.moved(event, TransactionKind::Chargeback, -taken, about, *after);
            }
            WalletEvent::ReceivablePaid { amount, parts, after, .. } => {
                self.take(event, parts, false)?;
                self.wallet(event)?.receivable -= amount.value();
                let about = About { owed: -amount.value(), ..About::default() };
                self.moved(event, TransactionKind::Chargeback, -amount.value(), about, *after);
            }
            WalletEvent::LotExpired { lot, amount, after, .. } => {
                let part = Part { lot: *lot, amount: *amount };
                self.take(event, &[part], false)?;
                self.lot(event, *lot)?.expired = true;
                // Where all that was left is held, nothing moved.
                if amount.is_positive() {
                    let about = About { lot: Some(lot_column(*lot)), ..About::default() };
                    self.moved(event, TransactionKind::Expiry, -amount.value(), about, *after);
                }
            }
        }
        self.settle(event, fact.after())
    }

    fn opened(&mut self, event: &Recorded, owner: WalletOwner) {
        let (owner_kind, account_id, team_id) = match owner {
            WalletOwner::Account(account) => ("account", Some(account.0), None),
            WalletOwner::Team(team) => ("team", None, Some(team.0)),
            WalletOwner::Allowance { team, member } => ("allowance", Some(member.0), Some(team.0)),
        };
        self.wallets.put(WalletRow {
            wallet_id: event.stream.id,
            shard: shard_column(event.shard),
            position: position_column(event.position),
            owner_kind: owner_kind.to_owned(),
            account_id,
            team_id,
            opened_at: event.recorded_at,
            sequence: sequence_column(event),
            paid: Decimal::ZERO,
            free: Decimal::ZERO,
            earned: Decimal::ZERO,
            held: Decimal::ZERO,
            receivable: Decimal::ZERO,
            updated_at: event.recorded_at,
            updated_position: position_column(event.position),
        });
    }

    fn wallet(&mut self, event: &Recorded) -> Result<&mut WalletRow, ApplyError> {
        let key = WalletKey { wallet_id: event.stream.id };
        self.wallets.get_mut(&key).ok_or_else(|| missing(event, "a wallet"))
    }

    fn lot(&mut self, event: &Recorded, lot: LotNumber) -> Result<&mut LotRow, ApplyError> {
        let key = LotKey { wallet_id: event.stream.id, lot: lot_column(lot) };
        self.lots.get_mut(&key).ok_or_else(|| missing(event, "a lot"))
    }

    /// Changes what can be spent of one kind.
    fn add(&mut self, event: &Recorded, kind: LotKind, amount: Decimal) -> Result<(), ApplyError> {
        let wallet = self.wallet(event)?;
        match kind {
            LotKind::Paid => wallet.paid += amount,
            LotKind::Free => wallet.free += amount,
            LotKind::Earned => wallet.earned += amount,
        }
        Ok(())
    }

    /// Takes parts out of what can be spent; `hold` sets them aside instead of letting them go.
    fn take(&mut self, event: &Recorded, parts: &[Part], hold: bool) -> Result<(), ApplyError> {
        for part in parts {
            let amount = part.amount.value();
            let lot = self.lot(event, part.lot)?;
            lot.available -= amount;
            if hold {
                lot.held += amount;
            }
            let kind = kind_of(lot, event)?;
            self.add(event, kind, -amount)?;
            if hold {
                self.wallet(event)?.held += amount;
            }
        }
        Ok(())
    }

    fn held(&mut self, event: &Recorded, held_for: HeldFor, amount: Decimal, after: After) {
        let (kind, run_id, batch_id) = match held_for {
            HeldFor::Run(run) => ("run", Some(run.0), None),
            HeldFor::Batch(batch) => ("batch", None, Some(batch.0)),
        };
        let hold_id = held_for.id().0;
        self.holds.put(HoldRow {
            wallet_id: event.stream.id,
            hold_id,
            movement: sequence_column(event),
            held_for: kind.to_owned(),
            amount,
            held_at: event.recorded_at,
            remaining: amount,
        });
        let about = About { hold_id: Some(hold_id), run_id, batch_id, held: amount, ..About::default() };
        self.moved(event, TransactionKind::Spend, -amount, about, after);
    }

    /// Takes `gone` off a hold, of which `captured` paid for something.
    fn shrink(
        &mut self,
        event: &Recorded,
        held_for: HeldFor,
        gone: Decimal,
        captured: Decimal,
        after: After,
    ) -> Result<(), ApplyError> {
        let key = HoldKey { wallet_id: event.stream.id, hold_id: held_for.id().0 };
        let hold = self.holds.get_mut(&key).ok_or_else(|| missing(event, "a hold"))?;
        hold.remaining -= gone;
        let key = TransactionKey { wallet_id: event.stream.id, number: hold.movement };
        let row = self.transactions.get_mut(&key).ok_or_else(|| missing(event, "a movement"))?;
        row.held -= gone;
        row.captured += captured;
        row.amount = -(row.held + row.captured);
        row.balance_after = after.available.value();
        row.updated_at = event.recorded_at;
        Ok(())
    }

    fn captured(
        &mut self,
        event: &Recorded,
        held_for: HeldFor,
        amount: Credits,
        parts: &[Part],
        rule: &str,
        after: After,
    ) -> Result<(), ApplyError> {
        for part in parts {
            self.lot(event, part.lot)?.held -= part.amount.value();
        }
        self.wallet(event)?.held -= amount.value();
        self.shrink(event, held_for, amount.value(), amount.value(), after)?;
        let key = HoldKey { wallet_id: event.stream.id, hold_id: held_for.id().0 };
        let hold = self.holds.get(&key).ok_or_else(|| missing(event, "a hold"))?;
        let (done, number) = (hold.remaining.is_zero(), hold.movement);
        let key = TransactionKey { wallet_id: event.stream.id, number };
        if let Some(row) = self.transactions.get_mut(&key) {
            row.rule = Some(rule.to_owned());
        }
        if done {
            self.close(event, held_for)?;
        }
        Ok(())
    }

    fn released(
        &mut self,
        event: &Recorded,
        held_for: HeldFor,
        parts: &[Part],
        extended: &[LotExtension],
        after: After,
    ) -> Result<(), ApplyError> {
        let mut released = Decimal::ZERO;
        for part in parts {
            let amount = part.amount.value();
            let lot = self.lot(event, part.lot)?;
            lot.held -= amount;
            lot.available += amount;
            let kind = kind_of(lot, event)?;
            self.add(event, kind, amount)?;
            released += amount;
        }
        self.wallet(event)?.held -= released;
        for extension in extended {
            let lot = self.lot(event, extension.lot)?;
            lot.expired = false;
            lot.expires_at = Some(extension.expires_at);
        }
        self.shrink(event, held_for, released, Decimal::ZERO, after)?;
        self.close(event, held_for)
    }

    /// The hold is resolved: its movement is what was captured of it.
    fn close(&mut self, event: &Recorded, held_for: HeldFor) -> Result<(), ApplyError> {
        let key = HoldKey { wallet_id: event.stream.id, hold_id: held_for.id().0 };
        let hold = self.holds.remove(&key).ok_or_else(|| missing(event, "a hold"))?;
        let key = TransactionKey { wallet_id: event.stream.id, number: hold.movement };
        let row = self.transactions.get_mut(&key).ok_or_else(|| missing(event, "a movement"))?;
        if !row.held.is_zero() {
            return Err(inconsistent(event, format!("{held_for:?} is resolved with {} in it", row.held)));
        }
        let status = if row.captured.is_zero() { TransactionStatus::Released } else { TransactionStatus::Settled };
        row.status = status.as_str().to_owned();
        Ok(())
    }

    fn moved(&mut self, event: &Recorded, kind: TransactionKind, amount: Decimal, about: About, after: After) {
        let status = if about.hold_id.is_some() { TransactionStatus::Pending } else { TransactionStatus::Settled };
        self.transactions.put(TransactionRow {
            wallet_id: event.stream.id,
            number: sequence_column(event),
            shard: shard_column(event.shard),
            position: position_column(event.position),
            recorded_at: event.recorded_at,
            kind: kind.as_str().to_owned(),
            hold_id: about.hold_id,
            run_id: about.run_id,
            batch_id: about.batch_id,
            payment_id: about.payment_id,
            gift_id: about.gift_id,
            other_account: about.other_account,
            lot: about.lot,
            detail: about.detail,
            owed: about.owed,
            amount,
            held: about.held,
            captured: Decimal::ZERO,
            status: status.as_str().to_owned(),
            rule: None,
            balance_after: after.available.value(),
            updated_at: event.recorded_at,
        });
    }

    /// The event is folded: its sequence follows, and the rows come to the balance that it carries.
    fn settle(&mut self, event: &Recorded, after: After) -> Result<(), ApplyError> {
        let wallet = self.wallet(event)?;
        let sequence = sequence_column(event);
        if sequence != wallet.sequence + 1 {
            let why = format!("{:?} goes from {} to {sequence}", event.stream, wallet.sequence);
            return Err(inconsistent(event, why));
        }
        wallet.sequence = sequence;
        wallet.updated_at = event.recorded_at;
        wallet.updated_position = position_column(event.position);
        let available = wallet.paid + wallet.free + wallet.earned;
        if available != after.available.value() || wallet.held != after.held.value() {
            let why = format!(
                "{:?} comes to {available} and {} held, the event says {} and {}",
                event.stream, wallet.held, after.available, after.held
            );
            return Err(inconsistent(event, why));
        }
        Ok(())
    }
}

fn new_lot(event: &Recorded, lot: LotNumber, kind: LotKind, amount: Credits) -> LotRow {
    LotRow {
        wallet_id: event.stream.id,
        lot: lot_column(lot),
        kind: kind.as_str().to_owned(),
        priority: 0,
        amount: amount.value(),
        granted_at: event.recorded_at,
        source: String::new(),
        reference: None,
        available: amount.value(),
        held: Decimal::ZERO,
        expires_at: None,
        expired: false,
    }
}

fn kind_of(lot: &LotRow, event: &Recorded) -> Result<LotKind, ApplyError> {
    let known = [LotKind::Free, LotKind::Earned, LotKind::Paid].into_iter().find(|kind| kind.as_str() == lot.kind);
    known.ok_or_else(|| inconsistent(event, format!("a lot of the kind {}", lot.kind)))
}

fn source_name(source: &GrantSource) -> &'static str {
    match source {
        GrantSource::Purchase { .. } => "purchase",
        GrantSource::Bonus { .. } => "bonus",
        GrantSource::Gift { .. } => "gift",
        GrantSource::GiftReturned { .. } => "gift_returned",
        GrantSource::Operator { .. } => "operator",
    }
}

fn source_reference(source: &GrantSource) -> Option<String> {
    match source {
        GrantSource::Purchase { payment } => Some(payment.to_string()),
        GrantSource::Bonus { bonus, .. } => Some(bonus.to_string()),
        GrantSource::Gift { gift, .. } | GrantSource::GiftReturned { gift } => Some(gift.to_string()),
        GrantSource::Operator { .. } => None,
    }
}

/// The type under which a grant is listed (decision 4: what the operator grants counts as a purchase
/// where it is paid for, else as an adjustment).
fn grant(source: &GrantSource, kind: LotKind, lot: LotNumber) -> (TransactionKind, About) {
    let about = About { lot: Some(lot_column(lot)), ..About::default() };
    match source {
        GrantSource::Purchase { payment } => {
            (TransactionKind::Purchase, About { payment_id: Some(payment.0), ..about })
        }
        GrantSource::Bonus { kind, period, .. } => {
            let listed = match kind {
                BonusKind::Signup => TransactionKind::SignupBonus,
                BonusKind::Daily => TransactionKind::DailyBonus,
                BonusKind::Weekly => TransactionKind::WeeklyBonus,
            };
            (listed, About { detail: Some(period.clone()).filter(|period| !period.is_empty()), ..about })
        }
        GrantSource::Gift { gift, from } => {
            let about = About { gift_id: Some(gift.0), other_account: Some(from.0), ..about };
            (TransactionKind::GiftReceived, about)
        }
        // It never was received by anybody: what was sent is put right.
        GrantSource::GiftReturned { gift } => (
            TransactionKind::Adjustment,
            About { gift_id: Some(gift.0), detail: Some("gift returned".into()), ..about },
        ),
        GrantSource::Operator { reason, .. } => {
            let about = About { detail: Some(reason.clone()), ..about };
            match kind {
                LotKind::Paid => (TransactionKind::Purchase, about),
                LotKind::Free | LotKind::Earned => (TransactionKind::Adjustment, about),
            }
        }
    }
}
