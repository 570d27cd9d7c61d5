//! A log in which one stream is slow to read.

use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::es::{
    AppendError, Commit, End, EventLog, LockedShard, Position, ReadError, Recorded, SealedText, StreamId,
};
use mintmark_domain::ids::{CommitId, SealedId};
use mintmark_domain::{Shard, Timestamp};
use mintmark_log::memory::MemoryEventLog;
use tokio::sync::Semaphore;

/// Reads of one long stream wait at a gate, after they were made.
#[derive(Clone)]
pub struct SlowStream {
    log: MemoryEventLog,
    slow: StreamId,
    gate: Arc<Semaphore>,
}

impl SlowStream {
    /// `log` with a gate before `slow`, closed.
    pub fn new(log: MemoryEventLog, slow: StreamId) -> Self {
        SlowStream { log, slow, gate: Arc::new(Semaphore::new(0)) }
    }

    /// Opens the gate.
    pub fn let_go(&self) {
        self.gate.add_permits(1_000);
    }
}

#[async_trait]
impl EventLog for SlowStream {
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
        self.log.open(shard, commit_id, at).await
    }

    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        self.log.append(shard, expected, commit).await
    }

    async fn end(&self, shard: Shard) -> Result<End, ReadError> {
        self.log.end(shard).await
    }

    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        self.log.at(shard, position).await
    }

    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.read(shard, after, limit).await
    }

    async fn read_streams_page(
        &self,
        streams: &[(StreamId, u64)],
        limit_each: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let rows = self.log.read_streams_page(streams, limit_each).await;
        // The first page comes with other streams; the rest is read by itself.
        if streams.iter().any(|(stream, after)| *stream == self.slow && *after > 0) {
            self.gate.acquire().await.unwrap().forget();
        }
        rows
    }

    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
        self.log.read_sealed(shard, ids).await
    }

    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
        self.log.lock(shard).await
    }
}
