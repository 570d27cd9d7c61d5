//! How a model is driven: which inputs a request brings, and what that makes of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::problem::{AskField, AskProblem, AskReason};

/// How a model is driven. The first six are serialised as GenFire's capability flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A prompt alone.
    TextToOutput,
    /// One or more source images.
    ImageToOutput,
    /// Reference images or videos.
    #[serde(rename = "reference_images")]
    References,
    /// A video to edit, extend or enlarge.
    SourceVideo,
    /// A character's image and a video whose motion it takes.
    MotionControl,
    /// A first and a last frame.
    FirstLastFrame,
    /// A video to edit, with reference images.
    SourceVideoWithReferences,
    /// A question about an image.
    Vision,
    /// A video and the sound its lips are to follow.
    Lipsync,
    /// A recording to be written down.
    Transcription,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 10] = [
        Mode::TextToOutput,
        Mode::ImageToOutput,
        Mode::References,
        Mode::SourceVideo,
        Mode::MotionControl,
        Mode::FirstLastFrame,
        Mode::SourceVideoWithReferences,
        Mode::Vision,
        Mode::Lipsync,
        Mode::Transcription,
    ];

    /// The name, as serialised.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::TextToOutput => "text_to_output",
            Mode::ImageToOutput => "image_to_output",
            Mode::References => "reference_images",
            Mode::SourceVideo => "source_video",
            Mode::MotionControl => "motion_control",
            Mode::FirstLastFrame => "first_last_frame",
            Mode::SourceVideoWithReferences => "source_video_with_references",
            Mode::Vision => "vision",
            Mode::Lipsync => "lipsync",
            Mode::Transcription => "transcription",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which inputs a request brings besides its prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Source images.
    pub images: u32,
    /// Reference images.
    pub references: u32,
    /// A source video.
    pub source_video: bool,
    /// A first frame.
    pub first_frame: bool,
    /// A last frame.
    pub last_frame: bool,
    /// Reference videos. Beside other inputs they accompany; alone they make it [`Mode::References`].
    pub reference_videos: u32,
    /// A reference sound; it only ever accompanies.
    pub reference_audio: bool,
    /// A sound to work on.
    pub input_audio: bool,
}

impl Inputs {
    /// The mode that these inputs make of a model of `capability`. Whether the model has that mode is
    /// for [`Model::check`](super::Model::check) to say. Errors: a frame without its partner, or
    /// inputs that make no mode at all.
    pub fn mode(self, capability: Capability) -> Result<Mode, AskProblem> {
        match capability {
            Capability::Vision => return self.only_images(Mode::Vision),
            Capability::LipsyncGeneration => return self.lipsync(),
            Capability::Transcription => return self.recording(),
            Capability::TextGeneration
            | Capability::ImageGeneration
            | Capability::ImageEditing
            | Capability::ImageUpscaling
            | Capability::VectorGeneration
            | Capability::VideoGeneration
            | Capability::VideoUpscaling
            | Capability::SpeechGeneration
            | Capability::MusicGeneration
            | Capability::SoundEffectGeneration
            | Capability::ProductExtraction => {}
        }
        if self.input_audio {
            return Err(no_mode(AskField::InputAudio));
        }
        match (self.first_frame, self.last_frame) {
            (true, false) => return Err(alone(AskField::FirstFrame, AskField::LastFrame)),
            (false, true) => return Err(alone(AskField::LastFrame, AskField::FirstFrame)),
            (true, true) | (false, false) => {}
        }
        let frames = self.first_frame;
        match (self.images > 0, self.references > 0, self.source_video, frames) {
            (false, false, false, true) => Ok(Mode::FirstLastFrame),
            (false, false, false, false) if self.reference_videos > 0 => Ok(Mode::References),
            (false, false, false, false) => Ok(Mode::TextToOutput),
            (true, false, false, false) => Ok(Mode::ImageToOutput),
            (false, true, false, false) => Ok(Mode::References),
            (false, false, true, false) => Ok(Mode::SourceVideo),
            (true, false, true, false) => Ok(Mode::MotionControl),
            (false, true, true, false) => Ok(Mode::SourceVideoWithReferences),
            (_, _, _, true) => Err(no_mode(AskField::FirstFrame)),
            (true, true, _, false) => Err(no_mode(AskField::References)),
        }
    }

    fn only_images(self, mode: Mode) -> Result<Mode, AskProblem> {
        let others = Inputs { images: 0, ..self };
        if others != Inputs::default() {
            return Err(no_mode(others.first_present()));
        }
        Ok(if self.images > 0 { mode } else { Mode::TextToOutput })
    }

    fn lipsync(self) -> Result<Mode, AskProblem> {
        let others = Inputs { source_video: false, input_audio: false, ..self };
        if others != Inputs::default() {
            return Err(no_mode(others.first_present()));
        }
        match (self.source_video, self.input_audio) {
            (true, true) => Ok(Mode::Lipsync),
            (false, _) => Err(AskProblem::new(AskField::SourceVideo, AskReason::Required)),
            (true, false) => Err(AskProblem::new(AskField::InputAudio, AskReason::Required)),
        }
    }

    fn recording(self) -> Result<Mode, AskProblem> {
        let others = Inputs { source_video: false, input_audio: false, ..self };
        if others != Inputs::default() {
            return Err(no_mode(others.first_present()));
        }
        match (self.source_video, self.input_audio) {
            (true, false) | (false, true) => Ok(Mode::Transcription),
            (true, true) => Err(no_mode(AskField::InputAudio)),
            (false, false) => Err(AskProblem::new(AskField::InputAudio, AskReason::Required)),
        }
    }

    fn first_present(self) -> AskField {
        if self.images > 0 {
            AskField::Images
        } else if self.references > 0 {
            AskField::References
        } else if self.source_video {
            AskField::SourceVideo
        } else if self.first_frame {
            AskField::FirstFrame
        } else if self.last_frame {
            AskField::LastFrame
        } else if self.reference_videos > 0 {
            AskField::ReferenceVideos
        } else if self.reference_audio {
            AskField::ReferenceAudio
        } else {
            AskField::InputAudio
        }
    }
}

fn alone(field: AskField, partner: AskField) -> AskProblem {
    AskProblem::new(field, AskReason::NeedsPartner { partner })
}

fn no_mode(field: AskField) -> AskProblem {
    AskProblem::new(field, AskReason::Combination)
}
