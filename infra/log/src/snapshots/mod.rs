//! Snapshots: states of long streams, so that they need not be replayed whole.
//!
//! A snapshot is of confirmed state only and worth only speed: any of them may be deleted, and each
//! can be checked against a full replay ([`check`]). It is found by its stream and by the hash of its
//! state's schema, so a release with another shape of state ignores it; and it names the commit of the
//! last event folded in, so a history that lost its tail ignores it, too.

mod memory;
mod postgres;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::es::{DecodeError, EventLog, ReadError, StreamId, StreamRef};
use mintmark_domain::ids::CommitId;
use sha2::{Digest, Sha256};

pub use memory::MemorySnapshots;
pub use postgres::PgSnapshots;

/// Tells snapshots of different shapes apart: SHA-256 of the state's schema text.
pub type SchemaHash = [u8; 32];

/// The hash of a schema text.
#[must_use]
pub fn schema_hash(schema: &str) -> SchemaHash {
    Sha256::digest(schema.as_bytes()).into()
}

/// A stream's state at a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Of which stream.
    pub stream: StreamId,
    /// The shape of the state.
    pub schema: SchemaHash,
    /// The last sequence folded in.
    pub sequence: u64,
    /// The commit which that event came with.
    pub commit_id: CommitId,
    /// The state as JSON.
    pub state: String,
}

/// Keeps at most one snapshot per stream and schema.
#[async_trait]
pub trait SnapshotStore: Send + Sync + 'static {
    /// The snapshot of a stream, if there is one of that schema and the log still holds the event that
    /// it ends with.
    async fn load(&self, stream: StreamId, schema: SchemaHash) -> Result<Option<Snapshot>, ReadError>;

    /// Keeps a snapshot in place of an older one. One that is not newer changes nothing.
    async fn save(&self, snapshot: &Snapshot) -> Result<(), ReadError>;

    /// Forgets the snapshots of a shard that the log no longer bears out. Returns how many.
    async fn drop_diverged(&self, shard: Shard) -> Result<u64, ReadError>;
}

/// Why a snapshot could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The log or the snapshots could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The stream cannot be replayed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// What a check of a snapshot found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// There is none.
    None,
    /// It is what a full replay gives up to that sequence.
    Same(u64),
    /// It is not.
    Differs {
        /// The sequence up to which it goes.
        sequence: u64,
        /// The state it holds, as JSON.
        snapshot: String,
        /// The state that the log gives, as JSON.
        replayed: String,
    },
}

/// How many events a check reads at a time.
const CHECK_PAGE_EVENTS: usize = 2_000;

/// Replays a stream from its first event and compares the state with the snapshot's.
pub async fn check(
    log: &dyn EventLog,
    snapshots: &dyn SnapshotStore,
    stream: StreamRef,
) -> Result<Checked, CheckError> {
    let mut replayed = (stream.empty)();
    let Some(snapshot) = snapshots.load(stream.stream, schema_hash(replayed.schema())).await? else {
        return Ok(Checked::None);
    };
    let mut sequence = 0;
    while sequence < snapshot.sequence {
        let rows = log.read_streams_page(&[(stream.stream, sequence)], CHECK_PAGE_EVENTS).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows.iter().take_while(|row| row.sequence <= snapshot.sequence) {
            replayed.apply(row)?;
        }
        sequence = rows.last().map_or(sequence, |row| row.sequence);
    }
    let mut restored = (stream.empty)();
    let same = restored.restore(&snapshot.state).is_ok() && restored.same_as(replayed.as_ref());
    Ok(if same {
        Checked::Same(snapshot.sequence)
    } else {
        let replayed = replayed.to_json().unwrap_or_else(|error| error.to_string());
        Checked::Differs { sequence: snapshot.sequence, snapshot: snapshot.state, replayed }
    })
}
