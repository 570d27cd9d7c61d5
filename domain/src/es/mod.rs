//! Event sourcing: what is appended, how it is read, and how a decision is made on it.

mod aggregate;
mod decision;
mod leaf;
mod log;
mod unit;
mod upcast;

pub use aggregate::{Aggregate, AggregateType, DecodeError, ErasedState, Loaded, StreamId, StreamRef, decode_event};
pub use decision::{Acting, Confirmed, DecideError, Decider, DecisionExt, DecisionRequest, Job, Verdict};
pub use leaf::{LEAF_FORMAT, Place};
pub use log::{
    AppendError, Commit, End, EventLog, LockedShard, MAX_EVENTS_PER_COMMIT, MAX_PAYLOAD_BYTES, NewEvent, Position,
    ReadError, Recorded, SHARD_OPENED, SealedText, check_parts, shard_opened_stream,
};
pub use unit::{Effects, StreamSource, Unit};
pub use upcast::upcasters;
