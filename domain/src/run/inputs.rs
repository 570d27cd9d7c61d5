//! What was asked for and is sealed; the part that may stand in the books is the catalog's `Checked`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was asked for and belongs to a person: sealed under the account's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inputs {
    /// The prompt as the person wrote it; for speech the text to be spoken.
    pub prompt: String,
    /// The prompt as the provider gets it, where a generator's template made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_prompt: Option<String>,
    /// Source images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Reference images, in the order in which prompts name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference_images: Vec<String>,
    /// Reference videos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reference_videos: Vec<String>,
    /// Reference audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_audio: Option<String>,
    /// The video to be edited, extended or followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_video: Option<String>,
    /// The first frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_frame: Option<String>,
    /// The last frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_frame: Option<String>,
    /// The page to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// What a workflow was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Map<String, Value>>,
    /// The voice's name as the caller gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_name: Option<String>,
    /// The sound to be worked on: written down, or followed by lips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_audio: Option<String>,
    /// Whether that sound came within the request; its address is then one of ours.
    #[serde(skip_serializing_if = "is_false")]
    pub inline_audio: bool,
    /// What the caller calls that sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_file_name: Option<String>,
    /// A video on YouTube whose sound is to be worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub youtube: Option<String>,
    /// What is not to be heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// What the caller calls the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the caller says of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The characters that the prompt mentions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Pictures of those characters, found by us.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditioning: Vec<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A character that a prompt mentions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// What the prompt calls it, after an `@`.
    pub handle: String,
    /// Which influencer it is.
    pub influencer_id: String,
}

impl Inputs {
    /// Every file that is fetched for this run; a page is not one.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.images
            .iter()
            .chain(&self.reference_images)
            .chain(&self.reference_videos)
            .chain(&self.reference_audio)
            .chain(&self.source_video)
            .chain(&self.first_frame)
            .chain(&self.last_frame)
            .chain(&self.input_audio)
            .chain(&self.youtube)
            .chain(&self.conditioning)
            .map(String::as_str)
    }

    /// Which field an address came from, in our own words.
    #[must_use]
    pub fn field_of(&self, url: &str) -> &'static str {
        let is = |field: &Option<String>| field.as_deref() == Some(url);
        let among = |field: &[String]| field.iter().any(|known| known == url);
        if among(&self.images) {
            "images"
        } else if among(&self.reference_images) {
            "reference_images"
        } else if among(&self.reference_videos) {
            "reference_videos"
        } else if is(&self.reference_audio) {
            "reference_audio"
        } else if is(&self.source_video) {
            "source_video"
        } else if is(&self.first_frame) {
            "first_frame"
        } else if is(&self.last_frame) {
            "last_frame"
        } else if is(&self.input_audio) {
            if self.inline_audio { "inline_audio" } else { "input_audio" }
        } else if is(&self.youtube) {
            "youtube"
        } else {
            "conditioning"
        }
    }
}
