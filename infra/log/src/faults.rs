//! Any log, with the faults that a network and a server have: replies lost before or after the
//! statement took effect, statements that take effect late, reads that fail.
//!
//! For tests and simulations; the writer must come through all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use mintmark_domain::es::{
    AppendError, Commit, End, EventLog, LockedShard, Position, ReadError, Recorded, SealedText, StreamId,
};
use mintmark_domain::ids::{CommitId, SealedId};
use mintmark_domain::{Shard, Timestamp};

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it goes through.
    None,
    /// The connection is lost before the statement arrives: nothing is appended, nobody knows.
    LostBefore,
    /// The statement takes effect, then the connection is lost: nobody knows.
    LostAfter,
    /// The connection is lost while the statement is under way; it takes effect at
    /// [`FaultyLog::deliver_late`].
    Late,
    /// The log cannot be reached; nothing is sent.
    Unreachable,
}

#[derive(Debug, Default)]
struct Plan {
    appends: VecDeque<Fault>,
    reads_failing: usize,
    late: Vec<(Shard, End, Commit)>,
    /// State of the random generator, and how many in a thousand appends meet a fault.
    random: Option<(u64, u64)>,
    met: usize,
}

/// A log whose appends and reads meet planned faults.
#[derive(Clone)]
pub struct FaultyLog {
    log: Arc<dyn EventLog>,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyLog {
    /// `log` without any fault yet.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        FaultyLog { log, plan: Arc::default() }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next appends meet these faults, in this order, one each.
    pub fn next_appends(&self, faults: impl IntoIterator<Item = Fault>) {
        self.plan().appends.extend(faults);
    }

    /// The next `count` reads of any kind fail.
    pub fn next_reads_fail(&self, count: usize) {
        self.plan().reads_failing = count;
    }

    /// From now on `per_mille` of 1,000 appends meet a fault, which one and when following from
    /// `seed`. Late statements arrive before one of the next appends.
    pub fn at_random(&self, seed: u64, per_mille: u64) {
        self.plan().random = Some((seed, per_mille));
    }

    /// How many appends met a fault so far.
    #[must_use]
    pub fn faults_met(&self) -> usize {
        self.plan().met
    }

    /// Lets the late statements arrive. Returns what became of each.
    pub async fn deliver_late(&self) -> Vec<Result<End, AppendError>> {
        let late = std::mem::take(&mut self.plan().late);
        let mut results = Vec::with_capacity(late.len());
        for (shard, expected, commit) in late {
            results.push(self.log.append(shard, expected, &commit).await);
        }
        results
    }

    fn next_fault(&self) -> Fault {
        let mut plan = self.plan();
        let fault = match (plan.appends.pop_front(), &mut plan.random) {
            (Some(fault), _) => fault,
            (None, Some((state, per_mille))) => {
                let drawn = next_random(state);
                let faults = [Fault::LostBefore, Fault::LostAfter, Fault::Late, Fault::Unreachable];
                if drawn % 1_000 < *per_mille { faults[usize::from((drawn >> 32) as u8 % 4)] } else { Fault::None }
            }
            (None, None) => Fault::None,
        };
        plan.met += usize::from(fault != Fault::None);
        fault
    }

    async fn deliver_some_late(&self) {
        let due = {
            let mut plan = self.plan();
            !plan.late.is_empty() && plan.random.as_mut().is_some_and(|(state, _)| next_random(state).is_multiple_of(2))
        };
        if due {
            self.deliver_late().await;
        }
    }

    fn readable(&self) -> Result<(), ReadError> {
        let mut plan = self.plan();
        if plan.reads_failing == 0 {
            return Ok(());
        }
        plan.reads_failing -= 1;
        Err(ReadError::Unavailable("a planned fault".into()))
    }
}

/// SplitMix64: enough to choose faults by.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn lost() -> AppendError {
    AppendError::Unknown("a planned fault".into())
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
        self.log.open(shard, commit_id, at).await
    }

    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        self.deliver_some_late().await;
        match self.next_fault() {
            Fault::None => self.log.append(shard, expected, commit).await,
            Fault::LostBefore => Err(lost()),
            Fault::LostAfter => {
                // Whatever the log said to it is lost.
                drop(self.log.append(shard, expected, commit).await);
                Err(lost())
            }
            Fault::Late => {
                self.plan().late.push((shard, expected, commit.clone()));
                Err(lost())
            }
            Fault::Unreachable => Err(AppendError::Unavailable("a planned fault".into())),
        }
    }

    async fn end(&self, shard: Shard) -> Result<End, ReadError> {
        self.readable()?;
        self.log.end(shard).await
    }

    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        self.readable()?;
        self.log.at(shard, position).await
    }

    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.readable()?;
        self.log.read(shard, after, limit).await
    }

    async fn read_streams_page(
        &self,
        streams: &[(StreamId, u64)],
        limit_each: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.readable()?;
        self.log.read_streams_page(streams, limit_each).await
    }

    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
        self.readable()?;
        self.log.read_sealed(shard, ids).await
    }

    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
        self.readable()?;
        let locked = self.log.lock(shard).await?;
        Ok(Box::new(FaultyLocked { faults: self.clone(), shard, locked }))
    }
}

struct FaultyLocked {
    faults: FaultyLog,
    shard: Shard,
    locked: Box<dyn LockedShard>,
}

#[async_trait]
impl LockedShard for FaultyLocked {
    async fn end(&mut self) -> Result<End, ReadError> {
        self.faults.readable()?;
        self.locked.end().await
    }

    async fn at(&mut self, position: Position) -> Result<Option<Recorded>, ReadError> {
        self.faults.readable()?;
        self.locked.at(position).await
    }

    async fn read(&mut self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.faults.readable()?;
        self.locked.read(after, limit).await
    }

    async fn append(self: Box<Self>, expected: End, commit: &Commit) -> Result<End, AppendError> {
        match self.faults.next_fault() {
            Fault::None => self.locked.append(expected, commit).await,
            Fault::LostBefore => Err(lost()),
            Fault::LostAfter => {
                drop(self.locked.append(expected, commit).await);
                Err(lost())
            }
            Fault::Late => {
                // The lock goes with the connection; the statement arrives without it.
                self.faults.plan().late.push((self.shard, expected, commit.clone()));
                Err(lost())
            }
            Fault::Unreachable => Err(AppendError::Unavailable("a planned fault".into())),
        }
    }
}
