//! Permits of rate limits: what several processes may let pass together in one window of time.

use async_trait::async_trait;
use uuid::Uuid;

use crate::Timestamp;

/// One window of one counter, the same in every process whose clock stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermitWindow {
    /// Which counter: made from what is counted, so that each process makes the same.
    pub counter: Uuid,
    /// Its length, in seconds.
    pub seconds: u32,
    /// When it ends, unix seconds.
    pub ends_at: i64,
}

/// A process asks for permits, and says what became of those that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseAsk {
    /// Of which window.
    pub window: PermitWindow,
    /// How many permits the window has in all.
    pub limit: u32,
    /// How many are wanted at most, from 1.
    pub wanted: u32,
    /// How many leased ones the process has used since it last said so.
    pub used: u32,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Of which window.
    pub window: PermitWindow,
    /// How many permits this process has now in addition. 0: all are leased.
    pub granted: u32,
    /// How many all processes have leased, these included.
    pub leased: u32,
    /// How many of them are known to have been used.
    pub used: u32,
}

/// A process gives back what it does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// Of which window.
    pub window: PermitWindow,
    /// How many permits it has no more.
    pub unused: u32,
    /// How many leased ones it has used since it last said so.
    pub used: u32,
}

/// Permits can be neither leased nor given back now. What was under way may have been done or not: it must
/// be taken for the worse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permits cannot be leased: {0}")]
pub struct PermitsUnavailable(pub String);

/// Leases permits to processes. No window ever has more of them leased than its limit.
#[async_trait]
pub trait Permits: Send + Sync + 'static {
    /// Leases permits of all these windows in one step: each grants what is wanted, but of what is left no more
    /// than a quarter (rounded up), so that other processes find some. A window that has nothing left while others
    /// hold what they have not used is noted as wanted.
    async fn lease(&self, asks: &[LeaseAsk]) -> Result<Vec<Lease>, PermitsUnavailable>;

    /// Takes permits back. Windows that are over are passed by.
    async fn give_back(&self, given: &[GivenBack]) -> Result<(), PermitsUnavailable>;

    /// Windows that end after `now` in which somebody found nothing while others held something: at most
    /// [`WANTED_MAX`] of them, those that end first.
    async fn wanted(&self, now: Timestamp) -> Result<Vec<PermitWindow>, PermitsUnavailable>;

    /// Forgets windows that ended before then, at most [`FORGOTTEN_MAX`] of them, and answers how many.
    async fn forget(&self, before: Timestamp) -> Result<u64, PermitsUnavailable>;
}

/// How many windows [`Permits::wanted`] names at most.
pub const WANTED_MAX: u32 = 1_000;

/// How many windows [`Permits::forget`] forgets at most.
pub const FORGOTTEN_MAX: u32 = 5_000;
