//! The routes of batches.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mintmark_domain::account::Scope;
use mintmark_domain::batch::{BatchMode, BatchStatus};
use mintmark_domain::ids::{AccountId, BatchId};
use mintmark_domain::usecases::{AcceptedBatch, Caller, Refusal};
use mintmark_projections::generation::{Batch, BatchFilter};
use mintmark_projections::{Order, Place, ProjectionName, Waited, Walk};

use super::read::{BatchCreateRequest, read};
use super::resource::{BatchItemList, BatchList, BatchResource, CreatedBatchResource};
use super::shown::{self, accepted};
use crate::http::{Authenticated, Idempotency, LargeBody, LogPosition, Path, Problem, QueryParams, Replayed, fresh};
use crate::state::AppState;

/// How many bytes a batch has at most: 64 MB (decision 32).
const BATCH_BYTES_MAX: usize = 64 << 20;
/// How many batches a page holds unless said otherwise.
const LIMIT_DEFAULT: u32 = 25;
/// The most batches, or items, of a page.
const LIMIT_MAX: i64 = 100;
/// How long an answer waits for the read model that it is made from.
const SHOWN_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

fn limit(query: &QueryParams) -> Result<Option<u32>, Problem> {
    let asked = query.whole_in("limit", 1..=LIMIT_MAX)?;
    Ok(asked.and_then(|limit| u32::try_from(limit).ok()))
}

/// Which batches are asked for. Errors: a status or mode that there is not.
fn filter(query: &QueryParams) -> Result<BatchFilter, Problem> {
    let statuses = match query.one_of("status", &["queued", "processing", "completed", "failed", "partial"])? {
        Some("queued") => vec![BatchStatus::Queued],
        Some("processing") => vec![BatchStatus::Processing],
        Some("completed") => vec![BatchStatus::Completed],
        Some("partial") => vec![BatchStatus::Partial],
        Some(_) => vec![BatchStatus::Failed, BatchStatus::Cancelled],
        None => vec![],
    };
    let mode = match query.one_of("mode", &["workflow", "operation"])? {
        Some("workflow") => Some(BatchMode::Workflow),
        Some(_) => Some(BatchMode::Operation),
        None => None,
    };
    Ok(BatchFilter { statuses, mode, target: query.text("target")?.map(str::to_owned) })
}

async fn place(state: &AppState, account: AccountId, query: &QueryParams) -> Result<Option<Place>, Problem> {
    let Some(text) = query.text("starting_after")? else { return Ok(None) };
    let wrong = || Problem::invalid("starting_after must be the id of a batch in this list.");
    let batch: BatchId = text.parse().map_err(|_| wrong())?;
    state.reads.batch_place(account, batch).await?.map(Some).ok_or_else(wrong)
}

/// A batch's id as a path names it; what is not one names no batch.
fn batch_id(text: &str) -> Result<BatchId, Problem> {
    text.parse().map_err(|_| Problem::from(Refusal::NotFound("batch")))
}

/// A batch of the caller's, from the read model.
async fn own(state: &AppState, caller: &Caller, id: BatchId) -> Result<Batch, Problem> {
    let batch = state.reads.batch(id).await?.filter(|batch| batch.account == caller.account);
    batch.ok_or_else(|| Problem::from(Refusal::NotFound("batch")))
}

/// Create a batch
///
/// Each item becomes a run when its turn comes, at most `concurrency` at once. What all of them can
/// cost at most is held now; each item is paid for when it delivers, and the rest is released. An item
/// that is refused refuses the batch and is named.
#[utoipa::path(
    post, path = "/v1/batches", operation_id = "batches.create", tag = "Batches",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same batch.", min_length = 1, max_length = 255),
    ),
    request_body(content = BatchCreateRequest, description = "At most 64 MB.", example = json!({
        "mode": "workflow", "target": "hook_pack", "concurrency": 2,
        "items": [
            {"input": {"prompt": "Portable blender for busy professionals"}},
            {"input": {"prompt": "Portable blender for college students"}},
        ],
    })),
    responses((status = 201, description = "Accepted, now or before under the same key.", body = CreatedBatchResource)),
)]
pub(in crate::genfire) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    body: LargeBody<BATCH_BYTES_MAX>,
) -> Result<Response, Problem> {
    caller.require(Scope::BatchesWrite)?;
    let key = idempotency.required(&body.body.bytes)?;
    let LargeBody { body, turn: _turn } = body;
    let found = match read(&state.core, body.value, &key).await {
        Ok(read) => match state.core.create_batch(&caller, read.request.clone()).await {
            Ok(accepted) => accepted,
            Err(refusal) => return Err(read.refused(&state.core.catalog, &refusal)),
        },
        // A batch that was accepted before stays found, whatever the catalog says by now.
        Err(problem) => state.core.replay_batch(&caller, Some(&key)).await?.ok_or(problem)?,
    };
    let position = LogPosition::confirmed(found.batch_id.shard(), &found.confirmed);
    let replayed = Replayed(found.replayed);
    let batch = made(&state, &caller, found).await?;
    Ok((StatusCode::CREATED, replayed, position, Json(batch)).into_response())
}

/// What was just accepted is told from its own state; what was accepted before, as it stands now.
async fn made(state: &AppState, caller: &Caller, found: AcceptedBatch) -> Result<CreatedBatchResource, Problem> {
    if !found.replayed {
        let (batch, rows) = accepted(found.batch_id, &found.batch)
            .ok_or_else(|| Problem::internal("a batch was accepted that nobody asked for"))?;
        let items = shown::accepted_items(&state.core, &batch, &rows, &found.items);
        return Ok(CreatedBatchResource { batch: (&batch).into(), items });
    }
    caught_up(state, found.batch_id.shard(), found.confirmed.end.position).await?;
    let batch = own(state, caller, found.batch_id).await?;
    let rows = state.reads.batch_items(found.batch_id, 0, None).await?;
    let items = shown::items(&state.core, &state.reads, &batch, &rows).await?;
    Ok(CreatedBatchResource { batch: (&batch).into(), items })
}

async fn caught_up(
    state: &AppState,
    shard: mintmark_domain::Shard,
    position: mintmark_domain::es::Position,
) -> Result<(), Problem> {
    match state.reads.wait_for(ProjectionName::Generation, shard, position, SHOWN_WITHIN).await {
        Waited::Reached => Ok(()),
        other => Err(Problem::unavailable(format!("the batch's read model: {other:?}"))),
    }
}

/// List recent batches
///
/// The account's batches, the newest first. A walk with `starting_after` shows each batch once,
/// whatever is added meanwhile.
#[utoipa::path(
    get, path = "/v1/batches", operation_id = "batches.list", tag = "Batches",
    params(
        ("status" = Option<String>, Query, description = "`queued`, `processing`, `completed`, `failed` or `partial`."),
        ("mode" = Option<String>, Query, description = "`workflow` or `operation`."),
        ("target" = Option<String>, Query, description = "`images.generations.create`, `hook_pack`, …"),
        ("limit" = Option<u32>, Query, description = "1 to 100; 25 if not given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "The id of the last batch of the page before."),
        ("min_position" = Option<String>, Query, description = "What a write answered as `X-Log-Position`."),
    ),
    responses((status = 200, body = BatchList)),
)]
pub(in crate::genfire) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<BatchList>, Problem> {
    caller.require(Scope::BatchesRead)?;
    let (filter, limit) = (filter(&query)?, limit(&query)?.unwrap_or(LIMIT_DEFAULT));
    fresh(&state, &caller, &query, ProjectionName::Generation).await?;
    let walk = Walk { after: place(&state, caller.account, &query).await?, ..Walk::default() };
    let page = state.reads.batch_walk(caller.account, &filter, Order::Newest, &walk, limit).await?;
    let data = page.items.iter().map(|(_, batch)| batch.into()).collect();
    Ok(Json(BatchList { object: "list", data, has_more: page.has_more }))
}

/// Get a batch by id
///
/// Where it stands, what became of its items so far, and once it has ended, in all.
#[utoipa::path(
    get, path = "/v1/batches/{batchId}", operation_id = "batches.get", tag = "Batches",
    params(("batchId" = String, Path, description = "The batch's id.")),
    responses((status = 200, body = BatchResource)),
)]
pub(in crate::genfire) async fn get(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    query: QueryParams,
) -> Result<Json<BatchResource>, Problem> {
    caller.require(Scope::BatchesRead)?;
    let id = batch_id(&id)?;
    fresh(&state, &caller, &query, ProjectionName::Generation).await?;
    Ok(Json((&own(&state, &caller, id).await?).into()))
}

/// List items in a batch
///
/// In order, all of them unless `limit` is given.
#[utoipa::path(
    get, path = "/v1/batches/{batchId}/items", operation_id = "batches.items.list", tag = "Batches",
    params(
        ("batchId" = String, Path, description = "The batch's id."),
        ("limit" = Option<u32>, Query, description = "1 to 100; all items if not given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "The id of the last item of the page before."),
        ("min_position" = Option<String>, Query, description = "What a write answered as `X-Log-Position`."),
    ),
    responses((status = 200, body = BatchItemList)),
)]
pub(in crate::genfire) async fn items(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    query: QueryParams,
) -> Result<Json<BatchItemList>, Problem> {
    caller.require(Scope::BatchesRead)?;
    let (id, limit) = (batch_id(&id)?, limit(&query)?);
    fresh(&state, &caller, &query, ProjectionName::Generation).await?;
    let batch = own(&state, &caller, id).await?;
    let first = match query.text("starting_after")? {
        None => 0,
        Some(text) => {
            let known = shown::item_index(id, batch.items, text);
            let wrong = || Problem::invalid("starting_after must be the id of an item of this batch.");
            known.ok_or_else(wrong)? + 1
        }
    };
    let mut rows = state.reads.batch_items(id, first, limit.map(|limit| limit + 1)).await?;
    let has_more = limit.is_some_and(|limit| rows.len() > limit as usize);
    rows.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
    let data = shown::items(&state.core, &state.reads, &batch, &rows).await?;
    Ok(Json(BatchItemList { object: "list", data, has_more }))
}

/// Cancel a batch
///
/// Items that wait never start and cost nothing; those that run go on to their end. One that has ended
/// stays as it is.
#[utoipa::path(
    post, path = "/v1/batches/{batchId}/cancel", operation_id = "batches.cancel", tag = "Batches",
    params(("batchId" = String, Path, description = "The batch's id.")),
    responses(
        (status = 200, description = "The batch has ended.", body = BatchResource),
        (status = 202, description = "Items still run.", body = BatchResource),
    ),
)]
pub(in crate::genfire) async fn cancel(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Scope::BatchesWrite)?;
    let id = batch_id(&id)?;
    let (_, confirmed) = state.core.cancel_batch(&caller, id).await?;
    caught_up(&state, id.shard(), confirmed.end.position).await?;
    let batch = own(&state, &caller, id).await?;
    let status = if batch.status.is_ended() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let position = LogPosition::confirmed(id.shard(), &confirmed);
    Ok((status, position, Json(BatchResource::from(&batch))).into_response())
}
