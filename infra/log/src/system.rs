//! The real clock and real randomness.

use chrono::{SubsecRound, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{Clock, Entropy};
use rand::RngCore;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // The log keeps microseconds.
        Utc::now().trunc_subsecs(6)
    }
}

/// A cryptographically secure generator, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
