//! Generators: a prompt template with preferences, and the typed fields of its answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::capability::{Capability, MediaType};

/// Whether a generator is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeneratorStatus {
    /// Offered.
    Active,
    /// Listed for the curious, and cannot be run yet.
    Development,
}

/// Whether a generator takes an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageInput {
    /// No.
    #[default]
    None,
    /// If the model does.
    Optional,
    /// It cannot do without.
    Required,
}

/// What a typed field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text that is not blank.
    String,
    /// A whole number, not negative.
    Integer,
    /// One or more texts, none of them blank.
    StringList,
}

/// One field of a generator's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputField {
    /// Its name in the answer.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// What it means; told to the model too.
    pub description: String,
    /// The least that an integer may be, or the fewest texts of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most that an integer may be, or the most texts of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

impl OutputField {
    /// Whether a number, or a number of texts, lies within the field's bounds.
    fn admits(&self, number: u64) -> bool {
        self.min.is_none_or(|min| u64::from(min) <= number) && self.max.is_none_or(|max| number <= u64::from(max))
    }
}

/// A preference's value: a word or a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PreferenceValue {
    /// A number.
    Integer(i64),
    /// A word.
    Text(String),
}

impl fmt::Display for PreferenceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PreferenceValue::Integer(number) => number.fmt(f),
            PreferenceValue::Text(text) => text.fmt(f),
        }
    }
}

/// One choice of a preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreferenceOption {
    /// What requests send.
    pub value: PreferenceValue,
    /// For people.
    pub label: String,
    /// What the template is given in its place.
    pub text: String,
}

/// A choice that a generator offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// For people.
    pub label: String,
    /// Taken where none is sent.
    pub default: PreferenceValue,
    /// The choices.
    #[serde(rename = "option")]
    pub options: Vec<PreferenceOption>,
}

impl Preference {
    /// The choice that `asked` names; the default where nothing is asked. A number may be sent as
    /// text and the other way round. `None` where there is no such choice.
    #[must_use]
    pub fn choose(&self, asked: Option<&PreferenceValue>) -> Option<&PreferenceOption> {
        let wanted = asked.unwrap_or(&self.default).to_string();
        self.options.iter().find(|option| option.value.to_string() == wanted)
    }
}

/// Why a value is refused: which, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct FieldProblem {
    /// The field or preference.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be accepted; empty where the problem says it.
    pub allowed: Vec<String>,
}

/// What a template is filled with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filling<'a> {
    /// The caller's prompt; empty where there is none.
    pub prompt: &'a str,
    /// The language code; `auto` leaves it to the prompt.
    pub language: &'a str,
    /// The first preference.
    pub preference: Option<&'a PreferenceValue>,
    /// The second.
    pub preference_two: Option<&'a PreferenceValue>,
}

/// A generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// Its name in paths. Never changed.
    pub slug: String,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// One pictograph.
    pub icon: String,
    /// Whether it is offered.
    pub status: GeneratorStatus,
    /// The medium of its creations.
    pub media_type: MediaType,
    /// Which models it takes.
    pub capabilities: Vec<Capability>,
    /// The slug of the model that is suggested.
    pub default_model: String,
    /// Slugs of others like it.
    #[serde(default)]
    pub similar: Vec<String>,
    /// Whether it takes an image.
    #[serde(default)]
    pub image_input: ImageInput,
    /// What the model is told, with `{prompt}`, `{language}`, `{preference}`, `{preference_two}`.
    pub template: String,
    /// The first choice.
    #[serde(default)]
    pub preference: Option<Preference>,
    /// The second choice.
    #[serde(default)]
    pub preference_two: Option<Preference>,
    /// The fields of a text answer; empty for other media.
    #[serde(default, rename = "field")]
    pub fields: Vec<OutputField>,
}

/// The placeholders that a template may have.
pub(super) const PLACEHOLDERS: [&str; 4] = ["{prompt}", "{language}", "{preference}", "{preference_two}"];

impl Generator {
    /// What the model is told. The caller's own text is put in as it is: a placeholder in it stays
    /// what it is. Errors: a preference that is not offered.
    pub fn render(&self, with: Filling<'_>) -> Result<String, FieldProblem> {
        let preference = chosen("preference", self.preference.as_ref(), with.preference)?;
        let preference_two = chosen("preference_two", self.preference_two.as_ref(), with.preference_two)?;
        let language = match with.language {
            "" | "auto" => "the language of the prompt",
            code => code,
        };
        let values = [with.prompt, language, preference, preference_two];
        let mut told = String::with_capacity(self.template.len() + with.prompt.len());
        let mut rest = self.template.as_str();
        while let Some((at, which)) = next_placeholder(rest) {
            told.push_str(&rest[..at]);
            told.push_str(values[which]);
            rest = &rest[at + PLACEHOLDERS[which].len()..];
        }
        told.push_str(rest);
        Ok(told.trim().to_owned())
    }

    /// Whether an answer has exactly the fields that it should, each of its type. Errors: the first
    /// that does not fit.
    pub fn check_fields(&self, answer: &Map<String, Value>) -> Result<(), FieldProblem> {
        for field in &self.fields {
            let fits = match (answer.get(&field.name), field.field_type) {
                (Some(Value::String(text)), FieldType::String) => !text.trim().is_empty(),
                (Some(Value::Number(number)), FieldType::Integer) => number.as_u64().is_some_and(|n| field.admits(n)),
                (Some(Value::Array(items)), FieldType::StringList) => {
                    !items.is_empty()
                        && field.admits(items.len() as u64)
                        && items.iter().all(|item| item.as_str().is_some_and(|text| !text.trim().is_empty()))
                }
                (_, FieldType::String | FieldType::Integer | FieldType::StringList) => false,
            };
            if !fits {
                return Err(problem(&field.name, "is missing, of another type or out of bounds"));
            }
        }
        match answer.keys().find(|name| !self.fields.iter().any(|field| field.name == **name)) {
            Some(unknown) => Err(problem(unknown, "is not a field of this generator")),
            None => Ok(()),
        }
    }
}

/// The placeholder that comes first, and where.
pub(super) fn next_placeholder(text: &str) -> Option<(usize, usize)> {
    PLACEHOLDERS
        .iter()
        .enumerate()
        .filter_map(|(which, placeholder)| text.find(placeholder).map(|at| (at, which)))
        .min()
}

fn chosen<'a>(
    name: &str,
    preference: Option<&'a Preference>,
    asked: Option<&PreferenceValue>,
) -> Result<&'a str, FieldProblem> {
    // A preference that a generator does not have changes nothing, like any other field of the
    // document's one body that does not concern it.
    let Some(preference) = preference else {
        return Ok("");
    };
    match preference.choose(asked) {
        Some(option) => Ok(&option.text),
        None => Err(FieldProblem {
            allowed: preference.options.iter().map(|option| option.value.to_string()).collect(),
            ..problem(name, "is not one of the choices of this generator")
        }),
    }
}

fn problem(field: &str, problem: &str) -> FieldProblem {
    FieldProblem { field: field.to_owned(), problem: problem.to_owned(), allowed: Vec::new() }
}
