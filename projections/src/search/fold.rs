//! Folds creations' events, and finds out what has come into sight and what has gone.

use indexmap::IndexMap;
use mintmark_domain::creation::{CreationEvent, OpenedCreation, Privacy};
use mintmark_domain::es::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{CreationKey, CreationRow};
use crate::error::ApplyError;
use crate::positions::position_column;
use crate::table::Rows;

/// The creations that a batch touches.
pub(super) struct CreationFold {
    creations: Rows<CreationRow>,
    /// Since when each was in sight before the batch.
    before: IndexMap<Uuid, Option<i64>>,
}

/// What a batch comes to for the texts.
#[derive(Default)]
pub(super) struct Moved {
    /// Whose texts go.
    pub gone: Vec<Uuid>,
    /// Which come.
    pub come: Vec<CreationRow>,
}

impl CreationRow {
    /// Brings the listing in line with what may be seen from `position` on.
    fn list(&mut self, position: i64) {
        if !(self.made && self.public && !self.gone) {
            self.listed_from = None;
        } else if self.listed_from.is_none() {
            self.listed_from = Some(position);
        }
    }
}

impl CreationFold {
    pub fn new(creations: Rows<CreationRow>) -> Self {
        CreationFold { creations, before: IndexMap::new() }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Recorded, fact: &CreationEvent) -> Result<(), ApplyError> {
        if let CreationEvent::Opened(opened) = fact {
            self.creations.put(row(event, opened));
            self.before.insert(event.stream.id, None);
            return Ok(());
        }
        let key = CreationKey { creation_id: event.stream.id };
        let row = self.creations.get_mut(&key).ok_or_else(|| ApplyError::Inconsistent {
            at: event.position,
            why: format!("{} of a creation that was never opened", event.event_type),
        })?;
        self.before.entry(event.stream.id).or_insert(row.listed_from);
        match fact {
            CreationEvent::Completed { .. } => row.made = true,
            CreationEvent::PrivacyChanged { privacy } => row.public = *privacy == Privacy::Public,
            CreationEvent::Deleted {} | CreationEvent::Hidden { .. } => row.gone = true,
            CreationEvent::Opened(_)
            | CreationEvent::Failed { .. }
            | CreationEvent::Cancelled {}
            | CreationEvent::LicenseChanged { .. } => {}
        }
        row.list(position_column(event.position));
        Ok(())
    }

    /// Writes the creations; says which texts go and come. What left and came back within the batch does
    /// both, for its position is another one.
    pub async fn save(self, connection: &mut PgConnection) -> sqlx::Result<Moved> {
        let mut moved = Moved::default();
        for (creation_id, before) in self.before {
            let Some(row) = self.creations.get(&CreationKey { creation_id }) else { continue };
            if row.listed_from == before {
                continue;
            }
            if before.is_some() {
                moved.gone.push(creation_id);
            }
            if row.listed_from.is_some() {
                moved.come.push(row.clone());
            }
        }
        self.creations.save(connection).await?;
        Ok(moved)
    }
}

/// Takes all that an erased person made out of sight; says whose texts go.
pub(super) async fn erase(connection: &mut PgConnection, account: Uuid) -> sqlx::Result<Moved> {
    let rows: Vec<(Uuid,)> = sqlx::query_as(
        "UPDATE creations SET gone = true, listed_from = NULL WHERE account_id = $1 AND NOT gone RETURNING creation_id",
    )
    .bind(account)
    .fetch_all(connection)
    .await?;
    Ok(Moved { gone: rows.into_iter().map(|(id,)| id).collect(), come: Vec::new() })
}

fn row(event: &Recorded, opened: &OpenedCreation) -> CreationRow {
    CreationRow {
        creation_id: event.stream.id,
        number: i64::try_from(opened.number).unwrap_or(i64::MAX),
        recorded_at: event.recorded_at,
        generator: opened.generator.clone(),
        inputs: opened.inputs.0,
        account_id: opened.account.0,
        made: false,
        public: opened.privacy == Privacy::Public,
        gone: false,
        listed_from: None,
    }
}
