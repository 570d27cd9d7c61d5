//! Why a run refuses.

use super::aggregate::RunStatus;
use crate::Credits;

/// A refusal by a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// The id belongs to a request with other content.
    #[error("the run exists with another request")]
    OtherRequest,
    /// The request asks for nothing, or for more than one run may.
    #[error("a run has 1 to {max} outputs")]
    BadOutputCount {
        /// The limit.
        max: usize,
    },
    /// It has ended; it stays as it is.
    #[error("the run has ended: {0:?}")]
    Ended(RunStatus),
    /// An attempt is under way; there is never a second one beside it.
    #[error("attempt {attempt} is under way")]
    AttemptLive {
        /// Which.
        attempt: u32,
    },
    /// Not the attempt that is under way.
    #[error("attempt {attempt} is not under way")]
    NotTheAttempt {
        /// Which was named.
        attempt: u32,
    },
    /// Another node carries the attempt on: whoever says this was replaced.
    #[error("attempt {attempt} is carried on by another node")]
    Replaced {
        /// Which.
        attempt: u32,
    },
    /// The attempt has another id at the provider.
    #[error("attempt {attempt} was submitted under another id")]
    OtherSubmission {
        /// Which.
        attempt: u32,
    },
    /// The run was sent: it cannot be called unsent or cancelled as if it were still waiting.
    #[error("the run was already sent to the provider")]
    AlreadySent,
    /// Somebody wants it stopped: what is not sent yet is not sent any more.
    #[error("the run is to be stopped and is not sent any more")]
    CancelRequested,
    /// As many attempts were made as there may be.
    #[error("at most {max} attempts are made")]
    TooManyAttempts {
        /// The limit.
        max: u32,
    },
    /// Outcomes do not match the outputs asked for.
    #[error("{given} outcomes for {asked} outputs")]
    OutcomeCount {
        /// How many were given.
        given: usize,
        /// How many outputs were asked for.
        asked: usize,
    },
    /// A success that delivers nothing, a failure that does, or a rule that ends nothing.
    #[error("what was delivered does not fit the ending")]
    DeliveryMismatch,
    /// More would be captured than was held, or the parts of it do not add up.
    #[error("{captured} cannot be captured of {held} held")]
    CapturedTooMuch {
        /// What was to be captured.
        captured: Credits,
        /// What is held.
        held: Credits,
    },
    /// Nothing can be refunded of a run that has not ended.
    #[error("the run has not ended")]
    NotEnded,
    /// More would be refunded than was captured and not refunded yet.
    #[error("{asked} cannot be refunded, {left} can")]
    RefundTooMuch {
        /// What was asked.
        asked: Credits,
        /// What can be.
        left: Credits,
    },
    /// The amount is nothing, or the parts are not of the kinds that had paid.
    #[error("a refund gives back more than nothing, of the kinds that had paid")]
    BadRefundParts,
    /// The reference belongs to a refund of another amount.
    #[error("the refund {reference:?} exists with another amount")]
    OtherRefund {
        /// Which.
        reference: String,
    },
    /// As many refunds as one run keeps.
    #[error("at most {max} refunds are given for one run")]
    TooManyRefunds {
        /// The limit.
        max: usize,
    },
}
