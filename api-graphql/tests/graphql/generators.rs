//! Generators: listed, and run through the same use case as in REST.

use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::catalog::Dialect;
use mintmark_domain::run::RequestedRun;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{ask, ask_as, code, data, start};
use crate::support::{Answer, TestApp};

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

const PICTURE: &str = "https://example.com/a.png";
const CLIP: &str = "https://example.com/a.mp4";

/// What a run was accepted with.
async fn requested(app: &TestApp, run: mintmark_domain::ids::RunId) -> RequestedRun {
    app.core.run_state(run).await.unwrap().requested().unwrap().clone()
}

/// What REST accepted, or says where it refuses.
async fn over_rest(app: &TestApp, generator: &str, body: &Value) -> Result<RequestedRun, String> {
    let path = format!("/api/v1/generators/{generator}/generate");
    let request = app.request(Method::POST, &path).header("Prefer", "respond-async").json(body);
    let answer = Answer::of(request).await;
    let json = answer.json();
    if answer.status == 400 {
        return Err(json["error"]["message"].as_str().unwrap().to_owned());
    }
    let creation = &json["data"]["creations"][0]["creation_id"];
    let number = creation.as_u64().unwrap_or_else(|| panic!("{body}: {json}"));
    let creation = app.core.creation_state(number).await.unwrap().unwrap();
    Ok(requested(app, creation.opened().unwrap().run).await)
}

/// What GraphQL accepted, or says where it refuses; and the field that it names then.
async fn over_graphql(app: &TestApp, input: &Value) -> Result<RequestedRun, (String, Value)> {
    let answer = ask(app, GENERATE, json!({ "input": input })).await;
    if answer.get("errors").is_some() {
        assert_eq!(code(&answer), "BAD_USER_INPUT", "{answer}");
        let error = &answer["errors"][0];
        return Err((error["message"].as_str().unwrap().to_owned(), error["extensions"]["field"].clone()));
    }
    Ok(requested(app, answer["data"]["generate"]["run"]["id"].as_str().unwrap().parse().unwrap()).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_generator_takes_in_rest_it_takes_here_on_the_same_terms() {
    let app = start().await;
    let (four, three) = (vec![PICTURE; 4], vec![CLIP; 3]);
    for (generator, model, here, there) in [
        ("speech", None, json!({}), json!({})),
        ("video", None, json!({"count": 2}), json!({"count": 2})),
        ("image", Some("nano-banana-2"), json!({"count": 10}), json!({"count": 10})),
        ("video", Some("veo-3-1"), json!({"durationSeconds": 7}), json!({"seconds": 7})),
        ("video", Some("veo-3-1"), json!({"referenceImageUrls": four[..3]}), json!({"reference_images": four[..3]})),
        (
            "video",
            Some("kling-v3"),
            json!({"imageUrl": PICTURE, "lastFrameUrl": PICTURE}),
            json!({"image_url": PICTURE, "ending_frame_url": PICTURE}),
        ),
        (
            "video",
            Some("seedance-2-0"),
            json!({"referenceImageUrls": [PICTURE], "referenceVideoUrls": three}),
            json!({"reference_images": [PICTURE], "reference_videos": three}),
        ),
    ] {
        let (here, there) = said(&app, generator, model, here, there);
        let rest = over_rest(&app, generator, &there).await.unwrap_or_else(|problem| panic!("{there}: {problem}"));
        let run = over_graphql(&app, &here).await.unwrap_or_else(|problem| panic!("{here}: {problem:?}"));
        assert_eq!(run.parameters, rest.parameters, "{here}");
        assert_eq!((run.quote.amount, run.parameters.dialect), (rest.quote.amount, Dialect::Generor), "{here}");
        // It is still the run of a door without a dialect, whose model goes by its own name.
        assert_eq!((&run.model_alias, run.surface.as_str()), (&run.parameters.model, "graphql"), "{here}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_generator_refuses_in_rest_it_refuses_here_by_the_names_of_its_input() {
    let app = start().await;
    let (four, forbidden) = (vec![PICTURE; 4], "https://10.0.0.1/a.mp4");
    for (generator, model, here, there, field, other) in [
        ("image", Some("nano-banana-2"), json!({"count": 11}), json!({"count": 11}), "count", "count"),
        (
            "video",
            Some("veo-3-1"),
            json!({ "referenceImageUrls": four }),
            json!({ "reference_images": four }),
            "referenceImageUrls",
            "reference_images",
        ),
        (
            "video",
            Some("veo-3-1"),
            json!({"referenceVideoUrls": [CLIP]}),
            json!({"reference_videos": [CLIP]}),
            "referenceVideoUrls",
            "reference_videos",
        ),
        ("animate", None, json!({}), json!({}), "imageUrl", "image_url"),
        (
            "video",
            Some("kling-v3"),
            json!({ "lastFrameUrl": PICTURE }),
            json!({ "ending_frame_url": PICTURE }),
            "lastFrameUrl",
            "ending_frame_url",
        ),
        (
            "video",
            Some("kling-v3"),
            json!({"imageUrl": forbidden, "lastFrameUrl": PICTURE}),
            json!({"image_url": forbidden, "ending_frame_url": PICTURE}),
            "imageUrl",
            "image_url",
        ),
        (
            "video",
            Some("seedance-2-0"),
            json!({"referenceImageUrls": [PICTURE], "referenceVideoUrls": [forbidden]}),
            json!({"reference_images": [PICTURE], "reference_videos": [forbidden]}),
            "referenceVideoUrls",
            "reference_videos",
        ),
        (
            "video",
            Some("dreamina-seedance-2-0"),
            json!({"referenceImageUrls": [PICTURE], "referenceAudioUrl": forbidden}),
            json!({"reference_images": [PICTURE], "reference_audio": forbidden}),
            "referenceAudioUrl",
            "reference_audio",
        ),
        (
            "joke",
            None,
            json!({"preferenceTwo": "9"}),
            json!({"preference_two": "9"}),
            "preferenceTwo",
            "preference_two",
        ),
    ] {
        let (here, there) = said(&app, generator, model, here, there);
        let rest = over_rest(&app, generator, &there).await.expect_err(&there.to_string());
        let (message, named) = over_graphql(&app, &here).await.expect_err(&here.to_string());
        assert_eq!(named, field, "{here}: {message}");
        assert!(message.contains(field) && !message.contains('_'), "{here}: {message}");
        assert!(rest.contains(other), "{there}: {rest}");
    }
    let (partner, _) =
        over_graphql(&app, &json!({"generator": "video", "model": "kling-v3", "prompt": "x", "lastFrameUrl": PICTURE}))
            .await
            .unwrap_err();
    assert_eq!(partner, "lastFrameUrl must be paired with imageUrl.");
}

/// The same request here and in REST, where a model has to be named by its number.
fn said(app: &TestApp, generator: &str, model: Option<&str>, mut here: Value, mut there: Value) -> (Value, Value) {
    let catalog = &app.core.catalog;
    let slug = model.unwrap_or(&catalog.generator(generator).unwrap().default_model);
    let listed = catalog.model(slug).unwrap().generor.as_ref().unwrap();
    (here["generator"], here["prompt"]) = (json!(generator), json!("Hi"));
    if let Some(model) = model {
        here["model"] = json!(model);
    }
    (there["model_id"], there["prompt"], there["privacy_mode"]) = (json!(listed.id), json!("Hi"), json!(1));
    (here, there)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_says_what_it_says_in_rest_and_what_holds_for_each_mutation() {
    let app = start().await;
    let query = "query ($name: String!) { model(name: $name) { mediaType provider supportsImg2img \
        supportsAspectRatio generorId creditCost limits { maxCount maxReferenceImages seconds { min max only } } \
        generatorLimits { maxPromptCharacters maxCount aspectRatios seconds { min max only } maxReferenceImages \
        maxReferenceVideos } } }";
    for (slug, kind, media_type) in [
        ("veo-3-1", "video", "video"),
        ("seedance-2-0", "video", "video"),
        ("nano-banana-2", "image", "img"),
        ("elevenlabs-turbo-v2-5", "speech", "audio"),
        ("gpt-5-nano", "text", "text"),
    ] {
        let answer = ask(&app, query, json!({ "name": slug })).await;
        let model = &data(&answer)["model"];
        let rest = app.get(&format!("/api/v1/models/{kind}/{}", model["generorId"])).await.json_of(200);
        let rest = &rest["data"];
        assert_eq!(model["mediaType"], media_type);
        assert_eq!(
            [&model["provider"], &model["supportsImg2img"], &model["supportsAspectRatio"]],
            [&rest["provider"], &rest["supports_img2img"], &rest["supports_aspect_ratio"]],
            "{slug}"
        );
        let limits = &model["generatorLimits"];
        for (here, there) in [
            ("maxPromptCharacters", "max_prompt_characters"),
            ("maxCount", "max_count"),
            ("aspectRatios", "aspect_ratios"),
            ("maxReferenceImages", "max_reference_images"),
            ("maxReferenceVideos", "max_reference_videos"),
        ] {
            assert_eq!(limits[here], rest["limits"][there], "{slug} {here}");
        }
        let ends = |seconds: &Value| (seconds["min"].clone(), seconds["max"].clone());
        assert_eq!(ends(&limits["seconds"]), ends(&rest["limits"]["seconds"]), "{slug}");
    }
    let veo = ask(&app, query, json!({"name": "veo-3-1"})).await;
    let limits = &data(&veo)["model"]["limits"];
    let seconds = json!({"min": 4, "max": 8, "only": [4, 5, 8]});
    assert_eq!(*limits, json!({"maxCount": 1, "maxReferenceImages": 9, "seconds": seconds}));
}
