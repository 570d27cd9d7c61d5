//! A request for generation in no dialect's words, and what becomes of it when a model's limits have
//! been applied.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::capability::{Capability, Dialect, MediaType};
use super::choices::Choices;
use super::mode::{Inputs, Mode};

/// What is asked of a model. `None` means "not said", and is filled in by
/// [`Model::check`](super::Model::check).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// The prompt's length in Unicode scalars; 0 for one that is blank (see [`Ask::length_of`]).
    pub prompt_chars: Option<u32>,
    /// The length of the text to be spoken, in Unicode scalars. Where it is not said, a speech model
    /// speaks the prompt.
    pub characters: Option<u32>,
    /// `16:9`, `auto`, …
    pub aspect_ratio: Option<String>,
    /// How many outputs.
    pub count: Option<i64>,
    /// Seconds of output.
    pub duration_seconds: Option<Decimal>,
    /// `720p`, `2K`, …
    pub resolution: Option<String>,
    /// `low`, `medium`, `high`, `auto`.
    pub quality: Option<String>,
    /// Whether a video is to have sound.
    pub generate_audio: Option<bool>,
    /// How many source images are given.
    pub images: u32,
    /// How many reference images are given.
    pub references: u32,
    /// Whether a source video is given.
    pub source_video: bool,
    /// Whether a first frame is given.
    pub first_frame: bool,
    /// Whether a last frame is given.
    pub last_frame: bool,
    /// How many reference videos are given.
    pub reference_videos: u32,
    /// Whether a reference sound is given.
    pub reference_audio: bool,
    /// Whether a sound to work on is given (lip-sync, transcription).
    pub input_audio: bool,
    /// The length in seconds of the medium that is worked on, as probed before the hold.
    pub media_seconds: Option<Decimal>,
    /// By how much to enlarge.
    pub scale_factor: Option<i64>,
    /// A voice's id.
    pub voice: Option<String>,
    /// `en-US`, `auto`, …
    pub language: Option<String>,
    /// 0 to 2.
    pub temperature: Option<Decimal>,
    /// `wav`, `mp3`, …
    pub output_format: Option<String>,
    /// How many pictures of a character come along, to be followed besides the source images.
    pub conditioning: u32,
    /// What few models alone let one choose.
    pub choices: Choices,
}

impl Ask {
    /// An ask for a prompt of `chars` scalars and nothing else.
    #[must_use]
    pub fn prompt(chars: u32) -> Self {
        Ask { prompt_chars: Some(chars), ..Ask::default() }
    }

    /// The length of a prompt in Unicode scalars, and 0 where it holds nothing but white space, so
    /// that a blank prompt is refused as a missing one.
    #[must_use]
    pub fn length_of(text: &str) -> u32 {
        if text.trim().is_empty() {
            return 0;
        }
        u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
    }

    /// The inputs that it brings.
    #[must_use]
    pub fn inputs(&self) -> Inputs {
        Inputs {
            // A character's pictures go the way of source images.
            images: self.images + self.conditioning,
            references: self.references,
            source_video: self.source_video,
            first_frame: self.first_frame,
            last_frame: self.last_frame,
            reference_videos: self.reference_videos,
            reference_audio: self.reference_audio,
            input_audio: self.input_audio,
        }
    }
}

/// An ask that a model accepts, with every default filled in. What a run is made from, and what its
/// first event keeps: so a field that is added later has a default, and what says nothing (`None`,
/// `false`, 0) is not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The model's slug.
    pub model: String,
    /// Whose limits were applied.
    pub dialect: Dialect,
    /// What the model does.
    pub capability: Capability,
    /// The medium of the outputs.
    pub media_type: MediaType,
    /// How the model is driven.
    pub mode: Mode,
    /// How many outputs; at least 1.
    pub count: u32,
    /// The prompt's length in Unicode scalars; 0 where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub prompt_chars: u32,
    /// The spoken text's length in Unicode scalars; 0 where nothing is spoken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub characters: u32,
    /// `None` where the model has no choice, or where the output follows an input's ratio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
    /// Seconds of output; `None` where the model has no such choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<Decimal>,
    /// `None` where the model has no choice, or none in this mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// `None` where the model has no choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Whether sound is made that could also have been left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub generate_audio: bool,
    /// How many of the source images the model uses: the first so many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub images: u32,
    /// How many of the reference images the model uses: the first so many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub references: u32,
    /// Whether there is a source video.
    #[serde(default, skip_serializing_if = "is_false")]
    pub source_video: bool,
    /// Whether there is a first frame.
    #[serde(default, skip_serializing_if = "is_false")]
    pub first_frame: bool,
    /// Whether there is a last frame.
    #[serde(default, skip_serializing_if = "is_false")]
    pub last_frame: bool,
    /// How many reference videos there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reference_videos: u32,
    /// Whether there is a reference sound.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reference_audio: bool,
    /// Whether there is a sound to work on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub input_audio: bool,
    /// The probed length in seconds of the medium that is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_seconds: Option<Decimal>,
    /// By how much to enlarge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_factor: Option<u32>,
    /// The voice's id; `None` where nothing is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// `None` where no text is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `None` where not said, or where no text is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Decimal>,
    /// `None` where the provider's own is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_format: Option<String>,
    /// How many pictures of a mentioned character the model follows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conditioning: u32,
    /// What few models alone let one choose.
    #[serde(default, skip_serializing_if = "Choices::is_empty")]
    pub choices: Choices,
}

impl Checked {
    /// One output of something that has no model and no limits of one.
    #[must_use]
    pub fn without_model(capability: Capability, mode: Mode) -> Self {
        Checked {
            model: String::new(),
            dialect: Dialect::Native,
            capability,
            media_type: capability.media_type(),
            mode,
            count: 1,
            prompt_chars: 0,
            characters: 0,
            aspect_ratio: None,
            duration_seconds: None,
            resolution: None,
            quality: None,
            generate_audio: false,
            images: 0,
            references: 0,
            source_video: false,
            first_frame: false,
            last_frame: false,
            reference_videos: 0,
            reference_audio: false,
            input_audio: false,
            media_seconds: None,
            scale_factor: None,
            voice: None,
            language: None,
            temperature: None,
            output_format: None,
            conditioning: 0,
            choices: Choices::default(),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}
