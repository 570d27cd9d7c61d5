//! A decider for a writer that is alone: decides in memory, and appends what was decided in large commits
//! while the next ones are made.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mintmark_domain::es::{
    AppendError, Commit, Confirmed, DecideError, Decider, DecisionRequest, End, EventLog, Job, Loaded,
    MAX_EVENTS_PER_COMMIT, NewEvent, Position, SealedText, StreamId, StreamRef, StreamSource, Unit, Verdict,
};
use mintmark_domain::ids::CommitId;
use mintmark_domain::ports::{Clock as _, Entropy as _};
use mintmark_domain::{Shard, Timestamp};
use mintmark_log::system::{SystemClock, SystemEntropy};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// After how many events a commit is sent; one more decision must still fit.
const COMMIT_EVENTS: usize = MAX_EVENTS_PER_COMMIT - 128;
/// After how many bytes of payloads and sealed texts it is sent.
const COMMIT_BYTES: usize = 8 << 20;
/// How many commits wait for the log at most.
const COMMITS_WAITING_MAX: usize = 2;
/// How often a commit is sent whose reply was lost.
const TRIES_MAX: usize = 5;

/// Decides on what it remembers, and appends. Nobody else may write to the shard meanwhile.
///
/// An answer says where a decision will stand; it is in the log once [`Recorder::finish`] says so. A stream
/// that was forgotten, or was there before, counts as new: the log refuses a second beginning, so nothing
/// wrong can come of it but an error.
pub struct Recorder {
    shard: Shard,
    ledger: Mutex<Ledger>,
    /// Commits that are cut, in order, and whoever hands them on.
    cut: Mutex<VecDeque<Commit>>,
    sender: tokio::sync::Mutex<Option<mpsc::Sender<Commit>>>,
    appending: Mutex<Option<JoinHandle<anyhow::Result<End>>>>,
}

struct Ledger {
    streams: Streams,
    /// Where the shard ends once everything that was sent is in.
    end: End,
    /// What is gathered for the next commit.
    id: CommitId,
    now: Timestamp,
    events: Vec<NewEvent>,
    sealed: Vec<SealedText>,
    bytes: usize,
}

#[derive(Default)]
struct Streams(HashMap<StreamId, Loaded>);

impl StreamSource for Streams {
    fn loaded(&self, stream: StreamId) -> Option<&Loaded> {
        self.0.get(&stream)
    }
}

impl Streams {
    fn load(&mut self, streams: &[StreamRef]) {
        for named in streams {
            let new = || Loaded { state: Arc::from((named.empty)()), sequence: 0 };
            self.0.entry(named.stream).or_insert_with(new);
        }
    }
}

impl Ledger {
    /// Takes what was gathered, and begins the next commit.
    fn cut(&mut self, shard: Shard) -> Commit {
        let events = std::mem::take(&mut self.events);
        self.end = End { position: Position(self.end.position.0 + events.len() as u64), commit_id: self.id };
        let commit = Commit { id: self.id, recorded_at: self.now, events, sealed: std::mem::take(&mut self.sealed) };
        self.bytes = 0;
        self.now = self.now.max(SystemClock.now());
        self.id = SystemEntropy.commit_id(shard, self.now);
        commit
    }

    fn confirmed(&self) -> Confirmed {
        let position = Position(self.end.position.0 + self.events.len() as u64);
        Confirmed { end: End { position, commit_id: self.id }, at: self.now }
    }
}

impl Recorder {
    /// Goes on at the end of `shard`, which must be open.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn start(log: Arc<dyn EventLog>, shard: Shard) -> anyhow::Result<Self> {
        let end = log.end(shard).await?;
        let last = log.at(shard, end.position).await?;
        let now = last.map_or(Timestamp::UNIX_EPOCH, |event| event.recorded_at).max(SystemClock.now());
        let (sender, commits) = mpsc::channel(COMMITS_WAITING_MAX);
        let ledger = Ledger {
            streams: Streams::default(),
            end,
            id: SystemEntropy.commit_id(shard, now),
            now,
            events: Vec::new(),
            sealed: Vec::new(),
            bytes: 0,
        };
        Ok(Recorder {
            shard,
            ledger: Mutex::new(ledger),
            cut: Mutex::default(),
            sender: tokio::sync::Mutex::new(Some(sender)),
            appending: Mutex::new(Some(tokio::spawn(append_all(log, shard, end, commits)))),
        })
    }

    /// Forgets every stream that is not to be kept. None of them may be named again.
    pub fn forget(&self, keep: impl Fn(&StreamId) -> bool) {
        self.ledger().streams.0.retain(|stream, _| keep(stream));
    }

    /// Sends what is left, and waits until all of it is in the log. The shard's end.
    ///
    /// # Errors
    /// What the log refused.
    pub async fn finish(&self) -> anyhow::Result<End> {
        self.cut_if(|ledger| !ledger.events.is_empty());
        // Where nobody takes what is left, the appending has ended, and says why.
        let _ = self.hand_on().await;
        drop(self.sender.lock().await.take());
        let appending = lock(&self.appending).take();
        appending.ok_or_else(|| anyhow::anyhow!("the history is finished"))?.await?
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    fn decide(&self, request: &DecisionRequest, job: &mut Job) -> Confirmed {
        let mut ledger = self.ledger();
        ledger.streams.load(&request.streams);
        let mut unit = Unit::new(self.shard, ledger.now, &request.acting, &ledger.streams);
        let verdict = job(&mut unit);
        let effects = unit.into_effects();
        if verdict == Verdict::Accept {
            let bytes = effects.events.iter().map(|event| event.payload.len()).sum::<usize>();
            ledger.bytes += bytes + effects.sealed.iter().map(|text| text.ciphertext.len()).sum::<usize>();
            ledger.streams.0.extend(effects.changed);
            ledger.events.extend(effects.events);
            ledger.sealed.extend(effects.sealed);
        }
        ledger.confirmed()
    }

    /// Cuts what was gathered off; whether it did.
    fn cut_if(&self, wanted: impl Fn(&Ledger) -> bool) -> bool {
        let mut ledger = self.ledger();
        let wanted = wanted(&ledger);
        if wanted {
            let commit = ledger.cut(self.shard);
            // Before others can cut the next one.
            lock(&self.cut).push_back(commit);
        }
        wanted
    }

    /// Hands on what was cut, in order; waits while the log is behind.
    async fn hand_on(&self) -> Result<(), DecideError> {
        let sender = self.sender.lock().await;
        let sender = sender.as_ref().ok_or(DecideError::Stopping)?;
        loop {
            let Some(commit) = lock(&self.cut).pop_front() else { return Ok(()) };
            let gone = |_| DecideError::Unavailable("the log refused what came before".into());
            sender.send(commit).await.map_err(gone)?;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Decider for Recorder {
    async fn submit(&self, request: DecisionRequest, mut job: Job) -> Result<Confirmed, DecideError> {
        let confirmed = self.decide(&request, &mut job);
        if self.cut_if(|ledger| ledger.events.len() >= COMMIT_EVENTS || ledger.bytes >= COMMIT_BYTES) {
            self.hand_on().await?;
        }
        Ok(confirmed)
    }

    async fn load(&self, _shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        let mut ledger = self.ledger();
        ledger.streams.load(&streams);
        Ok(streams.iter().filter_map(|named| ledger.streams.loaded(named.stream).cloned()).collect())
    }
}

/// Appends one commit after the other.
async fn append_all(
    log: Arc<dyn EventLog>,
    shard: Shard,
    mut end: End,
    mut commits: mpsc::Receiver<Commit>,
) -> anyhow::Result<End> {
    while let Some(commit) = commits.recv().await {
        let mut tries = 0;
        end = loop {
            match log.append(shard, end, &commit).await {
                Ok(end) => break end,
                Err(AppendError::Unknown(_) | AppendError::Unavailable(_)) if tries < TRIES_MAX => tries += 1,
                Err(error) => return Err(error.into()),
            }
        };
    }
    Ok(end)
}
