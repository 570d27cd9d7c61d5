//! Every class of error, as an integrator sees it.

use http::Method;
use mintmark_domain::account::Tier;
use serde_json::{Value, json};

use crate::ask::{generate, image, speech, video};
use crate::shape::compare;
use crate::support::{Answer, TestApp};

const IMAGES: &str = "/v1/images/generations";

/// One error, as it is shown: status, content type and body without its request's id.
fn shown(name: &str, answer: &Answer) -> String {
    let text = std::str::from_utf8(&answer.bytes).unwrap();
    let documented = include_str!("../fixtures/genfire/error.json");
    compare("", documented, text, &[]).unwrap_or_else(|why| panic!("{name}: {why}: {text}"));
    let body = answer.json();
    assert_eq!(body["status"], answer.status, "{name}");
    assert_eq!(body["request_id"], answer.header("x-request-id"), "{name}");
    assert_eq!(body["type"], format!("https://api.genfire.ai/errors/{}", body["code"].as_str().unwrap()), "{name}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    format!("{name}: {} {} | {} | {}", answer.status, text("code"), text("title"), text("detail"))
}

#[tokio::test]
async fn every_class_of_error_is_as_documented() {
    let app = TestApp::start().await;
    let poor = app.register(Tier::Unlimited, 2).await;
    let mut lines = Vec::new();
    let mut show = |name: &str, answer: Answer| lines.push(shown(name, &answer));

    show("no key", Answer::of(app.anonymous(Method::GET, "/v1/account")).await);
    show("wrong key", Answer::of(app.request_as("gfa_live_0.0", Method::GET, "/v1/account")).await);
    let wrong = app.request_as("gfa_live_0.0", Method::GET, "/v1/charging-rules");
    show("wrong key on a public route", Answer::of(wrong).await);
    show("no route", app.get("/v1/nothing").await);
    show("no method", Answer::of(app.request(Method::DELETE, "/v1/account")).await);
    show("no such run", app.get("/v1/runs/run_00000000000080008000000000000000").await);
    show("no run's id", app.get("/v1/runs/latest").await);
    show("no idempotency key", app.post(IMAGES, &image("x")).await);
    show("too long a key", app.post_keyed(IMAGES, &"k".repeat(256), &image("x")).await);
    let post = |body: &'static str| app.request(Method::POST, IMAGES).header("Idempotency-Key", "k").body(body);
    show("not JSON", Answer::of(post("{").header("Content-Type", "application/json")).await);
    show("not an object", Answer::of(post("[]").header("Content-Type", "application/json")).await);
    show("not declared as JSON", Answer::of(post("{}").header("Content-Type", "text/plain")).await);
    let large = json!({"prompt": "x".repeat(1 << 20)});
    show("too large", generate(&app, IMAGES, &large).await);
    show("no prompt", generate(&app, IMAGES, &json!({})).await);
    show("wrong type", generate(&app, IMAGES, &json!({"prompt": "x", "count": "two"})).await);
    show("too many", generate(&app, IMAGES, &json!({"prompt": "x", "count": 9})).await);
    show("no such voice", {
        let body = json!({"text": "Hello", "voice_id": "voice_nobody"});
        generate(&app, "/v1/audio/speech", &body).await
    });
    let motion = json!({"prompt": "x", "model": "video.kling_v26_motion_control"});
    show("no such format", {
        let body = json!({"text": "Hello", "voice_id": "voice_abc123", "output_format": "mp3_44100_128"});
        generate(&app, "/v1/audio/speech", &body).await
    });
    show("a quality that is no choice", generate(&app, IMAGES, &json!({"prompt": "x", "quality": "low"})).await);
    show("no such combination", generate(&app, "/v1/videos/generations", &motion).await);
    let inside = json!({"prompt": "x", "image_url": "https://127.0.0.1/x.png"});
    show("an address inside", generate(&app, IMAGES, &inside).await);
    let itself = json!({"prompt": "x", "image_url": "https://localhost/x.png"});
    show("the machine itself", generate(&app, IMAGES, &itself).await);
    let plain = json!({"prompt": "x", "image_urls": ["http://pictures.test/x.png"]});
    show("not https", generate(&app, IMAGES, &plain).await);
    let keyed = |key: &str, body: Value| {
        Answer::of(app.request_as(key, Method::POST, IMAGES).header("Idempotency-Key", "again").json(&body))
    };
    show("too few credits", keyed(&poor.key, image("x")).await);
    keyed(&app.account.key, image("x")).await.json_of(200);
    show("key reused", keyed(&app.account.key, image("y")).await);
    show("limit of a list", app.get("/v1/runs?limit=101").await);
    show("status of a list", app.get("/v1/runs?status=done").await);
    show("start of a list", app.get("/v1/runs?starting_after=run_x").await);
    show("group of usage", app.get("/v1/usage?group_by=week").await);
    show("too long a period", app.get("/v1/usage?start_date=2025-01-01&end_date=2026-01-02").await);
    show("no date", app.get("/v1/usage?start_date=soon").await);
    app.core.set_suspended(poor.id, Some("it was time".to_owned())).await.unwrap();
    show("suspended", Answer::of(app.request_as(&poor.key, Method::GET, "/v1/account")).await);
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn what_is_refused_holds_nothing_and_leaves_its_key_free() {
    let app = TestApp::start().await;
    let before = app.available().await;
    for (path, body) in [
        (IMAGES, json!({"prompt": ""})),
        (IMAGES, json!({"prompt": "x", "model": "video.veo_3_1"})),
        (IMAGES, json!({"prompt": "x", "image_url": "https://10.0.0.1/x.png"})),
        ("/v1/videos/generations", json!({"prompt": "x", "duration": 99})),
        ("/v1/audio/speech", json!({"text": "x", "voice_id": "nobody"})),
    ] {
        app.post_keyed(path, "once", &body).await.json_of(400);
    }
    assert_eq!(app.available().await, before);
    assert_eq!(app.get("/v1/runs").await.json_of(200)["data"], json!([]));
    // The same key is good for the request put right.
    for (path, body, status) in
        [(IMAGES, image("x"), 200), ("/v1/videos/generations", video("x"), 202), ("/v1/audio/speech", speech("x"), 200)]
    {
        let answer = app.post_keyed(path, "once", &body).await;
        answer.json_of(status);
        assert_eq!(answer.header("idempotency-replayed"), "");
    }
}

#[tokio::test]
async fn a_model_without_an_endpoint_is_listed_and_never_held_for() {
    let app = TestApp::start().await;
    let listed = app.get("/v1/models").await.json_of(200);
    assert!(listed["data"].as_array().unwrap().iter().any(|model| model["id"] == "music.lyria3_pro"));
    let before = app.available().await;
    let refused = generate(
        &app,
        "/v1/audio/speech",
        &json!({"text": "x", "voice_id": "voice_abc123",
        "model": "music.lyria3_pro"}),
    )
    .await
    .json_of(400);
    assert_eq!(refused["code"], "model_not_found");
    assert_eq!(app.available().await, before);
}

#[tokio::test]
async fn a_failed_run_says_why_and_costs_nothing() {
    let app = TestApp::start().await;
    let before = app.available().await;
    for card in ["[sandbox:fail]", "[sandbox:moderate]", "[sandbox:refuse]"] {
        let run = generate(&app, IMAGES, &image(&format!("A bottle {card}"))).await.json_of(200);
        assert_eq!((&run["status"], &run["output"], &run["usage"]), (&json!("failed"), &Value::Null, &Value::Null));
        let error = run["error"].as_object().unwrap();
        assert_eq!(error.keys().collect::<Vec<_>>(), ["code", "message"], "{card}");
        assert!(!run["completed_at"].is_null(), "{card}");
    }
    assert_eq!(app.available().await, before);
}
