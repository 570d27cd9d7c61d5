//! `GET /runs`, `GET /runs/{id}`, its output, its receipt, and `POST /runs/{id}/cancel`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::Catalog;
use mintmark_domain::ids::{AccountId, RunId, SealedId};
use mintmark_domain::run::{Inputs, RunStatus};
use mintmark_domain::usecases::{Core, Refusal, scope_to_generate};
use mintmark_projections::generation::{Run, RunFilter};
use mintmark_projections::{Order, Place, ProjectionName, Walk};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::mapping::{Mapper, RunFacts};
use super::run::{RunOutputResource, RunResource};
use super::submit::{mapper, resource};
use super::usage::capability;
use crate::http::{Authenticated, LogPosition, Path, Problem, QueryParams, fresh};
use crate::state::AppState;

/// How many runs a page holds unless said otherwise.
const LIMIT_DEFAULT: u32 = 25;
/// The most runs of a page.
const LIMIT_MAX: i64 = 100;

/// A page of runs, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunList {
    /// Always `list`.
    #[schema(examples("list"))]
    pub object: &'static str,
    /// The runs.
    pub data: Vec<RunResource>,
    /// Whether more follow: ask again with `starting_after` set to the last run's id.
    pub has_more: bool,
}

/// Which runs are asked for. Errors: a status or capability that there is not.
fn filter(catalog: &Catalog, query: &QueryParams) -> Result<RunFilter, Problem> {
    let statuses = match query.one_of("status", &["queued", "processing", "completed", "failed"])? {
        Some("queued") => vec![RunStatus::Queued],
        Some("processing") => vec![RunStatus::Running, RunStatus::OutcomeUnknown],
        Some("completed") => vec![RunStatus::Succeeded],
        Some(_) => vec![RunStatus::Failed, RunStatus::Cancelled],
        None => vec![],
    };
    Ok(RunFilter { statuses, capability: capability(catalog, query.text("capability")?)?, ..RunFilter::default() })
}

/// How many runs are asked for. Errors: not a number from 1 to 100.
fn limit(query: &QueryParams) -> Result<u32, Problem> {
    let asked = query.whole_in("limit", 1..=LIMIT_MAX)?;
    Ok(asked.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT))
}

/// Where the page begins. Errors: after something that is no run of the caller's.
async fn place(state: &AppState, account: AccountId, query: &QueryParams) -> Result<Option<Place>, Problem> {
    let Some(text) = query.text("starting_after")? else { return Ok(None) };
    let wrong = || Problem::invalid("starting_after must be the id of a run in this list.");
    let run: RunId = text.parse().map_err(|_| wrong())?;
    state.reads.run_place(account, run).await?.map(Some).ok_or_else(wrong)
}

/// A run's id as a path names it; what is not one names no run.
pub(super) fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::from(Refusal::NotFound("run")))
}

/// The resources of rows, what was sealed of them opened in one go.
pub(super) async fn shown(core: &Core, mapper: &Mapper<'_>, rows: &[Run]) -> Result<Vec<RunResource>, Problem> {
    let outputs = rows.iter().flat_map(|row| &row.creations).filter_map(|creation| creation.output.as_ref()?.sealed());
    let ids: Vec<SealedId> = rows.iter().map(|row| row.request.inputs).chain(outputs).collect();
    let opened = core.vault.open(&ids).await.map_err(|error| Problem::from(Refusal::from(error)))?;
    let texts: HashMap<SealedId, Map<String, Value>> =
        opened.iter().filter_map(|(id, text)| Some((*id, serde_json::from_slice(text).ok()?))).collect();
    let resource = |row: &Run| {
        let sealed = opened.get(&row.request.inputs);
        let inputs: Inputs = sealed.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default();
        mapper.run(&RunFacts::of_row(row, &inputs, &texts))
    };
    Ok(rows.iter().map(resource).collect())
}

/// List recent runs
///
/// The account's runs through every door, the newest first. A walk with `starting_after` shows each run
/// once, whatever is added meanwhile.
#[utoipa::path(
    get, path = "/v1/runs", operation_id = "runs.list", tag = "Runs",
    params(
        ("status" = Option<String>, Query, description = "`queued`, `processing`, `completed` or `failed`."),
        ("capability" = Option<String>, Query, description = "`image_generation`, `workflow.hook_pack`, …"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 25 if not given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "The id of the last run of the page before."),
        ("min_position" = Option<String>, Query, description = "What a write answered as `X-Log-Position`."),
    ),
    responses((status = 200, body = RunList)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<RunList>, Problem> {
    caller.require(Scope::RunsRead)?;
    let (filter, limit) = (filter(&state.core.catalog, &query)?, limit(&query)?);
    fresh(&state, &caller, &query, ProjectionName::Generation).await?;
    let walk = Walk { after: place(&state, caller.account, &query).await?, ..Walk::default() };
    let page = state.reads.run_walk(caller.account, &filter, Order::Newest, &walk, limit).await?;
    let has_more = page.has_more;
    let rows: Vec<Run> = page.items.into_iter().map(|(_, run)| run).collect();
    let data = shown(&state.core, &mapper(&state.core), &rows).await?;
    Ok(Json(RunList { object: "list", data, has_more }))
}

/// Get a run by id
///
/// As it stands now, never stale. The addresses of its files are made anew at each read and good for a
/// while.
#[utoipa::path(
    get, path = "/v1/runs/{runId}", operation_id = "runs.get", tag = "Runs",
    params(("runId" = String, Path, description = "The run's id.")),
    responses((status = 200, body = RunResource)),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::RunsRead)?;
    let view = state.core.run_view(caller.account, run_id(&id)?).await?;
    Ok((LogPosition::read(view.run_id.shard(), view.as_of), Json(resource(&state.core, &view)?)))
}

/// Get the output envelope for a run
///
/// `output` is null until something is delivered.
#[utoipa::path(
    get, path = "/v1/runs/{runId}/output", operation_id = "runs.output.get", tag = "Runs",
    params(("runId" = String, Path, description = "The run's id.")),
    responses((status = 200, body = RunOutputResource)),
)]
pub(super) async fn output(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::RunsRead)?;
    let view = state.core.run_view(caller.account, run_id(&id)?).await?;
    let output = RunOutputResource::from(resource(&state.core, &view)?);
    Ok((LogPosition::read(view.run_id.shard(), view.as_of), Json(output)))
}

/// Cancel a run
///
/// One that waits ends at once and costs nothing; of one that is with its provider, what the provider
/// confirms is paid for. One that has ended stays as it is. Takes the scope that starts such a run.
#[utoipa::path(
    post, path = "/v1/runs/{runId}/cancel", operation_id = "runs.cancel", tag = "Runs",
    params(("runId" = String, Path, description = "The run's id.")),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is being stopped.", body = RunResource),
    ),
)]
pub(super) async fn cancel(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let before = state.core.run_state(id).await?;
    let requested = before.requested().filter(|requested| requested.account == caller.account);
    let capability = requested.map(|requested| requested.parameters.capability).ok_or(Refusal::NotFound("run"))?;
    // What it takes to stop a run is what it takes to start one.
    caller.require(scope_to_generate(capability))?;
    let cancelled = state.core.cancel_run(&caller, id).await?;
    let view = state.core.opened(id, cancelled.run).await?;
    let status = if view.run.status().is_ended() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let position = LogPosition::confirmed(id.shard(), &cancelled.confirmed).and(id.shard(), view.as_of);
    Ok((status, position, Json(resource(&state.core, &view)?)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the tests' own: what is filtered by needs the names of workflows.
    fn filter(query: &QueryParams) -> Result<RunFilter, Problem> {
        let catalog = Catalog::load(&mintmark_domain::catalog::Sources::embedded()).unwrap();
        super::filter(&catalog, query)
    }

    fn query(text: &str) -> QueryParams {
        QueryParams::parse(text).unwrap()
    }

    #[test]
    fn a_limit_is_one_to_a_hundred() {
        let limit = |text: &str| limit(&query(text)).ok();
        assert_eq!([limit(""), limit("limit=1"), limit("limit=100")], [Some(25), Some(1), Some(100)]);
        for bad in ["0", "101", "-1", "ten", "1.5", "99999999999999999999"] {
            assert_eq!(limit(&format!("limit={bad}")), None, "{bad:?}");
        }
    }

    #[test]
    fn a_failed_run_may_have_been_cancelled() {
        let statuses = |text: &str| filter(&query(text)).map(|filter| filter.statuses);
        assert_eq!(statuses("status=failed").unwrap(), [RunStatus::Failed, RunStatus::Cancelled]);
        assert_eq!(statuses("status=processing").unwrap(), [RunStatus::Running, RunStatus::OutcomeUnknown]);
        assert!(statuses("status=done").unwrap_err().message.contains("queued, processing, completed, failed"));
    }

    #[test]
    fn a_capability_is_one_of_the_documents() {
        let capability = |text: &str| filter(&query(text)).map(|filter| filter.capability);
        assert_eq!(capability("capability=workflow.hook_pack").unwrap().as_deref(), Some("workflow.hook_pack"));
        assert_eq!(capability("capability=video_generation").unwrap().as_deref(), Some("video_generation"));
        assert!(capability("capability=videos").unwrap_err().message.contains("video_generation"));
        assert!(capability("capability=workflow.nothing").is_err());
    }
}
