//! Snapshots in memory, for simulations and tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::es::{EventLog, ReadError, StreamId};

use super::{SchemaHash, Snapshot, SnapshotStore};

/// A [`SnapshotStore`] in memory, beside the log that bears its snapshots out.
#[derive(Clone)]
pub struct MemorySnapshots {
    log: Arc<dyn EventLog>,
    kept: Arc<Mutex<HashMap<(StreamId, SchemaHash), Snapshot>>>,
}

impl MemorySnapshots {
    /// No snapshots yet of streams of `log`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        MemorySnapshots { log, kept: Arc::default() }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<(StreamId, SchemaHash), Snapshot>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn borne_out(&self, snapshot: &Snapshot) -> Result<bool, ReadError> {
        let before = snapshot.sequence.saturating_sub(1);
        let rows = self.log.read_streams_page(&[(snapshot.stream, before)], 1).await?;
        Ok(rows.first().is_some_and(|row| row.sequence == snapshot.sequence && row.commit_id == snapshot.commit_id))
    }
}

#[async_trait]
impl SnapshotStore for MemorySnapshots {
    async fn load(&self, stream: StreamId, schema: SchemaHash) -> Result<Option<Snapshot>, ReadError> {
        let found = self.kept().get(&(stream, schema)).cloned();
        match found {
            Some(snapshot) if self.borne_out(&snapshot).await? => Ok(Some(snapshot)),
            Some(_) | None => Ok(None),
        }
    }

    async fn save(&self, snapshot: &Snapshot) -> Result<(), ReadError> {
        let key = (snapshot.stream, snapshot.schema);
        let held = self.kept().get(&key).cloned();
        let keep = match held {
            Some(held) => held.sequence >= snapshot.sequence && self.borne_out(&held).await?,
            None => false,
        };
        if !keep {
            self.kept().insert(key, snapshot.clone());
        }
        Ok(())
    }

    async fn drop_diverged(&self, shard: Shard) -> Result<u64, ReadError> {
        let candidates: Vec<Snapshot> =
            self.kept().values().filter(|snapshot| snapshot.stream.shard() == shard).cloned().collect();
        let mut dropped = 0;
        for snapshot in candidates {
            if !self.borne_out(&snapshot).await? {
                self.kept().remove(&(snapshot.stream, snapshot.schema));
                dropped += 1;
            }
        }
        Ok(dropped)
    }
}
