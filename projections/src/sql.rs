//! From columns to the core's types.

use mintmark_domain::Credits;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::QueryError;

/// An amount as read from `table`.
pub(crate) fn credits(table: &'static str, amount: Decimal) -> Result<Credits, QueryError> {
    Credits::new(amount).map_err(|error| QueryError::Row { table, why: format!("{amount}: {error}") })
}

/// The name of a variant without fields, as events write it.
pub(crate) fn name_of(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        // Only said of enums without fields, which serialize as their name.
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Reads [`name_of`] back.
pub(crate) fn named<T: DeserializeOwned>(table: &'static str, name: &str) -> Result<T, QueryError> {
    T::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name))
        .map_err(|error| QueryError::Row { table, why: error.to_string() })
}

/// A number that is never negative.
pub(crate) fn unsigned(table: &'static str, number: i64) -> Result<u64, QueryError> {
    u64::try_from(number).map_err(|_| QueryError::Row { table, why: format!("a negative number {number}") })
}
