//! One batch: lock the checkpoint, read, apply, move the checkpoint, in one transaction.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::es::{End, Position, Recorded};
use mintmark_domain::ids::CommitId;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::error::ApplyError;
use crate::fact::{Event, Fact};
use crate::feed::{Feed, Slice};
use crate::positions::{position_column, shard_column};
use crate::projection::Projection;

/// What came of an attempt to apply a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Events were applied.
    Events {
        /// How many.
        count: usize,
        /// The new checkpoint.
        end: End,
        /// When its event was recorded.
        recorded_at: Timestamp,
    },
    /// There was nothing after the checkpoint.
    Nothing {
        /// The checkpoint.
        end: End,
    },
    /// Another process is at it.
    Elsewhere {
        /// The position that it last committed.
        position: Position,
    },
}

/// Begins a transaction that sees the version in `schema` and commits without waiting for the disk:
/// what a crash loses, the checkpoint with it, is applied again.
///
/// Rows are always found by key, a batch's worth of them. Left to itself the planner would plan each
/// statement again for each batch, which costs more than the statement, or keep a plan that it made
/// while a table was empty and read it whole ever after.
async fn begin(pool: &PgPool, schema: &str) -> sqlx::Result<Transaction<'static, Postgres>> {
    let statement = format!(
        "BEGIN; SET LOCAL search_path = {schema}; SET LOCAL synchronous_commit = off;
         SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off;
         SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
    );
    pool.begin_with(statement).await
}

#[derive(sqlx::FromRow)]
struct CheckpointRow {
    position: i64,
    commit_id: Uuid,
    /// Streams of the shard that hold an event of a newer release.
    unreadable: Vec<Uuid>,
}

impl Applied {
    /// The checkpoint's position.
    pub fn position(self) -> Position {
        match self {
            Applied::Events { end, .. } | Applied::Nothing { end } => end.position,
            Applied::Elsewhere { position } => position,
        }
    }
}

/// Makes the shard's checkpoint at position 0 if there is none.
pub(crate) async fn ensure_checkpoint(pool: &PgPool, schema: &str, feed: &Feed) -> Result<(), ApplyError> {
    let start = feed.read(Position(0), 1).await?;
    let Some(opened) = start.before else {
        return Ok(()); // The shard is not opened yet.
    };
    let sql = format!(
        "INSERT INTO {schema}.checkpoints (shard, position, commit_id, recorded_at) VALUES ($1, 0, $2, to_timestamp(0))
         ON CONFLICT (shard) DO NOTHING"
    );
    sqlx::query(&sql).bind(shard_column(feed.shard())).bind(opened.0).execute(pool).await?;
    Ok(())
}

/// Applies what follows the checkpoint of the version in `schema`, at most `limit` events and not
/// beyond `until`.
///
/// Of several processes only one gets the checkpoint's row; the others are told that it is applied
/// elsewhere. Delivering an event again changes nothing: events up to the checkpoint are never read.
pub(crate) async fn apply_next(
    pool: &PgPool,
    schema: &str,
    projection: &dyn Projection,
    feed: &Feed,
    limit: usize,
    until: Option<Position>,
) -> Result<Applied, ApplyError> {
    let mut transaction = begin(pool, schema).await?;
    let locked: Option<CheckpointRow> = sqlx::query_as(
        "SELECT position, commit_id, ARRAY(SELECT stream_id FROM unreadable u WHERE u.shard = c.shard) AS unreadable
         FROM checkpoints c WHERE shard = $1 FOR UPDATE OF c SKIP LOCKED",
    )
    .bind(shard_column(feed.shard()))
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(checkpoint) = locked else {
        return elsewhere(transaction, feed).await;
    };
    let position = Position(checkpoint.position.unsigned_abs());
    let slice = feed.read(position, limit).await?;
    if slice.before != Some(CommitId(checkpoint.commit_id)) {
        feed.forget().await;
        return Err(ApplyError::Diverged { at: position });
    }
    let events = up_to(&slice, until);
    let Some(last) = events.last().map(|event| &event.recorded) else {
        transaction.rollback().await?;
        return Ok(Applied::Nothing { end: End { position, commit_id: CommitId(checkpoint.commit_id) } });
    };
    let wanted = readable(&mut transaction, projection, events, checkpoint.unreadable).await?;
    if !wanted.is_empty() {
        projection.apply(&mut transaction, feed.shard(), &wanted).await?;
    }
    move_checkpoint(&mut transaction, last).await?;
    transaction.commit().await?;
    Ok(Applied::Events {
        count: events.len(),
        end: End { position: last.position, commit_id: last.commit_id },
        recorded_at: last.recorded_at,
    })
}

async fn elsewhere(mut transaction: Transaction<'_, Postgres>, feed: &Feed) -> Result<Applied, ApplyError> {
    let position: Option<i64> = sqlx::query_scalar("SELECT position FROM checkpoints WHERE shard = $1")
        .bind(shard_column(feed.shard()))
        .fetch_optional(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    Ok(Applied::Elsewhere { position: Position(position.unwrap_or(0).unsigned_abs()) })
}

fn up_to(slice: &Slice, until: Option<Position>) -> &[Event] {
    let events = slice.events();
    let end = until.map_or(events.len(), |until| events.partition_point(|event| event.recorded.position <= until));
    &events[..end]
}

/// Whether an event is about something that the projection shows.
pub(super) fn wants(projection: &dyn Projection, event: &Event) -> bool {
    event.kind.is_some_and(|kind| projection.wants(kind))
}

/// The events that the projection wants and this release can read.
///
/// A stream that holds an event of a type or version which only a newer release knows is marked, and
/// from that event on left as it was: its rows are out of date. Whoever asks for that stream by itself
/// is refused ([`QueryError::Unreadable`](crate::QueryError::Unreadable)), and lists leave its rows
/// out. The shard goes on. (Readers of a new event type ship a release before its writers, so this happens
/// only when releases are rolled back.) An event that this release should be able to read stops the
/// projection.
async fn readable<'a>(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    events: &'a [Event],
    marked: Vec<Uuid>,
) -> Result<Vec<&'a Event>, ApplyError> {
    let mut marked: HashSet<Uuid> = marked.into_iter().collect();
    let mut wanted = Vec::with_capacity(events.len());
    for event in events {
        if !wants(projection, event) || marked.contains(&event.recorded.stream.id) {
            continue;
        }
        match &event.fact {
            Fact::Corrupt(why) => {
                return Err(ApplyError::Corrupt { at: event.recorded.position, why: why.clone() });
            }
            Fact::Unreadable(why) => {
                mark(connection, &event.recorded, why).await?;
                marked.insert(event.recorded.stream.id);
            }
            Fact::Account(_)
            | Fact::Wallet(_)
            | Fact::Run(_)
            | Fact::Creation(_)
            | Fact::Batch(_)
            | Fact::Webhook(_)
            | Fact::People(_) => {
                wanted.push(event);
            }
            Fact::Elsewhere => {}
        }
    }
    Ok(wanted)
}

async fn mark(connection: &mut PgConnection, event: &Recorded, why: &str) -> sqlx::Result<()> {
    tracing::warn!(stream = ?event.stream, position = event.position.0, why, "a stream needs a newer release");
    sqlx::query(
        "INSERT INTO unreadable (stream_id, shard, position, event_type, why) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (stream_id) DO NOTHING",
    )
    .bind(event.stream.id)
    .bind(shard_column(event.shard))
    .bind(position_column(event.position))
    .bind(&event.event_type)
    .bind(why)
    .execute(connection)
    .await?;
    Ok(())
}

async fn move_checkpoint(connection: &mut PgConnection, last: &Recorded) -> sqlx::Result<()> {
    let recorded_at: DateTime<Utc> = last.recorded_at;
    sqlx::query("UPDATE checkpoints SET position = $2, commit_id = $3, recorded_at = $4 WHERE shard = $1")
        .bind(shard_column(last.shard))
        .bind(position_column(last.position))
        .bind(last.commit_id.0)
        .bind(recorded_at)
        .execute(connection)
        .await?;
    Ok(())
}
