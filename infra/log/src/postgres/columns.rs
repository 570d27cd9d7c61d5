//! The columns of a commit as arrays, written straight into the message to the server: no vector and
//! no string is made per event.

use mintmark_domain::Shard;
use mintmark_domain::es::{Commit, NewEvent, Place, Position};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

/// Object ids that are the same in every Postgres.
mod oid {
    pub(super) const BYTEA: u32 = 17;
    pub(super) const INT8: u32 = 20;
    pub(super) const TEXT: u32 = 25;
    pub(super) const JSON: u32 = 114;
    pub(super) const JSON_ARRAY: u32 = 199;
    pub(super) const TEXT_ARRAY: u32 = 1009;
    pub(super) const INT8_ARRAY: u32 = 1016;
    pub(super) const BYTEA_ARRAY: u32 = 1001;
}

/// Which column of the events of a commit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column<'c> {
    AggregateType(&'c [NewEvent]),
    AggregateId(&'c [NewEvent]),
    Sequence(&'c [NewEvent]),
    EventType(&'c [NewEvent]),
    EventVersion(&'c [NewEvent]),
    Payload(&'c [NewEvent]),
    Metadata(&'c [NewEvent]),
    /// The leaf of each event where the commit begins after the given position.
    Leaf(&'c Commit, Shard, Position),
}

impl Column<'_> {
    fn oids(self) -> (u32, u32) {
        match self {
            Column::AggregateType(_) | Column::AggregateId(_) | Column::EventType(_) | Column::EventVersion(_) => {
                (oid::TEXT_ARRAY, oid::TEXT)
            }
            Column::Payload(_) | Column::Metadata(_) => (oid::JSON_ARRAY, oid::JSON),
            Column::Sequence(_) => (oid::INT8_ARRAY, oid::INT8),
            Column::Leaf(..) => (oid::BYTEA_ARRAY, oid::BYTEA),
        }
    }

    fn events(&self) -> &[NewEvent] {
        match self {
            Column::AggregateType(events)
            | Column::AggregateId(events)
            | Column::Sequence(events)
            | Column::EventType(events)
            | Column::EventVersion(events)
            | Column::Payload(events)
            | Column::Metadata(events) => events,
            Column::Leaf(commit, ..) => &commit.events,
        }
    }
}

impl Type<Postgres> for Column<'_> {
    /// Only asked where [`Encode::produces`] is not.
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(sqlx::postgres::types::Oid(oid::TEXT_ARRAY))
    }
}

impl Encode<'_, Postgres> for Column<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let events = self.events();
        // One dimension, no nulls, the element's type, how many there are, indexed from 1.
        for number in [1, 0, i32::try_from(self.oids().1)?, i32::try_from(events.len())?, 1] {
            buffer.extend_from_slice(&number.to_be_bytes());
        }
        for (index, event) in events.iter().enumerate() {
            match self {
                Column::AggregateType(_) => element(buffer, event.stream.aggregate.as_str().as_bytes())?,
                Column::AggregateId(_) => {
                    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
                    element(buffer, event.stream.id.hyphenated().encode_lower(&mut text).as_bytes())?;
                }
                Column::Sequence(_) => element(buffer, &event.sequence.to_be_bytes())?,
                Column::EventType(_) => element(buffer, event.event_type.as_bytes())?,
                Column::EventVersion(_) => element(buffer, event.event_version.as_bytes())?,
                Column::Payload(_) => element(buffer, event.payload.as_bytes())?,
                Column::Metadata(_) => element(buffer, event.metadata.as_bytes())?,
                Column::Leaf(commit, shard, expected) => {
                    let place = Place {
                        shard: *shard,
                        position: Position(expected.0 + 1 + index as u64),
                        commit_id: commit.id,
                        recorded_at: commit.recorded_at,
                    };
                    element(buffer, &event.leaf(place))?;
                }
            }
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(sqlx::postgres::types::Oid(self.oids().0)))
    }
}

fn element(buffer: &mut PgArgumentBuffer, bytes: &[u8]) -> Result<(), BoxDynError> {
    buffer.extend_from_slice(&i32::try_from(bytes.len())?.to_be_bytes());
    buffer.extend_from_slice(bytes);
    Ok(())
}
