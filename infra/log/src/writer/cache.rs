//! States of streams in memory, bounded in bytes.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use mintmark_domain::es::{DecodeError, ErasedState, Loaded, Recorded, StreamId};
use mintmark_domain::ids::CommitId;

/// What an entry costs beside its state.
const SLOT_BYTES: usize = 256;

/// A state as the log's events make it.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    pub(super) loaded: Loaded,
    /// The commit of the last event folded in; `None` before the first event.
    pub(super) commit: Option<CommitId>,
    /// The sequence of the newest snapshot, stored or on its way.
    pub(super) snapshot_at: u64,
}

/// A stream's state, or why there is none.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Ready(Cached),
    /// The stream holds an event that this release cannot read.
    Unreadable(DecodeError),
}

impl Known {
    fn bytes(&self) -> usize {
        SLOT_BYTES
            + match self {
                Known::Ready(cached) => cached.loaded.state.weight(),
                Known::Unreadable(_) => 0,
            }
    }
}

struct Slot {
    known: Known,
    bytes: usize,
    /// Used since the hand last passed.
    used: bool,
}

/// What folding an event into the cache came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// The stream is up to date with the event, or not cached.
    Done,
    /// Events before it are missing here; the stream was dropped and must be loaded again.
    Dropped,
}

/// The cache. What was not used lately goes first ("clock"); streams that a waiting decision needs
/// stay, however full it is.
pub(super) struct Cache {
    slots: HashMap<StreamId, Slot>,
    hand: VecDeque<StreamId>,
    pinned: HashMap<StreamId, usize>,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Cache { slots: HashMap::new(), hand: VecDeque::new(), pinned: HashMap::new(), bytes: 0, bytes_max }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn contains(&self, stream: StreamId) -> bool {
        self.slots.contains_key(&stream)
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<&Known> {
        self.slots.get(&stream).map(|slot| &slot.known)
    }

    pub(super) fn ready(&self, stream: StreamId) -> Option<&Cached> {
        match self.get(stream) {
            Some(Known::Ready(cached)) => Some(cached),
            Some(Known::Unreadable(_)) | None => None,
        }
    }

    pub(super) fn ready_mut(&mut self, stream: StreamId) -> Option<&mut Cached> {
        match self.slots.get_mut(&stream).map(|slot| &mut slot.known) {
            Some(Known::Ready(cached)) => Some(cached),
            Some(Known::Unreadable(_)) | None => None,
        }
    }

    /// Keeps a stream in place while a decision needs it.
    pub(super) fn pin(&mut self, stream: StreamId) {
        *self.pinned.entry(stream).or_default() += 1;
        if let Some(slot) = self.slots.get_mut(&stream) {
            slot.used = true;
        }
    }

    pub(super) fn unpin(&mut self, stream: StreamId) {
        if let Some(count) = self.pinned.get_mut(&stream) {
            *count -= 1;
            if *count == 0 {
                self.pinned.remove(&stream);
            }
        }
    }

    pub(super) fn insert(&mut self, stream: StreamId, known: Known) {
        let bytes = known.bytes();
        let slot = Slot { known, bytes, used: true };
        self.bytes += bytes;
        match self.slots.insert(stream, slot) {
            Some(before) => self.bytes -= before.bytes,
            None => self.hand.push_back(stream),
        }
    }

    /// Puts the state after a commit of ours in place.
    pub(super) fn advance(&mut self, stream: StreamId, loaded: Loaded, commit: CommitId) {
        let snapshot_at = self.ready(stream).map_or(0, |cached| cached.snapshot_at);
        self.insert(stream, Known::Ready(Cached { loaded, commit: Some(commit), snapshot_at }));
    }

    pub(super) fn remove(&mut self, stream: StreamId) {
        if let Some(slot) = self.slots.remove(&stream) {
            self.bytes -= slot.bytes;
            self.hand.retain(|held| *held != stream);
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.hand.clear();
        self.bytes = 0;
    }

    /// Folds an event of another writer in.
    pub(super) fn fold(&mut self, recorded: &Recorded) -> Folded {
        let Some(slot) = self.slots.get_mut(&recorded.stream) else { return Folded::Done };
        let Known::Ready(cached) = &mut slot.known else { return Folded::Done };
        if recorded.sequence <= cached.loaded.sequence {
            return Folded::Done;
        }
        if recorded.sequence != cached.loaded.sequence + 1 {
            self.remove(recorded.stream);
            return Folded::Dropped;
        }
        if let Err(error) = fold_into(cached, recorded) {
            slot.known = Known::Unreadable(error);
        }
        let bytes = slot.known.bytes();
        self.bytes = self.bytes - slot.bytes + bytes;
        slot.bytes = bytes;
        Folded::Done
    }

    /// Makes room until the bound is kept, or only what is needed now is left.
    pub(super) fn shrink(&mut self) {
        let mut looks = 2 * self.hand.len();
        while self.bytes > self.bytes_max && looks > 0 {
            looks -= 1;
            let Some(stream) = self.hand.pop_front() else { return };
            let Some(slot) = self.slots.get_mut(&stream) else { continue };
            if self.pinned.contains_key(&stream) || std::mem::take(&mut slot.used) {
                self.hand.push_back(stream);
                continue;
            }
            self.bytes -= slot.bytes;
            self.slots.remove(&stream);
        }
    }
}

/// Folds the next event of a stream in. A panicking `apply` makes the stream unreadable, not more.
pub(super) fn fold_into(cached: &mut Cached, recorded: &Recorded) -> Result<(), DecodeError> {
    if Arc::get_mut(&mut cached.loaded.state).is_none() {
        cached.loaded.state = Arc::from(cached.loaded.state.cloned());
    }
    let Some(state) = Arc::get_mut(&mut cached.loaded.state) else {
        // Just replaced by a copy that nobody else has.
        unreachable!("a fresh copy is shared");
    };
    apply(state, recorded)?;
    cached.loaded.sequence = recorded.sequence;
    cached.commit = Some(recorded.commit_id);
    Ok(())
}

fn apply(state: &mut dyn ErasedState, recorded: &Recorded) -> Result<(), DecodeError> {
    catch_unwind(AssertUnwindSafe(|| state.apply(recorded))).unwrap_or_else(|_| {
        Err(DecodeError {
            stream: recorded.stream,
            event_type: recorded.event_type.clone(),
            event_version: recorded.event_version.clone(),
            why: "folding it panicked".into(),
        })
    })
}
