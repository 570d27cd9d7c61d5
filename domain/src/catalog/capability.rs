//! What a model can do, in which medium, and in whose words it is offered.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a model does. Serialised as the documents print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Text from text.
    TextGeneration,
    /// Text about an image.
    Vision,
    /// Images from text or images.
    ImageGeneration,
    /// Work on one image without a prompt: its background removed.
    ImageEditing,
    /// A larger version of an image.
    ImageUpscaling,
    /// Vector drawings.
    VectorGeneration,
    /// Video from text, images, references or video.
    VideoGeneration,
    /// A larger version of a video.
    VideoUpscaling,
    /// A video whose lips follow a sound.
    LipsyncGeneration,
    /// Spoken text.
    SpeechGeneration,
    /// Music.
    MusicGeneration,
    /// Sound effects.
    SoundEffectGeneration,
    /// Text from speech.
    Transcription,
    /// Facts from a product page; has no model.
    ProductExtraction,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Capability; 14] = [
        Capability::TextGeneration,
        Capability::Vision,
        Capability::ImageGeneration,
        Capability::ImageEditing,
        Capability::ImageUpscaling,
        Capability::VectorGeneration,
        Capability::VideoGeneration,
        Capability::VideoUpscaling,
        Capability::LipsyncGeneration,
        Capability::SpeechGeneration,
        Capability::MusicGeneration,
        Capability::SoundEffectGeneration,
        Capability::Transcription,
        Capability::ProductExtraction,
    ];

    /// The name as the documents print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Capability::TextGeneration => "text_generation",
            Capability::Vision => "vision",
            Capability::ImageGeneration => "image_generation",
            Capability::ImageEditing => "image_editing",
            Capability::ImageUpscaling => "image_upscaling",
            Capability::VectorGeneration => "vector_generation",
            Capability::VideoGeneration => "video_generation",
            Capability::VideoUpscaling => "video_upscaling",
            Capability::LipsyncGeneration => "lipsync_generation",
            Capability::SpeechGeneration => "speech_generation",
            Capability::MusicGeneration => "music_generation",
            Capability::SoundEffectGeneration => "sound_effect_generation",
            Capability::Transcription => "transcription",
            Capability::ProductExtraction => "product_extraction",
        }
    }

    /// The capability of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }

    /// The medium of its outputs.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        match self {
            Capability::TextGeneration
            | Capability::Vision
            | Capability::Transcription
            | Capability::ProductExtraction => MediaType::Text,
            Capability::ImageGeneration | Capability::ImageEditing | Capability::ImageUpscaling => MediaType::Img,
            Capability::VectorGeneration => MediaType::Svg,
            Capability::VideoGeneration | Capability::VideoUpscaling | Capability::LipsyncGeneration => {
                MediaType::Video
            }
            Capability::SpeechGeneration | Capability::MusicGeneration | Capability::SoundEffectGeneration => {
                MediaType::Audio
            }
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The medium of a creation. Serialised as the documents print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaType {
    /// Text, in typed fields.
    Text,
    /// A raster image.
    Img,
    /// A video.
    Video,
    /// A sound.
    Audio,
    /// A vector drawing.
    Svg,
}

impl MediaType {
    /// Every medium.
    pub const ALL: [MediaType; 5] =
        [MediaType::Text, MediaType::Img, MediaType::Video, MediaType::Audio, MediaType::Svg];

    /// The name as the documents print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            MediaType::Text => "text",
            MediaType::Img => "img",
            MediaType::Video => "video",
            MediaType::Audio => "audio",
            MediaType::Svg => "svg",
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The set of limits under which a request is judged: limits belong to (model, dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The Generor document.
    Generor,
    /// The GenFire document.
    Genfire,
    /// The GirlGeneratorAI document.
    GirlGenerator,
    /// GraphQL and the command line: the model's GenFire limits where it has them, else Generor's,
    /// else GirlGeneratorAI's.
    Native,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 4] = [Dialect::Generor, Dialect::Genfire, Dialect::GirlGenerator, Dialect::Native];

    /// The name, as serialised.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Generor => "generor",
            Dialect::Genfire => "genfire",
            Dialect::GirlGenerator => "girlgenerator",
            Dialect::Native => "native",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group of models in Generor's lists, with its own range of integer ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelType {
    /// Text, vision included.
    Text,
    /// Images.
    Image,
    /// Videos.
    Video,
    /// Spoken text.
    Speech,
    /// Music.
    Music,
    /// Sound effects.
    SoundEffect,
    /// Larger versions of images and videos.
    Upscale,
    /// Vector drawings.
    Vector,
    /// Backgrounds removed.
    BackgroundRemoval,
}

impl ModelType {
    /// Every type, in the order of the document.
    pub const ALL: [ModelType; 9] = [
        ModelType::Text,
        ModelType::Image,
        ModelType::Video,
        ModelType::Speech,
        ModelType::Music,
        ModelType::SoundEffect,
        ModelType::Upscale,
        ModelType::Vector,
        ModelType::BackgroundRemoval,
    ];

    /// The name as the document prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ModelType::Text => "text",
            ModelType::Image => "image",
            ModelType::Video => "video",
            ModelType::Speech => "speech",
            ModelType::Music => "music",
            ModelType::SoundEffect => "soundeffect",
            ModelType::Upscale => "upscale",
            ModelType::Vector => "vector",
            ModelType::BackgroundRemoval => "backgroundremoval",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// First and last integer id. The first three ranges are the document's, the rest are ours.
    #[must_use]
    pub fn id_range(self) -> (u32, u32) {
        match self {
            ModelType::Text => (1, 9_999),
            ModelType::Image => (10_001, 19_999),
            ModelType::Video => (20_001, 29_999),
            ModelType::Speech => (30_001, 30_999),
            ModelType::Music => (31_001, 31_999),
            ModelType::SoundEffect => (32_001, 32_999),
            ModelType::Upscale => (33_001, 33_999),
            ModelType::Vector => (34_001, 34_999),
            ModelType::BackgroundRemoval => (35_001, 35_999),
        }
    }

    /// The type that models of this capability are listed under; `None` where Generor has none.
    #[must_use]
    pub fn of(capability: Capability) -> Option<Self> {
        match capability {
            Capability::TextGeneration | Capability::Vision => Some(ModelType::Text),
            Capability::ImageGeneration => Some(ModelType::Image),
            Capability::VideoGeneration => Some(ModelType::Video),
            Capability::SpeechGeneration => Some(ModelType::Speech),
            Capability::MusicGeneration => Some(ModelType::Music),
            Capability::SoundEffectGeneration => Some(ModelType::SoundEffect),
            Capability::ImageUpscaling | Capability::VideoUpscaling => Some(ModelType::Upscale),
            Capability::VectorGeneration => Some(ModelType::Vector),
            Capability::ImageEditing => Some(ModelType::BackgroundRemoval),
            Capability::LipsyncGeneration | Capability::Transcription | Capability::ProductExtraction => None,
        }
    }
}

impl fmt::Display for ModelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
