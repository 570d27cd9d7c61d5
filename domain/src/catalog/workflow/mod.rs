//! Workflows: a business outcome from a few fields. A definition is data: which fields it takes, how a
//! text model is told of them, what the model has to answer, and what is worked out beside it.

mod answer;
mod input;
mod schema;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use answer::{AnswerProblem, Assembly};
pub use input::InputProblem;
pub use schema::Schema;

/// Whether a workflow is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowStatus {
    /// Offered.
    Available,
}

impl WorkflowStatus {
    /// The name as the document prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WorkflowStatus::Available => "available",
        }
    }
}

/// A part of a workflow's output that no model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Computed {
    /// What it is about, under `topic`.
    Topic,
    /// What it is about, under `prompt`.
    Prompt,
    /// How many words the spoken script has.
    WordCount,
    /// How many whole seconds it takes to speak it.
    EstimatedDuration,
    /// The product: as its page shows it, what was said of it before that.
    Product,
    /// The model's `marketingAngles`, under `analysis`.
    Analysis,
    /// How many variants there are; each is given its index.
    VariantCount,
    /// A project, whose stages are what the model answers; the output says where it stands.
    Project,
}

/// A workflow as it is offered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its key (`hook_pack`). Never changed.
    pub key: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it is offered.
    pub status: WorkflowStatus,
    /// The slug of the text model that answers.
    pub model: String,
    /// At least one of these fields has to be said.
    pub needs_any: Vec<String>,
    /// The field that names a product page, which is read before the model is asked.
    #[serde(default)]
    pub product_page: Option<String>,
    /// What is worked out rather than asked of the model.
    pub computed: Vec<Computed>,
    /// What the model is told; a line whose gap nothing was said for is left out.
    pub template: String,
    /// The fields that it takes, as the document prints it.
    pub input_schema: Schema,
    /// Its output, as the document prints it.
    pub output_schema: Schema,
    /// What the model has to answer.
    pub answer_schema: Schema,
    /// A request that it takes; its order of fields is the order in which inputs are shown.
    pub example_request: Example,
    /// An output of it; its order of fields is the order in which outputs are shown.
    pub example_output: Example,
}

/// JSON as an example, its fields in the order in which they were written.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Example {
    text: String,
    value: Value,
}

impl TryFrom<String> for Example {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let value = serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))?;
        Ok(Example { text, value })
    }
}

impl Example {
    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says; objects have lost their order.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl Workflow {
    /// The key of its price in the price book, which is its runs' capability too.
    #[must_use]
    pub fn price_key(&self) -> String {
        workflow_capability(&self.key)
    }

    /// Its operation's name in runs.
    #[must_use]
    pub fn operation(&self) -> String {
        format!("workflows.{}.run", self.key)
    }

    /// Whether it makes a project.
    #[must_use]
    pub fn makes_project(&self) -> bool {
        self.computed.contains(&Computed::Project)
    }

    /// The product page that was named.
    #[must_use]
    pub fn page_of<'a>(&self, fields: &'a Map<String, Value>) -> Option<&'a str> {
        fields.get(self.product_page.as_deref()?)?.as_str()
    }
}

/// The capability of a workflow's runs as clients see it.
#[must_use]
pub fn workflow_capability(key: &str) -> String {
    format!("workflow.{key}")
}
