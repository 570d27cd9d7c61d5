//! The document's eight codes, each met over HTTP, each in the printed envelope.

use http::Method;
use mintmark_domain::account::{Scope, Scopes, Tier};
use serde_json::json;

use super::shape::assert_shape;
use super::support::{Answer, TestApp};
use super::{joke, path};

#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str) {
    let json = answer.json_of(status);
    assert_shape("error", &answer.bytes, &[]);
    assert_eq!((&json["error"]["code"], &json["error"]["status"]), (&json!(code), &json!(status)));
    assert!(!answer.header("x-request-id").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_code_of_the_document() {
    let app = TestApp::start().await;
    assert_error(&Answer::of(app.anonymous(Method::GET, "/api/v1/users/me")).await, 401, "UNAUTHORIZED");
    let wrong = format!("gnr_live_{}", "0".repeat(40));
    for public in ["/api/v1/models", "/api/v1/generators", "/api/v1/creations/public", "/api/v1/creations/search?q=a"] {
        assert_error(&Answer::of(app.request_as(&wrong, Method::GET, public)).await, 401, "UNAUTHORIZED");
    }
    let narrow = app.key_with(Scopes::only([Scope::ImagesWrite])).await;
    assert_error(&Answer::of(app.request_as(&narrow, Method::GET, "/api/v1/credits/balance")).await, 403, "FORBIDDEN");
    assert_error(&app.get("/api/v1/creations/99999999").await, 404, "NOT_FOUND");
    assert_error(&app.get("/api/v1/nothing").await, 404, "NOT_FOUND");
    let body = json!({"prompt": "A cat", "model_id": 3});
    assert_error(&app.post(&path("nothing"), &body).await, 404, "NOT_FOUND");
    let put = app.request(Method::PUT, "/api/v1/generators").json(&json!({}));
    assert_error(&Answer::of(put).await, 405, "METHOD_NOT_ALLOWED");
    assert_error(&app.post(&path("joke"), &json!({"prompt": "A cat"})).await, 400, "VALIDATION_ERROR");
    let broken = app.request(Method::POST, &path("joke")).header("content-type", "application/json").body("{");
    assert_error(&Answer::of(broken).await, 400, "VALIDATION_ERROR");
    let poor = app.register(Tier::Unlimited, 0).await;
    let unpaid = app.request_as(&poor.key, Method::POST, &path("joke")).json(&body);
    assert_error(&Answer::of(unpaid).await, 402, "INSUFFICIENT_CREDITS");
    assert_error(&joke(&app, "Broken [sandbox:fail]").await, 500, "SERVER_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_key_is_limited_by_address() {
    let app = TestApp::start().await;
    for _ in 0..15 {
        Answer::of(app.anonymous(Method::GET, "/api/v1/generators")).await.json_of(200);
    }
    let answer = Answer::of(app.anonymous(Method::GET, "/api/v1/generators")).await;
    assert_error(&answer, 429, "RATE_LIMIT_EXCEEDED");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_run_may_be_said_again_under_its_key() {
    let app = TestApp::start().await;
    let poor = app.register(Tier::Unlimited, 0).await;
    let body = json!({"prompt": "A cat", "model_id": 3});
    let ask = || {
        let request = app.request_as(&poor.key, Method::POST, &path("joke")).header("Idempotency-Key", "k").json(&body);
        async move { Answer::of(request).await }
    };
    ask().await.json_of(402);
    let grant = mintmark_domain::usecases::Grant {
        account: poor.id,
        amount: mintmark_domain::Credits::whole(1),
        kind: mintmark_domain::wallet::LotKind::Paid,
        reason: "test".into(),
        reference: None,
        expires_at: None,
    };
    app.core.grant_credits(grant).await.unwrap();
    ask().await.json_of(201);
}
