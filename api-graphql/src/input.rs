//! What a run is asked with.

use async_graphql::InputObject;
use mintmark_domain::catalog::{Ask, Capability, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::run::Inputs;
use mintmark_domain::usecases::{IdempotencyKey, RunRequest, scope_to_generate};

use crate::error::{GraphqlError, Result};

/// How many addresses one list of inputs may hold.
const URLS_MAX: usize = 14;
/// How many characters one address may have.
const URL_LENGTH_MAX: usize = 8_192;

/// A request for generation. What is left out takes the model's default; what the model does not
/// know is refused with what it does.
#[derive(Clone, InputObject)]
pub(crate) struct CreateRunInput {
    /// The model: its slug, or what any of the REST dialects calls it.
    pub model: String,
    /// The prompt; for speech the text to be spoken. At most 20,000 characters.
    #[graphql(default)]
    pub prompt: String,
    /// How many outputs.
    pub count: Option<i32>,
    /// `16:9`.
    pub aspect_ratio: Option<String>,
    /// Length of a video, in seconds.
    pub duration_seconds: Option<i32>,
    /// `720p`, `2K`.
    pub resolution: Option<String>,
    /// `low`, `medium`, `high`, `auto`.
    pub quality: Option<String>,
    /// Whether a video has sound.
    pub generate_audio: Option<bool>,
    /// The voice of a speech.
    pub voice_id: Option<String>,
    /// Source images.
    #[graphql(default)]
    pub image_urls: Vec<String>,
    /// Reference images, in the order in which the prompt names them.
    #[graphql(default)]
    pub reference_image_urls: Vec<String>,
    /// The video to edit, extend or follow.
    pub source_video_url: Option<String>,
    /// The first frame.
    pub first_frame_url: Option<String>,
    /// The last frame.
    pub last_frame_url: Option<String>,
    /// Whether what is made is shown to nobody else. True if left out.
    #[graphql(default = true)]
    pub private: bool,
}

/// Refuses more addresses than are taken, and one that is too long.
pub(crate) fn check_urls(name: &'static str, urls: &[String], max: usize) -> Result<()> {
    if urls.len() > max {
        return Err(GraphqlError::argument(name, format!("at most {max} addresses")));
    }
    if urls.iter().any(|url| url.is_empty() || url.len() > URL_LENGTH_MAX) {
        return Err(GraphqlError::argument(name, format!("an address has 1 to {URL_LENGTH_MAX} characters")));
    }
    Ok(())
}

/// Refuses a text that the database could not hold.
pub(crate) fn check_text(name: &'static str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(GraphqlError::argument(name, "must not hold U+0000"));
    }
    Ok(())
}

impl CreateRunInput {
    /// Refuses what no model would take.
    fn check(&self) -> Result<()> {
        check_urls("imageUrls", &self.image_urls, URLS_MAX)?;
        check_urls("referenceImageUrls", &self.reference_image_urls, URLS_MAX)?;
        for (name, url) in [
            ("sourceVideoUrl", &self.source_video_url),
            ("firstFrameUrl", &self.first_frame_url),
            ("lastFrameUrl", &self.last_frame_url),
        ] {
            check_urls(name, url.as_slice(), 1)?;
        }
        check_text("prompt", &self.prompt)
    }

    fn ask(&self, capability: Capability) -> Ask {
        let length = Ask::length_of(&self.prompt);
        let spoken = capability == Capability::SpeechGeneration;
        Ask {
            prompt_chars: Some(length),
            characters: spoken.then_some(length),
            aspect_ratio: self.aspect_ratio.clone(),
            count: self.count.map(i64::from),
            duration_seconds: self.duration_seconds.map(Into::into),
            resolution: self.resolution.clone(),
            quality: self.quality.clone(),
            generate_audio: self.generate_audio,
            images: count(&self.image_urls),
            references: count(&self.reference_image_urls),
            source_video: self.source_video_url.is_some(),
            first_frame: self.first_frame_url.is_some(),
            last_frame: self.last_frame_url.is_some(),
            voice: self.voice_id.clone(),
            ..Ask::default()
        }
    }

    /// The use case's request. `capability` is the model's.
    pub fn into_request(self, capability: Capability, idempotency_key: Option<String>) -> Result<RunRequest> {
        self.check()?;
        let ask = self.ask(capability);
        let inputs = Inputs {
            prompt: self.prompt.clone(),
            images: self.image_urls.clone(),
            reference_images: self.reference_image_urls.clone(),
            source_video: self.source_video_url.clone(),
            first_frame: self.first_frame_url.clone(),
            last_frame: self.last_frame_url.clone(),
            ..Inputs::default()
        };
        // What makes two requests the same: everything but the key.
        let body = serde_json::to_vec(&(&self.model, &ask, &inputs, self.private)).unwrap_or_default();
        let idempotency = idempotency_key.map(|key| IdempotencyKey {
            key,
            method: "MUTATION".into(),
            path: "createRun".into(),
            body,
        });
        Ok(RunRequest {
            dialect: Dialect::Native,
            model: self.model,
            ask,
            inputs,
            generator: None,
            preference: None,
            preference_two: None,
            privacy: if self.private { Privacy::Private } else { Privacy::Public },
            route: "mutation createRun".into(),
            operation: "createRun".into(),
            scope: scope_to_generate(capability),
            team: None,
            workflow: None,
            idempotency,
        })
    }
}

fn count(list: &[String]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
