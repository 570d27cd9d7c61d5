//! What has not ended: what a dispatcher looks through when it starts, and now and then.

use chrono::{DateTime, Utc};
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::run::{ItemRef, RunStatus};
use mintmark_domain::{Shard, Timestamp};
use uuid::Uuid;

use crate::error::QueryError;
use crate::positions::{position_column, shard_column};
use crate::reads::ReadModels;
use crate::sql::{named, unsigned};

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    /// Its id.
    pub run: RunId,
    /// Whose it is.
    pub account: AccountId,
    /// Which provider carries it out.
    pub provider: String,
    /// The batch that it is an item of.
    pub item: Option<ItemRef>,
    /// Where it stands.
    pub status: RunStatus,
    /// The attempt that was made last, from 1; 0 before the first.
    pub attempt: u32,
    /// Our id for the attempt.
    pub client_id: Option<String>,
    /// The node that carries it.
    pub node: Option<String>,
    /// After this nobody sends the attempt any more.
    pub submit_by: Option<Timestamp>,
    /// The provider's id.
    pub provider_request_id: Option<String>,
    /// If its outcome is still unknown then, it fails at no cost.
    pub unknown_until: Option<Timestamp>,
    /// Whether its owner wants it stopped.
    pub cancel_requested: bool,
    /// Where it was accepted; older ones come first.
    pub position: Position,
    /// When.
    pub accepted_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// A batch that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// Its id.
    pub batch: BatchId,
    /// Whose it is.
    pub account: AccountId,
    /// Items that wait.
    pub waiting: u32,
    /// Items that may start now.
    pub startable: u32,
    /// Whether its owner wants it stopped.
    pub cancel_requested: bool,
    /// Where it was accepted; older ones come first.
    pub position: Position,
}

#[derive(sqlx::FromRow)]
struct RunView {
    run_id: Uuid,
    account_id: Uuid,
    provider: String,
    batch_id: Option<Uuid>,
    item_index: Option<i32>,
    status: String,
    attempt: i32,
    client_id: Option<String>,
    node: Option<String>,
    submit_by: Option<DateTime<Utc>>,
    provider_request_id: Option<String>,
    unknown_until: Option<DateTime<Utc>>,
    cancel_requested: bool,
    position: i64,
    recorded_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl RunView {
    fn shown(self) -> Result<OpenRun, QueryError> {
        let item = self.batch_id.zip(self.item_index);
        Ok(OpenRun {
            run: RunId(self.run_id),
            account: AccountId(self.account_id),
            provider: self.provider,
            item: item.map(|(batch, index)| ItemRef { batch: BatchId(batch), index: index.cast_unsigned() }),
            status: named("runs", &self.status)?,
            attempt: self.attempt.cast_unsigned(),
            client_id: self.client_id,
            node: self.node,
            submit_by: self.submit_by,
            provider_request_id: self.provider_request_id,
            unknown_until: self.unknown_until,
            cancel_requested: self.cancel_requested,
            position: Position(unsigned("runs", self.position)?),
            accepted_at: self.recorded_at,
            updated_at: self.updated_at,
        })
    }
}

impl ReadModels {
    /// The runs of a shard that have not ended, in the order in which they were accepted, after a
    /// position, at most `limit`.
    pub async fn open_runs(&self, shard: Shard, after: Position, limit: u32) -> Result<Vec<OpenRun>, QueryError> {
        let rows: Vec<RunView> = sqlx::query_as(
            "SELECT run_id, account_id, provider, batch_id, item_index, status, attempt, client_id, node, submit_by,
                    provider_request_id, unknown_until, cancel_requested, position, recorded_at, updated_at
             FROM read_generation_v3.runs
             WHERE completed_at IS NULL AND shard = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(shard_column(shard))
        .bind(position_column(after))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(RunView::shown).collect()
    }

    /// The batches of a shard that have not ended, in the order in which they were accepted, after a
    /// position, at most `limit`.
    pub async fn open_batches(&self, shard: Shard, after: Position, limit: u32) -> Result<Vec<OpenBatch>, QueryError> {
        let rows: Vec<(Uuid, Uuid, i32, i32, bool, i64)> = sqlx::query_as(
            "SELECT batch_id, account_id, waiting,
                    CASE WHEN cancel_requested THEN 0 ELSE greatest(least(waiting, concurrency - running), 0) END,
                    cancel_requested, position
             FROM read_generation_v3.batches
             WHERE completed_at IS NULL AND shard = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(shard_column(shard))
        .bind(position_column(after))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let shown = rows.into_iter().map(|(batch, account, waiting, startable, cancel_requested, position)| {
            Ok(OpenBatch {
                batch: BatchId(batch),
                account: AccountId(account),
                waiting: waiting.cast_unsigned(),
                startable: startable.cast_unsigned(),
                cancel_requested,
                position: Position(unsigned("batches", position)?),
            })
        });
        shown.collect()
    }
}
