//! What a generation is answered with.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use mintmark_domain::catalog::MediaType;
use mintmark_domain::creation::{CreationStatus, Output, Privacy};
use mintmark_domain::run::{FailureReason, OutputOutcome, RequestedRun};
use mintmark_domain::usecases::{Core, CreationView, RunView};
use mintmark_domain::{Credits, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::creation::Status;
use super::envelope::Success;
use super::fields::failure;
use super::values::{Fields, in_order};
use crate::http::{Amount, Kind, Problem};

/// What was generated.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "generator": "joke", "model_id": 3, "model_type": "text", "model_name": "gpt-5-nano",
    "creations": [{"creation_id": 6144, "text": "…", "illustration_desc": "a minimalist bug icon"}],
    "credit_cost": 1, "credits_remaining": 36024,
}))]
pub struct Generated {
    /// The generator's slug.
    pub generator: Option<String>,
    /// The model.
    pub model_id: Option<u32>,
    /// The group it is listed under.
    pub model_type: Option<&'static str>,
    /// What its provider calls it.
    pub model_name: String,
    /// What was delivered; of a 202 what is being made.
    pub creations: Vec<Made>,
    /// Ours: what was not delivered and is not charged; absent where everything was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<NotMade>,
    /// What was charged; null while it is being made.
    pub credit_cost: Option<Amount>,
    /// What can still be spent.
    pub credits_remaining: Amount,
}

/// Something made, or being made.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Made {
    /// Its id.
    pub creation_id: u64,
    /// Of a 202: where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The address of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// The address of a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// The address of a sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_url: Option<String>,
    /// The address of a vector drawing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svg_url: Option<String>,
    /// The generator's own fields of a text.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub fields: Fields,
}

/// Something that was not made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotMade {
    /// Its id.
    pub creation_id: u64,
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// The absolute address of a file: stable where everybody may see it, else signed.
pub(super) fn address(core: &Core, key: &str, privacy: Privacy, now: Timestamp) -> String {
    match privacy {
        Privacy::Public => core.links.public(key),
        Privacy::Private => core.links.signed(key, now),
    }
}

impl Made {
    /// What was delivered; `None` where nothing was, or where it is not shown any more.
    fn of(core: &Core, view: &CreationView) -> Option<Self> {
        let creation = &view.creation;
        let opened = creation.opened().filter(|_| !creation.is_deleted() && !creation.is_hidden())?;
        let mut made = Made { creation_id: view.number, ..Made::default() };
        match creation.output()? {
            Output::Text { .. } => {
                let fields = view.fields.clone().unwrap_or_default();
                made.fields = in_order(&core.catalog, opened.generator.as_deref(), fields);
            }
            Output::Asset { key, .. } => {
                let url = Some(address(core, key, opened.privacy, core.now()));
                match opened.media_type {
                    MediaType::Img => made.image_url = url,
                    MediaType::Video => made.video_url = url,
                    MediaType::Audio => made.audio_url = url,
                    MediaType::Svg => made.svg_url = url,
                    MediaType::Text => {}
                }
            }
        }
        Some(made)
    }
}

fn not_made(view: &CreationView) -> Option<NotMade> {
    let (code, message) = match (view.creation.status(), view.creation.failure()) {
        (CreationStatus::Failed, Some(reason)) => (reason.code.clone(), failure(reason)),
        (CreationStatus::Cancelled, _) => ("cancelled".to_owned(), "It was cancelled.".to_owned()),
        (_, _) => return None,
    };
    Some(NotMade { creation_id: view.number, code, message })
}

/// 201 with what was delivered, 202 with what is being made, or the problem where nothing was.
pub(super) fn answer(core: &Core, view: &RunView, available: Credits) -> Response {
    let Some(requested) = view.run.requested() else {
        return Problem::internal("a view of a run that nobody asked for").into_response();
    };
    let generated = |creations, failed, credit_cost| {
        let model = core.catalog.model(&requested.parameters.model);
        let listing = model.and_then(|model| model.generor.as_ref());
        Success {
            success: true,
            data: Generated {
                generator: requested.generator.clone(),
                model_id: listing.map(|listing| listing.id),
                model_type: listing.map(|listing| listing.model_type.as_str()),
                model_name: requested.provider_model.clone(),
                creations,
                failed,
                credit_cost,
                credits_remaining: available.into(),
            },
        }
    };
    let Some(ending) = view.run.ending() else {
        return pending(core, view, requested, generated);
    };
    let delivered = view.creations.iter().any(|one| one.creation.output().is_some());
    if !delivered {
        return nothing(view).into_response();
    }
    let creations = view.creations.iter().filter_map(|one| Made::of(core, one)).collect();
    let failed = view.creations.iter().filter_map(not_made).collect();
    (StatusCode::CREATED, Json(generated(creations, failed, Some(ending.captured.into())))).into_response()
}

fn pending(
    core: &Core,
    view: &RunView,
    requested: &RequestedRun,
    generated: impl FnOnce(Vec<Made>, Vec<NotMade>, Option<Amount>) -> Success<Generated>,
) -> Response {
    let status = Status::of(CreationStatus::Opened, view.run.status());
    let made = |number| Made { creation_id: number, status: Some(status), ..Made::default() };
    let creations = requested.creations.iter().map(|creation| made(creation.number)).collect();
    let mut response = (StatusCode::ACCEPTED, Json(generated(creations, Vec::new(), None))).into_response();
    let first = requested.creations.first().map(|creation| creation.number).unwrap_or_default();
    let location = core.links.page(&format!("/api/v1/creations/{first}/status"));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Why there is nothing: 400 if anything was withheld by moderation or a file of the caller's cannot be used, else
/// 500 (decision 12).
fn nothing(view: &RunView) -> Problem {
    let moderated = |reason: &&FailureReason| reason.code == "moderated";
    let outcomes = view.run.outputs().iter().filter_map(|outcome| match outcome {
        OutputOutcome::Failed(reason) => Some(reason),
        OutputOutcome::Delivered => None,
    });
    let reasons: Vec<&FailureReason> = view.run.failure().into_iter().chain(outcomes).collect();
    let withheld = reasons.iter().find(|reason| moderated(reason));
    let said = |reason: &&FailureReason| match reason.message.as_str() {
        "" => "Generation failed.".to_owned(),
        _ => failure(reason),
    };
    match (withheld, reasons.first()) {
        (Some(reason), _) => Problem::invalid(said(reason)).coded("moderated"),
        (None, Some(reason)) if reason.is_of_an_input() => Problem::invalid(said(reason)).coded(reason.code.clone()),
        (None, Some(reason)) => Problem::new(Kind::Internal, said(reason)).coded(reason.code.clone()),
        (None, None) => Problem::new(Kind::Internal, "The generation was cancelled.").coded("cancelled"),
    }
}
