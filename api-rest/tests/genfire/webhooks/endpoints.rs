//! Endpoints: as printed, judged, bounded, and their owner's alone.

use http::Method;
use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use crate::shape::Example;
use crate::support::{Answer, TestApp};

const WEBHOOKS: &str = "/v1/webhooks";

async fn patch(app: &TestApp, id: &Value, body: &Value) -> Answer {
    Answer::of(app.request(Method::PATCH, &format!("{WEBHOOKS}/{}", id.as_str().unwrap())).json(body)).await
}

#[tokio::test]
async fn an_endpoint_is_made_listed_changed_and_deleted_as_printed() {
    let app = TestApp::start().await;
    let example = Example::named("webhooks_create");
    let answer = app.post(WEBHOOKS, &example.request).await;
    let made = answer.json_of(201);
    example.assert_shape_of(&answer.bytes, &[]);
    let secret = made["signing_secret"].as_str().unwrap();
    assert!(secret.starts_with("gfwsec_") && secret.len() == 7 + 44, "{secret}");
    let preview = format!("gfwsec_{}...{}", &secret[7..11], &secret[secret.len() - 4..]);
    assert_eq!(made["signing_secret_preview"], preview);
    let answer = app.get(WEBHOOKS).await;
    Example::named("webhooks").assert_shape_of(&answer.bytes, &[]);
    let listed = &answer.json_of(200)["data"][0];
    assert_eq!((&listed["id"], &listed["signing_secret_preview"]), (&made["id"], &json!(preview)));
    assert!(listed.get("signing_secret").is_none(), "shown once");
    let example = Example::named("webhook_update");
    let answer = patch(&app, &made["id"], &example.request).await;
    let off = answer.json_of(200);
    example.assert_shape_of(&answer.bytes, &["+disabled_reason"]);
    assert_eq!((&off["status"], &off["disabled_reason"]), (&json!("disabled"), &json!("owner")));
    let on = patch(&app, &made["id"], &json!({"status": "active", "description": null})).await.json_of(200);
    assert_eq!((&on["status"], &on["description"]), (&json!("active"), &Value::Null));
    let change = json!({"url": "https://example.com/other", "events": ["batch.failed", "run.completed"]});
    let moved = patch(&app, &made["id"], &change).await.json_of(200);
    assert_eq!(moved["url"], "https://example.com/other");
    assert_eq!(moved["events"], json!(["run.completed", "batch.failed"]));
    assert_eq!(moved["created_at"], made["created_at"]);
    assert_eq!(patch(&app, &made["id"], &json!({})).await.json_of(200), moved, "nothing said, nothing changed");
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    let gone = Answer::of(app.request(Method::DELETE, &path)).await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    assert_eq!(Answer::of(app.request(Method::DELETE, &path)).await.json_of(404)["code"], "not_found");
    assert_eq!(app.get(WEBHOOKS).await.json_of(200)["data"], json!([]));
}

#[tokio::test]
async fn where_nothing_is_said_runs_are_told() {
    let app = TestApp::start().await;
    let made = app.post(WEBHOOKS, &json!({"url": "https://example.com/"})).await.json_of(201);
    assert_eq!((&made["events"], &made["description"]), (&json!(["run.completed", "run.failed"]), &Value::Null));
}

#[tokio::test]
async fn of_two_changes_at_once_both_are_kept() {
    let app = TestApp::start().await;
    let made = app.post(WEBHOOKS, &json!({"url": "https://example.com/"})).await.json_of(201);
    for round in 0..20 {
        let (url, description) = (format!("https://example.com/{round}"), format!("number {round}"));
        let (address, label) = (json!({"url": url}), json!({"description": description}));
        let (one, other) = tokio::join!(patch(&app, &made["id"], &address), patch(&app, &made["id"], &label));
        assert_eq!(
            (one.json_of(200)["url"].clone(), other.json_of(200)["description"].clone()),
            (json!(url), json!(description))
        );
        let shown = &app.get(WEBHOOKS).await.json_of(200)["data"][0];
        assert_eq!((&shown["url"], &shown["description"]), (&json!(url), &json!(description)));
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_is_allowed() {
    let app = TestApp::start().await;
    let said = async |body: Value| {
        let problem = app.post(WEBHOOKS, &body).await.json_of(400);
        format!("{}: {}", problem["code"].as_str().unwrap(), problem["detail"].as_str().unwrap())
    };
    assert!(said(json!({})).await.contains("url is required"));
    for (url, code) in [
        ("http://example.org/", "invalid_url"),
        ("https://10.0.0.1/", "forbidden_url"),
        ("https://localhost/", "forbidden_url"),
        ("not a url", "invalid_url"),
        ("https://user:secret@example.org/", "invalid_url"),
    ] {
        let said = said(json!({"url": url})).await;
        assert!(said.starts_with(&format!("{code}: url")), "{url}: {said}");
    }
    let url = "https://example.com/";
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    assert!(said(json!({"url": long})).await.contains("2048"));
    let events = said(json!({"url": url, "events": ["run.completed", "run.exploded"]})).await;
    assert!(events.contains("events[1]") && events.contains("batch.partial, batch.failed"), "{events}");
    assert!(said(json!({"url": url, "events": []})).await.contains("at least one"));
    assert!(said(json!({"url": url, "events": "run.completed"})).await.contains("events must be an array"));
    assert!(said(json!({"url": url, "description": "x".repeat(501)})).await.contains("500"));
    let made = app.post(WEBHOOKS, &json!({"url": url})).await.json_of(201);
    let problem = patch(&app, &made["id"], &json!({"status": "paused"})).await.json_of(400);
    assert!(problem["detail"].as_str().unwrap().contains("active, disabled"), "{problem}");
    patch(&app, &made["id"], &json!({"url": "https://192.168.0.1/"})).await.json_of(400);
    patch(&app, &made["id"], &json!({"events": []})).await.json_of(400);
}

#[tokio::test]
async fn an_account_has_at_most_twenty_endpoints_however_it_asks() {
    let app = TestApp::start().await;
    let body = json!({"url": "https://example.com/"});
    let asked = (0..25).map(|_| app.post(WEBHOOKS, &body));
    let answers = futures::future::join_all(asked).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 20);
    let refused = answers.iter().find(|answer| answer.status != 201).unwrap().json_of(400);
    assert_eq!(refused["code"], "too_many");
    assert!(refused["detail"].as_str().unwrap().contains("20"));
    let first = app.get(WEBHOOKS).await.json_of(200)["data"][0]["id"].clone();
    let path = format!("{WEBHOOKS}/{}", first.as_str().unwrap());
    Answer::of(app.request(Method::DELETE, &path)).await;
    app.post(WEBHOOKS, &body).await.json_of(201);
}

#[tokio::test]
async fn anothers_endpoint_is_not_found() {
    let app = TestApp::start().await;
    let made = app.post(WEBHOOKS, &json!({"url": "https://example.com/"})).await.json_of(201);
    let other = app.register(Tier::Unlimited, 0).await;
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    for (method, path) in [
        (Method::PATCH, path.as_str()),
        (Method::DELETE, path.as_str()),
        (Method::DELETE, "/v1/webhooks/wh_nothing"),
        (Method::POST, "/v1/webhooks/deliveries/delivery_nothing/replay"),
    ] {
        let request = app.request_as(&other.key, method.clone(), path);
        let request = if method == Method::PATCH { request.json(&json!({"status": "disabled"})) } else { request };
        Answer::of(request).await.json_of(404);
    }
    let request = app.request_as(&other.key, Method::GET, WEBHOOKS);
    assert_eq!(Answer::of(request).await.json_of(200)["data"], json!([]));
}

#[tokio::test]
async fn neither_address_nor_secret_is_in_the_log() {
    let app = TestApp::start().await;
    let body = json!({"url": "https://example.com/very-private", "description": "the painter"});
    let made = app.post(WEBHOOKS, &body).await.json_of(201);
    let id: mintmark_domain::ids::WebhookEndpointId = made["id"].as_str().unwrap().parse().unwrap();
    let aggregate = mintmark_domain::es::AggregateType::named("webhook_endpoint");
    let events = app.events_of(mintmark_domain::es::StreamId { aggregate, id: id.0 }).await;
    assert_eq!(events.len(), 1);
    for private in ["very-private", "painter", &made["signing_secret"].as_str().unwrap()[7..]] {
        assert!(!events[0].payload.contains(private), "{}", events[0].payload);
    }
}
