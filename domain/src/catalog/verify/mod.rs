//! Every check over the catalog as a whole. A check says what is wrong and what would be right.

mod generators;
mod models;
mod names;
mod prices;
mod rest;
mod workflows;

use super::load::{Draft, Problems};

pub(super) fn all(draft: &Draft, problems: &mut Problems) {
    names::check(draft, problems);
    models::check(draft, problems);
    prices::check(draft, problems);
    generators::check(draft, problems);
    rest::check(draft, problems);
    workflows::check(draft, problems);
}

/// Lower-case letters, digits and single hyphens, a letter first.
fn is_slug(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A slug with underscores, as the names of fields are written.
fn is_field_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
