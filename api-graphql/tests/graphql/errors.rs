//! Every class of refusal has its code in `extensions`.

use mintmark_domain::account::{Scope, Scopes};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, start};
use crate::support::Answer;

const CREATE: &str = "mutation ($model: String!, $prompt: String!, $key: String) \
                      { createRun(input: {model: $model, prompt: $prompt}, idempotencyKey: $key) { run { id } } }";

#[tokio::test]
async fn every_class_of_refusal_has_its_code() {
    let app = start().await;
    let boat = |prompt: &str, key: &str| json!({"model": "image.nano_banana_2", "prompt": prompt, "key": key});
    let anonymous =
        Answer::of(app.anonymous(Method::POST, "/graphql").json(&json!({"query": "{ viewer { id } }"}))).await;
    assert_eq!(code(&anonymous.json_of(200)), "UNAUTHENTICATED");

    let reader = app.key_with(Scopes::only([Scope::CreditsRead])).await;
    let forbidden = ask_as(&app, &reader, "{ viewer { id } }", Value::Null).await;
    assert_eq!(
        (code(&forbidden), &forbidden["errors"][0]["extensions"]["reason"]),
        ("FORBIDDEN", &json!("insufficient_scope"))
    );
    let forbidden = ask_as(&app, &reader, CREATE, boat("A boat", "k")).await;
    assert_eq!(code(&forbidden), "FORBIDDEN");

    let unknown = "mutation { cancelRun(id: \"run_00000000000000000000000000000000\") { id } }";
    assert_eq!(code(&ask(&app, unknown, Value::Null).await), "NOT_FOUND");
    let unknown = ask(&app, CREATE, json!({"model": "no-such-model", "prompt": "x"})).await;
    assert_eq!((code(&unknown), &unknown["errors"][0]["extensions"]["field"]), ("BAD_USER_INPUT", &json!("model")));
    // Fields as they are called here.
    let voiceless = ask(&app, CREATE, json!({"model": "speech.elevenlabs_turbo_v2_5", "prompt": "x"})).await;
    assert_eq!(voiceless["errors"][0]["extensions"]["field"], "voiceId", "{voiceless}");
    assert!(voiceless["errors"][0]["message"].as_str().unwrap().starts_with("voiceId "), "{voiceless}");
    for (model, reason) in [
        ("lipsync.lipsync_2_pro", "missing_value"),
        ("transcription.whisper_v1", "missing_value"),
        ("video_upscale.fal_video_upscaler", "unsupported_input_combination"),
    ] {
        let later = ask(&app, CREATE, json!({"model": model, "prompt": "x"})).await;
        assert_eq!(later["errors"][0]["extensions"]["reason"], reason, "{later}");
    }
    let many = "mutation { createRun(input: {model: \"image.nano_banana_2\", prompt: \"x\", count: 99}) { replayed } }";
    assert_eq!(code(&ask(&app, many, Value::Null).await), "BAD_USER_INPUT");
    let float = ask(&app, "{ creation(number: -1) { number } }", Value::Null).await;
    assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code(&float)), "{float}");

    assert!(ask(&app, CREATE, boat("A boat", "once")).await.get("errors").is_none());
    assert_eq!(code(&ask(&app, CREATE, boat("A house", "once")).await), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(code(&ask(&app, CREATE, boat("A house", "ü")).await), "BAD_USER_INPUT");

    let poor = app.register(mintmark_domain::account::Tier::Unlimited, 1).await;
    let poor = ask_as(&app, &poor.key, CREATE, boat("A boat", "k")).await;
    assert_eq!(code(&poor), "INSUFFICIENT_CREDITS");
    let extensions = &poor["errors"][0]["extensions"];
    assert_eq!((&extensions["needed"], &extensions["available"]), (&json!("3"), &json!("1")));
}

#[tokio::test]
async fn a_key_that_does_not_hold_is_refused_before_anything_is_asked() {
    let app = start().await;
    for key in [format!("gnr_live_{}", "0".repeat(40)), "nonsense".to_owned()] {
        let request = app.request_as(&key, Method::POST, "/graphql").json(&json!({"query": "{ __typename }"}));
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, code(&answer.json())), (401, "UNAUTHENTICATED"));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn depth_and_cost_are_bounded() {
    let app = start().await;
    let types = format!("{}name{}", "ofType { ".repeat(12), " }".repeat(12));
    let deep = format!("{{ __schema {{ types {{ fields {{ type {{ {types} }} }} }} }} }}");
    assert_eq!(code(&ask(&app, &deep, Value::Null).await), "QUERY_TOO_DEEP");
    let feed = "publicFeed(first: 100) { edges { cursor node { number username model prompt } } }";
    let dear = (0..10).map(|i| format!("f{i}: {feed}")).collect::<Vec<_>>().join(" ");
    assert_eq!(code(&ask(&app, &format!("{{ {dear} }}"), Value::Null).await), "QUERY_TOO_COMPLEX");
    let mut nested = "...f".to_owned();
    for _ in 0..40 {
        nested = format!("... on Query {{ {nested} }}");
    }
    assert!(!code(&ask(&app, &format!("{{ {nested} }}"), Value::Null).await).is_empty());
}
