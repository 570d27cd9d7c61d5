//! Snapshots on Postgres, beside the log.

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::es::{ReadError, StreamId};
use mintmark_domain::ids::CommitId;
use sqlx::{PgPool, Row};

use super::{SchemaHash, Snapshot, SnapshotStore};

/// Only where the log still holds the event that the snapshot ends with.
const LOAD: &str = "
    SELECT s.sequence, s.commit_id, s.state FROM snapshots s
    JOIN events e ON e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id
                 AND e.sequence = s.sequence AND e.shard = s.shard AND e.commit_id = s.commit_id
    WHERE s.aggregate_type = $1 AND s.aggregate_id = $2 AND s.shard = $3 AND s.schema_hash = $4";
const SAVE: &str = "
    INSERT INTO snapshots (aggregate_type, aggregate_id, shard, schema_hash, sequence, commit_id, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (aggregate_type, aggregate_id, shard, schema_hash) DO UPDATE
    SET sequence = excluded.sequence, commit_id = excluded.commit_id, state = excluded.state
    WHERE snapshots.sequence < excluded.sequence
       OR NOT EXISTS (SELECT 1 FROM events e
                      WHERE e.aggregate_type = snapshots.aggregate_type AND e.aggregate_id = snapshots.aggregate_id
                        AND e.sequence = snapshots.sequence AND e.shard = snapshots.shard
                        AND e.commit_id = snapshots.commit_id)";
const DROP_DIVERGED: &str = "
    DELETE FROM snapshots s
    WHERE s.shard = $1
      AND NOT EXISTS (SELECT 1 FROM events e
                      WHERE e.aggregate_type = s.aggregate_type AND e.aggregate_id = s.aggregate_id
                        AND e.sequence = s.sequence AND e.shard = s.shard AND e.commit_id = s.commit_id)";

/// A [`SnapshotStore`] in the log's database.
#[derive(Clone, Debug)]
pub struct PgSnapshots {
    pool: PgPool,
}

impl PgSnapshots {
    /// Snapshots in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        PgSnapshots { pool }
    }
}

fn unavailable(error: sqlx::Error) -> ReadError {
    ReadError::Unavailable(error.to_string())
}

fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

#[async_trait]
impl SnapshotStore for PgSnapshots {
    async fn load(&self, stream: StreamId, schema: SchemaHash) -> Result<Option<Snapshot>, ReadError> {
        let row = sqlx::query(LOAD)
            .bind(stream.aggregate.as_str())
            .bind(stream.id.to_string())
            .bind(stream.shard().number().cast_signed())
            .bind(schema.as_slice())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let sequence: i64 = row.try_get(0).map_err(unavailable)?;
        Ok(Some(Snapshot {
            stream,
            schema,
            sequence: u64::try_from(sequence).map_err(|_| ReadError::Corrupt("a negative sequence".into()))?,
            commit_id: CommitId(row.try_get(1).map_err(unavailable)?),
            state: row.try_get(2).map_err(unavailable)?,
        }))
    }

    async fn save(&self, snapshot: &Snapshot) -> Result<(), ReadError> {
        sqlx::query(SAVE)
            .bind(snapshot.stream.aggregate.as_str())
            .bind(snapshot.stream.id.to_string())
            .bind(snapshot.stream.shard().number().cast_signed())
            .bind(snapshot.schema.as_slice())
            .bind(signed(snapshot.sequence))
            .bind(snapshot.commit_id.0)
            .bind(&snapshot.state)
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn drop_diverged(&self, shard: Shard) -> Result<u64, ReadError> {
        let dropped = sqlx::query(DROP_DIVERGED)
            .bind(shard.number().cast_signed())
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        Ok(dropped.rows_affected())
    }
}
