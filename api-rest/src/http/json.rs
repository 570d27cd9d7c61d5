//! Bodies in JSON: strict in types, told apart from what is merely unknown, which is ignored.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problem::{Kind, Problem};

/// How many bytes a JSON body has at most unless its route says otherwise.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// How many bytes are parsed on a thread that others wait for too; what is larger gets one of its own.
pub(crate) const PARSED_INLINE_BYTES_MAX: usize = 1 << 20;
/// How long a body may take to arrive.
pub const BODY_WITHIN: Duration = Duration::from_secs(60);

/// A JSON object of at most `MAX` bytes, as `T` and as it was sent.
///
/// Refused: another content type (one that is not said is taken as JSON), malformed JSON, a key said
/// twice, U+0000 anywhere, a value of another type than `T` wants. Ignored: fields that `T` does not
/// know.
#[derive(Debug)]
pub struct JsonBody<T = Map<String, Value>, const MAX: usize = JSON_BYTES_MAX> {
    /// What it says.
    pub value: T,
    /// The bytes as they came: what a request is recognised by when it is repeated.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned, const MAX: usize, S: Send + Sync> FromRequest<S> for JsonBody<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_content_type(&parts.headers)?;
        let bytes = read(&parts.headers, body, MAX).await?;
        let value = if bytes.len() > PARSED_INLINE_BYTES_MAX {
            let text = bytes.clone();
            let parsed = tokio::task::spawn_blocking(move || parse_object(&text)).await;
            parsed.map_err(|error| Problem::internal(format!("reading a body: {error}")))??
        } else {
            parse_object(&bytes)?
        };
        Ok(JsonBody { value: typed(value)?, bytes })
    }
}

/// A body that may be missing altogether, then an empty object.
#[derive(Debug)]
pub struct OptionalJsonBody<T = Map<String, Value>>(pub JsonBody<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body, JSON_BYTES_MAX).await?;
        let value = if bytes.is_empty() {
            Map::new()
        } else {
            check_content_type(&parts.headers)?;
            parse_object(&bytes)?
        };
        Ok(OptionalJsonBody(JsonBody { value: typed(value)?, bytes }))
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    if json {
        return Ok(());
    }
    let message = "The request body must be JSON: send it with \"Content-Type: application/json\".";
    Err(Problem::new(Kind::UnsupportedMediaType, message))
}

/// A body of at most so many bytes.
pub(crate) async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Kind::TooLarge, format!("The request body must be at most {bytes_max} bytes."));
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|said| said > bytes_max) {
        return Err(too_large());
    }
    let collected = tokio::time::timeout(BODY_WITHIN, Limited::new(body, bytes_max).collect()).await;
    let slow = || Problem::new(Kind::Timeout, "The request body did not arrive in time.");
    match collected.map_err(|_| slow())? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Problem::new(Kind::Malformed, format!("The request body could not be read: {error}."))),
    }
}

/// Reads an object. Errors name the place.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.is_empty() {
        return Err(not_an_object());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(not_an_object()),
        Err(error) => Err(Problem::new(Kind::Malformed, format!("The request body is not valid JSON: {error}."))),
    }
}

fn not_an_object() -> Problem {
    Problem::new(Kind::Malformed, "The request body must be a JSON object.")
}

/// The fields as `T`. Errors name the field and what it takes.
pub fn typed<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        Problem::invalid(describe(&path, &error.into_inner().to_string()))
    })
}

/// The deserializer's words in ours.
fn describe(path: &str, said: &str) -> String {
    let quoted = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    if let Some(rest) = said.strip_prefix("missing field ") {
        let name = quoted(rest).join("");
        return if path.is_empty() { format!("{name} is required.") } else { format!("{path}.{name} is required.") };
    }
    let field = if path.is_empty() { "The request body" } else { path };
    if said.starts_with("unknown variant") {
        let allowed = said.split_once("expected").map(|(_, allowed)| quoted(allowed)).unwrap_or_default();
        return format!("{field} must be one of: {}.", allowed.join(", "));
    }
    let wrong = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    if let Some((got, wanted)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{field} must be {}, not {}.", wanted_in_words(wanted), got_in_words(got));
    }
    format!("{field}: {said}.")
}

fn wanted_in_words(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other if other.contains("variant") || other.starts_with("string or map") => "a string",
        other => other,
    }
}

fn got_in_words(got: &str) -> String {
    match got.split_once(' ') {
        Some(("string", _)) => "a string".to_owned(),
        Some(("integer" | "boolean", value)) => value.trim_matches('`').to_owned(),
        Some(("floating", value)) => value.trim_start_matches("point ").trim_matches('`').to_owned(),
        _ => match got {
            "sequence" => "an array".to_owned(),
            "map" => "an object".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// Reads a value as serde_json does, but refuses a key that is said twice and U+0000. Depth is bounded
/// by the reader.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

fn checked<E: Error>(text: String) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom("U+0000 is not allowed in a string")) } else { Ok(text) }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // 5.0 is as whole a number as 5 (JSON Schema, 4.2.3), and some clients write it so.
        if value.fract() == 0.0
            && let Ok(whole) = format!("{value:.0}").parse::<i64>()
        {
            return Ok(whole.into());
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        checked(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        checked(value).map(Value::String)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let key = checked(key)?;
            let value = entries.next_value_seed(Strict)?;
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key \"{key}\" is said twice")));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Scene {
        TextToImage,
        ImageToImage,
    }

    #[derive(Debug, Deserialize)]
    struct Item {
        #[allow(dead_code)]
        url: String,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Wanted {
        scene: Scene,
        count: Option<u32>,
        items: Option<Vec<Item>>,
        sound: Option<bool>,
    }

    fn said(body: &str) -> String {
        match parse_object(body.as_bytes()).and_then(typed::<Wanted>) {
            Ok(_) => "taken".to_owned(),
            Err(problem) => problem.message,
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_what_it_takes() {
        assert_eq!(said(r#"{"scene": "text-to-image", "extra": {"deep": 1}}"#), "taken");
        assert_eq!(said("{}"), "scene is required.");
        assert_eq!(said(r#"{"scene": "x"}"#), "scene must be one of: text-to-image, image-to-image.");
        assert_eq!(said(r#"{"scene": 7}"#), "scene must be a string, not 7.");
        let with = |field: &str| said(&format!(r#"{{"scene": "text-to-image", {field}}}"#));
        assert_eq!(with(r#""count": "3""#), "count must be a whole number of at least 0, not a string.");
        assert_eq!(with(r#""count": 1.5"#), "count must be a whole number of at least 0, not 1.5.");
        for (written, read) in [("5.0", "5"), ("-2.0", "-2"), ("1e3", "1000"), ("0.5", "0.5"), ("1e300", "1e+300")] {
            let body = format!(r#"{{"n": {written}}}"#);
            assert_eq!(parse_object(body.as_bytes()).unwrap()["n"].to_string(), read, "{written}");
        }
        assert_eq!(with(r#""count": -1"#), "count must be a whole number of at least 0, not -1.");
        assert_eq!(with(r#""items": {}"#), "items must be an array, not an object.");
        assert_eq!(with(r#""items": [{"url": "a"}, {}]"#), "items[1].url is required.");
        assert_eq!(with(r#""items": [{"url": null}]"#), "items[0].url must be a string, not null.");
        assert_eq!(with(r#""sound": 1"#), "sound must be a boolean, not 1.");
    }

    #[test]
    fn what_is_no_honest_object_is_refused() {
        for (body, why) in [
            ("", "must be a JSON object"),
            ("[]", "must be a JSON object"),
            ("\"x\"", "must be a JSON object"),
            ("{", "not valid JSON"),
            ("{} {}", "trailing"),
            (r#"{"a": 1, "a": 2}"#, "said twice"),
            (r#"{"a": {"b": 1, "\u0062": 2}}"#, "said twice"),
            (r#"{"a": "x\u0000y"}"#, "U+0000"),
            (r#"{"a\u0000": 1}"#, "U+0000"),
            (r#"{"a": NaN}"#, "not valid JSON"),
            (r#"{"a": 1e999}"#, "out of range"),
        ] {
            assert!(said(body).contains(why), "{body}: {}", said(body));
        }
        let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert!(said(&deep).contains("recursion limit"), "{}", said(&deep));
    }
}
