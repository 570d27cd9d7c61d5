//! What can be asked of a wallet. Each carries the moment it is decided at.

use super::events::{GrantSource, HeldFor, LotKind, WalletOwner};
use crate::ids::{BatchId, GiftId, PartyId, PaymentId, RunId};
use crate::money::ChargingRule;
use crate::payment::Reversal;
use crate::{Credits, Timestamp};

/// Credits of one kind that a refund gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundPart {
    /// The kind that had paid.
    pub kind: LotKind,
    /// How much of it.
    pub amount: Credits,
}

/// A command to a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalletCommand {
    /// Make the wallet.
    Open {
        /// Whose it is.
        owner: WalletOwner,
    },
    /// Add a lot. The payment, bonus or gift it names is loaded by the same decision.
    Grant {
        /// Its kind.
        kind: LotKind,
        /// How much.
        amount: Credits,
        /// Spent before lots of a higher number.
        priority: i16,
        /// When it expires.
        expires_at: Option<Timestamp>,
        /// Why.
        source: GrantSource,
        /// The moment.
        at: Timestamp,
    },
    /// Set credits aside.
    Hold {
        /// What for.
        held_for: HeldFor,
        /// How much.
        amount: Credits,
        /// The moment.
        at: Timestamp,
    },
    /// Make a part of a batch's hold a run's own.
    Split {
        /// The batch.
        batch: BatchId,
        /// The run.
        run: RunId,
        /// How much.
        amount: Credits,
        /// The moment.
        at: Timestamp,
    },
    /// Take some of a hold for what was delivered; what is left stays held.
    Capture {
        /// Whose hold.
        held_for: HeldFor,
        /// How much.
        amount: Credits,
        /// The line of the charging rules.
        rule: ChargingRule,
        /// The moment.
        at: Timestamp,
    },
    /// Give back all that is left of a hold.
    Release {
        /// Whose hold.
        held_for: HeldFor,
        /// The moment.
        at: Timestamp,
    },
    /// Give back captured credits. The run it names is loaded by the same decision and knows how
    /// much may be refunded.
    Refund {
        /// The run.
        run: RunId,
        /// How much, by the kinds that had paid.
        parts: Vec<RefundPart>,
        /// Why; shown to the account.
        reason: Option<String>,
        /// The moment.
        at: Timestamp,
    },
    /// Hand credits to another account, or to a team.
    Gift {
        /// The gift, loaded by the same decision.
        gift: GiftId,
        /// To whom.
        to: PartyId,
        /// How much.
        amount: Credits,
        /// The moment.
        at: Timestamp,
    },
    /// Take credits away.
    Adjust {
        /// How much.
        amount: Credits,
        /// Why.
        reason: String,
        /// The moment.
        at: Timestamp,
    },
    /// Take back what a payment bought; what was spent is owed.
    ChargeBack {
        /// The payment, loaded by the same decision.
        payment: PaymentId,
        /// How it is taken back.
        how: Reversal,
        /// How much.
        amount: Credits,
        /// The moment.
        at: Timestamp,
    },
    /// Expire the lots that are due.
    ExpireDue {
        /// The moment.
        at: Timestamp,
    },
}
