//! A shard's events for every runner of this process: read once, decoded once, kept for a moment.

use std::collections::VecDeque;
use std::sync::Arc;

use mintmark_domain::Shard;
use mintmark_domain::es::{End, EventLog, Position, ReadError};
use mintmark_domain::ids::CommitId;
use tokio::sync::Mutex;

use crate::fact::Event;

/// How many chunks are kept, so that runners a little apart still share them.
const CHUNKS_KEPT: usize = 6;

#[derive(Debug)]
struct Chunk {
    /// Events without gaps.
    events: Vec<Event>,
}

impl Chunk {
    fn first(&self) -> Option<Position> {
        self.events.first().map(|event| event.recorded.position)
    }

    /// The place of the event at `position`.
    fn index_of(&self, position: Position) -> Option<usize> {
        let offset = position.0.checked_sub(self.first()?.0)?;
        usize::try_from(offset).ok().filter(|index| *index < self.events.len())
    }
}

/// Some events of a shard, in order and without gaps.
#[derive(Clone, Debug)]
pub struct Slice {
    chunk: Arc<Chunk>,
    from: usize,
    to: usize,
    /// The commit that stands right before them; `None` where the log holds nothing there.
    pub before: Option<CommitId>,
}

impl Slice {
    /// The events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.chunk.events[self.from..self.to]
    }
}

/// A shard's events.
pub struct Feed {
    log: Arc<dyn EventLog>,
    shard: Shard,
    /// Held while reading: of several runners one reads, the others find what it read.
    chunks: Mutex<VecDeque<Arc<Chunk>>>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("shard", &self.shard).finish_non_exhaustive()
    }
}

impl Feed {
    /// The events of `shard` in `log`.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, shard: Shard) -> Self {
        Feed { log, shard, chunks: Mutex::new(VecDeque::new()) }
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The shard's end.
    pub async fn end(&self) -> Result<End, ReadError> {
        self.log.end(self.shard).await
    }

    /// The events after a position, at most `limit`, with the commit that stands at the position.
    pub async fn read(&self, after: Position, limit: usize) -> Result<Slice, ReadError> {
        let mut chunks = self.chunks.lock().await;
        let next = Position(after.0 + 1);
        let known = chunks.iter().find_map(|chunk| Some((chunk, chunk.index_of(after)?, chunk.index_of(next)?)));
        if let Some((chunk, before, from)) = known {
            return Ok(Slice {
                chunk: Arc::clone(chunk),
                from,
                to: chunk.events.len().min(from + limit),
                before: Some(chunk.events[before].recorded.commit_id),
            });
        }
        let chunk = Arc::new(Chunk { events: self.read_log(after, limit).await? });
        let before = chunk.index_of(after).map(|index| chunk.events[index].recorded.commit_id);
        let from = chunk.index_of(next).unwrap_or(chunk.events.len());
        if from < chunk.events.len() {
            if chunks.len() == CHUNKS_KEPT {
                chunks.pop_front();
            }
            chunks.push_back(Arc::clone(&chunk));
        }
        let to = chunk.events.len();
        Ok(Slice { chunk, from, to, before })
    }

    /// Forgets what was read, for when history turns out to have diverged.
    pub async fn forget(&self) {
        self.chunks.lock().await.clear();
    }

    /// The event at `after`, where the log holds one, and those that follow.
    async fn read_log(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        let recorded = match after.0.checked_sub(1) {
            Some(before) => self.log.read(self.shard, Position(before), limit + 1).await?,
            None => {
                let opening = self.log.at(self.shard, after).await?;
                let following = self.log.read(self.shard, after, limit).await?;
                opening.into_iter().chain(following).collect()
            }
        };
        for (expected, event) in (after.0..).zip(&recorded) {
            if event.position.0 != expected {
                let why = format!("shard {} has position {} where {expected} belongs", self.shard, event.position);
                return Err(ReadError::Corrupt(why));
            }
        }
        Ok(recorded.into_iter().map(Event::decode).collect())
    }
}
