//! Runs, one by one and in lists.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::money::ChargingRule;
use mintmark_domain::run::{FailureReason, ReportedCost, RequestedRun, RunStatus, Surface};
use mintmark_domain::{Credits, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::creations::Creation;
use crate::error::QueryError;
use crate::positions::{Place, Walk, position_column};
use crate::projection::ProjectionName;
use crate::reads::{Order, Paging, ReadModels, Stretch};
use crate::sql::{credits, named, unsigned};

/// A run as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// All that was requested.
    pub request: RequestedRun,
    /// Where it stands.
    pub status: RunStatus,
    /// The attempt that was made last, from 1; 0 before the first.
    pub attempt: u32,
    /// The node that carries it.
    pub node: Option<String>,
    /// The provider's id.
    pub provider_request_id: Option<String>,
    /// Until when an unknown outcome stays open.
    pub unknown_until: Option<Timestamp>,
    /// Whether its owner wants it stopped.
    pub cancel_requested: bool,
    /// What was captured; `None` until it has ended.
    pub captured: Option<Credits>,
    /// What of that was given back.
    pub refunded: Credits,
    /// The line of the charging rules that applied.
    pub rule: Option<ChargingRule>,
    /// Why nothing was delivered.
    pub failure: Option<FailureReason>,
    /// What the provider says it charged us.
    pub reported_cost: Option<ReportedCost>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was first about to be sent.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// Where the event that last changed it stands.
    pub updated_position: Position,
    /// What it made or is to make, in order.
    pub creations: Vec<Creation>,
}

/// Which runs of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// In one of these states; any if empty.
    pub statuses: Vec<RunStatus>,
    /// Through one of these doors; any if empty.
    pub surfaces: Vec<Surface>,
    /// Of this capability, by name.
    pub capability: Option<String>,
    /// Of this model, by its slug.
    pub model: Option<String>,
    /// With this generator.
    pub generator: Option<String>,
    /// Items of this batch.
    pub batch: Option<BatchId>,
    /// Made with this key.
    pub key_id: Option<u64>,
}

const COLUMNS: &str = "run_id, request, status, attempt, node, provider_request_id, unknown_until, cancel_requested,
    captured, refunded, rule, failure_code, failure_message, cost_amount, cost_currency, recorded_at, started_at,
    completed_at, updated_at, updated_position";

/// Rows of a run `r` that are as its stream says.
const READABLE: &str = "NOT EXISTS (SELECT FROM read_generation_v3.unreadable u WHERE u.stream_id = r.run_id)";

#[derive(sqlx::FromRow)]
struct View {
    run_id: Uuid,
    request: String,
    status: String,
    attempt: i32,
    node: Option<String>,
    provider_request_id: Option<String>,
    unknown_until: Option<DateTime<Utc>>,
    cancel_requested: bool,
    captured: Option<Decimal>,
    refunded: Decimal,
    rule: Option<String>,
    failure_code: Option<String>,
    failure_message: Option<String>,
    cost_amount: Option<String>,
    cost_currency: Option<String>,
    recorded_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    updated_position: i64,
}

/// The table's name in errors.
const TABLE: &str = "runs";

impl View {
    fn shown(self, creations: Vec<Creation>) -> Result<Run, QueryError> {
        let bad = |why: String| QueryError::Row { table: TABLE, why };
        let rule = match self.rule {
            None => None,
            Some(code) => Some(ChargingRule::from_code(&code).ok_or_else(|| bad(format!("the rule {code}")))?),
        };
        let message = self.failure_message.unwrap_or_default();
        let cost = self.cost_amount.zip(self.cost_currency);
        Ok(Run {
            id: RunId(self.run_id),
            request: serde_json::from_str(&self.request).map_err(|error| bad(error.to_string()))?,
            status: named(TABLE, &self.status)?,
            attempt: self.attempt.cast_unsigned(),
            node: self.node,
            provider_request_id: self.provider_request_id,
            unknown_until: self.unknown_until,
            cancel_requested: self.cancel_requested,
            captured: self.captured.map(|amount| credits(TABLE, amount)).transpose()?,
            refunded: credits(TABLE, self.refunded)?,
            rule,
            failure: self.failure_code.map(|code| FailureReason { code, message }),
            reported_cost: cost.map(|(amount, currency)| ReportedCost { amount, currency }),
            created_at: self.recorded_at,
            started_at: self.started_at,
            completed_at: self.completed_at,
            updated_at: self.updated_at,
            updated_position: Position(unsigned(TABLE, self.updated_position)?),
            creations,
        })
    }
}

impl ReadModels {
    /// One run, whoever owns it; `None` if there is none.
    pub async fn run(&self, run: RunId) -> Result<Option<Run>, QueryError> {
        self.readable("SELECT EXISTS (SELECT FROM read_generation_v3.unreadable WHERE stream_id = $1)", run.0).await?;
        Ok(self.runs_by_id(&[run]).await?.pop())
    }

    /// Runs by id, in no order; those that are not there, or that only a newer release understands, are
    /// left out. For dataloaders.
    pub async fn runs_by_id(&self, ids: &[RunId]) -> Result<Vec<Run>, QueryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let sql = format!("SELECT {COLUMNS} FROM read_generation_v3.runs r WHERE run_id = ANY($1) AND {READABLE}");
        let rows: Vec<View> = sqlx::query_as(&sql).bind(ids).fetch_all(&self.pool).await?;
        self.with_creations(rows).await
    }

    /// A stretch of a walk through an account's runs, ordered by when they were accepted.
    pub async fn run_walk(
        &self,
        account: AccountId,
        filter: &RunFilter,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Run>, QueryError> {
        let shard = account.shard();
        let as_of = self.pin(ProjectionName::Generation, shard, Some(&walk.as_of)).await?;
        let limit = Paging::first(limit).limit();
        let direction = order.direction();
        let beyond = order.beyond(walk.after, "(recorded_at, run_id)", "($10, $11)");
        // Said as a literal, so that the partial index of what was not delivered is used.
        let not_delivered = filter.statuses.iter().all(|status| match status {
            RunStatus::Failed | RunStatus::Cancelled => true,
            RunStatus::None
            | RunStatus::Queued
            | RunStatus::Running
            | RunStatus::OutcomeUnknown
            | RunStatus::Succeeded => false,
        });
        let narrowed =
            if not_delivered && !filter.statuses.is_empty() { "AND status IN ('failed', 'cancelled')" } else { "" };
        let sql = format!(
            "SELECT {COLUMNS} FROM read_generation_v3.runs r
             WHERE account_id = $1 AND position <= $2 {narrowed} AND {READABLE}
               AND (cardinality($3::text[]) = 0 OR status = ANY($3))
               AND (cardinality($4::text[]) = 0 OR surface = ANY($4))
               AND ($5::text IS NULL OR capability = $5) AND ($6::text IS NULL OR model = $6)
               AND ($7::text IS NULL OR generator = $7) AND ($8::uuid IS NULL OR batch_id = $8)
               AND ($9::bigint IS NULL OR key_id = $9){beyond}
             ORDER BY recorded_at {direction}, run_id {direction} LIMIT $12"
        );
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        let surfaces: Vec<&str> = filter.surfaces.iter().map(|surface| surface.as_str()).collect();
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(account.0)
            .bind(as_of.get(shard).map_or(0, position_column))
            .bind(statuses)
            .bind(surfaces)
            .bind(&filter.capability)
            .bind(&filter.model)
            .bind(&filter.generator)
            .bind(filter.batch.map(|batch| batch.0))
            .bind(filter.key_id.map(|id| i64::try_from(id).unwrap_or(i64::MAX)))
            .bind(walk.after.map(|place| place.at))
            .bind(walk.after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&self.pool)
            .await?;
        let runs = self.with_creations(rows).await?;
        let runs = runs.into_iter().map(|run| (Place { at: run.created_at, id: run.id.0 }, run));
        Ok(Stretch::of(runs.collect(), limit, as_of))
    }

    /// Where a run of an account stands in its list, for a walk that starts after it; `None` if the
    /// account has no such run.
    pub async fn run_place(&self, account: AccountId, run: RunId) -> Result<Option<Place>, QueryError> {
        let row: Option<(DateTime<Utc>,)> =
            sqlx::query_as("SELECT recorded_at FROM read_generation_v3.runs WHERE run_id = $1 AND account_id = $2")
                .bind(run.0)
                .bind(account.0)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|(at,)| Place { at, id: run.0 }))
    }

    /// Creations are read after their runs: a run that has ended is never shown without them.
    async fn with_creations(&self, rows: Vec<View>) -> Result<Vec<Run>, QueryError> {
        let ids: Vec<RunId> = rows.iter().map(|row| RunId(row.run_id)).collect();
        let mut made: HashMap<RunId, Vec<Creation>> = HashMap::new();
        for creation in self.creations_of_runs(&ids).await? {
            made.entry(creation.run).or_default().push(creation);
        }
        rows.into_iter()
            .map(|row| {
                let creations = made.remove(&RunId(row.run_id)).unwrap_or_default();
                row.shown(creations)
            })
            .collect()
    }
}
