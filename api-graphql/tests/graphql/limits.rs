//! GraphQL counts as the REST dialects do, on the same counters.

use std::collections::BTreeMap;
use std::time::Duration;

use mintmark_api_rest::http::limits::{Quota, RateLimits};
use mintmark_domain::account::Tier;
use reqwest::Method;
use serde_json::json;

use crate::app::{code, with};
use crate::socket::Socket;
use crate::support::{Answer, Options, TestApp};

async fn limited(minute: u32) -> TestApp {
    let tiers = BTreeMap::from([(Tier::Pro.as_str(), Quota::per_minute(minute))]);
    let app = with(Options::limited(Tier::Pro, RateLimits { tiers, ..RateLimits::default() })).await;
    // A minute that is nearly over would begin anew between two requests.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    if 60 - now % 60 < 15 {
        tokio::time::sleep(Duration::from_secs(61 - now % 60)).await;
    }
    app
}

async fn post(app: &TestApp) -> Answer {
    Answer::of(app.request(Method::POST, "/graphql").json(&json!({"query": "{ __typename }"}))).await
}

#[tokio::test]
async fn requests_count_with_those_of_the_dialects_and_say_how_the_limits_stand() {
    let app = limited(4).await;
    for remaining in ["3", "2"] {
        let answer = post(&app).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, "4"));
        assert_eq!((answer.header("x-ratelimit-remaining"), answer.header("x-ratelimit-tier")), (remaining, "pro"));
    }
    assert_eq!(app.get("/v1/nowhere").await.header("x-ratelimit-remaining"), "1");
    let got = Answer::of(app.request(Method::GET, "/graphql").query(&[("query", "{ __typename }")])).await;
    assert_eq!((got.status, got.header("x-ratelimit-remaining")), (200, "0"));
    let refused = post(&app).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (429, "0"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    let body = refused.json();
    assert_eq!((code(&body), &body["errors"][0]["extensions"]["retryAfterSeconds"]), ("RATE_LIMITED", &json!(seconds)));
    assert!((1..=60).contains(&seconds));
}

#[tokio::test]
async fn whoever_has_no_key_is_counted_by_address() {
    let app = limited(100).await;
    let wrong = format!("gnr_live_{}", "0".repeat(40));
    for at in 0..15 {
        let request = match at % 2 {
            0 => app.anonymous(Method::POST, "/graphql"),
            _ => app.request_as(&wrong, Method::POST, "/graphql"),
        };
        let answer = Answer::of(request.json(&json!({"query": "{ __typename }"}))).await;
        assert_eq!(answer.status, if at % 2 == 0 { 200 } else { 401 });
    }
    let answer = Answer::of(app.anonymous(Method::POST, "/graphql").json(&json!({"query": "{ __typename }"}))).await;
    assert_eq!((answer.status, code(&answer.json())), (429, "RATE_LIMITED"));
    let mut nobody = Socket::open(&app).await;
    nobody.init(None).await;
    assert_eq!(nobody.closed().await.0, 1013, "a WebSocket is no way around it");
    assert_eq!(post(&app).await.status, 200, "a key that holds has its own limits");
}

#[tokio::test]
async fn a_websocket_counts_once_for_who_it_is_and_once_for_each_operation() {
    let app = limited(4).await;
    let mut socket = Socket::of(&app, &app.account.key).await;
    for id in ["a", "b"] {
        socket.ask(id, "{ __typename }").await;
        assert_eq!(socket.hear().await["type"], "next");
        assert_eq!(socket.hear().await["type"], "complete");
    }
    assert_eq!(post(&app).await.header("x-ratelimit-remaining"), "0", "one for the connection, two asked, one posted");
    socket.ask("c", "{ __typename }").await;
    let refused = socket.hear().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("c")));
    let extensions = &refused["payload"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED");
    assert!(extensions["retryAfterSeconds"].as_u64().unwrap() > 0);
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.hear().await["type"], "pong", "the connection goes on");
    let mut second = Socket::open(&app).await;
    second.init(Some(&app.account.key)).await;
    assert_eq!(second.closed().await.0, 1013);
}

#[tokio::test]
async fn an_offer_of_another_protocol_is_no_websocket_so_it_is_let_in_and_counted_as_any_request() {
    let app = limited(4).await;
    let offering = |request: reqwest::RequestBuilder, protocol: &str| {
        let request = request.header("Connection", "Upgrade, HTTP2-Settings").header("Upgrade", protocol);
        request.header("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")
    };
    let query = json!({"query": "{ wallet { available } }"});
    // What curl and Java's client offer; and a WebSocket is opened by GET alone.
    for (protocol, remaining) in [("h2c", "3"), ("websocket", "2")] {
        let answer = Answer::of(offering(app.request(Method::POST, "/graphql"), protocol).json(&query)).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, remaining), "{protocol}");
        assert_eq!(crate::app::data(&answer.json())["wallet"]["available"], "100000", "the key counts");
    }
    let got = app.request(Method::GET, "/graphql").query(&[("query", "{ wallet { available } }")]);
    let got = Answer::of(offering(got, "h2c")).await;
    assert_eq!((got.status, got.header("x-ratelimit-remaining")), (200, "1"));
    let nobody = app.anonymous(Method::POST, "/graphql").json(&json!({"query": "{ __typename }"}));
    let answer = Answer::of(offering(nobody, "h2c")).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, "14"));
    assert_eq!(answer.header("x-ratelimit-tier"), "unauthenticated");
}
