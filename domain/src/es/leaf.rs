//! The leaf: one hash per event, from the very first on, so that proofs can be built over all of it.
//!
//! # Format v1
//! SHA-256 over these fields in this order, each preceded by its length in bytes as a 64-bit
//! big-endian number:
//!
//! | # | field | bytes |
//! |---|---|---|
//! | 1 | format | `mintmark.leaf.v1` |
//! | 2 | shard | 64-bit big-endian |
//! | 3 | position | 64-bit big-endian |
//! | 4 | commit id | the 16 bytes of the UUID |
//! | 5 | recorded at | microseconds since 1970 UTC, signed 64-bit big-endian |
//! | 6 | aggregate type | UTF-8 |
//! | 7 | aggregate id | the 16 bytes of the UUID |
//! | 8 | sequence | 64-bit big-endian |
//! | 9 | event type | UTF-8 |
//! | 10 | event version | UTF-8 |
//! | 11 | payload | the bytes as written |
//! | 12 | metadata | the bytes as written |

use sha2::{Digest, Sha256};

use super::aggregate::StreamId;
use super::log::{NewEvent, Position, Recorded};
use crate::ids::CommitId;
use crate::{Shard, Timestamp};

/// Field 1: says which format the rest follows.
pub const LEAF_FORMAT: &str = "mintmark.leaf.v1";

/// Where and when an event stands in the log: what its leaf covers beside the event itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The shard.
    pub shard: Shard,
    /// The place in it.
    pub position: Position,
    /// The commit it came with.
    pub commit_id: CommitId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// The parts of an event that its leaf covers.
struct Parts<'a> {
    stream: StreamId,
    sequence: u64,
    event_type: &'a str,
    event_version: &'a str,
    payload: &'a str,
    metadata: &'a str,
}

fn leaf(place: Place, parts: &Parts<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(LEAF_FORMAT.as_bytes());
    field(&u64::from(place.shard.number()).to_be_bytes());
    field(&place.position.0.to_be_bytes());
    field(place.commit_id.0.as_bytes());
    field(&place.recorded_at.timestamp_micros().to_be_bytes());
    field(parts.stream.aggregate.as_str().as_bytes());
    field(parts.stream.id.as_bytes());
    field(&parts.sequence.to_be_bytes());
    field(parts.event_type.as_bytes());
    field(parts.event_version.as_bytes());
    field(parts.payload.as_bytes());
    field(parts.metadata.as_bytes());
    hash.finalize().into()
}

impl NewEvent {
    /// The leaf that this event has once it stands at `place`.
    #[must_use]
    pub fn leaf(&self, place: Place) -> [u8; 32] {
        let parts = Parts {
            stream: self.stream,
            sequence: self.sequence,
            event_type: &self.event_type,
            event_version: &self.event_version,
            payload: &self.payload,
            metadata: &self.metadata,
        };
        leaf(place, &parts)
    }
}

impl Recorded {
    /// Where and when it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { shard: self.shard, position: self.position, commit_id: self.commit_id, recorded_at: self.recorded_at }
    }

    /// The leaf that its fields determine. Anything else in [`Recorded::leaf`] means that the row was
    /// changed after it was written.
    #[must_use]
    pub fn computed_leaf(&self) -> [u8; 32] {
        let parts = Parts {
            stream: self.stream,
            sequence: self.sequence,
            event_type: &self.event_type,
            event_version: &self.event_version,
            payload: &self.payload,
            metadata: &self.metadata,
        };
        leaf(self.place(), &parts)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::AggregateType;
    use super::*;

    fn recorded() -> Recorded {
        let mut row = Recorded {
            shard: Shard::ZERO,
            position: Position(7),
            commit_id: CommitId(Uuid::from_u128(1)),
            recorded_at: chrono::DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap(),
            stream: StreamId { aggregate: AggregateType::named("counter"), id: Uuid::from_u128(2) },
            sequence: 3,
            event_type: "counter.added".into(),
            event_version: "1.0".into(),
            payload: r#"{"n":1}"#.into(),
            metadata: "{}".into(),
            leaf: [0; 32],
        };
        row.leaf = row.computed_leaf();
        row
    }

    /// The format is frozen: this value may never change.
    #[test]
    fn format_v1_is_frozen() {
        assert_eq!(hex::encode(recorded().leaf), "a76545cd6a2d0046508e466ef6d398dca710305e8805e9a81cbf158366b70ec2");
    }

    #[test]
    fn every_field_is_covered_and_none_runs_into_the_next() {
        let first = recorded();
        let changes: [fn(&mut Recorded); 11] = [
            |row| row.shard = Shard::new(1).unwrap(),
            |row| row.position = Position(8),
            |row| row.commit_id = CommitId(Uuid::from_u128(9)),
            |row| row.recorded_at += chrono::TimeDelta::microseconds(1),
            |row| row.stream.aggregate = AggregateType::named("counte"),
            |row| row.stream.id = Uuid::from_u128(9),
            |row| row.sequence = 4,
            |row| row.event_version = "1.1".into(),
            |row| row.payload = r#"{"n":2}"#.into(),
            |row| row.metadata = "{ }".into(),
            |row| (row.event_type, row.event_version) = ("counter.added1".into(), ".0".into()),
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut row = first.clone();
            change(&mut row);
            assert_ne!(row.computed_leaf(), first.leaf, "change {n}");
        }
    }
}
