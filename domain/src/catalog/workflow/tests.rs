//! Workflows: what they take, what their models are told, what comes of an answer.

use serde_json::{Map, Value, json};

use super::super::tests::catalog;
use super::*;

fn workflow(key: &str) -> &'static Workflow {
    catalog().workflow(key).unwrap_or_else(|| panic!("no workflow {key}"))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn refused(key: &str, fields: Value) -> (String, &'static str, String) {
    let problem = workflow(key).judge(&object(fields)).unwrap_err();
    (problem.field, problem.code, problem.message)
}

#[test]
fn the_five_of_the_document_are_offered_in_its_order() {
    let keys: Vec<&str> = catalog().workflows().map(|workflow| workflow.key.as_str()).collect();
    assert_eq!(keys, ["storyboard", "hook_pack", "ugc_ad", "creative_pack", "product_ad_variants"]);
    for workflow in catalog().workflows() {
        let book = catalog().prices().iter().last().unwrap();
        assert!(book.quote_operation(&workflow.price_key()).unwrap().amount.is_positive());
    }
}

#[test]
fn a_field_is_refused_by_name_with_what_is_allowed() {
    let said = |key, fields| refused(key, fields);
    assert_eq!(said("hook_pack", json!({})), ("prompt".into(), "invalid_prompt", "is required".into()));
    assert_eq!(said("hook_pack", json!({"prompt": null})).0, "prompt");
    assert_eq!(said("hook_pack", json!({"prompt": " "})).2, "must not be blank");
    let tone = said("hook_pack", json!({"prompt": "x", "tone": "loud"}));
    assert_eq!((tone.0.as_str(), tone.1), ("tone", "unsupported_value"));
    assert_eq!(tone.2, "must be one of: casual, professional, humorous, educational, persuasive, emotional");
    let kind = said("hook_pack", json!({"prompt": "x", "keywords": ["a", 7]}));
    assert_eq!((kind.0.as_str(), kind.2.as_str()), ("keywords[1]", "must be of type string"));
    let count = |count| said("product_ad_variants", json!({"prompt": "x", "variant_count": count}));
    assert_eq!(count(6).2, "must be at most 5");
    assert_eq!(count(0).2, "must be at least 1");
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    assert_eq!(said("hook_pack", json!({"prompt": "x", "keywords": many})).2, "may hold at most 50");
    let long = "x".repeat(20_001);
    assert_eq!(said("hook_pack", json!({"prompt": long})).2, "must be at most 20000 characters");
    assert_eq!(said("creative_pack", json!({"product_url": "no address"})).2, "must be a uri");
    let picture = said("creative_pack", json!({"prompt": "x", "image_urls": ["https://a.test/1", "javascript:x"]}));
    assert_eq!((picture.0.as_str(), picture.2.as_str()), ("image_urls[1]", "must be an http or https address"));
    for seconds in [json!(-5), json!(0), json!(-0.5)] {
        let length = said("hook_pack", json!({"prompt": "x", "target_duration": seconds}));
        assert_eq!((length.0.as_str(), length.2.as_str()), ("target_duration", "must be more than 0"), "{seconds}");
    }
}

#[test]
fn one_usable_field_is_needed_and_what_is_unknown_is_ignored() {
    let none = refused("creative_pack", json!({"tone": "casual", "nonsense": 1}));
    assert_eq!((none.0.as_str(), none.1), ("prompt", "missing_value"));
    assert!(none.2.contains("product_url") && none.2.contains("product_name"), "{}", none.2);
    let fields = json!({"product_name": "Kettle", "nonsense": {"deep": 1}, "tone": null});
    let taken = workflow("product_ad_variants").judge(&object(fields)).unwrap();
    assert_eq!(taken, object(json!({"product_name": "Kettle"})));
}

#[test]
fn a_model_is_told_what_was_said_and_nothing_else() {
    let hook_pack = workflow("hook_pack");
    let fields = object(json!({"prompt": "Blender {tone}", "keywords": ["a", "b"], "target_duration": 20}));
    let told = hook_pack.render(&fields, None);
    assert!(told.contains("What it is about: Blender {tone}"), "{told}");
    assert!(told.contains("Keywords that have to appear: a, b") && told.contains("seconds: 20"), "{told}");
    assert!(!told.contains("Audience") && !told.contains("Tone:"), "{told}");
    let product = object(json!({"title": "Kettle"}));
    let pack = workflow("creative_pack").render(&object(json!({"product_url": "https://a.test/"})), Some(&product));
    assert!(pack.contains("as its page shows it: {\"title\":\"Kettle\"}"), "{pack}");
}

#[test]
fn the_topic_is_what_a_person_would_call_it() {
    let topic = |fields: Value| workflow("creative_pack").topic(&object(fields));
    assert_eq!(topic(json!({"prompt": " a ", "product_name": "b"})), "a");
    assert_eq!(topic(json!({"product_name": "b", "product_description": "c"})), "b: c");
    assert_eq!(topic(json!({"product_url": "https://a.test/"})), "https://a.test/");
}

#[test]
fn an_answer_that_breaks_its_schema_is_none() {
    let answer = json!({"hooks": ["a", "b", "c"], "body": "d", "call_to_action": "e", "full_script": "f"});
    assert_eq!(workflow("hook_pack").check_answer(&object(answer.clone())), Ok(()));
    for (field, broken) in [("hooks", json!(["a"])), ("hooks", json!("a")), ("body", json!(7)), ("body", json!(""))] {
        let mut answer = object(answer.clone());
        answer.insert(field.into(), broken.clone());
        let problem = workflow("hook_pack").check_answer(&answer).unwrap_err();
        assert!(problem.at.contains(field), "{problem}");
    }
    let mut short = object(answer);
    short.remove("full_script");
    assert!(workflow("hook_pack").check_answer(&short).is_err());
}

#[test]
fn an_output_says_what_was_worked_out() {
    let words: Vec<String> = (0..96).map(|n| format!("w{n}")).collect();
    let answer = json!({"hooks": ["a", "b", "c"], "body": "d", "call_to_action": "e", "full_script": words.join(" ")});
    let fields = object(json!({"prompt": "Blender"}));
    let assembly = Assembly { fields: &fields, product: None, answer: object(answer), project: None };
    let output = workflow("hook_pack").assemble(assembly).unwrap();
    assert_eq!((&output["topic"], &output["workflow"]), (&json!("Blender"), &json!("hook_pack")));
    // Two and a half words a second, rounded up.
    assert_eq!((&output["word_count"], &output["estimated_duration"]), (&json!(96), &json!(39)));
    let one = json!({"strategy": "s", "hooks": ["a"], "body": "b", "call_to_action": "c", "full_script": "d"});
    let fields = object(json!({"product_name": "Kettle", "product_description": "boils"}));
    let answer = object(json!({"variants": [one.clone(), one]}));
    let assembly = Assembly { fields: &fields, product: None, answer, project: None };
    let output = workflow("product_ad_variants").assemble(assembly).unwrap();
    assert_eq!((&output["prompt"], &output["variant_count"]), (&json!("Kettle: boils"), &json!(2)));
    assert_eq!(output["variants"][1]["index"], 1);
}

#[test]
fn a_product_is_shown_as_it_was_said_and_else_as_its_page_shows_it() {
    let page = object(json!({"success": true, "title": "Bottle", "description": "d", "category": null,
        "price": "$39", "images": ["https://a.test/1.jpg"]}));
    let fields = object(json!({"product_url": "https://a.test/", "product_description": "mine"}));
    let answer = object(json!({"marketingAngles": ["x", "y", "z"], "hooks": ["a"], "body": "b",
        "call_to_action": "c", "full_script": "d"}));
    let assembly = Assembly { fields: &fields, product: Some(&page), answer, project: None };
    let output = workflow("creative_pack").assemble(assembly).unwrap();
    assert_eq!(
        output["product"],
        json!({"name": "Bottle", "description": "mine", "category": null, "price": "$39",
            "images": ["https://a.test/1.jpg"]})
    );
    assert_eq!(output["analysis"], json!({"marketingAngles": ["x", "y", "z"]}));
    assert!(output.get("marketingAngles").is_none());
}

#[test]
fn a_definition_that_does_not_fit_together_is_named_with_what_is_wrong() {
    use crate::catalog::{Catalog, Sources};
    let hook_pack = include_str!("../../../../catalog/workflows/hook_pack.toml");
    let problems = |from: &str, to: &str| -> String {
        let broken = hook_pack.replacen(from, to, 1);
        assert_ne!(broken, hook_pack, "{from}");
        let found = Catalog::load(&Sources::embedded().with("workflows/hook_pack.toml", broken)).unwrap_err();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (from, to, says) in [
        ("model = \"gpt-5-mini\"", "model = \"nano-banana-2\"", "nano-banana-2 writes no text"),
        ("model = \"gpt-5-mini\"", "model = \"nobody\"", "there is no model nobody"),
        ("key = \"hook_pack\"", "key = \"hook_pack_two\"", "no operation workflow.hook_pack_two"),
        ("key = \"hook_pack\"", "key = \"ugc_ad\"", "the key is there twice"),
        ("needs_any = [\"prompt\"]", "needs_any = [\"wish\"]", "no field wish"),
        ("{tone}", "{mood}", "gap {mood}"),
        ("\"tone\": \"persuasive\"", "\"tone\": \"loud\"", "example_request: tone must be one of"),
        ("\"word_count\": 96", "\"hooks\": 96", "example_output"),
        ("\"type\": \"object\"", "\"type\": \"objekt\"", "is not a JSON Schema"),
    ] {
        let said = problems(from, to);
        assert!(said.contains(says), "{to}: {said}");
    }
}
