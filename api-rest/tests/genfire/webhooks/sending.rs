//! What keeps a delivery from being sent: it is nobody's failure, and nobody else waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::WebhookEventId;
use mintmark_domain::ports::{
    Attempted, BodyError, Claimed, DeliveryClaim, FailingEndpoint, FoundEvents, GivenUp, ManualClock, OutboxEvent,
    OutboxUnavailable, Postponed, WebhookBodies, WebhookOutbox,
};
use mintmark_infra::webhooks::{SenderDeps, SenderSettings, WebhookSender};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::receiver::{Receiver, deliveries, endpoint, reaching};
use crate::ask::made_image;
use crate::support::{Options, TestApp};

/// How long what has to happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// No body can be made.
struct Never(BodyError);

#[async_trait]
impl WebhookBodies for Never {
    async fn body(&self, _: &OutboxEvent) -> Result<Vec<u8>, BodyError> {
        Err(self.0.clone())
    }
}

/// A surface whose clock is the test's, a receiver, and a run that it is to be told of.
async fn untold() -> (Arc<ManualClock>, TestApp, Receiver) {
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::with(Options { core_clock: Some(clock.clone()), ..reaching() }).await;
    let receiver = Receiver::start().await;
    endpoint(&app, &receiver, &["run.completed"]).await;
    made_image(&app, "A bottle").await;
    app.caught_up().await;
    (clock, app, receiver)
}

fn without_bodies(app: &TestApp, error: BodyError) -> WebhookSender {
    let deps = SenderDeps { bodies: Arc::new(Never(error)), ..app.sending() };
    WebhookSender::new(deps, SenderSettings::default())
}

/// What its owner sees of the one delivery: where it stands; and that nothing is said of attempts or the
/// endpoint.
async fn unattempted(app: &TestApp) -> Value {
    let delivery = deliveries(app).await.remove(0);
    assert_eq!((&delivery["attempt_count"], &delivery["last_attempt_at"]), (&json!(0), &Value::Null));
    let hook = &app.get("/v1/webhooks").await.json_of(200)["data"][0];
    assert!(hook.get("failing_since").is_none() && hook["last_delivery_at"].is_null(), "{hook}");
    delivery
}

#[tokio::test]
async fn what_is_gone_for_good_is_given_up_at_once_and_is_not_the_endpoints_failure() {
    let (_, app, receiver) = untold().await;
    assert_eq!(without_bodies(&app, BodyError::Gone).round().await, 1);
    let delivery = unattempted(&app).await;
    assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(delivery["last_error"], "what the event shows cannot be had");
    assert_eq!(app.tell().await, 0);
    assert!(receiver.letters().is_empty());
}

#[tokio::test]
async fn what_cannot_be_had_now_is_tried_for_a_day_and_then_given_up() {
    let (clock, app, receiver) = untold().await;
    let sender = without_bodies(&app, BodyError::NotNow("busy".into()));
    assert_eq!(sender.round().await, 1);
    assert_eq!(unattempted(&app).await["status"], "pending");
    assert_eq!(sender.round().await, 0, "not at once");
    for hours in [1, 22] {
        clock.advance(TimeDelta::hours(hours));
        assert_eq!(sender.round().await, 1);
        assert_eq!(unattempted(&app).await["status"], "pending");
    }
    clock.advance(TimeDelta::hours(1));
    assert_eq!(sender.round().await, 1);
    let delivery = unattempted(&app).await;
    assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert!(receiver.letters().is_empty());
}

#[tokio::test]
async fn a_day_old_event_is_told_when_its_body_can_be_made_again() {
    let (clock, app, receiver) = untold().await;
    clock.advance(TimeDelta::days(2));
    assert_eq!(without_bodies(&app, BodyError::NotNow("busy".into())).round().await, 1);
    assert_eq!(unattempted(&app).await["status"], "pending", "the first time that it could not be had");
    clock.advance(TimeDelta::seconds(2));
    assert_eq!(app.tell().await, 1);
    receiver.letter();
}

#[tokio::test]
async fn one_bad_row_keeps_nobody_else_from_being_told() {
    let app = TestApp::with(reaching()).await;
    let (well, sealed) = (Receiver::start().await, Receiver::start().await);
    endpoint(&app, &well, &["run.completed"]).await;
    let hook = endpoint(&app, &sealed, &["run.completed"]).await;
    let (strange, plain) = (made_image(&app, "Strange").await, made_image(&app, "Plain").await);
    app.caught_up().await;
    let run = |run: &Value| run["id"].as_str().unwrap().parse::<mintmark_domain::ids::RunId>().unwrap().0;
    let hook: mintmark_domain::ids::WebhookEndpointId = hook["id"].as_str().unwrap().parse().unwrap();
    for (sql, id) in [
        ("UPDATE read_side.webhook_events SET topic = 'run.exploded' WHERE subject_id = $1", run(&strange)),
        (
            "UPDATE sealed SET ciphertext = decode('00', 'hex') || ciphertext WHERE id =
                 (SELECT secret FROM read_side.webhook_endpoints WHERE endpoint_id = $1)",
            hook.0,
        ),
    ] {
        let changed = sqlx::query(sql).bind(id).execute(app.pool()).await.unwrap();
        assert_eq!(changed.rows_affected(), 1, "{sql}");
    }
    assert_eq!(app.tell().await, 4);
    assert_eq!(well.letter().json()["data"]["id"], plain["id"]);
    assert!(sealed.letters().is_empty());
    let sql = "SELECT status, attempts FROM read_side.webhook_deliveries ORDER BY attempts";
    let rows: Vec<(String, i32)> = sqlx::query_as(sql).fetch_all(app.pool()).await.unwrap();
    let pending = || ("pending".to_owned(), 0);
    assert_eq!(rows, [pending(), pending(), pending(), ("success".to_owned(), 1)]);
}

/// Forgetting never comes to an end.
struct Forgetful(Arc<dyn WebhookOutbox>);

#[async_trait]
impl WebhookOutbox for Forgetful {
    async fn claim(&self, claim: DeliveryClaim<'_>) -> Result<Claimed, OutboxUnavailable> {
        self.0.claim(claim).await
    }
    async fn events(&self, ids: &[WebhookEventId]) -> Result<FoundEvents, OutboxUnavailable> {
        self.0.events(ids).await
    }
    async fn keep_body(&self, event: WebhookEventId, sealed: &[u8]) -> Result<Option<Vec<u8>>, OutboxUnavailable> {
        self.0.keep_body(event, sealed).await
    }
    async fn settle(&self, attempts: &[Attempted]) -> Result<Vec<FailingEndpoint>, OutboxUnavailable> {
        self.0.settle(attempts).await
    }
    async fn postpone(&self, deliveries: &[Postponed]) -> Result<(), OutboxUnavailable> {
        self.0.postpone(deliveries).await
    }
    async fn give_up(&self, deliveries: &[GivenUp]) -> Result<(), OutboxUnavailable> {
        self.0.give_up(deliveries).await
    }
    async fn forget(&self, _: Timestamp, _: u32) -> Result<u64, OutboxUnavailable> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn nobody_waits_for_what_is_forgotten_and_forgetting_stops_with_the_sender() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    endpoint(&app, &receiver, &["run.completed"]).await;
    let deps = app.sending();
    let deps = SenderDeps { outbox: Arc::new(Forgetful(deps.outbox.clone())), ..deps };
    let sending = WebhookSender::new(deps, SenderSettings::default()).start();
    made_image(&app, "A bottle").await;
    receiver.wait_for(1).await;
    let stopped = tokio::time::timeout(PATIENCE, sending.shutdown(PATIENCE * 2)).await;
    assert!(stopped.is_ok(), "it goes on");
    assert_eq!(deliveries(&app).await[0]["status"], "success", "what was under way is written down");
}

/// Panics once, then makes bodies.
struct PanicsOnce(Arc<dyn WebhookBodies>, AtomicBool);

#[async_trait]
impl WebhookBodies for PanicsOnce {
    async fn body(&self, event: &OutboxEvent) -> Result<Vec<u8>, BodyError> {
        assert!(self.1.swap(true, Ordering::SeqCst), "this panic is the test's");
        self.0.body(event).await
    }
}

#[tokio::test]
async fn a_panic_leaves_its_place_to_the_next_and_what_it_was_about_is_sent_later() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    endpoint(&app, &receiver, &["run.completed"]).await;
    for prompt in ["A bottle", "A vase"] {
        made_image(&app, prompt).await;
    }
    let deps = app.sending();
    let deps = SenderDeps { bodies: Arc::new(PanicsOnce(deps.bodies.clone(), AtomicBool::new(false))), ..deps };
    let settings =
        SenderSettings { attempts_max: 1, postpone: TimeDelta::milliseconds(100), ..SenderSettings::default() };
    let sending = WebhookSender::new(deps, settings).start();
    let letters = receiver.wait_for(2).await;
    assert_ne!(letters[0].header("webhook-id"), letters[1].header("webhook-id"));
    sending.shutdown(PATIENCE).await;
}

/// Never answers, and says when it is asked and when it is given up on.
struct Endless(mpsc::UnboundedSender<&'static str>);

struct Says(mpsc::UnboundedSender<&'static str>, &'static str);

impl Drop for Says {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[async_trait]
impl WebhookBodies for Endless {
    async fn body(&self, _: &OutboxEvent) -> Result<Vec<u8>, BodyError> {
        let _at_the_end = Says(self.0.clone(), "stopped");
        let _ = self.0.send("asked");
        std::future::pending().await
    }
}

#[tokio::test]
async fn dropping_a_sender_stops_what_is_under_way() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    endpoint(&app, &receiver, &["run.completed"]).await;
    made_image(&app, "A bottle").await;
    let (says, mut said) = mpsc::unbounded_channel();
    let deps = SenderDeps { bodies: Arc::new(Endless(says)), ..app.sending() };
    let sending = WebhookSender::new(deps, SenderSettings::default()).start();
    let mut next = async || tokio::time::timeout(PATIENCE, said.recv()).await.expect("something is said");
    assert_eq!(next().await, Some("asked"));
    drop(sending);
    assert_eq!(next().await, Some("stopped"));
}
