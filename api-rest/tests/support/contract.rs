//! Holds every answer that a test reads against the OpenAPI documents: its status must be described,
//! and its body have the shape that is described for it.

use std::sync::OnceLock;

use http::Method;
use mintmark_domain::catalog::Dialect;
use serde_json::Value;

/// The documents, as they are served.
pub fn documents() -> &'static [(Dialect, Value)] {
    static DOCUMENTS: OnceLock<Vec<(Dialect, Value)>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let documents = mintmark_api_rest::documents();
        let dialects = [Dialect::Generor, Dialect::Genfire, Dialect::GirlGenerator];
        dialects.iter().map(|dialect| (*dialect, documents.get(*dialect).expect("a document").clone())).collect()
    })
}

/// The operation that answers a request; `None` for what no document describes.
fn operation(method: &Method, path: &str) -> Option<(&'static Value, &'static Value)> {
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let wanted: Vec<&str> = template.split('/').collect();
        let fit = |(wanted, found): (&&str, &&str)| wanted.starts_with('{') || wanted == found;
        wanted.len() == segments.len() && wanted.iter().zip(&segments).all(fit)
    };
    documents().iter().find_map(|(_, document)| {
        let paths = document["paths"].as_object()?;
        // A path that is spelled out comes before one with a parameter in its place.
        let template =
            paths.keys().filter(|template| fits(template)).min_by_key(|template| template.matches('{').count());
        let operation = paths[template?].get(method.as_str().to_ascii_lowercase())?;
        Some((document, operation))
    })
}

/// Panics where an answer is not as its document says.
#[track_caller]
pub fn check(method: &Method, path: &str, status: u16, body: &[u8]) {
    let Some((document, operation)) = operation(method, path) else { return };
    let response = &operation["responses"][status.to_string()];
    assert!(response.is_object(), "{method} {path}: {status} is not described");
    let Some(content) = response["content"].as_object() else { return };
    for described in content.values() {
        let body: Value = serde_json::from_slice(body).expect("JSON where JSON is described");
        if let Err(why) = fits(document, &described["schema"], &body, "") {
            panic!("{method} {path} {status} is not as described: {why}\n{body}");
        }
    }
}

/// The words of a schema that are understood here; any other is a test that cannot fail.
const KNOWN: [&str; 23] = [
    "$ref",
    "type",
    "properties",
    "required",
    "items",
    "oneOf",
    "anyOf",
    "allOf",
    "enum",
    "const",
    "additionalProperties",
    "description",
    "examples",
    "example",
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "default",
    "propertyNames",
];

/// Whether a value has the shape that a schema describes.
pub fn fits(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(words) = schema.as_object() else { return Err(format!("{at}: no schema")) };
    if let Some(word) = words.keys().find(|word| !KNOWN.contains(&word.as_str())) {
        return Err(format!("{at}: the schema says {word}, which nobody here understands"));
    }
    if let Some(reference) = words.get("$ref").and_then(Value::as_str) {
        let target = document.pointer(reference.trim_start_matches('#')).ok_or(format!("{at}: {reference}"))?;
        fits(document, target, value, at)?;
    }
    type_fits(&schema["type"], value).map_err(|wanted| format!("{at} is {value}, not {wanted}"))?;
    if let Some(allowed) = words.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return Err(format!("{at} is {value}, none of {allowed:?}"));
    }
    if let Some(only) = words.get("const")
        && only != value
    {
        return Err(format!("{at} is {value}, not {only}"));
    }
    for part in words.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        fits(document, part, value, at)?;
    }
    let matching = |list: &Vec<Value>| list.iter().filter(|one| fits(document, one, value, at).is_ok()).count();
    if let Some(list) = words.get("oneOf").and_then(Value::as_array)
        && matching(list) != 1
    {
        return Err(format!("{at} fits {} of oneOf: {value}", matching(list)));
    }
    if let Some(list) = words.get("anyOf").and_then(Value::as_array)
        && matching(list) == 0
    {
        return Err(format!("{at} fits none of anyOf: {value}"));
    }
    match value {
        Value::Object(fields) => object_fits(document, schema, fields, at),
        Value::Array(items) if schema["items"].is_object() => {
            let mut numbered = items.iter().enumerate();
            numbered.try_for_each(|(n, item)| fits(document, &schema["items"], item, &format!("{at}[{n}]")))
        }
        _ => Ok(()),
    }
}

fn object_fits(
    document: &Value,
    schema: &Value,
    fields: &serde_json::Map<String, Value>,
    at: &str,
) -> Result<(), String> {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Err(format!("{at} has no {name}"));
        }
    }
    for (name, field) in fields {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (described @ Value::Object(_), _) | (_, described @ Value::Object(_)) => {
                fits(document, described, field, &at)?;
            }
            (_, Value::Bool(false)) => return Err(format!("{at} is not described")),
            _ => {}
        }
    }
    Ok(())
}

fn type_fits(wanted: &Value, value: &Value) -> Result<(), String> {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => false,
    };
    let fits = match wanted {
        Value::Null => true,
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    };
    if fits { Ok(()) } else { Err(wanted.to_string()) }
}
