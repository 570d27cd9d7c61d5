//! Counting requests: in the memory of one process, and with permits that are leased from the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::ensure;
use mintmark_api_rest::http::limits::{
    Class, Counter, LeasedLimiter, MemoryLimiter, Quota, RateLimiter, Subject, Verdict,
};
use mintmark_domain::ports::{Clock as _, ManualClock};
use mintmark_infra::limits::{PgPermits, SCHEMA};
use mintmark_testkit::TestCluster;
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
    pool.close().await;
    Ok(())
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
                let account = crate::writer::account(round << 32 | (number % scaled(ACCOUNTS)) as u64);
                let counters = [(Subject::Key(account, 1), KEY), (Subject::Account(account), ACCOUNT)];
                let counters = counters.map(|(subject, quota)| Counter { subject, class: Class::Standard, quota });
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
