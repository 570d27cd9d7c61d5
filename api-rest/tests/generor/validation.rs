//! Every field of a generation, wrong: refused before anything is held, by the document's name for it.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::support::{Answer, Options, TestApp};
use super::{ids, path};

/// A generator, what is sent besides the prompt and the model, and what the refusal has to say.
type Case = (&'static str, Value, &'static str);

fn cases() -> Vec<Case> {
    let url = "https://example.com/a.jpg";
    vec![
        ("joke", json!({"prompt": null}), "prompt is required"),
        ("joke", json!({"prompt": "   "}), "prompt is required"),
        ("joke", json!({"prompt": 7}), "prompt must be a string"),
        ("joke", json!({"prompt": "x".repeat(10_001)}), "prompt must be at most 10000"),
        ("joke", json!({"model_id": "3"}), "model_id must be a whole number"),
        ("joke", json!({"model_id": 999_999}), "model_id is not the id of a model"),
        ("joke", json!({"model_id": -3}), "model_id is not the id of a model"),
        ("joke", json!({"model_id": 10_003}), "model_id has a value that is not allowed"),
        ("joke", json!({"privacy_mode": 2}), "privacy_mode must be 0"),
        ("joke", json!({"privacy_mode": "1"}), "privacy_mode must be a whole number"),
        ("joke", json!({"team_id": 1}), "team_id must be the id of a team of yours"),
        ("joke", json!({"count": 0}), "count has a value"),
        ("joke", json!({"count": 11}), "1 to 10"),
        ("joke", json!({"count": 1.5}), "count must be a whole number"),
        ("joke", json!({"language": "not a language"}), "language has a value"),
        ("joke", json!({"language": "x".repeat(101)}), "language must be at most 100"),
        ("joke", json!({"temperature": 2.1}), "temperature has a value that is not allowed here. Allowed: 0.0 to 2.0"),
        ("joke", json!({"temperature": -0.1}), "temperature has a value"),
        ("joke", json!({"temperature": 1e300}), "temperature must be a number from 0.0 to 2.0"),
        ("joke", json!({"temperature": "hot"}), "temperature must be"),
        ("joke", json!({"preference": "nothing"}), "any, pun, dad"),
        ("joke", json!({"preference": 1.5}), "preference must be a string or a whole number"),
        (
            "joke",
            json!({"preference_two": 9}),
            "preference_two is not one of the choices of this generator. Allowed: 1, 2, 3",
        ),
        ("joke", json!({"preference": "x".repeat(101)}), "preference must be at most 100"),
        ("joke", json!({"team_id": "x"}), "team_id must be a whole number"),
        ("joke", json!({"reference_images": [url]}), "reference_images"),
        ("joke", json!({"video_url": url}), "video_url"),
        ("joke", json!({"image_url": url}), "image_url is not supported"),
        (
            "upscale",
            json!({"model_id": 33_002, "image_url": url, "prompt": "x".repeat(10_001)}),
            "prompt must be at most",
        ),
        ("image", json!({"model_id": 10_003, "aspect_ratio": 6}), "1 / 1:1 / square"),
        ("image", json!({"model_id": 10_003, "aspect_ratio": "2:7"}), "aspect_ratio must be one of"),
        ("image", json!({"model_id": 10_003, "aspect_ratio": []}), "aspect_ratio must be a string or a whole number"),
        ("joke", json!({"model_id": 3, "aspect_ratio": "banana"}), "aspect_ratio must be one of"),
        ("video", json!({"model_id": 20_010, "aspect_ratio": "square"}), "1 / 16:9 / wide"),
        ("video", json!({"model_id": 20_010, "aspect_ratio": "4:3"}), "aspect_ratio must be one of"),
        (
            "video",
            json!({"model_id": 20_010, "seconds": 600}),
            "seconds has a value that is not allowed here. Allowed: 4 to 8",
        ),
        ("video", json!({"model_id": 20_010, "seconds": 0}), "seconds has a value"),
        ("video", json!({"model_id": 20_010, "seconds": "5"}), "seconds must be a whole number"),
        ("video", json!({"model_id": 20_010, "generate_audio": 1}), "generate_audio must be a boolean"),
        ("video", json!({"model_id": 20_010, "image_url": ""}), "image_url must be an address"),
        (
            "video",
            json!({"model_id": 20_010, "image_url": format!("{url}{}", "x".repeat(2_048))}),
            "at most 2048 characters",
        ),
        ("video", json!({"model_id": 20_060, "image_url": url, "ending_frame_url": url}), "ending_frame_url"),
        ("video", json!({"model_id": 20_010, "image_url": "http://127.0.0.1/x.png"}), "image_url"),
        (
            "video",
            json!({"model_id": 20_010, "ending_frame_url": url}),
            "ending_frame_url must be paired with image_url",
        ),
        (
            "video",
            json!({"model_id": 20_010, "reference_images": [url, url, url, url]}),
            "reference_images may hold at most 3",
        ),
        (
            "video",
            json!({"model_id": 20_050, "reference_images": vec![url; 10]}),
            "reference_images may hold at most 9",
        ),
        ("video", json!({"model_id": 20_050, "reference_images": [url, ""]}), "reference_images[1] must be an address"),
        ("video", json!({"model_id": 20_050, "reference_images": url}), "reference_images must be an array"),
        ("video", json!({"model_id": 20_060, "reference_videos": vec![url; 4]}), "reference_videos may hold at most 3"),
        ("video", json!({"model_id": 20_010, "reference_audio": url}), "reference_audio is not supported"),
        ("video", json!({"model_id": 20_010, "reference_videos": [url]}), "reference_videos is not supported"),
        ("video", json!({"model_id": 20_060, "reference_audio": ""}), "reference_audio must be an address"),
        ("video", json!({"model_id": 20_010, "video_url": url}), "video_url"),
        ("video", json!({"model_id": 20_051}), "video_url"),
        ("vision", json!({"model_id": 34}), "image_url is required"),
        ("speech", json!({"model_id": 30_001, "prompt": ""}), "prompt is required"),
        ("vector", json!({"model_id": 34_001, "prompt": ""}), "prompt is required"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_named_and_nothing_is_held() {
    let app = TestApp::start().await;
    let mut tried = BTreeSet::new();
    for (slug, fields, said) in cases() {
        tried.extend(fields.as_object().unwrap().keys().cloned());
        let mut body = json!({"prompt": "A cat", "model_id": 3});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let json = app.post(&path(slug), &body).await.json_of(400);
        assert_eq!(json["error"]["code"], "VALIDATION_ERROR", "{fields}");
        let message = json["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{slug} {fields}: {message}");
    }
    let document = Answer::of(app.anonymous(Method::GET, "/api/v1/openapi.json")).await.json_of(200);
    let fields = document["components"]["schemas"]["GenerateBody"]["properties"].as_object().unwrap();
    assert_eq!(tried, fields.keys().cloned().collect(), "each field was wrong once");
    let missing = app.post(&path("joke"), &json!({"prompt": "A cat"})).await.json_of(400);
    assert_eq!(missing["error"]["message"], "model_id is required.");
    let key = app.request(Method::POST, &path("joke")).header("Idempotency-Key", "");
    Answer::of(key.json(&json!({"prompt": "A cat", "model_id": 3}))).await.json_of(400);
    assert_eq!(app.available().await.to_string(), "100000");
    assert_eq!(app.get("/api/v1/creations").await.json_of(200)["meta"]["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_the_requests_fault_and_named_by_its_field() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let (image, video) = ("https://example.com/a.jpg", "https://example.com/a.mp4");
    for (slug, body, field) in [
        ("vision", json!({"model_id": 34, "image_url": video}), "image_url"),
        ("video", json!({"prompt": "A storm", "model_id": 20_051, "video_url": image}), "video_url"),
        (
            "video",
            json!({"prompt": "A walk", "model_id": 20_050, "reference_images": [image, video]}),
            "reference_images[1]",
        ),
    ] {
        let refused = app.post(&path(slug), &body).await.json_of(400);
        assert_eq!(refused["error"]["code"], "VALIDATION_ERROR");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("The input {field} is ")), "{message}");
    }
    assert_eq!(app.available().await.to_string(), "100000", "nothing is charged");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_to_a_model_is_ignored() {
    let app = TestApp::start().await;
    let body = json!({
        "prompt": "A cat", "model_id": 3, "aspect_ratio": "16:9", "seconds": 5, "generate_audio": true,
        "reference_images": [], "reference_videos": [], "team_id": null, "count": null, "unknown": {"deep": 1},
    });
    app.post(&path("joke"), &body).await.json_of(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_model_takes_as_many_references_as_the_document_says_and_not_one_more() {
    let app = TestApp::with(Options { instant: true, ..Options::default() }).await;
    let video = "https://example.com/source.mp4";
    for (model_id, most, more) in [
        (20_010, 3, json!({})),
        (20_022, 9, json!({})),
        (20_050, 9, json!({})),
        (20_051, 5, json!({"video_url": video})),
        (20_060, 9, json!({"reference_videos": [video, video, video], "reference_audio": "https://example.com/a.mp3"})),
    ] {
        let with = |references: usize| {
            let mut body = json!({"prompt": "A dance", "model_id": model_id});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let images = (1..=references).map(|number| format!("https://example.com/{number}.jpg"));
            body["reference_images"] = images.collect();
            body
        };
        app.post(&path("video"), &with(most)).await.json_of(201);
        let refused = app.post(&path("video"), &with(most + 1)).await.json_of(400);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("reference_images may hold at most {most}")), "{model_id}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_are_ten_different_creations() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "A cat", "model_id": 3, "count": 10});
    let made = app.post(&path("haiku"), &body).await.json_of(201);
    assert_eq!(ids(&made).into_iter().collect::<BTreeSet<_>>().len(), 10);
    assert_eq!((&made["data"]["credit_cost"], &made["data"]["credits_remaining"]), (&json!(10), &json!(99_990)));
}
