//! Voices and routes.

use std::collections::{HashMap, HashSet};

use super::super::load::{Draft, Problems};
use super::{is_blank, is_field_name};

/// What the ids of cloned voices begin with, so that the two never meet.
const CLONED_PREFIX: &str = "fal_cloned_";

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    voices(draft, problems);
    routes(draft, problems);
}

fn voices(draft: &Draft, problems: &mut Problems) {
    let mut ids = HashSet::new();
    let mut defaults = 0;
    for placed in &draft.voices {
        let voice = &placed.item;
        if !is_field_name(&voice.id) || voice.id.starts_with(CLONED_PREFIX) {
            problems.add(
                &placed.file,
                &voice.id,
                "the id may hold lower-case letters, digits and underscores, and may not begin like a cloned voice's",
            );
        }
        if !ids.insert(&voice.id) {
            problems.add(&placed.file, &voice.id, "the id is there twice");
        }
        if [&voice.name, &voice.description, &voice.provider, &voice.language].into_iter().any(|text| is_blank(text)) {
            problems.add(&placed.file, &voice.id, "name, description, provider or language is blank");
        }
        defaults += usize::from(voice.is_default);
    }
    if defaults != 1 {
        problems.add("voices.toml", "", format!("needs exactly one default voice, has {defaults}"));
    }
}

fn routes(draft: &Draft, problems: &mut Problems) {
    let mut reached: HashMap<String, &str> = HashMap::new();
    for placed in &draft.routes {
        let route = &placed.item;
        if is_blank(&route.provider) {
            problems.add(&placed.file, "route", "the provider is blank");
        }
        if route.capabilities.is_empty() && route.models.is_empty() {
            problems.add(&placed.file, &route.provider, "the route names neither capabilities nor models");
        }
        for slug in &route.models {
            if !draft.models.iter().any(|model| model.item.slug == *slug) {
                problems.add(&placed.file, &route.provider, format!("there is no model {slug}"));
            }
        }
        let names = route.models.iter().cloned().chain(route.capabilities.iter().map(ToString::to_string));
        for name in names {
            if let Some(other) = reached.insert(name.clone(), &route.provider) {
                problems.add(&placed.file, &route.provider, format!("{name} is routed to {other} already"));
            }
        }
    }
}
