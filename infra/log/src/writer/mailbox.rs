//! What waits for the writer: bounded, fair per account, with deadlines.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mintmark_domain::es::{Confirmed, DecideError, DecisionRequest, Job, Loaded};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::config::WriterConfig;

/// What is to be done.
pub(super) enum Work {
    /// Make a decision.
    Decide(Job),
    /// Tell the states of the named streams.
    Read,
}

/// What an entry is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) confirmed: Confirmed,
    /// The states asked for by [`Work::Read`].
    pub(super) loaded: Vec<Loaded>,
}

/// Whether an entry may still be dropped. Decided once, by the writer or by the one who waits.
#[derive(Debug, Default)]
pub(super) struct Ticket(AtomicU8);

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const DROPPED: u8 = 2;

impl Ticket {
    fn settle(&self, outcome: u8) -> bool {
        match self.0.compare_exchange(WAITING, outcome, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(settled) => settled == outcome,
        }
    }

    /// The writer begins to decide: from now on the entry is answered only with what came of it.
    pub(super) fn take(&self) -> bool {
        self.settle(TAKEN)
    }

    /// Nobody waits any longer; the entry must not be decided.
    pub(super) fn drop_undecided(&self) -> bool {
        self.settle(DROPPED)
    }
}

/// One decision that waits.
pub(super) struct Entry {
    pub(super) request: DecisionRequest,
    pub(super) work: Work,
    pub(super) ticket: Arc<Ticket>,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<Answer, DecideError>>,
}

impl Entry {
    /// Answers it. Whoever asked may be gone.
    pub(super) fn answer(self, answer: Result<Answer, DecideError>) {
        drop(self.reply.send(answer));
    }
}

#[derive(Default)]
struct Lanes {
    /// Per account, in order of arrival.
    lanes: HashMap<Uuid, VecDeque<Entry>>,
    /// Accounts with waiting entries, in the order of their turns.
    turns: VecDeque<Uuid>,
    /// Entries in lanes.
    waiting: usize,
    /// Entries that the writer took out and that are not answered yet, per account.
    in_hand: HashMap<Uuid, usize>,
    /// All of these.
    in_hand_total: usize,
    /// About how many bytes all of them carry, in lanes and in hand.
    bytes: usize,
    closed: bool,
    /// Why nobody will ever take anything out again.
    failed: Option<&'static str>,
}

/// A mailbox of one shard.
pub(super) struct Mailbox {
    lanes: Mutex<Lanes>,
    arrived: Notify,
    waiting_max: usize,
    bytes_max: usize,
    per_account_max: usize,
    /// About how long one decision takes, in nanoseconds; for the estimate in a refusal.
    pub(super) pace_ns: AtomicU64,
}

impl Mailbox {
    pub(super) fn new(config: &WriterConfig) -> Self {
        Mailbox {
            lanes: Mutex::default(),
            arrived: Notify::new(),
            waiting_max: config.waiting_max,
            bytes_max: config.waiting_bytes_max,
            per_account_max: config.waiting_per_account_max,
            pace_ns: AtomicU64::new(0),
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries that wait, in hand or not.
    pub(super) fn waiting(&self) -> usize {
        self.lanes().all()
    }

    fn overloaded(&self, waiting: usize) -> DecideError {
        let pace = Duration::from_nanos(self.pace_ns.load(Ordering::Relaxed));
        let estimate = pace.saturating_mul(u32::try_from(waiting).unwrap_or(u32::MAX));
        DecideError::Overloaded { retry_after: estimate.clamp(Duration::from_secs(1), Duration::from_secs(30)) }
    }

    /// Puts an entry in its account's lane. When the mailbox is full, an account with a lane shorter
    /// than the longest one takes a place from that one's end; otherwise the entry is refused. So it is
    /// where those that wait carry too many bytes already: a place less would not help then.
    pub(super) fn push(&self, entry: Entry) -> Result<(), DecideError> {
        let pushed_out = {
            let mut lanes = self.lanes();
            if let Some(why) = lanes.failed {
                return Err(DecideError::Unavailable(why.to_owned()));
            }
            if lanes.closed {
                return Err(DecideError::Stopping);
            }
            let account = entry.request.fairness;
            let own = lanes.lanes.get(&account).map_or(0, VecDeque::len);
            let waiting = lanes.all();
            if own + lanes.in_hand_of(account) >= self.per_account_max {
                return Err(self.overloaded(waiting));
            }
            if waiting > 0 && lanes.bytes.saturating_add(entry.request.carries_bytes) > self.bytes_max {
                return Err(self.overloaded(waiting));
            }
            let pushed_out = if waiting >= self.waiting_max {
                Some(lanes.push_out(own).ok_or_else(|| self.overloaded(waiting))?)
            } else {
                None
            };
            lanes.push(account, entry);
            pushed_out.map(|entry| (entry, self.overloaded(waiting)))
        };
        self.arrived.notify_one();
        if let Some((entry, refusal)) = pushed_out {
            entry.ticket.drop_undecided();
            entry.answer(Err(refusal));
        }
        Ok(())
    }

    /// Takes the next entry that is still wanted: one of each account in turn, those that
    /// `may_go` excludes left out.
    pub(super) fn pop(&self, may_go: impl Fn(Uuid) -> bool) -> Option<Entry> {
        let mut lanes = self.lanes();
        while let Some(entry) = lanes.pop(&may_go) {
            if self.still_wanted(&entry) {
                *lanes.in_hand.entry(entry.request.fairness).or_default() += 1;
                lanes.in_hand_total += 1;
                return Some(entry);
            }
            lanes.bytes -= entry.request.carries_bytes;
            let waiting = lanes.all();
            entry.answer(Err(self.overloaded(waiting)));
        }
        None
    }

    /// An entry that was taken out is about to be answered.
    pub(super) fn answered(&self, entry: &Entry) {
        let account = entry.request.fairness;
        let mut lanes = self.lanes();
        lanes.in_hand_total -= 1;
        lanes.bytes -= entry.request.carries_bytes;
        if let Some(in_hand) = lanes.in_hand.get_mut(&account) {
            *in_hand -= 1;
            if *in_hand == 0 {
                lanes.in_hand.remove(&account);
            }
        }
    }

    /// Whether anyone still waits for the entry; once not, it will never be decided.
    pub(super) fn still_wanted(&self, entry: &Entry) -> bool {
        let expired = entry.deadline <= Instant::now() || entry.reply.is_closed();
        !(expired && entry.ticket.drop_undecided())
    }

    /// The refusal for an entry that outlived its deadline.
    pub(super) fn outlived(&self) -> DecideError {
        self.overloaded(self.waiting())
    }

    /// Returns once something may have arrived, or the mailbox was closed.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes nothing more in; what waits is still to be decided.
    pub(super) fn close(&self) {
        self.lanes().closed = true;
        self.arrived.notify_one();
    }

    /// Whoever took entries out is gone and does not come back: answers what still waits, and refuses
    /// all that comes. What was in hand went with it; its callers notice.
    pub(super) fn fail(&self, why: &'static str) {
        let left: Vec<Entry> = {
            let mut lanes = self.lanes();
            (lanes.closed, lanes.failed) = (true, Some(why));
            lanes.turns.clear();
            (lanes.waiting, lanes.in_hand_total, lanes.bytes) = (0, 0, 0);
            lanes.in_hand.clear();
            lanes.lanes.drain().flat_map(|(_, lane)| lane).collect()
        };
        for entry in left {
            entry.ticket.drop_undecided();
            entry.answer(Err(DecideError::Unavailable(why.to_owned())));
        }
    }

    /// Why nothing is decided here any more, if so.
    pub(super) fn failure(&self) -> Option<&'static str> {
        self.lanes().failed
    }

    /// Whether it is closed and nothing waits any longer.
    pub(super) fn is_done(&self) -> bool {
        let lanes = self.lanes();
        lanes.closed && lanes.waiting == 0
    }
}

impl Lanes {
    fn all(&self) -> usize {
        self.waiting + self.in_hand_total
    }

    fn in_hand_of(&self, account: Uuid) -> usize {
        self.in_hand.get(&account).copied().unwrap_or(0)
    }

    fn push(&mut self, account: Uuid, entry: Entry) {
        let lane = self.lanes.entry(account).or_default();
        if lane.is_empty() {
            self.turns.push_back(account);
        }
        self.bytes += entry.request.carries_bytes;
        lane.push_back(entry);
        self.waiting += 1;
    }

    fn pop(&mut self, may_go: impl Fn(Uuid) -> bool) -> Option<Entry> {
        let place = self.turns.iter().position(|account| may_go(*account))?;
        let account = self.turns.remove(place)?;
        let lane = self.lanes.get_mut(&account)?;
        let entry = lane.pop_front();
        if lane.is_empty() {
            self.lanes.remove(&account);
        } else {
            self.turns.push_back(account);
        }
        self.waiting -= usize::from(entry.is_some());
        entry
    }

    /// The newest entry of the longest lane, if that is longer than `own` + 1.
    fn push_out(&mut self, own: usize) -> Option<Entry> {
        let (account, longest) = self.lanes.iter_mut().max_by_key(|(_, lane)| lane.len())?;
        if longest.len() <= own + 1 {
            return None;
        }
        let (account, entry) = (*account, longest.pop_back());
        if longest.is_empty() {
            self.lanes.remove(&account);
            self.turns.retain(|turn| *turn != account);
        }
        self.waiting -= usize::from(entry.is_some());
        self.bytes -= entry.as_ref().map_or(0, |entry| entry.request.carries_bytes);
        entry
    }
}
