//! A model, and how each document lists it.

use serde::{Deserialize, Serialize};

use super::capability::{Capability, Dialect, MediaType, ModelType};
use super::mode::Mode;
use super::rules::Rules;

/// Whether a model may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelStatus {
    /// Ready for use.
    Available,
    /// May change without notice.
    Preview,
}

impl ModelStatus {
    /// The name as the documents print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ModelStatus::Available => "available",
            ModelStatus::Preview => "preview",
        }
    }
}

/// The limits that GenFire prints, in the order in which it prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenfireLimits {
    /// Ratios of images and videos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aspect_ratios: Vec<String>,
    /// The most images of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u32>,
    /// Lengths of videos, in seconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duration_seconds: Vec<u32>,
    /// Whether a video's sound can be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_audio: Option<bool>,
    /// The one resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// The resolutions to choose from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolutions: Vec<String>,
    /// The longest text to be spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_characters: Option<u32>,
    /// The largest file that is worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_file_mb: Option<u32>,
    /// The longest output or input, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration_seconds: Option<u32>,
    /// The longest prompt, where it is less than everywhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_max_length: Option<u32>,
    /// What is worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Factors of enlargement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scale_factors: Vec<u32>,
}

/// The flags that GenFire prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, clippy::struct_excessive_bools, reason = "the document's own flags, each the Mode of that name")]
pub struct GenfireCapabilities {
    pub text_to_output: bool,
    pub image_to_output: bool,
    pub reference_images: bool,
    pub source_video: bool,
    pub motion_control: bool,
    pub first_last_frame: bool,
}

impl GenfireCapabilities {
    /// The modes that are flagged.
    #[must_use]
    pub fn modes(self) -> Vec<Mode> {
        [
            (self.text_to_output, Mode::TextToOutput),
            (self.image_to_output, Mode::ImageToOutput),
            (self.reference_images, Mode::References),
            (self.source_video, Mode::SourceVideo),
            (self.motion_control, Mode::MotionControl),
            (self.first_last_frame, Mode::FirstLastFrame),
        ]
        .into_iter()
        .filter_map(|(flagged, mode)| flagged.then_some(mode))
        .collect()
    }
}

/// A model as GenFire lists it; serialises to the document's form, field for field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GenfireListing {
    /// The alias (`image.nano_banana_2`). Never changed, never given to another model.
    pub id: String,
    /// Always `model`.
    pub object: &'static str,
    /// What it does.
    pub capability: Capability,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it may be relied on.
    pub status: ModelStatus,
    /// Whether it is taken for its capability where none is named.
    pub is_default: bool,
    /// Printed limits.
    pub limits: GenfireLimits,
    /// Printed flags; not printed for every capability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<GenfireCapabilities>,
}

/// A model as Generor lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerorListing {
    /// The integer. Never changed, never given to another model.
    pub id: u32,
    /// The group that it is listed under.
    pub model_type: ModelType,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Who runs it.
    pub provider: String,
    /// What that provider calls it; `model_name` in answers.
    pub model_name: String,
    /// Whether it takes a source image.
    pub supports_img2img: bool,
    /// Whether a ratio can be chosen.
    pub supports_aspect_ratio: bool,
}

/// A model as GirlGeneratorAI offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GirlGeneratorListing {
    /// The name in our added field `model`. Never changed, never given to another model.
    pub id: String,
    /// Whether it is taken where none is named.
    pub is_default: bool,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The canonical name (`nano-banana-2`); events, prices and routes use it.
    pub slug: String,
    /// What it does.
    pub capability: Capability,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Known to have no price: it is listed, and cannot be run.
    pub unpriced: bool,
    /// As GenFire lists it.
    pub genfire: Option<GenfireListing>,
    /// As Generor lists it.
    pub generor: Option<GenerorListing>,
    /// As GirlGeneratorAI offers it.
    pub girlgenerator: Option<GirlGeneratorListing>,
    pub(super) genfire_rules: Option<Rules>,
    pub(super) generor_rules: Option<Rules>,
    pub(super) girlgenerator_rules: Option<Rules>,
}

impl Model {
    /// The medium of its outputs.
    #[must_use]
    pub fn media_type(&self) -> MediaType {
        self.capability.media_type()
    }

    /// Its limits in `dialect`; `None` where it is not offered there.
    #[must_use]
    pub fn rules(&self, dialect: Dialect) -> Option<&Rules> {
        match dialect {
            Dialect::Generor => self.generor_rules.as_ref(),
            Dialect::Genfire => self.genfire_rules.as_ref(),
            Dialect::GirlGenerator => self.girlgenerator_rules.as_ref(),
            Dialect::Native => {
                self.genfire_rules.as_ref().or(self.generor_rules.as_ref()).or(self.girlgenerator_rules.as_ref())
            }
        }
    }

    /// Whose limits apply to what a generator asks of it where nobody speaks a dialect: those of Generor, whose
    /// document has the generators, if it lists the model.
    #[must_use]
    pub fn dialect_of_generators(&self) -> Dialect {
        if self.generor_rules.is_some() { Dialect::Generor } else { Dialect::Native }
    }

    /// What `dialect` calls it: the alias, the integer as text, or the slug. `None` where it is not
    /// offered there.
    #[must_use]
    pub fn name_in(&self, dialect: Dialect) -> Option<String> {
        match dialect {
            Dialect::Generor => self.generor.as_ref().map(|listing| listing.id.to_string()),
            Dialect::Genfire => self.genfire.as_ref().map(|listing| listing.id.clone()),
            Dialect::GirlGenerator => self.girlgenerator.as_ref().map(|listing| listing.id.clone()),
            Dialect::Native => Some(self.slug.clone()),
        }
    }
}
