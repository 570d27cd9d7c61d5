//! Folds a creation's events into its row, and keeps what is listed in public.

use std::collections::HashMap;

use mintmark_domain::creation::{CreationEvent, OpenedCreation, Privacy};
use mintmark_domain::es::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{CreationKey, CreationRow};
use super::run_fold::number_column;
use crate::error::ApplyError;
use crate::positions::{position_column, shard_column};
use crate::sql::name_of;
use crate::table::Rows;

/// The creations that a batch touches.
pub(super) struct CreationFold {
    creations: Rows<CreationRow>,
    counts: HashMap<Uuid, Count>,
    /// What is listed by shard, generator and medium.
    listed: HashMap<(i16, String, String), i64>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    made: i64,
    listed: i64,
}

/// Opened and not ended.
pub(super) const OPENED: &str = "opened";
/// Delivered.
pub(super) const COMPLETED: &str = "completed";

impl CreationRow {
    fn is_made(&self) -> bool {
        self.status == COMPLETED && self.deleted_position.is_none()
    }

    fn is_listed(&self) -> bool {
        self.listed_from.is_some() && self.listed_until.is_none()
    }

    /// What everybody may see.
    fn should_be_listed(&self) -> bool {
        self.is_made() && !self.hidden && self.privacy == name_of(&Privacy::Public)
    }

    /// Brings the listing in line with what may be seen from `position` on.
    fn list(&mut self, position: i64) {
        match (self.is_listed(), self.should_be_listed()) {
            (false, true) => {
                if let (Some(from), Some(until)) = (self.listed_from, self.listed_until.take()) {
                    let before = self.listed_before.take();
                    let before = before.as_deref().and_then(|ranges| ranges.strip_suffix('}'));
                    let ranges = before.map_or_else(|| "{".to_owned(), |ranges| format!("{ranges},"));
                    self.listed_before = Some(format!("{ranges}[{from},{until})}}"));
                }
                self.listed_from = Some(position);
            }
            // Listed and taken back within one commit at the same position cannot be: one event each.
            (true, false) => self.listed_until = Some(position),
            (true, true) | (false, false) => {}
        }
    }
}

impl CreationFold {
    pub fn new(creations: Rows<CreationRow>) -> Self {
        CreationFold { creations, counts: HashMap::new(), listed: HashMap::new() }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Recorded, fact: &CreationEvent) -> Result<(), ApplyError> {
        if let CreationEvent::Opened(opened) = fact {
            self.creations.put(row(event, opened));
            return Ok(());
        }
        let key = CreationKey { creation_id: event.stream.id };
        let row = self.creations.get_mut(&key).ok_or_else(|| ApplyError::Inconsistent {
            at: event.position,
            why: format!("{} of a creation that was never opened", event.event_type),
        })?;
        let before = (row.is_made(), row.is_listed());
        let position = position_column(event.position);
        row.updated_at = event.recorded_at;
        match fact {
            CreationEvent::Opened(_) => {}
            CreationEvent::Completed { output } => {
                row.status = COMPLETED.to_owned();
                row.completed_at = Some(event.recorded_at);
                let json = serde_json::to_string(output)
                    .map_err(|error| ApplyError::Corrupt { at: event.position, why: error.to_string() })?;
                row.output = Some(json);
            }
            CreationEvent::Failed { reason } => {
                row.status = "failed".to_owned();
                row.completed_at = Some(event.recorded_at);
                row.failure_code = Some(reason.code.clone());
                row.failure_message = Some(reason.message.clone());
            }
            CreationEvent::Cancelled {} => {
                row.status = "cancelled".to_owned();
                row.completed_at = Some(event.recorded_at);
            }
            CreationEvent::PrivacyChanged { privacy } => row.privacy = name_of(privacy),
            CreationEvent::LicenseChanged { license } => row.license = name_of(license),
            CreationEvent::Deleted {} => row.deleted_position = row.deleted_position.or(Some(position)),
            CreationEvent::Hidden { .. } => row.hidden = true,
        }
        row.list(position);
        let after = (row.is_made(), row.is_listed());
        if before != after {
            let count = self.counts.entry(row.account_id).or_default();
            count.made += i64::from(after.0) - i64::from(before.0);
            let listed = i64::from(after.1) - i64::from(before.1);
            count.listed += listed;
            let key = (row.shard, row.generator.clone().unwrap_or_default(), row.media_type.clone());
            *self.listed.entry(key).or_default() += listed;
        }
        Ok(())
    }

    /// Writes the creations and adds to the counts.
    pub async fn save(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.creations.save(connection).await?;
        if !self.counts.is_empty() {
            let (mut accounts, mut made, mut listed) = (Vec::new(), Vec::new(), Vec::new());
            for (account, count) in self.counts {
                accounts.push(account);
                made.push(count.made);
                listed.push(count.listed);
            }
            sqlx::query(
                "INSERT INTO creation_counts AS c (account_id, made, listed)
                 SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
                 ON CONFLICT (account_id) DO UPDATE SET made = c.made + excluded.made, listed = c.listed + excluded.listed",
            )
            .bind(accounts)
            .bind(made)
            .bind(listed)
            .execute(&mut *connection)
            .await?;
        }
        save_listed(self.listed, connection).await
    }
}

async fn save_listed(deltas: HashMap<(i16, String, String), i64>, connection: &mut PgConnection) -> sqlx::Result<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let (mut shards, mut generators, mut media_types, mut listed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((shard, generator, media_type), delta) in deltas {
        shards.push(shard);
        generators.push(generator);
        media_types.push(media_type);
        listed.push(delta);
    }
    sqlx::query(
        "INSERT INTO listed_totals AS t (shard, generator, media_type, listed)
         SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[])
         ON CONFLICT (shard, generator, media_type) DO UPDATE SET listed = t.listed + excluded.listed",
    )
    .bind(shards)
    .bind(generators)
    .bind(media_types)
    .bind(listed)
    .execute(connection)
    .await?;
    Ok(())
}

/// What an erased person had made disappears from every list; references to its contents go too.
pub(super) async fn erase(connection: &mut PgConnection, event: &Recorded) -> sqlx::Result<()> {
    let (account, position) = (event.stream.id, position_column(event.position));
    sqlx::query(
        "UPDATE listed_totals t SET listed = t.listed - gone.listed
         FROM (SELECT shard, coalesce(generator, '') AS generator, media_type, count(*) AS listed FROM creations
               WHERE account_id = $1 AND listed_from IS NOT NULL AND listed_until IS NULL GROUP BY 1, 2, 3) AS gone
         WHERE t.shard = gone.shard AND t.generator = gone.generator AND t.media_type = gone.media_type",
    )
    .bind(account)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE creations
         SET deleted_position = coalesce(deleted_position, $2), output = NULL,
             listed_until = CASE WHEN listed_from IS NULL THEN NULL ELSE coalesce(listed_until, $2) END
         WHERE account_id = $1",
    )
    .bind(account)
    .bind(position)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE creation_counts SET made = 0, listed = 0 WHERE account_id = $1")
        .bind(account)
        .execute(connection)
        .await?;
    Ok(())
}

fn row(event: &Recorded, opened: &OpenedCreation) -> CreationRow {
    CreationRow {
        creation_id: event.stream.id,
        account_id: opened.account.0,
        number: number_column(opened.number),
        shard: shard_column(event.shard),
        position: position_column(event.position),
        recorded_at: event.recorded_at,
        user_id: number_column(opened.user_id),
        run_id: opened.run.0,
        output_index: opened.index.cast_signed(),
        team_id: opened.team.map(Into::into),
        generator: opened.generator.clone(),
        model: opened.model.clone(),
        media_type: opened.media_type.as_str().to_owned(),
        inputs: opened.inputs.0,
        status: OPENED.to_owned(),
        privacy: name_of(&opened.privacy),
        license: name_of(&opened.license),
        output: None,
        failure_code: None,
        failure_message: None,
        completed_at: None,
        hidden: false,
        deleted_position: None,
        listed_from: None,
        listed_until: None,
        listed_before: None,
        updated_at: event.recorded_at,
    }
}
