//! Usage: what runs came to over a period.

use async_graphql::{Context, Enum, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use mintmark_projections::ProjectionName;
use mintmark_projections::generation::{UsageBy, UsageFilter};

use crate::error::{GraphqlError, Result};
use crate::fresh::fresh;
use crate::scalar::{Credits, Long};
use crate::state::ContextExt as _;

/// The longest period.
const DAYS_MAX: i64 = 365;

/// By what usage is broken down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum Grouping {
    /// By UTC day.
    #[default]
    Day,
    /// By model.
    Model,
    /// By capability.
    Capability,
    /// By API key.
    ApiKey,
    /// By the door through which requests came.
    Surface,
}

/// One part of a breakdown.
#[derive(SimpleObject)]
pub(crate) struct UsageRow {
    /// The day, model, capability, key or surface.
    group: String,
    /// Runs that ended.
    runs: Long,
    /// Of these, how many delivered.
    succeeded: Long,
    /// How many failed.
    failed: Long,
    /// How many were cancelled.
    cancelled: Long,
    /// What was captured for them.
    credits: Credits,
}

/// The caller's usage through every door.
pub(crate) async fn usage(
    ctx: &Context<'_>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    group_by: Grouping,
) -> Result<Vec<UsageRow>> {
    if from >= to || to - from > TimeDelta::days(DAYS_MAX) {
        return Err(GraphqlError::argument("to", format!("must be after `from` and at most {DAYS_MAX} days later")));
    }
    let by = match group_by {
        Grouping::Day => UsageBy::Day,
        Grouping::Model => UsageBy::Model,
        Grouping::Capability => UsageBy::Capability,
        Grouping::ApiKey => UsageBy::ApiKey,
        Grouping::Surface => UsageBy::Surface,
    };
    fresh(ctx, &[ProjectionName::Generation]).await?;
    let usage = ctx.reads().usage(ctx.caller()?.account, from, to, by, &UsageFilter::default()).await?;
    Ok(usage
        .groups
        .into_iter()
        .map(|row| UsageRow {
            group: row.group,
            runs: Long(row.totals.runs()),
            succeeded: Long(row.totals.succeeded),
            failed: Long(row.totals.failed),
            cancelled: Long(row.totals.cancelled),
            credits: row.totals.credits.into(),
        })
        .collect())
}
