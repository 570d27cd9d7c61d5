//! Compares an answer with a documented example: the same fields in the same order, of the same types.

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

type Object<'a> = IndexMap<String, &'a RawValue>;

/// A documented example, as it was copied from the contract.
pub struct Example {
    /// The path below `/v1`.
    pub path: String,
    /// The request's body; `null` where there is none.
    pub request: Value,
    /// The answer, as text.
    response: String,
}

impl Example {
    /// The example of that name.
    pub fn named(name: &str) -> Self {
        let path = format!("{}/tests/fixtures/genfire/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let parts: Object<'_> = serde_json::from_str(&text).unwrap();
        Example {
            path: serde_json::from_str(parts["path"].get()).unwrap(),
            request: serde_json::from_str(parts["request"].get()).unwrap(),
            response: parts["response"].get().to_owned(),
        }
    }

    /// The documented answer.
    pub fn response(&self) -> Value {
        serde_json::from_str(&self.response).unwrap()
    }

    /// Whether `answer` has the documented shape. `but` names paths (`data[].input_summary`) that are
    /// not looked into, and those that are ours (`+has_more`).
    #[track_caller]
    pub fn assert_shape_of(&self, answer: &[u8], but: &[&str]) {
        let answer = std::str::from_utf8(answer).unwrap();
        compare("", &self.response, answer, but).unwrap_or_else(|why| panic!("{}: {why}\n{answer}", self.path));
    }
}

/// Whether an answer has the shape of a documented text.
pub fn compare(path: &str, documented: &str, answered: &str, but: &[&str]) -> Result<(), String> {
    if but.contains(&path) {
        return Ok(());
    }
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
            let ours = |key: &String| but.contains(&format!("+{}", below(path, key)).as_str());
            let names: Vec<&String> = answered.keys().filter(|key| !ours(key)).collect();
            let expected: Vec<&String> = documented.keys().collect();
            if names != expected {
                return Err(format!("{path} has the fields {names:?}, documented as {expected:?}"));
            }
            for (key, value) in &documented {
                compare(&below(path, key), value.get(), answered[key].get(), but)?;
            }
        }
        "array" => {
            let documented: Vec<&RawValue> = serde_json::from_str(documented).unwrap();
            let answered: Vec<&RawValue> = serde_json::from_str(answered).unwrap();
            if let Some(first) = documented.first() {
                for item in answered {
                    compare(&format!("{path}[]"), first.get(), item.get(), but)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn kind_of(text: &str) -> &'static str {
    match text.trim_start().as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

#[test]
fn the_comparison_sees_order_names_and_types() {
    let documented = r#"{"a": 1, "b": {"c": null}, "d": [{"e": "x"}]}"#;
    let same = |answered: &str| compare("", documented, answered, &["+ours"]);
    assert_eq!(same(r#"{"a": 2, "b": {"c": "now"}, "d": [], "ours": 1}"#), Ok(()));
    assert!(same(r#"{"b": {"c": 1}, "a": 2, "d": []}"#).unwrap_err().contains("fields"));
    assert!(same(r#"{"a": 2, "b": {}, "d": []}"#).unwrap_err().contains("b has the fields"));
    assert!(same(r#"{"a": "2", "b": {"c": 1}, "d": []}"#).unwrap_err().contains("a is string"));
    assert!(same(r#"{"a": 2, "b": {"c": 1}, "d": [{"e": "y"}, {"e": null}]}"#).unwrap_err().contains("d[].e is null"));
    assert!(same(r#"{"a": 2, "b": {"c": 1}, "d": [], "more": 1}"#).unwrap_err().contains("fields"));
}
