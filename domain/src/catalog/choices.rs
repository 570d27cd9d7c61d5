//! Choices that only a few models have: of lip-sync, music and sound effects.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ask::Ask;
use super::capability::Capability;
use super::problem::{AskField, AskProblem, AskReason};

/// What may be chosen of a few models alone. Nothing is said of a choice that a model does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// How video and sound are brought to one length; one of [`SyncMode`]'s names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_mode: Option<String>,
    /// How long the result is expected to be, in seconds. A hint to the provider: what is charged is
    /// measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_hint: Option<Decimal>,
    /// How closely a prompt is followed, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_influence: Option<Decimal>,
    /// Whether the end of a sound runs into its beginning.
    #[serde(skip_serializing_if = "is_false")]
    pub seamless: bool,
    /// Whether music is to be without a voice.
    #[serde(skip_serializing_if = "is_false")]
    pub instrumental: bool,
    /// Whether what can be said of the music is wanted too.
    #[serde(skip_serializing_if = "is_false")]
    pub details: bool,
    /// Whether that is to say when each part begins and ends.
    #[serde(skip_serializing_if = "is_false")]
    pub timestamps: bool,
    /// Whether there is a text that says what is not to be heard.
    #[serde(skip_serializing_if = "is_false")]
    pub negative_prompt: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Choices {
    /// Whether nothing was chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Choices::default()
    }
}

/// Which of them a model has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChoiceRules {
    /// Ways of bringing video and sound to one length; the first is taken where none is asked for.
    pub sync_modes: Vec<String>,
    /// Whether a voice can be left out of music, and its details asked for. Where not, nothing else
    /// comes out than without them, and they are ignored.
    pub music_details: bool,
    /// Whether it takes a text that says what is not to be heard.
    pub negative_prompt: bool,
    /// Whether a sound effect can be told how closely to follow its prompt, and to be a loop.
    pub effects: bool,
}

/// The bounds of a hint at the length of a lip-synced video, in seconds (GenFire's document).
const LENGTH_HINT_SECONDS: (u32, u32) = (1, 300);

/// How video and sound are brought to one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// What is longer is cut off.
    CutOff,
    /// The video begins anew until the sound ends.
    Loop,
    /// The video goes back and forth until the sound ends.
    Bounce,
    /// What is shorter is filled up.
    Silence,
    /// The video plays slower or faster, so that it ends with the sound.
    Remap,
}

impl SyncMode {
    /// Every mode.
    pub const ALL: [SyncMode; 5] =
        [SyncMode::CutOff, SyncMode::Loop, SyncMode::Bounce, SyncMode::Silence, SyncMode::Remap];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SyncMode::CutOff => "cut_off",
            SyncMode::Loop => "loop",
            SyncMode::Bounce => "bounce",
            SyncMode::Silence => "silence",
            SyncMode::Remap => "remap",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// How long the result is, for the lengths of video and sound in one unit.
    #[must_use]
    pub fn length(self, video: u64, sound: u64) -> u64 {
        match self {
            SyncMode::CutOff => video.min(sound),
            SyncMode::Loop | SyncMode::Bounce | SyncMode::Remap => sound,
            SyncMode::Silence => video.max(sound),
        }
    }
}

impl ChoiceRules {
    /// What follows from the capability alone.
    #[must_use]
    pub fn of(capability: Capability) -> Self {
        let lipsync = capability == Capability::LipsyncGeneration;
        let modes = SyncMode::ALL.into_iter().filter(|_| lipsync);
        ChoiceRules {
            sync_modes: modes.map(|mode| mode.as_str().to_owned()).collect(),
            effects: capability == Capability::SoundEffectGeneration,
            ..ChoiceRules::default()
        }
    }

    /// What was chosen, every default filled in. Errors: a choice that would silently come to nothing,
    /// a value that is none of those allowed.
    pub(super) fn check(&self, ask: &Ask) -> Result<Choices, AskProblem> {
        let asked = &ask.choices;
        if asked.negative_prompt && !self.negative_prompt {
            return Err(AskProblem::new(AskField::NegativePrompt, AskReason::NotSupported));
        }
        Ok(Choices {
            sync_mode: self.sync_mode(asked.sync_mode.as_deref())?,
            length_hint: self.length_hint(asked.length_hint)?,
            prompt_influence: self.prompt_influence(asked.prompt_influence)?,
            seamless: asked.seamless && self.effects,
            instrumental: asked.instrumental && self.music_details,
            details: asked.details && self.music_details,
            timestamps: asked.timestamps && asked.details && self.music_details,
            negative_prompt: asked.negative_prompt,
        })
    }

    fn sync_mode(&self, asked: Option<&str>) -> Result<Option<String>, AskProblem> {
        let Some(asked) = asked else { return Ok(self.sync_modes.first().cloned()) };
        match self.sync_modes.iter().find(|known| *known == asked) {
            Some(known) => Ok(Some(known.clone())),
            None if self.sync_modes.is_empty() => Err(AskProblem::new(AskField::SyncMode, AskReason::NotSupported)),
            None => Err(AskProblem::new(AskField::SyncMode, AskReason::NotAllowed).allowing(&self.sync_modes)),
        }
    }

    fn length_hint(&self, asked: Option<Decimal>) -> Result<Option<Decimal>, AskProblem> {
        let (min, max) = LENGTH_HINT_SECONDS;
        match asked {
            Some(asked) if asked < min.into() || asked > max.into() => {
                let allowed = [format!("{min} to {max}")];
                Err(AskProblem::new(AskField::DurationSeconds, AskReason::NotAllowed).allowing(allowed))
            }
            asked => Ok(asked.filter(|_| !self.sync_modes.is_empty()).map(|hint| hint.normalize())),
        }
    }

    fn prompt_influence(&self, asked: Option<Decimal>) -> Result<Option<Decimal>, AskProblem> {
        match asked {
            Some(asked) if asked < Decimal::ZERO || asked > Decimal::ONE => {
                Err(AskProblem::new(AskField::PromptInfluence, AskReason::NotAllowed).allowing(["0 to 1"]))
            }
            asked => Ok(asked.filter(|_| self.effects).map(|influence| influence.normalize())),
        }
    }
}
