//! Lots and the order in which they are spent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::events::{LotKind, LotNumber, Part};
use crate::ids::PaymentId;
use crate::{Credits, Timestamp};

/// Credits that came in together and expire together. Dropped once nothing of it is left or held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Where they came from.
    pub kind: LotKind,
    /// The payment that bought them; `None` where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought_by: Option<PaymentId>,
    /// Spent before lots of a higher number.
    pub priority: i16,
    /// When what is left expires.
    pub expires_at: Option<Timestamp>,
    /// Whether that has been recorded.
    pub expired: bool,
    /// Whether it had expired and lives on by what came back into it: whatever else comes back has a
    /// time of its own.
    pub extended: bool,
    /// What can be spent.
    pub available: Credits,
    /// What is set aside.
    pub held: Credits,
}

impl Lot {
    /// Whether it is due to expire at `at`.
    #[must_use]
    pub fn is_due(&self, at: Timestamp) -> bool {
        !self.expired && self.expires_at.is_some_and(|expires_at| expires_at <= at)
    }

    fn is_done(&self) -> bool {
        self.available.is_zero() && self.held.is_zero()
    }
}

/// The open lots of a wallet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Lots(pub BTreeMap<LotNumber, Lot>);

impl Lots {
    pub fn available(&self) -> Credits {
        self.0.values().map(|lot| lot.available).sum()
    }

    pub fn held(&self) -> Credits {
        self.0.values().map(|lot| lot.held).sum()
    }

    /// The parts that make up `amount` in the order of spending (decision 4: priority, earliest
    /// expiry, free before earned before paid, oldest), or `None` if there is not enough.
    pub fn take(&self, amount: Credits) -> Option<Vec<Part>> {
        self.take_in(amount, |_| 0)
    }

    /// As [`Lots::take`], but paid lots before all others: what was bought goes before what the house gave.
    pub fn take_paid_first(&self, amount: Credits) -> Option<Vec<Part>> {
        self.take_in(amount, |lot| u8::from(lot.kind != LotKind::Paid))
    }

    /// As [`Lots::take_paid_first`], but what that payment bought before all others.
    pub fn take_of_payment_first(&self, payment: PaymentId, amount: Credits) -> Option<Vec<Part>> {
        self.take_in(amount, |lot| match lot.bought_by {
            Some(by) if by == payment => 0,
            Some(_) | None => 1 + u8::from(lot.kind != LotKind::Paid),
        })
    }

    /// Lots of a lower rank first, within a rank in the order of spending.
    fn take_in(&self, amount: Credits, rank: impl Fn(&Lot) -> u8) -> Option<Vec<Part>> {
        let mut order: Vec<(LotNumber, &Lot)> =
            self.0.iter().filter(|(_, lot)| lot.available.is_positive()).map(|(number, lot)| (*number, lot)).collect();
        order.sort_by_key(|(number, lot)| {
            (rank(lot), lot.priority, lot.expires_at.is_none(), lot.expires_at, lot.kind, *number)
        });
        let mut parts = Vec::new();
        let mut left = amount;
        for (number, lot) in order {
            if left.is_zero() {
                break;
            }
            let part = lot.available.min(left);
            parts.push(Part { lot: number, amount: part });
            left -= part;
        }
        left.is_zero().then_some(parts)
    }

    pub fn change(&mut self, number: LotNumber, change: impl FnOnce(&mut Lot)) {
        if let Some(lot) = self.0.get_mut(&number) {
            change(lot);
            if lot.is_done() {
                self.0.remove(&number);
            }
        }
    }
}

/// The first `amount` of `parts`, and what stays behind. Capture takes from the front, so the lots
/// that are spent first are captured first.
pub(super) fn split_parts(parts: &[Part], amount: Credits) -> (Vec<Part>, Vec<Part>) {
    let (mut taken, mut rest, mut left) = (Vec::new(), Vec::new(), amount);
    for part in parts {
        let now = part.amount.min(left);
        left -= now;
        if now.is_positive() {
            taken.push(Part { amount: now, ..*part });
        }
        if part.amount > now {
            rest.push(Part { amount: part.amount - now, ..*part });
        }
    }
    (taken, rest)
}
