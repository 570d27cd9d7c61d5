//! The fields of an event, as its samples show them.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::Value;

use super::common::COMMON;
use super::{Chapter, EventEntry};

/// A field.
pub(super) struct Field {
    /// Its path in the payload, below the variant's name; `[]` stands for each element of a list.
    pub path: String,
    /// What its values look like.
    pub kinds: BTreeSet<&'static str>,
    /// In how many of the samples it is.
    seen: usize,
    /// Whether it is in every sample.
    pub always: bool,
}

/// The fields of an event type, in the order in which they are written.
pub(super) fn fields(chapter: &Chapter, event_type: &str) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut samples = 0;
    for sample in chapter.samples.iter().filter(|sample| sample.event_type == event_type) {
        samples += 1;
        let mut paths = Vec::new();
        if let Ok(Value::Object(payload)) = serde_json::from_str(&sample.payload) {
            payload.values().for_each(|content| walk("", content, &mut paths));
        }
        let mut seen = BTreeSet::new();
        for (path, kind) in paths {
            let first = seen.insert(path.clone());
            match fields.iter_mut().find(|field| field.path == path) {
                Some(field) => {
                    field.kinds.insert(kind);
                    field.seen += usize::from(first);
                }
                None => fields.push(Field { path, kinds: [kind].into(), seen: 1, always: false }),
            }
        }
    }
    for field in &mut fields {
        field.always = field.seen == samples;
    }
    fields.sort_by(|one, other| one.path.cmp(&other.path));
    fields
}

fn walk(path: &str, value: &Value, paths: &mut Vec<(String, &'static str)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                // The only map whose keys are data.
                let name = if path.ends_with("per_output_by_quality") { "*" } else { name };
                let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                walk(&below, member, paths);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| walk(&format!("{path}[]"), element, paths)),
        Value::String(text) => paths.push((path.to_owned(), kind_of(text))),
        Value::Number(_) => paths.push((path.to_owned(), "integer")),
        Value::Bool(_) => paths.push((path.to_owned(), "boolean")),
        Value::Null => paths.push((path.to_owned(), "null")),
    }
}

fn kind_of(text: &str) -> &'static str {
    if text.len() == 36 && uuid::Uuid::try_parse(text).is_ok() {
        "id"
    } else if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
        "moment"
    } else if text.parse::<Decimal>().is_ok() {
        "decimal"
    } else {
        "text"
    }
}

/// What a field means: by the event's own table, else by the longest common ending.
pub(super) fn meaning(entry: &EventEntry, path: &str) -> Option<&'static str> {
    let own = entry.fields.iter().find(|(known, _)| *known == path);
    let common = || {
        COMMON
            .iter()
            .filter(|(ending, _)| path == *ending || path.ends_with(&format!(".{ending}")))
            .max_by_key(|(ending, _)| ending.len())
    };
    own.or_else(common).map(|(_, meaning)| *meaning)
}
