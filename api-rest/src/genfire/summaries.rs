//! What was asked for of everything but pictures, videos and speech; and transcripts.

use mintmark_domain::catalog::{Capability, Checked};
use mintmark_domain::run::{Inputs, Mention};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number as JsonNumber, Value};
use utoipa::ToSchema;

use super::run::{InputSummary, OtherSummary};
use super::values::Number;

/// What was asked for of a picture whose background is removed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BackgroundSummary {
    /// The model's alias.
    pub model: String,
    /// The picture's address.
    pub image_url: Option<String>,
}

/// What was asked for of a video that is enlarged.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UpscaleSummary {
    /// The model's alias.
    pub model: String,
    /// By how much.
    pub scale_factor: Option<u32>,
}

/// What was asked for of a lip-synced video.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LipsyncSummary {
    /// The model's alias.
    pub model: String,
    /// The video's address.
    pub video_url: Option<String>,
    /// The sound's address; null where it came within the request.
    pub audio_url: Option<String>,
    /// What the sound is called; absent where it was not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_file_name: Option<String>,
    /// How both are brought to one length.
    pub sync_mode: Option<String>,
    /// What the result is called.
    pub title: Option<String>,
    /// What is said of it; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How long it was expected to be, in seconds; absent where it was not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Number>,
}

/// What was asked for of music.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MusicSummary {
    /// The prompt.
    pub prompt: String,
    /// The model's alias.
    pub model: String,
    /// Seconds; null where the model decides.
    pub duration_seconds: Option<Number>,
    /// Whether details were wanted, of a model that has them.
    pub include_details: bool,
    /// Whether these say when each section begins and ends.
    pub with_timestamps: bool,
    /// Whether nobody is to sing.
    pub force_instrumental: bool,
    /// Whether there is a picture whose mood it takes.
    pub has_image: bool,
    /// What is not to be heard; absent where nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// Absent where the provider's own is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
}

/// What was asked for of a sound effect.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SoundEffectSummary {
    /// The prompt.
    pub prompt: String,
    /// The model's alias.
    pub model: String,
    /// Seconds.
    pub duration_seconds: Option<Number>,
    /// Whether its end runs into its beginning.
    pub r#loop: bool,
    /// Absent where it was left to the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_influence: Option<Number>,
    /// Absent where the provider's own is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
}

/// What was asked for of a transcript: the one source that was given.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TranscriptionSummary {
    /// The model's alias.
    pub model: String,
    /// The sound's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_url: Option<String>,
    /// The video's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// The address on YouTube.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub youtube_url: Option<String>,
}

/// A character that a prompt mentions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MentionObject {
    /// What the prompt calls it after an `@`: the influencer's handle.
    #[schema(examples("sarah"))]
    pub handle: String,
    /// The influencer's id.
    #[schema(examples("model_8f14e45fceea167a5a36dedd"))]
    pub influencer_id: String,
}

/// A transcript.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TranscriptOutput {
    /// Its id.
    pub transcript_id: String,
    /// The whole text.
    pub text: String,
    /// The language that was heard.
    pub language: Option<String>,
    /// The recording's length in seconds.
    #[schema(value_type = Option<f64>)]
    pub duration: Option<JsonNumber>,
    /// Each word.
    pub words: Vec<TranscriptWord>,
    /// Each sentence.
    pub segments: Vec<TranscriptSegment>,
    /// The sound that was written down: the caller's own address, or where it was taken out of a video
    /// one of ours, signed. Null where there is none.
    pub audio_url: Option<String>,
}

/// A word of a transcript.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TranscriptWord {
    /// The word.
    pub word: String,
    /// When it begins, in seconds.
    #[schema(value_type = f64)]
    pub start: JsonNumber,
    /// When it ends, in seconds.
    #[schema(value_type = f64)]
    pub end: JsonNumber,
    /// How sure the provider is, 0 to 1.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    pub probability: Option<JsonNumber>,
}

/// A sentence of a transcript.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TranscriptSegment {
    /// Its number, from 0.
    pub id: u64,
    /// When it begins, in seconds.
    #[schema(value_type = f64)]
    pub start: JsonNumber,
    /// When it ends, in seconds.
    #[schema(value_type = f64)]
    pub end: JsonNumber,
    /// What is said.
    pub text: String,
}

impl TranscriptOutput {
    /// From a provider's fields; what a provider left out is empty.
    pub(super) fn of(transcript_id: String, fields: &Map<String, Value>, audio_url: Option<String>) -> Self {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        fn list<T: serde::de::DeserializeOwned>(value: Option<&Value>) -> Vec<T> {
            let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            items.iter().filter_map(|item| T::deserialize(item).ok()).collect()
        }
        TranscriptOutput {
            transcript_id,
            text: text("text").unwrap_or_default(),
            language: text("language"),
            duration: fields.get("duration").and_then(|value| value.as_number().cloned()),
            words: list(fields.get("words")),
            segments: list(fields.get("segments")),
            audio_url,
        }
    }
}

impl From<&Mention> for MentionObject {
    fn from(mention: &Mention) -> Self {
        MentionObject { handle: mention.handle.clone(), influencer_id: mention.influencer_id.clone() }
    }
}

/// The summary of a request of one of these kinds. `model` is the model's alias.
pub(super) fn of(model: String, asked: &Checked, inputs: &Inputs) -> InputSummary {
    let (prompt, choices) = (inputs.prompt.clone(), &asked.choices);
    match asked.capability {
        Capability::ImageEditing => {
            InputSummary::Background(BackgroundSummary { model, image_url: inputs.images.first().cloned() })
        }
        Capability::VideoUpscaling => InputSummary::Upscale(UpscaleSummary { model, scale_factor: asked.scale_factor }),
        Capability::LipsyncGeneration => InputSummary::Lipsync(LipsyncSummary {
            model,
            video_url: inputs.source_video.clone(),
            audio_url: inputs.input_audio.clone().filter(|_| !inputs.inline_audio),
            audio_file_name: inputs.audio_file_name.clone(),
            sync_mode: choices.sync_mode.clone(),
            title: inputs.title.clone(),
            description: inputs.description.clone(),
            duration: choices.length_hint.map(Into::into),
        }),
        Capability::MusicGeneration => InputSummary::Music(MusicSummary {
            prompt,
            model,
            duration_seconds: asked.duration_seconds.map(Into::into),
            include_details: choices.details,
            with_timestamps: choices.timestamps,
            force_instrumental: choices.instrumental,
            has_image: asked.images > 0,
            negative_prompt: inputs.negative_prompt.clone(),
            output_format: asked.output_format.clone(),
        }),
        Capability::SoundEffectGeneration => InputSummary::SoundEffect(SoundEffectSummary {
            prompt,
            model,
            duration_seconds: asked.duration_seconds.map(Into::into),
            r#loop: choices.seamless,
            prompt_influence: choices.prompt_influence.map(Into::into),
            output_format: asked.output_format.clone(),
        }),
        Capability::Transcription => InputSummary::Transcription(TranscriptionSummary {
            model,
            audio_url: inputs.input_audio.clone(),
            video_url: inputs.source_video.clone(),
            youtube_url: inputs.youtube.clone(),
        }),
        Capability::TextGeneration
        | Capability::Vision
        | Capability::ImageGeneration
        | Capability::ImageUpscaling
        | Capability::VectorGeneration
        | Capability::VideoGeneration
        | Capability::SpeechGeneration
        | Capability::ProductExtraction => InputSummary::Other(OtherSummary { prompt, model }),
    }
}
