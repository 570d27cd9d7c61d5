//! What happened to a wallet. Each event says which lots moved, names both sides of its posting and
//! carries the balance after it, so that an auditor can check any row against the one before.

use std::fmt;

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AccountId, BatchId, BonusId, GiftId, PartyId, PaymentId, RunId, TeamId, WalletId};
use crate::money::ChargingRule;
use crate::payment::Reversal;
use crate::{Credits, Timestamp};

/// Number of a lot in its wallet, from 1.
pub type LotNumber = u32;

/// Whose wallet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletOwner {
    /// An account's own.
    Account(AccountId),
    /// A team's own.
    Team(TeamId),
    /// What a team lets one member spend.
    Allowance {
        /// The team that fills it.
        team: TeamId,
        /// The member who spends from it.
        member: AccountId,
    },
}

impl WalletOwner {
    /// The wallet.
    #[must_use]
    pub fn wallet(self) -> WalletId {
        match self {
            WalletOwner::Account(account) => account.wallet(),
            WalletOwner::Team(team) => WalletId::of_team(team),
            WalletOwner::Allowance { team, member } => WalletId::allowance(team, member),
        }
    }

    /// Who it is to those that exchange credits with it: an allowance is its member to the team.
    #[must_use]
    pub fn party(self) -> PartyId {
        match self {
            WalletOwner::Account(account) | WalletOwner::Allowance { member: account, .. } => account.into(),
            WalletOwner::Team(team) => team.into(),
        }
    }
}

/// Where credits came from, for the order of spending and the balance's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotKind {
    /// Given by the house: bonuses.
    Free,
    /// Received from another account.
    Earned,
    /// Bought.
    Paid,
}

impl LotKind {
    /// The name in every dialect and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LotKind::Free => "free",
            LotKind::Earned => "earned",
            LotKind::Paid => "paid",
        }
    }
}

/// Why a lot was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantSource {
    /// Bought; the payment's own stream makes sure that it is credited once.
    Purchase {
        /// The payment.
        payment: PaymentId,
    },
    /// A bonus; the bonus's own stream makes sure that a period is credited once.
    Bonus {
        /// The bonus.
        bonus: BonusId,
        /// Which one.
        kind: BonusKind,
        /// The period, `2026-11-22` or `2026-W47`; empty for the sign-up bonus.
        period: String,
    },
    /// Received as a gift.
    Gift {
        /// The gift.
        gift: GiftId,
        /// Who gave it.
        from: PartyId,
    },
    /// A gift that its receiver could not take, back with its giver.
    GiftReturned {
        /// The gift.
        gift: GiftId,
    },
    /// Granted by the operator.
    Operator {
        /// Why, in the operator's words.
        reason: String,
        /// As which payment it is known, where it can be taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment: Option<PaymentId>,
    },
}

/// The bonuses there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BonusKind {
    /// Once, at the first authenticated call.
    Signup,
    /// Once in a UTC day.
    Daily,
    /// Once in an ISO week.
    Weekly,
}

impl BonusKind {
    /// The name by which ids are derived.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            BonusKind::Signup => "signup",
            BonusKind::Daily => "daily",
            BonusKind::Weekly => "weekly",
        }
    }
}

/// A hold is named by the run or batch it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(pub Uuid);

impl fmt::Debug for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hold_{}", self.0.simple())
    }
}

/// What a hold is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldFor {
    /// One run.
    Run(RunId),
    /// A batch's maximum, from which each run's hold is split off.
    Batch(BatchId),
}

impl HeldFor {
    /// The hold's id.
    #[must_use]
    pub fn id(self) -> HoldId {
        match self {
            HeldFor::Run(run) => HoldId(run.0),
            HeldFor::Batch(batch) => HoldId(batch.0),
        }
    }
}

/// Some of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The lot.
    pub lot: LotNumber,
    /// How much of it.
    pub amount: Credits,
}

/// A lot that a refund or a return makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLot {
    /// Its number.
    pub lot: LotNumber,
    /// Its kind.
    pub kind: LotKind,
    /// How much it holds.
    pub amount: Credits,
    /// When it expires; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A lot that had expired while some of it was held, and lives on because that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotExtension {
    /// The lot.
    pub lot: LotNumber,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A side of a posting. `available`, `held` and `receivable` are this wallet's, the others the
/// house's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ledger {
    /// What the wallet can spend.
    Available,
    /// What the wallet has set aside for runs and batches.
    Held,
    /// What the wallet's owner owes after a chargeback of spent credits.
    Receivable,
    /// Credits sold.
    IssuedPaid,
    /// Credits given by the house.
    IssuedFree,
    /// Credits handed between wallets.
    Transferred,
    /// Credits that paid for generation.
    Spent,
    /// Credits that expired.
    Expired,
    /// Credits put right by the operator.
    Adjusted,
}

/// Both sides of a movement: `amount` leaves `from` and enters `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The side that gives.
    pub from: Ledger,
    /// The side that receives.
    pub to: Ledger,
    /// How much; nothing only where the emptied hold of a batch is closed.
    pub amount: Credits,
}

/// What the wallet holds after an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// What can be spent.
    pub available: Credits,
    /// What is set aside.
    pub held: Credits,
}

/// A fact about a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletEvent {
    /// The wallet came to be.
    Opened {
        /// Whose it is.
        owner: WalletOwner,
    },
    /// Credits came in.
    LotGranted {
        /// The new lot.
        lot: LotNumber,
        /// Its kind.
        kind: LotKind,
        /// How much.
        amount: Credits,
        /// Spent before lots of a higher number.
        priority: i16,
        /// When it expires; never if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Why.
        source: GrantSource,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// Credits were set aside.
    CreditsHeld {
        /// What for.
        held_for: HeldFor,
        /// How much.
        amount: Credits,
        /// From which lots, in the order of spending.
        parts: Vec<Part>,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// A part of a batch's hold became a run's own.
    HoldSplit {
        /// The batch.
        batch: BatchId,
        /// The run.
        run: RunId,
        /// How much.
        amount: Credits,
        /// From which lots.
        parts: Vec<Part>,
        /// Both sides (held to held: nothing enters or leaves).
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// Held credits paid for what was delivered.
    CreditsCaptured {
        /// Whose hold.
        held_for: HeldFor,
        /// How much.
        amount: Credits,
        /// Of which lots.
        parts: Vec<Part>,
        /// The line of the charging rules that applied.
        rule: ChargingRule,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// Held credits went back into the lots they came from, and the hold is closed.
    CreditsReleased {
        /// Whose hold.
        held_for: HeldFor,
        /// How much; nothing where all of a batch's hold had become its runs'.
        amount: Credits,
        /// Into which lots.
        parts: Vec<Part>,
        /// Lots that had expired meanwhile and live a little longer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        extended: Vec<LotExtension>,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// Captured credits were given back.
    CreditsRefunded {
        /// The run that had been paid for.
        run: RunId,
        /// How much.
        amount: Credits,
        /// The lots made for it, one for each kind that had paid.
        lots: Vec<NewLot>,
        /// Why, as the operator said; shown to the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// Credits were handed to another account.
    CreditsGifted {
        /// The gift.
        gift: GiftId,
        /// To whom.
        to: PartyId,
        /// How much.
        amount: Credits,
        /// From which lots.
        parts: Vec<Part>,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// The operator took credits away (what the operator adds is a granted lot).
    CreditsAdjusted {
        /// How much was taken.
        amount: Credits,
        /// From which lots.
        parts: Vec<Part>,
        /// Why, in the operator's words.
        reason: String,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// A payment was taken back.
    PaymentChargedBack {
        /// The payment.
        payment: PaymentId,
        /// How.
        #[serde(default)]
        how: Reversal,
        /// How much was charged back.
        amount: Credits,
        /// What was still there to be taken, by lot.
        parts: Vec<Part>,
        /// What had been spent or was held, and is owed now.
        receivable: Credits,
        /// What was taken: both sides; absent where nothing was left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        posting: Option<Posting>,
        /// What is owed: both sides; absent where all was still there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owed: Option<Posting>,
        /// The balance after.
        after: After,
    },
    /// Credits that came in, or came back, paid what a chargeback had left owing.
    ReceivablePaid {
        /// How much was paid.
        amount: Credits,
        /// From which lots.
        parts: Vec<Part>,
        /// What is owed still.
        left: Credits,
        /// Both sides.
        posting: Posting,
        /// The balance after.
        after: After,
    },
    /// What was left of a lot expired.
    LotExpired {
        /// The lot.
        lot: LotNumber,
        /// How much could still be spent; what is held of it is not touched.
        amount: Credits,
        /// When it was due; the event is recorded with the next decision after that.
        effective_at: Timestamp,
        /// Both sides; absent where all that was left is held.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        posting: Option<Posting>,
        /// The balance after.
        after: After,
    },
}

impl WalletEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 12] = [
        "credit_wallet.opened",
        "credit_wallet.lot_granted",
        "credit_wallet.credits_held",
        "credit_wallet.hold_split",
        "credit_wallet.credits_captured",
        "credit_wallet.credits_released",
        "credit_wallet.credits_refunded",
        "credit_wallet.credits_gifted",
        "credit_wallet.credits_adjusted",
        "credit_wallet.payment_charged_back",
        "credit_wallet.receivable_paid",
        "credit_wallet.lot_expired",
    ];

    /// The postings of this event; none for an opening.
    #[must_use]
    pub fn postings(&self) -> Vec<Posting> {
        match self {
            WalletEvent::Opened { .. } => Vec::new(),
            WalletEvent::LotGranted { posting, .. }
            | WalletEvent::CreditsHeld { posting, .. }
            | WalletEvent::HoldSplit { posting, .. }
            | WalletEvent::CreditsCaptured { posting, .. }
            | WalletEvent::CreditsReleased { posting, .. }
            | WalletEvent::CreditsRefunded { posting, .. }
            | WalletEvent::CreditsGifted { posting, .. }
            | WalletEvent::CreditsAdjusted { posting, .. }
            | WalletEvent::ReceivablePaid { posting, .. } => vec![*posting],
            WalletEvent::PaymentChargedBack { posting, owed, .. } => posting.iter().chain(owed).copied().collect(),
            WalletEvent::LotExpired { posting, .. } => posting.iter().copied().collect(),
        }
    }

    /// The balance after this event; nothing for an opening.
    #[must_use]
    pub fn after(&self) -> After {
        match self {
            WalletEvent::Opened { .. } => After::default(),
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
            | WalletEvent::LotExpired { after, .. } => *after,
        }
    }
}

impl DomainEvent for WalletEvent {
    fn event_type(&self) -> String {
        let index = match self {
            WalletEvent::Opened { .. } => 0,
            WalletEvent::LotGranted { .. } => 1,
            WalletEvent::CreditsHeld { .. } => 2,
            WalletEvent::HoldSplit { .. } => 3,
            WalletEvent::CreditsCaptured { .. } => 4,
            WalletEvent::CreditsReleased { .. } => 5,
            WalletEvent::CreditsRefunded { .. } => 6,
            WalletEvent::CreditsGifted { .. } => 7,
            WalletEvent::CreditsAdjusted { .. } => 8,
            WalletEvent::PaymentChargedBack { .. } => 9,
            WalletEvent::ReceivablePaid { .. } => 10,
            WalletEvent::LotExpired { .. } => 11,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        // 1.1.0 added `how` to the one and `source.operator.payment` to the other; see `es::upcasters`.
        let is_second = matches!(self, WalletEvent::PaymentChargedBack { .. } | WalletEvent::LotGranted { .. });
        if is_second { "1.1.0".to_owned() } else { "1.0.0".to_owned() }
    }
}
