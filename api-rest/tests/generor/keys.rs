//! API keys: made, listed, revoked, at most ten, never wider than their maker.

use http::Method;
use mintmark_domain::account::{Scope, Scopes, Tier};
use serde_json::{Value, json};

use super::shape::assert_shape;
use super::support::{Answer, TestApp};

const KEYS: &str = "/api/v1/api-keys";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_as_printed_shown_without_its_secret_and_revoked() {
    let app = TestApp::start().await;
    let answer = app.post(KEYS, &json!({"name": "My App", "scopes": ["read", "generate"]})).await;
    let made = answer.json_of(201)["data"].clone();
    assert_shape("api_key", &answer.bytes, &[]);
    assert_eq!(made["scopes"], json!(["read", "generate"]));
    let (key, prefix) = (made["api_key"].as_str().unwrap().to_owned(), made["prefix"].as_str().unwrap());
    assert!(key.starts_with(prefix) && key.len() == "gnr_live_".len() + 40);
    Answer::of(app.request_as(&key, Method::GET, "/api/v1/users/me")).await.json_of(200);
    Answer::of(app.request_as(&key, Method::PATCH, "/api/v1/users/me").json(&json!({"bio": "x"}))).await.json_of(403);

    let list = app.get(KEYS).await;
    let shown = list.json_of(200)["data"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 2);
    assert_eq!((&shown[0]["key_id"], &shown[0]["prefix"]), (&made["key_id"], &made["prefix"]));
    assert_eq!(shown[1]["key_id"], app.account.key_id);
    assert!(!String::from_utf8_lossy(&list.bytes).contains(&key), "the secret is shown once");

    let one = format!("{KEYS}/{}", made["key_id"]);
    let other = app.register(Tier::Unlimited, 0).await;
    Answer::of(app.request_as(&other.key, Method::DELETE, &one)).await.json_of(404);
    let revoked = Answer::of(app.request(Method::DELETE, &one)).await.json_of(200);
    assert_eq!(revoked["data"], json!({"key_id": made["key_id"], "revoked": true}));
    Answer::of(app.request_as(&key, Method::GET, "/api/v1/users/me")).await.json_of(401);
    assert_eq!(app.get(KEYS).await.json_of(200)["data"].as_array().unwrap().len(), 1);
    for none in ["0", "x", "999999"] {
        Answer::of(app.request(Method::DELETE, &format!("{KEYS}/{none}"))).await.json_of(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_are_active_at_most() {
    let app = TestApp::start().await;
    let mut last = Value::Null;
    for index in 2..=10 {
        last = app.post(KEYS, &json!({"name": format!("Key {index}")})).await.json_of(201);
        assert_eq!(last["data"]["scopes"], json!([]), "full access");
    }
    let refused = app.post(KEYS, &json!({"name": "Eleventh"})).await.json_of(400);
    assert_eq!(refused["error"]["code"], "VALIDATION_ERROR");
    assert!(refused["error"]["message"].as_str().unwrap().contains("10"));
    assert_eq!(app.get(KEYS).await.json_of(200)["data"].as_array().unwrap().len(), 10);
    let revoke = app.request(Method::DELETE, &format!("{KEYS}/{}", last["data"]["key_id"]));
    Answer::of(revoke).await.json_of(200);
    app.post(KEYS, &json!({"name": "In its place"})).await.json_of(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_never_wider_than_its_maker() {
    let app = TestApp::start().await;
    let writer = app.key_with(Scopes::only([Scope::Write])).await;
    let make = |key: &str, body: Value| {
        let request = app.request_as(key, Method::POST, KEYS).json(&body);
        async move { Answer::of(request).await }
    };
    for wider in [
        json!({"name": "a"}),
        json!({"name": "a", "scopes": ["read"]}),
        json!({"name": "a", "scopes": ["write", "generate"]}),
    ] {
        assert_eq!(make(&writer, wider).await.json_of(403)["error"]["code"], "FORBIDDEN");
    }
    make(&writer, json!({"name": "a", "scopes": ["keys:write", "profile:write"]})).await.json_of(201);
    let reader = app.key_with(Scopes::only([Scope::Read])).await;
    make(&reader, json!({"name": "a", "scopes": ["read"]})).await.json_of(403);
    Answer::of(app.request_as(&reader, Method::GET, KEYS)).await.json_of(200);
    make(&app.account.key, json!({"name": "a", "scopes": ["admin"]})).await.json_of(403);
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "a", "scopes": []}),
        json!({"name": "a", "scopes": ["everything"]}),
        json!({"name": "a", "scopes": "read"}),
    ] {
        assert_eq!(
            make(&app.account.key, wrong.clone()).await.json_of(400)["error"]["code"],
            "VALIDATION_ERROR",
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_generate_nothing_is_told_what_the_generator_needs() {
    let app = TestApp::start().await;
    let reader = app.key_with(Scopes::only([Scope::Read])).await;
    for (slug, scope) in [("joke", "workflows:write"), ("image", "images:write"), ("video", "videos:write")] {
        let path = format!("/api/v1/generators/{slug}/generate");
        let asked = app.request_as(&reader, Method::POST, &path).json(&json!({"prompt": "A boat", "model_id": 1}));
        let refused = Answer::of(asked).await.json_of(403);
        assert!(refused["error"]["message"].as_str().unwrap().contains(scope), "{slug}: {refused}");
    }
}
