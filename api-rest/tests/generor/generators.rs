//! The generators themselves: by status, and each with what a request has to know of it.

use http::Method;
use mintmark_domain::catalog::{GeneratorStatus, Sources};
use serde_json::{Value, json};

use super::path;
use super::support::{Answer, Options, TestApp};

async fn list(app: &TestApp, query: &str) -> Value {
    Answer::of(app.anonymous(Method::GET, &format!("/api/v1/generators{query}"))).await.json_of(200)
}

fn slugs(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_listed_by_status_and_what_is_offered_is_the_usual_list() {
    let app = TestApp::start().await;
    let by_status = |wanted: Option<GeneratorStatus>| -> Vec<&str> {
        let all = app.core.catalog.generators().filter(|one| wanted.is_none_or(|wanted| one.status == wanted));
        all.map(|one| one.slug.as_str()).collect()
    };
    let active = by_status(Some(GeneratorStatus::Active));
    assert!(active.len() >= 93, "as many as the document promises");
    for (query, wanted) in [
        ("", &active),
        ("?status=active", &active),
        ("?status=development", &by_status(Some(GeneratorStatus::Development))),
        ("?status=all", &by_status(None)),
    ] {
        let listed = list(&app, query).await;
        assert_eq!(&slugs(&listed), wanted, "{query}");
        assert_eq!(listed["meta"]["total"], wanted.len(), "{query}");
        assert_eq!(listed["meta"]["has_next"], false, "one answer holds them all: {query}");
    }
    let development = list(&app, "?status=development").await;
    assert!(development["data"].as_array().unwrap().iter().all(|one| one["status"] == "development"));
    let paged = list(&app, "?status=all&per_page=30&page=2").await;
    assert_eq!(slugs(&paged), by_status(None)[30..60]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_status_is_refused_with_those_that_there_are() {
    let app = TestApp::start().await;
    for status in ["old", "Active", "all,active"] {
        let refused = app.get(&format!("/api/v1/generators?status={status}")).await.json_of(400);
        assert_eq!(refused["error"]["code"], "VALIDATION_ERROR");
        assert_eq!(refused["error"]["message"], "status must be one of: active, development, all.", "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_listed_with_what_people_choose_it_by() {
    let app = TestApp::start().await;
    let all = list(&app, "?status=all").await;
    let known = slugs(&all);
    for one in all["data"].as_array().unwrap() {
        for field in ["slug", "title", "description", "icon"] {
            assert!(one[field].as_str().is_some_and(|text| !text.trim().is_empty()), "{field}: {one}");
        }
        let similar = one["similar"].as_array().unwrap();
        assert!(!similar.is_empty() && similar.iter().all(|slug| known.contains(&slug.as_str().unwrap())), "{one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_shown_with_its_choices_its_fields_and_the_models_that_it_takes() {
    let app = TestApp::start().await;
    let joke = list(&app, "/joke").await;
    assert_eq!(joke["data"]["default_model_id"], 3);
    assert_eq!(joke["data"]["model_ids"], json!([3, 4, 5, 15, 25]));
    let text = json!({"name": "text", "type": "string", "description": "The joke."});
    assert_eq!(joke["data"]["fields"][0], text);
    assert_eq!(joke["data"]["preference"]["options"][1], json!({"value": "pun", "label": "Pun"}));
    assert_eq!(joke["data"]["preference_two"]["default"], 1);
    let image = list(&app, "/image").await;
    assert_eq!((&image["data"]["fields"], &image["data"]["preference"]), (&json!([]), &Value::Null));
    assert_eq!(list(&app, "/vision").await["data"]["image_input"], "required");
    let development = list(&app, "/screenplay").await;
    assert_eq!(development["data"]["status"], "development");
    let nothing = app.get("/api/v1/generators/nothing").await.json_of(404);
    assert_eq!(nothing["error"]["message"], "Generator not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_take_one_back_into_development() {
    let vector = include_str!("../../../catalog/generators/vector.toml");
    let later = vector.replace("status = \"active\"", "status = \"development\"");
    let catalog = Sources::embedded().with("generators/vector.toml", later);
    let app = TestApp::with(Options { catalog, ..Options::default() }).await;
    assert!(!slugs(&list(&app, "").await).contains(&"vector"));
    assert!(slugs(&list(&app, "?status=development").await).contains(&"vector"));
    let refused = app.post(&path("vector"), &json!({"prompt": "x", "model_id": 34_001})).await;
    assert!(refused.json_of(400).to_string().contains("in development"));
}
