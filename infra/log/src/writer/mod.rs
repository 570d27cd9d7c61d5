//! The writer: makes decisions one after another, per shard, and appends them together.
//!
//! # What it promises
//! * **Every answer is validated.** A decision is answered when the log has appended its batch after
//!   the very end on whose state it was made, or, if the batch appends nothing, when the log has
//!   confirmed that this end is the end still. That holds for refusals, too.
//! * **An unknown outcome is settled** by sending the same commit again until the log knows; until
//!   then nobody is answered.
//! * **A panic, poisonous data, an unreadable stream** fail the decision at fault and no other.
//! * **Waiting is bounded and fair** per account, with deadlines; what is not taken is told so.

mod cache;
mod config;
mod loader;
mod mailbox;
mod plan;
mod shard;
mod turn;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::es::{
    Acting, AppendError, Confirmed, DecideError, Decider, DecisionRequest, End, EventLog, Job, Loaded, ReadError,
    StreamRef,
};
use mintmark_domain::ports::{Clock, Entropy};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::snapshots::SnapshotStore;
pub use config::WriterConfig;
use mailbox::{Answer, Entry, Mailbox, Ticket, Work};
use shard::{Parts, PendingSnapshot, ShardTask};

/// How many states may wait to be written as snapshots.
const SNAPSHOTS_WAITING_MAX: usize = 64;
/// How often opening a shard is tried while the log cannot be reached.
const OPEN_TRIES: usize = 5;

/// What the writer stands on.
#[derive(Clone)]
pub struct WriterDeps {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Where snapshots are kept.
    pub snapshots: Arc<dyn SnapshotStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where commit ids come from.
    pub entropy: Arc<dyn Entropy>,
}

/// Why the writer did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A shard could not be opened.
    #[error("shard {0} could not be opened: {1}")]
    Open(Shard, AppendError),
    /// A shard's end could not be read.
    #[error("shard {0} could not be read: {1}")]
    Read(Shard, ReadError),
}

/// Counters of one shard.
#[derive(Debug, Default)]
struct Shared {
    cache_bytes: AtomicUsize,
    diverged: AtomicU64,
    lost_races: AtomicU64,
}

/// How a shard is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardStatus {
    /// The last end that the log confirmed.
    pub end: End,
    /// Decisions that wait or are being made.
    pub waiting: usize,
    /// About how many bytes the cached states take.
    pub cache_bytes: usize,
    /// How often the log was found to have lost a tail. Anything but 0 is an alert.
    pub diverged: u64,
    /// How often another writer was first.
    pub lost_races: u64,
    /// Why nothing is decided any more, if the shard's task ended badly: only a restart helps.
    pub failure: Option<&'static str>,
}

struct ShardHandle {
    mailbox: Arc<Mailbox>,
    confirmed: watch::Receiver<End>,
    shared: Arc<Shared>,
}

/// The writer of one process, for the shards that it serves.
pub struct Writer {
    shards: BTreeMap<Shard, ShardHandle>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    give_up: CancellationToken,
}

impl Writer {
    /// Opens the shards and starts a task for each.
    pub async fn start(deps: WriterDeps, config: WriterConfig, shards: &[Shard]) -> Result<Self, StartError> {
        let give_up = CancellationToken::new();
        let (snapshot_queue, pending) = mpsc::channel(SNAPSHOTS_WAITING_MAX);
        let mut handles = BTreeMap::new();
        let mut tasks = vec![tokio::spawn(write_snapshots(Arc::clone(&deps.snapshots), pending, give_up.clone()))];
        for &shard in shards {
            let (end, last_recorded) = open(&deps, shard).await?;
            let mailbox = Arc::new(Mailbox::new(&config));
            let (confirmed, watched) = watch::channel(end);
            let shared = Arc::new(Shared::default());
            let parts = Parts {
                shard,
                log: Arc::clone(&deps.log),
                snapshots: Arc::clone(&deps.snapshots),
                clock: Arc::clone(&deps.clock),
                entropy: Arc::clone(&deps.entropy),
                config: config.clone(),
                mailbox: Arc::clone(&mailbox),
                shared: Arc::clone(&shared),
                confirmed,
                snapshot_queue: snapshot_queue.clone(),
                give_up: give_up.clone(),
            };
            let guard = FailureGuard(Arc::clone(&mailbox));
            let task = ShardTask::new(parts, end, last_recorded);
            tasks.push(tokio::spawn(async move {
                let _guard = guard;
                task.run().await;
            }));
            handles.insert(shard, ShardHandle { mailbox, confirmed: watched, shared });
        }
        Ok(Writer { shards: handles, tasks: Mutex::new(tasks), give_up })
    }

    /// The shards it serves.
    pub fn shards(&self) -> impl Iterator<Item = Shard> + '_ {
        self.shards.keys().copied()
    }

    /// Follows a shard's confirmed end: wakes whoever projects the log. It goes back only where the
    /// log lost a tail. `None` where the shard is not served here.
    #[must_use]
    pub fn subscribe(&self, shard: Shard) -> Option<watch::Receiver<End>> {
        self.shards.get(&shard).map(|handle| handle.confirmed.clone())
    }

    /// How a shard is doing. `None` where it is not served here.
    #[must_use]
    pub fn status(&self, shard: Shard) -> Option<ShardStatus> {
        let handle = self.shards.get(&shard)?;
        Some(ShardStatus {
            end: *handle.confirmed.borrow(),
            waiting: handle.mailbox.waiting(),
            cache_bytes: handle.shared.cache_bytes.load(Ordering::Relaxed),
            diverged: handle.shared.diverged.load(Ordering::Relaxed),
            lost_races: handle.shared.lost_races.load(Ordering::Relaxed),
            failure: handle.mailbox.failure(),
        })
    }

    /// Takes no more decisions, makes and answers those that wait, and ends. After `within`, what is
    /// not settled by then is answered so.
    pub async fn shutdown(&self, within: Duration) {
        for handle in self.shards.values() {
            handle.mailbox.close();
        }
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let give_up = self.give_up.clone();
        let alarm = tokio::spawn(async move {
            tokio::time::sleep(within).await;
            give_up.cancel();
        });
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the writer ended badly");
            }
        }
        alarm.abort();
    }

    async fn wait_for(&self, request: DecisionRequest, work: Work) -> Result<Answer, DecideError> {
        let Some(handle) = self.shards.get(&request.shard) else {
            return Err(DecideError::Defect(format!("shard {} is not served here", request.shard)));
        };
        if let Some(named) = request.streams.iter().find(|named| named.stream.shard() != request.shard) {
            return Err(DecideError::Defect(format!("{:?} is not in shard {}", named.stream, request.shard)));
        }
        let ticket = Arc::new(Ticket::default());
        let (reply, mut answer) = oneshot::channel();
        let deadline = Instant::now() + request.within;
        handle.mailbox.push(Entry { request, work, ticket: Arc::clone(&ticket), deadline, reply })?;
        let answered = tokio::select! {
            biased;
            answered = &mut answer => answered,
            () = tokio::time::sleep_until(deadline) => {
                if ticket.drop_undecided() {
                    return Err(handle.mailbox.outlived());
                }
                // It is being decided: only what comes of it may be told.
                answer.await
            }
        };
        answered.unwrap_or_else(|_| {
            let why = "the writer's task ended".to_owned();
            Err(if ticket.drop_undecided() { DecideError::Unavailable(why) } else { DecideError::Unsettled(why) })
        })
    }
}

impl Drop for Writer {
    /// Lets the tasks end; whoever wants everything answered calls [`Writer::shutdown`] before.
    fn drop(&mut self) {
        for handle in self.shards.values() {
            handle.mailbox.close();
        }
        self.give_up.cancel();
    }
}

#[async_trait]
impl Decider for Writer {
    async fn submit(&self, request: DecisionRequest, job: Job) -> Result<Confirmed, DecideError> {
        Ok(self.wait_for(request, Work::Decide(job)).await?.confirmed)
    }

    async fn load(&self, shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        let fairness = streams.first().map_or(Uuid::nil(), |named| named.stream.id);
        let mut request = DecisionRequest::new(shard, Acting::default(), fairness);
        request.streams = streams;
        Ok(self.wait_for(request, Work::Read).await?.loaded)
    }
}

/// Opens a shard and reads where it ends and since when.
async fn open(deps: &WriterDeps, shard: Shard) -> Result<(End, mintmark_domain::Timestamp), StartError> {
    let mut pause = Duration::from_millis(50);
    let mut tries = 0;
    let end = loop {
        tries += 1;
        let now = deps.clock.now();
        // Opening is done once whoever does it, so it may be said again.
        match deps.log.open(shard, deps.entropy.commit_id(shard, now), now).await {
            Ok(end) => break end,
            Err(error) if tries == OPEN_TRIES => return Err(StartError::Open(shard, error)),
            Err(error) => tracing::warn!(%shard, %error, "opening the shard is tried again"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    };
    let row = deps.log.at(shard, end.position).await.map_err(|error| StartError::Read(shard, error))?;
    let row = row.ok_or_else(|| StartError::Read(shard, ReadError::Corrupt("there is no row at its end".into())))?;
    Ok((end, row.recorded_at))
}

/// Writes snapshots behind, until no shard sends any, or waiting is over: they are worth only speed.
async fn write_snapshots(
    store: Arc<dyn SnapshotStore>,
    mut pending: mpsc::Receiver<PendingSnapshot>,
    give_up: CancellationToken,
) {
    while let Some(pending) = pending.recv().await {
        // Writing a large state out takes a while; other tasks need not wait for it.
        let Ok(Some(snapshot)) = tokio::task::spawn_blocking(move || pending.written()).await else { continue };
        let saved = tokio::select! {
            () = give_up.cancelled() => return,
            saved = store.save(&snapshot) => saved,
        };
        if let Err(error) = saved {
            tracing::warn!(stream = ?snapshot.stream, %error, "a snapshot was not kept");
        }
    }
}

/// Goes with a shard's task. Where that ends by a panic, nobody waits for it in vain.
struct FailureGuard(Arc<Mailbox>);

impl Drop for FailureGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the shard's writer ended badly; restart this server");
        }
    }
}
