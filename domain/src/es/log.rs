//! The port to the event log: compare-and-append on one shard at a time.

use std::collections::{HashMap, HashSet};
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::aggregate::{AggregateType, StreamId};
use crate::ids::{CommitId, SealedId, derived_id};
use crate::{Shard, Timestamp};

/// The most events that one commit may hold.
pub const MAX_EVENTS_PER_COMMIT: usize = 4_096;
/// The most bytes that one event's payload, or one sealed text, may take.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;
/// The event type of the row at position 0 of every shard.
pub const SHARD_OPENED: &str = "log.shard_opened";

/// The stream that holds the row at position 0 of `shard`.
#[must_use]
pub fn shard_opened_stream(shard: Shard) -> StreamId {
    StreamId { aggregate: AggregateType::LOG, id: derived_id(shard, "log", &[]) }
}

/// Where an event stands in its shard: 0, 1, 2 … without gaps, in commit order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The end of a shard: its last position and the commit that stands there. Two histories that agree
/// on an end agree on all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// The last position.
    pub position: Position,
    /// The commit that the event at `position` belongs to.
    pub commit_id: CommitId,
}

/// An event to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Its number in the stream, from 1.
    pub sequence: u64,
    /// Frozen name, `credit_wallet.credits_held`.
    pub event_type: String,
    /// Numeric semantic version.
    pub event_version: String,
    /// JSON, kept as these bytes.
    pub payload: String,
    /// A JSON object of strings, kept as these bytes.
    pub metadata: String,
}

/// A text kept apart from the events, encrypted under its subject's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedText {
    /// By what events refer to it.
    pub id: SealedId,
    /// Whose key it is sealed under (an account's id); destroying that key destroys the text.
    pub subject: Uuid,
    /// Nonce and ciphertext, as the sealer made them.
    pub ciphertext: Vec<u8>,
}

/// What becomes true together: events of any number of streams of one shard, and sealed texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Unique; sending a commit again with the same id can never append it twice.
    pub id: CommitId,
    /// When it was decided; never before the shard's last recorded time.
    pub recorded_at: Timestamp,
    /// At least one.
    pub events: Vec<NewEvent>,
    /// Texts that the events refer to.
    pub sealed: Vec<SealedText>,
}

impl Commit {
    /// Whether the commit could stand in `shard` at all, as far as it shows by itself: not empty,
    /// within the limits, every stream in the shard, sequences running on, no U+0000, no sealed id
    /// twice. The error says what is wrong.
    pub fn check(&self, shard: Shard) -> Result<(), String> {
        if self.events.is_empty() {
            return Err("it holds no event".into());
        }
        check_parts(shard, &self.events, &self.sealed)
    }
}

/// [`Commit::check`] for a part of a commit: what one decision wants to add. May be empty.
pub fn check_parts(shard: Shard, events: &[NewEvent], sealed: &[SealedText]) -> Result<(), String> {
    if events.len() > MAX_EVENTS_PER_COMMIT {
        return Err(format!("it holds {} events, more than {MAX_EVENTS_PER_COMMIT}", events.len()));
    }
    if events.is_empty() && !sealed.is_empty() {
        return Err("it seals texts that no event refers to".into());
    }
    let mut last: HashMap<StreamId, u64> = HashMap::with_capacity(events.len().min(64));
    for event in events {
        let stream = event.stream;
        if stream.shard() != shard {
            return Err(format!("{stream:?} is not in shard {shard}"));
        }
        match last.insert(stream, event.sequence) {
            None if event.sequence == 0 => return Err(format!("{stream:?} would begin at 0")),
            Some(before) if event.sequence != before + 1 => {
                return Err(format!("{stream:?} would go from {before} to {}", event.sequence));
            }
            Some(_) | None => {}
        }
        if event.payload.len() > MAX_PAYLOAD_BYTES || event.metadata.len() > MAX_PAYLOAD_BYTES {
            return Err(format!("an event of {stream:?} is larger than {MAX_PAYLOAD_BYTES} bytes"));
        }
        if [&event.payload, &event.metadata, &event.event_type, &event.event_version]
            .iter()
            .any(|text| text.contains('\0'))
        {
            return Err(format!("an event of {stream:?} holds U+0000"));
        }
    }
    let mut ids = HashSet::with_capacity(sealed.len());
    for text in sealed {
        if text.ciphertext.len() > MAX_PAYLOAD_BYTES {
            return Err(format!("{} is larger than {MAX_PAYLOAD_BYTES} bytes", text.id));
        }
        if !ids.insert(text.id) {
            return Err(format!("{} is sealed twice", text.id));
        }
    }
    Ok(())
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The shard it stands in.
    pub shard: Shard,
    /// Its place there.
    pub position: Position,
    /// The commit it came with.
    pub commit_id: CommitId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its stream.
    pub stream: StreamId,
    /// Its number in the stream, from 1 (0 for the row that opens a shard).
    pub sequence: u64,
    /// Frozen name.
    pub event_type: String,
    /// Version under which it was written.
    pub event_version: String,
    /// JSON as it was written.
    pub payload: String,
    /// JSON object of strings as it was written.
    pub metadata: String,
    /// SHA-256 over the length-prefixed fields (format v1).
    pub leaf: [u8; 32],
}

/// Why a commit was not appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another commit stands where this one would begin. Read on, decide again.
    #[error("another commit stands after the expected end")]
    Stale,
    /// The expected end is not in the log: a tail was lost. Drop every cache of the shard.
    #[error("the log no longer holds the expected end")]
    Diverged,
    /// The reply was lost. Send the same commit again until it is judged otherwise.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// The log cannot be reached and this attempt sent nothing.
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// The commit itself is bad and will never be appended.
    #[error("the commit is refused: {0}")]
    Refused(String),
}

/// Why the log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store did not answer; try again.
    #[error("the log could not be read: {0}")]
    Unavailable(String),
    /// A row that no log writes.
    #[error("the log holds a row that cannot be: {0}")]
    Corrupt(String),
}

/// An append-only log of events in shards.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Opens a shard: writes its row at position 0 if it is not there. Returns the shard's end.
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError>;

    /// Appends the commit if `expected` is the shard's end. All or nothing, over every stream in it.
    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError>;

    /// The shard's end.
    async fn end(&self, shard: Shard) -> Result<End, ReadError>;

    /// The event at a position (0: the row that opens the shard); `None` where the shard holds none.
    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError>;

    /// The events after a position, in order, at most `limit`.
    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// The events of each stream after a sequence, in one read, at most `limit_each` of each; in the
    /// order in which the streams are named, then by sequence.
    async fn read_streams_page(
        &self,
        streams: &[(StreamId, u64)],
        limit_each: usize,
    ) -> Result<Vec<Recorded>, ReadError>;

    /// All events of each stream after a sequence, in one read; in the order in which the streams
    /// are named, then by sequence.
    async fn read_streams(&self, streams: &[(StreamId, u64)]) -> Result<Vec<Recorded>, ReadError> {
        self.read_streams_page(streams, usize::MAX).await
    }

    /// Sealed texts by id, in no order; those that are not there are left out.
    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError>;

    /// Waits for its turn and holds the shard: nobody else appends to it until the returned handle
    /// is used up or dropped. Waiting is fair: first come, first served.
    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError>;
}

/// A shard that nobody else can append to meanwhile. Dropping it lets go without appending.
///
/// Hold it shortly: the log may take it away from a holder that stays idle.
#[async_trait]
pub trait LockedShard: Send {
    /// The shard's end; nobody moves it while this is held.
    async fn end(&mut self) -> Result<End, ReadError>;

    /// The event at a position.
    async fn at(&mut self, position: Position) -> Result<Option<Recorded>, ReadError>;

    /// The events after a position, in order, at most `limit`.
    async fn read(&mut self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// Appends as [`EventLog::append`] does, and lets go. An unknown outcome is settled through
    /// [`EventLog::append`] with the same commit and the same end.
    async fn append(self: Box<Self>, expected: End, commit: &Commit) -> Result<End, AppendError>;
}
