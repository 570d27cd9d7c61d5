//! `POST /images/background-remove` and `POST /videos/upscale`: work on what there is, without a prompt.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog};
use mintmark_domain::run::Inputs;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation};
use super::run::RunResource;
use super::submit::Submission;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem, typed};
use crate::state::AppState;

/// Removing backgrounds.
pub(super) const BACKGROUNDS: Operation = Operation {
    name: "images.background_remove.create",
    route: "POST /v1/images/background-remove",
    capability: Capability::ImageEditing,
    scope: Scope::ImagesWrite,
    waits: true,
};

/// Enlarging videos.
pub(super) const UPSCALING: Operation = Operation {
    name: "videos.upscale.create",
    route: "POST /v1/videos/upscale",
    capability: Capability::VideoUpscaling,
    scope: Scope::VideosWrite,
    waits: false,
};

/// A request to remove a background.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BackgroundRemovalRequest {
    /// The picture: at most 50 MB.
    #[schema(required = true, value_type = String, format = "uri")]
    pub image_url: Option<String>,
}

/// A request to enlarge a video.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct UpscaleRequest {
    /// The video: at most 500 MB and 2 hours.
    #[schema(required = true, value_type = String, format = "uri")]
    pub source_video_url: Option<String>,
    /// 2 or 4.
    #[schema(default = 2)]
    pub scale_factor: Option<i64>,
}

/// Reads a request to remove a background. Errors: a field of another type, no picture.
pub(super) fn read_background(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: BackgroundRemovalRequest = typed(fields)?;
    let model = BACKGROUNDS.model(catalog, None)?;
    let image = asked.image_url.ok_or_else(|| missing("image_url"))?;
    let ask = Ask { images: 1, ..Ask::default() };
    let inputs = Inputs { images: vec![image], ..Inputs::default() };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

/// Reads a request to enlarge a video. Errors: a field of another type, no video.
pub(super) fn read_upscale(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: UpscaleRequest = typed(fields)?;
    let model = UPSCALING.model(catalog, None)?;
    let video = asked.source_video_url.ok_or_else(|| missing("source_video_url"))?;
    let ask = Ask { source_video: true, scale_factor: asked.scale_factor, ..Ask::default() };
    let inputs = Inputs { source_video: Some(video), ..Inputs::default() };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

fn missing(field: &str) -> Problem {
    Problem::invalid(format!("{field} is required.")).coded("missing_value")
}

/// Remove image background
///
/// Answers with the run that has ended: a transparent PNG of the picture's size. What takes longer than
/// 60 seconds is answered 202 and found at `GET /v1/runs/{id}`.
#[utoipa::path(
    post, path = "/v1/images/background-remove", operation_id = "images.background_remove.create",
    tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = BackgroundRemovalRequest, example = json!({"image_url": "https://example.com/photo.jpg"})),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn remove_background(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &BACKGROUNDS, read_background).await
}

/// Upscale a video
///
/// The video is fetched and measured first: its seconds, times the factor, are what is charged. Then it
/// answers 202 at once; poll `GET /v1/runs/{id}`, or wait with `Prefer: wait=N`.
#[utoipa::path(
    post, path = "/v1/videos/upscale", operation_id = "videos.upscale.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = UpscaleRequest, example = json!({
        "source_video_url": "https://cdn.genfire.ai/video.mp4", "scale_factor": 2,
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn upscale(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &UPSCALING, read_upscale).await
}
