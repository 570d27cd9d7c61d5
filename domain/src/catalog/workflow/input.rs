//! What a workflow is given, judged; and what its model is told.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use super::Workflow;

/// The longest text that a field may hold, in Unicode scalars.
const TEXT_CHARS_MAX: usize = 20_000;
/// The most texts that a list may hold.
const LIST_ITEMS_MAX: usize = 50;
/// The longest a topic is, in Unicode scalars; it stands in outputs and lists.
const TOPIC_CHARS_MAX: usize = 500;

/// Why a field is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    /// The field; a path (`keywords[2]`) within lists.
    pub field: String,
    /// Stable, for programs: `missing_value` or `unsupported_value`; `invalid_prompt` of a prompt.
    pub code: &'static str,
    /// What is wrong and what is allowed: goes after the field's name.
    pub message: String,
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

impl InputProblem {
    fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let field = field.into();
        let code = if field == "prompt" { "invalid_prompt" } else { code };
        InputProblem { field, code, message: message.into() }
    }

    fn missing(field: &str) -> Self {
        Self::new(field, "missing_value", "is required")
    }
}

impl Workflow {
    /// The fields that it knows among those that were sent, judged by its schema. What it does not know
    /// is ignored, as everywhere in the dialect, and null counts as not said. Errors name the field.
    pub fn judge(&self, sent: &Map<String, Value>) -> Result<Map<String, Value>, InputProblem> {
        let known = sent.iter().filter(|(name, value)| self.input_schema.property(name).is_some() && !value.is_null());
        let fields: Map<String, Value> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
        let instance = Value::Object(fields);
        if let Err(error) = self.input_schema.validator().validate(&instance) {
            return Err(problem(&error));
        }
        let Value::Object(fields) = instance else { return Err(InputProblem::missing("prompt")) };
        for (name, value) in &fields {
            within_limits(name, value)?;
        }
        let said = |name: &String| fields.contains_key(name);
        if self.needs_any.iter().any(said) {
            return Ok(fields);
        }
        match &self.needs_any[..] {
            [only] => Err(InputProblem::missing(only)),
            several => {
                let message = format!("or one of {} is required", several[1..].join(", "));
                Err(InputProblem { field: several[0].clone(), code: "missing_value", message })
            }
        }
    }

    /// What it is about, for people: the prompt, else the product's name and description, else the page.
    #[must_use]
    pub fn topic(&self, fields: &Map<String, Value>) -> String {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let topic = match (text("prompt"), text("product_name"), text("product_description")) {
            (Some(prompt), _, _) => prompt.to_owned(),
            (None, Some(name), Some(description)) => format!("{name}: {description}"),
            (None, Some(one), None) | (None, None, Some(one)) => one.to_owned(),
            (None, None, None) => self.page_of(fields).unwrap_or_default().to_owned(),
        };
        clip(&topic, TOPIC_CHARS_MAX)
    }

    /// What the model is told. `product` is what the product's page shows.
    #[must_use]
    pub fn render(&self, fields: &Map<String, Value>, product: Option<&Map<String, Value>>) -> String {
        let product = product.map(|product| Value::Object(product.clone()).to_string());
        let filled = self.template.lines().filter_map(|line| {
            let Some((before, rest)) = line.split_once('{') else { return Some(line.to_owned()) };
            let Some((name, after)) = rest.split_once('}') else { return Some(line.to_owned()) };
            let text = match name {
                "product" => product.clone()?,
                name => in_words(fields.get(name)?),
            };
            Some(format!("{before}{text}{after}"))
        });
        filled.collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    /// The gaps of its template.
    pub(crate) fn gaps(&self) -> Vec<&str> {
        let gap = |line: &'_ str| -> Option<(usize, usize)> {
            let from = line.find('{')? + 1;
            Some((from, from + line[from..].find('}')?))
        };
        self.template.lines().filter_map(|line| gap(line).map(|(from, to)| &line[from..to])).collect()
    }
}

/// Cuts a text to a number of Unicode scalars.
pub(super) fn clip(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Limits that the printed schemas do not name.
fn within_limits(path: &str, value: &Value) -> Result<(), InputProblem> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Err(InputProblem::new(path, "missing_value", "must not be blank"))
        }
        Value::String(text) if text.chars().count() > TEXT_CHARS_MAX => {
            let message = format!("must be at most {TEXT_CHARS_MAX} characters");
            Err(InputProblem::new(path, "unsupported_value", message))
        }
        // The output names these addresses again, where somebody's page may show them.
        Value::String(url)
            if path.starts_with("image_urls") && !["https://", "http://"].iter().any(|at| url.starts_with(at)) =>
        {
            Err(InputProblem::new(path, "unsupported_value", "must be an http or https address"))
        }
        Value::Number(number) if number.to_string().starts_with('-') || number.as_u64() == Some(0) => {
            Err(InputProblem::new(path, "unsupported_value", "must be more than 0"))
        }
        Value::Array(values) if values.len() > LIST_ITEMS_MAX => {
            Err(InputProblem::new(path, "unsupported_value", format!("may hold at most {LIST_ITEMS_MAX}")))
        }
        Value::Array(values) => {
            values.iter().enumerate().try_for_each(|(at, value)| within_limits(&format!("{path}[{at}]"), value))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Ok(()),
    }
}

/// The validator's words in ours.
fn problem(error: &jsonschema::ValidationError<'_>) -> InputProblem {
    let field = path(&error.instance_path().to_string());
    let unsupported = |message: String| InputProblem::new(field.clone(), "unsupported_value", message);
    match error.kind() {
        ValidationErrorKind::Required { property } => InputProblem::missing(property.as_str().unwrap_or_default()),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(|options| options.iter().map(in_words).collect::<Vec<_>>());
            unsupported(format!("must be one of: {}", options.unwrap_or_default().join(", ")))
        }
        ValidationErrorKind::Minimum { limit } => unsupported(format!("must be at least {limit}")),
        ValidationErrorKind::Maximum { limit } => unsupported(format!("must be at most {limit}")),
        ValidationErrorKind::Format { format } => unsupported(format!("must be a {format}")),
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                jsonschema::error::TypeKind::Single(one) => one.to_string(),
                jsonschema::error::TypeKind::Multiple(several) => {
                    several.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            unsupported(format!("must be of type {wanted}"))
        }
        // Whatever else an operator's schema asks for is said in the validator's own words, without the
        // value: it may be long.
        _ => unsupported(format!("is not allowed: {}", error.masked())),
    }
}

/// `/keywords/2` as `keywords[2]`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    path
}
