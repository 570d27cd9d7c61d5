//! Workflows: schemas that fit together, examples that they admit, a model that can answer, a price.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::capability::Capability;
use super::super::load::{Draft, Placed, Problems};
use super::super::workflow::{Schema, Workflow};
use super::{is_blank, is_field_name};

/// The gap that the product's page fills.
const PRODUCT_GAP: &str = "product";
/// The gap of what a project's owner wants otherwise.
const CHANGES_GAP: &str = "requested_changes";

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    let newest = draft.price_books.iter().max_by_key(|book| book.item.effective_from);
    let mut keys = HashSet::new();
    for placed in &draft.workflows {
        let workflow = &placed.item;
        let mut say = |problem: String| problems.add(&placed.file, &workflow.key, problem);
        if !is_field_name(&workflow.key) || !keys.insert(&workflow.key) {
            say("the key is there twice, or holds more than lower-case letters, digits and underscores".into());
        }
        if [&workflow.name, &workflow.description, &workflow.template].into_iter().any(|text| is_blank(text)) {
            say("name, description or template is blank".into());
        }
        match draft.models.iter().find(|model| model.item.slug == workflow.model) {
            Some(model) if model.item.capability == Capability::TextGeneration => {}
            Some(_) => say(format!("{} writes no text", workflow.model)),
            None => say(format!("there is no model {}", workflow.model)),
        }
        let operation = workflow.price_key();
        if newest.is_some_and(|book| book.item.operations.iter().all(|known| known.key != operation)) {
            say(format!("the newest price book has no operation {operation}; nothing is free"));
        }
        fields(workflow, &mut say);
        examples(placed, problems);
    }
}

/// Whether what the definition names is among the fields that it takes.
fn fields(workflow: &Workflow, say: &mut impl FnMut(String)) {
    let takes = |name: &str| workflow.input_schema.property(name).is_some();
    if workflow.needs_any.is_empty() {
        say("needs_any is empty: at least one field has to be said".into());
    }
    for name in workflow.needs_any.iter().chain(&workflow.product_page) {
        if !takes(name) {
            say(format!("there is no field {name} in input_schema"));
        }
    }
    for gap in workflow.gaps() {
        let known = takes(gap)
            || gap == PRODUCT_GAP && workflow.product_page.is_some()
            || gap == CHANGES_GAP && workflow.makes_project();
        if !known {
            say(format!("nothing fills the template's gap {{{gap}}}"));
        }
    }
}

fn examples(placed: &Placed<Workflow>, problems: &mut Problems) {
    let workflow = &placed.item;
    let as_object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let request: Map<String, Value> = as_object(workflow.example_request.value());
    if let Err(problem) = workflow.judge(&request) {
        problems.add(&placed.file, &workflow.key, format!("example_request: {problem}"));
    }
    let admits = |schema: &Schema, value: &Value| schema.validator().validate(value).map_err(|error| error.to_string());
    if let Err(problem) = admits(&workflow.output_schema, workflow.example_output.value()) {
        problems.add(&placed.file, &workflow.key, format!("example_output: {problem}"));
    }
    let object = |schema: &Schema| schema.value().get("type").and_then(Value::as_str) == Some("object");
    if ![&workflow.input_schema, &workflow.output_schema, &workflow.answer_schema].into_iter().all(object) {
        problems.add(&placed.file, &workflow.key, "each schema has to be of an object (`\"type\": \"object\"`)");
    }
}
