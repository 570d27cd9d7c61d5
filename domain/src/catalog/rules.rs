//! The limits of one model in one dialect: what its printed limits, its capability flags and the
//! documents' prose come to when put together.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::choices::ChoiceRules;
use super::mode::Mode;
use super::model::{GenfireCapabilities, GenfireLimits};

/// Whether a prompt is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptRule {
    /// Always.
    Required,
    /// Unless an image is given.
    OptionalWithImage,
    /// Never; one that is given is ignored.
    Unused,
}

/// Which lengths a model makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Durations {
    /// Its outputs have no length.
    None,
    /// One of these, in seconds.
    OneOf {
        /// In rising order.
        seconds: Vec<u32>,
    },
    /// Any whole number of seconds from `min` to `max`.
    Whole {
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Any length from `min` to `max`, fractions of seconds too; `default` where none is asked for.
    Between {
        /// The least.
        min: Decimal,
        /// The most.
        max: Decimal,
        /// Taken where none is asked for.
        default: Decimal,
    },
    /// The model decides; a length that is asked for is ignored.
    Flat,
    /// As long as the input, of at most so many seconds.
    AsInput {
        /// The most.
        max: u32,
    },
}

/// Whether sound can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioRule {
    /// The caller chooses; on unless said otherwise.
    Toggle,
    /// The model decides; what is asked for is ignored.
    Ignored,
}

/// When a resolution can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionRule {
    /// Always.
    Always,
    /// Only where source images are given.
    WithImages,
}

/// Whether a voice is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiceRule {
    /// Nothing is spoken.
    Unused,
    /// It has to be named.
    Required,
    /// This one is taken where none is named.
    Default(String),
}

/// The limits of one model in one dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// How the model can be driven.
    pub modes: Vec<Mode>,
    /// Whether a prompt is needed.
    pub prompt: PromptRule,
    /// The longest prompt, in Unicode scalars.
    pub prompt_chars_max: u32,
    /// The longest text to be spoken, in Unicode scalars.
    pub characters_max: u32,
    /// Empty where there is no choice.
    pub aspect_ratios: Vec<String>,
    /// Taken where none is asked for.
    pub aspect_ratio_default: Option<String>,
    /// The most outputs of one request.
    pub count_max: u32,
    /// Lengths.
    pub durations: Durations,
    /// Empty where there is no choice.
    pub resolutions: Vec<String>,
    /// Taken where none is asked for.
    pub resolution_default: Option<String>,
    /// When it can be chosen.
    pub resolution_rule: ResolutionRule,
    /// Empty where there is no choice.
    pub qualities: Vec<String>,
    /// Taken where none is asked for.
    pub quality_default: Option<String>,
    /// Sound of a video.
    pub audio: AudioRule,
    /// The most source images.
    pub images_max: u32,
    /// How many of them are used: the first so many.
    pub images_used: u32,
    /// The most reference images.
    pub references_max: u32,
    /// The most reference videos.
    pub reference_videos_max: u32,
    /// Whether a reference sound is taken.
    pub reference_audio: bool,
    /// Factors of enlargement; the first is taken where none is asked for.
    pub scale_factors: Vec<u32>,
    /// Voices.
    pub voice: VoiceRule,
    /// Formats that can be asked for; others are left to the provider.
    pub output_formats: Vec<String>,
    /// Choices that few models have.
    pub choices: ChoiceRules,
}

/// What an operator writes to differ from what the rest of a model's entry implies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RuleOverrides {
    modes: Option<Vec<Mode>>,
    add_modes: Vec<Mode>,
    prompt: Option<PromptRule>,
    prompt_chars_max: Option<u32>,
    characters_max: Option<u32>,
    aspect_ratios: Option<Vec<String>>,
    aspect_ratio_default: Option<String>,
    count_max: Option<u32>,
    seconds_min: Option<u32>,
    seconds_max: Option<u32>,
    flat_length: bool,
    resolutions: Option<Vec<String>>,
    resolution_default: Option<String>,
    resolution_rule: Option<ResolutionRule>,
    qualities: Option<Vec<String>>,
    quality_default: Option<String>,
    audio: Option<AudioRule>,
    images_max: Option<u32>,
    images_used: Option<u32>,
    references_max: Option<u32>,
    reference_videos_max: Option<u32>,
    reference_audio: Option<bool>,
    scale_factors: Option<Vec<u32>>,
    output_formats: Option<Vec<String>>,
    choices: Option<ChoiceRules>,
}

/// Prompts of at most so many scalars, unless a model says less.
const GENFIRE_PROMPT_MAX: u32 = 20_000;
const GENEROR_PROMPT_MAX: u32 = 10_000;
const GIRLGENERATOR_PROMPT_MAX: u32 = 2_000;
/// Media that are worked on: at most two hours.
const INPUT_SECONDS_MAX: u32 = 7_200;
const GENEROR_IMAGE_RATIOS: [&str; 5] = ["1:1", "3:4", "4:3", "16:9", "9:16"];
const GENEROR_VIDEO_RATIOS: [&str; 2] = ["16:9", "9:16"];
const GIRLGENERATOR_RATIOS: [&str; 8] = ["auto", "1:1", "3:2", "2:3", "9:16", "16:9", "3:4", "4:3"];

impl Rules {
    /// What follows from the capability alone.
    fn base(capability: Capability) -> Self {
        let (modes, prompt) = match capability {
            Capability::TextGeneration
            | Capability::ImageGeneration
            | Capability::VectorGeneration
            | Capability::VideoGeneration
            | Capability::MusicGeneration
            | Capability::SoundEffectGeneration => (vec![Mode::TextToOutput], PromptRule::Required),
            Capability::SpeechGeneration => (vec![Mode::TextToOutput], PromptRule::Unused),
            Capability::Vision => (vec![Mode::Vision], PromptRule::OptionalWithImage),
            Capability::ImageEditing | Capability::ImageUpscaling => (vec![Mode::ImageToOutput], PromptRule::Unused),
            Capability::VideoUpscaling => (vec![Mode::SourceVideo], PromptRule::Unused),
            Capability::LipsyncGeneration => (vec![Mode::Lipsync], PromptRule::Unused),
            Capability::Transcription => (vec![Mode::Transcription], PromptRule::Unused),
            Capability::ProductExtraction => (vec![], PromptRule::Unused),
        };
        let durations = match capability {
            Capability::VideoUpscaling | Capability::LipsyncGeneration | Capability::Transcription => {
                Durations::AsInput { max: INPUT_SECONDS_MAX }
            }
            Capability::MusicGeneration => between(1, 300, 30),
            Capability::SoundEffectGeneration => between(1, 30, 5),
            Capability::VideoGeneration => Durations::Whole { min: 5, max: 5 },
            Capability::TextGeneration
            | Capability::Vision
            | Capability::ImageGeneration
            | Capability::ImageEditing
            | Capability::ImageUpscaling
            | Capability::VectorGeneration
            | Capability::SpeechGeneration
            | Capability::ProductExtraction => Durations::None,
        };
        Rules {
            modes,
            prompt,
            prompt_chars_max: GENFIRE_PROMPT_MAX,
            characters_max: GENFIRE_PROMPT_MAX,
            aspect_ratios: Vec::new(),
            aspect_ratio_default: None,
            count_max: 1,
            durations,
            resolutions: Vec::new(),
            resolution_default: None,
            resolution_rule: ResolutionRule::Always,
            qualities: Vec::new(),
            quality_default: None,
            audio: AudioRule::Ignored,
            images_max: 1,
            images_used: 1,
            references_max: 0,
            reference_videos_max: 0,
            reference_audio: false,
            scale_factors: Vec::new(),
            voice: VoiceRule::Unused,
            output_formats: Vec::new(),
            choices: ChoiceRules::of(capability),
        }
    }

    /// GenFire's: the printed limits and flags, then the entry's own rules.
    pub(super) fn genfire(
        capability: Capability,
        limits: &GenfireLimits,
        flags: Option<&GenfireCapabilities>,
        overrides: &RuleOverrides,
    ) -> Self {
        let mut rules = Self::base(capability);
        if let Some(flags) = flags {
            rules.modes = flags.modes();
        }
        if rules.modes.contains(&Mode::References) {
            rules.references_max = 9;
        }
        rules.aspect_ratios = limits.aspect_ratios.clone();
        rules.aspect_ratio_default = default_ratio(capability, &rules.aspect_ratios);
        rules.count_max = limits.max_count.unwrap_or(1);
        rules.prompt_chars_max = limits.prompt_max_length.unwrap_or(GENFIRE_PROMPT_MAX);
        rules.characters_max = limits.max_characters.unwrap_or(GENFIRE_PROMPT_MAX);
        if !limits.duration_seconds.is_empty() {
            rules.durations = Durations::OneOf { seconds: limits.duration_seconds.clone() };
        } else if let Some(max) = limits.max_duration_seconds {
            rules.durations = match rules.durations {
                Durations::Between { min, default, .. } => Durations::Between { min, max: max.into(), default },
                Durations::AsInput { .. } => Durations::AsInput { max },
                other @ (Durations::None | Durations::OneOf { .. } | Durations::Whole { .. } | Durations::Flat) => {
                    other
                }
            };
        }
        if limits.supports_audio == Some(true) {
            rules.audio = AudioRule::Toggle;
        }
        rules.resolutions = limits.resolution.iter().chain(&limits.resolutions).cloned().collect();
        rules.scale_factors = limits.scale_factors.clone();
        if capability == Capability::SpeechGeneration {
            rules.voice = VoiceRule::Required;
        }
        rules.overridden(overrides)
    }

    /// Generor's: what the model does in GenFire (where it is offered there too) within Generor's own
    /// bounds, then the entry's own rules.
    pub(super) fn generor(
        capability: Capability,
        genfire: Option<&Rules>,
        voice_default: Option<&str>,
        overrides: &RuleOverrides,
    ) -> Self {
        let mut rules = genfire.cloned().unwrap_or_else(|| Self::base(capability));
        rules.count_max = 10;
        rules.prompt_chars_max = rules.prompt_chars_max.min(GENEROR_PROMPT_MAX);
        rules.characters_max = rules.characters_max.min(GENEROR_PROMPT_MAX);
        let ratios: &[&str] = match capability {
            Capability::ImageGeneration | Capability::VectorGeneration => &GENEROR_IMAGE_RATIOS,
            Capability::VideoGeneration => &GENEROR_VIDEO_RATIOS,
            Capability::TextGeneration
            | Capability::Vision
            | Capability::ImageEditing
            | Capability::ImageUpscaling
            | Capability::VideoUpscaling
            | Capability::LipsyncGeneration
            | Capability::SpeechGeneration
            | Capability::MusicGeneration
            | Capability::SoundEffectGeneration
            | Capability::Transcription
            | Capability::ProductExtraction => &[],
        };
        rules.aspect_ratios = ratios
            .iter()
            .filter(|ratio| genfire.is_none_or(|known| known.aspect_ratios.iter().any(|other| other == *ratio)))
            .map(|ratio| (*ratio).to_owned())
            .collect();
        rules.aspect_ratio_default = default_ratio(capability, &rules.aspect_ratios);
        if let Durations::OneOf { seconds } = &rules.durations
            && let (Some(min), Some(max)) = (seconds.iter().min(), seconds.iter().max())
        {
            rules.durations = Durations::Whole { min: *min, max: *max };
        }
        // The document has one field for a source image, and none for a resolution, quality or voice:
        // the defaults are taken.
        rules.images_max = rules.images_max.min(1);
        rules.images_used = rules.images_used.min(1);
        if capability == Capability::SpeechGeneration {
            rules.voice = voice_default.map_or(VoiceRule::Required, |id| VoiceRule::Default(id.to_owned()));
        }
        rules.overridden(overrides)
    }

    /// GirlGeneratorAI's: one image a request, from text or from images.
    pub(super) fn girlgenerator(capability: Capability, overrides: &RuleOverrides) -> Self {
        let mut rules = Self::base(capability);
        rules.modes = vec![Mode::TextToOutput, Mode::ImageToOutput];
        rules.prompt_chars_max = GIRLGENERATOR_PROMPT_MAX;
        rules.aspect_ratios = GIRLGENERATOR_RATIOS.iter().map(|ratio| (*ratio).to_owned()).collect();
        rules.aspect_ratio_default = Some("auto".to_owned());
        rules.images_max = 10;
        rules.images_used = 10;
        rules.overridden(overrides)
    }

    fn overridden(mut self, o: &RuleOverrides) -> Self {
        fn set<T: Clone>(place: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                *place = value.clone();
            }
        }
        set(&mut self.modes, o.modes.as_ref());
        self.modes.extend(&o.add_modes);
        set(&mut self.prompt, o.prompt.as_ref());
        set(&mut self.prompt_chars_max, o.prompt_chars_max.as_ref());
        set(&mut self.characters_max, o.characters_max.as_ref());
        set(&mut self.aspect_ratios, o.aspect_ratios.as_ref());
        if o.aspect_ratios.is_some()
            && !self.aspect_ratios.iter().any(|r| Some(r) == self.aspect_ratio_default.as_ref())
        {
            self.aspect_ratio_default = self.aspect_ratios.first().cloned();
        }
        set_some(&mut self.aspect_ratio_default, o.aspect_ratio_default.as_ref());
        set(&mut self.count_max, o.count_max.as_ref());
        if let (Some(min), Some(max)) = (o.seconds_min, o.seconds_max) {
            self.durations = Durations::Whole { min, max };
        }
        if o.flat_length {
            self.durations = Durations::Flat;
        }
        set(&mut self.resolutions, o.resolutions.as_ref());
        set_some(&mut self.resolution_default, o.resolution_default.as_ref());
        if self.resolution_default.is_none() {
            self.resolution_default = self.resolutions.first().cloned();
        }
        set(&mut self.resolution_rule, o.resolution_rule.as_ref());
        set(&mut self.qualities, o.qualities.as_ref());
        set_some(&mut self.quality_default, o.quality_default.as_ref());
        set(&mut self.audio, o.audio.as_ref());
        set(&mut self.images_max, o.images_max.as_ref());
        self.images_used = o.images_used.unwrap_or(self.images_max).min(self.images_max);
        set(&mut self.references_max, o.references_max.as_ref());
        set(&mut self.reference_videos_max, o.reference_videos_max.as_ref());
        set(&mut self.reference_audio, o.reference_audio.as_ref());
        set(&mut self.scale_factors, o.scale_factors.as_ref());
        set(&mut self.output_formats, o.output_formats.as_ref());
        set(&mut self.choices, o.choices.as_ref());
        self
    }
}

fn set_some(place: &mut Option<String>, value: Option<&String>) {
    if value.is_some() {
        *place = value.cloned();
    }
}

fn between(min: u32, max: u32, default: u32) -> Durations {
    Durations::Between { min: min.into(), max: max.into(), default: default.into() }
}

/// The documents' defaults: 1:1 for images, 16:9 for videos; else the first that the model has.
fn default_ratio(capability: Capability, ratios: &[String]) -> Option<String> {
    let wanted = if capability == Capability::VideoGeneration { "16:9" } else { "1:1" };
    ratios.iter().find(|ratio| *ratio == wanted).or(ratios.first()).cloned()
}
