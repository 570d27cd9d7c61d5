//! What the built-in catalog is held to, and what a broken one is told.

mod checking;
mod choices;
mod combinations;
mod generators;
mod listings;
mod loading;
mod printed;

use std::sync::OnceLock;

use super::{Ask, AskProblem, Catalog, Checked, Dialect, Model, Sources};

/// The built-in catalog.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        Catalog::load(&Sources::embedded()).unwrap_or_else(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("the built-in catalog has problems:\n{}", lines.join("\n"))
        })
    })
}

/// The built-in model of that slug.
pub(crate) fn model(slug: &str) -> &'static Model {
    catalog().model(slug).unwrap_or_else(|| panic!("no model {slug}"))
}

/// The ask as GenFire would have it judged.
pub(crate) fn genfire(slug: &str, ask: &Ask) -> Result<Checked, AskProblem> {
    model(slug).check(Dialect::Genfire, ask)
}

/// The ask as Generor would have it judged.
pub(crate) fn generor(slug: &str, ask: &Ask) -> Result<Checked, AskProblem> {
    model(slug).check(Dialect::Generor, ask)
}

/// A prompt of twenty characters and nothing else.
pub(crate) fn prompt() -> Ask {
    Ask::prompt(20)
}
