//! Slugs and aliases: well-formed, unique, and never given to another model.

use std::collections::HashMap;

use super::super::capability::Dialect;
use super::super::load::{Draft, Problems};
use super::is_slug;

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    let mut slugs: HashMap<&str, &str> = HashMap::new();
    let mut aliases: HashMap<(Dialect, String), &str> = HashMap::new();
    for placed in &draft.models {
        let model = &placed.item;
        if !is_slug(&model.slug) {
            problems.add(&placed.file, &model.slug, "the slug may hold lower-case letters, digits and single hyphens");
        }
        if let Some(other) = slugs.insert(&model.slug, &placed.file) {
            problems.add(&placed.file, &model.slug, format!("the slug is taken in {other}"));
        }
        for dialect in [Dialect::Genfire, Dialect::Generor, Dialect::GirlGenerator] {
            let Some(name) = model.name_in(dialect) else {
                continue;
            };
            if let Some(other) = aliases.insert((dialect, name.clone()), &model.slug) {
                problems.add(&placed.file, &model.slug, format!("{name} is the {dialect} name of {other} already"));
            }
        }
        if model.genfire.is_none() && model.generor.is_none() && model.girlgenerator.is_none() {
            problems.add(
                &placed.file,
                &model.slug,
                "is offered nowhere; give it [model.genfire], [model.generor] or [model.girlgenerator]",
            );
        }
        if let Some(listing) = &model.generor {
            let (first, last) = listing.model_type.id_range();
            if !(first..=last).contains(&listing.id) {
                problems.add(
                    &placed.file,
                    &model.slug,
                    format!(
                        "the integer {} is outside the range of {} models, {first} to {last}",
                        listing.id, listing.model_type
                    ),
                );
            }
        }
    }
    for placed in &draft.locked {
        let line = &placed.item;
        let Some(dialect) = Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == line.dialect) else {
            problems.add(&placed.file, &line.name, format!("{} is no dialect", line.dialect));
            continue;
        };
        match aliases.get(&(dialect, line.name.clone())) {
            Some(slug) if **slug == line.slug => {}
            Some(slug) => problems.add(
                &placed.file,
                &line.name,
                format!("this {dialect} name belongs to {} for good, and cannot be given to {slug}", line.slug),
            ),
            None => problems.add(
                &placed.file,
                &line.name,
                format!("this {dialect} name of {} was given once and has to stay", line.slug),
            ),
        }
    }
}
