//! Money: exact decimal credits.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of credits: exact, at most [`Credits::PLACES`] decimal places, and no larger than
/// [`Credits::MAX`] either way. In JSON a string (`"12.5"`), in SQL `NUMERIC(20,6)`; never a float.
///
/// Sums of amounts within the bounds cannot overflow the 96 bits below (the bound is 10¹⁴, the room
/// 7.9 × 10²²), so `+` and `-` are total; products are checked.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(Decimal);

/// Why a number is not an amount of credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreditsError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    NotANumber,
    /// More than six decimal places.
    #[error("at most {} decimal places are allowed", Credits::PLACES)]
    TooPrecise,
    /// Beyond ±99,999,999,999,999.999999.
    #[error("the amount is out of range")]
    OutOfRange,
}

impl Credits {
    /// Decimal places kept.
    pub const PLACES: u32 = 6;
    /// Nothing.
    pub const ZERO: Credits = Credits(Decimal::ZERO);
    /// The largest amount: what `NUMERIC(20,6)` holds.
    pub const MAX: Credits = Credits(Decimal::from_parts(1_661_992_959, 1_808_227_885, 5, false, 6));

    /// A whole number of credits.
    #[must_use]
    pub fn whole(n: u32) -> Self {
        Credits(Decimal::from(n))
    }

    /// An exact amount. Errors: more than six places, or out of range.
    pub fn new(value: Decimal) -> Result<Self, CreditsError> {
        let value = value.normalize();
        if value.scale() > Self::PLACES {
            return Err(CreditsError::TooPrecise);
        }
        if value.abs() > Self::MAX.0 {
            return Err(CreditsError::OutOfRange);
        }
        Ok(Credits(value))
    }

    /// This amount `times` a factor, rounded up to six places. Errors: out of range.
    pub fn scaled(self, times: Decimal) -> Result<Self, CreditsError> {
        let product = self.0.checked_mul(times).ok_or(CreditsError::OutOfRange)?;
        Self::new(product.round_dp_with_strategy(Self::PLACES, RoundingStrategy::ToPositiveInfinity))
    }

    /// The next whole number of credits at or above this amount.
    #[must_use]
    pub fn ceil(self) -> Self {
        Credits(self.0.ceil().normalize()).min(Self::MAX)
    }

    /// The exact number.
    #[must_use]
    pub fn value(self) -> Decimal {
        self.0
    }

    /// Whether this is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether this is more than nothing.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }

    /// Whether this is less than nothing.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }

    /// What is left after taking `other`, but never less than nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        if other >= self { Self::ZERO } else { self - other }
    }
}

impl Add for Credits {
    type Output = Credits;
    fn add(self, other: Self) -> Self {
        Credits((self.0 + other.0).normalize())
    }
}

impl Sub for Credits {
    type Output = Credits;
    fn sub(self, other: Self) -> Self {
        Credits((self.0 - other.0).normalize())
    }
}

impl Neg for Credits {
    type Output = Credits;
    fn neg(self) -> Self {
        Credits((-self.0).normalize())
    }
}

impl AddAssign for Credits {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Credits {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Credits {
    fn sum<I: Iterator<Item = Credits>>(amounts: I) -> Self {
        amounts.fold(Credits::ZERO, Add::add)
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}cr")
    }
}

impl FromStr for Credits {
    type Err = CreditsError;
    fn from_str(text: &str) -> Result<Self, CreditsError> {
        Self::new(Decimal::from_str_exact(text).map_err(|_| CreditsError::NotANumber)?)
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_amount_is_what_numeric_20_6_holds() {
        assert_eq!(Credits::MAX.to_string(), "99999999999999.999999");
    }

    #[test]
    fn more_than_six_places_are_refused_not_rounded() {
        assert_eq!("0.0000001".parse::<Credits>(), Err(CreditsError::TooPrecise));
        assert_eq!("0.000001".parse::<Credits>().unwrap().to_string(), "0.000001");
    }

    #[test]
    fn equal_amounts_are_written_the_same() {
        let five: Credits = "5.000".parse().unwrap();
        assert_eq!(serde_json::to_string(&five).unwrap(), "\"5\"");
        assert_eq!(five, Credits::whole(5));
    }

    #[test]
    fn amounts_beyond_the_bound_are_refused() {
        assert_eq!("100000000000000".parse::<Credits>(), Err(CreditsError::OutOfRange));
        assert_eq!(Credits::MAX.scaled(Decimal::TWO), Err(CreditsError::OutOfRange));
    }

    #[test]
    fn a_product_rounds_up_to_six_places() {
        let amount: Credits = "0.025".parse().unwrap();
        assert_eq!(amount.scaled("0.00001".parse().unwrap()).unwrap().to_string(), "0.000001");
    }

    #[test]
    fn a_number_in_json_is_refused_because_it_may_be_a_float() {
        assert!(serde_json::from_str::<Credits>("5").is_err());
    }
}
