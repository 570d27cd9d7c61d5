//! A JSON Schema: as it was written, and ready to judge with.

use std::fmt;
use std::sync::Arc;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;

/// A JSON Schema (2020-12). Nothing outside of it is ever fetched.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Schema {
    text: String,
    value: Arc<Value>,
    validator: Arc<Validator>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Schema {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))?;
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&value)
            .map_err(|error| format!("is not a JSON Schema: {error}"))?;
        Ok(Schema { text, value: Arc::new(value), validator: Arc::new(validator) })
    }
}

impl Schema {
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

    /// What judges by it.
    pub(crate) fn validator(&self) -> &Validator {
        &self.validator
    }

    /// The schema of a property of the object that it describes.
    pub(crate) fn property(&self, name: &str) -> Option<&Value> {
        self.value.get("properties")?.get(name)
    }
}
