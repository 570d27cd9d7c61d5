//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// An exact decimal amount of credits, as a string: `"12.5"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credits(pub mintmark_domain::Credits);

#[Scalar(name = "Credits")]
impl ScalarType for Credits {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Credits(text.parse().map_err(InputValueError::custom)?)),
            _ => Err(InputValueError::custom("an amount of credits is a string such as \"12.5\", never a float")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<mintmark_domain::Credits> for Credits {
    fn from(amount: mintmark_domain::Credits) -> Self {
        Credits(amount)
    }
}

/// A whole number beyond 32 bits, as a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Long(pub u64);

#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                number.as_u64().map(Long).ok_or_else(|| InputValueError::custom("a whole number, not negative"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}
