//! The Generor dialect over HTTP, against the whole surface.

mod account;
mod again;
mod creations;
mod document;
mod errors;
mod generate;
mod generators;
mod keys;
mod people;
mod profiles;
mod scopes;
mod search;
mod shape;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
mod validation;
mod worked;

use serde_json::{Value, json};
use support::{Answer, TestApp};

/// Where a generator generates.
pub fn path(slug: &str) -> String {
    format!("/api/v1/generators/{slug}/generate")
}

/// Generates a text of the joke generator.
pub async fn joke(app: &TestApp, prompt: &str) -> Answer {
    app.post(&path("joke"), &json!({"prompt": prompt, "model_id": 3})).await
}

/// The ids of what an answer says was made.
pub fn ids(answer: &Value) -> Vec<u64> {
    let made = answer["data"]["creations"].as_array().expect("creations");
    made.iter().map(|one| one["creation_id"].as_u64().expect("an id")).collect()
}

/// The ids of a page of creations.
pub fn listed(page: &Value) -> Vec<u64> {
    let rows = page["data"].as_array().expect("a list");
    rows.iter().map(|one| one["creation_id"].as_u64().expect("an id")).collect()
}
