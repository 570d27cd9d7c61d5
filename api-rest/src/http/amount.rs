//! Credits as JSON numbers, exact.

use std::fmt;

use mintmark_domain::Credits;
use rust_decimal::Decimal;
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

/// A number of JSON, which may have an exponent, or a string of plain digits, exactly as it is written. `None` where
/// it is neither, or has more digits than can be kept.
pub(crate) fn exact_decimal(raw: &RawValue) -> Option<Decimal> {
    match serde_json::from_str::<String>(raw.get()) {
        Ok(said) => plain_decimal(&said),
        Err(_) => match raw.get().split_once(['e', 'E']) {
            // The library rounds a mantissa of too many digits; this one has none.
            Some((mantissa, _)) => plain_decimal(mantissa).and_then(|_| Decimal::from_scientific(raw.get()).ok()),
            None => plain_decimal(raw.get()),
        },
    }
}

/// Digits, with a sign and a point where they have them.
fn plain_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = match digits.split_once('.') {
        Some((whole, places)) => is_plain(whole) && is_plain(places),
        None => is_plain(digits),
    };
    if plain { Decimal::from_str_exact(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_as_it_is_written_and_never_as_a_float() {
        let read = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            exact_decimal(raw).map(|decimal| decimal.to_string())
        };
        for (text, read_as) in [
            ("99999999999999.999999", "99999999999999.999999"),
            ("0.1", "0.1"),
            ("100", "100"),
            (r#""12.50""#, "12.50"),
            (r#""007""#, "7"),
            ("-3", "-3"),
            ("0.000001", "0.000001"),
            ("1e-06", "0.000001"),
            ("1e3", "1000"),
            ("1.5E+2", "150"),
        ] {
            assert_eq!(read(text).as_deref(), Some(read_as), "{text}");
        }
        for wrong in [
            "1e400",
            "1e-400",
            "1e99999999999",
            "0.12345678901234567890123456789012345e2",
            r#""1e3""#,
            r#""+1""#,
            r#"" 1""#,
            r#""1_000""#,
            r#"".5""#,
            r#""5.""#,
            r#""""#,
            r#""-""#,
            "null",
            "true",
            "[1]",
            "{}",
            r#""٣""#,
            "0.00000000000000000000000000001",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_amount_keeps_all_its_digits() {
        for text in ["12762", "0.5", "0", "-3", "99999999999999.999999"] {
            assert_eq!(serde_json::to_string(&Amount(text.parse().unwrap())).unwrap(), text);
        }
    }
}
