//! Submitting a task.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, AskField, AskProblem, AskReason, Capability, Catalog, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::run::Inputs;
use mintmark_domain::usecases::{Accepted, Refusal, RunRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::task::{Task, TaskStatus};
use crate::AppState;
use crate::http::{Amount, Authenticated, Idempotency, JsonBody, LogPosition, Problem, Replayed};

/// The longest prompt, in Unicode scalars.
const PROMPT_CHARS_MAX: usize = 2_000;
/// The most reference images (decision 32).
const IMAGE_INPUTS_MAX: usize = 10;
/// The longest address.
const URL_CHARS_MAX: usize = 2_048;

/// What is made from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Scene {
    /// An image from a prompt.
    #[serde(rename = "text-to-image")]
    TextToImage,
    /// An image from a prompt and reference images.
    #[serde(rename = "image-to-image")]
    ImageToImage,
}

/// The image's ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum AspectRatio {
    /// The model's own choice.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Square.
    #[serde(rename = "1:1")]
    R1x1,
    /// Landscape.
    #[serde(rename = "3:2")]
    R3x2,
    /// Portrait.
    #[serde(rename = "2:3")]
    R2x3,
    /// Tall.
    #[serde(rename = "9:16")]
    R9x16,
    /// Wide.
    #[serde(rename = "16:9")]
    R16x9,
    /// Portrait.
    #[serde(rename = "3:4")]
    R3x4,
    /// Landscape.
    #[serde(rename = "4:3")]
    R4x3,
}

impl AspectRatio {
    fn as_str(self) -> &'static str {
        match self {
            AspectRatio::Auto => "auto",
            AspectRatio::R1x1 => "1:1",
            AspectRatio::R3x2 => "3:2",
            AspectRatio::R2x3 => "2:3",
            AspectRatio::R9x16 => "9:16",
            AspectRatio::R16x9 => "16:9",
            AspectRatio::R3x4 => "3:4",
            AspectRatio::R4x3 => "4:3",
        }
    }
}

/// A submission.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct GenerateRequest {
    /// What is made from what.
    scene: Scene,
    /// Text prompt describing the image; at most 2000 characters.
    #[schema(max_length = 2000)]
    prompt: String,
    /// The image's ratio; `auto` if absent.
    aspect_ratio: Option<AspectRatio>,
    /// Addresses of reference images, at most 10; required for `image-to-image`.
    image_input: Option<Vec<String>>,
    /// Ours: one of this dialect's models, each 1 to 3 credits; a model of 1 credit if absent.
    model: Option<String>,
}

/// A task that was submitted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Submitted {
    #[serde(flatten)]
    task: Task,
    /// What is held for it; what is not delivered is given back.
    credits_used: Amount,
    /// What can still be spent.
    credits_remaining: Amount,
}

/// The document's names for what is asked of a model.
fn names_of(field: AskField) -> &'static str {
    match field {
        AskField::Images | AskField::References => "image_input",
        other => other.as_str(),
    }
}

/// A refusal in the document's words; a model that is not among this dialect's is told which are.
fn refused(catalog: &Catalog, refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Ask(problem) if problem.reason == AskReason::NotOffered => {
            let offered = catalog.offered_in(Dialect::GirlGenerator);
            let names = offered.filter_map(|model| model.name_in(Dialect::GirlGenerator));
            let problem = AskProblem::new(AskField::Model, AskReason::NotAllowed).allowing(names);
            Problem::invalid(problem.message(names_of)).coded("model_not_found")
        }
        // Every address that this dialect takes came from one field.
        Refusal::Input { problem, .. } => {
            Problem::refused(&Refusal::Input { field: "image_input", problem: problem.clone() }, names_of)
        }
        other => Problem::refused(other, names_of),
    }
}

fn check(request: &GenerateRequest) -> Result<(), Problem> {
    if request.prompt.trim().is_empty() {
        return Err(Problem::invalid("prompt is required."));
    }
    if request.prompt.chars().count() > PROMPT_CHARS_MAX {
        return Err(Problem::invalid(format!("prompt must be at most {PROMPT_CHARS_MAX} characters.")));
    }
    let images = request.image_input.as_deref().unwrap_or_default();
    match request.scene {
        Scene::ImageToImage if images.is_empty() => {
            return Err(Problem::invalid("image_input is required for the scene image-to-image."));
        }
        Scene::TextToImage if !images.is_empty() => {
            return Err(Problem::invalid("image_input is only for the scene image-to-image."));
        }
        Scene::ImageToImage | Scene::TextToImage => {}
    }
    if images.len() > IMAGE_INPUTS_MAX {
        return Err(Problem::invalid(format!("image_input may hold at most {IMAGE_INPUTS_MAX} addresses.")));
    }
    if let Some(at) = images.iter().position(|url| url.is_empty() || url.len() > URL_CHARS_MAX) {
        return Err(Problem::invalid(format!(
            "image_input[{at}] must be an address of at most {URL_CHARS_MAX} characters."
        )));
    }
    Ok(())
}

/// Generate Image
///
/// Submits an image generation task; poll it with its id. Its price is held at once.
#[utoipa::path(
    post,
    path = "/api/v1/generate",
    tag = "Tasks",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request \
            under the same key finds the same task."),
    ),
    request_body = GenerateRequest,
    responses((status = 201, description = "The task was submitted, now or before.", body = Submitted)),
)]
pub(super) async fn generate(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    JsonBody { value: request, bytes }: JsonBody<GenerateRequest>,
) -> Result<Response, Problem> {
    check(&request)?;
    let model = match &request.model {
        Some(name) => name.clone(),
        None => {
            let default = state.core.catalog.default_model(Dialect::GirlGenerator, Capability::ImageGeneration);
            let name = default.and_then(|model| model.name_in(Dialect::GirlGenerator));
            name.ok_or_else(|| Problem::internal("the catalog has no default model for this dialect"))?
        }
    };
    let images = request.image_input.unwrap_or_default();
    let ask = Ask {
        prompt_chars: Some(Ask::length_of(&request.prompt)),
        aspect_ratio: Some(request.aspect_ratio.unwrap_or_default().as_str().to_owned()),
        images: u32::try_from(images.len()).unwrap_or(u32::MAX),
        ..Ask::default()
    };
    let run = RunRequest {
        team: None,
        dialect: Dialect::GirlGenerator,
        model: model.clone(),
        ask,
        inputs: Inputs { prompt: request.prompt, images, ..Inputs::default() },
        generator: None,
        preference: None,
        preference_two: None,
        // The document shows a task to nobody but its owner.
        privacy: Privacy::Private,
        route: "POST /api/v1/generate".to_owned(),
        operation: "generate".to_owned(),
        scope: Scope::ImagesWrite,
        workflow: None,
        idempotency: idempotency.with_body(&bytes),
    };
    let accepted =
        state.core.accept_run(&caller, run).await.map_err(|refusal| refused(&state.core.catalog, &refusal))?;
    answer(&state, accepted).await
}

async fn answer(state: &AppState, accepted: Accepted) -> Result<Response, Problem> {
    let Accepted { run_id, run, replayed, available, confirmed } = accepted;
    let held = run.requested().map(|requested| requested.quote.amount).unwrap_or_default();
    let view = state.core.opened(run_id, run).await?;
    let mut task = Task::of(&view, &*state.core.links, state.core.now());
    if !replayed {
        // The document's answer, though a node may have taken it up at once.
        task.status = TaskStatus::Pending;
    }
    let body = Submitted { task, credits_used: held.into(), credits_remaining: available.into() };
    let position = LogPosition::confirmed(run_id.shard(), &confirmed).and(run_id.shard(), view.as_of);
    Ok((StatusCode::CREATED, Replayed(replayed), position, Json(body)).into_response())
}
