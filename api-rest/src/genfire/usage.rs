//! `GET /usage`: what runs that came through `/v1` came to.

use axum::Json;
use axum::extract::State;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Capability, Catalog, workflow_capability};
use mintmark_domain::run::Surface;
use mintmark_projections::ProjectionName;
use mintmark_projections::generation::{Usage, UsageBy, UsageFilter, UsageGroup, UsageTotals};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::unsupported;
use super::mapping::Mapper;
use super::period::Period;
use super::submit::mapper;
use super::values::{Moment, Number};
use crate::http::{Amount, Authenticated, Problem, QueryParams, fresh};
use crate::state::AppState;

/// By what usage is broken down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The model's alias.
    #[default]
    Model,
    /// The capability.
    Capability,
    /// The UTC day.
    Day,
    /// Not at all.
    None,
}

impl GroupBy {
    /// Reads the query parameter. Errors: another name.
    pub fn read(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("model") => Ok(GroupBy::Model),
            Some("capability") => Ok(GroupBy::Capability),
            Some("day") => Ok(GroupBy::Day),
            Some("none") => Ok(GroupBy::None),
            Some(other) => {
                Err(unsupported(format!("group_by cannot be {other:?}. Allowed: model, capability, day, none.")))
            }
        }
    }
}

impl From<GroupBy> for UsageBy {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Model => UsageBy::Model,
            GroupBy::Day => UsageBy::Day,
            // What is not broken down still has to be added up by something.
            GroupBy::Capability | GroupBy::None => UsageBy::Capability,
        }
    }
}

/// What an account's runs came to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageSummary {
    /// Always `usage_summary`.
    #[schema(examples("usage_summary"))]
    pub object: &'static str,
    /// The half-open period; a run counts when it ended.
    pub period: UsagePeriod,
    /// How the breakdown is grouped.
    pub group_by: GroupBy,
    /// All together.
    pub totals: UsageNumbers,
    /// By group: days in their order, everything else by credits, the most first; empty for `none`.
    pub breakdown: Vec<UsageBucket>,
}

/// A half-open period.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct UsagePeriod {
    /// The first moment in it.
    pub start: Moment,
    /// The first moment after it.
    pub end: Moment,
}

/// Sums over runs that ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct UsageNumbers {
    /// What was captured for them.
    pub credits_spent: Amount,
    /// All runs.
    pub runs_count: u64,
    /// Runs that delivered.
    pub successful_runs: u64,
    /// Runs that failed or were cancelled.
    pub failed_runs: u64,
}

/// One group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UsageBucket {
    /// The model's alias, the capability or the day.
    #[schema(examples("video.veo_3_1"))]
    pub group: String,
    /// Its sums.
    #[serde(flatten)]
    pub numbers: UsageNumbers,
    /// `credits_spent` / `runs_count`, to two places.
    pub avg_credits_per_run: Number,
}

impl From<&UsageTotals> for UsageNumbers {
    fn from(totals: &UsageTotals) -> Self {
        UsageNumbers {
            credits_spent: totals.credits.into(),
            runs_count: totals.runs(),
            successful_runs: totals.succeeded,
            failed_runs: totals.failed + totals.cancelled,
        }
    }
}

/// The summary of what was read.
pub(super) fn summary(mapper: &Mapper<'_>, usage: &Usage, by: GroupBy, period: Period) -> UsageSummary {
    let bucket = |group: &UsageGroup| UsageBucket {
        group: if by == GroupBy::Model { mapper.alias(&group.group) } else { group.group.clone() },
        numbers: (&group.totals).into(),
        avg_credits_per_run: average(&group.totals),
    };
    UsageSummary {
        object: "usage_summary",
        period: UsagePeriod { start: Moment(period.start), end: Moment(period.end) },
        group_by: by,
        totals: (&usage.totals).into(),
        breakdown: if by == GroupBy::None { Vec::new() } else { usage.groups.iter().map(bucket).collect() },
    }
}

fn average(totals: &UsageTotals) -> Number {
    let runs = Decimal::from(totals.runs().max(1));
    (totals.credits.value() / runs).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero).into()
}

/// Of which capability usage or runs are wanted. Errors: a name that the documents do not have.
pub(super) fn capability(catalog: &Catalog, text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let workflow = text.strip_prefix("workflow.").is_some_and(|key| catalog.workflow(key).is_some());
    if workflow || Capability::from_name(text).is_some() {
        return Ok(Some(text.to_owned()));
    }
    let names = Capability::ALL.into_iter().map(|known| known.as_str().to_owned());
    let workflows = catalog.workflows().map(|workflow| workflow_capability(&workflow.key));
    let allowed = names.chain(workflows).collect::<Vec<String>>().join(", ");
    Err(unsupported(format!("capability cannot be {text:?}. Allowed: {allowed}.")))
}

/// Get aggregated API usage
///
/// Credits captured and runs ended in a half-open period, for runs that came through `/v1`, in total
/// and by group. The credits tie to the captures in the account's books.
#[utoipa::path(
    get, path = "/v1/usage", operation_id = "usage.get", tag = "Usage",
    params(
        ("start_date" = Option<String>, Query, description = "A date or a time; 30 days before the end if not given."),
        ("end_date" = Option<String>, Query, description = "A date or a time, not in the period; now if not given. At \
         most 365 days after the start."),
        ("group_by" = Option<GroupBy>, Query, description = "How to break down; by model if not given."),
        ("capability" = Option<String>, Query, description = "Only runs of this capability."),
    ),
    responses((status = 200, body = UsageSummary)),
)]
pub(super) async fn usage(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<UsageSummary>, Problem> {
    caller.require(Scope::RunsRead)?;
    let period = Period::new(query.time("start_date")?, query.time("end_date")?, state.core.now())?;
    let by = GroupBy::read(query.text("group_by")?)?;
    let capability = capability(&state.core.catalog, query.text("capability")?)?;
    fresh(&state, &caller, &query, ProjectionName::Generation).await?;
    let filter = UsageFilter { capability, surfaces: vec![Surface::Genfire] };
    let usage = state.reads.usage(caller.account, period.start, period.end, by.into(), &filter).await?;
    Ok(Json(summary(&mapper(&state.core), &usage, by, period)))
}
