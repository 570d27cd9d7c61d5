//! The wallet: lots of credits, holds on them, and every movement with both its sides.
//!
//! Nothing here grows without bound: only open lots and open holds are kept. That a run's hold is
//! resolved once is known by the run; wallet commands for a run are only ever issued by a decision
//! that has loaded that run.

mod aggregate;
mod commands;
pub(crate) mod described;
mod draft;
mod error;
mod events;
mod fold;
mod lots;
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use aggregate::{Balance, CreditWallet, Hold};
pub use commands::{RefundPart, WalletCommand};
pub use error::WalletError;
pub use events::{
    After, BonusKind, GrantSource, HeldFor, HoldId, Ledger, LotExtension, LotKind, LotNumber, NewLot, Part, Posting,
    WalletEvent, WalletOwner,
};
pub use lots::Lot;
