//! Batches and their items.

use chrono::{DateTime, Utc};
use mintmark_domain::batch::{BatchMode, BatchStatus, ItemState};
use mintmark_domain::ids::{AccountId, BatchId, RunId, SealedId};
use mintmark_domain::run::Surface;
use mintmark_domain::{Credits, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::error::QueryError;
use crate::positions::{Place, Walk, position_column};
use crate::projection::ProjectionName;
use crate::reads::{Order, Paging, ReadModels, Stretch};
use crate::sql::{credits, named, unsigned};

/// A batch as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Whose it is.
    pub account: AccountId,
    /// The key it was made with.
    pub key_id: Option<u64>,
    /// Through which door it came.
    pub surface: Surface,
    /// The request's id.
    pub request_id: String,
    /// What its items are.
    pub mode: BatchMode,
    /// The workflow or operation.
    pub target: String,
    /// How many items may run at once.
    pub concurrency: u32,
    /// How many items it has.
    pub items: u32,
    /// What was held for all of it.
    pub maximum: Credits,
    /// Where it stands.
    pub status: BatchStatus,
    /// Items that wait.
    pub waiting: u32,
    /// Items that run.
    pub running: u32,
    /// Items that delivered.
    pub succeeded: u32,
    /// Items that did not.
    pub failed: u32,
    /// Items that were stopped or never started.
    pub cancelled: u32,
    /// Whether its owner wants it stopped.
    pub cancel_requested: bool,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// An item of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchItem {
    /// Which, from 0.
    pub index: u32,
    /// Where it stands.
    pub state: ItemState,
    /// The sealed text that holds its inputs, among others.
    pub inputs: SealedId,
    /// The most that it can cost.
    pub maximum: Credits,
    /// Its run, once it was started.
    pub run: Option<RunId>,
}

/// Which batches of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchFilter {
    /// In one of these states; any if empty.
    pub statuses: Vec<BatchStatus>,
    /// Of workflows, or of operations.
    pub mode: Option<BatchMode>,
    /// Of this workflow or operation.
    pub target: Option<String>,
}

const COLUMNS: &str = "batch_id, recorded_at, account_id, key_id, surface, request_id, mode, target, concurrency,
    items, maximum, status, waiting, running, succeeded, failed, cancelled, cancel_requested, completed_at, updated_at";

#[derive(sqlx::FromRow)]
struct View {
    batch_id: Uuid,
    recorded_at: DateTime<Utc>,
    account_id: Uuid,
    key_id: Option<i64>,
    surface: String,
    request_id: String,
    mode: String,
    target: String,
    concurrency: i32,
    items: i32,
    maximum: Decimal,
    status: String,
    waiting: i32,
    running: i32,
    succeeded: i32,
    failed: i32,
    cancelled: i32,
    cancel_requested: bool,
    completed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// The table's name in errors.
const TABLE: &str = "batches";

impl View {
    fn shown(self) -> Result<Batch, QueryError> {
        Ok(Batch {
            id: BatchId(self.batch_id),
            account: AccountId(self.account_id),
            key_id: self.key_id.map(|id| unsigned(TABLE, id)).transpose()?,
            surface: named(TABLE, &self.surface)?,
            request_id: self.request_id,
            mode: named(TABLE, &self.mode)?,
            target: self.target,
            concurrency: self.concurrency.cast_unsigned(),
            items: self.items.cast_unsigned(),
            maximum: credits(TABLE, self.maximum)?,
            status: named(TABLE, &self.status)?,
            waiting: self.waiting.cast_unsigned(),
            running: self.running.cast_unsigned(),
            succeeded: self.succeeded.cast_unsigned(),
            failed: self.failed.cast_unsigned(),
            cancelled: self.cancelled.cast_unsigned(),
            cancel_requested: self.cancel_requested,
            created_at: self.recorded_at,
            completed_at: self.completed_at,
            updated_at: self.updated_at,
        })
    }
}

impl ReadModels {
    /// One batch, whoever owns it; `None` if there is none.
    pub async fn batch(&self, batch: BatchId) -> Result<Option<Batch>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_generation_v3.unreadable WHERE stream_id = $1)", batch.0)
            .await?;
        let sql = format!("SELECT {COLUMNS} FROM read_generation_v3.batches WHERE batch_id = $1");
        let row: Option<View> = sqlx::query_as(&sql).bind(batch.0).fetch_optional(&self.pool).await?;
        row.map(View::shown).transpose()
    }

    /// A stretch of a walk through an account's batches, ordered by when they were accepted.
    pub async fn batch_walk(
        &self,
        account: AccountId,
        filter: &BatchFilter,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Batch>, QueryError> {
        let shard = account.shard();
        let as_of = self.pin(ProjectionName::Generation, shard, Some(&walk.as_of)).await?;
        let limit = Paging::first(limit).limit();
        let direction = order.direction();
        let beyond = order.beyond(walk.after, "(recorded_at, batch_id)", "($6, $7)");
        let sql = format!(
            "SELECT {COLUMNS} FROM read_generation_v3.batches b
             WHERE NOT EXISTS (SELECT FROM read_generation_v3.unreadable u WHERE u.stream_id = b.batch_id)
               AND account_id = $1 AND position <= $2 AND (cardinality($3::text[]) = 0 OR status = ANY($3))
               AND ($4::text IS NULL OR mode = $4) AND ($5::text IS NULL OR target = $5){beyond}
             ORDER BY recorded_at {direction}, batch_id {direction} LIMIT $8"
        );
        let statuses: Vec<String> = filter.statuses.iter().map(crate::sql::name_of).collect();
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(account.0)
            .bind(as_of.get(shard).map_or(0, position_column))
            .bind(statuses)
            .bind(filter.mode.as_ref().map(crate::sql::name_of))
            .bind(&filter.target)
            .bind(walk.after.map(|place| place.at))
            .bind(walk.after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&self.pool)
            .await?;
        let shown = rows.into_iter().map(|row| {
            let place = Place { at: row.recorded_at, id: row.batch_id };
            row.shown().map(|batch| (place, batch))
        });
        Ok(Stretch::of(shown.collect::<Result<_, _>>()?, limit, as_of))
    }

    /// Where a batch of an account stands in its list, for a walk that starts after it; `None` if the
    /// account has no such batch.
    pub async fn batch_place(&self, account: AccountId, batch: BatchId) -> Result<Option<Place>, QueryError> {
        let row: Option<(DateTime<Utc>,)> = sqlx::query_as(
            "SELECT recorded_at FROM read_generation_v3.batches WHERE batch_id = $1 AND account_id = $2",
        )
        .bind(batch.0)
        .bind(account.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(at,)| Place { at, id: batch.0 }))
    }

    /// The items of a batch from `first` on, at most `limit` (all of them if `None`).
    pub async fn batch_items(
        &self,
        batch: BatchId,
        first: u32,
        limit: Option<u32>,
    ) -> Result<Vec<BatchItem>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_generation_v3.unreadable WHERE stream_id = $1)", batch.0)
            .await?;
        let rows: Vec<(i32, String, Uuid, Decimal, Option<Uuid>)> = sqlx::query_as(
            "SELECT item_index, state, inputs, maximum, run_id FROM read_generation_v3.batch_items
             WHERE batch_id = $1 AND item_index >= $2 ORDER BY item_index LIMIT $3",
        )
        .bind(batch.0)
        .bind(i64::from(first))
        .bind(limit.map(i64::from))
        .fetch_all(&self.pool)
        .await?;
        let shown = rows.into_iter().map(|(index, state, inputs, maximum, run)| {
            Ok(BatchItem {
                index: index.cast_unsigned(),
                state: named("batch_items", &state)?,
                inputs: SealedId(inputs),
                maximum: credits("batch_items", maximum)?,
                run: run.map(RunId),
            })
        });
        shown.collect()
    }
}
