//! One process: exact, and seldom a round trip.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use chrono::TimeDelta;
use futures::future::join_all;
use mintmark_api_rest::http::limits::{LEASE_WITHIN, LeasedLimiter, Quota, RateLimiter as _, Subject, Verdict, Window};
use mintmark_domain::ports::ManualClock;
use mintmark_infra::limits::PgPermits;

use crate::place::{Place, Process, account, database, is_allowed, key, quota, start, told, whole};

#[tokio::test]
async fn exactly_as_many_as_the_limit_pass_and_what_remains_is_said_truly() {
    let db = database().await;
    let process = Process::at(&Place::on(&db));
    let account = account();
    let counters = [key(account, 1, Quota::per_minute(30)), whole(account, Quota::per_minute(300))];
    for remaining in (0..30).rev() {
        let standing = told(process.take_at(&counters, TimeDelta::zero()).await.unwrap());
        assert_eq!((standing.limit, standing.remaining, standing.reset), (30, remaining, start().timestamp() + 60));
    }
    let Verdict::Refused { subject, window, standing, retry_after_seconds } =
        process.take_at(&counters, TimeDelta::milliseconds(20_400)).await.unwrap()
    else {
        panic!("thirty passed")
    };
    assert_eq!((subject, window, retry_after_seconds), (Subject::Key(account, 1), Window::Minute, 40));
    assert_eq!((standing.limit, standing.remaining), (30, 0));
    assert!(is_allowed(&process.take_at(&counters, TimeDelta::seconds(60)).await.unwrap()), "the next minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_pass_exactly_as_often_as_the_limits_say() {
    let db = database().await;
    let process = Process::at(&Place::on(&db));
    let account = account();
    // Two keys of 60 each, an account of 100.
    let counters = |id| [key(account, id, Quota::per_minute(60)), whole(account, Quota::per_minute(100))];
    let asked = (0..400).map(|n| {
        let (process, counters) = (&process, counters(n % 2));
        async move { process.passes(&counters).await }
    });
    let passed = join_all(asked).await.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 100);
}

#[tokio::test]
async fn hours_and_days_bind_too_and_a_refusal_counts_nowhere() {
    let db = database().await;
    let process = Process::at(&Place::on(&db));
    let account = account();
    let counters = [key(account, 1, quota(3, 5, 7)), whole(account, quota(30, 50, 70))];
    let at = |minutes| TimeDelta::minutes(minutes);
    let mut passed = Vec::new();
    for minute in [0, 1, 2, 60, 61, 62, 24 * 60] {
        let mut here = 0;
        for _ in 0..5 {
            here += u32::from(is_allowed(&process.take_at(&counters, at(minute)).await.unwrap()));
        }
        passed.push(here);
    }
    assert_eq!(passed, [3, 2, 0, 2, 0, 0, 3], "five in the first hour, seven in the day");
    let Verdict::Refused { window, standing, retry_after_seconds, .. } =
        process.take_at(&counters, at(63)).await.unwrap()
    else {
        panic!("seven passed")
    };
    assert_eq!((window, standing.limit, retry_after_seconds), (Window::Day, 7, (24 * 60 - 63) * 60));
}

#[tokio::test]
async fn a_look_counts_nothing_and_sees_what_binds() {
    let db = database().await;
    let process = Process::at(&Place::on(&db));
    let counters = [key(account(), 1, Quota::per_minute(1))];
    for _ in 0..3 {
        assert!(is_allowed(&process.look(&counters).await.unwrap()));
    }
    assert!(process.passes(&counters).await);
    assert!(!is_allowed(&process.look(&counters).await.unwrap()));
}

#[tokio::test]
async fn another_tier_binds_at_once() {
    let db = database().await;
    let process = Process::at(&Place::on(&db));
    let account = account();
    let tier = |minute| [key(account, 1, Quota::per_minute(minute))];
    let mut passed = 0;
    for _ in 0..40 {
        passed += u32::from(process.passes(&tier(30)).await);
    }
    assert_eq!(passed, 30);
    for _ in 0..40 {
        passed += u32::from(process.passes(&tier(60)).await);
    }
    assert_eq!(passed, 60, "raised: thirty more");
    assert!(!process.passes(&tier(40)).await, "lowered below what was used");
    assert!(process.passes(&tier(61)).await);
}

#[tokio::test]
async fn what_is_leased_under_a_higher_limit_is_not_used_above_a_lower_one() {
    let db = database().await;
    let process = Process::at(&Place::on(&db));
    let account = account();
    let tier = |minute| [key(account, 1, Quota::per_minute(minute))];
    // The first of a hundred leases twenty-five.
    assert!(process.passes(&tier(100)).await);
    let mut passed = 1;
    for _ in 0..20 {
        passed += u32::from(process.passes(&tier(10)).await);
    }
    assert_eq!(passed, 10);
}

#[tokio::test]
async fn most_requests_cost_no_round_trip() {
    let db = database().await;
    // Each tier's key to its limit in a minute: so many statements, as docs/API.md says.
    for (quota, statements) in [
        (quota(30, 500, 5_000), 12),
        (quota(60, 2_000, 20_000), 13),
        (quota(120, 5_000, 50_000), 15),
        (quota(300, 20_000, 200_000), 18),
    ] {
        let place = Place::on(&db);
        let process = Process::at(&place);
        let account = account();
        let times = |factor| crate::place::quota(quota.minute * factor, quota.hour * factor, quota.day * factor);
        let counters = [key(account, 1, quota), whole(account, times(10))];
        for _ in 0..quota.minute {
            assert!(is_allowed(&process.take_at(&counters, TimeDelta::zero()).await.unwrap()));
        }
        let leases = place.leases.load(Ordering::Relaxed);
        assert_eq!(leases, statements, "for {}", quota.minute);
        let refused = join_all((0..100).map(|_| process.take_at(&counters, TimeDelta::zero()))).await;
        assert!(refused.into_iter().all(|verdict| !is_allowed(&verdict.unwrap())));
        assert_eq!(place.leases.load(Ordering::Relaxed), leases + 1, "what is over is asked for once");
    }
}

#[tokio::test]
async fn where_the_place_does_not_answer_what_is_in_hand_is_used_and_then_nothing_passes() {
    let db = database().await;
    let place = Place::on(&db);
    let process = Process::at(&place);
    let counters = [key(account(), 1, Quota::per_minute(40))];
    assert!(process.passes(&counters).await);
    place.cut_off.store(true, Ordering::Relaxed);
    // A quarter of forty was leased.
    for _ in 0..9 {
        assert!(process.passes(&counters).await);
    }
    for _ in 0..3 {
        assert!(process.take(&counters).await.is_err(), "never open");
    }
    place.cut_off.store(false, Ordering::Relaxed);
    assert_eq!(process.exhaust(&counters).await, 30, "and nothing was lost");
}

#[tokio::test]
async fn a_place_that_is_not_there_is_an_error_in_time() {
    let nowhere = sqlx::PgPool::connect_lazy("postgres://127.0.0.1:1/nowhere").unwrap();
    let permits = Arc::new(PgPermits::new(nowhere));
    let limiter = LeasedLimiter::start(permits, Arc::new(ManualClock::default()));
    let begun = Instant::now();
    let counters = [key(account(), 1, Quota::per_minute(40))];
    assert!(limiter.take(&counters, start()).await.is_err());
    assert!(begun.elapsed() < LEASE_WITHIN * 2);
}
