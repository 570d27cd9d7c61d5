//! Batches: many runs under one hold, through the same use cases as in REST.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::batch::{Batch as BatchState, BatchMode, BatchStatus, ItemState};
use mintmark_domain::catalog::{AskField, AskProblem, AskReason, Dialect};
use mintmark_domain::ids::BatchId;
use mintmark_domain::usecases::{BatchItemRequest, BatchRequest, IdempotencyKey, Refusal};
use mintmark_projections::ProjectionName;
use mintmark_projections::generation::{Batch as Row, BatchFilter, BatchItem as ItemRow};

use crate::cost;
use crate::error::{GraphqlError, Result};
use crate::filter;
use crate::fresh::fresh;
use crate::guard::Needs;
use crate::input::CreateRunInput;
use crate::paging::{self, BatchConnection, BatchItemConnection};
use crate::run::Run;
use crate::scalar::Credits;
use crate::state::ContextExt as _;

/// How many items run at once where nobody says.
const CONCURRENCY_DEFAULT: i32 = 2;
/// What a batch that came in here is made of.
const TARGET: &str = "createRun";
/// How long an answer waits for the read model that it is made from.
const SHOWN_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "BatchStatus")]
pub(crate) enum Status {
    /// Accepted, its maximum held; no item has started.
    Queued,
    /// Items run.
    Processing,
    /// Ended: every item delivered.
    Completed,
    /// Ended: some items delivered.
    Partial,
    /// Ended: no item delivered.
    Failed,
    /// Ended: stopped before any item delivered.
    Cancelled,
}

impl From<BatchStatus> for Status {
    fn from(status: BatchStatus) -> Self {
        match status {
            BatchStatus::None | BatchStatus::Queued => Status::Queued,
            BatchStatus::Processing => Status::Processing,
            BatchStatus::Completed => Status::Completed,
            BatchStatus::Partial => Status::Partial,
            BatchStatus::Failed => Status::Failed,
            BatchStatus::Cancelled => Status::Cancelled,
        }
    }
}

impl From<Status> for BatchStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => BatchStatus::Queued,
            Status::Processing => BatchStatus::Processing,
            Status::Completed => BatchStatus::Completed,
            Status::Partial => BatchStatus::Partial,
            Status::Failed => BatchStatus::Failed,
            Status::Cancelled => BatchStatus::Cancelled,
        }
    }
}

/// Where an item of a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum BatchItemStatus {
    /// Not started.
    Waiting,
    /// Its run is under way.
    Running,
    /// Its run delivered.
    Succeeded,
    /// Its run failed.
    Failed,
    /// It was stopped or never started.
    Cancelled,
}

impl From<ItemState> for BatchItemStatus {
    fn from(state: ItemState) -> Self {
        match state {
            ItemState::Waiting => BatchItemStatus::Waiting,
            ItemState::Running => BatchItemStatus::Running,
            ItemState::Succeeded => BatchItemStatus::Succeeded,
            ItemState::Failed => BatchItemStatus::Failed,
            ItemState::Cancelled => BatchItemStatus::Cancelled,
        }
    }
}

/// Many runs asked for at once.
pub(crate) struct Batch(pub Row);

/// Many runs asked for at once.
#[Object]
impl Batch {
    /// `batch_` and 32 hex digits.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// `workflow` or `operation`.
    async fn mode(&self) -> &str {
        match self.0.mode {
            BatchMode::Workflow => "workflow",
            BatchMode::Operation => "operation",
        }
    }

    /// The workflow or operation.
    async fn target(&self) -> &str {
        &self.0.target
    }

    /// Where it stands.
    async fn status(&self) -> Status {
        self.0.status.into()
    }

    /// How many items may run at once.
    async fn concurrency(&self) -> u32 {
        self.0.concurrency
    }

    /// How many items it has.
    async fn total_items(&self) -> u32 {
        self.0.items
    }

    /// Items that wait.
    async fn waiting_items(&self) -> u32 {
        self.0.waiting
    }

    /// Items that run.
    async fn running_items(&self) -> u32 {
        self.0.running
    }

    /// Items that delivered.
    async fn succeeded_items(&self) -> u32 {
        self.0.succeeded
    }

    /// Items that did not.
    async fn failed_items(&self) -> u32 {
        self.0.failed
    }

    /// Items that were stopped or never started.
    async fn cancelled_items(&self) -> u32 {
        self.0.cancelled
    }

    /// What was held for all of it.
    async fn maximum(&self) -> Credits {
        self.0.maximum.into()
    }

    /// Whether its owner wants it stopped.
    async fn cancel_requested(&self) -> bool {
        self.0.cancel_requested
    }

    /// Its items, in order.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
    ) -> async_graphql::Result<BatchItemConnection> {
        let _turn = ctx.turn().await;
        Ok(paging::batch_items(ctx, self.0.id, first, after).await?)
    }

    /// When it was accepted.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When anything of it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it ended.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.completed_at
    }
}

/// An item of a batch.
pub(crate) struct BatchItem(pub ItemRow);

/// An item of a batch.
#[Object]
impl BatchItem {
    /// Its place, from 0.
    async fn index(&self) -> u32 {
        self.0.index
    }

    /// Where it stands.
    async fn status(&self) -> BatchItemStatus {
        self.0.state.into()
    }

    /// The most that it can cost.
    async fn maximum(&self) -> Credits {
        self.0.maximum.into()
    }

    /// Its run, once it has started.
    #[graphql(guard = "Needs(Scope::RunsRead)", complexity = "cost::one(child_complexity)")]
    async fn run(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Run>> {
        let _turn = ctx.turn().await;
        let Some(run) = self.0.run else { return Ok(None) };
        let view = ctx.core().run_view(ctx.caller()?.account, run).await.map_err(GraphqlError::from)?;
        Ok(Run::new(view))
    }
}

/// A request for a batch.
#[derive(InputObject)]
pub(crate) struct CreateBatchInput {
    /// How many items may run at once: 1 to 50, 2 if left out.
    concurrency: Option<i32>,
    /// The items, each as `createRun` takes it; at most 10,000.
    items: Vec<CreateRunInput>,
}

/// A batch that was accepted.
#[derive(SimpleObject)]
pub(crate) struct CreateBatchPayload {
    /// The batch.
    batch: Batch,
    /// Whether the same request had been accepted before under the same key.
    replayed: bool,
    /// What can still be spent.
    available: Credits,
}

/// What can be asked about batches.
#[derive(Default)]
pub(crate) struct BatchQuery;

/// What can be asked about batches.
#[Object]
impl BatchQuery {
    /// One batch of the caller's.
    #[graphql(guard = "Needs(Scope::BatchesRead)", complexity = "cost::one(child_complexity)")]
    async fn batch(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Batch>> {
        let _turn = ctx.turn().await;
        let Ok(id) = id.parse::<BatchId>() else { return Ok(None) };
        fresh(ctx, &[ProjectionName::Generation]).await?;
        Ok(own(ctx, id).await?)
    }

    /// The caller's batches, newest first.
    #[graphql(guard = "Needs(Scope::BatchesRead)", complexity = "paging::cost(first, child_complexity)")]
    async fn batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only in this state.")] status: Option<Status>,
        #[graphql(desc = "Only of this workflow or operation.")] target: Option<String>,
    ) -> async_graphql::Result<BatchConnection> {
        let _turn = ctx.turn().await;
        let statuses = status.map(Into::into).into_iter().collect();
        let filter = BatchFilter { statuses, mode: None, target: filter::text("target", target)? };
        Ok(paging::batches(ctx, first, after, filter).await?)
    }
}

/// A batch of the caller's, from the read model.
async fn own(ctx: &Context<'_>, id: BatchId) -> Result<Option<Batch>> {
    let account = ctx.caller()?.account;
    Ok(ctx.reads().batch(id).await?.filter(|row| row.account == account).map(Batch))
}

/// What can be changed about batches.
#[derive(Default)]
pub(crate) struct BatchMutation;

/// What can be changed about batches.
#[Object]
impl BatchMutation {
    /// Accepts a batch: the maximum of all its items is held, and each becomes a run when its turn comes.
    /// An item that is refused refuses the batch. With an idempotency key the same request finds the same
    /// batch.
    #[graphql(guard = "Needs(Scope::BatchesWrite)")]
    async fn create_batch(
        &self,
        ctx: &Context<'_>,
        input: CreateBatchInput,
        #[graphql(desc = "1 to 255 printable characters.")] idempotency_key: Option<String>,
    ) -> async_graphql::Result<CreateBatchPayload> {
        let request = request(ctx, input, idempotency_key)?;
        let accepted = ctx.core().create_batch(ctx.caller()?, request).await.map_err(GraphqlError::from)?;
        let position = accepted.confirmed.end.position;
        let batch = shown(ctx, accepted.batch_id, position).await?;
        Ok(CreateBatchPayload { batch, replayed: accepted.replayed, available: accepted.available.into() })
    }

    /// Stops a batch: items that wait never start, those that run go on to their end.
    #[graphql(guard = "Needs(Scope::BatchesWrite)")]
    async fn cancel_batch(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Batch> {
        let id = id.parse().map_err(|_| GraphqlError::from(Refusal::NotFound("batch")))?;
        let (_, confirmed) = ctx.core().cancel_batch(ctx.caller()?, id).await.map_err(GraphqlError::from)?;
        Ok(shown(ctx, id, confirmed.end.position).await?)
    }
}

/// A batch once the read model shows it as it was written.
async fn shown(ctx: &Context<'_>, id: BatchId, position: mintmark_domain::es::Position) -> Result<Batch> {
    ctx.reads().wait_for(ProjectionName::Generation, id.shard(), position, SHOWN_WITHIN).await;
    own(ctx, id).await?.ok_or_else(|| GraphqlError::from(Refusal::NotFound("batch")))
}

fn request(ctx: &Context<'_>, input: CreateBatchInput, key: Option<String>) -> Result<BatchRequest> {
    if input.items.len() > BatchState::ITEMS_MAX {
        return Err(GraphqlError::argument("items", format!("at most {}", BatchState::ITEMS_MAX)));
    }
    let concurrency = u32::try_from(input.concurrency.unwrap_or(CONCURRENCY_DEFAULT)).unwrap_or(0);
    let mut body = concurrency.to_be_bytes().to_vec();
    let mut items = Vec::with_capacity(input.items.len());
    for (index, item) in (0u32..).zip(input.items) {
        let unknown = || Refusal::Item {
            index,
            problem: Box::new(AskProblem::new(AskField::Model, AskReason::NotOffered).into()),
        };
        let model = ctx.core().catalog.find(Dialect::Native, &item.model).ok_or_else(unknown)?;
        let run = item.into_request(model.capability, None)?;
        // What makes two requests the same: everything but the key.
        let said = (&run.model, &run.ask, &run.inputs, run.privacy);
        body.extend(serde_json::to_vec(&said).unwrap_or_default());
        items.push(BatchItemRequest {
            dialect: run.dialect,
            model: run.model,
            ask: run.ask,
            inputs: run.inputs,
            generator: run.generator,
            preference: run.preference,
            preference_two: run.preference_two,
            privacy: run.privacy,
            workflow: run.workflow,
            operation: run.operation,
        });
    }
    let idempotency =
        key.map(|key| IdempotencyKey { key, method: "MUTATION".into(), path: "createBatch".into(), body });
    Ok(BatchRequest {
        mode: BatchMode::Operation,
        target: TARGET.into(),
        concurrency,
        items,
        route: "mutation createBatch".into(),
        scope: Scope::BatchesWrite,
        idempotency,
    })
}
