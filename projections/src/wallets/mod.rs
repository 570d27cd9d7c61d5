//! Serves balances, lots, open holds and lists of transactions.

mod fold;
mod projection;
mod queries;
mod rows;
mod transactions;

pub use projection::WalletsProjection;
pub use queries::{Lot, OpenHold, Wallet};
pub use transactions::{Transaction, TransactionKind, TransactionStatus};
