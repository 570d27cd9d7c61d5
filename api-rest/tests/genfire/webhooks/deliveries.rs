//! Deliveries: attempts, their log, and replays.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use http::Method;
use mintmark_domain::ports::ManualClock;
use mintmark_infra::egress::Resolve;
use serde_json::{Value, json};

use super::receiver::{Letter, Receiver, deliveries, endpoint, reaching};
use crate::ask::made_image;
use crate::shape::Example;
use crate::support::{Answer, Options, TestApp};

async fn replay(app: &TestApp, delivery: &Value) -> Answer {
    let path = format!("/v1/webhooks/deliveries/{}/replay", delivery["id"].as_str().unwrap());
    Answer::of(app.request(Method::POST, &path)).await
}

#[tokio::test]
async fn a_run_that_ended_is_told_as_get_shows_it_and_the_log_is_as_printed() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    let hook = endpoint(&app, &receiver, &["run.completed"]).await;
    let run = made_image(&app, "A bottle").await;
    assert_eq!(app.tell().await, 1);
    let letter = receiver.letter();
    assert_eq!(letter.header("content-type"), "application/json");
    let body = letter.json();
    let fields: indexmap::IndexMap<String, Value> = serde_json::from_slice(&letter.body).unwrap();
    let names: Vec<&String> = fields.keys().collect();
    assert_eq!(names, ["id", "type", "created_at", "position", "data"]);
    assert_eq!(body["type"], "run.completed");
    assert_eq!(body["id"], letter.header("webhook-id"));
    let mut shown = app.get(&format!("/v1/runs/{}", run["id"].as_str().unwrap())).await.json_of(200);
    // Addresses are signed anew at each read.
    shown["output"] = Value::Null;
    let mut told = body["data"].clone();
    assert!(told["output"]["output_url"].is_string());
    told["output"] = Value::Null;
    assert_eq!(told, shown);
    let answer = app.get("/v1/webhooks/deliveries").await;
    Example::named("webhook_deliveries").assert_shape_of(&answer.bytes, &["+has_more", "data[].request_headers"]);
    let delivery = &answer.json_of(200)["data"][0];
    assert_eq!((&delivery["status"], &delivery["attempt_count"]), (&json!("success"), &json!(1)));
    assert_eq!((&delivery["run_id"], &delivery["endpoint_id"]), (&run["id"], &hook["id"]));
    assert_eq!((&delivery["response_status"], &delivery["response_body"]), (&json!(200), &json!("said 200")));
    assert_eq!(delivery["request_headers"]["X-GenFire-Signature"], letter.header("x-genfire-signature"));
    assert_eq!((&delivery["max_attempts"], &delivery["next_attempt_at"]), (&json!(6), &Value::Null));
    let shown = app.get("/v1/webhooks").await.json_of(200);
    assert_eq!(shown["data"][0]["last_delivery_at"], delivery["last_attempt_at"]);
    assert_eq!(app.tell().await, 0, "told once");
}

#[tokio::test]
async fn six_attempts_are_made_at_their_times_always_with_the_same_bytes_and_then_no_more() {
    let clock = Arc::new(ManualClock::default());
    // Drawn pictures are their owner's alone; the instant sample is everybody's, however its address is signed.
    let app = TestApp::with(Options { core_clock: Some(clock.clone()), instant: false, ..reaching() }).await;
    let receiver = Receiver::start().await;
    receiver.answers(500);
    endpoint(&app, &receiver, &["run.completed"]).await;
    made_image(&app, "A bottle").await;
    assert_eq!(app.tell().await, 1);
    let first = receiver.letter();
    for (number, seconds) in [(2, 5), (3, 300), (4, 1_800), (5, 7_200), (6, 18_000)] {
        let delivery = &deliveries(&app).await[0];
        assert_eq!((&delivery["status"], &delivery["attempt_count"]), (&json!("pending"), &json!(number - 1)));
        assert_eq!(delivery["last_error"], "it answered with status 500");
        clock.advance(TimeDelta::seconds(seconds) - TimeDelta::milliseconds(1));
        assert_eq!(app.tell().await, 0, "attempt {number} is not due before its time");
        // By so much a pause is longer at random, at most.
        clock.advance(TimeDelta::milliseconds(seconds * 100 + 1));
        assert_eq!(app.tell().await, 1, "attempt {number}");
        let letter = receiver.letter();
        assert_eq!(letter.body, first.body);
        assert_eq!(letter.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(letter.header("x-genfire-signature"), first.header("x-genfire-signature"));
        assert_ne!(letter.header("webhook-timestamp"), first.header("webhook-timestamp"));
        fetched(&app, &letter).await;
    }
    let delivery = &deliveries(&app).await[0];
    assert_eq!((&delivery["status"], &delivery["attempt_count"]), (&json!("failed"), &json!(6)));
    assert_eq!((&delivery["next_attempt_at"], &delivery["delivered_at"]), (&Value::Null, &Value::Null));
    clock.advance(TimeDelta::days(1));
    assert_eq!(app.tell().await, 0);
    let shown = app.get("/v1/webhooks").await.json_of(200);
    assert!(shown["data"][0]["failing_since"].is_string(), "{shown}");
    // As late as it is kept.
    clock.advance(TimeDelta::days(28));
    receiver.answers(200);
    replay(&app, &deliveries(&app).await[0]).await.json_of(202);
    assert_eq!(app.tell().await, 1);
    let letter = receiver.letter();
    assert_eq!(letter.body, first.body);
    fetched(&app, &letter).await;
}

/// What a delivery names can be fetched.
async fn fetched(app: &TestApp, letter: &Letter) {
    let body = letter.json();
    let answer = app.client.get(body["data"]["output"]["output_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_replay_is_a_delivery_of_its_own_with_the_same_event_and_bytes() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    endpoint(&app, &receiver, &["run.completed"]).await;
    made_image(&app, "A bottle").await;
    app.tell().await;
    let first = receiver.letter();
    let delivery = deliveries(&app).await[0].clone();
    let answer = replay(&app, &delivery).await;
    let queued = answer.json_of(202);
    Example::named("webhook_replay").assert_shape_of(&answer.bytes, &["request_headers"]);
    assert_eq!((&queued["status"], &queued["attempt_count"]), (&json!("pending"), &json!(0)));
    assert_eq!(queued["request_headers"]["X-GenFire-Signature"], delivery["request_headers"]["X-GenFire-Signature"]);
    assert_ne!(queued["id"], delivery["id"]);
    assert_eq!(app.tell().await, 1);
    let second = receiver.letter();
    assert_eq!((&second.body, second.header("webhook-id")), (&first.body, first.header("webhook-id")));
    let log = deliveries(&app).await;
    assert_eq!((log.len(), &log[0]["id"], &log[0]["status"]), (2, &queued["id"], &json!("success")));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    receiver.answers(302);
    endpoint(&app, &receiver, &["run.completed"]).await;
    made_image(&app, "A bottle").await;
    app.tell().await;
    receiver.letter();
    let delivery = &deliveries(&app).await[0];
    assert_eq!((&delivery["status"], &delivery["response_status"]), (&json!("pending"), &json!(302)));
    assert!(delivery["last_error"].as_str().unwrap().contains("redirect"));
}

/// Says that every name is public, and later that it is this machine.
#[derive(Default)]
struct Rebinding(AtomicBool);

#[async_trait]
impl Resolve for Rebinding {
    async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        let address = if self.0.load(Ordering::SeqCst) { "127.0.0.1" } else { "93.184.216.34" };
        Ok(vec![address.parse().unwrap()])
    }
}

/// A delivery to a name that leads to this machine by then: how often somebody connected, and what is shown.
async fn rebound(egress_allow: &[&str]) -> (usize, Value) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://hooks.test:{}/hook", listener.local_addr().unwrap().port());
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    let server = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(connection);
        }
    });
    let resolver = Arc::new(Rebinding::default());
    let egress_allow = egress_allow.iter().map(|rule| (*rule).to_owned()).collect();
    let options = Options { instant: true, resolver: Some(resolver.clone()), egress_allow, ..Options::default() };
    let app = TestApp::with(options).await;
    app.post("/v1/webhooks", &json!({"url": url})).await.json_of(201);
    made_image(&app, "A bottle").await;
    resolver.0.store(true, Ordering::SeqCst);
    assert_eq!(app.tell().await, 1);
    server.abort();
    (visits.load(Ordering::SeqCst), deliveries(&app).await[0].clone())
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_by_the_time_of_sending_is_not_visited() {
    let (visits, delivery) = rebound(&[]).await;
    assert_eq!((visits, &delivery["last_error"]), (0, &json!("its address is not public")));
    assert_eq!((&delivery["status"], &delivery["response_status"]), (&json!("pending"), &Value::Null));
    assert!(!delivery["last_error"].as_str().unwrap().contains("hooks.test"), "no address in it");
    // The same where the guard is lifted: then somebody comes.
    let (visits, delivery) = rebound(&["hooks.test"]).await;
    assert_eq!((visits, &delivery["last_error"]), (1, &json!("it cannot be reached")));
}

#[tokio::test]
async fn what_waits_for_a_disabled_endpoint_is_given_up_and_can_be_replayed() {
    let app = TestApp::with(reaching()).await;
    let receiver = Receiver::start().await;
    let hook = endpoint(&app, &receiver, &["run.completed"]).await;
    let path = format!("/v1/webhooks/{}", hook["id"].as_str().unwrap());
    made_image(&app, "A bottle").await;
    app.caught_up().await;
    let off = app.request(Method::PATCH, &path).json(&json!({"status": "disabled"}));
    Answer::of(off).await.json_of(200);
    made_image(&app, "A vase").await;
    assert_eq!(app.tell().await, 0);
    let log = deliveries(&app).await;
    assert_eq!((log.len(), &log[0]["status"]), (1, &json!("failed")), "the second was never to be told");
    assert!(log[0]["last_error"].as_str().unwrap().contains("disabled"));
    assert_eq!(replay(&app, &log[0]).await.json_of(409)["code"], "conflict");
    Answer::of(app.request(Method::PATCH, &path).json(&json!({"status": "active"}))).await.json_of(200);
    app.caught_up().await;
    replay(&app, &log[0]).await.json_of(202);
    assert_eq!(app.tell().await, 1);
    assert_eq!(receiver.letter().json()["type"], "run.completed");
}

#[tokio::test]
async fn the_log_is_walked_and_filtered() {
    let app = TestApp::with(reaching()).await;
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    let hooks = [endpoint(&app, &one, &["run.completed"]).await, endpoint(&app, &two, &["run.completed"]).await];
    for number in 0..3 {
        made_image(&app, &format!("Bottle {number}")).await;
    }
    assert_eq!(app.tell().await, 6);
    let mut seen = Vec::new();
    let mut path = "/v1/webhooks/deliveries?limit=4".to_owned();
    loop {
        let page = app.get(&path).await.json_of(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|delivery| delivery["id"].clone()));
        if page["has_more"] == json!(false) {
            break;
        }
        path = format!("/v1/webhooks/deliveries?limit=4&starting_after={}", seen.last().unwrap().as_str().unwrap());
    }
    assert_eq!(seen.len(), 6);
    seen.sort_by_key(ToString::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 6, "each once");
    let of_one = format!("/v1/webhooks/deliveries?endpoint_id={}", hooks[0]["id"].as_str().unwrap());
    let page = app.get(&of_one).await.json_of(200);
    let of_one = page["data"].as_array().unwrap();
    assert!(of_one.len() == 3 && of_one.iter().all(|delivery| delivery["endpoint_id"] == hooks[0]["id"]));
    for bad in ["endpoint_id=x", "limit=0", "starting_after=delivery_x"] {
        app.get(&format!("/v1/webhooks/deliveries?{bad}")).await.json_of(400);
    }
}
