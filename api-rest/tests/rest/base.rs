//! What every dialect shares: request ids, keys, envelopes of what no route answers.

use axum::body::Body;
use http::{Method, Request};
use mintmark_domain::account::{Scope, Scopes};
use serde_json::json;

use crate::support::{Answer, Options, TestApp};

/// One path of each dialect that exists nowhere.
const NOWHERE: [&str; 3] = ["/v1/nowhere", "/api/v1/nowhere", "/nowhere"];

#[tokio::test]
async fn every_answer_bears_a_request_id_and_keeps_a_sane_one() {
    let app = TestApp::start().await;
    for path in NOWHERE {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
        let said = Answer::of(app.request(Method::GET, path).header("X-Request-Id", "mine-1")).await;
        assert_eq!(said.header("x-request-id"), "mine-1");
        let odd = Answer::of(app.request(Method::GET, path).header("X-Request-Id", "a b")).await;
        assert!(odd.header("x-request-id").starts_with("req_"));
    }
}

#[tokio::test]
async fn a_path_that_is_nowhere_is_answered_by_the_dialect_that_owns_it() {
    let app = TestApp::start().await;
    let genfire = app.get(NOWHERE[0]).await;
    assert_eq!(genfire.header("content-type"), "application/problem+json");
    let body = genfire.json();
    assert_eq!(body["code"], "not_found");
    assert_eq!(body["request_id"], genfire.header("x-request-id"));
    assert_eq!(app.get(NOWHERE[1]).await.json()["error"]["code"], "NOT_FOUND");
    assert_eq!(app.get(NOWHERE[2]).await.json()["title"], "Not Found");
    assert_eq!(app.get("/api/v1/tasks").await.json()["error"]["code"], "not_found");
}

#[tokio::test]
async fn a_wrong_method_is_405_and_options_says_which_there_are() {
    let app = TestApp::start().await;
    let wrong = Answer::of(app.request(Method::DELETE, "/api/v1/generate")).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "POST"));
    assert_eq!(wrong.json()["error"]["code"], "method_not_allowed");
    let options = Answer::of(app.anonymous(Method::OPTIONS, "/api/v1/generate")).await;
    assert_eq!((options.status, options.header("allow")), (204, "POST,OPTIONS"));
    let head = Answer::of(app.anonymous(Method::HEAD, "/healthz")).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
}

#[tokio::test]
async fn a_key_that_does_not_hold_is_401_everywhere() {
    let app = TestApp::start().await;
    let wrong = format!("gnr_live_{}", "0".repeat(40));
    for path in ["/v1/nowhere", "/api/v1/nowhere", "/api/v1/tasks/x"] {
        let answer = Answer::of(app.request_as(&wrong, Method::GET, path)).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{path}");
        let basic = app.anonymous(Method::GET, path).header("Authorization", "Basic eDp5");
        assert_eq!(Answer::of(basic).await.status, 401, "{path}");
    }
    assert_eq!(Answer::of(app.anonymous(Method::GET, "/api/v1/tasks/x")).await.status, 401);
}

#[tokio::test]
async fn a_revoked_key_and_a_suspended_account_are_refused_at_once() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/api/v1/tasks/x").await.status, 404);
    let key = app.key_with(Scopes::Full).await;
    let asks = || Answer::of(app.request_as(&key, Method::GET, "/api/v1/tasks/x"));
    assert_eq!(asks().await.status, 404);
    app.core.set_suspended(app.account.id, Some("test".into())).await.unwrap();
    let suspended = asks().await;
    assert_eq!((suspended.status, &suspended.json()["error"]["code"]), (403, &json!("account_suspended")));
    app.core.set_suspended(app.account.id, None).await.unwrap();
    assert_eq!(asks().await.status, 404);
    app.core.revoke_key_by_operator(app.account.id, app.account.key_id).await.unwrap();
    assert_eq!(app.get("/api/v1/tasks/x").await.status, 401);
}

#[tokio::test]
async fn a_key_without_the_scope_is_403_and_the_scope_is_named() {
    let app = TestApp::start().await;
    let key = app.key_with(Scopes::only([Scope::ModelsRead])).await;
    let answer = Answer::of(app.request_as(&key, Method::GET, "/api/v1/tasks/x")).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["error"]["code"], "insufficient_scope");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("runs:read"));
}

#[tokio::test]
async fn browsers_may_call_from_the_origins_that_are_set() {
    let mut options = Options::default();
    options.settings.cors_origins = vec!["https://app.test".into()];
    let app = TestApp::with(options).await;
    let preflight = |origin: &str| {
        let request = app.anonymous(Method::OPTIONS, "/api/v1/generate").header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        Answer::of(request.header("Access-Control-Request-Headers", "authorization,idempotency-key"))
    };
    let ours = preflight("https://app.test").await;
    assert_eq!((ours.status, ours.header("access-control-allow-origin")), (200, "https://app.test"));
    assert!(ours.header("access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(preflight("https://evil.test").await.header("access-control-allow-origin"), "");
    let get = Answer::of(app.anonymous(Method::GET, "/v1/nowhere").header("Origin", "https://app.test")).await;
    assert!(get.header("access-control-expose-headers").contains("x-ratelimit-remaining"));
}

#[tokio::test]
async fn bodies_are_json_of_a_decent_size() {
    let app = TestApp::start().await;
    let send = |content_type: &'static str, body: Vec<u8>| {
        Answer::of(app.request(Method::POST, "/api/v1/generate").header("Content-Type", content_type).body(body))
    };
    let form = send("application/x-www-form-urlencoded", b"scene=x".to_vec()).await;
    assert_eq!((form.status, &form.json()["error"]["code"]), (415, &json!("invalid_params")));
    let large = send("application/json", vec![b' '; (1 << 20) + 1]).await;
    assert_eq!((large.status, &large.json()["error"]["code"]), (413, &json!("invalid_params")));
    for body in ["", "{", "[]", r#"{"prompt": "a", "prompt": "b"}"#, r#"{"prompt": "a\u0000"}"#] {
        let answer = send("application/json; charset=utf-8", body.as_bytes().to_vec()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (422, &json!("invalid_params")), "{body}");
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_request_only() {
    use axum::routing::get;
    let app = TestApp::start().await;
    // A route of nobody's below GenFire's prefix, behind the same pipeline.
    let router = mintmark_api_rest::router_with(
        app.state.clone(),
        axum::Router::new().route(
            "/v1/panics",
            get(|| async {
                if true {
                    panic!("on purpose")
                }
            })
            .post(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        ),
    );
    for method in [Method::GET, Method::POST] {
        let request = Request::builder().method(method).uri("/v1/panics").body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        assert_eq!(response.status(), 500);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "internal_error");
        assert!(!body.to_string().contains("on purpose"));
    }
}

#[tokio::test]
async fn the_first_call_of_a_day_brings_its_bonus_once() {
    use mintmark_domain::Credits;
    use mintmark_domain::usecases::BonusAmounts;
    let amounts = BonusAmounts { daily: Credits::whole(7), max: Credits::whole(10), ..BonusAmounts::default() };
    let options = Options { credits: 5, bonuses: [("unlimited", amounts)].into(), ..Options::default() };
    let app = TestApp::with(options).await;
    assert_eq!(app.available().await, Credits::whole(5));
    futures::future::join_all((0..5).map(|_| app.get("/v1/nowhere"))).await;
    assert_eq!(app.available().await, Credits::whole(12));
}
