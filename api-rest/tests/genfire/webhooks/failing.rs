//! An endpoint that fails for days: warned, and only then disabled.

use std::sync::Arc;

use chrono::TimeDelta;
use mintmark_domain::ports::ManualClock;
use serde_json::{Value, json};

use super::receiver::{Receiver, endpoint, reaching};
use crate::ask::made_image;
use crate::support::{Options, TestApp};

async fn shown(app: &TestApp, hook: &Value) -> Value {
    let list = app.get("/v1/webhooks").await.json_of(200);
    list["data"].as_array().unwrap().iter().find(|one| one["id"] == hook["id"]).unwrap().clone()
}

/// A run ends and is told, after so much time.
async fn after(app: &TestApp, clock: &ManualClock, time: TimeDelta) {
    clock.advance(time);
    made_image(app, "A bottle").await;
    while app.tell().await > 0 {}
}

#[tokio::test]
async fn four_days_of_failures_warn_the_owner_and_a_day_later_the_endpoint_is_disabled() {
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::with(Options { core_clock: Some(clock.clone()), ..reaching() }).await;
    let (dead, other, unasked) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    dead.answers(503);
    let hook = endpoint(&app, &dead, &["run.completed", "webhook.failing"]).await;
    endpoint(&app, &other, &["webhook.failing"]).await;
    app.post("/v1/webhooks", &json!({"url": unasked.url})).await.json_of(201);
    after(&app, &clock, TimeDelta::zero()).await;
    after(&app, &clock, TimeDelta::days(4) - TimeDelta::hours(1)).await;
    assert!(shown(&app, &hook).await.get("warned_at").is_none());
    assert!(other.letters().is_empty());
    after(&app, &clock, TimeDelta::hours(1)).await;
    // The warning is in the log now, and told to the other endpoint.
    while app.tell().await > 0 {}
    let warned = shown(&app, &hook).await;
    assert!(warned["warned_at"].is_string() && warned["status"] == "active", "{warned}");
    let body = other.letter().json();
    assert_eq!((&body["type"], &body["data"]["id"]), (&json!("webhook.failing"), &hook["id"]));
    assert_eq!(body["data"]["failing_since"], warned["failing_since"]);
    // Who chose nothing hears of it, too.
    let unasked = unasked.letters();
    assert_eq!(unasked.iter().filter(|letter| letter.json()["type"] == "webhook.failing").count(), 1);
    after(&app, &clock, TimeDelta::hours(23)).await;
    assert_eq!(shown(&app, &hook).await["status"], "active", "a day is not over");
    after(&app, &clock, TimeDelta::hours(2)).await;
    let off = shown(&app, &hook).await;
    assert_eq!((&off["status"], &off["disabled_reason"]), (&json!("disabled"), &json!("failing")));
    dead.letters();
    after(&app, &clock, TimeDelta::days(1)).await;
    assert!(dead.letters().is_empty(), "it is told nothing more");
}

#[tokio::test]
async fn one_success_begins_the_count_anew() {
    let clock = Arc::new(ManualClock::default());
    let app = TestApp::with(Options { core_clock: Some(clock.clone()), ..reaching() }).await;
    let receiver = Receiver::start().await;
    receiver.answers(500);
    let hook = endpoint(&app, &receiver, &["run.completed"]).await;
    after(&app, &clock, TimeDelta::zero()).await;
    receiver.answers(204);
    after(&app, &clock, TimeDelta::days(4)).await;
    assert!(shown(&app, &hook).await.get("failing_since").is_none());
    receiver.answers(500);
    after(&app, &clock, TimeDelta::hours(1)).await;
    after(&app, &clock, TimeDelta::days(3)).await;
    let shown = shown(&app, &hook).await;
    assert!(shown["failing_since"].is_string() && shown.get("warned_at").is_none(), "{shown}");
}
