//! A replay into a schema of its own.

use std::sync::Arc;

use mintmark_domain::Shard;
use mintmark_domain::es::{EventLog, Position};
use sqlx::{Connection, PgConnection, PgPool};

use super::{Progress, RebuildError};
use crate::error::ApplyError;
use crate::feed::Feed;
use crate::projection::Projection;
use crate::runner::{Applied, apply_next, ensure_checkpoint};
use crate::schema;

/// Events applied in one transaction of a replay: the larger, the less a row is written that changes
/// again soon.
const BATCH_EVENTS: usize = 10_000;

/// A replay under way.
pub(super) struct Replay<'a> {
    pub pool: &'a PgPool,
    pub projection: &'a dyn Projection,
    /// Where it goes.
    pub schema: String,
    feeds: Vec<Feed>,
    /// Events applied so far.
    pub events: u64,
    progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl<'a> Replay<'a> {
    /// Makes the tables anew.
    pub async fn begin(
        pool: &'a PgPool,
        log: &Arc<dyn EventLog>,
        projection: &'a dyn Projection,
        shards: &[Shard],
        suffix: &str,
        progress: &'a (dyn Fn(Progress) + Send + Sync),
    ) -> Result<Self, RebuildError> {
        let definition = projection.definition();
        let schema = format!("{}_{suffix}", definition.schema);
        let mut connection = pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        drop_schema(&mut transaction, &schema).await?;
        schema::create(&mut transaction, &schema, &definition).await?;
        transaction.commit().await?;
        let feeds: Vec<Feed> = shards.iter().map(|shard| Feed::new(Arc::clone(log), *shard)).collect();
        for feed in &feeds {
            ensure_checkpoint(pool, &schema, feed).await?;
        }
        Ok(Replay { pool, projection, schema, feeds, events: 0, progress })
    }

    /// Applies up to the end of the log as it is now.
    pub async fn catch_up(&mut self) -> Result<(), RebuildError> {
        let mut ends = Vec::with_capacity(self.feeds.len());
        for feed in &self.feeds {
            ends.push((feed.shard(), feed.end().await.map_err(ApplyError::from)?.position));
        }
        self.up_to(&ends).await
    }

    /// Applies each shard up to a position.
    pub async fn up_to(&mut self, positions: &[(Shard, Position)]) -> Result<(), RebuildError> {
        let total = positions.iter().map(|(_, position)| position.0).sum();
        for feed in &self.feeds {
            let Some((_, until)) = positions.iter().find(|(shard, _)| *shard == feed.shard()) else { continue };
            while let Applied::Events { count, .. } =
                apply_next(self.pool, &self.schema, self.projection, feed, BATCH_EVENTS, Some(*until)).await?
            {
                self.events += count as u64;
                (self.progress)(Progress { projection: self.projection.name(), done: self.events, total });
            }
        }
        Ok(())
    }

    /// Takes the tables away again.
    pub async fn abandon(self) -> Result<(), RebuildError> {
        drop_schema(&mut *self.pool.acquire().await?, &self.schema).await?;
        Ok(())
    }
}

pub(super) async fn drop_schema(connection: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).execute(connection).await?;
    Ok(())
}

/// Where every shard of a version stands.
pub(super) async fn checkpoints(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Vec<(Shard, Position)>> {
    let sql = format!("SELECT shard, position FROM {schema}.checkpoints ORDER BY shard");
    let rows: Vec<(i16, i64)> = sqlx::query_as(&sql).fetch_all(connection).await?;
    let known = rows
        .into_iter()
        .filter_map(|(shard, position)| Some((Shard::new(shard.cast_unsigned())?, Position(position.unsigned_abs()))));
    Ok(known.collect())
}
