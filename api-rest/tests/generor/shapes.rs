//! Each documented example, said as it is printed, answered in the printed shape.

use http::Method;
use serde_json::{Value, json};

use super::shape::assert_shape;
use super::support::{Answer, TestApp};
use super::{ids, path};

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_answered_as_printed() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "Tell me a joke about programming", "model_id": 3});
    let answer = app.post(&path("joke"), &body).await;
    let json = answer.json_of(201);
    assert_shape("generate_text", &answer.bytes, &[]);
    assert_eq!(json["data"]["model_name"], "gpt-5-nano");
    assert_eq!(json["data"]["credit_cost"], 1);
    assert_eq!(json["data"]["credits_remaining"], 99_999);
    assert_eq!(app.available().await.to_string(), "99999");
    assert!(!answer.header("x-log-position").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_answered_as_printed_and_can_be_fetched() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "A sunset over mountains", "model_id": 10003, "aspect_ratio": 1});
    let answer = app.post(&path("image"), &body).await;
    let json = answer.json_of(201);
    assert_shape("generate_image", &answer.bytes, &[]);
    assert_eq!(json["data"]["model_name"], "black-forest-labs/flux-schnell");
    assert_eq!(json["data"]["credit_cost"], 6);
    let url = json["data"]["creations"][0]["image_url"].as_str().unwrap();
    let id = ids(&json)[0];
    assert!(url.starts_with(&format!("{}/users/{}/img/image-{id}.", app.base_url, app.account.user_id)), "{url}");
    let file = Answer::of(app.client.get(url)).await;
    assert_eq!(file.status, 200);
    assert!(file.header("content-type").starts_with("image/"));

    let creation = app.get(&format!("/api/v1/creations/{id}")).await;
    let shown = creation.json_of(200);
    let ours = ["data.status", "data.model_id"];
    assert_shape("creation", &creation.bytes, &ours);
    assert_eq!(shown["data"]["prompt"], "A sunset over mountains");
    assert_eq!(shown["data"]["type"], "img");
    assert_eq!(shown["data"]["license"], 1);
    let image = &shown["data"]["images"][0];
    assert_eq!(format!("{}{}", app.base_url, image["url"].as_str().unwrap()), url);
    assert_eq!(image["width"], image["height"], "aspect_ratio 1 is square");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_printed_requests_run() {
    let app = TestApp::start().await;
    let vision = json!({"model_id": 34, "image_url": "https://example.com/photo.jpg", "preference": "detailed"});
    let answer = app.post(&path("vision"), &vision).await.json_of(201);
    assert!(answer["data"]["creations"][0]["text"].is_string(), "{answer}");

    let references = json!({
        "prompt": "The character from [Image1] walks through the forest from [Image2]",
        "model_id": 20050, "aspect_ratio": "16:9", "seconds": 6,
        "reference_images": ["https://example.com/character.jpg", "https://example.com/forest.jpg"],
    });
    let answer = app.post(&path("video"), &references).await.json_of(201);
    assert!(answer["data"]["creations"][0]["video_url"].is_string(), "{answer}");
    let id = ids(&answer)[0];
    let shown = app.get(&format!("/api/v1/creations/{id}")).await.json_of(200);
    assert_eq!(shown["data"]["videos"][0]["duration_ms"], 6_000, "{shown}");
    assert_eq!(shown["data"]["images"], json!([]));

    let edit = json!({
        "prompt": "Replace the sky with a stormy sunset", "model_id": 20051,
        "video_url": "https://example.com/source.mp4", "seconds": 5,
    });
    let answer = app.post(&path("video"), &edit).await.json_of(201);
    assert!(answer["data"]["creations"][0]["video_url"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_the_printed_meta() {
    let app = TestApp::start().await;
    for list in [
        "/api/v1/creations",
        "/api/v1/creations/public",
        "/api/v1/creations/search?q=sunset+mountain",
        "/api/v1/generators/joke/creations?page=1&per_page=10",
    ] {
        let answer = app.get(list).await;
        assert_eq!(answer.json_of(200)["data"], json!([]), "{list}");
        assert_shape("page", &answer.bytes, &["meta.as_of"]);
    }
    let transactions = app.get("/api/v1/credits/transactions?type=purchase&page=1").await;
    assert_shape("page", &transactions.bytes, &["meta.as_of"]);
    assert_eq!(transactions.json()["data"][0]["amount"], 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_as_printed() {
    let app = TestApp::start().await;
    let model = |json: &Value| serde_json::to_vec(json).unwrap();
    let list = Answer::of(app.anonymous(Method::GET, "/api/v1/models/image")).await.json_of(200);
    let all = list["data"].as_array().unwrap();
    let flux = all.iter().find(|one| one["id"] == 10_001).unwrap();
    assert_eq!((&flux["name"], &flux["credit_cost"]), (&json!("Flux 1.1 Pro"), &json!(80)));
    assert_eq!((&flux["supports_img2img"], &flux["supports_aspect_ratio"]), (&json!(true), &json!(true)));
    // The order of fields is judged on the text that was sent.
    let text = Answer::of(app.anonymous(Method::GET, "/api/v1/models/image/10001")).await;
    let sent: indexmap::IndexMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_slice(&text.bytes).unwrap();
    assert_shape("model", sent["data"].get().as_bytes(), &["pricing", "limits"]);
    assert!(!model(flux).is_empty());

    let groups = Answer::of(app.anonymous(Method::GET, "/api/v1/models")).await.json_of(200);
    let types = ["text", "image", "video", "speech", "music", "soundeffect", "upscale", "vector", "backgroundremoval"];
    for kind in types {
        let of_type = app.get(&format!("/api/v1/models/{kind}")).await.json_of(200);
        assert_eq!(groups["data"][kind], of_type["data"], "{kind}");
    }
    for id in [3, 34, 10_003, 20_050, 20_051, 20_060, 20_061, 20_062] {
        let kind = if id < 10_000 {
            "text"
        } else if id < 20_000 {
            "image"
        } else {
            "video"
        };
        let one = app.get(&format!("/api/v1/models/{kind}/{id}")).await.json_of(200);
        assert_eq!(one["data"]["id"], id);
    }
    for unknown in ["paper", "image/3", "text/99", "text/x"] {
        let answer = app.get(&format!("/api/v1/models/{unknown}")).await.json_of(404);
        assert_eq!(answer["error"]["code"], "NOT_FOUND", "{unknown}");
    }
}
