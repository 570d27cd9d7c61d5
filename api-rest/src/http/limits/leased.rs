//! Counting of several processes together: each leases permits and uses them without asking anybody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{Clock, FORGOTTEN_MAX, GivenBack, PermitWindow, Permits, PermitsUnavailable};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::purse::{Counted, Purse, Step};
use super::{Counter, RateLimiter, Uncounted, Verdict};

/// How long a request waits for permits before it is refused as uncounted.
pub const LEASE_WITHIN: Duration = Duration::from_secs(2);
/// How long a request waits for others to give back what they do not use, where all permits are leased.
pub const OTHERS_WITHIN: Duration = Duration::from_millis(500);
/// How often it is looked whether others want what is held here.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After how long without any request a process gives back all that it holds, and stops looking.
pub const IDLE_AFTER: Duration = Duration::from_secs(5);
/// How long it is not looked again after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How often windows that are over are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How many seconds after their end windows are forgotten: so much the clocks of processes may differ.
const FORGOTTEN_AFTER_SECONDS: i64 = 120;
/// How many requests may wait for permits at once.
const WAITING_MAX: usize = 4_096;
/// For how many of them permits are leased by one statement.
const ASKED_AT_ONCE: usize = 256;
/// How many windows are given back by one statement.
const GIVEN_AT_ONCE: usize = 1_000;

/// A request that waits for permits of these windows.
struct Waiting {
    windows: Vec<PermitWindow>,
    done: oneshot::Sender<Result<(), PermitsUnavailable>>,
}

/// Counts with permits that are leased from a place that all processes share: together they never let more pass than
/// the limits say. Most requests cost no round trip; see `docs/adr/0007-rate-limits-are-leased.md`.
pub struct LeasedLimiter {
    purse: Arc<Mutex<Purse>>,
    asking: mpsc::Sender<Waiting>,
    keeping: TaskTracker,
    stop: CancellationToken,
}

fn lock(purse: &Mutex<Purse>) -> MutexGuard<'_, Purse> {
    purse.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LeasedLimiter {
    /// Starts counting. Two tasks go along and end with the limiter: one leases; one gives back what others want, and
    /// at the end all.
    #[must_use]
    pub fn start(permits: Arc<dyn Permits>, clock: Arc<dyn Clock>) -> Self {
        let purse = Arc::<Mutex<Purse>>::default();
        let (asking, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(lease(Arc::clone(&permits), Arc::clone(&purse), asked));
        let keeper = Keeper { permits, purse: Arc::clone(&purse), clock };
        let (keeping, stop) = (TaskTracker::new(), CancellationToken::new());
        let stopped = stop.clone();
        keeping.spawn(async move { keeper.run(stopped).await });
        LeasedLimiter { purse, asking, keeping, stop }
    }

    /// Gives back all that is held, for at most so long. What is counted after that is lost to others until its
    /// windows end.
    pub async fn shutdown(&self, within: Duration) {
        self.stop.cancel();
        self.keeping.close();
        if timeout(within, self.keeping.wait()).await.is_err() {
            tracing::warn!("permits were not given back in time; they are lost until their windows end");
        }
    }

    async fn count(&self, counters: &[Counter], now: Timestamp, counts: bool) -> Result<Verdict, Uncounted> {
        let counted: Vec<Counted> = counters.iter().map(Counted::from).collect();
        let begun = Instant::now();
        let mut others_asked: Option<Instant> = None;
        loop {
            let (windows, with_others) = match lock(&self.purse).spend(&counted, now, counts) {
                Step::Done(verdict) => return Ok(verdict),
                Step::Lease { windows, with_others } => (windows, with_others),
            };
            if begun.elapsed() >= LEASE_WITHIN {
                return Err(Uncounted("others were faster all the time".to_owned()));
            }
            if with_others {
                if others_asked.get_or_insert_with(Instant::now).elapsed() >= OTHERS_WITHIN {
                    lock(&self.purse).pause(&counted, now);
                    continue;
                }
                sleep(LOOK_EVERY).await;
            }
            self.leased(windows, begun + LEASE_WITHIN).await?;
        }
    }

    /// Waits until permits were leased, or were found to be all gone.
    async fn leased(&self, windows: Vec<PermitWindow>, deadline: Instant) -> Result<(), Uncounted> {
        let (done, leased) = oneshot::channel();
        let full = |_| Uncounted(format!("{WAITING_MAX} requests wait for permits"));
        self.asking.try_send(Waiting { windows, done }).map_err(full)?;
        match timeout_at(deadline, leased).await {
            Ok(Ok(leased)) => Ok(leased?),
            Ok(Err(_)) => Err(Uncounted("nobody leases permits any more".to_owned())),
            Err(_) => Err(Uncounted(format!("no permit within {} s", LEASE_WITHIN.as_secs()))),
        }
    }
}

impl Drop for LeasedLimiter {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl RateLimiter for LeasedLimiter {
    async fn take(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted> {
        self.count(counters, now, true).await
    }

    async fn look(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted> {
        self.count(counters, now, false).await
    }
}

/// Leases for all that wait by one statement, again and again.
async fn lease(permits: Arc<dyn Permits>, purse: Arc<Mutex<Purse>>, mut asked: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(ASKED_AT_ONCE);
    while asked.recv_many(&mut waiting, ASKED_AT_ONCE).await > 0 {
        // Nobody waits any more for what took too long.
        waiting.retain(|waiting| !waiting.done.is_closed());
        let asks = lock(&purse).asks(waiting.iter().flat_map(|waiting| waiting.windows.iter().copied()));
        let mut leased = Ok(());
        if !asks.is_empty() {
            let answer = permits.lease(&asks).await;
            let outcome = if answer.is_ok() { "ok" } else { "failed" };
            metrics::counter!("mintmark_rate_limit_leases_total", "outcome" => outcome).increment(1);
            match &answer {
                Ok(leases) => lock(&purse).take_in(leases),
                Err(_) => lock(&purse).not_told(&asks),
            }
            leased = answer.map(drop);
        }
        for Waiting { done, .. } in waiting.drain(..) {
            // Whoever hung up meanwhile leaves permits to the next.
            let _ = done.send(leased.clone());
        }
    }
}

/// Gives back what others want, and forgets what is over.
struct Keeper {
    permits: Arc<dyn Permits>,
    purse: Arc<Mutex<Purse>>,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    async fn run(&self, stop: CancellationToken) {
        let mut forgotten = Instant::now();
        let mut failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(if failing { AFTER_FAILURE } else { LOOK_EVERY }) => {}
            }
            let looked = self.look(&mut forgotten).await;
            match &looked {
                // Said once: it is tried again every second.
                Err(error) if !failing => tracing::warn!(%error, "leases of rate limits cannot be kept"),
                Ok(()) if failing => tracing::info!("leases of rate limits are kept again"),
                _ => {}
            }
            failing = looked.is_err();
        }
        let all = lock(&self.purse).give_back_all(self.clock.now());
        if let Err(error) = self.give_back(&all).await {
            tracing::warn!(%error, "permits were not given back; they are lost until their windows end");
        }
    }

    async fn look(&self, forgotten: &mut Instant) -> Result<(), PermitsUnavailable> {
        let now = self.clock.now();
        if forgotten.elapsed() >= FORGET_EVERY {
            let gone = self.permits.forget(now - TimeDelta::seconds(FORGOTTEN_AFTER_SECONDS)).await?;
            // Where there are more, the next look goes on.
            if gone < u64::from(FORGOTTEN_MAX) {
                *forgotten = Instant::now();
            }
        }
        let (holds, idle_for) = {
            let purse = lock(&self.purse);
            (purse.holds(), purse.idle_for())
        };
        if !holds {
            return Ok(());
        }
        let given = if idle_for >= IDLE_AFTER {
            lock(&self.purse).give_back_all(now)
        } else {
            let wanted = self.permits.wanted(now).await?;
            lock(&self.purse).give_back(&wanted)
        };
        self.give_back(&given).await
    }

    /// Gives back. What fails is not said again: it may have been heard, and what is given back twice would let too
    /// much pass.
    async fn give_back(&self, given: &[GivenBack]) -> Result<(), PermitsUnavailable> {
        for given in given.chunks(GIVEN_AT_ONCE) {
            self.permits.give_back(given).await?;
        }
        Ok(())
    }
}
