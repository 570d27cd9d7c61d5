//! What a key has to be allowed, route by route.

use http::Method;
use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use crate::ask::{generate_async, image, speech, video};
use crate::shape::Example;
use crate::support::{Answer, TestApp};

#[tokio::test]
async fn each_route_takes_its_own_scope_and_no_other() {
    let app = TestApp::start().await;
    let slow = image("A bottle [sandbox:slow=30]");
    let run = generate_async(&app, "/v1/images/generations", &slow).await.json_of(202);
    let id = run["id"].as_str().unwrap();
    let items = json!([{"input": {"prompt": "A bottle [sandbox:slow=30]"}}]);
    let batch = json!({"mode": "operation", "target": "images.generations.create", "items": items});
    let made = app.post_keyed("/v1/batches", "batch", &batch).await.json_of(201);
    let batch_id = made["id"].as_str().unwrap();
    let routes: Vec<(Method, String, Value, Scope)> = vec![
        (Method::GET, "/v1/account".into(), Value::Null, Scope::AccountRead),
        (Method::GET, "/v1/account/credits".into(), Value::Null, Scope::CreditsRead),
        (Method::GET, "/v1/models".into(), Value::Null, Scope::ModelsRead),
        (Method::GET, "/v1/models/pricing".into(), Value::Null, Scope::ModelsRead),
        (Method::GET, "/v1/audio/voices".into(), Value::Null, Scope::ModelsRead),
        (Method::GET, "/v1/usage".into(), Value::Null, Scope::RunsRead),
        (Method::GET, "/v1/runs".into(), Value::Null, Scope::RunsRead),
        (Method::GET, format!("/v1/runs/{id}"), Value::Null, Scope::RunsRead),
        (Method::GET, format!("/v1/runs/{id}/output"), Value::Null, Scope::RunsRead),
        (Method::GET, format!("/v1/runs/{id}/receipt"), Value::Null, Scope::RunsRead),
        (Method::GET, "/v1/workflows".into(), Value::Null, Scope::WorkflowsRead),
        (Method::GET, "/v1/workflows/hook_pack".into(), Value::Null, Scope::WorkflowsRead),
        (Method::POST, "/v1/workflows/hook_pack/runs".into(), json!({"prompt": "x"}), Scope::WorkflowsWrite),
        (Method::POST, "/v1/uploads".into(), json!({"filename": "a.png"}), Scope::UploadsWrite),
        (Method::POST, "/v1/products/extract".into(), json!({"url": "https://example.com/x"}), Scope::ProductsWrite),
        (Method::POST, "/v1/images/generations".into(), image("x"), Scope::ImagesWrite),
        (Method::POST, "/v1/videos/generations".into(), video("x"), Scope::VideosWrite),
        (Method::POST, "/v1/audio/speech".into(), speech("x"), Scope::AudioWrite),
        (Method::POST, "/v1/audio/music".into(), json!({"prompt": "x", "duration_seconds": 1}), Scope::AudioWrite),
        (Method::POST, "/v1/audio/sfx".into(), json!({"prompt": "x", "duration_seconds": 1}), Scope::AudioWrite),
        (
            Method::POST,
            "/v1/audio/transcriptions".into(),
            json!({"audio_url": "https://example.com/a.mp3"}),
            Scope::AudioWrite,
        ),
        (
            Method::POST,
            "/v1/images/background-remove".into(),
            json!({"image_url": "https://example.com/a.png"}),
            Scope::ImagesWrite,
        ),
        (
            Method::POST,
            "/v1/videos/upscale".into(),
            json!({"source_video_url": "https://example.com/a.mp4"}),
            Scope::VideosWrite,
        ),
        (
            Method::POST,
            "/v1/lipsync/generations".into(),
            json!({"video_url": "https://example.com/a.mp4", "audio_url": "https://example.com/a.mp3"}),
            Scope::LipsyncWrite,
        ),
        (Method::GET, "/v1/influencers".into(), Value::Null, Scope::InfluencersRead),
        (Method::GET, "/v1/batches".into(), Value::Null, Scope::BatchesRead),
        (Method::GET, format!("/v1/batches/{batch_id}"), Value::Null, Scope::BatchesRead),
        (Method::GET, format!("/v1/batches/{batch_id}/items"), Value::Null, Scope::BatchesRead),
        (Method::POST, "/v1/batches".into(), batch, Scope::BatchesWrite),
        (Method::POST, format!("/v1/batches/{batch_id}/cancel"), Value::Null, Scope::BatchesWrite),
        // What started the run may stop it. Last: it ends it.
        (Method::POST, format!("/v1/runs/{id}/cancel"), Value::Null, Scope::ImagesWrite),
    ];
    let fine = Scope::ALL.iter().filter(|scope| scope.expanded() == [**scope] && !scope.is_operators());
    let (mut number, fine): (u32, Vec<Scope>) = (0, fine.copied().collect());
    for (method, path, body, scope) in routes {
        let others = Scopes::only(fine.iter().copied().filter(|other| *other != scope));
        for (scopes, allowed) in [(others, false), (Scopes::only([scope]), true)] {
            let issued = app.core.issue_key_by_operator(app.account.id, "narrow", scopes).await.unwrap().0;
            number += 1;
            let request =
                app.request_as(&issued.secret, method.clone(), &path).header("Idempotency-Key", format!("k{number}"));
            let answer = Answer::of(if body.is_null() { request } else { request.json(&body) }).await;
            if allowed {
                assert!((200..300).contains(&answer.status), "{method} {path}: {} {:?}", answer.status, answer.bytes);
            } else {
                let problem = answer.json_of(403);
                assert_eq!(problem["code"], "insufficient_scope", "{method} {path}");
                assert!(problem["detail"].as_str().unwrap().contains(scope.as_str()), "{problem}");
            }
            // No more than ten keys are active at once.
            app.core.revoke_key_by_operator(app.account.id, issued.key_id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_documented_scopes_are_those_that_routes_take() {
    for (name, scope) in [
        ("account", Scope::AccountRead),
        ("account_credits", Scope::CreditsRead),
        ("models", Scope::ModelsRead),
        ("models_pricing", Scope::ModelsRead),
        ("audio_voices", Scope::ModelsRead),
        ("usage", Scope::RunsRead),
        ("runs", Scope::RunsRead),
        ("run", Scope::RunsRead),
        ("run_output", Scope::RunsRead),
        ("images_generations", Scope::ImagesWrite),
        ("videos_generations", Scope::VideosWrite),
        ("audio_speech", Scope::AudioWrite),
        ("batches", Scope::BatchesRead),
        ("batch", Scope::BatchesRead),
        ("batch_items", Scope::BatchesRead),
        ("batches_create", Scope::BatchesWrite),
        ("workflows", Scope::WorkflowsRead),
        ("workflow", Scope::WorkflowsRead),
        ("workflow_run", Scope::WorkflowsWrite),
        ("products_extract", Scope::ProductsWrite),
        ("uploads", Scope::UploadsWrite),
    ] {
        assert_eq!(Example::named(name).scope, scope.as_str(), "{name}");
    }
}

#[tokio::test]
async fn the_rules_of_charging_are_open_to_everybody() {
    let app = TestApp::start().await;
    let answer = Answer::of(app.anonymous(Method::GET, "/v1/charging-rules")).await;
    let rules = answer.json_of(200);
    assert_eq!(rules["object"], "list");
    let codes: Vec<&str> =
        rules["data"].as_array().unwrap().iter().map(|rule| rule["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "delivered",
            "partial_delivery",
            "refused_before_submit",
            "provider_failed",
            "output_moderated",
            "cancelled_while_queued",
            "cancelled_while_running",
            "outcome_unknown",
            "outcome_never_known",
            "settled_by_hand",
            "late_provider_bill",
        ]
    );
    assert_eq!(
        rules["data"][0],
        json!({"code": "delivered", "object": "charging_rule",
            "applies_when": "Every output that was asked for was delivered.",
            "charged": "The quoted price is charged."})
    );
}
