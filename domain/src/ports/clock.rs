//! Time and chance, as ports: nothing in the core reads a clock or draws a random number itself.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::{CommitId, new_id};
use crate::{Shard, Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC. May jump; whoever needs order takes it from the log.
    fn now(&self) -> Timestamp;
}

/// Draws random bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`. Secrets are made of these, so a real one is cryptographically secure.
    fn fill(&self, bytes: &mut [u8]);

    /// A new stream id in `shard`.
    fn id(&self, shard: Shard, now: Timestamp) -> Uuid {
        let mut random = [0; 8];
        self.fill(&mut random);
        new_id(shard, now, random)
    }

    /// A new commit id.
    fn commit_id(&self, shard: Shard, now: Timestamp) -> CommitId {
        CommitId(self.id(shard, now))
    }
}

/// A clock for tests: stands still until it is turned.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        ManualClock(Mutex::new(at))
    }

    /// Turns it on by `by` (back, where that is negative).
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Turns it to `at`.
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

impl Default for ManualClock {
    /// 2026-01-01 00:00 UTC.
    fn default() -> Self {
        ManualClock::at(Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that look random and follow from a seed: for tests and simulations only.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: Mutex<u64>,
}

impl SeededEntropy {
    /// The sequence of that seed, from its beginning.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SeededEntropy { seed, drawn: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(32) {
            let block = Sha256::digest([self.seed.to_be_bytes(), drawn.to_be_bytes()].concat());
            *drawn += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_turned() {
        let clock = ManualClock::default();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(TimeDelta::seconds(-5));
        assert_eq!(clock.now(), before - TimeDelta::seconds(5));
    }

    #[test]
    fn seeded_bytes_repeat_with_the_seed_and_differ_by_draw() {
        let draw = |seed| {
            let entropy = SeededEntropy::new(seed);
            let mut bytes = [[0; 40]; 2];
            bytes.iter_mut().for_each(|bytes| entropy.fill(bytes));
            bytes
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1)[0], draw(1)[1]);
    }
}
