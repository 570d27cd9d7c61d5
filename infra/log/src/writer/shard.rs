//! The task of one shard: takes decisions in, has their streams loaded, and gives them their turns.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mintmark_domain::es::{Confirmed, DecideError, End, EventLog, Loaded, Recorded, StreamId, StreamRef};
use mintmark_domain::ports::{Clock, Entropy};
use mintmark_domain::{Shard, Timestamp};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use super::cache::{Cache, Cached, Folded, Known};
use super::config::WriterConfig;
use super::loader::{LoadReport, Loader, fold_all};
use super::mailbox::{Answer, Entry, Mailbox};
use crate::snapshots::{Snapshot, SnapshotStore, schema_hash};

/// What the writer of a shard works with.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) shard: Shard,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) snapshots: Arc<dyn SnapshotStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) config: WriterConfig,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) shared: Arc<Shared>,
    pub(super) confirmed: watch::Sender<End>,
    pub(super) snapshot_queue: mpsc::Sender<PendingSnapshot>,
    /// Set when waiting any longer is over.
    pub(super) give_up: CancellationToken,
}

/// How many bytes of a snapshot one event is worth that need not be read.
const SNAPSHOT_BYTES_PER_EVENT: u64 = 64;

/// A state on its way to the snapshots.
pub(super) struct PendingSnapshot {
    stream: StreamId,
    loaded: Loaded,
    commit_id: mintmark_domain::ids::CommitId,
}

impl PendingSnapshot {
    /// Serializes the state; `None` where it cannot be.
    pub(super) fn written(&self) -> Option<Snapshot> {
        let state = match self.loaded.state.to_json() {
            Ok(state) => state,
            Err(error) => {
                tracing::error!(stream = ?self.stream, %error, "a state cannot be written as a snapshot");
                return None;
            }
        };
        Some(Snapshot {
            stream: self.stream,
            schema: schema_hash(self.loaded.state.schema()),
            sequence: self.loaded.sequence,
            commit_id: self.commit_id,
            state,
        })
    }
}

/// A stream that is being read.
struct Loading {
    stream: StreamRef,
    /// Who waits for it.
    waiters: Vec<u64>,
    /// Events of it that were appended by others since the read began.
    missed: Vec<Recorded>,
}

/// An entry whose streams are not all there yet.
struct Parked {
    entry: Entry,
    missing: usize,
}

/// Decisions that are made together, each with its number in line.
pub(super) type Batch = Vec<(u64, Entry)>;

/// The state of a shard's task.
pub(super) struct ShardTask {
    pub(super) parts: Parts,
    pub(super) cache: Cache,
    /// The last end that the log confirmed, and when its event was recorded.
    pub(super) end: End,
    pub(super) last_recorded: Timestamp,
    /// Another writer appended since our last turn: hold the shard while deciding.
    pub(super) contended: bool,
    /// Counts the times that the caches were dropped; what was read before is not used after.
    generation: u64,
    /// Decisions with all their streams in the cache, by the order in which they were taken in.
    ready: BTreeMap<u64, Entry>,
    parked: HashMap<u64, Parked>,
    parked_by: HashMap<Uuid, usize>,
    /// The number of the next decision that is taken in.
    next_key: u64,
    loading: HashMap<StreamId, Loading>,
    to_load: Vec<StreamRef>,
    loads_under_way: usize,
    long_loads: Arc<Semaphore>,
    loads_sent: mpsc::UnboundedSender<LoadReport>,
    loads_done: mpsc::UnboundedReceiver<LoadReport>,
}

impl ShardTask {
    pub(super) fn new(parts: Parts, end: End, last_recorded: Timestamp) -> Self {
        let (loads_sent, loads_done) = mpsc::unbounded_channel();
        let long_loads = Arc::new(Semaphore::new(parts.config.long_loads_max.max(1)));
        ShardTask {
            cache: Cache::new(parts.config.cache_bytes_max),
            parts,
            end,
            last_recorded,
            contended: false,
            generation: 0,
            ready: BTreeMap::new(),
            parked: HashMap::new(),
            parked_by: HashMap::new(),
            next_key: 0,
            loading: HashMap::new(),
            to_load: Vec::new(),
            loads_under_way: 0,
            long_loads,
            loads_sent,
            loads_done,
        }
    }

    /// Works until the mailbox is closed and everything in it is answered.
    pub(super) async fn run(mut self) {
        loop {
            if self.parts.give_up.is_cancelled() {
                return self.abandon();
            }
            self.take_in();
            while let Ok(done) = self.loads_done.try_recv() {
                self.loaded(done);
            }
            // After the reports: each that ends makes room for the next read, and nothing else wakes us.
            self.start_loads();
            if !self.ready.is_empty() {
                let batch = self.next_batch();
                if !batch.is_empty() {
                    self.turn(batch).await;
                }
                self.cache.shrink();
                self.report();
                // Reads for others get their chance, however fast the log is.
                tokio::task::yield_now().await;
                continue;
            }
            if self.parked.is_empty() && self.parts.mailbox.is_done() {
                return;
            }
            let mailbox = Arc::clone(&self.parts.mailbox);
            tokio::select! {
                () = mailbox.arrived() => {}
                Some(done) = self.loads_done.recv() => self.loaded(done),
                () = self.parts.give_up.cancelled() => return self.abandon(),
            }
        }
    }

    /// Waits for something of the turn's, and meanwhile takes decisions in and has their streams
    /// loaded. What `future` works on is none of what this changes: a stream that is being read is in
    /// no batch.
    pub(super) async fn meanwhile<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mailbox = Arc::clone(&self.parts.mailbox);
        loop {
            self.take_in();
            self.start_loads();
            tokio::select! {
                biased;
                done = &mut future => return done,
                Some(report) = self.loads_done.recv() => self.loaded(report),
                () = mailbox.arrived() => {}
            }
        }
    }

    /// Moves what waits in the mailbox on, as far as there is room.
    fn take_in(&mut self) {
        let parked_max = self.parts.config.waiting_max / 2;
        let parked_per_account_max = self.parts.config.parked_per_account_max();
        while self.ready.len() < self.parts.config.batch_decisions_max && self.parked.len() < parked_max {
            let (parked_by, most) = (&self.parked_by, parked_per_account_max);
            let few_parked = |account| parked_by.get(&account).is_none_or(|parked| *parked < most);
            let Some(entry) = self.parts.mailbox.pop(few_parked) else { return };
            for stream in distinct(&entry.request.streams) {
                self.cache.pin(stream.stream);
            }
            self.next_key += 1;
            self.admit(self.next_key, entry);
        }
    }

    /// Puts an entry to the ready ones, or to those that wait for streams. Its streams are pinned.
    fn admit(&mut self, key: u64, entry: Entry) {
        let mut missing = 0;
        for stream in distinct(&entry.request.streams) {
            if self.cache.contains(stream.stream) {
                continue;
            }
            missing += 1;
            let loading = self.loading.entry(stream.stream).or_insert_with(|| {
                self.to_load.push(stream);
                Loading { stream, waiters: Vec::new(), missed: Vec::new() }
            });
            loading.waiters.push(key);
        }
        if missing == 0 {
            self.ready.insert(key, entry);
        } else {
            *self.parked_by.entry(entry.request.fairness).or_default() += 1;
            self.parked.insert(key, Parked { entry, missing });
        }
    }

    /// Has what is wanted read, so many streams and events together as the limits say, unless enough
    /// reads are under way.
    fn start_loads(&mut self) {
        let config = &self.parts.config;
        while !self.to_load.is_empty() && self.loads_under_way < config.loads_max {
            let count = self.to_load.len().min(config.load_streams_max.max(1));
            let wanted: Vec<StreamRef> = self.to_load.drain(..count).collect();
            let loader = Loader {
                log: Arc::clone(&self.parts.log),
                snapshots: Arc::clone(&self.parts.snapshots),
                page_events: config.page_events(count),
                long: Arc::clone(&self.long_loads),
                generation: self.generation,
                done: self.loads_sent.clone(),
            };
            // A read is under way until its first streams are reported; long ones go on beside.
            self.loads_under_way += 1;
            tokio::spawn(loader.load(wanted));
        }
    }

    /// A stream was read: brings it up to what the shard has seen since, and lets its waiters on.
    fn loaded(&mut self, report: LoadReport) {
        let done = match report {
            LoadReport::Stream(done) => done,
            LoadReport::Finished => {
                self.loads_under_way -= 1;
                return;
            }
        };
        if done.generation != self.generation {
            return; // Of a history that was dropped; the stream is being read again.
        }
        let Some(loading) = self.loading.remove(&done.stream) else { return };
        match done.result {
            Ok(mut known) => {
                fold_all(&mut known, &loading.missed);
                self.snapshot_if_due(done.stream, &mut known);
                self.cache.insert(done.stream, known);
                for key in loading.waiters {
                    self.release(key);
                }
            }
            Err(error) => {
                for key in loading.waiters {
                    if let Some(entry) = self.unpark(key) {
                        self.finish(entry, Err(DecideError::Unavailable(error.to_string())));
                    }
                }
            }
        }
    }

    fn release(&mut self, key: u64) {
        let Some(parked) = self.parked.get_mut(&key) else { return };
        parked.missing -= 1;
        if parked.missing == 0
            && let Some(entry) = self.unpark(key)
        {
            self.ready.insert(key, entry);
        }
    }

    fn unpark(&mut self, key: u64) -> Option<Entry> {
        let entry = self.parked.remove(&key)?.entry;
        let account = entry.request.fairness;
        if let Some(parked) = self.parked_by.get_mut(&account) {
            *parked -= 1;
            if *parked == 0 {
                self.parked_by.remove(&account);
            }
        }
        Some(entry)
    }

    /// The next entries to be decided: those still wanted, with all their streams in the cache.
    fn next_batch(&mut self) -> Batch {
        let mut batch = Batch::new();
        while batch.len() < self.parts.config.batch_decisions_max {
            let Some((key, entry)) = self.ready.pop_first() else { break };
            if !self.parts.mailbox.still_wanted(&entry) || !entry.ticket.take() {
                let refusal = self.parts.mailbox.outlived();
                self.finish(entry, Err(refusal));
            } else if entry.request.streams.iter().all(|named| self.cache.contains(named.stream)) {
                batch.push((key, entry));
            } else {
                self.admit(key, entry);
            }
        }
        batch
    }

    /// Puts entries that were not decided back where they were in line.
    pub(super) fn put_back(&mut self, entries: Batch) {
        self.ready.extend(entries);
    }

    /// Answers an entry and lets its streams go.
    pub(super) fn finish(&mut self, entry: Entry, answer: Result<Answer, DecideError>) {
        for stream in distinct(&entry.request.streams) {
            self.cache.unpin(stream.stream);
        }
        self.parts.mailbox.answered(&entry);
        entry.answer(answer);
    }

    /// Folds an event of another writer into whatever holds its stream.
    pub(super) fn fold(&mut self, recorded: Recorded) {
        if self.cache.fold(&recorded) == Folded::Dropped {
            tracing::error!(stream = ?recorded.stream, sequence = recorded.sequence, "a cached stream missed events");
        }
        if let Some(loading) = self.loading.get_mut(&recorded.stream) {
            loading.missed.push(recorded);
        }
    }

    /// Forgets every state of the shard. Streams that are waited for are read again.
    pub(super) fn drop_caches(&mut self) {
        self.cache.clear();
        self.generation += 1;
        self.to_load.clear();
        for loading in self.loading.values_mut() {
            loading.missed.clear();
            self.to_load.push(loading.stream);
        }
    }

    /// What confirmed entries are told.
    pub(super) fn confirmed(&self, at: Timestamp) -> Confirmed {
        Confirmed { end: self.end, at }
    }

    /// Moves the shard's confirmed end and wakes those who follow it.
    pub(super) fn move_end(&mut self, end: End, recorded_at: Timestamp) {
        self.end = end;
        self.last_recorded = self.last_recorded.max(recorded_at);
        self.parts.confirmed.send_replace(end);
    }

    /// Sends the state to the snapshots where the last one is far behind. Never waits: a snapshot
    /// that finds no room is left out.
    pub(super) fn snapshot_if_due(&self, stream: StreamId, known: &mut Known) {
        let Known::Ready(cached) = known else { return };
        let Some(commit_id) = cached.commit else { return };
        if !self.snapshot_is_due(cached) {
            return;
        }
        let pending = PendingSnapshot { stream, loaded: cached.loaded.clone(), commit_id };
        if self.parts.snapshot_queue.try_send(pending).is_ok() {
            cached.snapshot_at = cached.loaded.sequence;
        }
    }

    /// Whether the state has moved on far enough since its snapshot. A snapshot is written whole: one of a
    /// large state, a batch of ten thousand items for example, has to spare the reading of more events.
    fn snapshot_is_due(&self, cached: &Cached) -> bool {
        let events = cached.loaded.sequence.saturating_sub(cached.snapshot_at);
        events >= self.parts.config.snapshot_every_events
            && events >= cached.loaded.state.weight() as u64 / SNAPSHOT_BYTES_PER_EVENT
    }

    /// The same for a stream in the cache.
    pub(super) fn snapshot_cached_if_due(&mut self, stream: StreamId) {
        let Some(cached) = self.cache.ready(stream) else { return };
        if !self.snapshot_is_due(cached) {
            return;
        }
        let mut known = Known::Ready(cached.clone());
        self.snapshot_if_due(stream, &mut known);
        if let (Known::Ready(after), Some(cached)) = (known, self.cache.ready_mut(stream)) {
            cached.snapshot_at = after.snapshot_at;
        }
    }

    /// Answers everything that is left when waiting is over.
    pub(super) fn abandon(mut self) {
        let parked: Vec<Entry> = self.parked.drain().map(|(_, parked)| parked.entry).collect();
        let ready = std::mem::take(&mut self.ready).into_values();
        for entry in parked.into_iter().chain(ready) {
            self.finish(entry, Err(DecideError::Stopping));
        }
        while let Some(entry) = self.parts.mailbox.pop(|_| true) {
            self.finish(entry, Err(DecideError::Stopping));
        }
    }

    fn report(&self) {
        let shard = self.parts.shard.to_string();
        let bytes = self.cache.bytes();
        self.parts.shared.cache_bytes.store(bytes, Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss)] // A gauge.
        {
            metrics::gauge!("mintmark_writer_cache_bytes", "shard" => shard.clone()).set(bytes as f64);
            metrics::gauge!("mintmark_writer_waiting", "shard" => shard).set(self.parts.mailbox.waiting() as f64);
        }
    }
}

/// Each named stream once. They are few.
fn distinct(streams: &[StreamRef]) -> impl Iterator<Item = StreamRef> + '_ {
    let first = |place: usize, named: &StreamRef| !streams[..place].iter().any(|before| before.stream == named.stream);
    streams.iter().enumerate().filter(move |(place, named)| first(*place, named)).map(|(_, named)| *named)
}
