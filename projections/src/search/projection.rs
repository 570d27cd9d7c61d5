//! How the words of public creations are applied.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::account::AccountEvent;
use mintmark_domain::creation::CreationEvent;
use mintmark_domain::ports::Vault;
use sqlx::PgConnection;

use super::fold::{CreationFold, Moved, erase};
use super::rows::{CreationKey, CreationRow};
use super::texts;
use super::vocabulary::Vocabulary;
use crate::error::ApplyError;
use crate::fact::{Event, Fact, Kind};
use crate::projection::{Definition, Projection, ProjectionName};
use crate::table::Rows;

/// The words of public creations.
#[derive(Clone)]
pub struct SearchProjection {
    vault: Arc<dyn Vault>,
}

impl SearchProjection {
    /// Opens prompts from `vault`.
    #[must_use]
    pub fn new(vault: Arc<dyn Vault>) -> Self {
        SearchProjection { vault }
    }

    async fn move_texts(&self, connection: &mut PgConnection, shard: Shard, moved: Moved) -> Result<(), ApplyError> {
        let mut vocabulary = Vocabulary::default();
        texts::remove(connection, &mut vocabulary, moved.gone).await?;
        texts::add(connection, &*self.vault, &mut vocabulary, shard, &moved.come).await?;
        vocabulary.save(connection, shard).await?;
        Ok(())
    }
}

impl std::fmt::Debug for SearchProjection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SearchProjection")
    }
}

#[async_trait]
impl Projection for SearchProjection {
    fn name(&self) -> ProjectionName {
        ProjectionName::Search
    }

    fn definition(&self) -> Definition {
        Definition {
            schema: "read_search_v1",
            ddl: include_str!("schema.sql"),
            tables: &[
                ("creations", "creation_id"),
                ("texts", "creation_id"),
                ("totals", "shard"),
                ("words", "word, shard"),
            ],
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            // What an erased person said is found by nobody.
            Kind::Creation | Kind::Account => true,
            Kind::Run | Kind::Batch | Kind::Wallet | Kind::Webhook | Kind::People => false,
        }
    }

    async fn apply(&self, connection: &mut PgConnection, shard: Shard, events: &[&Event]) -> Result<(), ApplyError> {
        // What an erased person had made goes right there, in the log's order, however batches end.
        for stretch in events.split_inclusive(|event| is_erasure(event)) {
            let mut creations = CreationFold::new(Rows::<CreationRow>::load(connection, touched(stretch)).await?);
            for event in stretch {
                if let Fact::Creation(fact) = &event.fact {
                    creations.apply(&event.recorded, fact)?;
                }
            }
            let moved = creations.save(connection).await?;
            self.move_texts(connection, shard, moved).await?;
            if let Some(event) = stretch.last().filter(|event| is_erasure(event)) {
                let moved = erase(connection, event.recorded.stream.id).await?;
                self.move_texts(connection, shard, moved).await?;
            }
        }
        Ok(())
    }
}

fn is_erasure(event: &Event) -> bool {
    matches!(event.fact, Fact::Account(AccountEvent::Erased { .. }))
}

/// Creations that a batch needs from before it.
fn touched(events: &[&Event]) -> Vec<CreationKey> {
    let (mut new, mut touched) = (HashSet::new(), HashSet::new());
    for event in events {
        let Fact::Creation(fact) = &event.fact else { continue };
        let creation_id = event.recorded.stream.id;
        if let CreationEvent::Opened(_) = fact {
            new.insert(creation_id);
        } else if !new.contains(&creation_id) {
            touched.insert(CreationKey { creation_id });
        }
    }
    touched.into_iter().collect()
}
