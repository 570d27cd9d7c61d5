//! Compares an answer with a documented example: the same fields in the same order, of the same types.

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

type Object<'a> = IndexMap<String, &'a RawValue>;

/// A documented example, by its name.
pub fn example(name: &str) -> String {
    let path = format!("{}/tests/fixtures/generor/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Panics unless an answer has the shape of an example. `ours` names fields (`data.status`) that we
/// add.
#[track_caller]
pub fn assert_shape(name: &str, answer: &[u8], ours: &[&str]) {
    let answer = std::str::from_utf8(answer).unwrap();
    compare("", &example(name), answer, ours).unwrap_or_else(|why| panic!("{name}: {why}\n{answer}"));
}

fn compare(path: &str, documented: &str, answered: &str, ours: &[&str]) -> Result<(), String> {
    let kind = kind_of(documented);
    // What is null in the example may hold something at another time.
    if kind == "null" {
        return Ok(());
    }
    if kind != kind_of(answered) {
        return Err(format!("{path} is {}, documented as {kind}", kind_of(answered)));
    }
    match kind {
        "object" => {
            let documented: Object<'_> = serde_json::from_str(documented).unwrap();
            let answered: Object<'_> = serde_json::from_str(answered).unwrap();
            let names: Vec<&String> = answered.keys().filter(|key| !ours.contains(&&*below(path, key))).collect();
            let expected: Vec<&String> = documented.keys().collect();
            if names != expected {
                return Err(format!("{path} has the fields {names:?}, documented as {expected:?}"));
            }
            documented
                .iter()
                .try_for_each(|(key, value)| compare(&below(path, key), value.get(), answered[key].get(), ours))
        }
        "array" => {
            let documented: Vec<&RawValue> = serde_json::from_str(documented).unwrap();
            let answered: Vec<&RawValue> = serde_json::from_str(answered).unwrap();
            let Some(first) = documented.first() else { return Ok(()) };
            let place = format!("{path}[]");
            answered.iter().try_for_each(|item| compare(&place, first.get(), item.get(), ours))
        }
        _ => Ok(()),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn kind_of(text: &str) -> &'static str {
    let number = |text: &str| if text.contains('.') { "fraction" } else { "whole number" };
    match serde_json::from_str(text).unwrap() {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(_) => number(text),
    }
}

#[test]
fn the_comparison_sees_order_names_and_types() {
    let documented = r#"{"a": 1, "b": {"c": null}, "d": [{"e": "x"}]}"#;
    let same = |answered: &str| compare("", documented, answered, &["ours"]);
    assert_eq!(same(r#"{"a": 2, "b": {"c": "now"}, "d": [], "ours": 1}"#), Ok(()));
    assert!(same(r#"{"b": {"c": 1}, "a": 2, "d": []}"#).unwrap_err().contains("fields"));
    assert!(same(r#"{"a": 2.0, "b": {"c": 1}, "d": []}"#).unwrap_err().contains("a is fraction"));
    assert!(same(r#"{"a": 2, "b": {"c": 1}, "d": [{"e": null}]}"#).unwrap_err().contains("d[].e is null"));
    assert!(same(r#"{"a": 2, "b": {"c": 1}, "d": [], "more": 1}"#).unwrap_err().contains("fields"));
}
