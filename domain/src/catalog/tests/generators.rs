//! Generators: what they are, what they tell a model, and what they accept as an answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::catalog;
use crate::catalog::{FieldType, Filling, Generator, GeneratorStatus, MediaType, PreferenceValue};

fn generator(slug: &str) -> &'static Generator {
    catalog().generator(slug).unwrap_or_else(|| panic!("no generator {slug}"))
}

fn answer(fields: Value) -> serde_json::Map<String, Value> {
    fields.as_object().unwrap().clone()
}

#[test]
fn there_are_as_many_as_the_document_promises_and_one_page_shows_them_all() {
    let active = catalog().generators().filter(|generator| generator.status == GeneratorStatus::Active);
    assert!(active.count() >= 93);
    assert!(catalog().generators().count() <= 100);
    let media: BTreeSet<MediaType> = catalog().generators().map(|generator| generator.media_type).collect();
    assert_eq!(media, BTreeSet::from(MediaType::ALL));
}

#[test]
fn every_file_of_the_folder_is_built_in() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalog/generators");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().trim_end_matches(".toml").to_owned())
        .collect();
    let built_in: BTreeSet<String> = catalog().generators().map(|generator| generator.slug.clone()).collect();
    assert_eq!(files, built_in);
}

#[test]
fn each_has_a_picture_of_its_own_and_two_or_three_relatives() {
    let mut icons = BTreeSet::new();
    for generator in catalog().generators() {
        assert!(icons.insert(&generator.icon), "{} has the icon of another", generator.slug);
        let relatives: BTreeSet<&String> = generator.similar.iter().collect();
        assert_eq!(relatives.len(), generator.similar.len(), "{}", generator.slug);
        assert!((2..=3).contains(&relatives.len()), "{}", generator.slug);
    }
}

#[test]
fn what_is_offered_can_be_run_and_a_few_are_still_in_development() {
    let mut in_development = 0;
    for generator in catalog().generators() {
        let routed = catalog().route(catalog().model(&generator.default_model).unwrap()).is_some();
        assert!(routed || generator.status == GeneratorStatus::Development, "{}", generator.slug);
        in_development += usize::from(generator.status == GeneratorStatus::Development);
    }
    assert!((1..=5).contains(&in_development), "{in_development}");
}

#[test]
fn jokes_and_recipes_have_the_fields_that_the_document_names() {
    let names = |slug| generator(slug).fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names("joke"), ["text", "illustration_desc"]);
    assert!(names("recipe").starts_with(&["dish_name"]) && names("recipe").contains(&"ingredients"));
    assert!(names("image").is_empty());
}

#[test]
fn a_template_is_filled_with_prompt_language_and_preferences() {
    let told = generator("joke")
        .render(Filling {
            prompt: "programming",
            language: "nb-NO",
            preference: Some(&PreferenceValue::Text("pun".to_owned())),
            preference_two: Some(&PreferenceValue::Integer(2)),
        })
        .unwrap();
    assert_eq!(
        told,
        "Tell a joke that lives off a play on words in nb-NO, so that an eight-year-old gets it. Topic or wish:\nprogramming"
    );
}

#[test]
fn what_is_not_said_is_filled_with_the_defaults() {
    let told = generator("joke").render(Filling { prompt: "x", language: "auto", ..Filling::default() }).unwrap();
    assert!(
        told.starts_with(
            "Tell a joke of whatever kind suits the topic in the language of the prompt, fit for all ages."
        )
    );
}

#[test]
fn a_placeholder_in_the_caller_s_prompt_stays_what_it_is() {
    let told = generator("image")
        .render(Filling { prompt: "{language} {prompt} {preference}", ..Filling::default() })
        .unwrap();
    assert_eq!(told, "{language} {prompt} {preference}");
}

#[test]
fn a_preference_is_chosen_by_word_or_number_in_either_form() {
    let quiz = generator("quiz").preference.as_ref().unwrap();
    let three = PreferenceValue::Integer(3);
    assert_eq!(quiz.choose(Some(&three)), quiz.choose(Some(&PreferenceValue::Text("3".to_owned()))));
    assert_eq!(quiz.choose(Some(&three)).unwrap().label, "Hard");
    assert_eq!(quiz.choose(None).unwrap().label, "Medium");
}

#[test]
fn an_unknown_preference_is_refused_with_the_choices_and_one_that_a_generator_lacks_is_ignored() {
    let nonsense = PreferenceValue::Text("nonsense".to_owned());
    let problem = generator("quiz")
        .render(Filling { prompt: "x", preference: Some(&nonsense), ..Filling::default() })
        .unwrap_err();
    assert_eq!((problem.field.as_str(), problem.allowed.join(",")), ("preference", "1,2,3".to_owned()));
    let ok = generator("quiz").render(Filling { prompt: "x", preference_two: Some(&nonsense), ..Filling::default() });
    assert!(ok.is_ok());
}

#[test]
fn every_generator_can_be_rendered_with_each_of_its_preferences() {
    for generator in catalog().generators() {
        for (which, preference) in [&generator.preference, &generator.preference_two].into_iter().enumerate() {
            for option in preference.iter().flat_map(|preference| &preference.options) {
                let mut filling = Filling { prompt: "the sea", language: "de-DE", ..Filling::default() };
                *(if which == 0 { &mut filling.preference } else { &mut filling.preference_two }) = Some(&option.value);
                let told = generator.render(filling).unwrap();
                assert!(told.contains("the sea") && told.contains(&option.text), "{}: {told}", generator.slug);
            }
        }
    }
}

#[test]
fn an_answer_has_exactly_its_fields_each_of_its_type() {
    let quiz = generator("quiz");
    let good = json!({"question": "Why?", "answers": ["a", "b", "c", "d"], "correct_answer": 3, "explanation": "So."});
    assert_eq!(quiz.check_fields(&answer(good.clone())), Ok(()));
    for (name, bad) in [
        ("question", json!(" ")),
        ("question", json!(7)),
        ("answers", json!([])),
        ("answers", json!(["a", "b", "c", ""])),
        ("answers", json!(["a", "b", "c"])),
        ("answers", json!(["a", "b", "c", "d", "e"])),
        ("answers", json!("a")),
        ("correct_answer", json!(1.5)),
        ("correct_answer", json!(-1)),
        ("correct_answer", json!("1")),
        ("correct_answer", json!(4)),
        ("extra", json!("x")),
    ] {
        let mut fields = answer(good.clone());
        fields.insert(name.to_owned(), bad.clone());
        assert_eq!(quiz.check_fields(&fields).unwrap_err().field, name, "{bad}");
    }
    let mut missing = answer(good);
    missing.remove("explanation");
    assert_eq!(quiz.check_fields(&missing).unwrap_err().field, "explanation");
}

#[test]
fn every_type_of_field_is_used() {
    let used: Vec<FieldType> =
        catalog().generators().flat_map(|generator| &generator.fields).map(|field| field.field_type).collect();
    for wanted in [FieldType::String, FieldType::Integer, FieldType::StringList] {
        assert!(used.contains(&wanted), "{wanted:?}");
    }
}
