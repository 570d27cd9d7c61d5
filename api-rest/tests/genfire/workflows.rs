//! Workflows over HTTP: the catalog as printed, runs of each, and what they cost.

use mintmark_domain::account::{Scope, Scopes, Tier};
use mintmark_domain::batch::BatchMode;
use mintmark_domain::ids::{ProjectId, RunId};
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{BatchRequest, Caller, Refusal};
use serde_json::{Value, json};

use crate::ask::{generate, generate_async};
use crate::shape::Example;
use crate::support::{Answer, TestApp};

const HOOKS: &str = "/v1/workflows/hook_pack/runs";

#[tokio::test]
async fn the_catalog_of_workflows_is_as_printed() {
    let app = TestApp::start().await;
    let printed = Example::named("workflows");
    let list = app.get("/v1/workflows").await;
    assert_eq!(list.json_of(200), printed.response());
    printed.assert_shape_of(&list.bytes, &["data[].input_schema", "data[].output_schema"]);
    let one = app.get("/v1/workflows/hook_pack").await;
    assert_eq!(one.json_of(200), Example::named("workflow").response());
    Example::named("workflow").assert_shape_of(&one.bytes, &[]);
    assert_eq!(app.get("/v1/workflows/nothing").await.json_of(404)["code"], "not_found");
}

#[tokio::test]
async fn the_printed_run_is_answered_in_the_printed_shape() {
    let app = TestApp::start().await;
    let printed = Example::named("workflow_run");
    let before = app.available().await;
    let answer = generate(&app, HOOKS, &printed.request).await;
    let run = answer.json_of(200);
    printed.assert_shape_of(&answer.bytes, &[]);
    for field in ["object", "status", "capability", "endpoint", "model", "input_summary"] {
        assert_eq!(run[field], printed.response()[field], "{field}");
    }
    let output = &run["output"];
    let script = output["full_script"].as_str().unwrap();
    let words = script.split_whitespace().count() as u64;
    assert_eq!(output["word_count"], words);
    assert_eq!(output["estimated_duration"], (words * 2).div_ceil(5));
    // Twenty seconds were asked for.
    assert!((10..=30).contains(&output["estimated_duration"].as_u64().unwrap()), "{output}");
    assert_eq!(output["hooks"].as_array().unwrap().len(), 3);
    assert!(output["hooks"][0].as_str().unwrap().to_lowercase().contains("portable blender"), "{output}");
    for keyword in ["protein shake", "commute", "healthy"] {
        assert!(output["body"].as_str().unwrap().contains(keyword), "{output}");
    }
    assert_eq!(run["usage"], json!({"credits": 3}));
    assert_eq!((before - app.available().await).to_string(), "3");
}

#[tokio::test]
async fn each_workflow_of_the_document_runs_as_its_example_asks() {
    let app = TestApp::start().await;
    let catalog = app.core.catalog.clone();
    for workflow in catalog.workflows() {
        let path = format!("/v1/workflows/{}/runs", workflow.key);
        let answer = generate(&app, &path, workflow.example_request.value()).await;
        let run = answer.json_of(200);
        assert_eq!(run["status"], "completed", "{run}");
        assert_eq!(run["capability"], format!("workflow.{}", workflow.key));
        assert_eq!(run["endpoint"], format!("workflows.{}.run", workflow.key));
        assert_eq!(run["model"], Value::Null);
        let ours: &[&str] = if workflow.key == "storyboard" { &["+status"] } else { &[] };
        let raw: indexmap::IndexMap<String, Box<serde_json::value::RawValue>> =
            serde_json::from_slice(&answer.bytes).unwrap();
        crate::shape::compare("", workflow.example_output.text(), raw["output"].get(), ours)
            .unwrap_or_else(|why| panic!("{}: {why}\n{}", workflow.key, raw["output"]));
    }
    app.caught_up().await;
    let list = app.get("/v1/runs?capability=workflow.creative_pack").await.json_of(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["output"]["product"]["name"], "Matte Black Water Bottle");
    assert_eq!(list["data"][0]["output"]["product"]["price"], "$39");
    let usage = app.get("/v1/usage?group_by=capability").await.json_of(200);
    let group = usage["breakdown"].as_array().unwrap().iter().find(|group| group["group"] == "workflow.hook_pack");
    assert_eq!(group.unwrap()["credits_spent"], 3);
    let only = app.get("/v1/usage?capability=workflow.storyboard").await.json_of(200);
    assert_eq!(only["totals"]["credits_spent"], 10);
    let by_model = app.get("/v1/usage").await.json_of(200);
    assert_eq!(by_model["breakdown"][0]["group"].as_str().unwrap().split('.').next(), Some("workflow"));
    let id = list["data"][0]["id"].as_str().unwrap();
    let receipt = app.get(&format!("/v1/runs/{id}/receipt")).await.json_of(200);
    assert!(receipt.to_string().contains("workflow.creative_pack"), "{receipt}");
}

#[tokio::test]
async fn a_wrong_field_is_named_with_what_is_allowed_and_costs_nothing() {
    let app = TestApp::start().await;
    let refused = async |key: &str, body: Value| generate(&app, &format!("/v1/workflows/{key}/runs"), &body).await;
    let tone = refused("hook_pack", json!({"prompt": "x", "tone": "loud"})).await.json_of(400);
    assert_eq!(tone["code"], "unsupported_value");
    assert_eq!(
        tone["detail"],
        "tone must be one of: casual, professional, humorous, educational, persuasive, emotional."
    );
    let none = refused("hook_pack", json!({})).await.json_of(400);
    assert_eq!((&none["code"], &none["detail"]), (&json!("invalid_prompt"), &json!("prompt is required.")));
    for key in ["creative_pack", "product_ad_variants"] {
        assert_eq!(refused(key, json!({"tone": "casual"})).await.json_of(400)["code"], "missing_value");
    }
    let private = refused("creative_pack", json!({"product_url": "https://127.0.0.1/x"})).await.json_of(400);
    assert_eq!(private["code"], "forbidden_url");
    assert!(private["detail"].as_str().unwrap().starts_with("product_url: "), "{private}");
    assert_eq!(refused("nothing", json!({"prompt": "x"})).await.json_of(404)["code"], "not_found");
    let unkeyed = app.post(HOOKS, &json!({"prompt": "x"})).await.json_of(400);
    assert_eq!(unkeyed["code"], "idempotency_key_required");
    assert_eq!(app.available().await.to_string(), "100000");
}

#[tokio::test]
async fn the_same_request_is_the_same_run_and_a_failure_costs_nothing() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Blender", "unknown": "ignored"});
    let first = app.post_keyed(HOOKS, "one", &body).await.json_of(200);
    assert!(first["input_summary"].get("unknown").is_none());
    let again = app.post_keyed(HOOKS, "one", &body).await;
    assert_eq!((again.json_of(200)["id"].clone(), again.header("idempotency-replayed")), (first["id"].clone(), "true"));
    let other = app.post_keyed(HOOKS, "one", &json!({"prompt": "Kettle"})).await.json_of(422);
    assert_eq!(other["code"], "idempotency_key_reused");
    let before = app.available().await;
    let failed = generate(&app, HOOKS, &json!({"prompt": "Blender [sandbox:fail]"})).await.json_of(200);
    assert_eq!((&failed["status"], &failed["usage"]), (&json!("failed"), &Value::Null));
    assert_eq!(app.available().await, before);
    let queued = generate_async(&app, HOOKS, &json!({"prompt": "Blender"})).await.json_of(202);
    assert_eq!(queued["status"], "queued");
    let narrow = app.key_with(Scopes::only([Scope::WorkflowsRead])).await;
    let request = app.request_as(&narrow, http::Method::POST, HOOKS).header("Idempotency-Key", "two");
    assert_eq!(Answer::of(request.json(&body)).await.json_of(403)["code"], "insufficient_scope");
}

/// The built-in catalog, in which a hook pack wants an answer that nobody gives.
fn wanting_more() -> mintmark_domain::catalog::Sources {
    let text = include_str!("../../../catalog/workflows/hook_pack.toml");
    let wants = text.replacen(
        "\"required\": [\n    \"hooks\",\n    \"body\",",
        "\"required\": [\n    \"signature\",\n    \"hooks\",\n    \"body\",",
        1,
    );
    assert_ne!(wants, text);
    mintmark_domain::catalog::Sources::embedded().with("workflows/hook_pack.toml", wants)
}

#[tokio::test]
async fn an_answer_that_breaks_its_schema_fails_the_run_at_no_cost() {
    let options = crate::support::Options { catalog: wanting_more(), ..Default::default() };
    let app = TestApp::with(options).await;
    let failed = generate(&app, HOOKS, &json!({"prompt": "Blender"})).await.json_of(200);
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["code"], "provider_failed");
    assert_eq!(app.available().await.to_string(), "100000");
}

#[tokio::test]
async fn a_batch_s_items_may_be_runs_of_a_workflow() {
    let app = TestApp::start().await;
    let caller = Caller {
        account: app.account.id,
        user_id: app.account.user_id,
        acts_with: mintmark_domain::account::ActsWith::Key(app.account.key_id),
        scopes: Scopes::Full,
        tier: Tier::Unlimited,
        surface: Surface::Genfire,
        request_id: "r".into(),
        traceparent: String::new(),
    };
    let item = |key: &str, fields: Value| app.core.workflow_item(key, fields.as_object().unwrap());
    let items = vec![
        item("hook_pack", json!({"prompt": "Blender"})).unwrap(),
        item("storyboard", json!({"prompt": "An ad for a kettle"})).unwrap(),
    ];
    assert!(matches!(item("hook_pack", json!({"tone": "loud"})), Err(Refusal::Given(_))));
    assert!(matches!(item("nothing", json!({})), Err(Refusal::NotFound("workflow"))));
    let request = BatchRequest {
        mode: BatchMode::Workflow,
        target: "hook_pack".into(),
        concurrency: 2,
        items,
        route: "POST /v1/batches".into(),
        scope: Scope::BatchesWrite,
        idempotency: None,
    };
    let batch = app.core.create_batch(&caller, request).await.unwrap();
    // The maximum of both: 3 and 10.
    assert_eq!(app.available().await.to_string(), (100_000 - 13).to_string());
    for (index, capability) in [(0, "workflow.hook_pack"), (1, "workflow.storyboard")] {
        let run = RunId::of_item(batch.batch_id, index);
        let begun = std::time::Instant::now();
        // An item becomes a run when its turn comes.
        while !app.core.run_state(run).await.unwrap().status().is_ended() {
            assert!(begun.elapsed().as_secs() < 60, "{capability} does not end");
            app.core.dispatch.ended(run, std::time::Duration::from_millis(100)).await;
        }
        let shown = app.get(&format!("/v1/runs/{run}")).await.json_of(200);
        assert_eq!((&shown["status"], &shown["capability"]), (&json!("completed"), &json!(capability)), "{shown}");
        assert_eq!(shown["input_summary"]["workflow"], capability.strip_prefix("workflow.").unwrap());
        let project = shown["output"]["project_id"].as_str().map(|id| id.parse().unwrap());
        assert_eq!(project, (index == 1).then(|| ProjectId::of_run(run)));
    }
    let project = ProjectId::of_run(RunId::of_item(batch.batch_id, 1));
    assert_eq!(app.core.project_view(app.account.id, project).await.unwrap().stages.len(), 5);
}
