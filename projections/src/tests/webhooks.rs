//! What endpoints are to be told: once for each event, whoever applies it how often; and the outbox that
//! senders share.

use std::sync::Arc;

use chrono::TimeDelta;
use mintmark_domain::es::{End, EventLog};
use mintmark_domain::ids::{AccountId, SealedId, WebhookEndpointId, derived_id};
use mintmark_domain::ports::{Attempted, DeliveryClaim, DueDelivery, WebhookOutbox as _};
use mintmark_domain::wallet::LotKind;
use mintmark_domain::webhook::{CreatedWebhook, DisabledCause, Topic, WebhookCommand, WebhookEndpoint};
use mintmark_domain::{Credits, Timestamp};
use mintmark_testkit::TestDb;
use sqlx::PgPool;

use super::history::{Asked, History};
use crate::feed::Feed;
use crate::projection::Projection;
use crate::reads::ReadModels;
use crate::runner::{Applied, Board, apply_next, ensure_checkpoint};
use crate::schema::migrate;
use crate::webhooks::WebhookFollower;

/// A database with a follower's tables, and the follower of a history.
struct Followed {
    db: TestDb,
    follower: WebhookFollower,
    feed: Feed,
}

fn follower(history: &History) -> WebhookFollower {
    WebhookFollower::new(Arc::new(history.log.clone()) as Arc<dyn EventLog>, Credits::whole(50))
}

impl Followed {
    async fn new(history: &History) -> Self {
        let follower = follower(history);
        let key = ["webhooks", include_str!("../common.sql"), include_str!("../outside.sql")];
        let definition = follower.clone();
        let db = TestDb::migrated(&key, |pool: PgPool| async move {
            migrate(&mut *pool.acquire().await?, &[&definition as &dyn Projection]).await?;
            anyhow::Ok(())
        })
        .await;
        let feed = Feed::new(Arc::new(history.log.clone()) as Arc<dyn EventLog>, history.shard);
        Followed { db, follower, feed }
    }

    async fn catch_up(&self, limit: usize) {
        let schema = self.follower.definition().schema;
        ensure_checkpoint(self.db.pool(), schema, &self.feed).await.unwrap();
        let next = async || apply_next(self.db.pool(), schema, &self.follower, &self.feed, limit, None).await.unwrap();
        while let Applied::Events { .. } = next().await {}
    }

    /// Sets the checkpoint back, so that what follows is applied again.
    async fn back_to(&self, end: End) {
        sqlx::query("UPDATE webhook_follower.checkpoints SET position = $1, commit_id = $2")
            .bind(i64::try_from(end.position.0).unwrap())
            .bind(end.commit_id.0)
            .execute(self.db.pool())
            .await
            .unwrap();
    }

    fn outbox(&self) -> ReadModels {
        ReadModels::new(self.db.pool().clone(), Arc::new(Board::new()))
    }

    async fn rows(&self) -> Vec<(uuid::Uuid, uuid::Uuid, String)> {
        let sql = "SELECT delivery_id, endpoint_id, topic FROM read_side.webhook_deliveries ORDER BY created_at, topic";
        sqlx::query_as(sql).fetch_all(self.db.pool()).await.unwrap()
    }

    async fn topics(&self) -> Vec<String> {
        self.rows().await.into_iter().map(|(_, _, topic)| topic).collect()
    }
}

fn sealed(history: &History, name: &str) -> SealedId {
    SealedId(derived_id(history.shard, name, &[]))
}

/// An endpoint that is told about these topics.
fn endpoint(history: &mut History, account: AccountId, name: &str, topics: &[Topic]) -> WebhookEndpointId {
    let id = WebhookEndpointId(derived_id(history.shard, "endpoint", &[name.as_bytes()]));
    let created = CreatedWebhook {
        account,
        key_id: None,
        settings: sealed(history, "settings"),
        topics: topics.to_vec(),
        secret: sealed(history, "secret"),
        at: history.now(),
    };
    assert!(history.act::<WebhookEndpoint>(id.0, WebhookCommand::Create(Box::new(created))));
    id
}

async fn run(history: &mut History, account: AccountId, delivered: u32) {
    let run = history.request(account, &Asked::default()).unwrap();
    history.commit().await;
    history.start(run);
    if delivered > 0 {
        assert!(history.deliver(run, delivered));
    } else {
        assert!(history.fail(run, true));
    }
    history.commit().await;
}

/// Two accounts: one with endpoints, one without; runs before, between and after. With the log's end when
/// the endpoints had been made.
async fn history() -> (History, AccountId, End) {
    let mut history = History::new().await;
    let (ann, bob) = (history.account("ann").await, history.account("bob").await);
    for account in [ann, bob] {
        history.grant(account, 60, LotKind::Paid, None);
    }
    history.commit().await;
    run(&mut history, ann, 2).await;
    endpoint(&mut history, ann, "all", &Topic::ALL);
    let failed = endpoint(&mut history, ann, "failed", &[Topic::RunFailed]);
    history.commit().await;
    let made = history.end();
    run(&mut history, bob, 2).await;
    run(&mut history, ann, 1).await;
    run(&mut history, ann, 0).await;
    let disable = WebhookCommand::Disable { cause: DisabledCause::Owner, at: history.now() };
    assert!(history.act::<WebhookEndpoint>(failed.0, disable));
    history.commit().await;
    run(&mut history, ann, 0).await;
    (history, ann, made)
}

/// What is told of it, by kind: each hold takes the credits below 50, and what comes back brings them up.
const TOLD: [&str; 7] =
    ["credits.low", "credits.low", "credits.low", "run.cancelled", "run.cancelled", "run.completed", "run.failed"];

#[tokio::test]
async fn each_is_told_what_it_asks_for_from_when_it_was_made_however_the_log_is_cut() {
    let (history, _, _) = history().await;
    let mut seen = Vec::new();
    for limit in [1, 3, 1_000] {
        let followed = Followed::new(&history).await;
        followed.catch_up(limit).await;
        let mut topics = followed.topics().await;
        topics.sort();
        assert_eq!(topics, TOLD, "in steps of {limit}");
        let mut rows = followed.rows().await;
        rows.sort();
        seen.push(rows);
        followed.db.close().await;
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]), "ids follow from the log alone");
}

#[tokio::test]
async fn what_is_applied_again_is_no_second_delivery() {
    let (history, _, made) = history().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(2).await;
    let once = followed.rows().await;
    followed.back_to(made).await;
    followed.catch_up(5).await;
    assert_eq!(followed.rows().await, once);
    followed.db.close().await;
}

#[tokio::test]
async fn who_was_erased_leaves_nothing_behind() {
    let (mut history, ann, _) = history().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(10).await;
    assert!(!followed.rows().await.is_empty());
    let erase = mintmark_domain::account::AccountCommand::Erase { by: "operator".into() };
    assert!(history.act::<mintmark_domain::account::Account>(ann.0, erase));
    history.commit().await;
    followed.catch_up(10).await;
    for table in ["webhook_deliveries", "webhook_events", "webhook_endpoints"] {
        let left: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM read_side.{table}"))
            .fetch_one(followed.db.pool())
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    followed.db.close().await;
}

async fn claim(outbox: &ReadModels, now: Timestamp, busy: &[WebhookEndpointId], each: u32) -> Vec<DueDelivery> {
    let lease_until = now + TimeDelta::seconds(60);
    outbox.claim(DeliveryClaim { now, lease_until, busy, per_endpoint_max: each, limit: 100 }).await.unwrap()
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
