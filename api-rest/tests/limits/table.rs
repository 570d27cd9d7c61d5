//! The table of permits by itself.

use chrono::TimeDelta;
use futures::future::join_all;
use mintmark_domain::ports::{GivenBack, LeaseAsk, PermitWindow, Permits as _};
use mintmark_infra::limits::PgPermits;
use uuid::Uuid;

use crate::place::{database, leased_and_used, start};

fn window(counter: u128, ends_in: i64) -> PermitWindow {
    PermitWindow { counter: Uuid::from_u128(counter), seconds: 60, ends_at: start().timestamp() + ends_in }
}

fn ask(window: PermitWindow, limit: u32, wanted: u32) -> LeaseAsk {
    LeaseAsk { window, limit, wanted, used: 0 }
}

#[tokio::test]
async fn a_lease_is_a_quarter_of_what_is_left_and_never_more_than_is_wanted() {
    let db = database().await;
    let permits = PgPermits::new(db.pool().clone());
    let mut granted = Vec::new();
    for wanted in [100, 100, 2, 100, 100, 100, 100, 100, 100, 100] {
        granted.push(permits.lease(&[ask(window(1, 60), 20, wanted)]).await.unwrap()[0].granted);
    }
    assert_eq!(granted, [5, 4, 2, 3, 2, 1, 1, 1, 1, 0]);
    assert_eq!(leased_and_used(&db, 60).await, (20, 0));
    assert_eq!(permits.wanted(start()).await.unwrap(), [window(1, 60)], "somebody holds it, and another wants it");
    let given = GivenBack { window: window(1, 60), unused: 3, used: 4 };
    permits.give_back(&[given]).await.unwrap();
    assert_eq!(leased_and_used(&db, 60).await, (17, 4));
    assert_eq!(permits.lease(&[ask(window(1, 60), 20, 9)]).await.unwrap()[0].granted, 1);
    assert_eq!(permits.wanted(start()).await.unwrap(), [], "there was some");
    // The limit is another now.
    assert_eq!(permits.lease(&[ask(window(1, 60), 10, 9)]).await.unwrap()[0].granted, 0);
    assert_eq!(permits.wanted(start() + TimeDelta::seconds(60)).await.unwrap(), [], "over");
}

#[tokio::test]
async fn many_windows_are_leased_and_given_back_at_once_in_any_order_and_nobody_waits_in_a_circle() {
    let db = database().await;
    let permits = PgPermits::new(db.pool().clone());
    let rounds = (0..8_u128).map(|process| {
        let permits = permits.clone();
        async move {
            for round in 0..20_u128 {
                let order = |n: u128| if process % 2 == 0 { n } else { 99 - n };
                let asks: Vec<LeaseAsk> = (0..100).map(|n| ask(window(order(n), 60), 1_000_000, 3)).collect();
                let leases = permits.lease(&asks).await.unwrap();
                assert_eq!(leases.len(), 100);
                let unused = u32::try_from(round % 3).unwrap();
                let given = leases.iter().map(|lease| GivenBack { window: lease.window, unused, used: 3 - unused });
                permits.give_back(&given.collect::<Vec<_>>()).await.unwrap();
            }
        }
    });
    join_all(rounds).await;
    let used = 8 * 100 * (0..20).map(|round| 3 - round % 3).sum::<i64>();
    assert_eq!(leased_and_used(&db, 60).await, (used, used));
}

#[tokio::test]
async fn windows_that_are_over_are_forgotten_in_steps_and_those_that_are_not_stay() {
    let db = database().await;
    let permits = PgPermits::new(db.pool().clone());
    let sql = "INSERT INTO rate_limits
               SELECT gen_random_uuid(), 60, $1 - n % 2, 9, 1, 0, 1, false FROM generate_series(1, 12000) AS n";
    sqlx::query(sql).bind(start().timestamp()).execute(db.pool()).await.unwrap();
    permits.lease(&[ask(window(1, 60), 20, 1)]).await.unwrap();
    let beside = permits.clone();
    let (one, two) = tokio::join!(permits.forget(start()), beside.forget(start()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one <= 5_000 && two <= 5_000, "{one} {two}");
    assert_eq!(one + two + permits.forget(start()).await.unwrap(), 6_000);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM rate_limits").fetch_one(db.pool()).await.unwrap();
    assert_eq!(left, 6_001, "what ends then has not ended before");
    let next = start() + TimeDelta::seconds(1);
    assert_eq!([permits.forget(next).await.unwrap(), permits.forget(next).await.unwrap()], [5_000, 1_000]);
}
