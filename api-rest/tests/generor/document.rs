//! The dialect's own OpenAPI document: complete, and without a loose end.

use http::Method;
use serde_json::Value;

use super::support::{Answer, TestApp};

/// What of the document is served so far: method and path below `/api/v1`.
const OPERATIONS: [(&str, &str); 21] = [
    ("get", "/generators"),
    ("get", "/generators/{slug}"),
    ("get", "/generators/{slug}/creations"),
    ("post", "/generators/{slug}/generate"),
    ("get", "/creations"),
    ("get", "/creations/public"),
    ("get", "/creations/search"),
    ("get", "/creations/{id}"),
    ("patch", "/creations/{id}"),
    ("delete", "/creations/{id}"),
    ("get", "/creations/{id}/status"),
    ("get", "/models"),
    ("get", "/models/{type}"),
    ("get", "/models/{type}/{id}"),
    ("get", "/users/me"),
    ("patch", "/users/me"),
    ("get", "/credits/balance"),
    ("get", "/credits/transactions"),
    ("get", "/api-keys"),
    ("post", "/api-keys"),
    ("delete", "/api-keys/{id}"),
];

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_described_with_what_it_can_answer() {
    let app = TestApp::start().await;
    let document = Answer::of(app.anonymous(Method::GET, "/api/v1/openapi.json")).await.json_of(200);
    for (method, path) in OPERATIONS {
        let operation = &document["paths"][format!("/api/v1{path}")][method];
        let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{method} {path}"));
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
        for status in ["401", "405", "429", "500", "503"] {
            assert!(responses.contains_key(status), "{method} {path} {status}");
        }
    }
    let generate = &document["paths"]["/api/v1/generators/{slug}/generate"]["post"];
    for status in ["201", "202", "400", "402", "403", "404"] {
        assert!(generate["responses"][status].is_object(), "{status}");
    }
    let body = &document["components"]["schemas"]["GenerateBody"]["properties"];
    assert_eq!(body.as_object().unwrap().len(), 18, "every field of the document");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let target = document.pointer(reference.trim_start_matches('#'));
        assert!(target.is_some(), "{reference}");
    }
}
