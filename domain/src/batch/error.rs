//! Why a batch refuses.

use super::aggregate::BatchStatus;

/// A refusal by a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is no such batch.
    #[error("there is no such batch")]
    NotFound,
    /// The id belongs to a request with other content.
    #[error("the batch exists with another request")]
    OtherRequest,
    /// No items, or more than there may be, or not one maximum of more than nothing for each.
    #[error("a batch has 1 to {max} items, each with its maximum")]
    BadItems {
        /// The limit.
        max: usize,
    },
    /// Not a possible concurrency.
    #[error("concurrency is 1 to {max}")]
    BadConcurrency {
        /// The limit.
        max: u32,
    },
    /// There is no such item.
    #[error("there is no item {index}")]
    NoSuchItem {
        /// Which was named.
        index: u32,
    },
    /// As many items run as may at once.
    #[error("{concurrency} items run already")]
    Saturated {
        /// How many may.
        concurrency: u32,
    },
    /// The item is finished, and not like this.
    #[error("item {index} is past that")]
    ItemPast {
        /// Which.
        index: u32,
    },
    /// It is being cancelled: no further item starts.
    #[error("the batch is being cancelled")]
    Cancelling,
    /// It has ended.
    #[error("the batch has ended: {0:?}")]
    Ended(BatchStatus),
}
