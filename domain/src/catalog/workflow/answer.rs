//! What a workflow's model answered, judged, and the output that is made of it.

use serde_json::{Map, Value};

use super::input::clip;
use super::{Computed, Workflow};

/// Two and a half words a second (150 a minute) is how fast an advertisement is spoken; doubled, so that it is a
/// whole number.
const WORDS_PER_SECOND_TIMES_TWO: u64 = 5;
/// How much of a validator's message is kept for the log.
const MESSAGE_CHARS_MAX: usize = 300;

/// Why an answer is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
pub struct AnswerProblem {
    /// Where in the answer, as a JSON pointer.
    pub at: String,
    /// What is wrong, without the answer's own text.
    pub why: String,
}

/// What an output is made of.
#[derive(Clone, Debug)]
pub struct Assembly<'a> {
    /// What was given.
    pub fields: &'a Map<String, Value>,
    /// What the product's page shows, where one was named.
    pub product: Option<&'a Map<String, Value>>,
    /// What the model answered.
    pub answer: Map<String, Value>,
    /// The project's public id, where one is made.
    pub project: Option<String>,
}

impl Workflow {
    /// Whether the model answered as it has to.
    pub fn check_answer(&self, answer: &Map<String, Value>) -> Result<(), AnswerProblem> {
        checked(&self.answer_schema, answer)
    }

    /// The output: what the model answered and what is worked out beside it. Errors: what comes of it
    /// breaks the workflow's own output schema.
    pub fn assemble(&self, assembly: Assembly<'_>) -> Result<Map<String, Value>, AnswerProblem> {
        let Assembly { fields, product, mut answer, project } = assembly;
        let topic = match product.and_then(|product| product.get("title")).and_then(Value::as_str) {
            Some(title) if !fields.contains_key("prompt") && !fields.contains_key("product_name") => title.to_owned(),
            Some(_) | None => self.topic(fields),
        };
        let words = answer.get("full_script").and_then(Value::as_str).map_or(0, |text| text.split_whitespace().count());
        let words = u64::try_from(words).unwrap_or(u64::MAX);
        let mut output = Map::new();
        output.insert("workflow".into(), self.key.clone().into());
        for computed in &self.computed {
            match computed {
                Computed::Topic => drop(output.insert("topic".into(), topic.clone().into())),
                Computed::Prompt => drop(output.insert("prompt".into(), topic.clone().into())),
                Computed::WordCount => drop(output.insert("word_count".into(), words.into())),
                Computed::EstimatedDuration => {
                    let seconds = words.saturating_mul(2).div_ceil(WORDS_PER_SECOND_TIMES_TWO);
                    output.insert("estimated_duration".into(), seconds.into());
                }
                Computed::Product => drop(output.insert("product".into(), shown_product(fields, product).into())),
                Computed::Analysis => {
                    let angles = answer.remove("marketingAngles").unwrap_or_default();
                    output.insert("analysis".into(), Map::from_iter([("marketingAngles".into(), angles)]).into());
                }
                Computed::VariantCount => {
                    let variants = answer.get_mut("variants").and_then(Value::as_array_mut);
                    let count = variants.map_or(0, |variants| number(variants));
                    output.insert("variant_count".into(), count.into());
                }
                Computed::Project => {
                    // What was answered are the project's stages, kept there.
                    answer.clear();
                    output.insert("project_id".into(), project.clone().into());
                    for name in ["status", "project_status"] {
                        output.insert(name.into(), crate::project::ProjectStatus::NeedsApproval.as_str().into());
                    }
                    let (stage, next) = crate::project::ProjectStatus::NeedsApproval.stage_and_next();
                    output.insert("current_stage".into(), stage.into());
                    output.insert("next_action".into(), next.into());
                }
            }
        }
        output.extend(answer);
        checked(&self.output_schema, &output).map(|()| output)
    }
}

fn checked(schema: &super::Schema, object: &Map<String, Value>) -> Result<(), AnswerProblem> {
    let instance = Value::Object(object.clone());
    schema.validator().validate(&instance).map_err(|error| AnswerProblem {
        at: error.instance_path().to_string(),
        why: clip(&error.masked().to_string(), MESSAGE_CHARS_MAX),
    })
}

/// Gives each variant its index; answers how many there are.
fn number(variants: &mut [Value]) -> usize {
    for (index, variant) in variants.iter_mut().enumerate() {
        if let Some(variant) = variant.as_object_mut() {
            variant.insert("index".into(), index.into());
        }
    }
    variants.len()
}

/// The product under the names of the document: what was said of it, else what its page shows.
fn shown_product(fields: &Map<String, Value>, product: Option<&Map<String, Value>>) -> Map<String, Value> {
    let pick = |said: &str, read: &str| {
        let read = || product.and_then(|product| product.get(read));
        fields.get(said).or_else(read).cloned().unwrap_or_default()
    };
    let images = pick("image_urls", "images");
    Map::from_iter([
        ("name".into(), pick("product_name", "title")),
        ("description".into(), pick("product_description", "description")),
        ("category".into(), pick("category", "category")),
        ("price".into(), pick("price", "price")),
        ("images".into(), if images.is_null() { Value::Array(Vec::new()) } else { images }),
    ])
}
