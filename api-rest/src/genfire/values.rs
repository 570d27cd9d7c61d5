//! How GenFire writes numbers and moments.

use chrono::SecondsFormat;
use mintmark_domain::Timestamp;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A decimal that is no amount of credits, as a JSON number, digit for digit: seconds, factors,
/// averages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(Decimal);

impl From<Decimal> for Number {
    fn from(value: Decimal) -> Self {
        Number(value.normalize())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Number).into()
    }
}

impl ToSchema for Number {}

/// A moment in UTC, to the millisecond, with a `Z`: `2026-03-25T12:00:02.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-03-25T12:00:02.000Z"])
            .into()
    }
}

impl ToSchema for Moment {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_digit_for_digit() {
        let written = |text: &str| serde_json::to_string(&Number::from(text.parse::<Decimal>().unwrap())).unwrap();
        for (given, expected) in [("0.025", "0.025"), ("3", "3"), ("80.00", "80"), ("0", "0"), ("6.4", "6.4")] {
            assert_eq!(written(given), expected);
        }
        // More digits than a binary float keeps.
        assert_eq!(written("99999999999999.999999"), "99999999999999.999999");
    }

    #[test]
    fn a_moment_has_milliseconds_and_a_z() {
        let at = chrono::DateTime::from_timestamp_micros(1_774_440_002_000_999).unwrap();
        assert_eq!(serde_json::to_string(&Moment(at)).unwrap(), "\"2026-03-25T12:00:02.000Z\"");
    }
}
