//! Text: readable sentences about what a prompt asks for, and typed fields that fit a schema.

mod phrases;
mod role;
mod script;
mod stock;
mod topic;
mod transcript;
mod write;

use serde_json::{Map, Value};

pub use transcript::{Transcript, TranscriptSegment, TranscriptWord, make_transcript};

use crate::limits::{LIST_ITEMS_MAX, TEXT_CHARS_MAX};
use crate::seed::{Rng, Root};
pub use script::{Script, ScriptSpec, make_script};
use write::Writer;

/// One field that a text must have.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldSpec {
    /// The field's name; it also steers what is written (`title`, `ingredients`, `steps`, `punchline`,
    /// `illustration_desc`, `hashtags` … are understood).
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Most characters (Unicode scalars) of a text, or of each item of a list.
    pub max_chars: Option<usize>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// A line or a few sentences.
    Text,
    /// Several paragraphs.
    LongText,
    /// Texts, between `min` and `max` of them.
    List {
        /// Fewest items.
        min: usize,
        /// Most items, at the most [`LIST_ITEMS_MAX`].
        max: usize,
    },
    /// A whole number.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// True or false.
    Flag,
    /// One of some words; `null` if there is none to choose from.
    Choice(Vec<String>),
}

impl FieldSpec {
    /// A field without a limit of its own.
    pub fn new(name: impl Into<String>, kind: FieldKind) -> Self {
        Self { name: name.into(), kind, max_chars: None }
    }

    /// The same field with a limit of characters.
    #[must_use]
    pub fn max_chars(self, max: usize) -> Self {
        Self { max_chars: Some(max), ..self }
    }
}

/// What to write about, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextSpec<'a> {
    /// What somebody asked for.
    pub prompt: &'a str,
    /// Varies everything that the prompt leaves open.
    pub seed: u64,
    /// A language code such as `en`, `en-US`, `nb-NO`, or `auto`. English, German, Spanish, French,
    /// Portuguese and Norwegian are written; all else gives English, and lists of ingredients always are.
    pub language: &'a str,
    /// What kind of text, by a generator's slug: `joke`, `poem`, `recipe`, `story`, `vision`, `slogan`,
    /// `quote`, `lyrics` … An unknown one gives prose.
    pub form: &'a str,
}

/// Writes the asked fields, each of its kind and within its limits.
///
/// The same arguments give the same fields. All of them speak of what the prompt speaks of; where
/// one field sets up another (`setup` and `punchline`, `title` and `text`), they fit together.
pub fn make_fields(spec: TextSpec<'_>, fields: &[FieldSpec]) -> Map<String, Value> {
    let root = Root::new(spec.prompt, spec.seed);
    let writer = Writer::new(spec, &root);
    fields.iter().map(|field| (field.name.clone(), value(field, &writer, &mut root.stream(&field.name)))).collect()
}

/// Writes one plain text, of at most [`TEXT_CHARS_MAX`] characters.
pub fn make_text(spec: TextSpec<'_>) -> String {
    let root = Root::new(spec.prompt, spec.seed);
    clip(&Writer::new(spec, &root).long("text", &mut root.stream("text")), TEXT_CHARS_MAX)
}

fn value(field: &FieldSpec, writer: &Writer<'_>, rng: &mut Rng) -> Value {
    let most = field.max_chars.unwrap_or(TEXT_CHARS_MAX).min(TEXT_CHARS_MAX);
    match &field.kind {
        FieldKind::Text => Value::String(clip(&writer.short(&field.name, rng), most)),
        FieldKind::LongText => Value::String(clip(&writer.long(&field.name, rng), most)),
        FieldKind::List { min, max } => {
            let (low, high) = ((*min).min(LIST_ITEMS_MAX), (*max).min(LIST_ITEMS_MAX));
            let count = rng.between(low.max(3).min(high), high.min(7).max(low));
            let items = writer.items(&field.name, count, rng);
            Value::Array(items.iter().map(|item| Value::String(clip(item, most))).collect())
        }
        FieldKind::Number { min, max } => {
            let (low, high) = (i128::from(*min), i128::from(*max).max(i128::from(*min)));
            let at = low + i128::from(rng.bits()) % (high - low + 1);
            Value::from(at as i64)
        }
        FieldKind::Flag => Value::Bool(rng.chance(0.5)),
        FieldKind::Choice(words) if words.is_empty() => Value::Null,
        FieldKind::Choice(words) => Value::String(rng.pick(words).clone()),
    }
}

/// Cuts a text to a number of characters, at the end of a sentence or word where there is one.
fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    // A point after a digit numbers something, it does not end it.
    let ends = cut.char_indices().zip(cut.chars().skip(1));
    let sentence = ends
        .filter(|((_, before), end)| matches!(end, '.' | '!' | '?') && !before.is_numeric())
        .map(|((at, before), end)| at + before.len_utf8() + end.len_utf8())
        .last()
        .filter(|at| *at * 2 > cut.len());
    let word = cut.rfind(char::is_whitespace).filter(|at| *at * 2 > cut.len());
    let end = sentence.or(word).unwrap_or(cut.len());
    cut[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec<'a>(prompt: &'a str, form: &'a str) -> TextSpec<'a> {
        TextSpec { prompt, seed: 7, language: "auto", form }
    }

    #[test]
    fn a_joke_about_programming_speaks_of_programming() {
        for seed in 0..40 {
            let joke = make_text(TextSpec { seed, ..spec("Tell me a joke about programming", "joke") });
            assert!(joke.to_lowercase().contains("programming"), "{joke}");
            assert!(!joke.to_lowercase().contains("tell me"), "{joke}");
        }
    }

    #[test]
    fn every_kind_is_valid_for_many_seeds() {
        let fields = [
            FieldSpec::new("title", FieldKind::Text).max_chars(40),
            FieldSpec::new("text", FieldKind::LongText).max_chars(300),
            FieldSpec::new("ingredients", FieldKind::List { min: 4, max: 9 }).max_chars(30),
            FieldSpec::new("servings", FieldKind::Number { min: 2, max: 6 }),
            FieldSpec::new("any", FieldKind::Number { min: i64::MIN, max: i64::MAX }),
            FieldSpec::new("vegan", FieldKind::Flag),
            FieldSpec::new("mood", FieldKind::Choice(vec!["warm".into(), "cold".into()])),
            FieldSpec::new("nothing", FieldKind::List { min: 0, max: 0 }),
            FieldSpec::new("one", FieldKind::List { min: 1, max: 1 }),
            FieldSpec::new("many", FieldKind::List { min: 30, max: 200 }),
        ];
        for seed in 0..60 {
            let made = make_fields(TextSpec { seed, ..spec("a pie with öl & \u{0} <apples>", "recipe") }, &fields);
            let names: Vec<&str> = made.keys().map(String::as_str).collect();
            assert_eq!(names.len(), fields.len());
            assert!(made["title"].as_str().is_some_and(|t| !t.is_empty() && t.chars().count() <= 40));
            assert!(made["text"].as_str().is_some_and(|t| t.chars().count() <= 300 && !t.contains('\u{0}')));
            let items = made["ingredients"].as_array().unwrap();
            assert!((4..=9).contains(&items.len()));
            assert!(items.iter().all(|item| item.as_str().is_some_and(|i| !i.is_empty() && i.chars().count() <= 30)));
            assert!((2..=6).contains(&made["servings"].as_i64().unwrap()));
            assert!(made["any"].is_i64() && made["vegan"].is_boolean());
            assert!(["warm", "cold"].contains(&made["mood"].as_str().unwrap()));
            assert_eq!(made["nothing"].as_array().unwrap().len(), 0);
            assert_eq!(made["one"].as_array().unwrap().len(), 1);
            assert!((30..=LIST_ITEMS_MAX).contains(&made["many"].as_array().unwrap().len()));
        }
    }

    #[test]
    fn the_same_words_and_seed_give_the_same_text_and_others_do_not() {
        let text = make_text(spec("the sea", "story"));
        assert_eq!(text, make_text(spec("the sea", "story")));
        assert_ne!(text, make_text(TextSpec { seed: 8, ..spec("the sea", "story") }));
        assert_ne!(text, make_text(spec("the sea", "poem")));
    }

    #[test]
    fn languages_that_are_known_are_written() {
        for language in ["de", "es-MX", "fr_FR", "pt-BR", "nb-NO", "no"] {
            let text = make_text(TextSpec { language, ..spec("Kaffee", "story") });
            assert_ne!(text, make_text(TextSpec { language: "en", ..spec("Kaffee", "story") }), "{language}");
            assert!(text.contains("Kaffee"), "{text}");
        }
    }

    #[test]
    fn no_prompt_still_gives_a_text() {
        for form in ["joke", "poem", "recipe", "story", "vision", "slogan", "unheard-of"] {
            for prompt in ["", "   ", "???", "tell me a"] {
                let text = make_text(spec(prompt, form));
                assert!(text.chars().count() > 20 && !text.contains('{'), "{form}: {text}");
            }
        }
    }

    #[test]
    fn clipping_keeps_whole_sentences_or_words() {
        assert_eq!(clip("One two. Three four.", 15), "One two.");
        assert_eq!(clip("Do one thing.\n5. Then another", 17), "Do one thing.");
        assert_eq!(clip("Onetwothree four", 13), "Onetwothree");
        assert_eq!(clip("äöüäöü", 3), "äöü");
        assert_eq!(clip("short", 99), "short");
    }
}
