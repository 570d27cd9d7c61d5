//! Generators: names, templates, preferences and fields that fit together, and no two alike.

use std::collections::HashSet;

use super::super::capability::{Capability, Dialect, MediaType};
use super::super::generator::{
    FieldType, Generator, GeneratorStatus, ImageInput, OutputField, PLACEHOLDERS, Preference, next_placeholder,
};
use super::super::load::{Draft, Placed, Problems};
use super::{is_blank, is_field_name, is_slug};

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    if draft.generators.is_empty() {
        problems.add("generators", "", "there is no generator");
    }
    let essences: Vec<Essence> = draft.generators.iter().map(|placed| Essence::of(&placed.item)).collect();
    for (at, placed) in draft.generators.iter().enumerate() {
        itself(placed, problems);
        model(draft, placed, problems);
        for (other, essence) in draft.generators[..at].iter().zip(&essences) {
            if other.item.slug == placed.item.slug {
                problems.add(&placed.file, &placed.item.slug, format!("the slug is taken in {}", other.file));
            } else if *essence == essences[at] {
                problems.add(
                    &placed.file,
                    &placed.item.slug,
                    format!("does just what {} does: same template, preferences and fields", other.item.slug),
                );
            }
        }
        for similar in &placed.item.similar {
            if *similar == placed.item.slug || !draft.generators.iter().any(|other| other.item.slug == *similar) {
                problems.add(&placed.file, &placed.item.slug, format!("similar: {similar} is not another generator"));
            }
        }
    }
}

/// What a generator does, without what only dresses it: title, icon, relatives, labels, order, case and
/// the spaces between words. Two with the same essence would be one.
#[derive(PartialEq)]
struct Essence {
    /// What is made: an image and a video generator that only pass the prompt on are two.
    media_type: MediaType,
    template: String,
    /// Value and text of each option.
    preferences: [Option<Vec<(String, String)>>; 2],
    fields: Vec<OutputField>,
}

impl Essence {
    fn of(generator: &Generator) -> Self {
        let options = |preference: &Preference| {
            let options = preference.options.iter();
            let mut options: Vec<_> = options.map(|one| (plain(&one.value.to_string()), plain(&one.text))).collect();
            options.sort();
            options
        };
        let fields = generator.fields.iter();
        let mut fields: Vec<OutputField> =
            fields.map(|field| OutputField { description: plain(&field.description), ..field.clone() }).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        Essence {
            media_type: generator.media_type,
            template: plain(&generator.template),
            preferences: [&generator.preference, &generator.preference_two].map(|one| one.as_ref().map(options)),
            fields,
        }
    }
}

/// A text in small letters, with one space between words.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn itself(placed: &Placed<Generator>, problems: &mut Problems) {
    let generator = &placed.item;
    let mut say = |wrong: bool, problem: &str| {
        if wrong {
            problems.add(&placed.file, &generator.slug, problem);
        }
    };
    say(!is_slug(&generator.slug), "the slug may hold lower-case letters, digits and single hyphens");
    say(placed.file != format!("generators/{}.toml", generator.slug), "the file has to be named after the slug");
    say(is_blank(&generator.title), "title is blank");
    say(is_blank(&generator.description), "description is blank");
    say(is_blank(&generator.icon), "icon is blank");
    say(generator.capabilities.is_empty(), "capabilities is empty");
    say(
        generator.capabilities.iter().any(|capability| capability.media_type() != generator.media_type),
        "a capability makes another medium than media_type",
    );
    say(
        generator.capabilities.contains(&Capability::Vision) && generator.image_input == ImageInput::None,
        "vision needs image_input",
    );
    say(
        (generator.media_type == MediaType::Text) == generator.fields.is_empty(),
        "texts have fields, other media have none",
    );
    let mut names = HashSet::new();
    for field in &generator.fields {
        say(
            !is_field_name(&field.name),
            &format!("the field `{}` may hold lower-case letters, digits and underscores", field.name),
        );
        say(!names.insert(&field.name), &format!("the field `{}` is there twice", field.name));
        say(is_blank(&field.description), &format!("the field `{}` has no description", field.name));
        let bounded = field.min.is_some() || field.max.is_some();
        say(
            bounded && field.field_type == FieldType::String,
            &format!("the field `{}` is a text and has no min or max", field.name),
        );
        say(
            field.min.zip(field.max).is_some_and(|(min, max)| min > max),
            &format!("the field `{}` has a min above its max", field.name),
        );
        say(
            field.field_type == FieldType::StringList && field.max == Some(0),
            &format!("the field `{}` is a list of nothing", field.name),
        );
        // The answer of a generate call puts them beside these.
        say(
            ["creation_id", "image_url", "video_url", "audio_url", "svg_url"].contains(&field.name.as_str()),
            &format!("the field `{}` has a name that every creation uses", field.name),
        );
    }
    say(generator.preference.is_none() && generator.preference_two.is_some(), "preference_two comes after preference");
    template(placed, problems);
    for (name, preference) in [("preference", &generator.preference), ("preference_two", &generator.preference_two)] {
        if let Some(preference) = preference {
            choices(placed, name, preference, problems);
        }
    }
}

fn template(placed: &Placed<Generator>, problems: &mut Problems) {
    let generator = &placed.item;
    let uses = |placeholder: &str| generator.template.contains(placeholder);
    for (placeholder, wanted) in [
        (PLACEHOLDERS[0], true),
        (PLACEHOLDERS[1], generator.media_type == MediaType::Text),
        (PLACEHOLDERS[2], generator.preference.is_some()),
        (PLACEHOLDERS[3], generator.preference_two.is_some()),
    ] {
        if uses(placeholder) != wanted {
            let problem = if wanted { "is missing from" } else { "has no business in" };
            problems.add(&placed.file, &generator.slug, format!("{placeholder} {problem} the template"));
        }
    }
    let mut rest = generator.template.clone();
    while let Some((at, which)) = next_placeholder(&rest) {
        rest.replace_range(at..at + PLACEHOLDERS[which].len(), "");
    }
    if rest.contains(['{', '}']) {
        problems.add(&placed.file, &generator.slug, "the template has a brace that belongs to no known placeholder");
    }
}

fn choices(placed: &Placed<Generator>, name: &str, preference: &Preference, problems: &mut Problems) {
    let slug = &placed.item.slug;
    let mut values = HashSet::new();
    for option in &preference.options {
        if !values.insert(option.value.to_string()) {
            problems.add(&placed.file, slug, format!("{name}: the value {} is there twice", option.value));
        }
        if is_blank(&option.label) || is_blank(&option.text) {
            problems.add(&placed.file, slug, format!("{name}: the value {} has no label or no text", option.value));
        }
        if next_placeholder(&option.text).is_some() {
            problems.add(
                &placed.file,
                slug,
                format!("{name}: the text of {} has a placeholder, which is not filled", option.value),
            );
        }
    }
    if is_blank(&preference.label) {
        problems.add(&placed.file, slug, format!("{name}: the label is blank"));
    }
    if preference.options.len() < 2 {
        problems.add(&placed.file, slug, format!("{name}: fewer than two options are no choice"));
    }
    if preference.choose(None).is_none() {
        problems.add(
            &placed.file,
            slug,
            format!("{name}: the default {} is not among the options", preference.default),
        );
    }
}

fn model(draft: &Draft, placed: &Placed<Generator>, problems: &mut Problems) {
    let generator = &placed.item;
    let Some(model) = draft.models.iter().find(|model| model.item.slug == generator.default_model) else {
        problems.add(
            &placed.file,
            &generator.slug,
            format!("default_model: there is no model {}", generator.default_model),
        );
        return;
    };
    let model = &model.item;
    if model.rules(Dialect::Generor).is_none() {
        problems.add(&placed.file, &generator.slug, format!("default_model: {} is not offered in Generor", model.slug));
    }
    if !generator.capabilities.contains(&model.capability) {
        problems.add(&placed.file, &generator.slug, format!("default_model: {} has another capability", model.slug));
    }
    let routed = draft
        .routes
        .iter()
        .any(|route| route.item.models.contains(&model.slug) || route.item.capabilities.contains(&model.capability));
    if generator.status == GeneratorStatus::Active && !routed {
        problems.add(
            &placed.file,
            &generator.slug,
            format!("is active, and no route reaches {}; add one to routes.toml or make it `development`", model.slug),
        );
    }
}
