//! Price books: every model priced or known not to be, every choice priced, nothing free.

use std::collections::HashSet;

use rust_decimal::Decimal;

use super::super::capability::{Capability, Dialect};
use super::super::load::{Draft, Placed, Problems};
use super::super::model::Model;
use super::super::rules::{AudioRule, Rules};
use super::is_blank;
use crate::Credits;
use crate::money::{Dimension, Multiplier, Price, PriceBook, Unit};

/// What the GirlGeneratorAI document promises: one to three credits.
const GIRLGENERATOR_COST_MAX: u32 = 3;

pub(super) fn check(draft: &Draft, problems: &mut Problems) {
    let Some(newest) = draft.price_books.iter().max_by_key(|book| book.item.effective_from) else {
        problems.add("price-books", "", "there is no price book");
        return;
    };
    for (at, book) in draft.price_books.iter().enumerate() {
        for other in &draft.price_books[..at] {
            if other.item.version == book.item.version {
                problems.add(
                    &book.file,
                    "version",
                    format!("{} is the version of {} too", book.item.version, other.file),
                );
            }
            if other.item.effective_from == book.item.effective_from {
                problems.add(&book.file, "effective_from", format!("is the same as in {}", other.file));
            }
        }
        book_itself(book, problems);
        for price in &book.item.prices {
            match draft.models.iter().find(|model| model.item.slug == price.model) {
                Some(model) => priced(book, price, &model.item, problems),
                None => problems.add(&book.file, &price.model, "there is no such model"),
            }
        }
    }
    // An older book may lack what came after it.
    for model in &draft.models {
        complete(newest, &model.item, problems);
    }
}

fn book_itself(placed: &Placed<PriceBook>, problems: &mut Problems) {
    let (file, book) = (&placed.file, &placed.item);
    if is_blank(&book.version) {
        problems.add(file, "version", "is blank");
    }
    if book.usd_per_credit <= Decimal::ZERO {
        problems.add(file, "usd_per_credit", "has to be more than 0");
    }
    for (name, multiplier) in &book.multipliers {
        multiplier_itself(file, name, multiplier, problems);
    }
    let mut models = HashSet::new();
    let mut keys = HashSet::new();
    for price in &book.prices {
        if !models.insert(&price.model) {
            problems.add(file, &price.model, "has two prices");
        }
        if is_blank(&price.operation_key) || !keys.insert(&price.operation_key) {
            problems.add(
                file,
                &price.model,
                format!("the operation key `{}` is blank or another price's", price.operation_key),
            );
        }
        positive(file, &price.model, price.credits, problems);
        let mut dimensions = HashSet::new();
        for name in &price.multipliers {
            match book.multipliers.get(name) {
                None => problems.add(file, &price.model, format!("there is no multiplier {name}")),
                Some(multiplier) if !dimensions.insert(multiplier.by) => {
                    problems.add(file, &price.model, format!("two multipliers by {}", multiplier.by.as_str()));
                }
                Some(_) => {}
            }
        }
        if (price.unit == Unit::PerThousandTokens) != price.output_tokens_max.is_some_and(|max| max > 0) {
            problems.add(file, &price.model, "output_tokens_max and the unit per_thousand_tokens go together");
        }
    }
    let mut operations = HashSet::new();
    for operation in &book.operations {
        if is_blank(&operation.key) || !operations.insert(&operation.key) {
            problems.add(file, &operation.key, "the operation's key is blank or given twice");
        }
        positive(file, &operation.key, operation.credits, problems);
    }
}

fn positive(file: &str, key: &str, credits: Credits, problems: &mut Problems) {
    if !credits.is_positive() {
        problems.add(file, key, "a price has to be more than 0; a model without a price is marked `unpriced`");
    }
}

fn multiplier_itself(file: &str, name: &str, multiplier: &Multiplier, problems: &mut Problems) {
    if multiplier.values.is_empty() {
        problems.add(file, name, "has no values");
    }
    for (value, times) in &multiplier.values {
        if *times <= Decimal::ZERO {
            problems.add(file, name, format!("the factor of {value} has to be more than 0"));
        }
    }
    let dearest = multiplier.values.iter().filter(|(value, _)| *value != "auto").map(|(_, times)| times).max();
    if let Some(auto) = multiplier.values.get("auto")
        && Some(auto) != dearest
    {
        problems.add(file, name, "`auto` has to be held at the dearest value's factor");
    }
}

/// Whether a price fits its model: the unit, and a factor for each choice that the model offers.
fn priced(book: &Placed<PriceBook>, price: &Price, model: &Model, problems: &mut Problems) {
    if model.unpriced {
        problems.add(&book.file, &price.model, "has a price, and is marked `unpriced`");
    }
    if !fits(price.unit, model.capability) {
        problems.add(&book.file, &price.model, format!("{} does not fit {}", price.unit.as_str(), model.capability));
    }
    for dialect in [Dialect::Genfire, Dialect::Generor, Dialect::GirlGenerator] {
        let Some(rules) = model.rules(dialect) else {
            continue;
        };
        for multiplier in price.multipliers.iter().filter_map(|name| book.item.multipliers.get(name)) {
            for value in choices(multiplier.by, rules) {
                if !multiplier.values.contains_key(&value) {
                    problems.add(
                        &book.file,
                        &price.model,
                        format!("no factor for {} {value}, which {dialect} offers", multiplier.by.as_str()),
                    );
                }
            }
        }
    }
}

fn choices(by: Dimension, rules: &Rules) -> Vec<String> {
    match by {
        Dimension::GenerateAudio => match rules.audio {
            AudioRule::Toggle => vec!["true".to_owned(), "false".to_owned()],
            AudioRule::Ignored => vec!["false".to_owned()],
        },
        Dimension::Resolution => rules.resolutions.clone(),
        Dimension::Quality => rules.qualities.clone(),
        Dimension::ScaleFactor => rules.scale_factors.iter().map(ToString::to_string).collect(),
    }
}

fn fits(unit: Unit, capability: Capability) -> bool {
    match unit {
        Unit::PerImage => matches!(
            capability,
            Capability::ImageGeneration
                | Capability::ImageEditing
                | Capability::ImageUpscaling
                | Capability::VectorGeneration
        ),
        Unit::PerSecond => matches!(
            capability,
            Capability::VideoGeneration
                | Capability::VideoUpscaling
                | Capability::LipsyncGeneration
                | Capability::MusicGeneration
                | Capability::SoundEffectGeneration
                | Capability::Transcription
        ),
        Unit::PerCharacter => capability == Capability::SpeechGeneration,
        Unit::PerText | Unit::PerThousandTokens => {
            matches!(capability, Capability::TextGeneration | Capability::Vision)
        }
        Unit::PerRun => true,
    }
}

/// Whether the book in force prices the model wherever it is offered.
fn complete(book: &Placed<PriceBook>, model: &Model, problems: &mut Problems) {
    if model.unpriced {
        return;
    }
    for dialect in [Dialect::Genfire, Dialect::Generor, Dialect::GirlGenerator] {
        if model.rules(dialect).is_none() {
            continue;
        }
        match book.item.credit_cost(model, dialect) {
            Err(problem) => {
                problems.add(
                    &book.file,
                    &model.slug,
                    format!("{dialect}: {problem}; give it a price, or mark the model `unpriced`"),
                );
            }
            Ok(cost) if dialect == Dialect::GirlGenerator => girlgenerator(book, model, cost, problems),
            Ok(_) => {}
        }
    }
}

fn girlgenerator(book: &Placed<PriceBook>, model: &Model, cost: Credits, problems: &mut Problems) {
    let is_default = model.girlgenerator.as_ref().is_some_and(|listing| listing.is_default);
    let max = if is_default { 1 } else { GIRLGENERATOR_COST_MAX };
    if cost > Credits::whole(max) {
        problems.add(&book.file, &model.slug, format!("girlgenerator: costs {cost}, and may cost at most {max} there"));
    }
}
