//! What people say of themselves: changed whole or not at all, and seen as soon as it was said.

use http::Method;
use serde_json::{Value, json};

use super::support::{Answer, TestApp};

async fn change(app: &TestApp, body: Value) -> Answer {
    Answer::of(app.request(Method::PATCH, "/api/v1/users/me").json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_changes_nothing_the_picture_neither() {
    let app = TestApp::start().await;
    let body = json!({"avatar": "https://example.com/a.jpg", "bio": "Changed", "website": "not a url"});
    let refused = change(&app, body).await.json_of(400);
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("website"), "{refused}");
    let me = app.get("/api/v1/users/me").await.json_of(200);
    assert_eq!((&me["data"]["avatar"], &me["data"]["bio"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_at_once_none_is_lost() {
    let app = TestApp::start().await;
    let (bio, website) =
        tokio::join!(change(&app, json!({"bio": "One"})), change(&app, json!({"website": "https://example.com/"})));
    bio.json_of(200);
    website.json_of(200);
    let me = app.get("/api/v1/users/me").await.json_of(200);
    assert_eq!((&me["data"]["bio"], &me["data"]["website"]), (&json!("One"), &json!("https://example.com/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_just_changed_something_sees_it_in_the_profile_that_all_see() {
    let app = TestApp::start().await;
    let name = app.get("/api/v1/users/me").await.json_of(200)["data"]["username"].as_str().unwrap().to_owned();
    let public = format!("/api/v1/users/{name}");
    for bio in ["One", "Two", "Three"] {
        change(&app, json!({ "bio": bio })).await.json_of(200);
        assert_eq!(app.get(&public).await.json_of(200)["data"]["bio"], bio);
    }
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    let followed = Answer::of(app.request_as(&other.key, Method::POST, &format!("{public}/follow"))).await;
    let position = followed.header("x-log-position").to_owned();
    followed.json_of(201);
    // Without a key, by the position that the write answered.
    let seen = app.anonymous(Method::GET, &format!("{public}?min_position={position}"));
    let seen = Answer::of(seen).await.json_of(200);
    assert_eq!(seen["data"]["follower_count"], 1);
}
