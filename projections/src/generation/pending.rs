//! The dispatcher's work queue: what has not ended, over all shards.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::ports::{PendingBatch, PendingRun, WorkCursor, WorkItem, WorkQueue, WorkUnavailable};
use uuid::Uuid;

use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::named;

#[derive(sqlx::FromRow)]
struct View {
    id: Uuid,
    is_run: bool,
    account_id: Uuid,
    provider: Option<String>,
    status: Option<String>,
    node: Option<String>,
    cancel_requested: bool,
    batch_id: Option<Uuid>,
    changed_at: DateTime<Utc>,
}

impl View {
    fn shown(self) -> Result<WorkItem, QueryError> {
        let account = AccountId(self.account_id);
        if !self.is_run {
            return Ok(WorkItem::Batch(PendingBatch { batch: BatchId(self.id), account, changed_at: self.changed_at }));
        }
        Ok(WorkItem::Run(PendingRun {
            run: RunId(self.id),
            account,
            provider: self.provider.unwrap_or_default(),
            status: named("runs", &self.status.unwrap_or_default())?,
            node: self.node,
            cancel_requested: self.cancel_requested,
            batch: self.batch_id.map(BatchId),
            changed_at: self.changed_at,
        }))
    }
}

#[async_trait]
impl WorkQueue for ReadModels {
    async fn pending(&self, after: Option<WorkCursor>, limit: usize) -> Result<Vec<WorkItem>, WorkUnavailable> {
        let unavailable = |error: &dyn std::fmt::Display| WorkUnavailable(error.to_string());
        let rows: Vec<View> = sqlx::query_as(
            "SELECT * FROM (
                 SELECT run_id AS id, true AS is_run, account_id, provider, status, node, cancel_requested, batch_id,
                        updated_at AS changed_at
                 FROM read_generation_v3.runs WHERE completed_at IS NULL
                 UNION ALL
                 SELECT batch_id, false, account_id, NULL, NULL, NULL, cancel_requested, NULL, updated_at
                 FROM read_generation_v3.batches
                 WHERE completed_at IS NULL AND waiting > 0 AND NOT cancel_requested) AS open
             WHERE $1::timestamptz IS NULL OR (changed_at, id) > ($1, $2)
             ORDER BY changed_at, id LIMIT $3",
        )
        .bind(after.map(|cursor| cursor.changed_at))
        .bind(after.map_or_else(Uuid::nil, |cursor| cursor.id))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        rows.into_iter().map(View::shown).collect::<Result<_, _>>().map_err(|error| unavailable(&error))
    }
}
