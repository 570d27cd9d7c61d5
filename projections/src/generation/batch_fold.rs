//! Folds a batch's events into its row and its items'.

use mintmark_domain::batch::{BatchEvent, BatchStatus, CreatedBatch, ItemOutcome};
use mintmark_domain::es::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{BatchKey, BatchRow, ItemKey, ItemRow};
use super::run_fold::number_column;
use crate::error::ApplyError;
use crate::positions::{position_column, shard_column};
use crate::sql::name_of;
use crate::table::Rows;

/// The batches that a batch of events touches.
pub(super) struct BatchFold {
    batches: Rows<BatchRow>,
    items: Rows<ItemRow>,
    /// Batches whose waiting items were cancelled.
    cancelled: Vec<Uuid>,
}

/// Not started.
const WAITING: &str = "waiting";
/// Its run is under way.
const RUNNING: &str = "running";

impl BatchFold {
    pub fn new(batches: Rows<BatchRow>, items: Rows<ItemRow>) -> Self {
        BatchFold { batches, items, cancelled: Vec::new() }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Recorded, fact: &BatchEvent) -> Result<(), ApplyError> {
        let missing = |what: &str| ApplyError::Inconsistent {
            at: event.position,
            why: format!("{} of {what} that was never created", event.event_type),
        };
        let batch_id = event.stream.id;
        if let BatchEvent::Created(created) = fact {
            self.created(event, created);
            return Ok(());
        }
        let row = self.batches.get_mut(&BatchKey { batch_id }).ok_or_else(|| missing("a batch"))?;
        row.updated_at = event.recorded_at;
        let ended = match fact {
            BatchEvent::Created(_) => None,
            BatchEvent::ItemStarted { index, run } => {
                let key = ItemKey { batch_id, item_index: index.cast_signed() };
                let item = self.items.get_mut(&key).ok_or_else(|| missing("an item"))?;
                item.state = RUNNING.to_owned();
                item.run_id = Some(run.0);
                row.status = name_of(&BatchStatus::Processing);
                row.waiting -= 1;
                row.running += 1;
                None
            }
            BatchEvent::ItemFinished { index, outcome } => {
                let key = ItemKey { batch_id, item_index: index.cast_signed() };
                let item = self.items.get_mut(&key).ok_or_else(|| missing("an item"))?;
                if item.state == RUNNING {
                    row.running -= 1;
                } else {
                    row.waiting -= 1;
                }
                item.state = name_of(outcome);
                match outcome {
                    ItemOutcome::Succeeded => row.succeeded += 1,
                    ItemOutcome::Failed => row.failed += 1,
                    ItemOutcome::Cancelled => row.cancelled += 1,
                }
                None
            }
            BatchEvent::CancelRequested { .. } => {
                row.cancel_requested = true;
                row.cancelled += row.waiting;
                row.waiting = 0;
                // Nothing starts any more, so all that waits when the batch is written was waiting now.
                self.cancelled.push(batch_id);
                None
            }
            BatchEvent::Completed {} => Some(BatchStatus::Completed),
            BatchEvent::Partial {} => Some(BatchStatus::Partial),
            BatchEvent::Failed {} => Some(BatchStatus::Failed),
            BatchEvent::Cancelled {} => Some(BatchStatus::Cancelled),
        };
        if let Some(status) = ended {
            row.status = name_of(&status);
            row.completed_at = Some(event.recorded_at);
        }
        Ok(())
    }

    fn created(&mut self, event: &Recorded, created: &CreatedBatch) {
        let items = i32::try_from(created.items.len()).unwrap_or(i32::MAX);
        self.batches.put(BatchRow {
            batch_id: event.stream.id,
            shard: shard_column(event.shard),
            position: position_column(event.position),
            recorded_at: event.recorded_at,
            account_id: created.account.0,
            wallet_id: created.payer.wallet.0,
            key_id: created.key_id.map(number_column),
            surface: created.surface.as_str().to_owned(),
            request_id: created.request_id.clone(),
            mode: name_of(&created.mode),
            target: created.target.clone(),
            concurrency: created.concurrency.cast_signed(),
            items,
            maximum: created.maximum().value(),
            status: name_of(&BatchStatus::Queued),
            waiting: items,
            running: 0,
            succeeded: 0,
            failed: 0,
            cancelled: 0,
            cancel_requested: false,
            completed_at: None,
            updated_at: event.recorded_at,
        });
        for (index, (inputs, maximum)) in (0..).zip(created.items.iter().zip(&created.item_maxima)) {
            self.items.put(ItemRow {
                batch_id: event.stream.id,
                item_index: index,
                inputs: inputs.0,
                maximum: maximum.value(),
                state: WAITING.to_owned(),
                run_id: None,
            });
        }
    }

    /// Writes the batches and their items.
    pub async fn save(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.batches.save(connection).await?;
        self.items.save(connection).await?;
        if !self.cancelled.is_empty() {
            sqlx::query("UPDATE batch_items SET state = 'cancelled' WHERE batch_id = ANY($1) AND state = 'waiting'")
                .bind(self.cancelled)
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}
