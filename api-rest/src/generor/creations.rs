//! `/creations`: lists, one, its standing, changes.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use futures::future::join_all;
use mintmark_domain::account::Scope;
use mintmark_domain::creation::{Creation as CreationState, CreationStatus as CreationStanding};
use mintmark_domain::es::{Confirmed, Position};
use mintmark_domain::ids::AccountId;
use mintmark_domain::run::RunStatus;
use mintmark_domain::usecases::{Caller, CreationChange, Refusal};
use mintmark_projections::generation::{CreationFilter, CreationList};
use mintmark_projections::{Positions, ProjectionName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::creation::{self, Creation, Facts, Failure, Status, shown_rows};
use super::envelope::{Listing, Pages, Success, listing, paging, success};
use super::values::{license, privacy};
use crate::AppState;
use crate::http::{Authenticated, JsonBody, LogPosition, Path, Problem, QueryParams, Visitor, all_fresh, fresh};

/// How long a change waits for the lists to show it.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// A page of creations. `caller` is whoever asks, if they said.
pub(super) async fn page(
    state: &AppState,
    caller: Option<&Caller>,
    query: &QueryParams,
    list: CreationList,
    generator: Option<&str>,
) -> Result<Json<Listing<Creation>>, Problem> {
    let paging = paging(query)?;
    fresh(state, caller, query, ProjectionName::Generation).await?;
    let filter = made_with(generator);
    let page = state.reads.creation_page(list, &filter, &paging).await?;
    let data = shown_rows(&state.core, &page.items).await?;
    Ok(listing(&paging, &page, data))
}

fn made_with(generator: Option<&str>) -> CreationFilter {
    CreationFilter { generator: generator.map(str::to_owned), ..CreationFilter::default() }
}

/// The generator that a list is narrowed to. Errors: there is no such generator.
pub(super) fn generator<'q>(state: &AppState, query: &'q QueryParams) -> Result<Option<&'q str>, Problem> {
    match query.text("generator")? {
        Some(slug) if state.core.catalog.generator(slug).is_none() => {
            let slugs: Vec<&str> = state.core.catalog.generators().map(|known| known.slug.as_str()).collect();
            Err(Problem::invalid(format!("generator must be one of: {}.", slugs.join(", "))))
        }
        other => Ok(other),
    }
}

/// List your own creations
///
/// All that the caller asked for, through any door, and has not deleted.
#[utoipa::path(
    get, path = "/api/v1/creations", operation_id = "creations.list", tag = "Creations",
    params(
        ("generator" = Option<String>, Query, description = "A generator's slug."),
        Pages,
    ),
    responses((status = 200, body = Listing<Creation>)),
)]
pub(super) async fn own(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    caller.require(Scope::RunsRead)?;
    let generator = generator(&state, &query)?;
    page(&state, Some(&caller), &query, CreationList::Own(caller.account), generator).await
}

/// Browse public creations
///
/// What everybody may see, across all generators.
#[utoipa::path(
    get, path = "/api/v1/creations/public", operation_id = "creations.public", tag = "Creations",
    params(
        ("generator" = Option<String>, Query, description = "A generator's slug."),
        Pages,
    ),
    responses((status = 200, body = Listing<Creation>)),
    security((), ("key" = [])),
)]
pub(super) async fn public(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    let generator = generator(&state, &query)?;
    page(&state, caller.as_ref(), &query, CreationList::Public, generator).await
}

/// Get public creations from users you follow
#[utoipa::path(
    get, path = "/api/v1/feed", operation_id = "feed", tag = "Feed",
    params(
        ("generator" = Option<String>, Query, description = "A generator's slug."),
        Pages,
    ),
    responses((status = 200, body = Listing<Creation>)),
)]
pub(super) async fn feed(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    caller.require(Scope::RunsRead)?;
    let generator = generator(&state, &query)?;
    let paging = paging(&query)?;
    all_fresh(&state, &caller, &query, &[ProjectionName::Generation, ProjectionName::People]).await?;
    let page = state.reads.feed_page(caller.account, &made_with(generator), &paging).await?;
    let data = shown_rows(&state.core, &page.items).await?;
    Ok(listing(&paging, &page, data))
}

fn not_found() -> Problem {
    Problem::not_found("Creation")
}

/// A creation's number as a path names it; what is not one names none.
pub(super) fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| not_found())
}

/// A creation that the caller may see, at the log's confirmed end.
pub(super) async fn visible(
    state: &AppState,
    caller: Option<&Caller>,
    number: u64,
) -> Result<(CreationState, Position), Problem> {
    let (creation, read_at) = state.core.creation_state_at(number).await?.ok_or_else(not_found)?;
    if creation.is_public() {
        return Ok((creation, read_at));
    }
    let caller = caller.filter(|caller| creation.is_visible_to(caller.account)).ok_or_else(not_found)?;
    caller.require(Scope::RunsRead)?;
    Ok((creation, read_at))
}

/// The owner's name; `None` once erased.
async fn username(state: &AppState, account: AccountId) -> Result<Option<String>, Problem> {
    match state.core.account_view(account).await {
        Ok(view) => Ok(Some(view.profile.username).filter(|name| !name.is_empty())),
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Where a creation stands, and where the latest that says so was read: after `read_at`, where its run
/// has to be asked.
async fn standing(
    state: &AppState,
    creation: &CreationState,
    read_at: Position,
) -> Result<(Status, LogPosition), Problem> {
    let opened = creation.opened().ok_or_else(not_found)?;
    let shard = opened.run.shard();
    let read = LogPosition::read(shard, Some(read_at));
    if creation.status() != CreationStanding::Opened {
        return Ok((Status::of(creation.status(), RunStatus::None), read));
    }
    let (run, run_read_at) = state.core.run_state_at(opened.run).await?;
    Ok((Status::of(creation.status(), run.status()), read.and(shard, Some(run_read_at))))
}

/// A state as it is shown.
async fn resource(
    state: &AppState,
    creation: &CreationState,
    read_at: Position,
) -> Result<(LogPosition, Json<Success<Creation>>), Problem> {
    let opened = creation.opened().ok_or_else(not_found)?;
    let (status, position) = standing(state, creation, read_at).await?;
    let facts = Facts {
        number: opened.number,
        generator: opened.generator.as_deref(),
        user_id: opened.user_id,
        username: username(state, opened.account).await?,
        inputs: opened.inputs,
        created_at: opened.at,
        privacy: opened.privacy,
        media_type: opened.media_type,
        license: opened.license,
        status,
        model: &opened.model,
        output: creation.output(),
        failure: creation.failure(),
    };
    Ok((position, success(creation::shown(&state.core, facts).await?)))
}

/// Get a creation
///
/// Public ones are open to everybody, private ones to their owner alone.
#[utoipa::path(
    get, path = "/api/v1/creations/{id}", operation_id = "creations.get", tag = "Creations",
    params(("id" = u64, Path, description = "The creation.")),
    responses((status = 200, body = Success<Creation>)),
    security((), ("key" = [])),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let (creation, read_at) = visible(&state, caller.as_ref(), number(&id)?).await?;
    resource(&state, &creation, read_at).await
}

/// Where a creation stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreationStatus {
    /// The creation.
    pub creation_id: u64,
    /// Where it stands.
    pub status: Status,
    /// Ours: percent done, where the provider says so; else null.
    pub progress: Option<u8>,
    /// Ours: why it was not made; null otherwise.
    pub error: Option<Failure>,
}

/// Check a creation's status
#[utoipa::path(
    get, path = "/api/v1/creations/{id}/status", operation_id = "creations.status", tag = "Creations",
    params(("id" = u64, Path, description = "The creation.")),
    responses((status = 200, body = Success<CreationStatus>)),
)]
pub(super) async fn status(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::RunsRead)?;
    let (creation, read_at) = visible(&state, Some(&caller), number(&id)?).await?;
    let opened = creation.opened().ok_or_else(not_found)?;
    let (status, position) = standing(&state, &creation, read_at).await?;
    let progress = match status {
        Status::Completed => Some(100),
        Status::Generating => state.core.dispatch.progress(opened.run),
        Status::Pending | Status::Failed | Status::Cancelled => None,
    };
    let error = creation.failure().map(Failure::from);
    Ok((position, success(CreationStatus { creation_id: opened.number, status, progress, error })))
}

/// What to change of a creation; at least one field.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub struct ChangeBody {
    /// 0 public, 1 private.
    #[schema(minimum = 0, maximum = 1)]
    privacy_mode: Option<i64>,
    /// 1 Open GO-1.0, 2 Exclusive GE-1.0.
    #[schema(minimum = 1, maximum = 2)]
    license: Option<i64>,
}

/// Waits, a moment at most, until the lists and the search show what was changed: what has just been made private is
/// in nobody's list any more when the answer goes out.
async fn shown_in_lists(state: &AppState, account: AccountId, confirmed: &Confirmed) {
    let at = Positions::one(account.shard(), confirmed.end.position);
    let listed = [ProjectionName::Generation, ProjectionName::Search];
    join_all(listed.map(|projection| state.reads.wait_for_all(projection, &at, SHOWN_WITHIN))).await;
}

/// Update a creation you own
#[utoipa::path(
    patch, path = "/api/v1/creations/{id}", operation_id = "creations.update", tag = "Creations",
    params(("id" = u64, Path, description = "The creation.")),
    request_body(content = ChangeBody, example = json!({"privacy_mode": 1, "license": 2})),
    responses((status = 200, body = Success<Creation>)),
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<ChangeBody>,
) -> Result<impl IntoResponse, Problem> {
    let change = CreationChange {
        privacy: body.privacy_mode.map(privacy).transpose()?,
        license: body.license.map(license).transpose()?,
        delete: false,
    };
    if change == CreationChange::default() {
        return Err(Problem::invalid("privacy_mode or license is required."));
    }
    let (creation, confirmed) = state.core.change_creation(&caller, number(&id)?, change).await?;
    shown_in_lists(&state, caller.account, &confirmed).await;
    resource(&state, &creation, confirmed.end.position).await
}

/// A creation that was deleted.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct DeletedCreation {
    /// Which.
    pub creation_id: u64,
    /// Always true.
    #[schema(examples(true))]
    pub deleted: bool,
}

/// Delete a creation you own
///
/// It is hidden everywhere; the books are kept.
#[utoipa::path(
    delete, path = "/api/v1/creations/{id}", operation_id = "creations.delete", tag = "Creations",
    params(("id" = u64, Path, description = "The creation.")),
    responses((status = 200, body = Success<DeletedCreation>)),
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let number = number(&id)?;
    let change = CreationChange { delete: true, ..CreationChange::default() };
    let (_, confirmed) = state.core.change_creation(&caller, number, change).await?;
    shown_in_lists(&state, caller.account, &confirmed).await;
    let position = LogPosition::confirmed(caller.account.shard(), &confirmed);
    Ok((position, success(DeletedCreation { creation_id: number, deleted: true })))
}
