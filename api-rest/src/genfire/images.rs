//! `POST /images/generations`.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog};
use mintmark_domain::run::{Inputs, Mention};
use mintmark_domain::usecases::MENTIONS_MAX;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation, typed, unsupported};
use super::run::RunResource;
use super::submit::Submission;
use super::summaries::MentionObject;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem};
use crate::state::AppState;

/// The most source images of one request, as printed.
const IMAGE_URLS_MAX: usize = 14;

/// The operation.
pub(super) const IMAGES: Operation = Operation {
    name: "images.generations.create",
    route: "POST /v1/images/generations",
    capability: Capability::ImageGeneration,
    scope: Scope::ImagesWrite,
    waits: true,
};

/// A request for images.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ImageGenerationRequest {
    /// What to draw; 1 to 20,000 characters.
    #[schema(required = true, value_type = String, min_length = 1, max_length = 20000)]
    pub prompt: Option<String>,
    /// An image model's alias.
    #[schema(default = "image.nano_banana_2")]
    pub model: Option<String>,
    /// One of the model's `aspect_ratios`.
    #[schema(default = "1:1")]
    pub aspect_ratio: Option<String>,
    /// How many images.
    #[schema(default = 1, minimum = 1, maximum = 4)]
    pub count: Option<i64>,
    /// A source image, for a model whose `image_to_output` is true.
    #[schema(format = "uri")]
    pub image_url: Option<String>,
    /// Source images, for a model that takes several; the first so many that the model uses. Given
    /// together with `image_url`, that one comes first.
    #[schema(max_items = 14)]
    pub image_urls: Option<Vec<String>>,
    /// The influencer that the prompt mentions as `@handle`: it has to be the account's and `ready`. Its
    /// photos come along, and the model is driven as for an edit.
    #[schema(max_items = 1)]
    pub mentions: Option<Vec<MentionObject>>,
    /// `low`, `medium`, `high` or `auto`. Only `image.gpt_image_2` has a choice; it costs 1, 6 or 22
    /// times. `auto` holds as `high` and charges what was made. Of any other model only `high` and `auto`
    /// may be said, and change nothing.
    #[schema(default = "high")]
    pub quality: Option<String>,
    /// `1K`, `2K` or `4K`, for edits by the Nano Banana family; it costs 1, 1.5 or 3 times.
    pub resolution: Option<String>,
}

/// Reads a request for images. Errors: a field of another type, more images than are taken, mentions,
/// a model of another kind.
pub(super) fn read(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: ImageGenerationRequest = typed(fields, "prompt")?;
    let model = IMAGES.model(catalog, asked.model)?;
    let mentions = asked.mentions.unwrap_or_default();
    if mentions.len() > MENTIONS_MAX {
        return Err(unsupported(format!("mentions may hold at most {MENTIONS_MAX}.")));
    }
    let mention = |MentionObject { handle, influencer_id }| Mention { handle, influencer_id };
    let mentions: Vec<Mention> = mentions.into_iter().map(mention).collect();
    let several = asked.image_urls.unwrap_or_default();
    if several.len() > IMAGE_URLS_MAX {
        return Err(unsupported(format!("image_urls may hold at most {IMAGE_URLS_MAX}.")));
    }
    let images_field = if several.is_empty() { "image_url" } else { "image_urls" };
    let prompt = asked.prompt.unwrap_or_default();
    let images: Vec<String> = asked.image_url.into_iter().chain(several).collect();
    let ask = Ask {
        prompt_chars: Some(Ask::length_of(&prompt)),
        aspect_ratio: asked.aspect_ratio,
        count: asked.count,
        quality: asked.quality,
        resolution: asked.resolution,
        images: u32::try_from(images.len()).unwrap_or(u32::MAX),
        // How many pictures come along is known once the influencer is found.
        conditioning: u32::try_from(mentions.len()).unwrap_or(u32::MAX),
        ..Ask::default()
    };
    let inputs = Inputs { prompt, images, mentions, ..Inputs::default() };
    Ok(Asked { model, ask, inputs, images_field, attached: None })
}

/// Generate images
///
/// Waits up to 60 seconds for the images and answers 200 with the run that has ended, failed too; what
/// takes longer is answered 202 and found at `GET /v1/runs/{id}`. `Prefer: respond-async` answers at
/// once, `Prefer: wait=N` within N seconds.
#[utoipa::path(
    post, path = "/v1/images/generations", operation_id = "images.generations.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = ImageGenerationRequest, example = json!({
        "prompt": "Studio product photo of a matte black water bottle on dark stone",
        "model": "image.nano_banana_2", "aspect_ratio": "1:1", "count": 1,
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
        (status = 404, description = "There is no such influencer."),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &IMAGES, read).await
}
