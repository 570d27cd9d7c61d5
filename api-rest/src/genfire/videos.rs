//! `POST /videos/generations`.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog};
use mintmark_domain::run::Inputs;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation, typed, unsupported};
use super::run::RunResource;
use super::submit::Submission;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem};
use crate::state::AppState;

/// The most reference images of one request, as printed.
const REFERENCE_IMAGE_URLS_MAX: usize = 9;

/// The operation.
pub(super) const VIDEOS: Operation = Operation {
    name: "videos.generations.create",
    route: "POST /v1/videos/generations",
    capability: Capability::VideoGeneration,
    scope: Scope::VideosWrite,
    waits: false,
};

/// A request for a video. Which addresses are given says how the model is driven; each model's
/// `capabilities` say what it takes.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct VideoGenerationRequest {
    /// What to show; 1 to 20,000 characters.
    #[schema(required = true, value_type = String, min_length = 1, max_length = 20000)]
    pub prompt: Option<String>,
    /// A video model's alias.
    #[schema(default = "video.veo_3_1")]
    pub model: Option<String>,
    /// One of the model's `aspect_ratios`.
    #[schema(default = "16:9")]
    pub aspect_ratio: Option<String>,
    /// Seconds, one of the model's `duration_seconds`. Not given: 5, or the nearest that the model makes.
    #[schema(default = 5)]
    pub duration: Option<i64>,
    /// One of the model's `resolutions`.
    pub resolution: Option<String>,
    /// The image to start from; with `source_video_url` the character that takes its motion.
    #[schema(format = "uri")]
    pub image_url: Option<String>,
    /// The video to edit, extend or follow.
    #[schema(format = "uri")]
    pub source_video_url: Option<String>,
    /// Images to take after.
    #[schema(max_items = 9)]
    pub reference_image_urls: Option<Vec<String>>,
    /// The first frame; only with `last_frame_url`.
    #[schema(format = "uri")]
    pub first_frame_url: Option<String>,
    /// The last frame; only with `first_frame_url`.
    #[schema(format = "uri")]
    pub last_frame_url: Option<String>,
    /// Whether to make sound, where the model leaves the choice.
    #[schema(default = true)]
    pub generate_audio: Option<bool>,
}

/// Reads a request for a video. Errors: a field of another type, more references than are taken, a
/// model of another kind.
pub(super) fn read(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: VideoGenerationRequest = typed(fields, "prompt")?;
    let model = VIDEOS.model(catalog, asked.model)?;
    let reference_images = asked.reference_image_urls.unwrap_or_default();
    if reference_images.len() > REFERENCE_IMAGE_URLS_MAX {
        return Err(unsupported(format!("reference_image_urls may hold at most {REFERENCE_IMAGE_URLS_MAX}.")));
    }
    let inputs = Inputs {
        prompt: asked.prompt.unwrap_or_default(),
        images: asked.image_url.into_iter().collect(),
        reference_images,
        source_video: asked.source_video_url,
        first_frame: asked.first_frame_url,
        last_frame: asked.last_frame_url,
        ..Inputs::default()
    };
    let ask = Ask {
        prompt_chars: Some(Ask::length_of(&inputs.prompt)),
        aspect_ratio: asked.aspect_ratio,
        duration_seconds: asked.duration.map(Into::into),
        resolution: asked.resolution,
        generate_audio: asked.generate_audio,
        images: u32::try_from(inputs.images.len()).unwrap_or(u32::MAX),
        references: u32::try_from(inputs.reference_images.len()).unwrap_or(u32::MAX),
        source_video: inputs.source_video.is_some(),
        first_frame: inputs.first_frame.is_some(),
        last_frame: inputs.last_frame.is_some(),
        ..Ask::default()
    };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

/// Generate videos
///
/// Answers 202 at once; poll `GET /v1/runs/{id}`, or wait with `Prefer: wait=N`. How the model is
/// driven follows from the addresses that are given; what the model does not declare under
/// `capabilities` is refused as `unsupported_input_combination`.
#[utoipa::path(
    post, path = "/v1/videos/generations", operation_id = "videos.generations.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = VideoGenerationRequest, example = json!({
        "prompt": "Cinematic close-up of a luxury watch with soft lighting",
        "model": "video.veo_3_1", "aspect_ratio": "16:9", "duration": 8, "generate_audio": true,
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &VIDEOS, read).await
}
