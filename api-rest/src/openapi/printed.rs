//! What the GenFire document prints of each endpoint: request and answer, as they were copied from it.
//! They are the examples of our own document, and what the tests hold answers against.

use serde::Deserialize;
use serde_json::{Value, json};

/// The endpoints as `printed/genfire.json` holds them, in the order of the document.
const GENFIRE: &str = include_str!("printed/genfire.json");

/// An endpoint as it is printed.
#[derive(Clone, Debug, Deserialize)]
pub struct Printed {
    /// `GET`, `POST`, …
    pub method: String,
    /// Its path with names in braces, `/v1` included.
    pub path: String,
    /// What a key has to be allowed; `None` where no key is asked for.
    pub scope: Option<String>,
    /// Whether an idempotency key has to be sent.
    pub idempotency: bool,
    /// The command line, with the document's own host and placeholders.
    pub curl: String,
    /// The body of that command line; null where it has none.
    pub request: Value,
    /// The status of the printed answer.
    pub status: u16,
    /// The printed answer; null where it has no body.
    pub response: Value,
}

/// Every endpoint of the GenFire document.
///
/// # Panics
/// Never: the file is part of the build, and a test reads it.
#[must_use]
pub fn genfire() -> Vec<Printed> {
    serde_json::from_str(GENFIRE).expect("the printed endpoints are JSON of this form")
}

/// Puts the printed requests and answers into a document as examples. What an endpoint says of itself
/// goes first.
pub(super) fn add_examples(document: &mut Value, printed: &[Printed]) {
    let schemas = document["components"]["schemas"].clone();
    for endpoint in printed {
        let method = endpoint.method.to_ascii_lowercase();
        let Some(operation) = document["paths"].get_mut(&endpoint.path).and_then(|item| item.get_mut(method)) else {
            continue;
        };
        if let Some(body) = operation.get_mut("requestBody") {
            add(body, &endpoint.request, &schemas);
        }
        if let Some(answer) = operation["responses"].get_mut(endpoint.status.to_string()) {
            add(answer, &endpoint.response, &schemas);
        }
    }
}

/// Puts an example to a JSON body that is described and has none. Lists are printed without the
/// `has_more` that ours bear.
fn add(body: &mut Value, example: &Value, schemas: &Value) {
    let Some(described) = body.pointer_mut("/content/application~1json").filter(|_| !example.is_null()) else { return };
    if described.get("example").is_some() || described.get("examples").is_some() {
        return;
    }
    let mut example = example.clone();
    let name = described["schema"]["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let required = name.and_then(|name| schemas[name]["required"].as_array());
    if required.is_some_and(|required| required.contains(&json!("has_more"))) {
        example["has_more"] = json!(false);
    }
    described["example"] = example;
}

/// Drops the schemas that nothing refers to: building blocks that were folded into others.
pub(super) fn drop_unused_schemas(document: &mut Value) {
    loop {
        let text = document.to_string();
        let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
        let before = schemas.len();
        schemas.retain(|name, _| text.contains(&json!(format!("#/components/schemas/{name}")).to_string()));
        if schemas.len() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_whole_document() {
        let printed = genfire();
        assert_eq!(printed.len(), 39);
        assert_eq!(printed.iter().filter(|endpoint| endpoint.idempotency).count(), 12);
        assert!(printed.iter().all(|endpoint| endpoint.curl.starts_with("curl https://api.genfire.ai/v1/")));
    }

    #[test]
    fn schemas_that_only_unused_ones_refer_to_are_dropped_too() {
        let refer = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let mut document = json!({
            "paths": {"/": refer("Kept")},
            "components": {"schemas": {"Kept": {}, "Unused": refer("OnlyThere"), "OnlyThere": {}}},
        });
        drop_unused_schemas(&mut document);
        assert_eq!(document["components"]["schemas"], json!({"Kept": {}}));
    }
}
