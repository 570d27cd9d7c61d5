//! The log in memory, for simulations and tests: the same contract as the log on Postgres, nothing
//! kept when the process ends.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::es::{
    AppendError, Commit, End, EventLog, LockedShard, NewEvent, Place, Position, ReadError, Recorded, SealedText,
    StreamId,
};
use mintmark_domain::ids::{CommitId, SealedId};
use mintmark_domain::{Shard, Timestamp};
use tokio::sync::OwnedMutexGuard;

use crate::opening::opening_row;

/// An [`EventLog`] in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryEventLog {
    shards: Arc<Mutex<BTreeMap<Shard, MemoryShard>>>,
    latency: Option<Duration>,
}

#[derive(Clone, Debug, Default)]
struct MemoryShard {
    /// Held by whoever appends; waiting for it is first come, first served.
    turn: Arc<tokio::sync::Mutex<()>>,
    rows: Arc<Mutex<Rows>>,
}

#[derive(Debug, Default)]
struct Rows {
    events: Vec<Recorded>,
    /// Places in `events`, by stream and sequence.
    streams: HashMap<StreamId, BTreeMap<u64, usize>>,
    sealed: HashMap<SealedId, SealedText>,
    /// Which commit brought each sealed text.
    sealed_by: HashMap<SealedId, CommitId>,
}

impl MemoryEventLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty log whose appends take that long, as on a disk; others wait meanwhile.
    #[must_use]
    pub fn with_latency(latency: Duration) -> Self {
        MemoryEventLog { latency: Some(latency), ..Self::default() }
    }

    async fn work(latency: Option<Duration>) {
        if let Some(latency) = latency {
            tokio::time::sleep(latency).await;
        }
    }

    fn shard(&self, shard: Shard) -> MemoryShard {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        shards.entry(shard).or_default().clone()
    }

    fn opened(&self, shard: Shard) -> Result<MemoryShard, ReadError> {
        let found = self.shard(shard);
        if found.rows().events.is_empty() {
            return Err(ReadError::Corrupt(format!("shard {shard} was never opened")));
        }
        Ok(found)
    }

    /// Loses everything after `position`, as a failover to a standby that lagged does.
    pub fn lose_after(&self, shard: Shard, position: Position) {
        self.shard(shard).rows().lose_after(position);
    }

    /// Replaces the bytes of an event's payload, as nobody should: for tests of what notices.
    pub fn tamper(&self, shard: Shard, position: Position, payload: &str) {
        let shard = self.shard(shard);
        let mut rows = shard.rows();
        if let Some(event) = usize::try_from(position.0).ok().and_then(|index| rows.events.get_mut(index)) {
            event.payload = payload.to_owned();
        }
    }
}

impl MemoryShard {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn index(position: Position) -> usize {
    usize::try_from(position.0).unwrap_or(usize::MAX)
}

impl Rows {
    fn end(&self) -> Result<End, ReadError> {
        let last = self.events.last().ok_or_else(|| ReadError::Corrupt("the shard was never opened".into()))?;
        Ok(End { position: last.position, commit_id: last.commit_id })
    }

    fn at(&self, position: Position) -> Option<&Recorded> {
        self.events.get(index(position))
    }

    fn read(&self, after: Position, limit: usize) -> Vec<Recorded> {
        let from = index(after).saturating_add(1).min(self.events.len());
        self.events[from..].iter().take(limit).cloned().collect()
    }

    fn push(&mut self, event: Recorded) {
        self.streams.entry(event.stream).or_default().insert(event.sequence, self.events.len());
        self.events.push(event);
    }

    /// The same judgement as on Postgres: by what stands at the expected end and right after it.
    fn append(&mut self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        if self.at(expected.position).map(|row| row.commit_id) != Some(expected.commit_id) {
            return Err(AppendError::Diverged);
        }
        if let Some(next) = self.at(Position(expected.position.0 + 1)) {
            return if next.commit_id == commit.id { Ok(end_of(expected, commit)) } else { Err(AppendError::Stale) };
        }
        for event in &commit.events {
            let taken = self.streams.get(&event.stream).is_some_and(|places| places.contains_key(&event.sequence));
            if taken {
                return Err(AppendError::Refused(format!(
                    "{:?} has an event {} already",
                    event.stream, event.sequence
                )));
            }
            for text in [&event.payload, &event.metadata] {
                if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
                    return Err(AppendError::Refused(format!("not JSON: {error}")));
                }
            }
        }
        if let Some(text) = commit.sealed.iter().find(|text| self.sealed.contains_key(&text.id)) {
            return Err(AppendError::Refused(format!("{} is sealed already", text.id)));
        }
        for (ordinal, event) in commit.events.iter().enumerate() {
            let position = Position(expected.position.0 + 1 + ordinal as u64);
            let place = Place { shard, position, commit_id: commit.id, recorded_at: commit.recorded_at };
            self.push(recorded(event, place));
        }
        for text in &commit.sealed {
            self.sealed.insert(text.id, text.clone());
            self.sealed_by.insert(text.id, commit.id);
        }
        Ok(end_of(expected, commit))
    }

    fn lose_after(&mut self, position: Position) {
        let lost = self.events.split_off(index(position).saturating_add(1).min(self.events.len()));
        let kept = self.events.len();
        let commits: HashSet<CommitId> = lost.iter().map(|row| row.commit_id).collect();
        self.streams.retain(|_, places| {
            places.retain(|_, place| *place < kept);
            !places.is_empty()
        });
        self.sealed_by.retain(|id, commit| {
            let keep = !commits.contains(commit);
            if !keep {
                self.sealed.remove(id);
            }
            keep
        });
    }
}

fn end_of(expected: End, commit: &Commit) -> End {
    End { position: Position(expected.position.0 + commit.events.len() as u64), commit_id: commit.id }
}

fn recorded(event: &NewEvent, place: Place) -> Recorded {
    Recorded {
        shard: place.shard,
        position: place.position,
        commit_id: place.commit_id,
        recorded_at: place.recorded_at,
        stream: event.stream,
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: event.payload.clone(),
        metadata: event.metadata.clone(),
        leaf: event.leaf(place),
    }
}

#[async_trait]
impl EventLog for MemoryEventLog {
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
        let opened = self.shard(shard);
        let mut rows = opened.rows();
        if rows.events.is_empty() {
            rows.push(opening_row(shard, commit_id, at));
        }
        rows.end().map_err(|error| AppendError::Unknown(error.to_string()))
    }

    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        commit.check(shard).map_err(AppendError::Refused)?;
        let held = self.shard(shard);
        let _turn = held.turn.lock().await;
        Self::work(self.latency).await;
        held.rows().append(shard, expected, commit)
    }

    async fn end(&self, shard: Shard) -> Result<End, ReadError> {
        self.opened(shard)?.rows().end()
    }

    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        Ok(self.shard(shard).rows().at(position).cloned())
    }

    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        Ok(self.shard(shard).rows().read(after, limit))
    }

    async fn read_streams_page(
        &self,
        streams: &[(StreamId, u64)],
        limit_each: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let mut found = Vec::new();
        for (stream, after) in streams {
            let shard = self.shard(stream.shard());
            let rows = shard.rows();
            let Some(places) = rows.streams.get(stream) else { continue };
            let later = places.range((Bound::Excluded(*after), Bound::Unbounded)).take(limit_each);
            found.extend(later.map(|(_, place)| rows.events[*place].clone()));
        }
        Ok(found)
    }

    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
        let shard = self.shard(shard);
        let rows = shard.rows();
        Ok(ids.iter().filter_map(|id| rows.sealed.get(id)).cloned().collect())
    }

    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
        let held = self.opened(shard)?;
        let turn = Arc::clone(&held.turn).lock_owned().await;
        Ok(Box::new(MemoryLockedShard { number: shard, shard: held, latency: self.latency, _turn: turn }))
    }
}

struct MemoryLockedShard {
    number: Shard,
    shard: MemoryShard,
    latency: Option<Duration>,
    _turn: OwnedMutexGuard<()>,
}

#[async_trait]
impl LockedShard for MemoryLockedShard {
    async fn end(&mut self) -> Result<End, ReadError> {
        self.shard.rows().end()
    }

    async fn at(&mut self, position: Position) -> Result<Option<Recorded>, ReadError> {
        Ok(self.shard.rows().at(position).cloned())
    }

    async fn read(&mut self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        Ok(self.shard.rows().read(after, limit))
    }

    async fn append(self: Box<Self>, expected: End, commit: &Commit) -> Result<End, AppendError> {
        commit.check(self.number).map_err(AppendError::Refused)?;
        MemoryEventLog::work(self.latency).await;
        self.shard.rows().append(self.number, expected, commit)
    }
}
