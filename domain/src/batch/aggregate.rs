//! The batch's state and its decisions.

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::commands::BatchCommand;
use super::error::BatchError;
use super::events::{BatchEvent, CreatedBatch, ItemOutcome};
use crate::es;
use crate::ids::RunId;

/// Where a batch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// There is no such batch.
    #[default]
    None,
    /// Accepted, its maximum held; no item has started.
    Queued,
    /// Items run.
    Processing,
    /// Ended: every item succeeded.
    Completed,
    /// Ended: some items succeeded.
    Partial,
    /// Ended: no item succeeded.
    Failed,
    /// Ended: stopped before any item succeeded.
    Cancelled,
}

impl BatchStatus {
    /// Whether it has ended.
    #[must_use]
    pub fn is_ended(self) -> bool {
        match self {
            BatchStatus::None | BatchStatus::Queued | BatchStatus::Processing => false,
            BatchStatus::Completed | BatchStatus::Partial | BatchStatus::Failed | BatchStatus::Cancelled => true,
        }
    }
}

/// Where an item stands: one byte each, so that ten thousand are cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
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

/// Many runs asked for at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    status: BatchStatus,
    created: Option<std::sync::Arc<CreatedBatch>>,
    items: Vec<ItemState>,
    running: u32,
    finished: u32,
    succeeded: u32,
    failed: u32,
    cancel_requested: bool,
}

type Decided = Result<Vec<BatchEvent>, BatchError>;

impl Batch {
    /// How many items there may be.
    pub const ITEMS_MAX: usize = 10_000;
    /// How many items may run at once.
    pub const CONCURRENCY_MAX: u32 = 50;

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> BatchStatus {
        self.status
    }

    /// What was asked; `None` if there is no such batch.
    #[must_use]
    pub fn created(&self) -> Option<&CreatedBatch> {
        self.created.as_deref()
    }

    /// Where each item stands, in order.
    #[must_use]
    pub fn items(&self) -> &[ItemState] {
        &self.items
    }

    /// How many items run now.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.running
    }

    /// How many items succeeded and failed.
    #[must_use]
    pub fn counts(&self) -> (u32, u32) {
        (self.succeeded, self.failed)
    }

    /// Whether its owner wants it stopped.
    #[must_use]
    pub fn is_cancelling(&self) -> bool {
        self.cancel_requested
    }

    /// The next item that may start now.
    #[must_use]
    pub fn next_startable(&self) -> Option<u32> {
        let concurrency = self.created()?.concurrency;
        if self.cancel_requested || self.status.is_ended() || self.running >= concurrency {
            return None;
        }
        let index = self.items.iter().position(|item| *item == ItemState::Waiting)?;
        u32::try_from(index).ok()
    }

    fn known(&self) -> Result<&CreatedBatch, BatchError> {
        self.created().ok_or(BatchError::NotFound)
    }

    fn item(&self, index: u32) -> Result<ItemState, BatchError> {
        self.known()?;
        self.items.get(index as usize).copied().ok_or(BatchError::NoSuchItem { index })
    }

    fn create(&self, batch: Box<CreatedBatch>) -> Decided {
        if let Some(known) = self.created() {
            return if known.is_same_request(&batch) { Ok(vec![]) } else { Err(BatchError::OtherRequest) };
        }
        let count = batch.items.len();
        let priced = batch.item_maxima.len() == count && batch.item_maxima.iter().all(|most| most.is_positive());
        if count == 0 || count > Self::ITEMS_MAX || !priced {
            return Err(BatchError::BadItems { max: Self::ITEMS_MAX });
        }
        if batch.concurrency == 0 || batch.concurrency > Self::CONCURRENCY_MAX {
            return Err(BatchError::BadConcurrency { max: Self::CONCURRENCY_MAX });
        }
        Ok(vec![BatchEvent::Created(batch)])
    }

    fn start(&self, index: u32, run: RunId) -> Decided {
        let item = self.item(index)?;
        match item {
            // An item's run id is derived from batch and index, so a running item runs as that run.
            ItemState::Running => return Ok(vec![]),
            ItemState::Succeeded | ItemState::Failed | ItemState::Cancelled => {
                return Err(BatchError::ItemPast { index });
            }
            ItemState::Waiting => {}
        }
        if self.status.is_ended() {
            return Err(BatchError::Ended(self.status));
        }
        if self.cancel_requested {
            return Err(BatchError::Cancelling);
        }
        let concurrency = self.known()?.concurrency;
        if self.running >= concurrency {
            return Err(BatchError::Saturated { concurrency });
        }
        Ok(vec![BatchEvent::ItemStarted { index, run }])
    }

    /// Only one that waits: of one that runs, its run alone says how it ended.
    fn drop_item(&self, index: u32) -> Decided {
        match self.item(index)? {
            ItemState::Waiting => Ok(self.finished(index, ItemOutcome::Failed)),
            ItemState::Failed => Ok(vec![]),
            ItemState::Running | ItemState::Succeeded | ItemState::Cancelled => Err(BatchError::ItemPast { index }),
        }
    }

    fn finish(&self, index: u32, outcome: ItemOutcome) -> Decided {
        let reached = match outcome {
            ItemOutcome::Succeeded => ItemState::Succeeded,
            ItemOutcome::Failed => ItemState::Failed,
            ItemOutcome::Cancelled => ItemState::Cancelled,
        };
        match self.item(index)? {
            ItemState::Running => Ok(self.finished(index, outcome)),
            known if known == reached => Ok(vec![]),
            ItemState::Waiting | ItemState::Succeeded | ItemState::Failed | ItemState::Cancelled => {
                Err(BatchError::ItemPast { index })
            }
        }
    }

    /// The end of an item, and of the batch where it was the last.
    fn finished(&self, index: u32, outcome: ItemOutcome) -> Vec<BatchEvent> {
        let mut after = self.clone();
        let event = BatchEvent::ItemFinished { index, outcome };
        cqrs_es::Aggregate::apply(&mut after, event.clone());
        std::iter::once(event).chain(after.end_if_done()).collect()
    }

    fn cancel(&self, by: String) -> Decided {
        self.known()?;
        if self.cancel_requested {
            return Ok(vec![]);
        }
        if self.status.is_ended() {
            return Err(BatchError::Ended(self.status));
        }
        let mut after = self.clone();
        let event = BatchEvent::CancelRequested { by };
        cqrs_es::Aggregate::apply(&mut after, event.clone());
        Ok(std::iter::once(event).chain(after.end_if_done()).collect())
    }

    /// The event that ends a batch whose items have all finished.
    fn end_if_done(&self) -> Option<BatchEvent> {
        let total = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        if self.finished < total {
            return None;
        }
        Some(match self.succeeded {
            all if all == total => BatchEvent::Completed {},
            0 if self.cancel_requested => BatchEvent::Cancelled {},
            0 => BatchEvent::Failed {},
            _ => BatchEvent::Partial {},
        })
    }
}

impl es::Aggregate for Batch {
    const STATE_SCHEMA: &'static str = "batch/2";

    fn decide(&self, command: BatchCommand) -> Decided {
        match command {
            BatchCommand::Create(batch) => self.create(batch),
            BatchCommand::StartItem { index, run } => self.start(index, run),
            BatchCommand::DropItem { index } => self.drop_item(index),
            BatchCommand::FinishItem { index, outcome } => self.finish(index, outcome),
            BatchCommand::Cancel { by } => self.cancel(by),
        }
    }

    fn weight(&self) -> usize {
        // An item takes its state, a sealed id and a maximum.
        size_of::<Self>() + self.items.len() * 33 + 512
    }
}

impl cqrs_es::Aggregate for Batch {
    const TYPE: &'static str = "batch";
    type Command = BatchCommand;
    type Event = BatchEvent;
    type Error = BatchError;
    type Services = ();

    async fn handle(
        &mut self,
        command: BatchCommand,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), BatchError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: BatchEvent) {
        match event {
            BatchEvent::Created(batch) => {
                self.status = BatchStatus::Queued;
                self.items = vec![ItemState::Waiting; batch.items.len()];
                self.created = Some(std::sync::Arc::from(batch));
            }
            BatchEvent::ItemStarted { index, .. } => {
                self.status = BatchStatus::Processing;
                self.running += 1;
                if let Some(item) = self.items.get_mut(index as usize) {
                    *item = ItemState::Running;
                }
            }
            BatchEvent::ItemFinished { index, outcome } => {
                self.finished += 1;
                let reached = match outcome {
                    ItemOutcome::Succeeded => {
                        self.succeeded += 1;
                        ItemState::Succeeded
                    }
                    ItemOutcome::Failed => {
                        self.failed += 1;
                        ItemState::Failed
                    }
                    ItemOutcome::Cancelled => ItemState::Cancelled,
                };
                if let Some(item) = self.items.get_mut(index as usize) {
                    if *item == ItemState::Running {
                        self.running -= 1;
                    }
                    *item = reached;
                }
            }
            BatchEvent::CancelRequested { .. } => {
                self.cancel_requested = true;
                for item in self.items.iter_mut().filter(|item| **item == ItemState::Waiting) {
                    *item = ItemState::Cancelled;
                    self.finished += 1;
                }
            }
            BatchEvent::Completed {} => self.status = BatchStatus::Completed,
            BatchEvent::Partial {} => self.status = BatchStatus::Partial,
            BatchEvent::Failed {} => self.status = BatchStatus::Failed,
            BatchEvent::Cancelled {} => self.status = BatchStatus::Cancelled,
        }
    }
}
