//! Why a request for generation is refused: which part of it, for what reason, and what is allowed.

use std::fmt;

/// A part of an [`Ask`](super::Ask). Each adapter has its own names for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the field of Ask of that name")]
pub enum AskField {
    Model,
    Prompt,
    Characters,
    AspectRatio,
    Count,
    DurationSeconds,
    Resolution,
    Quality,
    Images,
    References,
    SourceVideo,
    FirstFrame,
    LastFrame,
    ReferenceVideos,
    ReferenceAudio,
    InputAudio,
    MediaSeconds,
    ScaleFactor,
    Voice,
    Language,
    Temperature,
    OutputFormat,
    SyncMode,
    PromptInfluence,
    NegativePrompt,
}

impl AskField {
    /// Our own name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AskField::Model => "model",
            AskField::Prompt => "prompt",
            AskField::Characters => "text",
            AskField::AspectRatio => "aspect_ratio",
            AskField::Count => "count",
            AskField::DurationSeconds => "duration_seconds",
            AskField::Resolution => "resolution",
            AskField::Quality => "quality",
            AskField::Images => "images",
            AskField::References => "reference_images",
            AskField::SourceVideo => "source_video",
            AskField::FirstFrame => "first_frame",
            AskField::LastFrame => "last_frame",
            AskField::ReferenceVideos => "reference_videos",
            AskField::ReferenceAudio => "reference_audio",
            AskField::InputAudio => "audio",
            AskField::MediaSeconds => "media_seconds",
            AskField::ScaleFactor => "scale_factor",
            AskField::Voice => "voice",
            AskField::Language => "language",
            AskField::Temperature => "temperature",
            AskField::OutputFormat => "output_format",
            AskField::SyncMode => "sync_mode",
            AskField::PromptInfluence => "prompt_influence",
            AskField::NegativePrompt => "negative_prompt",
        }
    }
}

/// Why a field is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskReason {
    /// It is missing.
    Required,
    /// It is longer than allowed.
    TooLong {
        /// The most Unicode scalars.
        max: u32,
    },
    /// There are more than allowed.
    TooMany {
        /// The most.
        max: u32,
    },
    /// Its value is not among those allowed.
    NotAllowed,
    /// The model has no such choice.
    NotSupported,
    /// It only makes sense together with another.
    NeedsPartner {
        /// The other.
        partner: AskField,
    },
    /// The model does not take this combination of inputs.
    Combination,
    /// The model is not offered in this dialect.
    NotOffered,
}

/// The stable code of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AskCode {
    /// The prompt or the text to be spoken is missing or too long.
    InvalidPrompt,
    /// Something else is missing.
    MissingValue,
    /// The model does not take these inputs together.
    UnsupportedInputCombination,
    /// A value is outside the model's limits.
    UnsupportedValue,
    /// The model is not offered here.
    ModelNotFound,
}

impl AskCode {
    /// The code as clients see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AskCode::InvalidPrompt => "invalid_prompt",
            AskCode::MissingValue => "missing_value",
            AskCode::UnsupportedInputCombination => "unsupported_input_combination",
            AskCode::UnsupportedValue => "unsupported_value",
            AskCode::ModelNotFound => "model_not_found",
        }
    }
}

/// Why a model refuses an ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskProblem {
    /// What is refused.
    pub field: AskField,
    /// Why.
    pub reason: AskReason,
    /// What would be accepted, as text; empty where nothing would be, or where the reason says it.
    pub allowed: Vec<String>,
}

impl AskProblem {
    /// A refusal without a list of what would be accepted.
    #[must_use]
    pub fn new(field: AskField, reason: AskReason) -> Self {
        AskProblem { field, reason, allowed: Vec::new() }
    }

    /// Names what would be accepted.
    #[must_use]
    pub fn allowing<T: ToString>(mut self, allowed: impl IntoIterator<Item = T>) -> Self {
        self.allowed = allowed.into_iter().map(|value| value.to_string()).collect();
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> AskCode {
        match (self.reason, self.field) {
            (AskReason::NotOffered, _) => AskCode::ModelNotFound,
            (AskReason::Combination | AskReason::NeedsPartner { .. }, _) => AskCode::UnsupportedInputCombination,
            (_, AskField::Prompt | AskField::Characters) => AskCode::InvalidPrompt,
            (AskReason::Required, _) => AskCode::MissingValue,
            (
                AskReason::TooLong { .. } | AskReason::TooMany { .. } | AskReason::NotAllowed | AskReason::NotSupported,
                _,
            ) => AskCode::UnsupportedValue,
        }
    }

    /// A sentence in a dialect's own names for the fields.
    #[must_use]
    pub fn message(&self, name_of: impl Fn(AskField) -> &'static str) -> String {
        let field = name_of(self.field);
        let mut text = match self.reason {
            AskReason::Required => format!("{field} is required."),
            AskReason::TooLong { max } => format!("{field} must be at most {max} characters."),
            AskReason::TooMany { max: 0 } => format!("{field} is not supported by this model."),
            AskReason::TooMany { max } => format!("{field} may hold at most {max} for this model."),
            AskReason::NotAllowed => format!("{field} has a value that is not allowed here."),
            AskReason::NotSupported => format!("{field} cannot be chosen for this model."),
            AskReason::NeedsPartner { partner } => {
                format!("{field} must be paired with {}.", name_of(partner))
            }
            AskReason::Combination => {
                format!("This model does not support this combination of inputs ({field}).")
            }
            AskReason::NotOffered => "This model is not offered here.".to_owned(),
        };
        if !self.allowed.is_empty() {
            text.push_str(" Allowed: ");
            text.push_str(&self.allowed.join(", "));
            text.push('.');
        }
        text
    }
}

impl fmt::Display for AskProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(AskField::as_str))
    }
}

impl std::error::Error for AskProblem {}
