//! Generating: what a model is told, waiting, parts, nothing, the same request twice, scopes.

use std::time::Duration;

use http::Method;
use mintmark_domain::account::{Scope, Scopes};
use serde_json::{Value, json};

use super::support::{Answer, Options, TestApp};
use super::{ids, joke, path};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_generator_tells_its_model_is_its_template_and_the_prompt_stays_the_callers() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "  Bugs {language} ", "model_id": 3, "preference": "pun", "preference_two": "2",
        "language": "nb-NO", "temperature": 0.7});
    let id = ids(&app.post(&path("joke"), &body).await.json_of(201))[0];
    let creation = app.core.creation_state(id).await.unwrap().unwrap();
    let run = app.core.run_state(creation.opened().unwrap().run).await.unwrap();
    let requested = run.requested().unwrap();
    assert_eq!((requested.preference.as_deref(), requested.preference_two.as_deref()), (Some("pun"), Some("2")));
    let sealed = app.core.vault.open(&[requested.inputs]).await.unwrap().remove(&requested.inputs).unwrap();
    let inputs: mintmark_domain::run::Inputs = serde_json::from_slice(&sealed).unwrap();
    assert_eq!(inputs.prompt, "  Bugs {language} ");
    let told = inputs.provider_prompt.unwrap();
    assert!(told.contains("play on words") && told.contains("nb-NO") && told.contains("eight-year-old"), "{told}");
    assert!(told.ends_with("Bugs {language}"), "{told}");
    let shown = app.get(&format!("/api/v1/creations/{id}")).await.json_of(200);
    assert_eq!(shown["data"]["prompt"], "  Bugs {language} ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_speaks_of_what_the_person_wrote_and_not_of_its_generators_words() {
    let app = TestApp::start().await;
    for (slug, prompt, topic) in [
        ("joke", "Tell me a joke about programming", "programming"),
        ("joke", "penguins [sandbox:cost=1]", "penguins"),
        ("poem", "The old lighthouse", "lighthouse"),
        ("recipe", "Vegan lasagne", "lasagne"),
        ("story", "A dragon who is afraid of fire", "dragon"),
        ("quiz", "Volcanoes of Iceland", "volcanoes"),
    ] {
        let body = json!({"prompt": prompt, "model_id": 3, "count": 2});
        let made = app.post(&path(slug), &body).await.json_of(201);
        for creation in made["data"]["creations"].as_array().unwrap() {
            let text = creation.to_string().to_lowercase();
            assert!(text.contains(topic) && !text.contains("sandbox"), "{slug}: {text}");
            for word in ["topic", "subject", "genre", "wanted"] {
                assert!(!text.contains(word), "{slug} speaks of its template's {word:?}: {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_and_a_source_image_go_where_they_belong() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let mode = |id: u64| {
        let core = app.core.clone();
        async move {
            let creation = core.creation_state(id).await.unwrap().unwrap();
            let run = core.run_state(creation.opened().unwrap().run).await.unwrap();
            run.requested().unwrap().parameters.mode.as_str()
        }
    };
    let image = "https://example.com/a.jpg";
    let mut body = json!({"prompt": "The tide", "model_id": 20010, "image_url": image});
    let alone = app.post(&path("video"), &body).await.json_of(201);
    assert_eq!(mode(ids(&alone)[0]).await, "image_to_output");
    body["ending_frame_url"] = json!("https://example.com/b.jpg");
    let both = app.post(&path("video"), &body).await.json_of(201);
    assert_eq!(mode(ids(&both)[0]).await, "first_last_frame");
    body["image_url"] = Value::Null;
    let wrong = app.post(&path("video"), &body).await.json_of(400);
    assert_eq!(wrong["error"]["message"], "ending_frame_url must be paired with image_url.");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_waited_for_names_what_is_being_made() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Slow [sandbox:slow=1]", "model_id": 3, "count": 2});
    let request = app.request(Method::POST, &path("joke")).header("Idempotency-Key", "slow").json(&body);
    let answer = Answer::of(request.header("Prefer", "respond-async")).await;
    let pending = answer.json_of(202);
    assert_eq!(answer.header("preference-applied"), "respond-async");
    assert_eq!(pending["data"]["credit_cost"], Value::Null);
    assert_eq!(pending["data"]["credits_remaining"], 99_998, "two are held");
    let ids = ids(&pending);
    assert_eq!(ids.len(), 2);
    assert!(answer.header("location").ends_with(&format!("/api/v1/creations/{}/status", ids[0])));
    let status = app.get(&format!("/api/v1/creations/{}/status", ids[1])).await.json_of(200);
    assert!(["pending", "generating"].contains(&status["data"]["status"].as_str().unwrap()), "{status}");
    let held = app.get("/api/v1/credits/transactions?type=spend").await.json_of(200);
    assert_eq!((&held["data"][0]["status"], &held["data"][0]["amount"]), (&json!("pending"), &json!(-2)));

    // Said again without the wish, it waits for the end.
    let done = app.post_keyed(&path("joke"), "slow", &body).await;
    let made = done.json_of(201);
    assert_eq!(done.header("idempotency-replayed"), "true");
    assert_eq!(super::ids(&made), ids);
    assert_eq!(made["data"]["credit_cost"], 2);
    let status = app.get(&format!("/api/v1/creations/{}/status", ids[0])).await.json_of(200);
    assert_eq!((&status["data"]["status"], &status["data"]["progress"]), (&json!("completed"), &json!(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_of_the_callers_own_ends_when_it_says() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Slow [sandbox:slow=30]", "model_id": 3});
    let begun = std::time::Instant::now();
    let request = app.request(Method::POST, &path("joke")).json(&body).header("Prefer", "wait=1");
    Answer::of(request).await.json_of(202);
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_delivered_is_charged_and_listed() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Four [sandbox:partial=3]", "model_id": 3, "count": 4});
    let json = app.post(&path("joke"), &body).await.json_of(201);
    assert_eq!(json["data"]["creations"].as_array().unwrap().len(), 3);
    assert_eq!(json["data"]["failed"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["data"]["credit_cost"], 3);
    assert_eq!(json["data"]["credits_remaining"], 99_997);

    let withheld = joke(&app, "Rude [sandbox:moderate]").await.json_of(400);
    assert_eq!(withheld["error"]["code"], "VALIDATION_ERROR");
    let failed = joke(&app, "Broken [sandbox:fail]").await.json_of(500);
    assert_eq!(failed["error"]["code"], "SERVER_ERROR");
    assert_eq!(app.available().await.to_string(), "99997", "neither costs anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_one_key_is_made_once() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Once", "model_id": 3});
    let first = app.post_keyed(&path("joke"), "k", &body).await;
    let again = app.post_keyed(&path("joke"), "k", &body).await;
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(first.json_of(201), again.json_of(201));
    assert_eq!(app.available().await.to_string(), "99999");
    let other = app.post_keyed(&path("joke"), "k", &json!({"prompt": "Twice", "model_id": 3})).await.json_of(400);
    assert_eq!(other["error"]["code"], "VALIDATION_ERROR");
    // Another path is another request.
    let elsewhere = app.post_keyed(&path("poem"), "k", &body).await;
    assert_eq!(elsewhere.header("idempotency-replayed"), "");
    assert_ne!(ids(&elsewhere.json_of(201)), ids(&first.json()));

    let failing = json!({"prompt": "Broken [sandbox:fail]", "model_id": 3});
    app.post_keyed(&path("joke"), "f", &failing).await.json_of(500);
    let replayed = app.post_keyed(&path("joke"), "f", &failing).await;
    assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (500, "true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_needs_the_scope_of_the_models_type() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let try_with = |key: String, slug: &'static str, model_id: u32| {
        let request = app.request_as(&key, Method::POST, &path(slug));
        async move { Answer::of(request.json(&json!({"prompt": "A cat", "model_id": model_id}))).await }
    };
    for (scope, slug, model_id) in [
        (Scope::WorkflowsWrite, "joke", 3),
        (Scope::ImagesWrite, "image", 10_003),
        (Scope::VideosWrite, "video", 20_010),
        (Scope::AudioWrite, "speech", 30_001),
    ] {
        let key = app.key_with(Scopes::only([scope])).await;
        try_with(key.clone(), slug, model_id).await.json_of(201);
        let (other, model_id) = if slug == "image" { ("joke", 3) } else { ("image", 10_003) };
        let refused = try_with(key, other, model_id).await.json_of(403);
        assert_eq!(refused["error"]["code"], "FORBIDDEN", "{scope}");
    }
    let generate = app.key_with(Scopes::only([Scope::Generate])).await;
    try_with(generate.clone(), "joke", 3).await.json_of(201);
    Answer::of(app.request_as(&generate, Method::GET, "/api/v1/creations")).await.json_of(403);
    Answer::of(app.request_as(&generate, Method::GET, "/api/v1/generators")).await.json_of(200);
    let read = app.key_with(Scopes::only([Scope::Read])).await;
    try_with(read, "joke", 3).await.json_of(403);
}
