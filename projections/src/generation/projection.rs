//! How runs, creations, batches and usage are applied.

use std::collections::HashSet;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::account::AccountEvent;
use mintmark_domain::batch::BatchEvent;
use mintmark_domain::creation::CreationEvent;
use mintmark_domain::run::RunEvent;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch_fold::BatchFold;
use super::creation_fold::{CreationFold, erase};
use super::rows::{BatchKey, BatchRow, CreationKey, CreationRow, ItemKey, ItemRow, RunKey, RunRow};
use super::run_fold::RunFold;
use crate::error::ApplyError;
use crate::fact::{Event, Fact, Kind};
use crate::projection::{Definition, Projection, ProjectionName};
use crate::table::Rows;

/// Runs, creations, batches and usage.
#[derive(Clone, Copy, Debug, Default)]
pub struct GenerationProjection;

#[async_trait]
impl Projection for GenerationProjection {
    fn name(&self) -> ProjectionName {
        ProjectionName::Generation
    }

    fn definition(&self) -> Definition {
        Definition {
            schema: "read_generation_v3",
            ddl: include_str!("schema.sql"),
            tables: &[
                ("runs", "run_id"),
                ("creations", "creation_id"),
                ("creation_counts", "account_id"),
                ("listed_totals", "shard, generator, media_type"),
                ("batches", "batch_id"),
                ("batch_items", "batch_id, item_index"),
                ("usage_days", "account_id, day, capability, model, surface, key_id"),
            ],
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::Run | Kind::Creation | Kind::Batch => true,
            // What an erased person made disappears from every list.
            Kind::Account => true,
            Kind::Wallet | Kind::Webhook | Kind::People => false,
        }
    }

    async fn apply(&self, connection: &mut PgConnection, _: Shard, events: &[&Event]) -> Result<(), ApplyError> {
        // What an erased person had made disappears right there, in the log's order: live and rebuilt
        // read models, whose batches end elsewhere, come to the same.
        for stretch in events.split_inclusive(|event| matches!(event.fact, Fact::Account(AccountEvent::Erased { .. })))
        {
            apply_stretch(connection, stretch).await?;
            for event in stretch.iter().rev().take(1) {
                if let Fact::Account(AccountEvent::Erased { .. }) = event.fact {
                    erase(connection, &event.recorded).await?;
                }
            }
        }
        Ok(())
    }
}

async fn apply_stretch(connection: &mut PgConnection, events: &[&Event]) -> Result<(), ApplyError> {
    let touched = Touched::by(events);
    let mut runs = RunFold::new(Rows::<RunRow>::load(connection, touched.runs.into_iter().collect()).await?);
    let creations = touched.creations.into_iter().collect();
    let mut creations = CreationFold::new(Rows::<CreationRow>::load(connection, creations).await?);
    let mut batches = BatchFold::new(
        Rows::<BatchRow>::load(connection, touched.batches.into_iter().collect()).await?,
        Rows::<ItemRow>::load(connection, touched.items.into_iter().collect()).await?,
    );
    for event in events {
        match &event.fact {
            Fact::Run(fact) => runs.apply(&event.recorded, fact)?,
            Fact::Creation(fact) => creations.apply(&event.recorded, fact)?,
            Fact::Batch(fact) => batches.apply(&event.recorded, fact)?,
            Fact::Account(_)
            | Fact::Wallet(_)
            | Fact::Webhook(_)
            | Fact::People(_)
            | Fact::Elsewhere
            | Fact::Unreadable(_)
            | Fact::Corrupt(_) => {}
        }
    }
    runs.save(connection).await?;
    creations.save(connection).await?;
    batches.save(connection).await?;
    Ok(())
}

/// Rows that a batch needs from before it.
#[derive(Default)]
struct Touched {
    runs: HashSet<RunKey>,
    creations: HashSet<CreationKey>,
    batches: HashSet<BatchKey>,
    items: HashSet<ItemKey>,
    /// Streams that came to be in the batch itself.
    new: HashSet<Uuid>,
}

impl Touched {
    fn by(events: &[&Event]) -> Self {
        let mut touched = Touched::default();
        for event in events {
            let id = event.recorded.stream.id;
            match &event.fact {
                Fact::Run(RunEvent::Requested(_))
                | Fact::Creation(CreationEvent::Opened(_))
                | Fact::Batch(BatchEvent::Created(_)) => {
                    touched.new.insert(id);
                }
                _ if touched.new.contains(&id) => {}
                Fact::Run(_) => {
                    touched.runs.insert(RunKey { run_id: id });
                }
                Fact::Creation(_) => {
                    touched.creations.insert(CreationKey { creation_id: id });
                }
                Fact::Batch(fact) => {
                    touched.batches.insert(BatchKey { batch_id: id });
                    if let BatchEvent::ItemStarted { index, .. } | BatchEvent::ItemFinished { index, .. } = fact {
                        touched.items.insert(ItemKey { batch_id: id, item_index: index.cast_signed() });
                    }
                }
                Fact::Account(_)
                | Fact::Wallet(_)
                | Fact::Webhook(_)
                | Fact::People(_)
                | Fact::Elsewhere
                | Fact::Unreadable(_)
                | Fact::Corrupt(_) => {}
            }
        }
        touched
    }
}
