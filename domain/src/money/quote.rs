//! A quote: what a run will cost at most, and how that came about. Kept in the run's first event.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::price::{Dimension, Rounding, Unit};
use crate::Credits;

/// Why something cannot be priced. A model without a price is never free: it cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceProblem {
    /// The price book has no price for the model.
    #[error("the model {model} has no price in the price book {price_book}")]
    Unpriced {
        /// The model's slug, or the operation's key.
        model: String,
        /// The book that was asked.
        price_book: String,
    },
    /// The model has a price, but none for this choice.
    #[error("the model {model} has no price for {} {value}", dimension.as_str())]
    NoPriceForChoice {
        /// The model's slug.
        model: String,
        /// The choice.
        dimension: Dimension,
        /// What was chosen.
        value: String,
    },
    /// The model is priced by length, and the length is not known.
    #[error("the model {model} is priced by length, and the length is not known")]
    LengthUnknown {
        /// The model's slug.
        model: String,
    },
    /// The product is more than the ledger can hold.
    #[error("the price of this run is out of range")]
    OutOfRange,
}

impl PriceProblem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            PriceProblem::Unpriced { .. } | PriceProblem::NoPriceForChoice { .. } => "model_unpriced",
            PriceProblem::LengthUnknown { .. } => "length_unknown",
            PriceProblem::OutOfRange => "price_out_of_range",
        }
    }
}

/// One factor of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedMultiplier {
    /// The choice that it came from.
    pub by: Dimension,
    /// What was chosen.
    pub value: String,
    /// The factor.
    pub times: Decimal,
}

/// One line of a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// What is paid for: the price's operation key.
    pub what: String,
    /// What is counted.
    pub unit: Unit,
    /// How many units, over all outputs.
    pub quantity: Decimal,
    /// Credits for one unit.
    pub unit_price: Credits,
    /// The product of `multipliers`; 1 where there are none.
    pub multiplier: Decimal,
    /// The factors one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multipliers: Vec<AppliedMultiplier>,
    /// quantity × unit price × multiplier, before the sum is rounded.
    pub amount: Credits,
}

/// What a run costs at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What is held, and what is captured when everything is delivered.
    pub amount: Credits,
    /// The sum before rounding.
    pub exact: Credits,
    /// What one output costs, before rounding.
    pub per_output: Credits,
    /// How many outputs were asked for.
    pub outputs: u32,
    /// How it came about.
    pub lines: Vec<QuoteLine>,
    /// The version of the price book.
    pub price_book: String,
    /// How sums were rounded under that book.
    pub rounding: Rounding,
    /// What one output costs, before rounding, for each quality that the provider may choose. Filled
    /// only where the quality was left to it (`auto`): held at the dearest, captured at the actual.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_output_by_quality: BTreeMap<String, Credits>,
}

impl Quote {
    /// What `delivered` outputs cost: never more than the hold, never less for more outputs, and the
    /// whole amount for all of them.
    #[must_use]
    pub fn for_outputs(&self, delivered: u32) -> Credits {
        if delivered >= self.outputs {
            return self.amount;
        }
        self.rounding.up(times(self.per_output, delivered)).min(self.amount)
    }

    /// What `delivered` outputs cost when the provider chose `quality`. A quality that was not left
    /// to the provider, or is unknown, changes nothing.
    #[must_use]
    pub fn for_outputs_at(&self, delivered: u32, quality: &str) -> Credits {
        match self.per_output_by_quality.get(quality) {
            Some(per_output) => self.rounding.up(times(*per_output, delivered.min(self.outputs))).min(self.amount),
            None => self.for_outputs(delivered),
        }
    }
}

/// `n` times a price. The quote was checked to fit for all outputs, so this cannot leave the range;
/// were a stored quote damaged, the caller's `min` keeps it within the hold.
fn times(price: Credits, n: u32) -> Credits {
    price.scaled(Decimal::from(n)).unwrap_or(Credits::MAX)
}
