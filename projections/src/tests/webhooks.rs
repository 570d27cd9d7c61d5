//! What endpoints are to be told: once for each event, whoever applies it how often.

use std::sync::Arc;

use mintmark_domain::Credits;
use mintmark_domain::es::{End, EventLog};
use mintmark_domain::ids::{AccountId, SealedId, WebhookEndpointId, derived_id};
use mintmark_domain::ports::WebhookOutbox as _;
use mintmark_domain::wallet::LotKind;
use mintmark_domain::webhook::{CreatedWebhook, DisabledCause, Topic, WebhookCommand, WebhookEndpoint};
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
pub(super) struct Followed {
    pub db: TestDb,
    follower: WebhookFollower,
    feed: Feed,
}

pub(super) fn follower(history: &History) -> WebhookFollower {
    WebhookFollower::new(Arc::new(history.log.clone()) as Arc<dyn EventLog>, Credits::whole(50))
}

impl Followed {
    pub async fn new(history: &History) -> Self {
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

    pub async fn catch_up(&self, limit: usize) {
        let schema = self.follower.definition().schema;
        ensure_checkpoint(self.db.pool(), schema, &self.feed).await.unwrap();
        let next = async || apply_next(self.db.pool(), schema, &self.follower, &self.feed, limit, None).await.unwrap();
        while let Applied::Events { .. } = next().await {}
    }

    /// Sets the checkpoint back, so that what follows is applied again.
    pub async fn back_to(&self, end: End) {
        sqlx::query("UPDATE webhook_follower.checkpoints SET position = $1, commit_id = $2")
            .bind(i64::try_from(end.position.0).unwrap())
            .bind(end.commit_id.0)
            .execute(self.db.pool())
            .await
            .unwrap();
    }

    pub fn outbox(&self) -> ReadModels {
        ReadModels::new(self.db.pool().clone(), Arc::new(Board::new()))
    }

    pub async fn rows(&self) -> Vec<(uuid::Uuid, uuid::Uuid, String)> {
        let sql = "SELECT delivery_id, endpoint_id, topic FROM read_side.webhook_deliveries ORDER BY created_at, topic";
        sqlx::query_as(sql).fetch_all(self.db.pool()).await.unwrap()
    }

    pub async fn topics(&self) -> Vec<String> {
        self.rows().await.into_iter().map(|(_, _, topic)| topic).collect()
    }
}

fn sealed(history: &History, name: &str) -> SealedId {
    SealedId(derived_id(history.shard, name, &[]))
}

/// An endpoint that is told about these topics.
pub(super) fn endpoint(history: &mut History, account: AccountId, name: &str, topics: &[Topic]) -> WebhookEndpointId {
    make(history, account, name, topics, false)
}

fn make(
    history: &mut History,
    account: AccountId,
    name: &str,
    topics: &[Topic],
    topics_unchosen: bool,
) -> WebhookEndpointId {
    let id = WebhookEndpointId(derived_id(history.shard, "endpoint", &[name.as_bytes()]));
    let created = CreatedWebhook {
        account,
        key_id: None,
        settings: sealed(history, "settings"),
        topics: topics.to_vec(),
        topics_unchosen,
        secret: sealed(history, "secret"),
        at: history.now(),
    };
    assert!(history.act::<WebhookEndpoint>(id.0, WebhookCommand::Create(Box::new(created))));
    id
}

/// An endpoint of which nobody chose what it is told.
fn unchosen(history: &mut History, account: AccountId, name: &str) -> WebhookEndpointId {
    make(history, account, name, &Topic::DEFAULT, true)
}

pub(super) async fn run(history: &mut History, account: AccountId, delivered: u32) {
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
pub(super) async fn history() -> (History, AccountId, End) {
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

/// What is told of it, by kind: each hold takes the credits below 50, and what comes back brings them up, but
/// of that endpoints are told once a day.
const TOLD: [&str; 5] = ["credits.low", "run.cancelled", "run.cancelled", "run.completed", "run.failed"];

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

#[tokio::test]
async fn low_credits_are_told_once_a_day_however_often_the_threshold_is_crossed() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    history.grant(ann, 600, LotKind::Paid, None);
    endpoint(&mut history, ann, "low", &[Topic::CreditsLow]);
    history.commit().await;
    let mut told = Vec::new();
    for _day in 0..2 {
        for _crossing in 0..3 {
            // Held they are below the threshold of 50, given back they are above it.
            let asked = Asked { price: 560, ..Asked::default() };
            let run = history.request(ann, &asked).unwrap();
            history.commit().await;
            history.start(run);
            assert!(history.fail(run, true));
            history.commit().await;
        }
        let followed = Followed::new(&history).await;
        followed.catch_up(2).await;
        told.push(followed.topics().await.len());
        followed.db.close().await;
        history.pass(chrono::TimeDelta::days(1));
    }
    assert_eq!(told, [1, 2]);
}

#[tokio::test]
async fn who_chose_nothing_is_told_of_failing_endpoints_and_who_chose_otherwise_is_not() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    let dead = endpoint(&mut history, ann, "dead", &[Topic::RunCompleted]);
    let chose = endpoint(&mut history, ann, "chose", &Topic::DEFAULT);
    let unchosen = unchosen(&mut history, ann, "unchosen");
    let narrowed = self::unchosen(&mut history, ann, "narrowed");
    let change = WebhookCommand::Change { settings: None, topics: Some(Topic::DEFAULT.to_vec()), at: history.now() };
    assert!(history.act::<WebhookEndpoint>(narrowed.0, change));
    let warn = WebhookCommand::WarnFailing { failing_since: history.now(), at: history.now() };
    assert!(history.act::<WebhookEndpoint>(dead.0, warn));
    history.commit().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let told: Vec<_> = followed.rows().await.into_iter().map(|(_, endpoint, topic)| (endpoint, topic)).collect();
    assert_eq!(told, [(unchosen.0, "webhook.failing".to_owned())], "not {chose} and not {narrowed}");
    followed.db.close().await;
}

#[tokio::test]
async fn a_deleted_endpoint_is_forgotten_with_its_last_delivery() {
    let mut history = History::new().await;
    let ann = history.account("ann").await;
    history.grant(ann, 60, LotKind::Paid, None);
    let gone = endpoint(&mut history, ann, "gone", &[Topic::RunCompleted]);
    let stays = endpoint(&mut history, ann, "stays", &[Topic::RunCompleted]);
    run(&mut history, ann, 1).await;
    assert!(history.act::<WebhookEndpoint>(gone.0, WebhookCommand::Delete { at: history.now() }));
    history.commit().await;
    let followed = Followed::new(&history).await;
    followed.catch_up(100).await;
    let outbox = followed.outbox();
    let left = async || -> Vec<uuid::Uuid> {
        let sql = "SELECT endpoint_id FROM read_side.webhook_endpoints";
        sqlx::query_scalar(sql).fetch_all(followed.db.pool()).await.unwrap()
    };
    let long_ago = history.now() - chrono::TimeDelta::days(3650);
    assert_eq!(outbox.forget(long_ago, 100).await.unwrap(), 0, "its delivery is kept, and can be looked at");
    assert_eq!(left().await.len(), 2);
    let later = chrono::Utc::now() + chrono::TimeDelta::days(3650);
    while outbox.forget(later, 100).await.unwrap() > 0 {}
    assert_eq!(left().await, [stays.0]);
    followed.db.close().await;
}
