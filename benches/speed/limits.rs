//! Counting requests: in the memory of one process, with permits that are leased from the database, and so in several
//! processes together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use async_trait::async_trait;
use mintmark_api_rest::http::limits::{
    Class, Counter, LeasedLimiter, MemoryLimiter, Quota, RateLimiter, Subject, Verdict,
};
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{
    Clock as _, GivenBack, Lease, LeaseAsk, ManualClock, PermitWindow, Permits, PermitsUnavailable,
};
use mintmark_infra::limits::{PgPermits, SCHEMA};
use mintmark_testkit::TestCluster;
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::report::{Report, median};
use crate::{ROUNDS, scaled};

/// How many accounts ask, each with one key, in one and the same minute.
const ACCOUNTS: usize = 2_000;
/// What the keys may do: those of the tier `pro`.
const KEY: Quota = Quota { minute: 120, hour: 5_000, day: 50_000 };
const ACCOUNT: Quota = Quota { minute: 1_200, hour: 50_000, day: 500_000 };
/// How many requests are under way at once.
const CALLERS: usize = 64;
/// How many processes count together.
const PROCESSES: usize = 4;
/// How many accounts ask them in turns, twice as often as they may.
const ASKING_ALL: usize = 100;
/// How long a process is given to hand back what it holds.
const HANDED_BACK_WITHIN: Duration = Duration::from_secs(5);

/// The place that processes lease from, and how often it was asked.
struct Counting {
    permits: PgPermits,
    asked: AtomicUsize,
}

impl Counting {
    fn count(&self) -> &PgPermits {
        self.asked.fetch_add(1, Ordering::Relaxed);
        &self.permits
    }
}

#[async_trait]
impl Permits for Counting {
    async fn lease(&self, asks: &[LeaseAsk]) -> Result<Vec<Lease>, PermitsUnavailable> {
        self.count().lease(asks).await
    }

    async fn give_back(&self, given: &[GivenBack]) -> Result<(), PermitsUnavailable> {
        self.count().give_back(given).await
    }

    async fn wanted(&self, now: Timestamp) -> Result<Vec<PermitWindow>, PermitsUnavailable> {
        self.count().wanted(now).await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, PermitsUnavailable> {
        self.count().forget(before).await
    }
}

pub async fn measure(cluster: &TestCluster, report: &mut Report) -> anyhow::Result<()> {
    cluster.restore(b"CREATE DATABASE limits;").await?;
    let pool = mintmark_log::postgres::pool(cluster.options().database("limits"), "mintmark limits", 2);
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;
    let permits = Arc::new(PgPermits::new(pool.clone()));
    let leased: Arc<dyn RateLimiter> = Arc::new(LeasedLimiter::start(permits, Arc::new(ManualClock::default())));
    let memory: Arc<dyn RateLimiter> = Arc::new(MemoryLimiter::new());
    let (mut rates, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
    for round in 0..ROUNDS as u64 {
        let of_memory = per_second(&memory, round).await?;
        let of_leased = per_second(&leased, round).await?;
        rates[0].push(of_memory);
        rates[1].push(of_leased);
        ratios.push(of_leased / of_memory);
    }
    let [of_memory, of_leased] = rates.map(median);
    report.line("counting requests in the memory of one process", &format!("{of_memory:.0}/s"), "");
    let (micros, ratio) = (1e6 / of_leased, median(ratios));
    let measured = format!("{of_leased:.0}/s, {ratio:.2} × in memory, {micros:.1} µs a request");
    report.line("the same with leased permits, every key to its limit", &measured, "");
    drop(leased);
    together(&pool, report).await?;
    pool.close().await;
    Ok(())
}

/// What several processes let pass together, of keys that ask them in turns, all at once and twice as often as they may.
async fn together(pool: &PgPool, report: &mut Report) -> anyhow::Result<()> {
    let counting = Arc::new(Counting { permits: PgPermits::new(pool.clone()), asked: AtomicUsize::new(0) });
    let start =
        || Arc::new(LeasedLimiter::start(Arc::clone(&counting) as Arc<dyn Permits>, Arc::new(ManualClock::default())));
    let processes: Vec<Arc<LeasedLimiter>> = (0..PROCESSES).map(|_| start()).collect();
    let (accounts, turns) = (scaled(ASKING_ALL), 2 * KEY.minute as usize);
    let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (processes, next) = (processes.clone(), Arc::clone(&next));
        callers.spawn(async move {
            let (now, mut passed) = (ManualClock::default().now(), vec![0_usize; accounts]);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let (account, turn) = (number % accounts, number / accounts);
                if turn >= turns {
                    return anyhow::Ok(passed);
                }
                let process = &processes[(account + turn) % PROCESSES];
                let counters = counters((ROUNDS as u64) << 32 | account as u64);
                passed[account] += usize::from(matches!(process.take(&counters, now).await?, Verdict::Allowed(_)));
            }
        });
    }
    let mut passed = vec![0; accounts];
    while let Some(caller) = callers.join_next().await {
        passed.iter_mut().zip(caller??).for_each(|(all, one)| *all += one);
    }
    let (requests, lasted) = (accounts * turns, begun.elapsed().as_secs_f64());
    let asked = counting.asked.load(Ordering::Relaxed);
    for process in processes {
        process.shutdown(HANDED_BACK_WITHIN).await;
    }
    let (least, most) = (passed.iter().min().copied().unwrap_or_default(), passed.iter().max().copied());
    let measured = format!(
        "{least} to {} of {} pass, {:.1} statements for 100 requests, {:.0}/s",
        most.unwrap_or_default(),
        KEY.minute,
        100.0 * asked as f64 / requests as f64,
        requests as f64 / lasted
    );
    let what = format!("limiters of {PROCESSES} processes asked in turns, twice as often as a key may in a minute");
    report.line(&what, &measured, &format!("≤ {} pass", KEY.minute + (KEY.minute / 50).max(1)));
    Ok(())
}

fn counters(account: u64) -> [Counter; 2] {
    let account = crate::writer::account(account);
    [(Subject::Key(account, 1), KEY), (Subject::Account(account), ACCOUNT)].map(|(subject, quota)| Counter {
        subject,
        class: Class::Standard,
        quota,
    })
}

/// How many requests are counted a second, where many keys ask as often as they may within a minute.
async fn per_second(limiter: &Arc<dyn RateLimiter>, round: u64) -> anyhow::Result<f64> {
    let asked = scaled(ACCOUNTS) * KEY.minute as usize;
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (limiter, next) = (Arc::clone(limiter), Arc::clone(&next));
        callers.spawn(async move {
            let (now, mut passed) = (ManualClock::default().now(), 0);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= asked {
                    return anyhow::Ok(passed);
                }
                let counters = counters(round << 32 | (number % scaled(ACCOUNTS)) as u64);
                passed += usize::from(matches!(limiter.take(&counters, now).await?, Verdict::Allowed(_)));
            }
        });
    }
    let mut passed = 0;
    while let Some(caller) = callers.join_next().await {
        passed += caller??;
    }
    ensure!(passed == asked, "{passed} of {asked} passed");
    Ok(asked as f64 / begun.elapsed().as_secs_f64())
}
