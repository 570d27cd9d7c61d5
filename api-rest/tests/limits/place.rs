//! Where processes share their permits, and what they are asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use chrono::TimeDelta;
use mintmark_api_rest::http::limits::{
    Class, Counter, LeasedLimiter, Quota, RateLimiter as _, Standing, Subject, Uncounted, Verdict,
};
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    Clock as _, GivenBack, Lease, LeaseAsk, ManualClock, PermitWindow, Permits, PermitsUnavailable,
};
use mintmark_infra::limits::{PgPermits, SCHEMA};
use mintmark_testkit::TestDb;
use uuid::Uuid;

/// The beginning of a day.
pub fn start() -> Timestamp {
    ManualClock::default().now()
}

pub fn quota(minute: u32, hour: u32, day: u32) -> Quota {
    Quota { minute, hour, day }
}

/// An account of the test's own.
pub fn account() -> AccountId {
    AccountId(Uuid::from_u128(rand::random()))
}

pub fn key(account: AccountId, id: u64, quota: Quota) -> Counter {
    Counter { subject: Subject::Key(account, id), class: Class::Standard, quota }
}

pub fn whole(account: AccountId, quota: Quota) -> Counter {
    Counter { subject: Subject::Account(account), class: Class::Standard, quota }
}

/// The place that all processes lease from: it counts what it is asked, and can be cut off.
pub struct Place {
    inner: PgPermits,
    /// How many leases there were.
    pub leases: AtomicU32,
    pub cut_off: AtomicBool,
}

impl Place {
    pub fn on(db: &TestDb) -> Arc<Self> {
        let inner = PgPermits::new(db.pool().clone());
        Arc::new(Place { inner, leases: AtomicU32::new(0), cut_off: AtomicBool::new(false) })
    }

    fn reached(&self) -> Result<&PgPermits, PermitsUnavailable> {
        if self.cut_off.load(Ordering::Relaxed) {
            return Err(PermitsUnavailable("cut off by the test".into()));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl Permits for Place {
    async fn lease(&self, asks: &[LeaseAsk]) -> Result<Vec<Lease>, PermitsUnavailable> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.reached()?.lease(asks).await
    }

    async fn give_back(&self, given: &[GivenBack]) -> Result<(), PermitsUnavailable> {
        self.reached()?.give_back(given).await
    }

    async fn wanted(&self, now: Timestamp) -> Result<Vec<PermitWindow>, PermitsUnavailable> {
        self.reached()?.wanted(now).await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, PermitsUnavailable> {
        self.reached()?.forget(before).await
    }
}

pub async fn database() -> TestDb {
    TestDb::with_sql(&[SCHEMA]).await
}

/// A process.
pub struct Process {
    pub limiter: LeasedLimiter,
    skew: TimeDelta,
    begun: Instant,
}

impl Process {
    pub fn at(place: &Arc<Place>) -> Self {
        Self::with_clock(place, TimeDelta::zero())
    }

    /// One whose clock stands so far off.
    pub fn with_clock(place: &Arc<Place>, skew: TimeDelta) -> Self {
        let clock = Arc::new(ManualClock::at(start() + skew));
        Process { limiter: LeasedLimiter::start(place.clone(), clock), skew, begun: Instant::now() }
    }

    /// What its clock shows: it began with the day.
    pub fn now(&self) -> Timestamp {
        start() + self.skew + TimeDelta::from_std(self.begun.elapsed()).unwrap()
    }

    pub async fn take(&self, counters: &[Counter]) -> Result<Verdict, Uncounted> {
        self.limiter.take(counters, self.now()).await
    }

    pub async fn take_at(&self, counters: &[Counter], after: TimeDelta) -> Result<Verdict, Uncounted> {
        self.limiter.take(counters, start() + after).await
    }

    pub async fn look(&self, counters: &[Counter]) -> Result<Verdict, Uncounted> {
        self.limiter.look(counters, self.now()).await
    }

    /// Whether a request passes.
    pub async fn passes(&self, counters: &[Counter]) -> bool {
        is_allowed(&self.take(counters).await.unwrap())
    }

    /// Asks until a window is over for all, and answers how often it passed.
    pub async fn exhaust(&self, counters: &[Counter]) -> u32 {
        let mut passed = 0;
        loop {
            match self.take(counters).await.unwrap() {
                Verdict::Allowed(_) => passed += 1,
                Verdict::Refused { retry_after_seconds: 2.., .. } => return passed,
                // Others hold permits that they may give back.
                Verdict::Refused { .. } => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }
}

pub fn is_allowed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Allowed(_))
}

/// What an allowed request was told.
#[track_caller]
pub fn told(verdict: Verdict) -> Standing {
    match verdict {
        Verdict::Allowed(Some(standing)) => standing,
        other => panic!("{other:?}"),
    }
}

/// How many permits are leased, and how many of them are known to be used, over all windows of that length.
pub async fn leased_and_used(db: &TestDb, seconds: i32) -> (i64, i64) {
    let sql =
        "SELECT coalesce(sum(leased), 0)::bigint, coalesce(sum(used), 0)::bigint FROM rate_limits WHERE seconds = $1";
    sqlx::query_as(sql).bind(seconds).fetch_one(db.pool()).await.unwrap()
}
