//! Models: limits that make sense, printed limits present, one default where there has to be one.

use std::collections::HashMap;

use super::super::capability::{Capability, Dialect};
use super::super::load::{Draft, Placed, Problems};
use super::super::mode::Mode;
use super::super::model::{GenfireListing, Model};
use super::super::rules::{Durations, Rules};
use super::is_blank;

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    for placed in &draft.models {
        texts(placed, problems);
        if let Some(listing) = &placed.item.genfire {
            printed(placed, listing, problems);
        }
        for dialect in [Dialect::Genfire, Dialect::Generor, Dialect::GirlGenerator] {
            if let Some(rules) = placed.item.rules(dialect) {
                for problem in unsound(placed.item.capability, rules) {
                    problems.add(&placed.file, &placed.item.slug, format!("{dialect}: {problem}"));
                }
                if placed.item.sample(dialect).is_none() {
                    problems.add(
                        &placed.file,
                        &placed.item.slug,
                        format!("{dialect}: refuses a request with nothing but defaults"),
                    );
                }
            }
        }
    }
    defaults(draft, problems);
}

fn texts(placed: &Placed<Model>, problems: &mut Problems) {
    let model = &placed.item;
    let mut texts = vec![("name", &model.name), ("description", &model.description)];
    if let Some(listing) = &model.generor {
        texts.extend([
            ("generor.name", &listing.name),
            ("generor.description", &listing.description),
            ("generor.provider", &listing.provider),
            ("generor.model_name", &listing.model_name),
        ]);
    }
    for (key, text) in texts {
        if is_blank(text) {
            problems.add(&placed.file, &model.slug, format!("{key} is blank"));
        }
    }
}

/// The limits that the document prints for each capability.
fn printed(placed: &Placed<Model>, listing: &GenfireListing, problems: &mut Problems) {
    let limits = &listing.limits;
    let has_flags = listing.capabilities.is_some();
    let needed: &[(&str, bool)] = match placed.item.capability {
        Capability::ImageGeneration => &[
            ("limits.aspect_ratios", !limits.aspect_ratios.is_empty()),
            ("limits.max_count", limits.max_count.is_some()),
            ("capabilities", has_flags),
        ],
        Capability::VideoGeneration => &[
            ("limits.aspect_ratios", !limits.aspect_ratios.is_empty()),
            ("limits.duration_seconds", !limits.duration_seconds.is_empty()),
            ("capabilities", has_flags),
        ],
        Capability::SpeechGeneration => &[("limits.max_characters", limits.max_characters.is_some())],
        Capability::MusicGeneration | Capability::SoundEffectGeneration => {
            &[("limits.max_duration_seconds", limits.max_duration_seconds.is_some())]
        }
        Capability::Transcription => &[
            ("limits.max_file_mb", limits.max_file_mb.is_some()),
            ("limits.max_duration_seconds", limits.max_duration_seconds.is_some()),
        ],
        Capability::ImageEditing => &[("limits.input", limits.input.is_some())],
        Capability::VideoUpscaling => &[("limits.scale_factors", !limits.scale_factors.is_empty())],
        Capability::LipsyncGeneration => &[("limits.resolutions", !limits.resolutions.is_empty())],
        Capability::TextGeneration
        | Capability::Vision
        | Capability::ImageUpscaling
        | Capability::VectorGeneration
        | Capability::ProductExtraction => {
            problems.add(
                &placed.file,
                &placed.item.slug,
                format!("GenFire has no models for {}", placed.item.capability),
            );
            &[]
        }
    };
    for (key, present) in needed {
        if !present {
            problems.add(&placed.file, &placed.item.slug, format!("genfire.{key} is missing"));
        }
    }
}

/// What contradicts itself in one model's limits.
fn unsound(capability: Capability, rules: &Rules) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |wrong: bool, problem: &str| {
        if wrong {
            found.push(problem.to_owned());
        }
    };
    let has = |mode| rules.modes.contains(&mode);
    say(rules.modes.is_empty(), "has no mode to be driven in");
    say(repeats(&rules.modes), "names a mode twice");
    say(rules.count_max == 0, "count_max is 0");
    say(rules.prompt_chars_max == 0, "prompt_chars_max is 0");
    say(rules.characters_max == 0, "characters_max is 0");
    say(
        has(Mode::Vision) != (capability == Capability::Vision),
        "only vision models, and all of them, have the mode vision",
    );
    say(
        (has(Mode::ImageToOutput) || has(Mode::MotionControl) || has(Mode::Vision)) && rules.images_max == 0,
        "takes images, and images_max is 0",
    );
    say(rules.images_used > rules.images_max, "images_used is more than images_max");
    say(rules.images_used == 0 && rules.images_max > 0, "images_used is 0");
    let referring = has(Mode::References) || has(Mode::SourceVideoWithReferences);
    say(referring != (rules.references_max > 0), "references_max and the modes with references go together");
    for (name, listed, default) in [
        ("aspect_ratio", &rules.aspect_ratios, &rules.aspect_ratio_default),
        ("resolution", &rules.resolutions, &rules.resolution_default),
        ("quality", &rules.qualities, &rules.quality_default),
    ] {
        say(repeats(listed), &format!("names a value of {name} twice"));
        say(
            match default {
                Some(default) => !listed.contains(default),
                None => !listed.is_empty(),
            },
            &format!("the default {name} is not among its values"),
        );
    }
    say(rules.aspect_ratios.iter().any(|ratio| !is_ratio(ratio)), "an aspect ratio is neither `auto` nor like 16:9");
    say(rules.scale_factors.iter().any(|factor| *factor < 2), "a scale factor is less than 2");
    say(
        capability == Capability::VideoGeneration
            && matches!(rules.durations, Durations::None | Durations::AsInput { .. }),
        "a video has a length",
    );
    say(bad_durations(&rules.durations), "the lengths are empty, not rising, or 0");
    found
}

fn bad_durations(durations: &Durations) -> bool {
    match durations {
        Durations::None | Durations::Flat => false,
        Durations::OneOf { seconds } => {
            seconds.first().is_none_or(|first| *first == 0) || !seconds.is_sorted_by(|a, b| a < b)
        }
        Durations::Whole { min, max } => *min == 0 || min > max,
        Durations::Between { min, max, default } => {
            min.is_sign_negative() || min.is_zero() || min > max || default < min || default > max
        }
        Durations::AsInput { max } => *max == 0,
    }
}

fn is_ratio(text: &str) -> bool {
    text == "auto"
        || text.split_once(':').is_some_and(|(w, h)| [w, h].iter().all(|side| side.parse::<u32>().is_ok_and(|n| n > 0)))
}

fn repeats<T: PartialEq>(values: &[T]) -> bool {
    values.iter().enumerate().any(|(at, value)| values[..at].contains(value))
}

/// GenFire takes a model by capability where none is named, GirlGeneratorAI has one default.
fn defaults(draft: &Draft, problems: &mut Problems) {
    let mut by_capability: HashMap<Capability, (Vec<&str>, &str)> = HashMap::new();
    let mut girl = Vec::new();
    let mut girl_file = None;
    for placed in &draft.models {
        let model = &placed.item;
        if let Some(listing) = &model.genfire {
            let entry = by_capability.entry(model.capability).or_insert_with(|| (Vec::new(), &placed.file));
            if listing.is_default {
                entry.0.push(&model.slug);
            }
        }
        if let Some(listing) = &model.girlgenerator {
            girl_file = Some(&placed.file);
            if listing.is_default {
                girl.push(model.slug.as_str());
            }
        }
    }
    for (capability, (slugs, file)) in by_capability {
        if slugs.len() != 1 {
            problems.add(
                file,
                capability,
                format!("needs exactly one GenFire default, has {}: {}", slugs.len(), slugs.join(", ")),
            );
        }
    }
    if let Some(file) = girl_file
        && girl.len() != 1
    {
        problems.add(
            file,
            "girlgenerator",
            format!("needs exactly one default, has {}: {}", girl.len(), girl.join(", ")),
        );
    }
}
