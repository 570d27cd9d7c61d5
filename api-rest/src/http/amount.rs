//! Credits as JSON numbers, exact.

use std::fmt;

use mintmark_domain::Credits;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount of credits as a JSON number with all its digits: `12762`, `0.5`. Serialise it as part of
/// a struct straight to text; on the way through a `serde_json::Value` digits beyond a double's would
/// be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub Credits);

impl From<Credits> for Amount {
    fn from(credits: Credits) -> Self {
        Amount(credits)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl utoipa::PartialSchema for Amount {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
        utoipa::openapi::RefOr::T(Schema::Object(
            ObjectBuilder::new().schema_type(Type::Number).description(Some("Credits, an exact decimal.")).build(),
        ))
    }
}

impl utoipa::ToSchema for Amount {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_all_its_digits() {
        for text in ["12762", "0.5", "0", "-3", "99999999999999.999999"] {
            assert_eq!(serde_json::to_string(&Amount(text.parse().unwrap())).unwrap(), text);
        }
    }
}
