//! JSON in the order of an example: what is kept as plain objects is shown in the order in which the
//! document prints it.

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;

type Object<'a> = IndexMap<String, &'a RawValue>;

/// `value`, its objects' fields in the order of `like`, those that `like` does not have after them. Lists
/// follow the first item of `like`'s.
pub(super) fn ordered(value: &Value, like: &str) -> String {
    match value {
        Value::Object(fields) => {
            let example: Object<'_> = serde_json::from_str(like).unwrap_or_default();
            let known = example.iter().filter_map(|(name, like)| Some((name, fields.get(name)?, like.get())));
            let more = fields.iter().filter(|(name, _)| !example.contains_key(*name));
            let fields = known.chain(more.map(|(name, value)| (name, value, "null")));
            let written =
                fields.map(|(name, value, like)| format!("{}:{}", Value::from(name.as_str()), ordered(value, like)));
            format!("{{{}}}", written.collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => {
            let example: Vec<&RawValue> = serde_json::from_str(like).unwrap_or_default();
            let like = example.first().map_or("null", |first| first.get());
            format!("[{}]", values.iter().map(|value| ordered(value, like)).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ordered;

    #[test]
    fn fields_follow_the_example_and_others_come_after() {
        let value = json!({"a": 1, "z": {"y": [{"b": 1, "a": "\"x\""}], "q": null}, "m": true});
        let like = r#"{"z": {"q": 0, "y": [{"a": 0, "b": 0}]}, "m": 0}"#;
        let shown = ordered(&value, like);
        assert_eq!(shown, r#"{"z":{"q":null,"y":[{"a":"\"x\"","b":1}]},"m":true,"a":1}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&ordered(&value, "not json")).unwrap(), value);
    }
}
