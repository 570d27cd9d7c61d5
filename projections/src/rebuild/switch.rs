//! Rebuild and verify: replay, bring both versions to the same positions, compare, and switch.

use std::sync::Arc;

use mintmark_domain::Shard;
use mintmark_domain::es::{EventLog, Position};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};

use super::compare::compare;
use super::replay::{Replay, checkpoints, drop_schema};
use super::{Progress, RebuildError, Replayed};
use crate::error::ApplyError;
use crate::feed::Feed;
use crate::projection::{Projection, ProjectionName};

/// Whoever rebuilds or verifies holds this advisory lock together with the projection's number
/// ("rebu" in ASCII).
const REBUILD_LOCK: i32 = 0x7265_6275;

/// Held from the beginning to the end; given back with its session.
struct Turn {
    session: PoolConnection<Postgres>,
    number: i32,
}

impl Turn {
    async fn take(pool: &PgPool, name: ProjectionName) -> Result<Self, RebuildError> {
        let number = name as i32;
        let mut session = pool.acquire().await?;
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
            .bind(REBUILD_LOCK)
            .bind(number)
            .fetch_one(&mut *session)
            .await?;
        if taken { Ok(Turn { session, number }) } else { Err(RebuildError::Busy(name)) }
    }

    async fn give_back(mut self) -> Result<(), RebuildError> {
        let unlock = sqlx::query("SELECT pg_advisory_unlock($1, $2)").bind(REBUILD_LOCK).bind(self.number);
        unlock.execute(&mut *self.session).await?;
        Ok(())
    }
}

/// Builds a projection anew beside the live one and puts it in its place; says where the two differed.
///
/// The live one goes on serving and applying meanwhile. It pauses while the last events are replayed,
/// and once more for the switch, which is a renaming: readers that are under way finish on what they
/// began with. Works beside running servers and without any.
pub async fn rebuild(
    pool: &PgPool,
    log: &Arc<dyn EventLog>,
    projection: &dyn Projection,
    shards: &[Shard],
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Replayed, RebuildError> {
    let turn = Turn::take(pool, projection.name()).await?;
    let replay = Replay::begin(pool, log, projection, shards, "next", progress).await?;
    let done = compared(replay, log).await;
    let result = match done {
        Ok((replay, replayed)) => switch(replay, replayed).await,
        Err(error) => Err(error),
    };
    if result.is_err() {
        let next = format!("{}_next", projection.definition().schema);
        drop_schema(&mut *pool.acquire().await?, &next).await?;
    }
    turn.give_back().await?;
    result
}

/// Replays a projection into tables of its own, says where the live one differs, and takes them away.
pub async fn verify(
    pool: &PgPool,
    log: &Arc<dyn EventLog>,
    projection: &dyn Projection,
    shards: &[Shard],
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Replayed, RebuildError> {
    let turn = Turn::take(pool, projection.name()).await?;
    let replay = Replay::begin(pool, log, projection, shards, "verify", progress).await?;
    let result = match compared(replay, log).await {
        Ok((replay, replayed)) => replay.abandon().await.map(|()| replayed),
        Err(error) => {
            let next = format!("{}_verify", projection.definition().schema);
            drop_schema(&mut *pool.acquire().await?, &next).await?;
            Err(error)
        }
    };
    turn.give_back().await?;
    result
}

/// Replays, and compares with the live version at the same positions.
async fn compared<'a>(mut replay: Replay<'a>, log: &Arc<dyn EventLog>) -> Result<(Replay<'a>, Replayed), RebuildError> {
    let definition = replay.projection.definition();
    let mut replayed =
        Replayed { projection: replay.projection.name(), events: 0, differences: Vec::new(), compared: false };
    // Nearly all of it without disturbing anybody, and never beyond what the live one has.
    let live = checkpoints(&mut *replay.pool.acquire().await?, definition.schema).await?;
    replay.up_to(&live).await?;
    let mut connection = replay.pool.acquire().await?;
    let mut lock = pause(&mut connection, definition.schema).await?;
    let positions = checkpoints(&mut lock, definition.schema).await?;
    if same_history(log, replay.pool, definition.schema).await? {
        replay.up_to(&positions).await?;
        // What is compared is what stands at this moment; the live one goes on while it is.
        let mut other = replay.pool.acquire().await?;
        let mut snapshot = other.begin().await?;
        sqlx::raw_sql(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .execute(&mut *snapshot)
        .await?;
        sqlx::query(&format!("SELECT count(*) FROM {}.unreadable", definition.schema)).execute(&mut *snapshot).await?;
        lock.rollback().await?;
        replayed.differences = compare(&mut snapshot, &definition, definition.schema, &replay.schema).await?;
        replayed.compared = true;
        snapshot.rollback().await?;
    } else {
        lock.rollback().await?;
    }
    drop(connection);
    replayed.events = replay.events;
    Ok((replay, replayed))
}

/// The replay takes the live version's place, at the end of the log.
async fn switch(mut replay: Replay<'_>, mut replayed: Replayed) -> Result<Replayed, RebuildError> {
    let live = replay.projection.definition().schema;
    let retired = format!("{live}_retired");
    drop_schema(&mut *replay.pool.acquire().await?, &retired).await?;
    // What came meanwhile without disturbing anybody, the rest while nothing moves.
    replay.catch_up().await?;
    let mut connection = replay.pool.acquire().await?;
    let mut lock = pause(&mut connection, live).await?;
    replay.catch_up().await?;
    sqlx::raw_sql(&format!("ALTER SCHEMA {live} RENAME TO {retired}; ALTER SCHEMA {} RENAME TO {live}", replay.schema))
        .execute(&mut *lock)
        .await?;
    lock.commit().await?;
    drop_schema(&mut *replay.pool.acquire().await?, &retired).await?;
    replayed.events = replay.events;
    tracing::info!(projection = %replayed.projection, events = replayed.events, "rebuilt");
    Ok(replayed)
}

/// No runner of any process applies anything to the version until the transaction ends. Readers go
/// on.
async fn pause<'a>(connection: &'a mut PgConnection, schema: &str) -> sqlx::Result<Transaction<'a, Postgres>> {
    let mut transaction = connection.begin().await?;
    // Idle while the last events are replayed, however long that takes.
    sqlx::raw_sql(&format!(
        "SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE {schema}.checkpoints IN EXCLUSIVE MODE"
    ))
    .execute(&mut *transaction)
    .await?;
    Ok(transaction)
}

/// Whether what is applied live is what the log holds. Where it is not, there is nothing to compare.
async fn same_history(log: &Arc<dyn EventLog>, pool: &PgPool, schema: &str) -> Result<bool, RebuildError> {
    let sql = format!("SELECT shard, position, commit_id FROM {schema}.checkpoints");
    let rows: Vec<(i16, i64, uuid::Uuid)> = sqlx::query_as(&sql).fetch_all(pool).await?;
    for (shard, position, commit_id) in rows {
        let Some(shard) = Shard::new(shard.cast_unsigned()) else { continue };
        let feed = Feed::new(Arc::clone(log), shard);
        let slice = feed.read(Position(position.unsigned_abs()), 1).await.map_err(ApplyError::from)?;
        if slice.before.map(|commit| commit.0) != Some(commit_id) {
            return Ok(false);
        }
    }
    Ok(true)
}
