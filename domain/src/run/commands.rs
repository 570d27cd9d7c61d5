//! What can be asked of a run.

use super::events::{CapturedPart, Ending, FailureReason, OutputOutcome, ReportedCost, RequestedRun};
use crate::{Credits, Timestamp};

/// An attempt and the node that carries it. A node that was replaced is refused by this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRef {
    /// The attempt's number.
    pub number: u32,
    /// The node.
    pub node: String,
}

/// A command to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunCommand {
    /// Accept it.
    Request(Box<RequestedRun>),
    /// Write down that it is about to be sent.
    IntendSubmit {
        /// Our id for the attempt.
        client_id: String,
        /// The node that sends it.
        node: String,
        /// Until when it may be sent.
        submit_by: Timestamp,
        /// The moment.
        at: Timestamp,
    },
    /// Carry an attempt on for a node that is gone.
    TakeOver {
        /// Which attempt, and the node that carried it.
        attempt: AttemptRef,
        /// The node that carries it on.
        node: String,
        /// The moment.
        at: Timestamp,
    },
    /// The provider took it.
    RecordSubmitted {
        /// Which attempt, and who carries it.
        attempt: AttemptRef,
        /// The provider's id.
        provider_request_id: String,
        /// The moment.
        at: Timestamp,
    },
    /// The provider provably never got it.
    DisproveSubmit {
        /// Which attempt, and who carries it.
        attempt: AttemptRef,
        /// How that is known.
        reason: FailureReason,
        /// The moment.
        at: Timestamp,
    },
    /// Nobody can say.
    MarkUnknown {
        /// Which attempt, and who carries it.
        attempt: AttemptRef,
        /// Why.
        reason: FailureReason,
        /// Until when to go on asking.
        until: Timestamp,
        /// The moment.
        at: Timestamp,
    },
    /// Its owner wants it stopped.
    RequestCancel {
        /// Which account, or `operator`.
        by: String,
        /// The moment.
        at: Timestamp,
    },
    /// At least one output was delivered.
    Succeed {
        /// Which attempt, and who carries it.
        attempt: AttemptRef,
        /// What became of each output.
        outputs: Vec<OutputOutcome>,
        /// How the books are closed.
        ending: Ending,
    },
    /// Nothing was delivered.
    Fail {
        /// Which attempt; absent if none was made.
        attempt: Option<AttemptRef>,
        /// Why.
        reason: FailureReason,
        /// How the books are closed.
        ending: Ending,
    },
    /// It was stopped.
    Cancel {
        /// Which attempt, and who carries it; absent if none is under way.
        attempt: Option<AttemptRef>,
        /// Which account, or `operator`.
        by: String,
        /// What had been delivered.
        outputs: Vec<OutputOutcome>,
        /// How the books are closed.
        ending: Ending,
    },
    /// End it by hand.
    SettleByHand {
        /// Who.
        by: String,
        /// On what evidence.
        reason: FailureReason,
        /// How the books are closed.
        ending: Ending,
    },
    /// Keep what the provider says it charges us, now that the run has ended.
    BillLate {
        /// Which attempt, whoever carried it.
        attempt: u32,
        /// What the provider says.
        reported_cost: ReportedCost,
        /// The moment.
        at: Timestamp,
    },
    /// Give some of what was captured back.
    Refund {
        /// Of this refund: the same said again is no new one.
        reference: String,
        /// How much.
        amount: Credits,
        /// Of which kinds, as [`super::Run::refund_parts`] says.
        parts: Vec<CapturedPart>,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// The moment.
        at: Timestamp,
    },
}
