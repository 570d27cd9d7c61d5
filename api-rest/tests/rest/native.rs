//! Our own routes: health, metrics, documents, files.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request};
use mintmark_api_rest::{HealthSource, PartHealth};
use mintmark_domain::account::Tier;
use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::catalog::{Ask, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::run::{Inputs, Surface};
use mintmark_domain::usecases::{Caller, CreationChange, RunRequest};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

#[tokio::test]
async fn health_and_metrics_answer_whoever_asks() {
    let app = TestApp::start().await;
    let plain = |path: &'static str| Answer::of(app.anonymous(Method::GET, path));
    assert_eq!(plain("/healthz").await.json_of(200), json!({"status": "ok"}));
    let ready = plain("/readyz").await.json_of(200);
    assert_eq!((&ready["status"], &ready["parts"][0]["name"]), (&json!("ready"), &json!("log")));
    let metrics = plain("/metrics").await;
    assert_eq!(metrics.bytes, "up 1\n");
    assert!(metrics.header("content-type").starts_with("text/plain"));
}

struct Stopped;

#[async_trait::async_trait]
impl HealthSource for Stopped {
    async fn check(&self) -> Vec<PartHealth> {
        vec![PartHealth { name: "projection wallets/0".into(), ready: false, detail: "stopped at 7".into() }]
    }
}

struct Silent;

#[async_trait::async_trait]
impl HealthSource for Silent {
    async fn check(&self) -> Vec<PartHealth> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn one_part_that_is_not_ready_or_does_not_answer_makes_it_503() {
    let app = TestApp::start().await;
    let sources: [(Arc<dyn HealthSource>, &str); 2] =
        [(Arc::new(Stopped), "projection wallets/0"), (Arc::new(Silent), "checks")];
    for (source, name) in sources {
        let mut state = app.state.clone();
        state.health = Arc::from([source]);
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(mintmark_api_rest::router(state), request).await.unwrap();
        assert_eq!(response.status(), 503);
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["status"], &body["parts"][0]["name"]), (&json!("not_ready"), &json!(name)));
    }
}

#[tokio::test]
async fn each_dialect_has_a_document_that_lists_what_its_routes_can_answer() {
    let app = TestApp::start().await;
    for path in ["/v1/openapi.json", "/api/v1/openapi.json", "/api/v1/girlgenerator/openapi.json"] {
        let document = Answer::of(app.anonymous(Method::GET, path)).await.json_of(200);
        assert_eq!(document["openapi"], "3.1.0", "{path}");
        for (route, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                for status in ["401", "405", "429", "500", "503"] {
                    assert!(responses.contains_key(status), "{path} {method} {route} {status}");
                }
            }
        }
        unresolved(&document, &document, path);
    }
    let document = app.get("/api/v1/girlgenerator/openapi.json").await.json();
    let statuses: Vec<&String> =
        document["paths"]["/api/v1/generate"]["post"]["responses"].as_object().unwrap().keys().collect();
    let mut statuses: Vec<&str> = statuses.into_iter().map(String::as_str).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["201", "401", "403", "405", "408", "409", "413", "415", "422", "429", "500", "503"]);
}

/// Every reference leads somewhere.
fn unresolved(document: &Value, part: &Value, path: &str) {
    match part {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&reference[1..]).is_some(), "{path}: {reference}");
            }
            fields.values().for_each(|field| unresolved(document, field, path));
        }
        Value::Array(items) => items.iter().for_each(|item| unresolved(document, item, path)),
        _ => {}
    }
}

#[tokio::test]
async fn the_documents_can_be_read_on_one_page_that_loads_nothing() {
    let app = TestApp::start().await;
    let page = Answer::of(app.anonymous(Method::GET, "/docs")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    let text = String::from_utf8(page.bytes.to_vec()).unwrap();
    for part in ["/api/v1/generate", "aspect_ratio", "/api/v1/tasks/{task_id}", "openapi.json"] {
        assert!(text.contains(part), "{part}");
    }
    for loads in ["<script", "src=", "http://", "https://", "@import", "<link"] {
        assert!(!text.contains(loads), "{loads}");
    }
}

/// A finished public picture of the first account: its number and its file's path.
async fn public_picture(app: &TestApp) -> (u64, String) {
    let account = &app.account;
    let caller = Caller {
        account: account.id,
        user_id: account.user_id,
        acts_with: mintmark_domain::account::ActsWith::Key(account.key_id),
        scopes: Scopes::Full,
        tier: Tier::Unlimited,
        surface: Surface::Generor,
        request_id: "r".into(),
        traceparent: String::new(),
    };
    let model = app.core.catalog.offered_in(Dialect::GirlGenerator).next().unwrap();
    let request = RunRequest {
        team: None,
        dialect: Dialect::GirlGenerator,
        model: model.name_in(Dialect::GirlGenerator).unwrap(),
        ask: Ask::prompt(5),
        inputs: Inputs { prompt: "a cat".into(), ..Inputs::default() },
        generator: None,
        preference: None,
        preference_two: None,
        privacy: Privacy::Public,
        route: "POST /test".into(),
        operation: "test".into(),
        scope: Scope::ImagesWrite,
        workflow: None,
        idempotency: None,
    };
    let accepted = app.core.accept_run(&caller, request).await.unwrap();
    assert!(app.core.dispatch.ended(accepted.run_id, std::time::Duration::from_secs(20)).await);
    let view = app.core.run_view(account.id, accepted.run_id).await.unwrap();
    let Some(mintmark_domain::creation::Output::Asset { key, .. }) = view.creations[0].creation.output() else {
        panic!("{view:?}")
    };
    (view.creations[0].number, format!("/{key}"))
}

async fn change(app: &TestApp, number: u64, change: CreationChange) {
    let credential = mintmark_domain::usecases::Credential::api_key(&app.account.key).unwrap();
    let caller = app.core.authenticate(&credential, Surface::Generor, "r".into(), String::new()).await.unwrap();
    app.core.change_creation(&caller, number, change).await.unwrap();
}

#[tokio::test]
async fn a_public_file_has_a_stable_address_and_is_served_in_parts() {
    let app = TestApp::start().await;
    let (number, path) = public_picture(&app).await;
    assert!(path.starts_with(&format!("/users/{}/img/image-{number}.", app.account.user_id)), "{path}");
    let whole = Answer::of(app.anonymous(Method::GET, &path)).await;
    assert_eq!(whole.status, 200);
    assert!(whole.header("content-type").starts_with("image/"));
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("cache-control").starts_with("public"));
    assert_eq!(whole.header("content-length"), whole.bytes.len().to_string());
    let head = Answer::of(app.anonymous(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), whole.bytes.len().to_string());

    let part = Answer::of(app.anonymous(Method::GET, &path).header("Range", "bytes=10-19")).await;
    assert_eq!((part.status, &part.bytes[..]), (206, &whole.bytes[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", whole.bytes.len()));
    let outside = Answer::of(app.anonymous(Method::GET, &path).header("Range", "bytes=99999999-")).await;
    assert_eq!(outside.status, 416);
    assert_eq!(outside.header("content-range"), format!("bytes */{}", whole.bytes.len()));
    let known = app.anonymous(Method::GET, &path).header("If-None-Match", whole.header("etag"));
    let known = Answer::of(known).await;
    assert_eq!((known.status, known.bytes.len()), (304, 0));
    // Its own address only: not another owner's, kind's or number's.
    for wrong in [path.replace("/users/", "/users/9"), path.replace(".", ".x"), path.replace("image-", "image-9999")] {
        assert_eq!(Answer::of(app.anonymous(Method::GET, &wrong)).await.status, 404, "{wrong}");
    }
}

#[tokio::test]
async fn a_private_file_needs_a_signature_and_a_deleted_one_is_gone() {
    let app = TestApp::start().await;
    let (number, path) = public_picture(&app).await;
    let fetch = |path: String| Answer::of(app.anonymous(Method::GET, &path));
    change(&app, number, CreationChange { privacy: Some(Privacy::Private), ..CreationChange::default() }).await;
    assert_eq!(fetch(path.clone()).await.status, 404);
    let key = path.trim_start_matches('/');
    let signed = app.core.links.signed(key, app.now()).replace(&app.base_url, "");
    let file = fetch(signed.clone()).await;
    assert_eq!(file.status, 200);
    assert!(file.header("cache-control").starts_with("private"));
    let tampered = fetch(signed.replace("signature=", "signature=A")).await;
    assert_eq!((tampered.status, &tampered.json()["code"]), (403, &json!("forbidden")));
    let old = app.core.links.signed(key, app.now() - chrono::TimeDelta::days(2)).replace(&app.base_url, "");
    let old = fetch(old).await;
    assert_eq!(old.status, 403);
    assert!(old.json()["detail"].as_str().unwrap().contains("expired"));
    change(&app, number, CreationChange { delete: true, ..CreationChange::default() }).await;
    assert_eq!(fetch(signed).await.status, 404);
    assert_eq!(fetch("/users/1/img/../../x-1.png".into()).await.status, 404);
}
