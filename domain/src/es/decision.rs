//! The port to the writer: how a use case has a decision made.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::aggregate::{DecodeError, StreamRef};
use super::log::End;
use super::unit::Unit;
use crate::{Shard, Timestamp};

/// Who acts, and what for: recorded with every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acting {
    /// An account's id, or the name of a part of the system (`runner`, `cli`).
    pub actor: String,
    /// What all that one request caused has in common.
    pub correlation_id: String,
    /// What caused this: the request's or an event's id.
    pub causation_id: String,
    /// W3C trace context; empty where there is none.
    pub traceparent: String,
}

impl Acting {
    /// The operator, at the command line.
    #[must_use]
    pub fn operator() -> Self {
        Acting { actor: "operator".into(), ..Acting::default() }
    }
}

/// What a decision needs before it can be made.
#[derive(Clone, Debug)]
pub struct DecisionRequest {
    /// The shard; every stream is in it.
    pub shard: Shard,
    /// The streams it reads or writes.
    pub streams: Vec<StreamRef>,
    /// Who acts.
    pub acting: Acting,
    /// Whose turn it takes in a busy mailbox (usually the account).
    pub fairness: Uuid,
    /// How long it may wait for its turn; after that it is dropped undecided.
    pub within: Duration,
    /// About how many bytes it keeps in memory while it waits, beyond a few kilobytes: sealed texts,
    /// mostly.
    pub carries_bytes: usize,
}

impl DecisionRequest {
    /// How long a decision may wait for its turn unless said otherwise.
    pub const WITHIN_DEFAULT: Duration = Duration::from_secs(10);

    /// A request on `shard` by `acting`, taking `fairness`'s turn.
    #[must_use]
    pub fn new(shard: Shard, acting: Acting, fairness: impl Into<Uuid>) -> Self {
        DecisionRequest {
            shard,
            streams: Vec::new(),
            acting,
            fairness: fairness.into(),
            within: Self::WITHIN_DEFAULT,
            carries_bytes: 0,
        }
    }

    /// Names one more stream.
    #[must_use]
    pub fn stream(mut self, stream: StreamRef) -> Self {
        self.streams.push(stream);
        self
    }

    /// Says that it keeps these bytes too while it waits.
    #[must_use]
    pub fn carrying(mut self, bytes: usize) -> Self {
        self.carries_bytes += bytes;
        self
    }
}

/// Whether a decision's effects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep the overlay.
    Accept,
    /// Drop it; the answer is a refusal.
    Reject,
}

/// A decision: a plain function of the unit. It may be run more than once (a lost race); only the
/// last run counts.
pub type Job = Box<dyn FnMut(&mut Unit<'_>) -> Verdict + Send>;

/// Where a decision was confirmed: the shard's end when its answer was validated or appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The shard's end. Reading at or after it sees the decision.
    pub end: End,
    /// The moment the decision was made at.
    pub at: Timestamp,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// The mailbox is full or the entry outlived its deadline: nothing was decided; retry later.
    #[error("too many decisions are waiting")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The log cannot be reached; nothing was decided.
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// A stream holds an event that this release does not know.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// The decision panicked or made a commit that the log refuses. A defect; nothing was recorded.
    #[error("the decision failed: {0}")]
    Defect(String),
    /// The process is being stopped before the log said what became of the decision: it may or may
    /// not have been recorded. Asking again, with the same ids, tells.
    #[error("the outcome is not known yet: {0}")]
    Unsettled(String),
    /// The writer is shutting down; nothing was decided.
    #[error("shutting down")]
    Stopping,
}

/// One writer per shard and process: makes decisions one after another and appends them together.
#[async_trait]
pub trait Decider: Send + Sync + 'static {
    /// Runs the job on confirmed state and answers once what it saw and did is validated by the log.
    async fn submit(&self, request: DecisionRequest, job: Job) -> Result<Confirmed, DecideError>;

    /// Reads streams as they stand at the shard's confirmed end, without deciding anything.
    async fn load(&self, shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<super::Loaded>, DecideError>;
}

/// What a typed decision came to.
type Outcome<T, E> = Result<(T, Confirmed), Result<E, DecideError>>;

/// Typed decisions over any [`Decider`].
#[async_trait]
pub trait DecisionExt {
    /// Makes a decision. `Ok` carries its output and where it was confirmed; `Err(Ok(e))` is the
    /// decision's own (validated) refusal, `Err(Err(e))` says why there is no answer.
    async fn decide<T, E, F>(&self, request: DecisionRequest, decide: F) -> Outcome<T, E>
    where
        T: Send + 'static,
        E: Send + fmt::Debug + 'static,
        F: FnMut(&mut Unit<'_>) -> Result<T, E> + Send + 'static;
}

#[async_trait]
impl<D: Decider + ?Sized> DecisionExt for D {
    async fn decide<T, E, F>(&self, request: DecisionRequest, mut decide: F) -> Outcome<T, E>
    where
        T: Send + 'static,
        E: Send + fmt::Debug + 'static,
        F: FnMut(&mut Unit<'_>) -> Result<T, E> + Send + 'static,
    {
        let slot: Arc<Mutex<Option<Result<T, E>>>> = Arc::default();
        let filled = Arc::clone(&slot);
        let job: Job = Box::new(move |unit| {
            let result = decide(unit);
            let verdict = if result.is_ok() { Verdict::Accept } else { Verdict::Reject };
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            verdict
        });
        let confirmed = self.submit(request, job).await.map_err(Err)?;
        let result = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match result {
            Some(Ok(output)) => Ok((output, confirmed)),
            Some(Err(refusal)) => Err(Ok(refusal)),
            None => Err(Err(DecideError::Defect("the writer confirmed a decision it never ran".into()))),
        }
    }
}
