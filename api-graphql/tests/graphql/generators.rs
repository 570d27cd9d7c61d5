//! Generators: listed, and run through the same use case as in REST.

use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};

const GENERATE: &str = "mutation ($input: GenerateInput!, $key: String, $wait: Int) { generate(input: $input, \
    idempotencyKey: $key, waitSeconds: $wait) { replayed available run { id status generator \
    outputs { creationNumber fields typedFields { name text number list } file { contentType } } } } }";

#[tokio::test]
async fn generators_are_listed_with_their_choices_and_fields() {
    let app = start().await;
    let query = "{ generators { slug status } active: generators(status: ACTIVE) { slug status \
        imageInput preference { default options { value label } } fields { name type description } models { slug } } \
        generator(slug: \"joke\") { title mediaType defaultModel } none: generator(slug: \"nothing\") { slug } }";
    let answer = ask(&app, query, Value::Null).await;
    let seen = data(&answer);
    assert!(seen["generators"].as_array().unwrap().len() >= seen["active"].as_array().unwrap().len());
    let active = seen["active"].as_array().unwrap();
    assert!(active.iter().all(|one| one["status"] == "ACTIVE" && !one["models"].as_array().unwrap().is_empty()));
    assert_eq!((&seen["generator"]["mediaType"], &seen["none"]), (&json!("text"), &Value::Null));
}

#[tokio::test]
async fn a_generator_makes_a_text_with_typed_fields_once_per_key() {
    let app = start().await;
    let input = json!({"generator": "joke", "prompt": "Tell me a joke about programming"});
    let made = ask(&app, GENERATE, json!({"input": input, "key": "once", "wait": 60})).await;
    let payload = &data(&made)["generate"];
    let run = &payload["run"];
    assert_eq!(
        (&run["status"], &run["generator"], &payload["replayed"]),
        (&json!("SUCCEEDED"), &json!("joke"), &json!(false)),
        "{made}"
    );
    let output = &run["outputs"][0];
    let typed = output["typedFields"].as_array().expect("a text has fields");
    assert!(!typed.is_empty());
    for field in typed {
        let name = field["name"].as_str().unwrap();
        let there = ["text", "number", "list"].into_iter().filter(|kind| !field[kind].is_null()).collect::<Vec<_>>();
        assert_eq!(there.len(), 1, "{field}");
        assert_eq!(field[there[0]], output["fields"][name]);
    }
    let again = ask(&app, GENERATE, json!({"input": input, "key": "once"})).await;
    assert_eq!(
        (&data(&again)["generate"]["run"]["id"], &again["data"]["generate"]["replayed"]),
        (&run["id"], &json!(true))
    );
    let other = json!({"generator": "joke", "prompt": "Another"});
    assert_eq!(code(&ask(&app, GENERATE, json!({"input": other, "key": "once"})).await), "IDEMPOTENCY_KEY_REUSED");
    app.caught_up().await;
    let number = &output["creationNumber"];
    let seen = ask(
        &app,
        &format!("{{ creation(number: {number}) {{ generator typedFields {{ name text number list }} }} }}"),
        Value::Null,
    )
    .await;
    assert_eq!(
        (&data(&seen)["creation"]["typedFields"], &seen["data"]["creation"]["generator"]),
        (&output["typedFields"], &json!("joke"))
    );
}

#[tokio::test]
async fn what_a_generator_does_not_take_is_refused_by_its_name() {
    let app = start().await;
    for (input, expected, field) in [
        (json!({"generator": "nothing", "prompt": "x"}), "NOT_FOUND", Value::Null),
        (json!({"generator": "joke", "prompt": "x", "model": "nothing"}), "BAD_USER_INPUT", json!("model")),
        (json!({"generator": "joke", "prompt": "x", "model": "image.nano_banana_2"}), "BAD_USER_INPUT", json!("model")),
        (
            json!({"generator": "joke", "prompt": "x", "referenceImageUrls": vec!["https://example.com/a.png"; 10]}),
            "BAD_USER_INPUT",
            json!("referenceImageUrls"),
        ),
        (json!({"generator": "joke", "prompt": "a\u{0}b"}), "BAD_USER_INPUT", json!("prompt")),
    ] {
        let refused = ask(&app, GENERATE, json!({ "input": input })).await;
        assert_eq!(
            (code(&refused), &refused["errors"][0]["extensions"]["field"]),
            (expected, &field),
            "{input} {refused}"
        );
    }
    let input = json!({"generator": "joke", "prompt": "x"});
    assert_eq!(code(&ask(&app, GENERATE, json!({"input": input, "wait": 301})).await), "BAD_USER_INPUT");
    let narrow = app.key_with(Scopes::only([Scope::ImagesWrite])).await;
    assert_eq!(code(&ask_as(&app, &narrow, GENERATE, json!({ "input": input })).await), "FORBIDDEN");
}
