//! The same request said again, and many at once.

use futures::future::join_all;
use http::Method;
use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use crate::ask::{ended, image, video};
use crate::support::{Answer, Options, TestApp};

const IMAGES: &str = "/v1/images/generations";
const VIDEOS: &str = "/v1/videos/generations";

#[tokio::test]
async fn the_same_request_again_is_the_same_run_as_it_stands_by_then() {
    let app = TestApp::start().await;
    let body = video("A watch");
    let first = app.post_keyed(VIDEOS, "one", &body).await;
    let run = first.json_of(202);
    assert_eq!(first.header("idempotency-replayed"), "");
    let id = run["id"].as_str().unwrap();
    let done = ended(&app, id).await;
    let again = app.post_keyed(VIDEOS, "one", &body).await;
    let replayed = again.json_of(200);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((&replayed["id"], &replayed["status"]), (&run["id"], &json!("completed")));
    assert_eq!(replayed["usage"], done["usage"]);
    // 4 seconds at 16 credits, once.
    assert_eq!(app.available().await.to_string(), (100_000 - 64).to_string());
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused_and_another_path_is_another_request() {
    let app = TestApp::start().await;
    app.post_keyed(IMAGES, "one", &image("A bottle")).await.json_of(200);
    let reused = app.post_keyed(IMAGES, "one", &image("Another bottle")).await.json_of(422);
    assert_eq!(reused["code"], "idempotency_key_reused");
    // The bytes count: the same said in other words is another request.
    let spaced = app.request(Method::POST, IMAGES).header("Idempotency-Key", "one");
    let spaced = spaced.header("Content-Type", "application/json").body(image("A bottle").to_string() + " ");
    Answer::of(spaced).await.json_of(422);
    let other = app.post_keyed(VIDEOS, "one", &video("A bottle")).await;
    other.json_of(202);
    assert_eq!(other.header("idempotency-replayed"), "");
    // And another account's key is its own.
    let stranger = app.register(Tier::Unlimited, 10).await;
    let request = app.request_as(&stranger.key, Method::POST, IMAGES).header("Idempotency-Key", "one");
    let answer = Answer::of(request.json(&image("A bottle"))).await;
    answer.json_of(200);
    assert_eq!(answer.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn a_key_survives_the_rotation_of_api_keys() {
    let app = TestApp::start().await;
    let run = app.post_keyed(IMAGES, "one", &image("A bottle")).await.json_of(200);
    let new = app.key_with(mintmark_domain::account::Scopes::Full).await;
    let request = app.request_as(&new, Method::POST, IMAGES).header("Idempotency-Key", "one");
    let again = Answer::of(request.json(&image("A bottle"))).await;
    assert_eq!(again.json_of(200)["id"], run["id"]);
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn many_at_once_under_one_key_are_one_run_and_one_charge() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let body = image("A bottle");
    let answers = join_all((0..40).map(|_| app.post_keyed(IMAGES, "one", &body))).await;
    let runs: Vec<Value> = answers.iter().map(|answer| answer.json_of(200)).collect();
    assert!(runs.iter().all(|run| run["id"] == runs[0]["id"] && run["status"] == "completed"));
    let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
    assert_eq!(first, 1, "one of them made the run");
    assert_eq!(app.available().await.to_string(), (100_000 - 3).to_string());
    assert_eq!(app.get("/v1/runs").await.json_of(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn of_200_at_once_with_funds_for_7_exactly_7_are_accepted() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    // An image costs 3.
    let account = app.register(Tier::Unlimited, 7 * 3 + 2).await;
    let body = image("A bottle");
    let ask = |number: usize| {
        let request = app.request_as(&account.key, Method::POST, IMAGES);
        Answer::of(request.header("Idempotency-Key", format!("k{number}")).json(&body))
    };
    let answers = join_all((0..200).map(ask)).await;
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 402).collect();
    assert_eq!((accepted, refused.len()), (7, 193));
    assert!(refused.iter().all(|answer| answer.json()["code"] == "insufficient_credits"));
    let balance = Answer::of(app.request_as(&account.key, Method::GET, "/v1/account/credits")).await.json_of(200);
    assert_eq!(balance["balance"], 2);
    let usage = Answer::of(app.request_as(&account.key, Method::GET, "/v1/usage")).await.json_of(200);
    assert_eq!((&usage["totals"]["credits_spent"], &usage["totals"]["runs_count"]), (&json!(21), &json!(7)));
}
