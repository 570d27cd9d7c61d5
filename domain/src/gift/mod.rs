//! Credits handed from one wallet to another, in three steps because the two may live in different shards:
//! sent (with the giver's wallet), taken or refused (with the receiver's), settled (with the giver's again
//! where it was refused). Each step is one append and is carried out once; [`next_step`] says which is due.

pub(crate) mod receipt;
pub(crate) mod sent;
#[cfg(test)]
mod tests;

pub use receipt::{GiftReceipt, ReceiptCommand, ReceiptError, ReceiptEvent, RefusedGift};
pub use sent::{Gift, GiftCommand, GiftError, GiftEvent, GiftPart, GiftStatus, SentGift};

/// What is due for a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiftStep {
    /// Have the receiver take it.
    Hand,
    /// Note that it was taken.
    Settle,
    /// Give it back: it was refused.
    Return(RefusedGift),
}

/// The step that is due, from both streams as they stand; `None` where nothing is.
#[must_use]
pub fn next_step(gift: &Gift, receipt: &GiftReceipt) -> Option<GiftStep> {
    match (gift.status(), receipt.outcome()) {
        (GiftStatus::None | GiftStatus::Delivered | GiftStatus::Returned, _) => None,
        (GiftStatus::Sent, None) => Some(GiftStep::Hand),
        (GiftStatus::Sent, Some(Ok(()))) => Some(GiftStep::Settle),
        (GiftStatus::Sent, Some(Err(why))) => Some(GiftStep::Return(why)),
    }
}
