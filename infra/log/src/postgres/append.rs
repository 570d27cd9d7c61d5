//! Appending: one statement, and the judgement of what became of it.

use mintmark_domain::es::{AppendError, Commit, End, Position};
use mintmark_domain::ids::CommitId;
use mintmark_domain::{Shard, Timestamp};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::columns::Column;
use super::read::{self, Failure, position_number, shard_number};

macro_rules! append {
    ($rest:literal) => {
        concat!(
            // Runs only because `base` joins it: a locking part that nothing refers to is left out.
            "WITH head AS MATERIALIZED (SELECT shard FROM shards WHERE shard = $1 FOR UPDATE),
             base AS (
                 SELECT head.shard, at_end.position FROM head
                 JOIN events at_end ON at_end.shard = head.shard
                 WHERE at_end.shard = $1 AND at_end.position = $2 AND at_end.commit_id = $3),
             appended AS (
                 INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                                     metadata, shard, position, commit_id, recorded_at, leaf)
                 SELECT new.kind, new.id, new.sequence, new.event_type, new.event_version, new.payload,
                        new.metadata, base.shard, base.position + new.place, $4, $5, new.leaf
                 FROM base
                 CROSS JOIN unnest($6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::json[],
                                   $12::json[], $13::bytea[])
                            WITH ORDINALITY AS new (kind, id, sequence, event_type, event_version, payload,
                                                    metadata, leaf, place)
                 ORDER BY new.place
                 RETURNING 1)",
            $rest
        )
    };
}

const APPEND: &str = append!(" SELECT count(*) FROM appended");
/// The sealed texts go in only where the events did.
const APPEND_SEALED: &str = append!(
    ", sealed_rows AS (
         INSERT INTO sealed (shard, id, subject, ciphertext)
         SELECT $1, text.id, text.subject, text.ciphertext
         FROM unnest($14::uuid[], $15::uuid[], $16::bytea[]) AS text (id, subject, ciphertext)
         WHERE (SELECT count(*) FROM appended) > 0
         RETURNING 1)
     SELECT count(*) FROM appended"
);

/// Both rows or none; of several who open the shard at once, one does.
const OPEN: &str = "
    WITH opened AS (
        INSERT INTO shards (shard, opened_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING shard)
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        shard, position, commit_id, recorded_at, leaf)
    SELECT $3, $4, 0, $5, $6, $7::json, $8::json, shard, 0, $9, $2, $10 FROM opened";

/// What the server said to the statement.
pub(super) enum Sent {
    /// The events are in.
    Appended(End),
    /// They are not, or the statement met rows of its own kind: the rows decide.
    ToBeJudged(String),
    /// No reply, or one that does not say.
    Unknown(sqlx::Error),
}

/// Whether this error means that this attempt wrote nothing: the data were refused (classes 22, 23) or
/// the statement was too large or too deep (54).
fn wrote_nothing(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| ["22", "23", "54"].contains(&code.get(..2).unwrap_or_default()))
}

/// Sends the statement.
pub(super) async fn send(connection: &mut PgConnection, shard: Shard, expected: End, commit: &Commit) -> Sent {
    let Ok(position) = position_number(expected.position) else {
        return Sent::ToBeJudged("a position out of range".into());
    };
    let events = commit.events.as_slice();
    let query = sqlx::query(if commit.sealed.is_empty() { APPEND } else { APPEND_SEALED })
        .bind(shard_number(shard))
        .bind(position)
        .bind(expected.commit_id.0)
        .bind(commit.id.0)
        .bind(commit.recorded_at.timestamp_micros())
        .bind(Column::AggregateType(events))
        .bind(Column::AggregateId(events))
        .bind(Column::Sequence(events))
        .bind(Column::EventType(events))
        .bind(Column::EventVersion(events))
        .bind(Column::Payload(events))
        .bind(Column::Metadata(events))
        .bind(Column::Leaf(commit, shard, expected.position));
    let result = if commit.sealed.is_empty() {
        query.fetch_one(connection).await
    } else {
        let ids: Vec<Uuid> = commit.sealed.iter().map(|text| text.id.0).collect();
        let subjects: Vec<Uuid> = commit.sealed.iter().map(|text| text.subject).collect();
        let ciphertexts: Vec<&[u8]> = commit.sealed.iter().map(|text| text.ciphertext.as_slice()).collect();
        query.bind(ids).bind(subjects).bind(ciphertexts).fetch_one(connection).await
    };
    match result.and_then(|row| row.try_get::<i64, _>(0)) {
        Ok(count) if count > 0 => Sent::Appended(end_of(expected, commit)),
        Ok(_) => Sent::ToBeJudged("no row went in".into()),
        Err(error) if wrote_nothing(&error) => Sent::ToBeJudged(error.to_string()),
        Err(error) => Sent::Unknown(error),
    }
}

/// Where the shard ends once the commit stands after `expected`.
pub(super) fn end_of(expected: End, commit: &Commit) -> End {
    End { position: Position(expected.position.0 + commit.events.len() as u64), commit_id: commit.id }
}

/// Reads what stands at the expected end and right after it, which alone says what became of the
/// commit. `said` is what the server said to the statement.
pub(super) async fn judge(
    connection: &mut PgConnection,
    shard: Shard,
    expected: End,
    commit: &Commit,
    said: &str,
) -> Result<Result<End, AppendError>, Failure> {
    let (at_end, after_end) = read::commits_at(connection, shard, expected.position).await?;
    Ok(if at_end != Some(expected.commit_id) {
        Err(AppendError::Diverged)
    } else if after_end == Some(commit.id) {
        Ok(end_of(expected, commit))
    } else if after_end.is_some() {
        Err(AppendError::Stale)
    } else {
        Err(AppendError::Refused(said.to_owned()))
    })
}

/// Writes the two rows that open a shard, unless they are there.
pub(super) async fn open(
    connection: &mut PgConnection,
    shard: Shard,
    commit_id: CommitId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let row = crate::opening::opening_row(shard, commit_id, at);
    sqlx::query(OPEN)
        .bind(shard_number(shard))
        .bind(at.timestamp_micros())
        .bind(row.stream.aggregate.as_str())
        .bind(row.stream.id.to_string())
        .bind(&row.event_type)
        .bind(&row.event_version)
        .bind(&row.payload)
        .bind(&row.metadata)
        .bind(commit_id.0)
        .bind(row.leaf)
        .execute(connection)
        .await?;
    Ok(())
}
