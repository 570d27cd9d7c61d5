//! Price books: versioned, effective-dated, and the one way to a quote.

use indexmap::IndexMap;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::price::{Dimension, Multiplier, Price, Rounding, Unit};
use super::quote::{AppliedMultiplier, PriceProblem, Quote, QuoteLine};
use crate::catalog::{Checked, Dialect, Model};
use crate::{Credits, Timestamp};

/// What an operation without a model costs (product extraction, workflows).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationPrice {
    /// The operation's key.
    pub key: String,
    /// Credits for each run.
    pub credits: Credits,
}

/// One version of all prices. A run pins the version that it was quoted under, so a later book never
/// rewrites history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBook {
    /// Its name. Never given to other prices.
    pub version: String,
    /// From when on it applies.
    pub effective_from: Timestamp,
    /// What a credit is worth in US dollars.
    pub usd_per_credit: Decimal,
    /// How a run's charge is rounded; always up.
    #[serde(default)]
    pub rounding: Rounding,
    /// Named multipliers.
    #[serde(default)]
    pub multipliers: IndexMap<String, Multiplier>,
    /// Prices of models.
    #[serde(rename = "price")]
    pub prices: Vec<Price>,
    /// Prices of operations without a model.
    #[serde(rename = "operation", default)]
    pub operations: Vec<OperationPrice>,
}

impl PriceBook {
    /// The price of the model with that slug.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<&Price> {
        self.prices.iter().find(|price| price.model == model)
    }

    /// What a run of `checked` costs at most. Errors: no price for the model or for a choice; a
    /// length that is priced and not known; more than the ledger can hold.
    pub fn quote(&self, model: &Model, checked: &Checked) -> Result<Quote, PriceProblem> {
        let price = self.price(&model.slug).ok_or_else(|| self.unpriced(&model.slug))?;
        let applied = self.applied(price, checked)?;
        let multiplier = product(&applied)?;
        let quantity = quantity_of_one(price, checked)?;
        let per_output = amount(price.credits, quantity, multiplier)?;
        let exact = per_output.scaled(Decimal::from(checked.count)).map_err(|_| PriceProblem::OutOfRange)?;
        let line = QuoteLine {
            what: price.operation_key.clone(),
            unit: price.unit,
            quantity: quantity.checked_mul(checked.count.into()).ok_or(PriceProblem::OutOfRange)?.normalize(),
            unit_price: price.credits,
            multiplier,
            multipliers: applied.clone(),
            amount: exact,
        };
        Ok(Quote {
            amount: self.rounding.up(exact),
            exact,
            per_output,
            outputs: checked.count,
            lines: vec![line],
            price_book: self.version.clone(),
            rounding: self.rounding,
            per_output_by_quality: self.by_quality(price, checked, quantity, &applied)?,
        })
    }

    /// What one run of an operation without a model costs. Errors: it has no price.
    pub fn quote_operation(&self, key: &str) -> Result<Quote, PriceProblem> {
        let operation =
            self.operations.iter().find(|operation| operation.key == key).ok_or_else(|| self.unpriced(key))?;
        Ok(Quote {
            amount: self.rounding.up(operation.credits),
            exact: operation.credits,
            per_output: operation.credits,
            outputs: 1,
            lines: vec![QuoteLine {
                what: operation.key.clone(),
                unit: Unit::PerRun,
                quantity: Decimal::ONE,
                unit_price: operation.credits,
                multiplier: Decimal::ONE,
                multipliers: Vec::new(),
                amount: operation.credits,
            }],
            price_book: self.version.clone(),
            rounding: self.rounding,
            per_output_by_quality: Default::default(),
        })
    }

    /// What lists of models show: one output with defaults (see [`Model::sample`]). Errors: not
    /// offered in `dialect`, or unpriced.
    pub fn credit_cost(&self, model: &Model, dialect: Dialect) -> Result<Credits, PriceProblem> {
        let sample = model.sample(dialect).ok_or_else(|| self.unpriced(&model.slug))?;
        self.quote(model, &sample).map(|quote| quote.amount)
    }

    fn unpriced(&self, model: &str) -> PriceProblem {
        PriceProblem::Unpriced { model: model.to_owned(), price_book: self.version.clone() }
    }

    fn applied(&self, price: &Price, checked: &Checked) -> Result<Vec<AppliedMultiplier>, PriceProblem> {
        let mut applied = Vec::new();
        for name in &price.multipliers {
            let multiplier = self.multipliers.get(name).ok_or_else(|| self.unpriced(&price.model))?;
            let Some(value) = multiplier.by.chosen(checked) else {
                continue;
            };
            let Some(times) = multiplier.values.get(&value) else {
                return Err(PriceProblem::NoPriceForChoice {
                    model: price.model.clone(),
                    dimension: multiplier.by,
                    value,
                });
            };
            applied.push(AppliedMultiplier { by: multiplier.by, value, times: *times });
        }
        Ok(applied)
    }

    /// For a quality that is left to the provider: what each one it may choose costs.
    fn by_quality(
        &self,
        price: &Price,
        checked: &Checked,
        quantity: Decimal,
        applied: &[AppliedMultiplier],
    ) -> Result<std::collections::BTreeMap<String, Credits>, PriceProblem> {
        let mut by_quality = std::collections::BTreeMap::new();
        if checked.quality.as_deref() != Some("auto") {
            return Ok(by_quality);
        }
        for multiplier in price.multipliers.iter().filter_map(|name| self.multipliers.get(name)) {
            if multiplier.by != Dimension::Quality {
                continue;
            }
            for (quality, times) in multiplier.values.iter().filter(|(quality, _)| *quality != "auto") {
                let mut factors = applied.to_vec();
                for factor in factors.iter_mut().filter(|factor| factor.by == Dimension::Quality) {
                    factor.times = *times;
                }
                by_quality.insert(quality.clone(), amount(price.credits, quantity, product(&factors)?)?);
            }
        }
        Ok(by_quality)
    }
}

fn product(factors: &[AppliedMultiplier]) -> Result<Decimal, PriceProblem> {
    factors
        .iter()
        .try_fold(Decimal::ONE, |product, factor| product.checked_mul(factor.times))
        .map(|product| product.normalize())
        .ok_or(PriceProblem::OutOfRange)
}

fn amount(unit_price: Credits, quantity: Decimal, multiplier: Decimal) -> Result<Credits, PriceProblem> {
    let times = quantity.checked_mul(multiplier).ok_or(PriceProblem::OutOfRange)?;
    unit_price.scaled(times).map_err(|_| PriceProblem::OutOfRange)
}

/// How many units one output takes.
fn quantity_of_one(price: &Price, checked: &Checked) -> Result<Decimal, PriceProblem> {
    Ok(match price.unit {
        Unit::PerImage | Unit::PerRun | Unit::PerText => Decimal::ONE,
        Unit::PerSecond => checked
            .media_seconds
            .or(checked.duration_seconds)
            .ok_or_else(|| PriceProblem::LengthUnknown { model: price.model.clone() })?,
        Unit::PerCharacter => checked.characters.into(),
        Unit::PerThousandTokens => {
            let prompt_tokens = checked.prompt_chars.div_ceil(4);
            let answer_tokens = price.output_tokens_max.unwrap_or(0);
            (Decimal::from(prompt_tokens) + Decimal::from(answer_tokens)) / Decimal::ONE_THOUSAND
        }
    })
}

/// All versions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceBooks(Vec<PriceBook>);

impl PriceBooks {
    /// Puts the books in the order in which they apply. That versions and dates are unique is
    /// checked when the catalog is loaded.
    #[must_use]
    pub fn new(mut books: Vec<PriceBook>) -> Self {
        books.sort_by_key(|book| book.effective_from);
        PriceBooks(books)
    }

    /// The book that applies at `moment`; `None` before the first.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> Option<&PriceBook> {
        self.0.iter().rev().find(|book| book.effective_from <= moment)
    }

    /// The book of that version, in force or not.
    #[must_use]
    pub fn version(&self, version: &str) -> Option<&PriceBook> {
        self.0.iter().find(|book| book.version == version)
    }

    /// Every book, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &PriceBook> {
        self.0.iter()
    }
}
