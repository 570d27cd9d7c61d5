//! GraphQL counts as the REST dialects do, on the same counters.

use std::collections::BTreeMap;
use std::time::Duration;

use mintmark_api_graphql::LIMITS;
use mintmark_api_rest::http::limits::{Quota, RateLimits};
use mintmark_domain::account::Tier;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{ask, code, data, start, with};
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

fn repeated(count: usize, field: &str) -> String {
    (0..count).map(|at| format!("f{at}: {field}")).collect::<Vec<_>>().join(" ")
}

/// A document with so many mutations.
fn teams(count: usize) -> Value {
    json!({"query": format!("mutation {{ {} }}", repeated(count, "createTeam(name: \"Us\") { name }"))})
}

#[tokio::test]
async fn each_mutation_of_a_document_counts_as_a_request() {
    let app = limited(4).await;
    let made = Answer::of(app.request(Method::POST, "/graphql").json(&teams(3))).await.json_of(200);
    assert_eq!(data(&made).as_object().unwrap().len(), 3);
    assert_eq!(post(&app).await.header("x-ratelimit-remaining"), "0", "three that were done, one asked");
}

#[tokio::test]
async fn a_mutation_over_the_limit_is_not_done_and_those_before_it_are() {
    let app = limited(3).await;
    let answer = Answer::of(app.request(Method::POST, "/graphql").json(&teams(5))).await.json_of(200);
    assert_eq!(answer["data"], json!({"f0": {"name": "Us"}, "f1": {"name": "Us"}, "f2": {"name": "Us"}}));
    for (error, path) in answer["errors"].as_array().unwrap().iter().zip(["f3", "f4"]) {
        assert_eq!((&error["path"], &error["extensions"]["code"]), (&json!([path]), &json!("RATE_LIMITED")));
        let seconds = error["extensions"]["retryAfterSeconds"].as_u64().unwrap();
        assert!((1..=60).contains(&seconds), "{error}");
    }
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
    app.caught_up().await;
    let kept = app.reads.team_page(app.account.id, &mintmark_projections::Paging::first(10)).await.unwrap();
    assert_eq!(kept.items.len(), 3);
}

#[tokio::test]
async fn over_a_websocket_each_mutation_counts_too() {
    let app = limited(5).await;
    let mut socket = Socket::of(&app, &app.account.key).await;
    socket.ask("a", teams(3)["query"].as_str().unwrap()).await;
    assert_eq!(socket.hear().await["payload"]["data"].as_object().unwrap().len(), 3);
    assert_eq!(post(&app).await.header("x-ratelimit-remaining"), "0", "one for the connection, three done, one asked");
}

#[tokio::test]
async fn a_document_with_too_many_mutations_or_subscriptions_is_not_begun() {
    let app = start().await;
    let many = teams(LIMITS.mutations + 1);
    let refused = Answer::of(app.request(Method::POST, "/graphql").json(&many)).await.json_of(200);
    assert_eq!((code(&refused), refused.get("data")), ("QUERY_TOO_COMPLEX", None));
    let message = refused["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains(&format!("at most {} mutations", LIMITS.mutations)), "{message}");
    let none = ask(&app, "{ teams { edges { cursor } } }", Value::Null).await;
    assert_eq!(data(&none)["teams"]["edges"], json!([]));
    let mut socket = Socket::of(&app, &app.account.key).await;
    let listen = format!("subscription {{ {} }}", repeated(2, "walletUpdates { type }"));
    for (id, query) in [("a", listen.as_str()), ("b", many["query"].as_str().unwrap())] {
        socket.ask(id, query).await;
        let refused = socket.hear().await;
        assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!(id)), "{refused}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
    }
}

#[tokio::test]
async fn what_one_document_may_ask_of_the_database_is_bounded_however_little_of_it_is_shown() {
    let app = limited(100).await;
    for (field, most) in [
        ("publicFeed(first: 1) { __typename }", 100),
        ("searchCreations(query: \"x\", first: 1) { __typename }", 9),
        ("user(username: \"nobody\") { __typename }", 500),
        ("creation(number: 1) { __typename }", 500),
    ] {
        for (count, expected) in [(most, ""), (most + 1, "QUERY_TOO_COMPLEX")] {
            let query = json!({"query": format!("{{ {} }}", repeated(count, field))});
            let answer = Answer::of(app.anonymous(Method::POST, "/graphql").json(&query)).await.json_of(200);
            assert_eq!(code(&answer), expected, "{count} {field}");
        }
    }
}

#[tokio::test]
async fn a_document_asks_the_database_for_a_few_things_at_once_and_all_are_answered() {
    const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessShareLock' \
                           AND relation = 'read_generation_v3.creations'::regclass";
    let app = start().await;
    let boat = r#"createRun(input: {model: "image.nano_banana_2", prompt: "A boat", private: false}) { replayed }"#;
    data(&ask(&app, &format!("mutation {{ {} }}", repeated(3, boat)), Value::Null).await);
    app.caught_up().await;
    let node = "edges { node { prompt commentCount rating { count } comments(first: 1) { edges { cursor } } } }";
    let lists = repeated(3 * LIMITS.reads, &format!("publicFeed(first: 5) {{ {node} }}"));
    let query = format!("{{ {lists} }}");
    let mut lock = app.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE read_generation_v3.creations IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let waiting = async {
        let (mut most, mut seen) = (0, 0);
        // For a while longer than it takes until the first of them wait.
        while seen < 20 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            let now: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut *lock).await.unwrap();
            most = now.max(most);
            seen += i32::from(most > 0);
        }
        lock.rollback().await.unwrap();
        most
    };
    let (answer, most) = tokio::join!(ask(&app, &query, Value::Null), waiting);
    assert_eq!(usize::try_from(most).unwrap(), LIMITS.reads);
    let feeds = data(&answer).as_object().unwrap();
    assert_eq!(feeds.len(), 3 * LIMITS.reads);
    for feed in feeds.values() {
        let prompts: Vec<&Value> =
            feed["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]["prompt"]).collect();
        assert_eq!(prompts, [&json!("A boat"); 3]);
    }
}
