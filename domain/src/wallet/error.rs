//! Why a wallet refuses.

use super::events::HoldId;
use crate::Credits;

/// A refusal by a wallet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// Not enough that can be spent.
    #[error("{needed} credits are needed, {available} are available")]
    Insufficient {
        /// What was asked.
        needed: Credits,
        /// What can be spent.
        available: Credits,
    },
    /// An amount of nothing, or less.
    #[error("the amount must be more than nothing")]
    NotPositive,
    /// The wallet would hold more than can be counted.
    #[error("the wallet would hold more than {} credits", Credits::MAX)]
    TooMuch,
    /// More would be owed than can be counted.
    #[error("more than {} credits would be owed", Credits::MAX)]
    OwesTooMuch,
    /// The wallet was not opened.
    #[error("there is no such wallet")]
    NotOpen,
    /// The wallet belongs to somebody else.
    #[error("the wallet has another owner")]
    OtherOwner,
    /// The hold exists with another amount.
    #[error("{hold:?} holds {held}, not {asked}")]
    HoldMismatch {
        /// The hold.
        hold: HoldId,
        /// What it holds.
        held: Credits,
        /// What was asked.
        asked: Credits,
    },
    /// The hold was resolved, or never was.
    #[error("{hold:?} is not open")]
    HoldNotOpen {
        /// The hold.
        hold: HoldId,
    },
    /// More was asked of a hold than is left in it.
    #[error("{hold:?} has {left} left, {asked} were asked")]
    HoldTooSmall {
        /// The hold.
        hold: HoldId,
        /// What is left.
        left: Credits,
        /// What was asked.
        asked: Credits,
    },
    /// More holds are open than a wallet keeps.
    #[error("at most {max} holds may be open at once")]
    TooManyHolds {
        /// The limit.
        max: usize,
    },
    /// More lots are open than a wallet keeps.
    #[error("at most {max} lots may be open at once")]
    TooManyLots {
        /// The limit.
        max: usize,
    },
    /// The lot would be expired before it could be spent.
    #[error("the expiry lies in the past")]
    ExpiryInPast,
}
