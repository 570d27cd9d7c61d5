//! Short ways to ask.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A body for one image.
pub fn image(prompt: &str) -> Value {
    json!({"prompt": prompt, "model": "image.nano_banana_2"})
}

/// A body for the shortest video of the default model.
pub fn video(prompt: &str) -> Value {
    json!({"prompt": prompt, "model": "video.veo_3_1", "duration": 4, "generate_audio": false})
}

/// A body for speech.
pub fn speech(text: &str) -> Value {
    json!({"text": text, "voice_id": "voice_abc123"})
}

/// POST of a generation under a key of its own.
pub async fn generate(app: &TestApp, path: &str, body: &Value) -> Answer {
    let mut random = [0; 8];
    app.core.entropy.fill(&mut random);
    app.post_keyed(path, &format!("key-{}", u64::from_be_bytes(random)), body).await
}

/// The same, answered at once.
pub async fn generate_async(app: &TestApp, path: &str, body: &Value) -> Answer {
    let mut random = [0; 8];
    app.core.entropy.fill(&mut random);
    let key = format!("key-{}", u64::from_be_bytes(random));
    let request = app.request(http::Method::POST, path).header("Idempotency-Key", key);
    Answer::of(request.header("Prefer", "respond-async").json(body)).await
}

/// An image that is made, as the run that made it.
pub async fn made_image(app: &TestApp, prompt: &str) -> Value {
    generate(app, "/v1/images/generations", &image(prompt)).await.json_of(200)
}

/// A run once it has ended.
pub async fn ended(app: &TestApp, id: &str) -> Value {
    let run = id.parse().unwrap();
    assert!(app.core.dispatch.ended(run, std::time::Duration::from_secs(60)).await, "{id} did not end");
    app.get(&format!("/v1/runs/{id}")).await.json_of(200)
}
