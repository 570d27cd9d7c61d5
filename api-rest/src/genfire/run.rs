//! The run resource, in the document's order of fields.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::summaries::{
    BackgroundSummary, LipsyncSummary, MentionObject, MusicSummary, SoundEffectSummary, TranscriptOutput,
    TranscriptionSummary, UpscaleSummary,
};
use super::values::{Moment, Number};
use crate::http::Amount;

/// Where a run stands, in GenFire's words. A cancelled run is `failed`, its error's code `cancelled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Accepted; it waits for its turn.
    Queued,
    /// It is being made, or nobody can say yet.
    Processing,
    /// At least one output was delivered.
    Completed,
    /// Nothing was delivered, or it was cancelled.
    Failed,
}

/// What was asked for, every default filled in. What does not apply to a model is null or absent.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum InputSummary {
    /// Of images.
    Image(ImageSummary),
    /// Of a video.
    Video(VideoSummary),
    /// Of speech.
    Speech(SpeechSummary),
    /// Of a picture without its background.
    Background(BackgroundSummary),
    /// Of a larger video.
    Upscale(UpscaleSummary),
    /// Of a lip-synced video.
    Lipsync(LipsyncSummary),
    /// Of music.
    Music(MusicSummary),
    /// Of a sound effect.
    SoundEffect(SoundEffectSummary),
    /// Of a transcript.
    Transcription(TranscriptionSummary),
    /// Of a page to be read.
    Page(PageSummary),
    /// Of a workflow: its key and what it was given, in the document's order.
    Workflow(Box<RawValue>),
    /// Of anything else.
    Other(OtherSummary),
}

/// What was asked for of images.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImageSummary {
    /// The prompt.
    pub prompt: String,
    /// The model's alias.
    pub model: String,
    /// Null where the output follows the source image.
    pub aspect_ratio: Option<String>,
    /// How many images.
    pub count: u32,
    /// How many source images the model uses; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_images: Option<u32>,
    /// Absent where the model has no choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Absent where there is no choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// The influencers that the prompt mentions; absent without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub mentions: Vec<MentionObject>,
}

/// What was asked for of a video.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VideoSummary {
    /// The prompt.
    pub prompt: String,
    /// The model's alias.
    pub model: String,
    /// Null where the model has no choice.
    pub aspect_ratio: Option<String>,
    /// Seconds; null where the model has no choice.
    pub duration: Option<Number>,
    /// Whether there is a source image.
    pub has_image: bool,
    /// Whether sound is made that could also have been left out.
    pub generate_audio: bool,
    /// Absent where the model has no choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Absent without a source video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_source_video: Option<bool>,
    /// How many reference images there are; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_images: Option<u32>,
    /// Absent without a first and a last frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_frames: Option<bool>,
}

/// What was asked for of speech.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SpeechSummary {
    /// The text to be spoken.
    pub text: String,
    /// The voice's id.
    pub voice_id: Option<String>,
    /// The model's alias.
    pub model: String,
    /// The voice's name as it was given; absent where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_name: Option<String>,
    /// Absent where the provider's own is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
}

/// Which page was to be read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PageSummary {
    /// Its address.
    pub url: String,
}

/// What was asked for of a run that came through another door.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OtherSummary {
    /// The prompt.
    pub prompt: String,
    /// The model's name.
    pub model: String,
}

/// What was delivered.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum RunOutput {
    /// Images.
    Images(ImagesOutput),
    /// A video.
    Video(VideoOutput),
    /// A sound.
    Audio(AudioOutput),
    /// A transcript.
    Transcript(Box<TranscriptOutput>),
    /// Typed fields of a text.
    Text(Map<String, Value>),
    /// The same of a workflow or a page, in the document's order.
    Ordered(Box<RawValue>),
}

/// Any of several: some answers fit more than one of them (typed fields are any object), so it is not
/// *one* of them.
macro_rules! any_of {
    ($name:ident: $($branch:ty),+; $($more:expr),*) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                AnyOfBuilder::new()$(.item(Ref::from_schema_name(<$branch>::name())))+$(.item($more))*.into()
            }
        }

        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $(
                    schemas.push((<$branch>::name().into_owned(), <$branch>::schema()));
                    <$branch>::schemas(schemas);
                )+
            }
        }
    };
}

any_of!(InputSummary: ImageSummary, VideoSummary, SpeechSummary, BackgroundSummary, UpscaleSummary, LipsyncSummary,
    MusicSummary, SoundEffectSummary, TranscriptionSummary, PageSummary, OtherSummary;
    ObjectBuilder::new().description(Some("A workflow's key, and what it was given."))
        .additional_properties(Some(AdditionalProperties::FreeForm(true))));
any_of!(RunOutput: ImagesOutput, VideoOutput, AudioOutput, TranscriptOutput;
    ObjectBuilder::new().description(Some("Typed fields of a text."))
        .additional_properties(Some(AdditionalProperties::FreeForm(true))));

/// Images that were delivered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImagesOutput {
    /// Each image.
    pub images: Vec<ImageFile>,
    /// The first one's address.
    pub output_url: String,
}

/// An image.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImageFile {
    /// Its address: signed, made anew at each read, good for a while.
    pub url: String,
}

/// A video that was delivered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VideoOutput {
    /// Its id; the run's `resource_id`.
    pub video_id: String,
    /// Its address: signed, made anew at each read, good for a while.
    pub video_url: String,
    /// Seconds.
    pub duration: Option<Number>,
    /// The same address, under the name that images have it under.
    pub output_url: String,
}

/// A sound that was delivered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AudioOutput {
    /// Its id.
    pub audio_id: String,
    /// Its address: signed, made anew at each read, good for a while.
    pub audio_url: String,
    /// Seconds.
    pub duration: Option<Number>,
    /// What the provider says of it, where that was asked for; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<Map<String, Value>>,
}

/// What a run cost.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RunUsage {
    /// Credits captured.
    pub credits: Amount,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunFailure {
    /// Stable, for programs: `provider_failed`, `moderated`, `timeout`, `cancelled`, …
    pub code: String,
    /// For people.
    pub message: String,
}

/// One request for generation, from acceptance to its end.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunResource {
    /// `run_` and 32 hex digits.
    #[schema(examples("run_019aab3c5f7080009e1f7d2c4b6a8190"))]
    pub id: String,
    /// Always `run`.
    #[schema(examples("run"))]
    pub object: &'static str,
    /// Where it stands.
    pub status: RunState,
    /// What is made.
    #[schema(examples("image_generation"))]
    pub capability: String,
    /// The operation.
    #[schema(examples("images.generations.create"))]
    pub endpoint: String,
    /// The model's alias; null for a workflow, and where a page is read.
    #[schema(examples("image.nano_banana_2"))]
    pub model: Option<String>,
    /// Names the run in support requests; the run's own id.
    pub request_id: String,
    /// What was asked for.
    pub input_summary: InputSummary,
    /// What was delivered; null until then.
    pub output: Option<RunOutput>,
    /// What was charged; null until something is delivered.
    pub usage: Option<RunUsage>,
    /// Why it failed.
    pub error: Option<RunFailure>,
    /// The id of the video.
    pub resource_id: Option<String>,
    /// The provider's own id, once known.
    pub provider_request_id: Option<String>,
    /// When it was accepted.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When it ended.
    pub completed_at: Option<Moment>,
}

/// A run's output alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunOutputResource {
    /// The run's id.
    pub id: String,
    /// Always `run_output`.
    #[schema(examples("run_output"))]
    pub object: &'static str,
    /// Where the run stands.
    pub status: RunState,
    /// What is made.
    pub capability: String,
    /// What was delivered; null until then.
    pub output: Option<RunOutput>,
    /// Why it failed.
    pub error: Option<RunFailure>,
    /// When it ended.
    pub completed_at: Option<Moment>,
}

impl From<RunResource> for RunOutputResource {
    fn from(run: RunResource) -> Self {
        RunOutputResource {
            id: run.id,
            object: "run_output",
            status: run.status,
            capability: run.capability,
            output: run.output,
            error: run.error,
            completed_at: run.completed_at,
        }
    }
}
