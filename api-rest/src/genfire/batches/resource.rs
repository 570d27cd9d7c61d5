//! The batch resource and its items, in the document's order of fields.

use mintmark_domain::batch::{BatchMode, BatchStatus};
use mintmark_projections::generation::Batch;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::run::{InputSummary, RunFailure, RunOutput, RunState};
use super::super::values::Moment;

/// Where a batch stands. A cancelled batch is `partial` if an item delivered, else `failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Accepted; no item has started.
    Queued,
    /// Items run.
    Processing,
    /// Every item delivered.
    Completed,
    /// Some items delivered.
    Partial,
    /// No item delivered.
    Failed,
}

impl From<BatchStatus> for BatchState {
    fn from(status: BatchStatus) -> Self {
        match status {
            BatchStatus::None | BatchStatus::Queued => BatchState::Queued,
            BatchStatus::Processing => BatchState::Processing,
            BatchStatus::Completed => BatchState::Completed,
            BatchStatus::Partial => BatchState::Partial,
            BatchStatus::Failed | BatchStatus::Cancelled => BatchState::Failed,
        }
    }
}

/// What a batch was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchSummary {
    /// `workflow` or `operation`.
    #[schema(examples("operation"))]
    pub mode: &'static str,
    /// The workflow or operation.
    pub target: String,
    /// How many items it has.
    pub item_count: u32,
}

/// What became of a batch's items.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct BatchOutput {
    /// Items that delivered.
    pub completed_items: u32,
    /// Items that did not, cancelled ones included.
    pub failed_items: u32,
    /// Items among them that were cancelled, or never started.
    pub cancelled_items: u32,
}

/// Many runs asked for at once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchResource {
    /// `batch_` and 32 hex digits.
    #[schema(examples("batch_019aab3c5f7080009e1f7d2c4b6a8190"))]
    pub id: String,
    /// Always `batch`.
    #[schema(examples("batch"))]
    pub object: &'static str,
    /// `workflow` or `operation`.
    #[schema(examples("operation"))]
    pub mode: &'static str,
    /// The workflow or operation.
    #[schema(examples("images.generations.create"))]
    pub target: String,
    /// Where it stands.
    pub status: BatchState,
    /// How many items it has.
    pub total_items: u32,
    /// Items that delivered.
    pub completed_items: u32,
    /// Items that did not, cancelled ones included.
    pub failed_items: u32,
    /// How many items may run at once.
    pub concurrency: u32,
    /// What was asked for.
    pub input_summary: BatchSummary,
    /// What became of the items; null until the batch has ended.
    pub output: Option<BatchOutput>,
    /// Why nothing was delivered.
    pub error: Option<RunFailure>,
    /// When it was accepted.
    pub created_at: Moment,
    /// When anything of it last changed.
    pub updated_at: Moment,
    /// When it ended.
    pub completed_at: Option<Moment>,
}

/// A batch that was just accepted, with its items.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedBatchResource {
    /// The batch.
    #[serde(flatten)]
    pub batch: BatchResource,
    /// Its items, in order.
    pub items: Vec<BatchItemResource>,
}

/// One item of a batch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchItemResource {
    /// `batch_item_` and 32 hex digits.
    #[schema(examples("batch_item_019aab3c5f7080009e1f7d2c4b6a8190"))]
    pub id: String,
    /// Always `batch_item`.
    #[schema(examples("batch_item"))]
    pub object: &'static str,
    /// The batch.
    pub batch_id: String,
    /// Its place, from 0.
    pub index: u32,
    /// The workflow or operation.
    pub target: String,
    /// Where it stands.
    pub status: RunState,
    /// Its run; null until it has started.
    pub run_id: Option<String>,
    /// What was asked for; null once its owner was erased.
    pub input_summary: Option<InputSummary>,
    /// What its run delivered; null until then.
    pub output: Option<RunOutput>,
    /// Why it failed.
    pub error: Option<RunFailure>,
    /// When the batch was accepted.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When it ended.
    pub completed_at: Option<Moment>,
}

/// A page of batches, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchList {
    /// Always `list`.
    #[schema(examples("list"))]
    pub object: &'static str,
    /// The batches.
    pub data: Vec<BatchResource>,
    /// Whether more follow: ask again with `starting_after` set to the last batch's id.
    pub has_more: bool,
}

/// Items of a batch, in order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchItemList {
    /// Always `list`.
    #[schema(examples("list"))]
    pub object: &'static str,
    /// The items.
    pub data: Vec<BatchItemResource>,
    /// Whether more follow: ask again with `starting_after` set to the last item's id.
    pub has_more: bool,
}

/// A mode's name.
fn mode_name(mode: BatchMode) -> &'static str {
    match mode {
        BatchMode::Workflow => "workflow",
        BatchMode::Operation => "operation",
    }
}

impl From<&Batch> for BatchResource {
    fn from(row: &Batch) -> Self {
        let failed_items = row.failed + row.cancelled;
        let mode = mode_name(row.mode);
        BatchResource {
            id: row.id.to_string(),
            object: "batch",
            mode,
            target: row.target.clone(),
            status: row.status.into(),
            total_items: row.items,
            completed_items: row.succeeded,
            failed_items,
            concurrency: row.concurrency,
            input_summary: BatchSummary { mode, target: row.target.clone(), item_count: row.items },
            output: row.status.is_ended().then_some(BatchOutput {
                completed_items: row.succeeded,
                failed_items,
                cancelled_items: row.cancelled,
            }),
            error: failure(row.status),
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
            completed_at: row.completed_at.map(Moment),
        }
    }
}

/// Why a batch delivered nothing.
fn failure(status: BatchStatus) -> Option<RunFailure> {
    let failure = |code: &str, message: &str| Some(RunFailure { code: code.into(), message: message.into() });
    match status {
        BatchStatus::Failed => failure("no_item_delivered", "No item delivered; each item says why."),
        BatchStatus::Cancelled => failure("cancelled", "The batch was cancelled before any item delivered."),
        BatchStatus::None
        | BatchStatus::Queued
        | BatchStatus::Processing
        | BatchStatus::Completed
        | BatchStatus::Partial => None,
    }
}
