//! Reading rows.

use chrono::DateTime;
use mintmark_domain::Shard;
use mintmark_domain::es::{AggregateType, End, Position, ReadError, Recorded, SealedText, StreamId};
use mintmark_domain::ids::{CommitId, SealedId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

macro_rules! columns {
    ($alias:literal) => {
        concat!(
            $alias,
            ".shard, ",
            $alias,
            ".position, ",
            $alias,
            ".commit_id, ",
            $alias,
            ".recorded_at, ",
            $alias,
            ".aggregate_type, ",
            $alias,
            ".aggregate_id, ",
            $alias,
            ".sequence, ",
            $alias,
            ".event_type, ",
            $alias,
            ".event_version, ",
            $alias,
            ".payload, ",
            $alias,
            ".metadata, ",
            $alias,
            ".leaf"
        )
    };
}

const READ: &str = concat!(
    "SELECT ",
    columns!("e"),
    " FROM events e WHERE e.shard = $1 AND e.position > $2 ORDER BY e.position LIMIT $3"
);
const AT: &str = concat!("SELECT ", columns!("e"), " FROM events e WHERE e.shard = $1 AND e.position = $2");
const END: &str = "SELECT position, commit_id FROM events WHERE shard = $1 ORDER BY position DESC LIMIT 1";
/// The commits at two positions: where an append was to begin, and right after it.
const COMMITS_AT: &str = "SELECT position, commit_id FROM events WHERE shard = $1 AND position IN ($2, $3)";
/// One index scan per stream, however many are asked for.
const READ_STREAMS: &str = concat!(
    "SELECT ", columns!("e"), "
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::smallint[]) WITH ORDINALITY AS asked (kind, id, after, shard, place)
     CROSS JOIN LATERAL (
         SELECT * FROM events
         WHERE aggregate_type = asked.kind AND aggregate_id = asked.id AND sequence > asked.after AND shard = asked.shard
         ORDER BY sequence LIMIT $5) AS e
     ORDER BY asked.place, e.sequence"
);
const READ_SEALED: &str = "SELECT id, subject, ciphertext FROM sealed WHERE id = ANY($2) AND shard = $1";

/// What can go wrong in a read, before it is known which session it was.
pub(super) enum Failure {
    /// The session or the server failed.
    Database(sqlx::Error),
    /// A row that no log writes.
    Corrupt(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Failure::Corrupt(error.to_string()),
            other => Failure::Database(other),
        }
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => ReadError::Unavailable(error.to_string()),
            Failure::Corrupt(why) => ReadError::Corrupt(why),
        }
    }
}

pub(super) fn shard_number(shard: Shard) -> i16 {
    // At most 4,095.
    shard.number().cast_signed()
}

pub(super) fn position_number(position: Position) -> Result<i64, Failure> {
    i64::try_from(position.0).map_err(|_| Failure::Corrupt(format!("position {position} is out of range")))
}

fn unsigned(number: i64, what: &str) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::Corrupt(format!("a negative {what}")))
}

/// A row as the domain knows it. What no log writes is named by where it stands.
fn recorded(row: &PgRow) -> Result<Recorded, Failure> {
    read_row(row).map_err(|failure| match failure {
        Failure::Corrupt(why) => match (row.try_get::<i16, _>(0), row.try_get::<i64, _>(1)) {
            (Ok(shard), Ok(position)) => Failure::Corrupt(format!("shard {shard}, position {position}: {why}")),
            _ => Failure::Corrupt(why),
        },
        other => other,
    })
}

fn read_row(row: &PgRow) -> Result<Recorded, Failure> {
    let shard = u16::try_from(row.try_get::<i16, _>(0)?).ok().and_then(Shard::new);
    let id: &str = row.try_get(5)?;
    let micros = row.try_get(3)?;
    let leaf: &[u8] = row.try_get(11)?;
    Ok(Recorded {
        shard: shard.ok_or_else(|| Failure::Corrupt("a shard beyond 4,095".into()))?,
        position: Position(unsigned(row.try_get(1)?, "position")?),
        commit_id: CommitId(row.try_get(2)?),
        recorded_at: DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| Failure::Corrupt(format!("a time of {micros} µs")))?,
        stream: StreamId {
            aggregate: AggregateType::interned(row.try_get(4)?),
            id: Uuid::try_parse(id).map_err(|_| Failure::Corrupt(format!("a stream called {id:?}")))?,
        },
        sequence: unsigned(row.try_get(6)?, "sequence")?,
        event_type: row.try_get(7)?,
        event_version: row.try_get(8)?,
        // `json` arrives as the text that was written; the driver would insist on parsing it.
        payload: row.try_get_unchecked(9)?,
        metadata: row.try_get_unchecked(10)?,
        leaf: leaf.try_into().map_err(|_| Failure::Corrupt("a leaf that is not 32 bytes".into()))?,
    })
}

fn limit_number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) async fn read(
    connection: &mut PgConnection,
    shard: Shard,
    after: Position,
    limit: usize,
) -> Result<Vec<Recorded>, Failure> {
    let rows = sqlx::query(READ)
        .bind(shard_number(shard))
        .bind(position_number(after)?)
        .bind(limit_number(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(recorded).collect()
}

pub(super) async fn at(
    connection: &mut PgConnection,
    shard: Shard,
    position: Position,
) -> Result<Option<Recorded>, Failure> {
    let row =
        sqlx::query(AT).bind(shard_number(shard)).bind(position_number(position)?).fetch_optional(connection).await?;
    row.as_ref().map(recorded).transpose()
}

pub(super) async fn end(connection: &mut PgConnection, shard: Shard) -> Result<End, Failure> {
    let row = sqlx::query(END).bind(shard_number(shard)).fetch_optional(connection).await?;
    let Some(row) = row else {
        return Err(Failure::Corrupt(format!("shard {shard} was never opened")));
    };
    Ok(End { position: Position(unsigned(row.try_get(0)?, "position")?), commit_id: CommitId(row.try_get(1)?) })
}

/// The commits that stand at `expected` and right after it.
pub(super) async fn commits_at(
    connection: &mut PgConnection,
    shard: Shard,
    expected: Position,
) -> Result<(Option<CommitId>, Option<CommitId>), Failure> {
    let first = position_number(expected)?;
    let rows =
        sqlx::query(COMMITS_AT).bind(shard_number(shard)).bind(first).bind(first + 1).fetch_all(connection).await?;
    let mut found = (None, None);
    for row in rows {
        let commit = Some(CommitId(row.try_get(1)?));
        if row.try_get::<i64, _>(0)? == first { found.0 = commit } else { found.1 = commit }
    }
    Ok(found)
}

pub(super) async fn read_streams(
    connection: &mut PgConnection,
    streams: &[(StreamId, u64)],
    limit_each: usize,
) -> Result<Vec<Recorded>, Failure> {
    let kinds: Vec<&str> = streams.iter().map(|(stream, _)| stream.aggregate.as_str()).collect();
    let ids: Vec<String> = streams.iter().map(|(stream, _)| stream.id.to_string()).collect();
    let after: Vec<i64> = streams.iter().map(|(_, after)| i64::try_from(*after).unwrap_or(i64::MAX)).collect();
    let shards: Vec<i16> = streams.iter().map(|(stream, _)| shard_number(stream.shard())).collect();
    let rows = sqlx::query(READ_STREAMS)
        .bind(&kinds)
        .bind(&ids)
        .bind(&after)
        .bind(&shards)
        .bind(limit_number(limit_each))
        .fetch_all(connection)
        .await?;
    rows.iter().map(recorded).collect()
}

pub(super) async fn read_sealed(
    connection: &mut PgConnection,
    shard: Shard,
    ids: &[SealedId],
) -> Result<Vec<SealedText>, Failure> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(READ_SEALED).bind(shard_number(shard)).bind(&ids).fetch_all(connection).await?;
    let text = |row: &PgRow| {
        Ok(SealedText { id: SealedId(row.try_get(0)?), subject: row.try_get(1)?, ciphertext: row.try_get(2)? })
    };
    rows.iter().map(text).collect()
}
