//! A worked example of every generator: what is sent, and the fields, types and files that come out.

use std::collections::{BTreeMap, BTreeSet};

use mintmark_domain::catalog::{GeneratorStatus, MediaType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::path;
use super::support::{Answer, TestApp};

/// One line of the examples.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Worked {
    generator: String,
    /// The list that its model stands in.
    model_type: String,
    /// The body of the request.
    request: Value,
    /// A word of the prompt that a text has to take up.
    about: Option<String>,
    /// The fields that come out: of a text the type of each, of a file its content type.
    answer: BTreeMap<String, String>,
}

fn examples() -> Vec<Worked> {
    let lines = include_str!("../fixtures/generor/worked.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The type of a field, as `GET /generators/{slug}` calls it.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(text) if !text.trim().is_empty() => "string",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| type_of(item) == "string") => {
            "array<string>"
        }
        _ => "nothing that a field may hold",
    }
}

/// Sends an example; what came out, without its id.
async fn made(app: &TestApp, example: &Worked) -> (Value, Map<String, Value>) {
    let slug = &example.generator;
    let json = app.post(&path(slug), &example.request).await.json_of(201);
    let data = &json["data"];
    assert_eq!((&data["generator"], &data["model_type"]), (&json!(slug), &json!(example.model_type)), "{json}");
    assert_eq!(data["model_id"], example.request["model_id"], "{slug}");
    assert_eq!(data["creations"].as_array().unwrap().len(), 1, "{json}");
    let mut fields = data["creations"][0].as_object().unwrap().clone();
    let id = fields.remove("creation_id").unwrap();
    let names: BTreeSet<&String> = fields.keys().collect();
    assert_eq!(names, example.answer.keys().collect(), "{slug}");
    (id, fields)
}

/// Runs the examples whose files are of that medium, and fetches what they made.
async fn files_come_out(medium: MediaType) {
    let app = TestApp::start().await;
    let catalog = app.core.catalog.clone();
    let mut seen = 0;
    for example in examples() {
        let slug = &example.generator;
        if catalog.generator(slug).unwrap().media_type != medium {
            continue;
        }
        let (id, fields) = made(&app, &example).await;
        for (name, content_type) in &example.answer {
            let file = Answer::of(app.client.get(fields[name].as_str().unwrap())).await;
            assert_eq!((file.status, file.header("content-type")), (200, content_type.as_str()), "{slug}");
            assert!(!file.bytes.is_empty(), "{slug}");
        }
        if matches!(medium, MediaType::Img | MediaType::Svg) {
            let detail = app.get(&format!("/api/v1/creations/{id}")).await.json_of(200);
            let image = &detail["data"]["images"][0];
            assert!(image["width"].as_u64() > Some(0) && image["height"].as_u64() > Some(0), "{slug}: {image}");
        }
        seen += 1;
    }
    assert!(seen > 0, "no example makes {medium}");
}

#[test]
fn every_generator_that_is_offered_has_one_worked_example() {
    let catalog = mintmark_domain::catalog::Catalog::load(&mintmark_domain::catalog::Sources::embedded()).unwrap();
    let active = catalog.generators().filter(|generator| generator.status == GeneratorStatus::Active);
    let mut offered: Vec<String> = active.map(|generator| generator.slug.clone()).collect();
    let mut worked: Vec<String> = examples().into_iter().map(|example| example.generator).collect();
    offered.sort();
    worked.sort();
    assert_eq!(worked, offered);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_have_the_fields_that_their_examples_name_each_of_its_type_and_within_its_bounds() {
    let app = TestApp::start().await;
    let catalog = app.core.catalog.clone();
    for example in examples() {
        let slug = &example.generator;
        let generator = catalog.generator(slug).unwrap();
        if generator.media_type != MediaType::Text {
            continue;
        }
        let (id, fields) = made(&app, &example).await;
        for (name, value) in &fields {
            assert_eq!(type_of(value), example.answer[name], "{slug}: {name} is {value}");
        }
        generator.check_fields(&fields).unwrap_or_else(|problem| panic!("{slug}: {problem}"));
        let text = Value::Object(fields.clone()).to_string().to_lowercase();
        if let Some(about) = &example.about {
            assert!(text.contains(about), "{slug} does not speak of {about}: {text}");
        }
        let detail = app.get(&format!("/api/v1/generators/{slug}")).await.json_of(200);
        let promised: BTreeMap<String, String> = serde_json::from_value(Value::Object(
            detail["data"]["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| (field["name"].as_str().unwrap().to_owned(), field["type"].clone()))
                .collect(),
        ))
        .unwrap();
        assert_eq!(promised, example.answer, "{slug}");
        let shown = app.get(&format!("/api/v1/creations/{id}")).await.json_of(200);
        assert_eq!(shown["data"]["generator_data"], Value::Object(fields), "{slug}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_come_out_as_files_that_can_be_fetched() {
    files_come_out(MediaType::Img).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drawings_come_out_as_files_that_can_be_fetched() {
    files_come_out(MediaType::Svg).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn videos_come_out_as_files_that_can_be_fetched() {
    files_come_out(MediaType::Video).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sounds_come_out_as_files_that_can_be_fetched() {
    files_come_out(MediaType::Audio).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_development_is_refused_by_name_and_nothing_is_held() {
    let app = TestApp::start().await;
    let catalog = app.core.catalog.clone();
    let mut refused = 0;
    for generator in catalog.generators().filter(|one| one.status == GeneratorStatus::Development) {
        let model = catalog.model(&generator.default_model).and_then(|model| model.generor.as_ref()).unwrap();
        let body = json!({"prompt": "A lighthouse", "model_id": model.id});
        let json = app.post(&path(&generator.slug), &body).await.json_of(400);
        assert_eq!(json["error"]["code"], "VALIDATION_ERROR", "{}", generator.slug);
        let message = json["error"]["message"].as_str().unwrap();
        assert!(message.contains(&generator.slug) && message.contains("in development"), "{message}");
        refused += 1;
    }
    assert!(refused > 0);
    assert_eq!(app.available().await.to_string(), "100000");
}
