//! A batch's items as resources: what waits from what was sealed with the batch, what was started from
//! its run.

use std::collections::HashMap;

use mintmark_domain::batch::{Batch as BatchAggregate, ItemState};
use mintmark_domain::ids::{BatchId, RunId, SealedId};
use mintmark_domain::usecases::{Core, OpenedItem};
use mintmark_projections::ReadModels;
use mintmark_projections::generation::{Batch, BatchItem};

use super::super::mapping::Mapper;
use super::super::run::{RunFailure, RunResource, RunState};
use super::super::runs::shown;
use super::super::submit::mapper;
use super::super::values::Moment;
use super::resource::BatchItemResource;
use crate::http::Problem;

/// How many items are shown with one look at the read models.
const SHOWN_TOGETHER: usize = 250;

/// An item's public id. It has the digits of the run that it becomes.
pub(super) fn item_id(batch: BatchId, index: u32) -> String {
    format!("batch_item_{}", RunId::of_item(batch, index).hex())
}

/// The place of the item with that id; `None` if the batch has no such item.
pub(super) fn item_index(batch: BatchId, items: u32, id: &str) -> Option<u32> {
    let digits = id.strip_prefix("batch_item_").unwrap_or(id);
    (0..items).find(|index| RunId::of_item(batch, *index).hex() == digits)
}

/// The resources of a batch's items.
pub(super) async fn items(
    core: &Core,
    reads: &ReadModels,
    batch: &Batch,
    rows: &[BatchItem],
) -> Result<Vec<BatchItemResource>, Problem> {
    let mapper = mapper(core);
    let mut resources = Vec::with_capacity(rows.len());
    for part in rows.chunks(SHOWN_TOGETHER) {
        let ids: Vec<RunId> = part.iter().filter_map(|item| item.run).collect();
        let runs = if ids.is_empty() { Vec::new() } else { reads.runs_by_id(&ids).await? };
        let shown = shown(core, &mapper, &runs).await?;
        let mut runs: HashMap<RunId, RunResource> = runs.iter().map(|run| run.id).zip(shown).collect();
        let waiting = part.iter().filter(|item| item.run.is_none());
        let sealed: Vec<(SealedId, u32)> = waiting.map(|item| (item.inputs, item.index)).collect();
        let opened = core.open_items(&sealed).await?;
        for item in part {
            let run = item.run.and_then(|run| runs.remove(&run));
            resources.push(one(&mapper, batch, item, run, opened.get(&item.index)));
        }
    }
    Ok(resources)
}

/// The resources of items that were accepted a moment ago, in order.
pub(super) fn accepted_items(
    core: &Core,
    batch: &Batch,
    rows: &[BatchItem],
    judged: &[OpenedItem],
) -> Vec<BatchItemResource> {
    let mapper = mapper(core);
    rows.iter().zip(judged).map(|(row, item)| one(&mapper, batch, row, None, Some(item))).collect()
}

fn one(
    mapper: &Mapper<'_>,
    batch: &Batch,
    item: &BatchItem,
    run: Option<RunResource>,
    opened: Option<&OpenedItem>,
) -> BatchItemResource {
    let waiting = BatchItemResource {
        id: item_id(batch.id, item.index),
        object: "batch_item",
        batch_id: batch.id.to_string(),
        index: item.index,
        target: batch.target.clone(),
        status: state(item.state),
        run_id: item.run.map(|run| run.to_string()),
        input_summary: opened.map(|item| mapper.summary(item.workflow.as_deref(), &item.parameters, &item.inputs)),
        output: None,
        error: never_started(item.state),
        created_at: Moment(batch.created_at),
        updated_at: Moment(batch.created_at),
        completed_at: None,
    };
    match run {
        Some(run) => BatchItemResource {
            status: run.status,
            input_summary: Some(run.input_summary),
            output: run.output,
            error: run.error,
            updated_at: run.updated_at,
            completed_at: run.completed_at,
            ..waiting
        },
        // It ended without a run, with its batch or before.
        None if waiting.error.is_some() => {
            let ended = Moment(batch.completed_at.unwrap_or(batch.updated_at));
            BatchItemResource { updated_at: ended, completed_at: Some(ended), ..waiting }
        }
        None => waiting,
    }
}

fn state(state: ItemState) -> RunState {
    match state {
        ItemState::Waiting => RunState::Queued,
        ItemState::Running => RunState::Processing,
        ItemState::Succeeded => RunState::Completed,
        ItemState::Failed | ItemState::Cancelled => RunState::Failed,
    }
}

fn never_started(state: ItemState) -> Option<RunFailure> {
    let failure = |code: &str, message: &str| Some(RunFailure { code: code.into(), message: message.into() });
    match state {
        ItemState::Failed => failure("inputs_gone", "The item's inputs are gone, so it could not be started."),
        ItemState::Cancelled => failure("cancelled", "The batch was cancelled before this item started."),
        ItemState::Waiting | ItemState::Running | ItemState::Succeeded => None,
    }
}

/// A batch as it was accepted a moment ago, before the read models show it; and its items.
pub(super) fn accepted(id: BatchId, state: &BatchAggregate) -> Option<(Batch, Vec<BatchItem>)> {
    let created = state.created()?;
    let count = u32::try_from(created.items.len()).unwrap_or(u32::MAX);
    let batch = Batch {
        id,
        account: created.account,
        key_id: created.key_id,
        surface: created.surface,
        request_id: created.request_id.clone(),
        mode: created.mode,
        target: created.target.clone(),
        concurrency: created.concurrency,
        items: count,
        maximum: created.maximum(),
        status: mintmark_domain::batch::BatchStatus::Queued,
        waiting: count,
        running: 0,
        succeeded: 0,
        failed: 0,
        cancelled: 0,
        cancel_requested: false,
        created_at: created.at,
        completed_at: None,
        updated_at: created.at,
    };
    let items = (0..).zip(created.items.iter().zip(&created.item_maxima)).map(|(index, (inputs, maximum))| BatchItem {
        index,
        state: ItemState::Waiting,
        inputs: *inputs,
        maximum: *maximum,
        run: None,
    });
    Some((batch, items.collect()))
}
