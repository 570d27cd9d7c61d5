//! What a generation endpoint was asked for, before the core judges it; and the document's names for
//! what the core refuses.

use bytes::Bytes;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, AskField, AskProblem, AskReason, Capability, Catalog, Dialect};
use mintmark_domain::run::Inputs;
use mintmark_domain::usecases::Refusal;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::http::Problem;

/// One of the document's operations that make a run.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Method and path.
    pub route: &'static str,
    /// What a model has to do for it.
    pub capability: Capability,
    /// What the key must be allowed.
    pub scope: Scope,
    /// Whether the answer waits for the run's end unless the caller says otherwise (decision 12).
    pub waits: bool,
}

/// A request in the core's words.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The model's alias, the default filled in.
    pub model: String,
    /// What is asked of it.
    pub ask: Ask,
    /// Prompt and addresses.
    pub inputs: Inputs,
    /// The field that the source images came from.
    pub images_field: &'static str,
    /// A sound that came within the body; it is stored, and its address takes its place.
    pub attached: Option<Bytes>,
}

impl Operation {
    /// The alias that was named, or the default one. Errors: a model that does something else. One
    /// that is not known is left to the core, which still finds a run that was accepted before.
    pub fn model(&self, catalog: &Catalog, named: Option<String>) -> Result<String, Problem> {
        let Some(named) = named else {
            let default = catalog.default_model(Dialect::Genfire, self.capability);
            return default.and_then(|model| model.name_in(Dialect::Genfire)).ok_or_else(|| self.unknown(catalog));
        };
        match catalog.by_genfire_id(&named) {
            Some(model) if model.capability != self.capability => Err(self.unknown(catalog)),
            Some(_) | None => Ok(named),
        }
    }

    /// No such model for this operation; names those that there are.
    fn unknown(&self, catalog: &Catalog) -> Problem {
        let offered = catalog.offered_in(Dialect::Genfire).filter(|model| model.capability == self.capability);
        let names = offered.filter_map(|model| model.name_in(Dialect::Genfire));
        let problem = AskProblem::new(AskField::Model, AskReason::NotAllowed).allowing(names);
        Problem::invalid(problem.message(|_| "model")).coded("model_not_found")
    }

    /// A refusal in the document's words. `images` names the field that source images came from.
    pub fn refused(&self, catalog: &Catalog, refusal: &Refusal, images: &'static str) -> Problem {
        let names = |field| self.name_of(field, images);
        match refusal {
            Refusal::Ask(problem) if problem.reason == AskReason::NotOffered => self.unknown(catalog),
            Refusal::Ask(problem) if problem.field == AskField::Voice && problem.reason == AskReason::NotAllowed => {
                Problem::refused(refusal, names).coded("voice_not_found")
            }
            Refusal::Input { field, problem } => {
                let renamed = Refusal::Input { field: self.input_name(field, images), problem: problem.clone() };
                Problem::refused(&renamed, names)
            }
            other => Problem::refused(other, names),
        }
    }

    /// The document's name for a part of an ask, where this operation has one of its own.
    fn name_of(&self, field: AskField, images: &'static str) -> &'static str {
        match (self.capability, field) {
            (Capability::MusicGeneration | Capability::SoundEffectGeneration, AskField::DurationSeconds) => {
                "duration_seconds"
            }
            (Capability::LipsyncGeneration | Capability::Transcription, AskField::SourceVideo) => "video_url",
            (Capability::VideoUpscaling, AskField::MediaSeconds) => "source_video_url",
            (Capability::LipsyncGeneration, AskField::MediaSeconds) => "video_url",
            (Capability::Transcription, AskField::MediaSeconds) => "The recording",
            _ => name_of(field, images),
        }
    }

    /// The document's name for the field that an address came from.
    fn input_name(&self, field: &str, images: &'static str) -> &'static str {
        match (self.capability, field) {
            (Capability::LipsyncGeneration | Capability::Transcription, "source_video") => "video_url",
            _ => input_name(field, images),
        }
    }
}

/// A number as an exact decimal. Errors: more digits than are kept.
pub(super) fn decimal(field: &str, number: Option<Number>) -> Result<Option<Decimal>, Problem> {
    let Some(number) = number else { return Ok(None) };
    let text = number.to_string();
    let read = text.parse().or_else(|_| Decimal::from_scientific(&text));
    read.map(Some).map_err(|_| Problem::invalid(format!("{field} is out of range.")))
}

/// Refuses a text that is longer than it may be.
pub(super) fn bounded(field: &str, text: Option<&str>, chars_max: usize) -> Result<(), Problem> {
    if text.is_some_and(|text| text.chars().count() > chars_max) {
        return Err(Problem::invalid(format!("{field} must be at most {chars_max} characters.")));
    }
    Ok(())
}

/// A value that is understood and not taken.
pub(super) fn unsupported(message: impl Into<String>) -> Problem {
    Problem::invalid(message).coded("unsupported_value")
}

/// Reads a body's fields. A text to generate from that is of another type is refused as
/// `invalid_prompt`, as one that is missing.
pub(super) fn typed<T: DeserializeOwned>(fields: Map<String, Value>, text: &str) -> Result<T, Problem> {
    crate::http::typed(fields).map_err(|problem| {
        let about_text = problem.message.strip_prefix(text).is_some_and(|rest| rest.starts_with(' '));
        if about_text { problem.coded("invalid_prompt") } else { problem }
    })
}

/// The document's name for a part of an ask.
fn name_of(field: AskField, images: &'static str) -> &'static str {
    match field {
        AskField::Model => "model",
        AskField::Prompt => "prompt",
        AskField::Characters => "text",
        AskField::AspectRatio => "aspect_ratio",
        AskField::Count => "count",
        AskField::DurationSeconds => "duration",
        AskField::Resolution => "resolution",
        AskField::Quality => "quality",
        AskField::Images => images,
        AskField::References => "reference_image_urls",
        AskField::SourceVideo => "source_video_url",
        AskField::FirstFrame => "first_frame_url",
        AskField::LastFrame => "last_frame_url",
        AskField::ReferenceVideos => "reference_video_urls",
        AskField::ReferenceAudio => "reference_audio_url",
        AskField::InputAudio => "audio_url",
        AskField::MediaSeconds => "duration",
        AskField::ScaleFactor => "scale_factor",
        AskField::Voice => "voice_id",
        AskField::Language => "language",
        AskField::Temperature => "temperature",
        AskField::OutputFormat => "output_format",
        AskField::SyncMode => "sync_mode",
        AskField::PromptInfluence => "prompt_influence",
        AskField::NegativePrompt => "negative_prompt",
    }
}

/// The document's name for the field that an address came from.
fn input_name(field: &str, images: &'static str) -> &'static str {
    match field {
        "images" => images,
        "reference_images" => "reference_image_urls",
        "source_video" => "source_video_url",
        "first_frame" => "first_frame_url",
        "input_audio" => "audio_url",
        "inline_audio" => "audio_base64",
        "youtube" => "youtube_url",
        "reference_audio" => "voice_id",
        "conditioning" => "mentions",
        _ => "last_frame_url",
    }
}
