//! What things cost: the versioned price books, quotes, and the published rules of charging.

mod charging_rules;
mod price;
mod price_book;
mod quote;
#[cfg(test)]
mod tests;

pub use charging_rules::{Charged, ChargingRule};
pub use price::{Dimension, Multiplier, Price, Rounding, Unit};
pub use price_book::{OperationPrice, PriceBook, PriceBooks};
pub use quote::{AppliedMultiplier, PriceProblem, Quote, QuoteLine};
