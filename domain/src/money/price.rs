//! A price: credits for a unit, and what multiplies it.

use indexmap::IndexMap;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Credits;
use crate::catalog::Checked;

/// What a price counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Each picture.
    PerImage,
    /// Each second of the output, or of the input where the input's length is what is worked on.
    PerSecond,
    /// Each Unicode scalar of the spoken text.
    PerCharacter,
    /// Each output, whatever its length.
    PerRun,
    /// Each text, whatever its length.
    PerText,
    /// Each thousand tokens, reckoned as one token per four characters of the prompt plus the most
    /// that the model may answer; so the price is known before the run.
    PerThousandTokens,
}

impl Unit {
    /// The name as the documents print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::PerImage => "per_image",
            Unit::PerSecond => "per_second",
            Unit::PerCharacter => "per_character",
            Unit::PerRun => "per_run",
            Unit::PerText => "per_text",
            Unit::PerThousandTokens => "per_thousand_tokens",
        }
    }
}

/// The choice that a multiplier looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// `true` or `false`.
    GenerateAudio,
    /// `720p`, `2K`, …
    Resolution,
    /// `low`, `high`, …
    Quality,
    /// `2`, `4`.
    ScaleFactor,
}

impl Dimension {
    /// What `checked` chose; `None` where the model has no such choice, or none in this mode.
    #[must_use]
    pub fn chosen(self, checked: &Checked) -> Option<String> {
        match self {
            Dimension::GenerateAudio => Some(checked.generate_audio.to_string()),
            Dimension::Resolution => checked.resolution.clone(),
            Dimension::Quality => checked.quality.clone(),
            Dimension::ScaleFactor => checked.scale_factor.map(|factor| factor.to_string()),
        }
    }

    /// The name in the price book.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Dimension::GenerateAudio => "generate_audio",
            Dimension::Resolution => "resolution",
            Dimension::Quality => "quality",
            Dimension::ScaleFactor => "scale_factor",
        }
    }
}

/// Factors by which a choice changes a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiplier {
    /// The choice looked at.
    pub by: Dimension,
    /// The factor for each value. A chosen value that is missing here makes the model unpriced.
    pub values: IndexMap<String, Decimal>,
}

/// What one model costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model's slug.
    pub model: String,
    /// What is counted.
    pub unit: Unit,
    /// Credits for one unit.
    pub credits: Credits,
    /// The stable name of the operation in cost reports, as `/models/pricing` prints it.
    pub operation_key: String,
    /// What a customer should know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Names of the book's multipliers that apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multipliers: Vec<String>,
    /// The most tokens that the model may answer; needed by [`Unit::PerThousandTokens`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u32>,
}

/// How the sum of a run's charge is rounded; always up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To whole credits, so that the whole numbers which every dialect shows tie to the ledger.
    #[default]
    WholeCredits,
    /// To the six places that the ledger keeps.
    Exact,
}

impl Rounding {
    /// `exact`, rounded up.
    #[must_use]
    pub fn up(self, exact: Credits) -> Credits {
        match self {
            Rounding::WholeCredits => exact.ceil(),
            Rounding::Exact => exact,
        }
    }
}
