//! Voices and influencers: whose they are, when they can be used, and what a mention does.

use http::Method;
use mintmark_domain::account::{ActsWith, InfluencerStatus, Scopes, Tier};
use mintmark_domain::run::{Inputs, Surface};
use mintmark_domain::usecases::{Caller, InfluencerView};
use serde_json::json;

use crate::ask::generate;
use crate::shape::Example;
use crate::support::{Answer, TestAccount, TestApp};

const IMAGES: &str = "/v1/images/generations";

fn caller(of: &TestAccount) -> Caller {
    Caller {
        account: of.id,
        user_id: of.user_id,
        acts_with: ActsWith::Key(of.key_id),
        scopes: Scopes::Full,
        tier: Tier::Unlimited,
        surface: Surface::Graphql,
        request_id: "req_test".into(),
        traceparent: String::new(),
    }
}

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("https://example.com/photo{n}.png")).collect()
}

async fn draft(app: &TestApp, of: &TestAccount, handle: &str, photos: usize) -> InfluencerView {
    app.core.create_influencer(&caller(of), handle, "Sarah Chen", &urls(photos)).await.expect("an influencer").0
}

/// Trained, and ready.
async fn ready(app: &TestApp, of: &TestAccount, handle: &str, photos: usize) -> InfluencerView {
    let made = draft(app, of, handle, photos).await;
    app.core.move_influencer(&caller(of), &made.id, InfluencerStatus::Training).await.expect("training");
    app.end_trainings().await;
    let now = app.core.influencer(of.id, &made.id).await.unwrap();
    assert_eq!(now.status, InfluencerStatus::Ready);
    now
}

#[tokio::test]
async fn cloned_voices_are_listed_as_printed_and_only_to_their_owner() {
    let app = TestApp::start().await;
    let example = Example::named("audio_voices");
    let samples = vec!["https://example.com/voice.wav".to_owned()];
    let (voice, _) = app.core.create_voice(&caller(&app.account), "My Cloned Voice", &samples).await.unwrap();
    assert!(voice.id.starts_with("fal_cloned_"), "{voice:?}");
    let answer = app.get("/v1/audio/voices").await;
    let listed = answer.json_of(200);
    example.assert_shape_of(&answer.bytes, &[]);
    let shown = &listed["data"][0];
    assert_eq!([&shown["id"], &shown["name"], &shown["type"]], [voice.id.as_str(), "My Cloned Voice", "cloned"]);
    assert_eq!(shown["provider"], "fal_qwen3");
    let preview = app.client.get(shown["preview_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!((preview.status().as_u16(), preview.headers()["content-type"].to_str().unwrap()), (200, "audio/wav"));
    let both = app.get("/v1/audio/voices?include=stock").await.json_of(200);
    assert_eq!(both["data"][0]["id"], voice.id.as_str());
    assert!(both["data"].as_array().unwrap().len() > 1);
    let other = app.register(Tier::Unlimited, 100).await;
    let theirs = Answer::of(app.request_as(&other.key, Method::GET, "/v1/audio/voices")).await;
    assert_eq!(theirs.json_of(200)["data"], json!([]));

    let spoken = json!({"text": "Hello there.", "voice_id": voice.id});
    let run = generate(&app, "/v1/audio/speech", &spoken).await.json_of(200);
    assert_eq!((&run["status"], &run["input_summary"]["voice_id"]), (&json!("completed"), &json!(voice.id)), "{run}");
    let request = app.request_as(&other.key, Method::POST, "/v1/audio/speech").header("Idempotency-Key", "k");
    let refused = Answer::of(request.json(&spoken)).await.json_of(400);
    assert_eq!(refused["code"], "voice_not_found");
    assert!(!refused["detail"].as_str().unwrap().contains("fal_cloned_"), "no word of others' voices: {refused}");

    app.core.rename_voice(&caller(&app.account), &voice.id, "Narrator").await.unwrap();
    assert_eq!(app.get("/v1/audio/voices").await.json_of(200)["data"][0]["name"], "Narrator");
    app.core.archive_voice(&caller(&app.account), &voice.id).await.unwrap();
    assert_eq!(app.get("/v1/audio/voices").await.json_of(200)["data"], json!([]));
    assert_eq!(generate(&app, "/v1/audio/speech", &spoken).await.json_of(400)["code"], "voice_not_found");
}

#[tokio::test]
async fn influencers_are_listed_once_they_are_ready_and_only_to_their_owner() {
    let app = TestApp::start().await;
    let waiting = draft(&app, &app.account, "tom", 1).await;
    let made = ready(&app, &app.account, "sarah", 2).await;
    assert!(made.id.starts_with("model_") && made.updated_at > made.details.created_at, "{made:?}");
    let answer = app.get("/v1/influencers").await;
    let listed = answer.json_of(200);
    Example::named("influencers").assert_shape_of(&answer.bytes, &[]);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    let shown = &listed["data"][0];
    assert_eq!([&shown["id"], &shown["handle"], &shown["status"]], [made.id.as_str(), "sarah", "ready"]);
    assert_eq!([&shown["display_name"], &shown["source_type"]], ["Sarah Chen", "uploaded"]);
    assert_eq!(app.client.get(shown["preview_url"].as_str().unwrap()).send().await.unwrap().status(), 200);
    assert_eq!(app.get(&format!("/v1/influencers/{}", made.id)).await.json_of(200)["handle"], "sarah");
    assert_eq!(app.get(&format!("/v1/influencers/{}", waiting.id)).await.json_of(200)["status"], "draft");
    assert_eq!(app.get("/v1/influencers/model_nobody").await.json_of(404)["code"], "not_found");
    let other = app.register(Tier::Unlimited, 100).await;
    let theirs = Answer::of(app.request_as(&other.key, Method::GET, "/v1/influencers")).await;
    assert_eq!(theirs.json_of(200)["data"], json!([]));
    let path = format!("/v1/influencers/{}", made.id);
    assert_eq!(Answer::of(app.request_as(&other.key, Method::GET, &path)).await.status, 404);
    app.core.move_influencer(&caller(&app.account), &made.id, InfluencerStatus::Archived).await.unwrap();
    assert_eq!(app.get("/v1/influencers").await.json_of(200)["data"], json!([]));
}

#[tokio::test]
async fn a_mention_brings_the_characters_pictures_and_keeps_what_was_written() {
    let app = TestApp::start().await;
    let sarah = ready(&app, &app.account, "sarah", 6).await;
    let mention = json!([{"handle": "sarah", "influencer_id": sarah.id}]);
    let body = json!({"prompt": "Portrait of @sarah at the beach", "mentions": mention});
    let answer = generate(&app, IMAGES, &body).await;
    let run = answer.json_of(200);
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(
        run["input_summary"],
        json!({"prompt": "Portrait of @sarah at the beach", "model": "image.nano_banana_2", "aspect_ratio": "1:1",
            "count": 1, "resolution": run["input_summary"]["resolution"], "mentions": mention})
    );
    let id = run["id"].as_str().unwrap().parse().unwrap();
    let view = app.core.run_view(app.account.id, id).await.unwrap();
    let requested = view.run.requested().unwrap();
    assert_eq!((requested.parameters.conditioning, requested.parameters.images), (4, 0), "up to four pictures");
    let Inputs { prompt, provider_prompt, conditioning, .. } = &view.inputs;
    assert_eq!((prompt.as_str(), conditioning.len()), ("Portrait of @sarah at the beach", 4));
    let told = provider_prompt.as_deref().unwrap();
    assert!(told.starts_with("Portrait of the character at the beach") && told.contains("identity"), "{told}");
}

#[tokio::test]
async fn only_ones_own_influencer_that_is_ready_can_be_mentioned() {
    let app = TestApp::start().await;
    let (waiting, sarah) = (draft(&app, &app.account, "tom", 1).await, ready(&app, &app.account, "sarah", 1).await);
    let other = app.register(Tier::Unlimited, 100).await;
    let theirs = ready(&app, &other, "ada", 1).await;
    let asked = async |handle: &str, id: &str| {
        let mention = json!([{"handle": handle, "influencer_id": id}]);
        generate(&app, IMAGES, &json!({"prompt": "@x smiles", "mentions": mention})).await
    };
    assert_eq!(asked("ada", &theirs.id).await.json_of(404)["code"], "not_found");
    assert_eq!(asked("ada", "model_nobody").await.json_of(404)["code"], "not_found");
    assert_eq!(asked("tom", &waiting.id).await.json_of(400)["code"], "influencer_not_ready");
    let refused = asked("sally", &sarah.id).await.json_of(400);
    assert!(refused["detail"].as_str().unwrap().contains("allowed: sarah"), "{refused}");
    assert_eq!(asked("@Sarah", &sarah.id).await.status, 200, "a handle is folded");
    app.core.move_influencer(&caller(&app.account), &sarah.id, InfluencerStatus::Archived).await.unwrap();
    assert_eq!(asked("sarah", &sarah.id).await.json_of(400)["code"], "influencer_not_ready");
}

#[tokio::test]
async fn a_retry_finds_its_run_although_the_influencer_is_archived() {
    let app = TestApp::start().await;
    let sarah = ready(&app, &app.account, "sarah", 1).await;
    let body = json!({"prompt": "@sarah", "mentions": [{"handle": "sarah", "influencer_id": sarah.id}]});
    let first = app.post_keyed(IMAGES, "one", &body).await.json_of(200);
    app.core.move_influencer(&caller(&app.account), &sarah.id, InfluencerStatus::Archived).await.unwrap();
    let again = app.post_keyed(IMAGES, "one", &body).await;
    assert_eq!((&again.json_of(200)["id"], again.header("idempotency-replayed")), (&first["id"], "true"));
}

#[tokio::test]
async fn no_handle_name_or_address_stands_in_an_event() {
    let app = TestApp::start().await;
    ready(&app, &app.account, "unmistakable_handle", 1).await;
    let samples = vec!["https://example.com/unmistakable.wav".to_owned()];
    app.core.create_voice(&caller(&app.account), "Unmistakable Name", &samples).await.unwrap();
    let events: String = app.events_as_text().await;
    assert!(events.contains("account.influencer_moved") && events.contains("account.voice_added"));
    assert!(!events.to_lowercase().contains("unmistakable") && !events.contains("Sarah Chen"));
}

#[tokio::test]
async fn a_training_ends_by_itself_whoever_sees_to_it() {
    use mintmark_infra::training::{TrainingSettings, end_due, keep_training};
    use std::time::Duration;

    let app = TestApp::start().await;
    let made = draft(&app, &app.account, "sarah", 1).await;
    app.core.move_influencer(&caller(&app.account), &made.id, InfluencerStatus::Training).await.unwrap();
    app.caught_up().await;
    // It has not lasted long enough: whoever looks now, and whenever a process was started, changes nothing.
    assert_eq!(end_due(&app.core, &app.reads, Duration::from_secs(3_600)).await, Ok(0));
    let hour = chrono::TimeDelta::hours(1);
    assert!(!app.core.finish_training(app.account.id, &made.id, hour).await.unwrap());
    assert_eq!(app.core.influencer(app.account.id, &made.id).await.unwrap().status, InfluencerStatus::Training);
    // Two processes see to it at once, each by what the log says.
    let settings = TrainingSettings { lasts: Duration::ZERO, every: Duration::from_millis(10) };
    let ended = async {
        while app.core.influencer(app.account.id, &made.id).await.unwrap().status != InfluencerStatus::Ready {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = keep_training(&app.core, &app.reads, settings) => {}
        () = keep_training(&app.core, &app.reads, settings) => {}
        () = ended => {}
    }
    let moved = app.events_as_text().await.matches("account.influencer_moved").count();
    assert_eq!(moved, 2, "into training and out of it, once each");
    assert_eq!(app.end_trainings().await, 0, "nothing is left to end");
}
