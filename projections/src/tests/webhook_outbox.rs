//! The outbox that senders share: who claims what, what comes of it, and what is forgotten.

use std::time::Instant;

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{AccountId, DeliveryId, WebhookEndpointId};
use mintmark_domain::ports::{Attempted, DeliveryClaim, DueDelivery, WebhookOutbox as _};
use mintmark_domain::wallet::LotKind;
use mintmark_domain::webhook::{DisabledCause, Topic, WebhookCommand, WebhookEndpoint};
use sqlx::PgPool;
use uuid::Uuid;

use super::history::History;
use super::webhooks::{Followed, endpoint, history, run};
use crate::reads::ReadModels;
use crate::webhooks::Replay;

async fn claim(outbox: &ReadModels, now: Timestamp, busy: &[WebhookEndpointId], each: u32) -> Vec<DueDelivery> {
    let claim = DeliveryClaim { busy, per_endpoint_max: each, ..wide(now) };
    outbox.claim(claim).await.unwrap().due
}

/// A claim that nothing bounds but what is due.
fn wide(now: Timestamp) -> DeliveryClaim<'static> {
    DeliveryClaim {
        now,
        lease_until: now + TimeDelta::seconds(60),
        busy: &[],
        under_way: &[],
        per_endpoint_max: 100,
        per_account_max: 100,
        failing_max: 100,
        limit: 100,
        after: None,
    }
}

fn attempted(due: &DueDelivery, at: Timestamp, next_at: Option<Timestamp>) -> Attempted {
    Attempted {
        delivery: due.id,
        endpoint: due.endpoint,
        at,
        succeeded: false,
        response_status: Some(500),
        response_body: None,
        error: Some("500".into()),
        headers: "{}".into(),
        next_at,
    }
}

#[tokio::test]
async fn what_one_sender_has_claimed_no_other_gets_until_the_lease_is_over() {
    let (history, _, _) = history().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (one, two) = (followed.outbox(), followed.outbox());
    let now = history.now();
    let (first, second) = tokio::join!(claim(&one, now, &[], 100), claim(&two, now, &[], 100));
    let mut ids: Vec<_> = first.iter().chain(&second).map(|due| due.id).collect();
    let claimed = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), claimed, "none twice");
    assert!(claim(&two, now, &[], 100).await.is_empty());
    // The first one crashed: once its lease is over they are due again.
    let later = now + TimeDelta::seconds(61);
    assert_eq!(claim(&two, later, &[], 100).await.len(), claimed);
    followed.db.close().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_gets_one_place_and_one_that_is_busy_none() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    history.grant(ann, 600, LotKind::Paid, None);
    let (dead, well) = (
        endpoint(&mut history, ann, "dead", &[Topic::RunCompleted]),
        endpoint(&mut history, ann, "well", &[Topic::RunCompleted]),
    );
    history.commit().await;
    for _ in 0..6 {
        run(&mut history, ann, 1).await;
    }
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (outbox, now) = (followed.outbox(), history.now());
    let of = |due: &[DueDelivery], endpoint| due.iter().filter(|due| due.endpoint == endpoint).count();
    let first = claim(&outbox, now, &[], 2).await;
    assert_eq!((of(&first, dead), of(&first, well)), (2, 2), "so many each");
    assert_eq!(of(&claim(&outbox, now, &[well], 2).await, well), 0);
    let failed = first.iter().find(|due| due.endpoint == dead).unwrap();
    let failing = outbox.settle(&[attempted(failed, now, None)]).await.unwrap();
    assert_eq!(failing.iter().map(|one| one.endpoint).collect::<Vec<_>>(), [dead]);
    let next = claim(&outbox, now, &[], 2).await;
    assert_eq!((of(&next, dead), of(&next, well)), (1, 2), "one place while it fails");
    followed.db.close().await;
}

#[tokio::test]
async fn old_deliveries_are_forgotten_with_their_events_and_those_that_wait_are_kept() {
    let (history, _, _) = history().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (outbox, now) = (followed.outbox(), history.now());
    let due = claim(&outbox, now, &[], 1).await;
    outbox.settle(&[attempted(&due[0], now, None)]).await.unwrap();
    let before = followed.rows().await.len();
    // One of the two endpoints was disabled, and what waited for it came to its end with that.
    let ended: i64 = sqlx::query_scalar("SELECT count(*) FROM read_side.webhook_deliveries WHERE status <> 'pending'")
        .fetch_one(followed.db.pool())
        .await
        .unwrap();
    assert_eq!(outbox.forget(now - TimeDelta::days(3650), 100).await.unwrap(), 0, "not old enough");
    let later = chrono::Utc::now() + TimeDelta::days(3650);
    assert!(outbox.forget(later, 100).await.unwrap() > 0);
    assert_eq!(followed.rows().await.len(), before - usize::try_from(ended).unwrap());
    let orphans: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM read_side.webhook_events e
         WHERE NOT EXISTS (SELECT FROM read_side.webhook_deliveries d WHERE d.event_id = e.event_id)",
    )
    .fetch_one(followed.db.pool())
    .await
    .unwrap();
    assert_eq!(orphans, 0);
    followed.db.close().await;
}

/// So many deliveries more that wait for an endpoint, long due.
async fn backlog(pool: &PgPool, endpoint: WebhookEndpointId, account: AccountId, count: i32, now: Timestamp) {
    sqlx::query(
        "INSERT INTO read_side.webhook_deliveries
             (delivery_id, event_id, endpoint_id, account_id, topic, status, attempts, request_headers,
              created_at, updated_at, next_attempt_at)
         SELECT gen_random_uuid(), gen_random_uuid(), $1, $2, 'run.completed', 'pending', 1, '{}', $4, $4,
                $4 - make_interval(secs => n)
         FROM generate_series(1, $3) AS n",
    )
    .bind(endpoint.0)
    .bind(account.0)
    .bind(count)
    .bind(now)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query("ANALYZE read_side.webhook_deliveries").execute(pool).await.unwrap();
}

/// It fails since then.
async fn fails(pool: &PgPool, endpoint: WebhookEndpointId, since: Timestamp) {
    sqlx::query(
        "INSERT INTO read_side.webhook_health (endpoint_id, last_delivery_at, failing_since) VALUES ($1, $2, $2)",
    )
    .bind(endpoint.0)
    .bind(since)
    .execute(pool)
    .await
    .unwrap();
}

/// A dead endpoint of ann's with so much behind it, and one of bob's that waits for its newest run.
async fn dead_and_well(count: i32) -> (History, Followed, [WebhookEndpointId; 2]) {
    let mut history = History::new().await;
    let (ann, bob) = (history.account("ann").await, history.account("bob").await);
    history.grant(bob, 60, LotKind::Paid, None);
    let dead = endpoint(&mut history, ann, "dead", &[Topic::RunCompleted]);
    let well = endpoint(&mut history, bob, "well", &[Topic::RunCompleted]);
    history.commit().await;
    run(&mut history, bob, 1).await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    backlog(followed.db.pool(), dead, ann, count, history.now()).await;
    fails(followed.db.pool(), dead, history.now()).await;
    (history, followed, [dead, well])
}

#[tokio::test]
async fn a_dead_endpoint_with_ten_thousand_that_wait_keeps_nobody_from_being_told_at_once() {
    let (history, followed, [dead, well]) = dead_and_well(10_000).await;
    let (outbox, now) = (followed.outbox(), history.now());
    let small = || DeliveryClaim { limit: 2, per_endpoint_max: 8, ..wide(now) };
    let endpoints = |due: Vec<DueDelivery>| {
        let mut endpoints: Vec<_> = due.into_iter().map(|due| due.endpoint).collect();
        endpoints.sort();
        endpoints
    };
    let mut both = vec![dead, well];
    both.sort();
    assert_eq!(endpoints(outbox.claim(small()).await.unwrap().due), both, "one that tries the dead one, and the other");
    let busy = DeliveryClaim { busy: &[dead], ..small() };
    assert!(outbox.claim(busy).await.unwrap().due.is_empty(), "what waits behind it, waits");
    // Endpoints that fail have a share of their own.
    let none = DeliveryClaim { failing_max: 0, ..small() };
    assert!(outbox.claim(none).await.unwrap().due.is_empty());
    followed.db.close().await;
}

#[tokio::test]
async fn what_a_claim_reads_does_not_grow_with_what_waits_at_one_endpoint() {
    let mut read = Vec::new();
    for count in [100, 100_000] {
        let (history, followed, _) = dead_and_well(count).await;
        let (pages, plan) = crate::webhooks::explained(followed.db.pool(), wide(history.now())).await;
        let begun = Instant::now();
        assert_eq!(followed.outbox().claim(wide(history.now())).await.unwrap().due.len(), 2);
        eprintln!("{count} wait: {pages} pages, {:?}\n{plan}", begun.elapsed());
        read.push(pages);
        followed.db.close().await;
    }
    assert!(read[1] <= read[0] + 100, "{read:?} pages");
}

#[tokio::test]
async fn one_account_holds_its_share_and_accounts_take_turns() {
    let mut history = History::new().await;
    let (ann, bob) = (history.account("ann").await, history.account("bob").await);
    let mut of = |account, names: &[&str]| -> Vec<WebhookEndpointId> {
        names.iter().map(|name| endpoint(&mut history, account, name, &[Topic::RunCompleted])).collect()
    };
    let (many, one) = (of(ann, &["a", "b", "c", "d"]), of(bob, &["e"]));
    history.commit().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (outbox, now, pool) = (followed.outbox(), history.now(), followed.db.pool());
    for (account, endpoints) in [(ann, &many), (bob, &one)] {
        for endpoint in endpoints {
            // Bob's came last.
            backlog(pool, *endpoint, account, 20, now - TimeDelta::hours(i64::from(account == ann))).await;
        }
    }
    let counts = |due: &[DueDelivery]| {
        let of = |account| due.iter().filter(|due| due.account == account).count();
        (of(ann), of(bob))
    };
    let share = DeliveryClaim { per_endpoint_max: 8, per_account_max: 6, ..wide(now) };
    let first = outbox.claim(share.clone()).await.unwrap().due;
    assert_eq!(counts(&first), (6, 6));
    let under_way = [(ann, 6), (bob, 2)];
    let second = DeliveryClaim { under_way: &under_way, ..share };
    assert_eq!(counts(&outbox.claim(second).await.unwrap().due), (0, 4), "what is under way counts");
    let turns = DeliveryClaim { limit: 4, per_account_max: 100, ..wide(now) };
    assert_eq!(counts(&outbox.claim(turns).await.unwrap().due), (2, 2), "turn by turn, whoever waits longer");
    followed.db.close().await;
}

#[tokio::test]
async fn more_endpoints_than_one_claim_looks_at_are_looked_at_by_the_next_one() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    let template = endpoint(&mut history, ann, "template", &[Topic::RunCompleted]);
    history.commit().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (outbox, now) = (followed.outbox(), history.now());
    for sql in [
        "INSERT INTO read_side.webhook_endpoints (endpoint_id, shard, account_id, wallet_id, topics, status, settings, secret)
         SELECT gen_random_uuid(), shard, gen_random_uuid(), wallet_id, topics, status, settings, secret
         FROM read_side.webhook_endpoints, generate_series(1, 1500) WHERE endpoint_id = $1 AND $2::timestamptz IS NOT NULL",
        "INSERT INTO read_side.webhook_deliveries
             (delivery_id, event_id, endpoint_id, account_id, topic, status, attempts, request_headers, created_at,
              updated_at, next_attempt_at)
         SELECT gen_random_uuid(), gen_random_uuid(), endpoint_id, account_id, 'run.completed', 'pending', 0, '{}', $2, $2, $2
         FROM read_side.webhook_endpoints WHERE endpoint_id <> $1",
    ] {
        sqlx::query(sql).bind(template.0).bind(now).execute(followed.db.pool()).await.unwrap();
    }
    let all = DeliveryClaim { limit: 5_000, ..wide(now) };
    let first = outbox.claim(all.clone()).await.unwrap();
    assert_eq!(first.due.len(), 1_024);
    let second = outbox.claim(DeliveryClaim { after: first.looked_to, ..all.clone() }).await.unwrap();
    assert_eq!((second.due.len(), second.looked_to), (476, None));
    assert!(outbox.claim(all).await.unwrap().due.is_empty());
    followed.db.close().await;
}

#[tokio::test]
async fn an_attempt_that_ends_after_its_endpoint_was_disabled_says_nothing_of_it() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    history.grant(ann, 60, LotKind::Paid, None);
    let hook = endpoint(&mut history, ann, "hook", &[Topic::RunCompleted]);
    history.commit().await;
    run(&mut history, ann, 1).await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (outbox, now) = (followed.outbox(), history.now());
    let due = claim(&outbox, now, &[], 1).await.remove(0);
    let disable = WebhookCommand::Disable { cause: DisabledCause::Owner, at: now };
    assert!(history.act::<WebhookEndpoint>(hook.0, disable));
    history.commit().await;
    followed.catch_up(100).await;
    assert!(outbox.settle(&[attempted(&due, now, None)]).await.unwrap().is_empty());
    let health = outbox.webhook_health(&[hook]).await.unwrap();
    assert!(health.is_empty(), "{health:?}");
    // Whatever came in between: enabled, it starts anew.
    fails(followed.db.pool(), hook, now).await;
    assert!(history.act::<WebhookEndpoint>(hook.0, WebhookCommand::Enable { at: now }));
    history.commit().await;
    followed.catch_up(100).await;
    assert_eq!(outbox.webhook_health(&[hook]).await.unwrap()[&hook].failing_since, None);
    followed.db.close().await;
}

#[tokio::test]
async fn a_replay_waits_for_whoever_disables_its_endpoint_and_is_refused_then() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    history.grant(ann, 60, LotKind::Paid, None);
    let hook = endpoint(&mut history, ann, "hook", &[Topic::RunCompleted]);
    history.commit().await;
    run(&mut history, ann, 1).await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let (outbox, now, pool) = (followed.outbox(), history.now(), followed.db.pool());
    let delivery = DeliveryId(followed.rows().await[0].0);
    // The follower at work: the endpoint is off, and not committed yet.
    let mut disabling = pool.begin().await.unwrap();
    let off = "UPDATE read_side.webhook_endpoints SET status = 'disabled' WHERE endpoint_id = $1";
    sqlx::query(off).bind(hook.0).execute(&mut *disabling).await.unwrap();
    let replay = {
        let outbox = outbox.clone();
        tokio::spawn(
            async move { outbox.replay_webhook_delivery(ann, delivery, DeliveryId(Uuid::new_v4()), now).await },
        )
    };
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await.unwrap() {
        assert!(!replay.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    disabling.commit().await.unwrap();
    assert_eq!(replay.await.unwrap().unwrap(), Replay::EndpointOff);
    // One that waits nevertheless takes nobody's place.
    backlog(pool, hook, ann, 50, now).await;
    let claimed = claim(&outbox, now, &[], 8).await;
    assert!(claimed.is_empty(), "{claimed:?}");
    followed.db.close().await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_keeps_no_other_from_being_read() {
    let (history, _, _) = history().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let outbox = followed.outbox();
    let ids: Vec<_> = claim(&outbox, history.now(), &[], 100).await.into_iter().map(|due| due.event).collect();
    assert!(ids.len() > 2);
    for (id, sql) in [
        (ids[0], "UPDATE read_side.webhook_events SET topic = 'run.exploded' WHERE event_id = $1"),
        (ids[1], "UPDATE read_side.webhook_events SET subject = 'credits', detail = 'much' WHERE event_id = $1"),
    ] {
        sqlx::query(sql).bind(id.0).execute(followed.db.pool()).await.unwrap();
    }
    let found = outbox.events(&ids).await.unwrap();
    let mut unreadable: Vec<_> = found.unreadable.iter().map(|event| event.id).collect();
    unreadable.sort();
    let mut expected = ids[..2].to_vec();
    expected.sort();
    assert_eq!((unreadable, found.kept.len()), (expected, ids.len() - 2));
    followed.db.close().await;
}
