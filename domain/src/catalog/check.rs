//! Whether a model accepts an ask: its limits in one dialect applied, every default filled in.

use rust_decimal::Decimal;

use super::ask::{Ask, Checked};
use super::capability::{Capability, Dialect};
use super::mode::Mode;
use super::model::Model;
use super::problem::{AskField, AskProblem, AskReason};
use super::rules::{AudioRule, Durations, PromptRule, ResolutionRule, Rules, VoiceRule};

/// What a video lasts where nobody said.
const SECONDS_WANTED: u32 = 5;
/// The qualities that may be said of a model that has no choice: the document's default for every
/// model, and the model's own choice. Any other would silently come out otherwise than asked.
const QUALITIES_OF_ANY: [&str; 2] = ["high", "auto"];
/// How much text and how long an input stand for "one output with defaults" in a list of prices.
const SAMPLE_CHARACTERS: u32 = 1_000;
const SAMPLE_INPUT_SECONDS: u32 = 60;

impl Model {
    /// Applies the model's limits in `dialect` to `ask` and fills in what was not said. Nothing is
    /// priced or sent yet. Errors: the first field that is refused, why, and what would be accepted.
    pub fn check(&self, dialect: Dialect, ask: &Ask) -> Result<Checked, AskProblem> {
        let rules = self.rules(dialect).ok_or(AskProblem::new(AskField::Model, AskReason::NotOffered))?;
        let checker = Checker { model: self, rules, ask };
        checker.prompt()?;
        checker.spoken()?;
        let mode = checker.mode()?;
        checker.amounts()?;
        Ok(Checked {
            model: self.slug.clone(),
            dialect,
            capability: self.capability,
            media_type: self.media_type(),
            mode,
            count: checker.count()?,
            prompt_chars: if rules.prompt == PromptRule::Unused { 0 } else { ask.prompt_chars.unwrap_or(0) },
            characters: checker.characters(),
            aspect_ratio: checker.aspect_ratio(mode)?,
            duration_seconds: checker.duration()?,
            resolution: checker.resolution()?,
            quality: checker.quality()?,
            generate_audio: rules.audio == AudioRule::Toggle && ask.generate_audio.unwrap_or(true),
            images: ask.images.min(rules.images_used),
            references: ask.references,
            source_video: ask.source_video,
            first_frame: ask.first_frame,
            last_frame: ask.last_frame,
            reference_videos: ask.reference_videos,
            reference_audio: ask.reference_audio,
            input_audio: ask.input_audio,
            media_seconds: checker.media_seconds()?,
            scale_factor: checker.scale_factor()?,
            voice: checker.voice()?,
            language: checker.language()?,
            temperature: checker.temperature()?,
            output_format: checker.output_format()?,
            // A character's photos take the places that the caller's own pictures leave.
            conditioning: ask.conditioning.min(rules.images_used.saturating_sub(ask.images)),
            choices: rules.choices.check(ask)?,
        })
    }

    /// One output with every default: what a list of models prices. Inputs are taken as given; a
    /// speech model is taken to speak 1,000 characters, and an input to last 60 seconds. `None` where
    /// the model is not offered in `dialect`.
    #[must_use]
    pub fn sample(&self, dialect: Dialect) -> Option<Checked> {
        let rules = self.rules(dialect)?;
        let mode = rules.modes.first().copied()?;
        let mut ask = Ask { prompt_chars: Some(1), ..Ask::default() };
        match mode {
            Mode::TextToOutput => {}
            Mode::ImageToOutput | Mode::Vision => ask.images = 1,
            Mode::References => ask.references = 1,
            Mode::SourceVideo => ask.source_video = true,
            Mode::MotionControl => (ask.images, ask.source_video) = (1, true),
            Mode::FirstLastFrame => (ask.first_frame, ask.last_frame) = (true, true),
            Mode::SourceVideoWithReferences => (ask.references, ask.source_video) = (1, true),
            Mode::Lipsync => (ask.source_video, ask.input_audio) = (true, true),
            Mode::Transcription => ask.input_audio = true,
        }
        if self.capability == Capability::SpeechGeneration {
            ask.characters = Some(SAMPLE_CHARACTERS.min(rules.characters_max));
            ask.voice = Some(String::new());
        }
        if let Durations::AsInput { max } = rules.durations {
            ask.media_seconds = Some(SAMPLE_INPUT_SECONDS.min(max).into());
        }
        self.check(dialect, &ask).ok()
    }
}

struct Checker<'a> {
    model: &'a Model,
    rules: &'a Rules,
    ask: &'a Ask,
}

impl Checker<'_> {
    fn prompt(&self) -> Result<(), AskProblem> {
        let chars = self.ask.prompt_chars.unwrap_or(0);
        let needed = match self.rules.prompt {
            PromptRule::Required => true,
            PromptRule::OptionalWithImage => self.ask.images == 0,
            // What is to be spoken has a limit of its own.
            PromptRule::Unused if self.model.capability == Capability::SpeechGeneration => return Ok(()),
            PromptRule::Unused => false,
        };
        if chars == 0 && needed {
            return Err(AskProblem::new(AskField::Prompt, AskReason::Required));
        }
        too_long(AskField::Prompt, chars, self.rules.prompt_chars_max)
    }

    fn spoken(&self) -> Result<(), AskProblem> {
        if self.model.capability != Capability::SpeechGeneration {
            return Ok(());
        }
        let chars = self.characters();
        if chars == 0 {
            return Err(AskProblem::new(AskField::Characters, AskReason::Required));
        }
        too_long(AskField::Characters, chars, self.rules.characters_max)
    }

    fn characters(&self) -> u32 {
        if self.model.capability == Capability::SpeechGeneration {
            self.ask.characters.or(self.ask.prompt_chars).unwrap_or(0)
        } else {
            0
        }
    }

    fn mode(&self) -> Result<Mode, AskProblem> {
        let allowed = || self.rules.modes.iter().copied();
        let mode = self.ask.inputs().mode(self.model.capability).map_err(|problem| match problem.reason {
            AskReason::Combination => problem.allowing(allowed()),
            AskReason::Required
            | AskReason::TooLong { .. }
            | AskReason::TooMany { .. }
            | AskReason::NotAllowed
            | AskReason::NotSupported
            | AskReason::NeedsPartner { .. }
            | AskReason::NotOffered => problem,
        })?;
        if self.rules.modes.contains(&mode) {
            return Ok(mode);
        }
        // Of a prompt alone it is not the prompt that is wrong: what should have come with it is named.
        let named = if mode == Mode::TextToOutput { allowed().next().unwrap_or(mode) } else { mode };
        let field = match field_of(named) {
            AskField::References if mode == named && self.ask.references == 0 => AskField::ReferenceVideos,
            field => field,
        };
        Err(AskProblem::new(field, AskReason::Combination).allowing(allowed()))
    }

    fn amounts(&self) -> Result<(), AskProblem> {
        for (field, given, max) in [
            (AskField::Images, self.ask.images + self.ask.conditioning.min(1), self.rules.images_max),
            (AskField::References, self.ask.references, self.rules.references_max),
            (AskField::ReferenceVideos, self.ask.reference_videos, self.rules.reference_videos_max),
            (AskField::ReferenceAudio, u32::from(self.ask.reference_audio), u32::from(self.rules.reference_audio)),
        ] {
            if given > max {
                return Err(AskProblem::new(field, AskReason::TooMany { max }));
            }
        }
        Ok(())
    }

    fn count(&self) -> Result<u32, AskProblem> {
        let max = self.rules.count_max;
        match u32::try_from(self.ask.count.unwrap_or(1)) {
            Ok(count) if (1..=max).contains(&count) => Ok(count),
            Ok(_) | Err(_) => Err(not_allowed(AskField::Count, [range(1, max)])),
        }
    }

    fn aspect_ratio(&self, mode: Mode) -> Result<Option<String>, AskProblem> {
        let rules = self.rules;
        let Some(asked) = &self.ask.aspect_ratio else {
            return Ok(self.settled_ratio(rules.aspect_ratio_default.as_deref(), mode));
        };
        if rules.aspect_ratios.is_empty() {
            // A text has no ratio, so one that is sent along says nothing; a picture that has none to
            // choose from would silently come out otherwise than asked.
            return match self.model.capability {
                Capability::ImageGeneration | Capability::VideoGeneration | Capability::VectorGeneration => {
                    Err(AskProblem::new(AskField::AspectRatio, AskReason::NotSupported))
                }
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
                | Capability::ProductExtraction => Ok(None),
            };
        }
        match rules.aspect_ratios.iter().find(|ratio| *ratio == asked) {
            Some(ratio) => Ok(self.settled_ratio(Some(ratio), mode)),
            None => Err(not_allowed(AskField::AspectRatio, &rules.aspect_ratios)),
        }
    }

    /// `auto` follows the source image; without one it is the first real ratio of the list.
    fn settled_ratio(&self, ratio: Option<&str>, mode: Mode) -> Option<String> {
        match (ratio, mode) {
            (Some("auto"), Mode::TextToOutput) => self.rules.aspect_ratios.iter().find(|r| *r != "auto").cloned(),
            (Some("auto"), _) => None,
            (ratio, _) => ratio.map(ToOwned::to_owned),
        }
    }

    fn duration(&self) -> Result<Option<Decimal>, AskProblem> {
        let asked = self.ask.duration_seconds;
        match &self.rules.durations {
            Durations::None | Durations::Flat | Durations::AsInput { .. } => Ok(None),
            Durations::OneOf { seconds } => match asked {
                None => Ok(nearest(seconds, SECONDS_WANTED).map(Decimal::from)),
                Some(asked) if seconds.iter().any(|s| Decimal::from(*s) == asked) => Ok(Some(asked.normalize())),
                Some(_) => Err(not_allowed(AskField::DurationSeconds, seconds)),
            },
            Durations::Whole { min, max } => match asked {
                None => Ok(Some(SECONDS_WANTED.clamp(*min, *max).into())),
                Some(asked) if asked.is_integer() && within(asked, (*min).into(), (*max).into()) => {
                    Ok(Some(asked.normalize()))
                }
                Some(_) => Err(not_allowed(AskField::DurationSeconds, [range(*min, *max)])),
            },
            Durations::Between { min, max, default } => match asked {
                None => Ok(Some(*default)),
                Some(asked) if within(asked, *min, *max) => Ok(Some(asked.normalize())),
                Some(_) => Err(not_allowed(AskField::DurationSeconds, [range(min, max)])),
            },
        }
    }

    fn resolution(&self) -> Result<Option<String>, AskProblem> {
        let rules = self.rules;
        let choosable = match rules.resolution_rule {
            ResolutionRule::Always => true,
            ResolutionRule::WithImages => self.ask.images + self.ask.conditioning > 0,
        };
        match &self.ask.resolution {
            None if choosable => Ok(rules.resolution_default.clone()),
            None => Ok(None),
            Some(_) if rules.resolutions.is_empty() => {
                Err(AskProblem::new(AskField::Resolution, AskReason::NotSupported))
            }
            Some(_) if !choosable => {
                Err(AskProblem::new(AskField::Resolution, AskReason::NeedsPartner { partner: AskField::Images }))
            }
            Some(asked) => match rules.resolutions.iter().find(|known| known.eq_ignore_ascii_case(asked)) {
                Some(known) => Ok(Some(known.clone())),
                None => Err(not_allowed(AskField::Resolution, &rules.resolutions)),
            },
        }
    }

    fn quality(&self) -> Result<Option<String>, AskProblem> {
        let rules = self.rules;
        match &self.ask.quality {
            None => Ok(rules.quality_default.clone()),
            Some(asked) if rules.qualities.contains(asked) => Ok(Some(asked.clone())),
            Some(asked) if rules.qualities.is_empty() && QUALITIES_OF_ANY.contains(&asked.as_str()) => Ok(None),
            Some(_) if rules.qualities.is_empty() => Err(not_allowed(AskField::Quality, QUALITIES_OF_ANY)),
            Some(_) => Err(not_allowed(AskField::Quality, &rules.qualities)),
        }
    }

    fn output_format(&self) -> Result<Option<String>, AskProblem> {
        let formats = &self.rules.output_formats;
        match &self.ask.output_format {
            Some(asked) if formats.contains(asked) => Ok(Some(asked.clone())),
            Some(_) if formats.is_empty() => Err(AskProblem::new(AskField::OutputFormat, AskReason::NotSupported)),
            Some(_) => Err(not_allowed(AskField::OutputFormat, formats)),
            None => Ok(None),
        }
    }

    fn media_seconds(&self) -> Result<Option<Decimal>, AskProblem> {
        let Durations::AsInput { max } = self.rules.durations else {
            return Ok(None);
        };
        match self.ask.media_seconds {
            Some(seconds) if seconds <= Decimal::ZERO || seconds > max.into() => {
                Err(not_allowed(AskField::MediaSeconds, [format!("up to {max} seconds")]))
            }
            seconds => Ok(seconds.map(|s| s.normalize())),
        }
    }

    fn scale_factor(&self) -> Result<Option<u32>, AskProblem> {
        let factors = &self.rules.scale_factors;
        match self.ask.scale_factor {
            _ if factors.is_empty() => Ok(None),
            None => Ok(factors.first().copied()),
            Some(asked) => match factors.iter().find(|factor| i64::from(**factor) == asked) {
                Some(factor) => Ok(Some(*factor)),
                None => Err(not_allowed(AskField::ScaleFactor, factors)),
            },
        }
    }

    fn voice(&self) -> Result<Option<String>, AskProblem> {
        match (&self.rules.voice, &self.ask.voice) {
            (VoiceRule::Unused, _) => Ok(None),
            (VoiceRule::Required | VoiceRule::Default(_), Some(voice)) => Ok(Some(voice.clone())),
            (VoiceRule::Default(voice), None) => Ok(Some(voice.clone())),
            (VoiceRule::Required, None) => Err(AskProblem::new(AskField::Voice, AskReason::Required)),
        }
    }

    fn language(&self) -> Result<Option<String>, AskProblem> {
        if !self.writes_text() {
            return Ok(None);
        }
        let language = self.ask.language.as_deref().unwrap_or("auto");
        if language != "auto" && !is_language_code(language) {
            return Err(not_allowed(AskField::Language, ["auto", "a language code such as en-US or nb-NO"]));
        }
        Ok(Some(language.to_owned()))
    }

    fn temperature(&self) -> Result<Option<Decimal>, AskProblem> {
        match self.ask.temperature {
            Some(asked) if !within(asked, Decimal::ZERO, Decimal::TWO) => {
                Err(not_allowed(AskField::Temperature, [range("0.0", "2.0")]))
            }
            asked => Ok(asked.filter(|_| self.writes_text()).map(|t| t.normalize())),
        }
    }

    fn writes_text(&self) -> bool {
        matches!(self.model.capability, Capability::TextGeneration | Capability::Vision)
    }
}

fn too_long(field: AskField, chars: u32, max: u32) -> Result<(), AskProblem> {
    if chars > max { Err(AskProblem::new(field, AskReason::TooLong { max })) } else { Ok(()) }
}

fn not_allowed<T: ToString>(field: AskField, allowed: impl IntoIterator<Item = T>) -> AskProblem {
    AskProblem::new(field, AskReason::NotAllowed).allowing(allowed)
}

fn range(min: impl ToString, max: impl ToString) -> String {
    let (min, max) = (min.to_string(), max.to_string());
    if min == max { min } else { format!("{min} to {max}") }
}

fn within(value: Decimal, min: Decimal, max: Decimal) -> bool {
    value >= min && value <= max
}

/// The value nearest to `wanted`; of two as near, the smaller, which costs less.
fn nearest(values: &[u32], wanted: u32) -> Option<u32> {
    values.iter().copied().min_by_key(|value| (value.abs_diff(wanted), *value))
}

/// A primary tag of two or three letters, then up to three subtags: enough to refuse a sentence,
/// without keeping the registry of languages.
fn is_language_code(code: &str) -> bool {
    let mut parts = code.split('-');
    let primary =
        parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest: Vec<&str> = parts.collect();
    primary
        && rest.len() <= 3
        && rest.iter().all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The input that makes the mode, for the refusal to point at.
fn field_of(mode: Mode) -> AskField {
    match mode {
        Mode::TextToOutput => AskField::Prompt,
        Mode::ImageToOutput | Mode::Vision => AskField::Images,
        Mode::References => AskField::References,
        Mode::SourceVideo | Mode::MotionControl | Mode::SourceVideoWithReferences | Mode::Lipsync => {
            AskField::SourceVideo
        }
        // A first frame alone would be an image: it is the last one that asks for this.
        Mode::FirstLastFrame => AskField::LastFrame,
        Mode::Transcription => AskField::InputAudio,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn of_two_lengths_as_near_the_shorter_is_taken() {
        assert_eq!(nearest(&[4, 6], 5), Some(4));
        assert_eq!(nearest(&[6, 10], 5), Some(6));
        assert_eq!(nearest(&[], 5), None);
    }
}
