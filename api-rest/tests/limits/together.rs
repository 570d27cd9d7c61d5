//! Several processes: never more than the limit, and all of it while they live.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures::future::join_all;
use mintmark_api_rest::http::limits::{
    Counter, IDLE_AFTER, LeasedLimiter, OTHERS_WITHIN, Quota, RateLimiter as _, Verdict,
};
use mintmark_domain::ports::ManualClock;
use mintmark_infra::limits::PgPermits;
use mintmark_testkit::TestDb;
use proptest::prelude::*;
use sqlx::PgPool;

use crate::place::{Place, Process, account, database, is_allowed, key, leased_and_used, quota, start, told, whole};

/// How many processes there are, what each key and the account may do, and how many ask at once in each process.
#[derive(Clone, Debug)]
struct Case {
    processes: usize,
    keys: u64,
    minute: u32,
    hour: u32,
    account: u32,
    askers: usize,
    skew_millis: i64,
}

fn case() -> impl Strategy<Value = Case> {
    let numbers = (1..5_usize, 1..4_u64, 1..150_u32, prop_oneof![Just(0), 1..150_u32], 1..300_u32, 1..6_usize);
    (numbers, 0..5_000_i64).prop_map(|((processes, keys, minute, hour, account, askers), skew_millis)| Case {
        processes,
        keys,
        minute,
        hour,
        account,
        askers,
        skew_millis,
    })
}

/// How many passed in all, where everybody asks until there is nothing more.
async fn passed(db: &TestDb, case: &Case) -> u32 {
    let place = Place::on(db);
    let skew = |n| TimeDelta::milliseconds(case.skew_millis * n as i64);
    let processes: Vec<Process> = (0..case.processes).map(|n| Process::with_clock(&place, skew(n))).collect();
    let account = account();
    let whole = whole(account, Quota::per_minute(case.account));
    let asked = processes.iter().flat_map(|process| {
        (0..case.keys).flat_map(move |id| {
            let counters = [key(account, id, quota(case.minute, case.hour, 0)), whole];
            (0..case.askers).map(move |_| async move { process.exhaust(&counters).await })
        })
    });
    join_all(asked).await.into_iter().sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn together_they_pass_exactly_the_limit_where_everybody_keeps_asking(case in case()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let counted = runtime.block_on(async {
            let db = database().await;
            let counted = passed(&db, &case).await;
            db.close().await;
            counted
        });
        let of_key = if case.hour == 0 { case.minute } else { case.minute.min(case.hour) };
        let limit = case.account.min(of_key * u32::try_from(case.keys).unwrap());
        prop_assert_eq!(counted, limit);
    }
}

#[tokio::test]
async fn what_one_holds_and_does_not_use_another_gets_when_it_wants_it() {
    let db = database().await;
    let place = Place::on(&db);
    let (idle, busy) = (Process::at(&place), Process::at(&place));
    let counters = [key(account(), 1, quota(40, 400, 4_000))];
    assert!(idle.passes(&counters).await);
    let mut slowest = Duration::ZERO;
    for _ in 0..39 {
        let begun = Instant::now();
        assert!(busy.passes(&counters).await, "nine of them were leased elsewhere");
        slowest = slowest.max(begun.elapsed());
    }
    assert!(slowest < OTHERS_WITHIN + Duration::from_secs(1), "{slowest:?}");
    let Verdict::Refused { retry_after_seconds, .. } = busy.take(&counters).await.unwrap() else { panic!("all 40") };
    assert!(retry_after_seconds > 1, "it is over for all until the minute ends");
}

#[tokio::test]
async fn no_answer_says_that_more_remains_than_an_earlier_one_did() {
    let db = database().await;
    let place = Place::on(&db);
    let (one, two) = (Process::at(&place), Process::at(&place));
    let counters = [key(account(), 1, Quota::per_minute(40))];
    let (mut least, mut passed) = ([40, 40], 0);
    for round in 0..40 {
        // The second asks only at first, and has permits to give back later.
        let asking = if round < 8 { [true, true] } else { [true, false] };
        for (at, process) in [&one, &two].into_iter().enumerate().filter(|(at, _)| asking[*at]) {
            let verdict = process.take(&counters).await.unwrap();
            if is_allowed(&verdict) {
                let standing = told(verdict);
                assert!(standing.remaining <= least[at], "{} after {}", standing.remaining, least[at]);
                (least[at], passed) = (standing.remaining, passed + 1);
            }
        }
    }
    assert_eq!(passed, 40);
}

#[tokio::test]
async fn clocks_that_differ_count_in_two_minutes_each_of_which_holds_its_limit() {
    let db = database().await;
    let place = Place::on(&db);
    let (slow, fast) = (Process::at(&place), Process::with_clock(&place, TimeDelta::seconds(59)));
    let counters = [key(account(), 1, quota(20, 30, 0))];
    let ahead = TimeDelta::seconds(61);
    let mut passed = 0;
    for _ in 0..20 {
        passed += u32::from(is_allowed(&slow.take_at(&counters, TimeDelta::seconds(59)).await.unwrap()));
    }
    assert_eq!(passed, 20);
    for _ in 0..20 {
        passed += u32::from(is_allowed(&fast.take_at(&counters, ahead).await.unwrap()));
    }
    assert_eq!(passed, 30, "the hour is one");
}

/// A process that uses one permit of each and dies with the rest.
fn die_with_the_rest(db: &TestDb, counters: &[Counter]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        // A pool of its own: it goes with its runtime.
        let permits = Arc::new(PgPermits::new(PgPool::connect_with(db.options()).await.unwrap()));
        let limiter = LeasedLimiter::start(permits, Arc::new(ManualClock::default()));
        for counter in counters {
            assert!(is_allowed(&limiter.take(&[*counter], start()).await.unwrap()));
        }
        // Whoever is killed drops nothing.
        std::mem::forget(limiter);
    });
    runtime.shutdown_background();
}

#[test]
fn a_process_that_dies_takes_a_quarter_of_a_minute_and_a_fiftieth_of_a_day_along_at_most() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let db = runtime.block_on(database());
    let account = account();
    let counters = [key(account, 1, quota(100, 0, 0)), key(account, 2, quota(0, 0, 100))];
    die_with_the_rest(&db, &counters);
    runtime.block_on(async {
        let place = Place::on(&db);
        let process = Process::at(&place);
        for (counter, lost) in [(counters[0], 24), (counters[1], 1)] {
            for n in 0..99 - lost {
                assert!(process.passes(&[counter]).await, "{n}");
            }
            let Verdict::Refused { retry_after_seconds, .. } = process.take(&[counter]).await.unwrap() else {
                panic!("more passed than the limit")
            };
            assert_eq!(retry_after_seconds, 1, "whoever holds the rest might still give it back");
        }
        db.close().await;
    });
}

#[tokio::test]
async fn whoever_stops_or_rests_gives_back_all_that_it_holds() {
    let db = database().await;
    let place = Place::on(&db);
    let (stopping, resting) = (Process::at(&place), Process::at(&place));
    let account = account();
    for process in [&stopping, &resting] {
        for id in 0..3 {
            assert!(process.passes(&[key(account, id, quota(40, 400, 4_000))]).await);
        }
    }
    assert!(leased_and_used(&db, 86_400).await.0 > 6);
    stopping.limiter.shutdown(Duration::from_secs(10)).await;
    let (leased, used) = leased_and_used(&db, 60).await;
    assert_eq!((leased, used), (3 + 3 * 8, 3), "the one that rests has eight of thirty-two for each key");
    let begun = Instant::now();
    for seconds in [60, 3_600, 86_400] {
        while leased_and_used(&db, seconds).await != (6, 6) {
            assert!(begun.elapsed() < IDLE_AFTER * 6, "{seconds}: {:?}", leased_and_used(&db, seconds).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn two_processes_share_a_minute_with_few_round_trips() {
    let db = database().await;
    let place = Place::on(&db);
    let processes = [Process::at(&place), Process::at(&place)];
    let account = account();
    let counters = [key(account, 1, quota(300, 20_000, 200_000)), whole(account, quota(3_000, 200_000, 2_000_000))];
    for n in 0..300 {
        assert!(processes[n % 2].passes(&counters).await, "{n}");
    }
    let leases = place.leases.load(Ordering::Relaxed);
    assert!(leases <= 24, "{leases} for 300");
}
