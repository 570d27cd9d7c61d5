//! The OpenAPI documents: whole, and without a loose end.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::support::contract::{documents, fits};
use crate::support::{Answer, TestApp};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation with the name that messages give it.
fn operations(document: &Value) -> Vec<(String, &str, &str, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.push((format!("{method} {path}"), method, path.as_str(), operation));
            }
        }
    }
    found
}

fn walk<'v>(value: &'v Value, seen: &mut impl FnMut(&'v serde_json::Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            seen(fields);
            fields.values().for_each(|field| walk(field, seen));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, seen)),
        _ => {}
    }
}

#[test]
fn every_operation_is_described_as_the_standard_wants_it() {
    for (_, document) in documents() {
        assert_eq!(document["openapi"], "3.1.0");
        assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
        let mut ids = BTreeSet::new();
        for (name, _, path, operation) in operations(document) {
            if let Some(id) = operation["operationId"].as_str() {
                assert!(ids.insert(id.to_owned()), "{id} is said twice");
            }
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                assert!(status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status)), "{name}");
                let description = response["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{name} {status} has no description");
            }
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let mut named = BTreeSet::new();
            for parameter in &parameters {
                let place = parameter["in"].as_str().unwrap();
                assert!(named.insert((place, parameter["name"].as_str().unwrap())), "{name} {parameter}");
                assert!(parameter["schema"].is_object(), "{name} {parameter}");
                assert!(place != "path" || parameter["required"] == json!(true), "{name} {parameter}");
            }
            let in_path: BTreeSet<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            let said: BTreeSet<&str> =
                named.iter().filter(|(place, _)| *place == "path").map(|(_, name)| *name).collect();
            assert_eq!(said, in_path, "{name}");
        }
    }
}

#[test]
fn every_operation_says_what_it_can_be_refused_with() {
    for (_, document) in documents() {
        for (name, method, path, operation) in operations(document) {
            let has = |status: &str| operation["responses"][status].is_object();
            // A public route, too, refuses a wrong key and a suspended account.
            for status in ["401", "403", "405", "429", "500", "503"] {
                assert!(has(status), "{name} {status}");
            }
            let takes_position = operation["parameters"]
                .as_array()
                .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == "min_position"));
            assert_eq!(takes_position, method == "get", "{name}");
            if method == "get" {
                assert!(has("400") || has("422"), "{name}");
            }
            assert!(!path.contains('{') || has("404"), "{name}");
        }
    }
}

#[test]
fn no_reference_is_loose_and_no_schema_says_what_nobody_means() {
    for (dialect, document) in documents() {
        let mut found = 0;
        walk(document, &mut |fields| {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                found += 1;
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{dialect}: {reference}");
            }
            // A branch that takes any object fits beside every other one.
            for branch in fields.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
                let any = branch["type"] == "object" && branch.get("properties").is_none();
                assert!(!any, "{dialect}: {branch} in oneOf");
            }
            let required = fields.get("required").and_then(Value::as_array).into_iter().flatten();
            if let Some(properties) = fields.get("properties").and_then(Value::as_object)
                && fields.get("type").is_some_and(|kind| kind == "object")
            {
                for name in required.filter_map(Value::as_str) {
                    assert!(properties.contains_key(name), "{dialect}: {name} is required and not described");
                }
            }
        });
        assert!(found > 0, "{dialect}");
    }
}

/// Bodies with no example: none, where a client of the GenFire document looks for one.
#[test]
fn every_genfire_body_has_an_example_and_each_example_is_as_described() {
    let printed = mintmark_api_rest::openapi::printed::genfire();
    for (dialect, document) in documents() {
        for (name, method, path, operation) in operations(document) {
            let known = printed.iter().any(|one| one.path == path && one.method.eq_ignore_ascii_case(method));
            let answers = operation["responses"].as_object().unwrap();
            let successes = answers.iter().filter(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer);
            let mut examples = 0;
            for body in successes.chain([&operation["requestBody"]]) {
                let Some(described) = body["content"].get("application/json") else { continue };
                let Some(example) = described.get("example") else { continue };
                examples += 1;
                if let Err(why) = fits(document, &described["schema"], example, "") {
                    panic!("{dialect} {name}: the example is not as described: {why}");
                }
            }
            let bodies = usize::from(operation["requestBody"].is_object())
                + usize::from(
                    answers.iter().any(|(status, answer)| status.starts_with('2') && answer["content"].is_object()),
                );
            assert!(!known || examples >= bodies, "{name}: {examples} examples for {bodies} bodies");
        }
    }
}

#[test]
fn genfire_s_document_says_which_words_there_are_and_that_clients_may_use_basic() {
    let (_, document) =
        documents().iter().find(|(dialect, _)| *dialect == mintmark_domain::catalog::Dialect::Genfire).unwrap();
    for (schema, field, words) in [
        ("TokenRequest", "grant_type", json!(["client_credentials"])),
        ("SessionBody", "client_id", json!(["genfire-cli"])),
        ("SessionBody", "code_challenge_method", json!(["S256"])),
        ("SessionResource", "status", json!(["pending", "approved", "denied", "consumed", "expired"])),
    ] {
        let mut said = &document["components"]["schemas"][schema]["properties"][field];
        if let Some(reference) = said["$ref"].as_str() {
            said = document.pointer(reference.trim_start_matches('#')).unwrap();
        }
        assert_eq!(said["enum"], words, "{schema}.{field}: {said}");
    }
    let scheme = &document["components"]["securitySchemes"]["client"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("basic")));
    let security = document["paths"]["/v1/oauth/token"]["post"]["security"].as_array().unwrap();
    assert!(security.contains(&json!({})) && security.contains(&json!({"client": []})), "{security:?}");
}

#[test]
fn what_holds_answers_against_the_documents_can_fail() {
    let document = json!({"components": {"schemas": {"A": {"type": "object", "required": ["x"],
        "properties": {"x": {"type": ["string", "null"]}}}}}});
    let refer = json!({"$ref": "#/components/schemas/A"});
    let check = |schema: &Value, value: Value| fits(&document, schema, &value, "").is_ok();
    assert!(check(&refer, json!({"x": "a"})) && check(&refer, json!({"x": null})));
    assert!(!check(&refer, json!({})) && !check(&refer, json!({"x": 1})) && !check(&refer, json!([])));
    let either = |word: &str| json!({word: [refer.clone(), {"type": "object"}]});
    assert!(!check(&either("oneOf"), json!({"x": "a"})) && check(&either("anyOf"), json!({"x": "a"})));
    assert!(!check(&json!({"unheard": 1}), json!({})));
    assert!(!check(&json!({"enum": ["a"]}), json!("b")));
}

#[tokio::test]
async fn every_read_refuses_a_position_that_is_none() {
    let app = TestApp::start().await;
    let mut asked = 0;
    for (_, document) in documents() {
        for (name, _, path, _) in operations(document).into_iter().filter(|(_, method, ..)| *method == "get") {
            let path = path.replace("{slug}", "joke").replace("{type}", "image");
            let path: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let answer = app.get(&format!("{path}?min_position=foo")).await;
            assert!(matches!(answer.status, 400 | 422), "{name}: {}", answer.status);
            assert!(String::from_utf8_lossy(&answer.bytes).contains("min_position"), "{name}");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked}");
}

#[tokio::test]
async fn a_path_that_is_no_text_is_not_found_in_the_words_of_its_dialect() {
    let app = TestApp::start().await;
    let mut asked = 0;
    for (_, document) in documents() {
        for (name, method, path, _) in operations(document).into_iter().filter(|(_, _, path, _)| path.contains('{')) {
            for wrong in ["%FF", "%00"] {
                let parts = path.split('/').map(|part| if part.starts_with('{') { wrong } else { part });
                let path = parts.collect::<Vec<_>>().join("/");
                let method: Method = method.to_ascii_uppercase().parse().unwrap();
                let request = app.request(method.clone(), &path).header("Idempotency-Key", "one");
                // Held against its document, the envelope too.
                let answer = Answer::of(if method == Method::GET { request } else { request.json(&json!({})) }).await;
                assert_eq!(answer.status, 404, "{name} {wrong}: {}", String::from_utf8_lossy(&answer.bytes));
                assert!(answer.header("content-type").contains("json"), "{name} {wrong}");
                asked += 1;
            }
        }
    }
    assert!(asked > 50, "{asked}");
    let file = Answer::of(app.anonymous(Method::GET, "/users/%FF/img/image-1.png")).await;
    assert_eq!((file.status, file.json()["code"].as_str()), (404, Some("not_found")));
}

#[tokio::test]
async fn a_suspended_account_is_refused_on_public_routes_as_described() {
    let app = TestApp::start().await;
    app.core.set_suspended(app.account.id, Some("unpaid".into())).await.unwrap();
    for path in ["/api/v1/generators", "/api/v1/models", "/api/v1/creations/public", "/v1/charging-rules"] {
        // The answer is held against its document.
        assert_eq!(app.get(path).await.status, 403, "{path}");
        assert_eq!(Answer::of(app.anonymous(Method::GET, path)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_page_is_found_with_and_without_a_slash() {
    let app = TestApp::start().await;
    for path in ["/docs", "/docs/"] {
        let page = Answer::of(app.anonymous(Method::GET, path)).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
    }
}
