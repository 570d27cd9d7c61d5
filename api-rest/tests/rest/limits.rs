//! Rate limits over HTTP: who is counted, what the headers say, and what is answered where nobody can count.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use http::{Method, Request};
use mintmark_api_rest::http::limits::{Counter, Quota, RateLimiter, RateLimits, Uncounted, Verdict};
use mintmark_domain::Timestamp;
use mintmark_domain::account::{Scope, Scopes, Tier};
use serde_json::json;

use crate::support::{Answer, Options, TestApp};

fn standard(minute: u32, hour: u32) -> RateLimits {
    let mut limits = RateLimits { unauthenticated_per_minute: 3, ..RateLimits::default() };
    limits.tiers.insert("pro", Quota { minute, hour, day: 0 });
    limits
}

#[tokio::test]
async fn limits_are_exact_and_stand_in_the_headers() {
    // Windows begin at whole minutes: start early enough in one.
    let app = TestApp::with(Options::limited(Tier::Pro, standard(5, 0))).await;
    room_in_the_minute(10).await;
    let asked = futures::future::join_all((0..20).map(|_| app.get("/v1/nowhere"))).await;
    assert_eq!(asked.iter().filter(|answer| answer.status == 404).count(), 5);
    let mut left: Vec<&str> = asked
        .iter()
        .filter(|answer| answer.status == 404)
        .map(|answer| answer.header("x-ratelimit-remaining"))
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["0", "1", "2", "3", "4"]);
    let refused = asked.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.header("x-ratelimit-limit"), "5");
    assert_eq!(refused.header("x-ratelimit-tier"), "pro");
    let retry: i64 = refused.header("retry-after").parse().unwrap();
    let reset: i64 = refused.header("x-ratelimit-reset").parse().unwrap();
    assert!((1..=60).contains(&retry) && reset % 60 == 0);
    assert_eq!(refused.json()["code"], "rate_limit_exceeded");
    assert!(refused.json()["detail"].as_str().unwrap().contains("5 per minute and API key"));
    // Another dialect's counter is another; its own limits bind there.
    assert_eq!(app.get("/api/v1/tasks/x").await.header("x-ratelimit-limit"), "60");
    // Our own routes are not counted.
    assert_eq!(app.get("/healthz").await.header("x-ratelimit-tier"), "");
}

#[tokio::test]
async fn the_window_that_bound_is_shown() {
    let app = TestApp::with(Options::limited(Tier::Pro, standard(100, 2))).await;
    for _ in 0..2 {
        assert_eq!(app.get("/api/v1/nowhere").await.header("x-ratelimit-limit"), "100");
    }
    let refused = app.get("/api/v1/nowhere").await;
    assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (429, "2"));
    assert_eq!(refused.json()["error"]["code"], "RATE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn whoever_has_no_key_is_counted_by_address() {
    let app = TestApp::with(Options::limited(Tier::Pro, standard(100, 0))).await;
    room_in_the_minute(10).await;
    let ask = || Answer::of(app.anonymous(Method::GET, "/v1/nowhere"));
    for left in ["2", "1", "0"] {
        let answer = ask().await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (404, left));
        assert_eq!(answer.header("x-ratelimit-tier"), "unauthenticated");
    }
    assert_eq!(ask().await.status, 429);
    // Guessing keys is counted the same way.
    let wrong = format!("gnr_live_{}", "0".repeat(40));
    assert_eq!(Answer::of(app.request_as(&wrong, Method::GET, "/v1/nowhere")).await.status, 429);
    assert_eq!(app.get("/v1/nowhere").await.status, 404, "a key that holds has its own limits");
}

#[tokio::test]
async fn an_account_has_ten_times_a_keys_limits_over_all_its_keys() {
    let app = TestApp::with(Options::limited(Tier::Pro, standard(3, 0))).await;
    let mut keys = Vec::new();
    for _ in 0..9 {
        keys.push(app.key_with(Scopes::Full).await);
    }
    keys.push(app.account.key.clone());
    room_in_the_minute(15).await;
    let mut passed = 0;
    for key in &keys {
        for _ in 0..4 {
            let answer = Answer::of(app.request_as(key, Method::GET, "/v1/nowhere")).await;
            passed += u32::from(answer.status == 404);
        }
    }
    // Ten keys with three each are all of it: a fresh key in the place of an old one has nothing left.
    assert_eq!(passed, 30);
    app.core.revoke_key_by_operator(app.account.id, app.account.key_id).await.unwrap();
    let fresh = app.key_with(Scopes::Full).await;
    let refused = Answer::of(app.request_as(&fresh, Method::GET, "/v1/nowhere")).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (429, "30"));
    assert!(refused.json()["detail"].as_str().unwrap().contains("account"));
}

/// The four headers of an answer, each of which has to be there.
#[track_caller]
fn limits_of(answer: &Answer, what: &str) -> [String; 4] {
    ["limit", "remaining", "reset", "tier"].map(|name| {
        let value = answer.header(&format!("x-ratelimit-{name}"));
        assert!(!value.is_empty(), "{what} ({}) does not say its {name}", answer.status);
        value.to_owned()
    })
}

#[tokio::test]
async fn every_answer_of_every_dialect_says_how_the_limits_stand() {
    let limits = RateLimits { unauthenticated_per_minute: 100, ..standard(100, 0) };
    let app = TestApp::with(Options::limited(Tier::Pro, limits)).await;
    let narrow = app.key_with(Scopes::only([Scope::ModelsRead])).await;
    let wrong = format!("gnr_live_{}", "0".repeat(40));
    let dialects = [
        ["/v1/account/credits", "/v1/nowhere", "/v1/images/generations"],
        ["/api/v1/credits/balance", "/api/v1/nowhere", "/api/v1/generators/ad-copy/generate"],
        ["/api/v1/tasks/x", "/api/v1/tasks", "/api/v1/generate"],
    ];
    for [read, nowhere, write] in dialects {
        let large = app.request(Method::POST, write).header("Content-Type", "application/json");
        let mut seen = Vec::new();
        for (what, request) in [
            ("a read", app.request(Method::GET, read)),
            ("nowhere", app.request(Method::GET, nowhere)),
            ("a wrong method", app.request(Method::PATCH, write)),
            ("no JSON", app.request(Method::POST, write).header("Content-Type", "application/json").body("{")),
            ("another type", app.request(Method::POST, write).header("Content-Type", "text/plain").body("x")),
            ("too large", large.body(vec![b' '; (1 << 20) + 1])),
            ("too little scope", app.request_as(&narrow, Method::GET, read)),
            ("no key", app.anonymous(Method::GET, read)),
            ("a wrong key", app.request_as(&wrong, Method::GET, read)),
            ("no such scheme", app.anonymous(Method::GET, read).header("Authorization", "Basic eDp5")),
        ] {
            let answer = Answer::of(request).await;
            let [_, remaining, reset, tier] = limits_of(&answer, &format!("{what} at {read}"));
            assert!(remaining.parse::<u32>().is_ok() && reset.parse::<u64>().is_ok_and(|reset| reset % 60 == 0));
            let known = !["no key", "a wrong key", "no such scheme"].contains(&what);
            assert_eq!(tier, if known { "pro" } else { "unauthenticated" }, "{what} at {read}");
            seen.push(answer.status);
        }
        assert_eq!(seen[2..6], [405, if nowhere.ends_with("tasks") { 422 } else { 400 }, 415, 413], "{read}");
        assert_eq!(seen[6..], [403, 401, 401, 401], "{read}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_says_how_many_attempts_remain() {
    let app = TestApp::with(Options::limited(Tier::Pro, RateLimits { sign_ins_per_minute: 2, ..standard(9, 0) })).await;
    room_in_the_minute(10).await;
    let wrong = json!({"grant_type": "client_credentials", "client_id": "gfo_oauth_1", "client_secret": "x"});
    for (status, remaining) in [(401, "1"), (401, "0"), (429, "0")] {
        let answer = Answer::of(app.anonymous(Method::POST, "/v1/oauth/token").json(&wrong)).await;
        let [limit, left, _, tier] = limits_of(&answer, "a wrong secret");
        assert_eq!((answer.status, limit.as_str(), left.as_str()), (status, "2", remaining));
        assert_eq!(tier, "unauthenticated");
    }
    let malformed = Answer::of(app.anonymous(Method::POST, "/v1/oauth/token").json(&json!({}))).await;
    assert_eq!((malformed.status, limits_of(&malformed, "no grant")[0].as_str()), (400, "10"));
}

/// Who cannot reach where requests are counted.
struct CutOff;

#[async_trait]
impl RateLimiter for CutOff {
    async fn take(&self, _counters: &[Counter], _now: Timestamp) -> Result<Verdict, Uncounted> {
        Err(Uncounted("cut off by the test".into()))
    }

    async fn look(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted> {
        self.take(counters, now).await
    }
}

#[tokio::test]
async fn where_nobody_can_count_nothing_passes() {
    let app = TestApp::with(Options::limited(Tier::Pro, standard(100, 0))).await;
    let mut state = app.state.clone();
    state.limiter = Arc::new(CutOff);
    let router = mintmark_api_rest::router(state);
    for (path, code) in [
        ("/v1/account/credits", "/code"),
        ("/api/v1/credits/balance", "/error/code"),
        ("/api/v1/tasks/x", "/error/code"),
    ] {
        let request = Request::builder().uri(path).header("Authorization", format!("Bearer {}", app.account.key));
        let response = tower::ServiceExt::oneshot(router.clone(), request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 503, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!((header("retry-after"), header("x-ratelimit-tier")), ("1".into(), "pro".into()));
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(body.pointer(code).is_some(), "{body}");
        assert!(!body.to_string().contains("cut off"), "{body}");
    }
}

/// Waits for the next minute where this one is nearly over.
async fn room_in_the_minute(seconds: u64) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    if 60 - now % 60 < seconds {
        tokio::time::sleep(Duration::from_secs(61 - now % 60)).await;
    }
}
