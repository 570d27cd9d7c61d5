//! How long an answer waits, and stopping what is under way.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::ask::{ended, generate, generate_async, image, video};
use crate::support::{Answer, TestApp};

const IMAGES: &str = "/v1/images/generations";
const VIDEOS: &str = "/v1/videos/generations";

async fn preferring(app: &TestApp, prefer: &str, path: &str, key: &str, body: &Value) -> (Answer, Duration) {
    let begun = Instant::now();
    let request = app.request(Method::POST, path).header("Idempotency-Key", key).header("Prefer", prefer).json(body);
    (Answer::of(request).await, begun.elapsed())
}

#[tokio::test]
async fn a_preference_says_how_long_to_wait() {
    let app = TestApp::start().await;
    let slow = image("A bottle [sandbox:slow=20]");
    let (answer, took) = preferring(&app, "respond-async", IMAGES, "a", &slow).await;
    assert_eq!(answer.json_of(202)["status"], "queued");
    assert_eq!(answer.header("preference-applied"), "respond-async");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let (answer, took) = preferring(&app, "wait=1", IMAGES, "b", &slow).await;
    let run = answer.json_of(202);
    assert_eq!(
        (&run["status"], &run["output"], &run["completed_at"]),
        (&json!("processing"), &Value::Null, &Value::Null)
    );
    assert_eq!(answer.header("preference-applied"), "wait=1");
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(15), "{took:?}");
    // A video, too, is waited for where that is asked.
    let (answer, _) = preferring(&app, "wait=60", VIDEOS, "c", &video("A watch")).await;
    assert_eq!(answer.json_of(200)["status"], "completed");
}

#[tokio::test]
async fn the_output_of_a_run_that_has_not_ended_is_null() {
    let app = TestApp::start().await;
    let run = generate_async(&app, IMAGES, &image("A bottle [sandbox:slow=20]")).await.json_of(202);
    let answer = app.get(&format!("/v1/runs/{}/output", run["id"].as_str().unwrap())).await;
    let output = answer.json_of(200);
    assert_eq!(
        (&output["object"], &output["output"], &output["completed_at"]),
        (&json!("run_output"), &Value::Null, &Value::Null)
    );
    assert_eq!(output["status"], "processing");
}

#[tokio::test]
async fn a_run_goes_on_when_its_caller_hangs_up() {
    let app = TestApp::start().await;
    let request = app.request(Method::POST, IMAGES).header("Idempotency-Key", "gone");
    let request = request.json(&image("A bottle [sandbox:slow=2]")).timeout(Duration::from_millis(700));
    assert!(request.send().await.unwrap_err().is_timeout());
    let again = app.post_keyed(IMAGES, "gone", &image("A bottle [sandbox:slow=2]")).await;
    assert_eq!(again.json_of(200)["status"], "completed");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(app.available().await.to_string(), "99997");
}

#[tokio::test]
async fn a_run_under_way_is_stopped_and_costs_what_was_confirmed() {
    let app = TestApp::start().await;
    let run = generate_async(&app, IMAGES, &image("A bottle [sandbox:hang]")).await.json_of(202);
    let id = run["id"].as_str().unwrap();
    let path = format!("/v1/runs/{id}/cancel");
    let answer = Answer::of(app.request(Method::POST, &path)).await;
    assert!(matches!(answer.status, 200 | 202), "{answer:?}");
    assert!(!answer.header("x-log-position").is_empty());
    let run = ended(&app, id).await;
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!("cancelled")));
    assert_eq!(run["usage"], Value::Null);
    assert_eq!(app.available().await.to_string(), "100000");
    // Said again it changes nothing.
    let again = Answer::of(app.request(Method::POST, &path)).await.json_of(200);
    assert_eq!(again, run);
    // What has ended stays as it is.
    let made = generate(&app, IMAGES, &image("A bottle")).await.json_of(200);
    let path = format!("/v1/runs/{}/cancel", made["id"].as_str().unwrap());
    assert_eq!(Answer::of(app.request(Method::POST, &path)).await.json_of(200)["status"], "completed");
}

#[tokio::test]
async fn a_run_is_stopped_by_its_owner_alone() {
    let app = TestApp::start().await;
    let run = generate_async(&app, IMAGES, &image("A bottle [sandbox:hang]")).await.json_of(202);
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    let path = format!("/v1/runs/{}/cancel", run["id"].as_str().unwrap());
    Answer::of(app.request_as(&other.key, Method::POST, &path)).await.json_of(404);
    let read = app.get(&format!("/v1/runs/{}", run["id"].as_str().unwrap())).await.json_of(200);
    assert_eq!(read["status"], "processing");
}
