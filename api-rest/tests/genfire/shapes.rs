//! Each documented example's shape.

use http::Method;
use serde_json::{Value, json};

use crate::ask::{ended, generate, made_image};
use crate::shape::Example;
use crate::support::{Answer, TestApp};

fn path(example: &Example) -> String {
    format!("/v1{}", example.path)
}

#[tokio::test]
async fn the_account_and_its_balance_are_as_documented() {
    let app = TestApp::start().await;
    let example = Example::named("account");
    let answer = app.get(&path(&example)).await;
    let account = answer.json_of(200);
    example.assert_shape_of(&answer.bytes, &[]);
    assert_eq!(account["id"], app.account.id.to_string());
    assert_eq!(account["status"], "active");
    assert_eq!(account["plan"], "unlimited");
    assert!(account["email"].as_str().unwrap().ends_with("@example.com"));
    assert_moment(&account["created_at"]);

    let example = Example::named("account_credits");
    let answer = app.get(&path(&example)).await;
    assert_eq!(answer.json_of(200), json!({"account_id": account["id"], "balance": 100_000, "currency": "credits"}));
    example.assert_shape_of(&answer.bytes, &[]);
}

#[tokio::test]
async fn models_are_exactly_those_of_the_document_in_its_order() {
    let app = TestApp::start().await;
    let example = Example::named("models");
    let answer = app.get(&path(&example)).await;
    assert_eq!(answer.json_of(200), example.response());
    // Byte for byte, once both are without white space: the order of fields too.
    let listed: Vec<&str> = std::str::from_utf8(&answer.bytes).unwrap().split("\"object\":\"model\"").collect();
    assert_eq!(listed.len(), 63);
    for (index, model) in example.response()["data"].as_array().unwrap().iter().enumerate() {
        assert!(listed[index].ends_with(&format!("{{\"id\":{},", model["id"])), "{}", model["id"]);
    }
}

#[tokio::test]
async fn prices_are_numbers_as_printed() {
    let app = TestApp::start().await;
    let example = Example::named("models_pricing");
    let answer = app.get(&path(&example)).await;
    let listed = answer.json_of(200);
    for documented in example.response()["data"].as_array().unwrap() {
        let entry = listed["data"].as_array().unwrap().iter().find(|entry| entry["model"] == documented["model"]);
        assert_eq!(entry, Some(documented));
    }
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert!(text.contains(r#""unit":"per_character","credits":0.025,"#), "{text}");
    let units = ["per_image", "per_second", "per_character", "per_run"];
    for entry in listed["data"].as_array().unwrap() {
        assert!(units.contains(&entry["unit"].as_str().unwrap()), "{entry}");
        assert!(entry["credits"].is_number() && entry["operation_key"].is_string(), "{entry}");
    }
}

#[tokio::test]
async fn voices_are_listed_with_the_stock_ones_where_asked_for() {
    let app = TestApp::start().await;
    let example = Example::named("audio_voices");
    assert_eq!(app.get("/v1/audio/voices").await.json_of(200), json!({"object": "list", "data": []}));
    let answer = app.get("/v1/audio/voices?include=stock").await;
    let listed = answer.json_of(200);
    example.assert_shape_of(&answer.bytes, &["data[].preview_url"]);
    let voices = listed["data"].as_array().unwrap();
    assert!(voices.iter().any(|voice| voice["id"] == "voice_abc123" && voice["type"] == "stock"), "{listed}");
    assert_moment(&voices[0]["created_at"]);
    let refused = app.get("/v1/audio/voices?include=stock,mine").await.json_of(400);
    assert_eq!(refused["code"], "unsupported_value");
    assert!(refused["detail"].as_str().unwrap().contains("Allowed: stock"));
}

#[tokio::test]
async fn an_image_run_is_as_documented_and_its_files_are_the_owners_alone() {
    let app = TestApp::start().await;
    let example = Example::named("images_generations");
    let answer = generate(&app, &path(&example), &example.request).await;
    let run = answer.json_of(200);
    example.assert_shape_of(&answer.bytes, &[]);
    assert_eq!(run["input_summary"], example.request);
    assert_eq!(run["usage"], json!({"credits": 3}));
    assert_eq!([&run["status"], &run["error"], &run["resource_id"]], [&json!("completed"), &Value::Null, &Value::Null]);
    assert_eq!(run["request_id"], run["id"]);
    assert!(run["id"].as_str().unwrap().strip_prefix("run_").is_some_and(|hex| hex.len() == 32), "{run}");
    for moment in ["created_at", "updated_at", "completed_at"] {
        assert_moment(&run[moment]);
    }
    assert_eq!(run["output"]["output_url"], run["output"]["images"][0]["url"]);
    let url = run["output"]["output_url"].as_str().unwrap();
    let file = app.client.get(url).send().await.unwrap();
    assert_eq!((file.status().as_u16(), file.headers()["content-type"].to_str().unwrap()), (200, "image/webp"));
    let unsigned = app.client.get(url.split('?').next().unwrap()).send().await.unwrap();
    assert_eq!(unsigned.status(), 404, "a private file without its signature");

    for name in ["run", "run_output", "runs"] {
        let example = Example::named(name);
        let answer = app.get(&path(&example).replace("{runId}", run["id"].as_str().unwrap())).await;
        answer.json_of(200);
        example.assert_shape_of(&answer.bytes, &["+has_more"]);
    }
    // The id is taken in each of its forms.
    let bare = run["id"].as_str().unwrap().trim_start_matches("run_");
    assert_eq!(app.get(&format!("/v1/runs/{bare}")).await.json_of(200)["id"], run["id"]);
    let other = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    for below in ["", "/output", "/receipt"] {
        let path = format!("/v1/runs/{}{below}", run["id"].as_str().unwrap());
        assert_eq!(Answer::of(app.request_as(&other.key, Method::GET, &path)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_video_run_is_queued_as_documented_and_then_completed() {
    let app = TestApp::start().await;
    let example = Example::named("videos_generations");
    let body = json!({"prompt": "A watch", "model": "video.veo_3_1", "aspect_ratio": "16:9", "duration": 4,
        "generate_audio": true});
    let answer = generate(&app, &path(&example), &body).await;
    let run = answer.json_of(202);
    example.assert_shape_of(&answer.bytes, &["provider_request_id"]);
    let nothing = Value::Null;
    assert_eq!([&run["status"], &run["output"], &run["usage"]], [&json!("queued"), &nothing, &nothing]);
    assert_eq!(
        run["input_summary"],
        json!({"prompt": "A watch", "model": "video.veo_3_1", "aspect_ratio": "16:9", "duration": 4,
            "has_image": false, "generate_audio": true})
    );
    let id = run["id"].as_str().unwrap();
    assert!(answer.header("location").ends_with(&format!("/v1/runs/{id}")), "{:?}", answer.headers);
    let run = ended(&app, id).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(run["output"]["video_id"], run["resource_id"]);
    assert_eq!(run["output"]["duration"], 4);
    assert_eq!(run["output"]["output_url"], run["output"]["video_url"]);
    // 4 seconds at 16 credits, half as much again with sound.
    assert_eq!(run["usage"], json!({"credits": 96}));
    let file = app.client.get(run["output"]["video_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!((file.status().as_u16(), file.headers()["content-type"].to_str().unwrap()), (200, "video/mp4"));
}

#[tokio::test]
async fn a_speech_run_is_as_documented() {
    let app = TestApp::start().await;
    let example = Example::named("audio_speech");
    let answer = generate(&app, &path(&example), &example.request).await;
    let run = answer.json_of(200);
    // The document prints an image's summary here.
    example.assert_shape_of(&answer.bytes, &["input_summary"]);
    assert_eq!(
        run["input_summary"],
        json!({"text": "Introducing the new GenFire creative workflow.", "voice_id": "voice_abc123",
            "model": "speech.elevenlabs_turbo_v2_5"})
    );
    // 46 characters at 0.025 are 1.15, rounded up.
    assert_eq!(run["usage"], json!({"credits": 2}));
    assert!(run["output"]["duration"].as_f64().unwrap() > 1.0, "{run}");
    let file = app.client.get(run["output"]["audio_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!((file.status().as_u16(), file.headers()["content-type"].to_str().unwrap()), (200, "audio/wav"));
}

#[tokio::test]
async fn several_images_are_each_delivered_and_each_charged() {
    let app = TestApp::start().await;
    let body = json!({"prompt": "A bottle", "count": 3});
    let run = generate(&app, "/v1/images/generations", &body).await.json_of(200);
    assert_eq!(run["output"]["images"].as_array().unwrap().len(), 3);
    assert_eq!(run["usage"], json!({"credits": 9}));
    assert_eq!(app.available().await.to_string(), "99991");
}

#[tokio::test]
async fn addresses_are_signed_anew_at_each_read() {
    let app = TestApp::start().await;
    let run = made_image(&app, "A bottle").await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let again = app.get(&format!("/v1/runs/{}", run["id"].as_str().unwrap())).await.json_of(200);
    assert_ne!(run["output"]["output_url"], again["output"]["output_url"]);
}

#[tokio::test]
async fn every_route_is_in_the_document_with_what_it_can_answer() {
    let app = TestApp::start().await;
    let document = Answer::of(app.anonymous(Method::GET, "/v1/openapi.json")).await.json_of(200);
    let read = ["200", "401", "403", "429", "500", "503"];
    let made = ["200", "202", "400", "401", "402", "403", "408", "413", "415", "422", "429", "500", "503"];
    for (method, path, statuses) in [
        ("get", "/v1/account", &read[..]),
        ("get", "/v1/account/credits", &read),
        ("get", "/v1/models", &read),
        ("get", "/v1/models/pricing", &read),
        ("get", "/v1/audio/voices", &[&read[..], &["400"]].concat()),
        ("get", "/v1/usage", &[&read[..], &["400"]].concat()),
        ("get", "/v1/runs", &[&read[..], &["400"]].concat()),
        ("get", "/v1/runs/{runId}", &[&read[..], &["404"]].concat()),
        ("get", "/v1/runs/{runId}/output", &[&read[..], &["404"]].concat()),
        ("get", "/v1/runs/{runId}/receipt", &[&read[..], &["404"]].concat()),
        ("post", "/v1/runs/{runId}/cancel", &[&read[..], &["202", "404"]].concat()),
        ("get", "/v1/charging-rules", &["200", "401", "429", "500", "503"]),
        ("post", "/v1/images/generations", &made),
        ("post", "/v1/videos/generations", &made),
        ("post", "/v1/audio/speech", &made),
        ("post", "/v1/audio/music", &made),
        ("post", "/v1/audio/sfx", &made),
        ("post", "/v1/audio/transcriptions", &made),
        ("post", "/v1/images/background-remove", &made),
        ("post", "/v1/videos/upscale", &made),
        ("post", "/v1/lipsync/generations", &made),
        ("get", "/v1/influencers", &read),
        ("get", "/v1/influencers/{influencerId}", &[&read[..], &["404"]].concat()),
    ] {
        let operation = &document["paths"][path][method];
        let answers = operation["responses"].as_object().unwrap_or_else(|| panic!("{method} {path}: {operation}"));
        for status in statuses {
            assert!(answers.contains_key(*status), "{method} {path} does not say {status}");
        }
        assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{operation}");
    }
}

#[track_caller]
fn assert_moment(value: &Value) {
    let text = value.as_str().unwrap();
    assert!(text.len() == 24 && text.ends_with('Z') && &text[19..20] == ".", "{text}");
    assert!(chrono::DateTime::parse_from_rfc3339(text).is_ok(), "{text}");
}
