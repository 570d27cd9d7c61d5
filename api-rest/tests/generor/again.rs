//! The same request said again after the world has changed.

use http::Method;
use mintmark_domain::catalog::Sources;
use serde_json::{Value, json};

use super::support::{Answer, TestApp};
use super::{ids, path};

const JOKE: &str = include_str!("../../../catalog/generators/joke.toml");

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_found_again_whatever_the_catalog_says_by_now() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Bugs", "model_id": 3, "preference": "pun"});
    let made = app.post_keyed(&path("joke"), "one", &body).await.json_of(201);
    let spent = app.available().await;
    for (changed, why) in [
        (JOKE.replace("status = \"active\"", "status = \"development\""), "in development"),
        (JOKE.replace("value = \"pun\"", "value = \"wordplay\""), "preference"),
    ] {
        let later = app.with_catalog(&Sources::embedded().with("generators/joke.toml", changed)).await;
        let again = later.post_keyed(&path("joke"), "one", &body).await;
        assert_eq!(ids(&again.json_of(201)), ids(&made), "{why}");
        assert_eq!(again.header("idempotency-replayed"), "true");
        // What was not accepted before is refused, and another request under the key is still another.
        let new = later.post_keyed(&path("joke"), "two", &body).await.json_of(400);
        assert!(new["error"]["message"].as_str().unwrap().contains(why), "{new}");
        let other = json!({"prompt": "Ants", "model_id": 3, "preference": "pun"});
        let reused = later.post_keyed(&path("joke"), "one", &other).await.json_of(400);
        assert!(reused["error"]["message"].as_str().unwrap().contains("idempotency key"), "{reused}");
    }
    assert_eq!(app.available().await, spent, "nothing was charged again");
    // A generator that nobody ever asked is not found, with a key or without.
    app.post_keyed(&path("nothing"), "three", &body).await.json_of(404);
    app.post(&path("nothing"), &json!({"model_id": 3, "privacy_mode": 7})).await.json_of(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_found_again_when_its_image_is_gone() {
    let app = TestApp::start().await;
    let image = app.post(&path("image"), &json!({"prompt": "A lighthouse", "model_id": 10_001})).await.json_of(201);
    let (number, url) = (ids(&image)[0], image["data"]["creations"][0]["image_url"].clone());
    let body = json!({"prompt": "The tide [sandbox:slow=60]", "model_id": 20_010, "image_url": url});
    let ask = |key: &str| {
        let request = app.request(Method::POST, &path("video")).header("Idempotency-Key", key);
        Answer::of(request.header("Prefer", "respond-async").json(&body))
    };
    let made: Value = ask("one").await.json_of(202);
    Answer::of(app.request(Method::DELETE, &format!("/api/v1/creations/{number}"))).await.json_of(200);
    let again = ask("one").await;
    assert_eq!(ids(&again.json_of(202)), ids(&made));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let refused = ask("two").await.json_of(400);
    assert!(refused["error"]["message"].as_str().unwrap().contains("image_url"), "{refused}");
}
