//! What is priced by its length, and what is worked on: background removal, upscaling, lip-sync,
//! transcription, music and sound effects.

use base64::Engine as _;
use http::Method;
use mintmark_domain::es::StreamRef;
use mintmark_domain::ids::RunId;
use mintmark_domain::wallet::CreditWallet;
use mintmark_infra::youtube::YoutubeSource;
use serde_json::{Value, json};

use crate::ask::{ended, generate};
use crate::support::{Answer, Options, TestApp};

const LIPSYNC: &str = "/v1/lipsync/generations";
const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
const UPSCALE: &str = "/v1/videos/upscale";

async fn file(app: &TestApp, url: &Value) -> (String, bytes::Bytes) {
    let answer = app.client.get(url.as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let content_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (content_type, answer.bytes().await.unwrap())
}

/// Posts, and waits for the run's end.
async fn made(app: &TestApp, path: &str, body: &Value) -> Value {
    let run = generate(app, path, body).await.json_of(202);
    assert_eq!((&run["status"], &run["output"], &run["usage"]), (&json!("queued"), &Value::Null, &Value::Null));
    ended(app, run["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_background_is_removed_at_once_as_printed() {
    let app = TestApp::start().await;
    let body = json!({"image_url": "https://example.com/photo.jpg"});
    let run = generate(&app, "/v1/images/background-remove", &body).await.json_of(200);
    assert_eq!(
        [&run["status"], &run["capability"], &run["endpoint"], &run["model"]],
        ["completed", "image_editing", "images.background_remove.create", "image_edit.bria_background_remove"]
    );
    let summary = json!({"model": "image_edit.bria_background_remove", "image_url": "https://example.com/photo.jpg"});
    assert_eq!((&run["input_summary"], &run["usage"]), (&summary, &json!({"credits": 1})));
    assert_eq!(run["output"]["output_url"], run["output"]["images"][0]["url"]);
    let (content_type, bytes) = file(&app, &run["output"]["output_url"]).await;
    let info = mintmark_media_info(&bytes);
    assert_eq!((content_type.as_str(), info.0, info.1), ("image/png", 1_024, 768), "the size of the source");
    let missing = generate(&app, "/v1/images/background-remove", &json!({})).await.json_of(400);
    assert_eq!(missing["code"], "missing_value");
}

/// Width and height of a PNG with an alpha channel.
fn mintmark_media_info(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[12..16], b"IHDR");
    assert_eq!(png[25], 6, "red, green, blue and alpha");
    let number = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    (number(16), number(20))
}

#[tokio::test]
async fn an_upscale_costs_its_seconds_times_its_factor() {
    let app = TestApp::start().await;
    // The sample lasts five seconds, at two credits times the factor.
    let body = json!({"source_video_url": "https://cdn.genfire.ai/video.mp4"});
    let run = made(&app, UPSCALE, &body).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(run["input_summary"], json!({"model": "video_upscale.fal_video_upscaler", "scale_factor": 2}));
    assert_eq!((&run["usage"], &run["resource_id"]), (&json!({"credits": 20}), &Value::Null));
    assert_eq!(run["output"]["duration"], 5);
    let (content_type, _) = file(&app, &run["output"]["video_url"]).await;
    assert_eq!(content_type, "video/mp4");
    let odd = json!({"source_video_url": "https://cdn.genfire.ai/video.mp4", "scale_factor": 3});
    let refused = generate(&app, UPSCALE, &odd).await.json_of(400);
    assert_eq!(refused["code"], "unsupported_value");
    assert!(
        refused["detail"].as_str().unwrap().contains("scale_factor")
            && refused["detail"].as_str().unwrap().contains("2, 4")
    );
    assert_eq!(generate(&app, UPSCALE, &json!({})).await.json_of(400)["code"], "missing_value");
}

#[tokio::test]
async fn lips_follow_a_sound_that_is_named_or_comes_along() {
    let app = TestApp::start().await;
    let body = json!({"video_url": "https://example.com/source-video.mp4",
        "audio_url": "https://example.com/source-audio.mp3", "sync_mode": "cut_off",
        "model": "lipsync.lipsync_2_pro", "duration": 12.5, "description": "For the shop"});
    let run = made(&app, LIPSYNC, &body).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(
        run["input_summary"],
        json!({"model": "lipsync.lipsync_2_pro", "video_url": "https://example.com/source-video.mp4",
            "audio_url": "https://example.com/source-audio.mp3", "sync_mode": "cut_off",
            "title": "AI Lip-sync Video", "description": "For the shop", "duration": 12.5})
    );
    assert_eq!(run["output"]["video_id"], run["resource_id"]);
    // The shorter of both, at five credits a second, rounded up.
    let seconds = run["output"]["duration"].as_f64().unwrap();
    assert!((1.0..=5.0).contains(&seconds), "{seconds}");
    assert_eq!(run["usage"]["credits"].as_u64(), Some((seconds * 5.0).ceil() as u64));

    let (_, sound) = file(&app, &speech_url(&app).await).await;
    let inline = base64::engine::general_purpose::STANDARD.encode(&sound);
    let body = json!({"video_url": "https://example.com/source-video.mp4", "audio_base64": inline,
        "audio_file_name": "take 3.wav", "sync_mode": "loop", "title": "Take three"});
    let run = made(&app, LIPSYNC, &body).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(
        run["input_summary"],
        json!({"model": "lipsync.lipsync_2_pro", "video_url": "https://example.com/source-video.mp4",
            "audio_url": null, "audio_file_name": "take 3.wav", "sync_mode": "loop", "title": "Take three"})
    );
}

async fn speech_url(app: &TestApp) -> Value {
    let spoken = json!({"text": "A short sentence.", "voice_id": "voice_abc123"});
    generate(app, "/v1/audio/speech", &spoken).await.json_of(200)["output"]["audio_url"].clone()
}

#[tokio::test]
async fn lipsync_takes_one_sound_and_only_what_it_can_use() {
    let app = TestApp::start().await;
    let (video, audio) = ("https://example.com/a.mp4", "https://example.com/a.mp3");
    for (body, code, said) in [
        (json!({"audio_url": audio}), "missing_value", "video_url is required"),
        (json!({"video_url": video}), "missing_value", "audio_url is required"),
        (
            json!({"video_url": video, "audio_url": audio, "audio_base64": "QUJD"}),
            "unsupported_input_combination",
            "Only one of audio_url and audio_base64",
        ),
        (json!({"video_url": video, "audio_base64": "not base64!"}), "invalid_value", "audio_base64 must be"),
        (json!({"video_url": video, "audio_base64": ""}), "invalid_value", "audio_base64 must be"),
        (json!({"video_url": video, "audio_base64": "QUJD"}), "input_unreadable", "audio_base64"),
        (
            json!({"video_url": video, "audio_url": audio, "sync_mode": "stretch"}),
            "unsupported_value",
            "cut_off, loop, bounce, silence, remap",
        ),
        (json!({"video_url": video, "audio_url": audio, "duration": 301}), "unsupported_value", "1 to 300"),
        (json!({"video_url": video, "audio_url": audio, "duration": 0.5}), "unsupported_value", "1 to 300"),
        (json!({"video_url": video, "audio_url": "https://example.com/a.png"}), "input_of_other_kind", "audio_url"),
        (json!({"video_url": audio, "audio_url": audio}), "input_of_other_kind", "video_url"),
        (json!({"video_url": "https://10.0.0.1/a.mp4", "audio_url": audio}), "forbidden_url", "video_url"),
        (json!({"video_url": video, "audio_url": audio, "title": "x".repeat(201)}), "invalid_value", "title"),
    ] {
        let refused = generate(&app, LIPSYNC, &body).await.json_of(400);
        assert_eq!(refused["code"], code, "{body} {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    }
    assert_eq!(app.available().await.to_string(), "100000", "nothing was held");
    let kept = std::fs::read_dir(app.uploads().1.join("uploads")).into_iter().flatten().count();
    assert_eq!(kept, 0, "a sound that nothing came of is not kept");
}

#[tokio::test]
async fn who_cannot_pay_for_the_shortest_file_is_told_before_it_is_fetched() {
    let app = TestApp::start().await;
    let poor = app.register(mintmark_domain::account::Tier::Unlimited, 0).await;
    // Fetched, it would be found to be nowhere.
    let body = json!({"audio_url": "https://nowhere.invalid/a.mp3"});
    let request = app.request_as(&poor.key, Method::POST, TRANSCRIPTIONS).header("Idempotency-Key", "one");
    let refused = Answer::of(request.json(&body)).await.json_of(402);
    assert_eq!(refused["code"], "insufficient_credits", "{refused}");
}

#[tokio::test]
async fn a_sound_in_a_body_may_be_large_and_not_too_large() {
    let app = TestApp::start().await;
    let of = |bytes: usize| {
        let sound = base64::engine::general_purpose::STANDARD.encode(vec![0; bytes]);
        json!({"video_url": "https://example.com/a.mp4", "audio_base64": sound})
    };
    // Taken as a body, and found to be no sound.
    assert_eq!(generate(&app, LIPSYNC, &of(2 << 20)).await.json_of(400)["code"], "input_unreadable");
    let refused = generate(&app, LIPSYNC, &of((25 << 20) + 1)).await.json_of(400);
    assert!(refused["detail"].as_str().unwrap().contains("at most 26214400 bytes"), "{refused}");
    // Without a socket, on which a server that reads no further is hard to hear.
    let status = async |path: &str, body: Value| {
        let request = http::Request::post(path).header("authorization", format!("Bearer {}", app.account.key));
        let request = request.header("content-type", "application/json").header("idempotency-key", "large");
        app.oneshot(request.body(body.to_string().into()).unwrap()).await.status()
    };
    assert_eq!(status(LIPSYNC, of(28 << 20)).await, 413);
    // Other routes keep the usual limit.
    assert_eq!(status(UPSCALE, of(2 << 20)).await, 413);
}

#[tokio::test]
async fn a_recording_is_written_down_and_costs_its_seconds() {
    let app = TestApp::start().await;
    let body =
        json!({"audio_url": "https://cdn.genfire.ai/uploads/interview.mp3", "model": "transcription.whisper_v1"});
    let run = made(&app, TRANSCRIPTIONS, &body).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!([&run["capability"], &run["endpoint"]], ["transcription", "audio.transcriptions.create"]);
    assert_eq!(
        run["input_summary"],
        json!({"model": "transcription.whisper_v1", "audio_url": "https://cdn.genfire.ai/uploads/interview.mp3"})
    );
    let output = &run["output"];
    assert!(output["text"].as_str().unwrap().starts_with("[sandbox]"), "{output}");
    assert_eq!((&output["language"], &output["audio_url"]), (&json!("en"), &body["audio_url"]));
    let names: Vec<&String> = output.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 7, "{names:?}");
    let (words, segments) = (output["words"].as_array().unwrap(), output["segments"].as_array().unwrap());
    assert_eq!((&words[0]["start"], &segments[0]["id"]), (&json!(0), &json!(0)));
    assert_eq!(words.last().unwrap()["end"], output["duration"]);
    assert_eq!(segments.last().unwrap()["end"], output["duration"]);
    let seconds = output["duration"].as_f64().unwrap();
    assert_eq!(run["usage"]["credits"].as_u64(), Some((seconds * 0.05).ceil() as u64));
    app.caught_up().await;
    let listed = app.get("/v1/runs?capability=transcription").await.json_of(200);
    assert_eq!(listed["data"][0]["output"]["text"], output["text"], "lists open it too");
    assert_eq!(app.get("/v1/runs?capability=lipsync_generation").await.json_of(200)["data"], json!([]));
}

#[tokio::test]
async fn the_sound_of_a_video_is_taken_out_of_it() {
    let app = TestApp::start().await;
    let video = json!({"prompt": "A watch", "duration": 4, "generate_audio": true});
    let video = made(&app, "/v1/videos/generations", &video).await["output"]["video_url"].clone();
    let run = made(&app, TRANSCRIPTIONS, &json!({"video_url": video})).await;
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(run["input_summary"]["video_url"], video);
    assert_eq!(run["output"]["duration"], 4);
    let (content_type, sound) = file(&app, &run["output"]["audio_url"]).await;
    assert_eq!((content_type.as_str(), &sound[..4]), ("audio/wav", &b"RIFF"[..]));
}

#[tokio::test]
async fn a_transcription_takes_exactly_one_source() {
    let app = TestApp::start().await;
    let (audio, video) = ("https://example.com/a.mp3", "https://example.com/a.mp4");
    for (body, code, said) in [
        (json!({}), "missing_value", "One of audio_url, video_url and youtube_url"),
        (json!({"audio_url": audio, "video_url": video}), "unsupported_input_combination", "Only one of"),
        (json!({"audio_url": audio, "youtube_url": "https://youtu.be/1"}), "unsupported_input_combination", "Only one"),
        (json!({"youtube_url": "https://example.com/watch"}), "unsupported_value", "youtube.com"),
        (json!({"video_url": audio}), "input_of_other_kind", "video_url"),
        (json!({"audio_url": "https://example.com/a.png"}), "input_of_other_kind", "audio_url"),
        (json!({"audio_url": "nowhere"}), "invalid_url", "audio_url"),
        (json!({"audio_url": audio, "model": "music.lyria3_pro"}), "model_not_found", "transcription.whisper_v1"),
    ] {
        let refused = generate(&app, TRANSCRIPTIONS, &body).await.json_of(400);
        assert_eq!(refused["code"], code, "{body} {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    }
    let run = made(&app, TRANSCRIPTIONS, &json!({"youtube_url": "https://www.youtube.com/watch?v=1"})).await;
    assert_eq!((&run["status"], &run["output"]["audio_url"]), (&json!("completed"), &Value::Null), "{run}");
}

#[tokio::test]
async fn without_a_downloader_youtube_is_refused() {
    let app = TestApp::with(Options { youtube: YoutubeSource::None, ..Options::default() }).await;
    let refused = generate(&app, TRANSCRIPTIONS, &json!({"youtube_url": "https://youtu.be/1"})).await.json_of(400);
    assert_eq!(refused["code"], "source_unsupported");
    assert!(refused["detail"].as_str().unwrap().contains("youtube_url"), "{refused}");
    assert_eq!(app.available().await.to_string(), "100000");
}

#[tokio::test]
async fn what_cannot_be_reached_holds_nothing_and_the_key_can_be_said_again() {
    let app = TestApp::start().await;
    let gone = json!({"audio_url": "https://nowhere.invalid/a.mp3"});
    let wallet = app.account.id.wallet();
    let sequence = async || {
        let loaded = app.core.decider.load(wallet.shard(), vec![StreamRef::of::<CreditWallet>(wallet)]).await.unwrap();
        loaded[0].sequence
    };
    let before = sequence().await;
    let refused = app.post_keyed(TRANSCRIPTIONS, "one", &gone).await.json_of(400);
    assert_eq!(refused["code"], "input_unreachable");
    assert_eq!(sequence().await, before, "the wallet");
    let run = app.core.run_state(RunId::keyed(app.account.id, "POST", TRANSCRIPTIONS, "one")).await.unwrap();
    assert!(run.requested().is_none());
    let there = json!({"audio_url": "https://example.com/a.mp3"});
    assert_eq!(app.post_keyed(TRANSCRIPTIONS, "one", &there).await.status, 202);
}

#[tokio::test]
async fn a_retry_finds_its_run_although_the_file_is_gone() {
    let app = TestApp::start().await;
    // A file of our own, at an address that can be taken away.
    let spoken = speech_url(&app).await;
    let body = json!({"audio_url": spoken});
    let first = app.post_keyed(TRANSCRIPTIONS, "again", &body).await.json_of(202);
    ended(&app, first["id"].as_str().unwrap()).await;
    let creation: u64 =
        spoken.as_str().unwrap().split("audio-").nth(1).unwrap().split('.').next().unwrap().parse().unwrap();
    app.delete_file(&format!("users/{}/audio/audio-{creation}.wav", app.account.user_id)).await;
    let again = app.post_keyed(TRANSCRIPTIONS, "again", &body).await;
    assert_eq!((again.json_of(200)["id"].clone(), again.header("idempotency-replayed")), (first["id"].clone(), "true"));
    let new = app.post_keyed(TRANSCRIPTIONS, "new", &body).await.json_of(400);
    assert_eq!(new["code"], "input_unreachable");
    let other = json!({"audio_url": "https://example.com/other.mp3"});
    assert_eq!(app.post_keyed(TRANSCRIPTIONS, "again", &other).await.json_of(422)["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn music_has_its_length_and_its_details_where_they_are_asked_for() {
    let app = TestApp::start().await;
    let path = "/v1/audio/music";
    let body = json!({"prompt": "Confident electronic music bed", "duration_seconds": 12.5, "include_details": true,
        "with_timestamps": true, "force_instrumental": true, "output_format": "wav"});
    let run = generate(&app, path, &body).await.json_of(200);
    assert_eq!(
        run["input_summary"],
        json!({"prompt": "Confident electronic music bed", "model": "music.elevenlabs_music_v1",
            "duration_seconds": 12.5, "include_details": true, "with_timestamps": true, "force_instrumental": true,
            "has_image": false, "output_format": "wav"})
    );
    assert_eq!((&run["output"]["duration"], &run["usage"]), (&json!(12.5), &json!({"credits": 13})));
    let details = &run["output"]["details"];
    assert_eq!((&details["instrumental"], &details["sections"][0]["start"]), (&json!(true), &json!(0)), "{details}");
    let again = app.get(&format!("/v1/runs/{}", run["id"].as_str().unwrap())).await.json_of(200);
    assert_eq!(&again["output"]["details"], details);
    let plain = generate(&app, path, &json!({"prompt": "A tune", "include_details": true})).await.json_of(200);
    assert_eq!((&plain["output"]["duration"], &plain["usage"]), (&json!(30), &json!({"credits": 30})));
    assert!(plain["output"]["details"]["sections"][0].get("start").is_none(), "no timestamps were asked for");
    let simple = generate(&app, path, &json!({"prompt": "A tune", "duration_seconds": 1})).await.json_of(200);
    assert!(simple["output"].get("details").is_none(), "{simple}");
}

#[tokio::test]
async fn each_music_model_takes_what_is_its_own() {
    let app = TestApp::start().await;
    let path = "/v1/audio/music";
    let image = "https://example.com/mountain.jpg";
    let lyria = json!({"prompt": "A song", "model": "music.lyria3_pro", "duration_seconds": 170, "image_url": image,
        "negative_prompt": "drums", "include_details": true});
    let run = generate(&app, path, &lyria).await.json_of(200);
    assert_eq!((&run["status"], &run["usage"]), (&json!("completed"), &json!({"credits": 8})), "{run}");
    let summary = &run["input_summary"];
    assert_eq!([&summary["duration_seconds"], &summary["include_details"]], [&Value::Null, &json!(false)], "ignored");
    assert_eq!([&summary["has_image"], &summary["negative_prompt"]], [&json!(true), &json!("drums")]);
    for (body, code, said) in [
        (json!({"prompt": "x", "image_url": image}), "unsupported_input_combination", "image_url"),
        (json!({"prompt": "x", "negative_prompt": "drums"}), "unsupported_value", "negative_prompt"),
        (json!({"prompt": "x", "duration_seconds": 301}), "unsupported_value", "duration_seconds"),
        (json!({"prompt": "x", "duration_seconds": 0}), "unsupported_value", "1 to 300"),
        (json!({"prompt": "x", "output_format": "mp3"}), "unsupported_value", "wav"),
        (json!({"prompt": "x", "duration_seconds": "long"}), "invalid_value", "duration_seconds"),
        (json!({"duration_seconds": 3}), "invalid_prompt", "prompt is required"),
        (json!({"prompt": "x".repeat(5_001), "model": "music.lyria3_pro"}), "invalid_prompt", "5000"),
    ] {
        let refused = generate(&app, path, &body).await.json_of(400);
        assert_eq!(refused["code"], code, "{body} {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    }
}

#[tokio::test]
async fn a_sound_effect_is_as_long_as_asked() {
    let app = TestApp::start().await;
    let path = "/v1/audio/sfx";
    let body = json!({"prompt": "Heavy metal door slam in a large warehouse", "model": "sfx.elevenlabs_v1",
        "duration_seconds": 4, "prompt_influence": 0.8, "loop": true});
    let run = generate(&app, path, &body).await.json_of(200);
    assert_eq!(
        run["input_summary"],
        json!({"prompt": "Heavy metal door slam in a large warehouse", "model": "sfx.elevenlabs_v1",
            "duration_seconds": 4, "loop": true, "prompt_influence": 0.8})
    );
    assert_eq!((&run["output"]["duration"], &run["usage"]), (&json!(4), &json!({"credits": 4})));
    assert_eq!([&run["capability"], &run["endpoint"]], ["sound_effect_generation", "audio.sfx.create"]);
    for (field, value, said) in [
        ("prompt_influence", json!(1.5), "0 to 1"),
        ("duration_seconds", json!(31), "1 to 30"),
        ("loop", json!("y"), "boolean"),
    ] {
        let mut body = json!({"prompt": "x"});
        body[field] = value;
        let refused = generate(&app, path, &body).await.json_of(400);
        assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    }
}

#[tokio::test]
async fn each_of_these_needs_a_key_for_its_retry() {
    let app = TestApp::start().await;
    for path in ["/v1/images/background-remove", UPSCALE, LIPSYNC, "/v1/audio/music", "/v1/audio/sfx", TRANSCRIPTIONS] {
        let answer = Answer::of(app.request(Method::POST, path).json(&json!({"prompt": "x"}))).await;
        assert_eq!(answer.json_of(400)["code"], "idempotency_key_required", "{path}");
    }
}
