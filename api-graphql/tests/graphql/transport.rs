//! GraphQL over HTTP: methods, media types, statuses, bodies.

use mintmark_domain::Credits;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWN, code, data, start};
use crate::support::{Answer, TestApp};

async fn get(app: &TestApp, query: &str, accept: &str) -> Answer {
    let request = app.request(Method::GET, "/graphql").query(&[("query", query)]);
    Answer::of(request.header("Accept", accept)).await
}

async fn post(app: &TestApp, content_type: &str, body: &str) -> Answer {
    let request = app.request(Method::POST, "/graphql").header("Content-Type", content_type);
    Answer::of(request.body(body.to_owned())).await
}

#[tokio::test]
async fn a_query_is_answered_by_get_and_a_mutation_is_not() {
    let app = start().await;
    let answer = get(&app, "{ wallet { available } }", "application/json").await;
    assert_eq!(data(&answer.json_of(200))["wallet"]["available"], "100000");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("x-request-id").is_empty());
    let mutation = r#"mutation { createRun(input: {model: "image.nano_banana_2", prompt: "A boat"}) { replayed } }"#;
    for refused in [mutation, "subscription { walletUpdates { type } }"] {
        let answer = get(&app, refused, "application/json").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
        assert_eq!(code(&answer.json()), "METHOD_NOT_ALLOWED");
    }
    assert_eq!(app.available().await, Credits::whole(100_000), "nothing was run");
    let put = Answer::of(app.request(Method::PUT, "/graphql")).await;
    assert_eq!((put.status, code(&put.json())), (405, "METHOD_NOT_ALLOWED"));
    let empty = get(&app, "", "application/json").await;
    assert_eq!((empty.status, code(&empty.json())), (400, "BAD_REQUEST"));
}

#[tokio::test]
async fn what_is_not_one_request_as_json_is_refused_with_a_status_and_a_code() {
    let app = start().await;
    let query = r#"{"query": "{ __typename }"}"#;
    assert_eq!(data(&post(&app, "application/json; charset=utf-8", query).await.json_of(200))["__typename"], "Query");
    for (content_type, body, status) in [
        ("text/plain", query, 415),
        ("application/graphql", "{ __typename }", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        ("application/json; charset=latin1", query, 415),
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("application/json", "{}", 400),
        ("application/json", r#"{"query": 1}"#, 400),
        ("application/json", r#"{"query": "{ __typename }", "variables": 1}"#, 400),
        ("application/json", r#"[{"query": "{ __typename }"}]"#, 400),
    ] {
        let answer = post(&app, content_type, body).await;
        assert_eq!((answer.status, code(&answer.json())), (status, "BAD_REQUEST"), "{content_type} {body}");
    }
    let large = format!(r#"{{"query": "{{ __typename }}", "x": "{}"}}"#, "x".repeat(1 << 20));
    let answer = post(&app, "application/json", &large).await;
    assert_eq!((answer.status, code(&answer.json())), (413, "BAD_REQUEST"));
}

#[tokio::test]
async fn the_status_tells_under_graphql_s_own_media_type_only() {
    let app = start().await;
    for (query, own, expected) in [
        ("{ __typename }", 200, ""),
        ("{ __typename", 400, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("query a { __typename } query b { __typename }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("{ runs(first: 0) { edges { cursor } } }", 200, "BAD_USER_INPUT"),
    ] {
        let answer = get(&app, query, OWN).await;
        assert_eq!((answer.status, answer.header("content-type")), (own, OWN), "{query}");
        let body: Value = answer.json();
        assert_eq!(code(&body), expected, "{body}");
        assert_eq!(body.get("data").is_none(), own == 400, "data is there where something was executed: {body}");
        for accept in ["application/json", "*/*"] {
            let answer = get(&app, query, accept).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{query}");
            assert_eq!(code(&answer.json()), expected);
        }
    }
}

#[tokio::test]
async fn a_browser_gets_graphiql_with_all_its_files_from_here() {
    let app = start().await;
    for path in ["/graphql", "/graphiql"] {
        let page = Answer::of(app.anonymous(Method::GET, path).header("Accept", "text/html,*/*;q=0.8")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.header("content-security-policy").contains("default-src 'none'; script-src 'self';"));
        let text = String::from_utf8(page.bytes.to_vec()).unwrap();
        assert!(!text.contains("//"), "nothing from elsewhere: {text}");
        let files: Vec<&str> = text.split('"').filter(|part| part.starts_with("/graphiql/")).collect();
        assert_eq!(files.len(), 6);
        for file in files {
            let answer = Answer::of(app.anonymous(Method::GET, file)).await;
            assert_eq!((answer.status, answer.header("x-content-type-options")), (200, "nosniff"), "{file}");
            assert!(answer.header("cache-control").contains("immutable"));
            let kind = if file.ends_with(".css") { "text/css" } else { "text/javascript" };
            assert!(answer.header("content-type").starts_with(kind), "{file}");
        }
    }
    let other = Answer::of(app.anonymous(Method::GET, "/graphiql/0/start.js")).await;
    assert_eq!((other.status, other.header("cache-control")), (200, "no-store"));
    for nothing in ["/graphiql/0/nothing.js", "/graphiql/%FF/start.js"] {
        assert_eq!(Answer::of(app.anonymous(Method::GET, nothing)).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_mutation_whose_caller_hangs_up_is_not_left_half_done() {
    use tokio::io::AsyncWriteExt as _;
    let app = start().await;
    let address = app.base_url.strip_prefix("http://").unwrap();
    let query = r#"mutation { createRun(input: {model: "image.nano_banana_2", prompt: "A boat"}) { run { id } } }"#;
    let body = json!({ "query": query }).to_string();
    for patience_ms in [0, 1, 2, 4, 8, 16, 32, 64] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            app.account.key,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        // Some are gone before they are heard, some while they are decided or drawn.
        tokio::time::sleep(std::time::Duration::from_millis(patience_ms)).await;
        drop(stream);
    }
    // Each was read whole or not at all; of those that were, none stays open.
    crate::app::ask(&app, "{ __typename }", Value::Null).await;
    for _ in 0..600 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let seen = crate::app::ask(&app, "{ wallet { held } runs { edges { node { status } } } }", Value::Null).await;
        let runs = seen["data"]["runs"]["edges"].as_array().unwrap().clone();
        if !runs.is_empty() && runs.iter().all(|run| run["node"]["status"] == "SUCCEEDED") {
            assert_eq!(seen["data"]["wallet"]["held"], "0");
            return;
        }
    }
    let seen = crate::app::ask(&app, "{ wallet { held } runs { edges { node { id status } } } }", Value::Null).await;
    panic!("a run did not end: {seen}");
}
