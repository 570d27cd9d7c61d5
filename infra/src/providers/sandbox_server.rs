//! The sandbox as a process of its own: serves the protocol of [`super::wire`].
//!
//! Besides the protocol, `GET v1/jobs` lists every job with how often it was handed over: a job that
//! was handed over twice is a defect of its client. Jobs live as long as this process does, through
//! every crash of its clients.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use mintmark_domain::ports::{CancelReply, Media, OutputReport, Probe, Report};
use serde_json::{Map, Value};

use super::sandbox::{Handed, JobSummary, Sandbox};
use super::wire::{
    JOB_GONE, JOB_NOT_FOUND, NOT_TAKEN, WireCancel, WireError, WireJob, WireOutput, WireReport, WireStatus,
};

/// The most bytes of a submission, inputs included.
const SUBMISSION_BYTES_MAX: usize = 1 << 30;

/// What the routes share.
#[derive(Clone)]
struct Server {
    sandbox: Sandbox,
    /// How long a submission waits for its job to be over before it is answered "running".
    answer_within: Duration,
}

/// The routes of a sandbox. A submission waits `answer_within` for its job to be over; then it is
/// answered with one that runs.
pub fn router(sandbox: Sandbox, answer_within: Duration) -> Router {
    Router::new()
        .route("/v1/jobs", post(submit).get(list))
        .route("/v1/jobs/{client_id}", get(look))
        .route("/v1/jobs/{client_id}/cancel", post(cancel))
        .route("/v1/jobs/{client_id}/outputs/{index}", get(output))
        .route("/healthz", get(async || "ok"))
        .layer(DefaultBodyLimit::max(SUBMISSION_BYTES_MAX))
        .with_state(Server { sandbox, answer_within })
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(WireError::new(code, message))).into_response()
}

fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, JOB_NOT_FOUND, "There is no such job.")
}

async fn submit(State(server): State<Server>, job: Result<Json<WireJob>, JsonRejection>) -> Response {
    let job = match job {
        Ok(Json(job)) => job.into_job(),
        Err(rejection) => return error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_job", &rejection.body_text()),
    };
    let Some(job) = job else {
        return error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_job", "An input is not base64.");
    };
    match server.sandbox.hand_over(&job) {
        Handed::Taken => {}
        Handed::Unsent | Handed::Full => return error(StatusCode::SERVICE_UNAVAILABLE, NOT_TAKEN, "Try again."),
        Handed::Refused(reason) => {
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(WireError { error: reason })).into_response();
        }
        Handed::Lost => return error(StatusCode::GATEWAY_TIMEOUT, "reply_lost", "The reply was lost, as asked."),
    }
    server.sandbox.over(&job.client_id, server.answer_within).await;
    match status_of(&server.sandbox, &job.client_id) {
        Some(status @ WireStatus::Running { .. }) => (StatusCode::ACCEPTED, Json(status)).into_response(),
        Some(status) => Json(status).into_response(),
        None => error(StatusCode::INTERNAL_SERVER_ERROR, "lost", "The job was lost."),
    }
}

async fn list(State(server): State<Server>) -> Json<Vec<JobSummary>> {
    Json(server.sandbox.jobs())
}

async fn look(State(server): State<Server>, Path(client_id): Path<String>) -> Response {
    match server.sandbox.look(&client_id) {
        Ok(Probe::NotFound) => not_found(),
        Ok(Probe::Gone) => error(StatusCode::GONE, JOB_GONE, "The job is over, and what it made is no longer kept."),
        Ok(_) => status_of(&server.sandbox, &client_id).map_or_else(not_found, |status| Json(status).into_response()),
        Err(unreachable) => error(StatusCode::INTERNAL_SERVER_ERROR, "silent", &unreachable.0),
    }
}

async fn cancel(State(server): State<Server>, Path(client_id): Path<String>) -> Response {
    match server.sandbox.stop(&client_id) {
        CancelReply::Stopping => Json(WireCancel::Stopping).into_response(),
        CancelReply::TooLate => Json(WireCancel::TooLate).into_response(),
        CancelReply::NotFound => not_found(),
    }
}

async fn output(State(server): State<Server>, Path((client_id, index)): Path<(String, usize)>) -> Response {
    let (Ok(Probe::Finished(report)) | Ok(Probe::Cancelled(report))) = server.sandbox.look(&client_id) else {
        return not_found();
    };
    match report.outputs.into_iter().nth(index) {
        Some(
            OutputReport::Media(Media::Bytes { content_type, bytes })
            | OutputReport::Both { media: Media::Bytes { content_type, bytes }, .. },
        ) => {
            server.sandbox.file_fetched(&client_id, index);
            ([(header::CONTENT_TYPE, content_type)], bytes).into_response()
        }
        Some(
            OutputReport::Media(Media::Url(_) | Media::Stored(_))
            | OutputReport::Both { media: Media::Url(_) | Media::Stored(_), .. }
            | OutputReport::Text(_)
            | OutputReport::Failed(_),
        )
        | None => not_found(),
    }
}

fn status_of(sandbox: &Sandbox, client_id: &str) -> Option<WireStatus> {
    let known = sandbox.look(client_id).ok()?;
    if !matches!(known, Probe::Running { .. }) {
        sandbox.told(client_id);
    }
    Some(match known {
        Probe::NotFound | Probe::Gone => return None,
        Probe::Running { progress } => {
            WireStatus::Running { provider_request_id: Sandbox::request_id(client_id), progress }
        }
        Probe::Finished(report) => WireStatus::Finished(wire_report(client_id, report)),
        Probe::Cancelled(report) => WireStatus::Cancelled(wire_report(client_id, report)),
        Probe::Failed(error, reported_cost) => WireStatus::Failed { error, reported_cost },
    })
}

fn wire_file(client_id: &str, index: usize, media: Media, fields: Option<Map<String, Value>>) -> WireOutput {
    match media {
        Media::Bytes { content_type, .. } => {
            WireOutput::File { url: format!("v1/jobs/{client_id}/outputs/{index}"), content_type, fields }
        }
        Media::Url(url) => WireOutput::File { url, content_type: String::new(), fields },
        Media::Stored(_) => WireOutput::Failed {
            error: WireError::new("provider_failed", "A sandbox of its own has no storage of ours.").error,
        },
    }
}

fn wire_report(client_id: &str, report: Report) -> WireReport {
    let output = |(index, output): (usize, OutputReport)| match output {
        OutputReport::Text(fields) => WireOutput::Text { fields },
        OutputReport::Media(media) => wire_file(client_id, index, media, None),
        OutputReport::Both { media, fields } => wire_file(client_id, index, media, Some(fields)),
        OutputReport::Failed(error) => WireOutput::Failed { error },
    };
    WireReport {
        provider_request_id: report.provider_request_id,
        outputs: report.outputs.into_iter().enumerate().map(output).collect(),
        reported_cost: report.reported_cost,
        quality: report.quality,
    }
}
