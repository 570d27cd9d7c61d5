//! `POST /audio/transcriptions`.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog};
use mintmark_domain::run::Inputs;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation, unsupported};
use super::run::RunResource;
use super::submit::Submission;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem, typed};
use crate::state::AppState;

/// The operation.
pub(super) const TRANSCRIPTIONS: Operation = Operation {
    name: "audio.transcriptions.create",
    route: "POST /v1/audio/transcriptions",
    capability: Capability::Transcription,
    scope: Scope::AudioWrite,
    waits: false,
};

/// Hosts whose addresses name videos on YouTube.
const YOUTUBE_HOSTS: [&str; 5] = ["youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "youtu.be"];

/// A request for a transcript: exactly one of the three addresses.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TranscriptionRequest {
    /// A sound: mp3, wav, m4a, aac, ogg, flac, opus, webm, wma; at most 500 MB and 2 hours.
    #[schema(format = "uri")]
    pub audio_url: Option<String>,
    /// A video, whose sound is written down; at most 500 MB and 2 hours.
    #[schema(format = "uri")]
    pub video_url: Option<String>,
    /// A video on YouTube, of at most 2 hours; needs a downloader that the operator has configured.
    #[schema(format = "uri")]
    pub youtube_url: Option<String>,
    /// A transcription model's alias.
    #[schema(default = "transcription.whisper_v1")]
    pub model: Option<String>,
}

fn is_youtube(address: &str) -> bool {
    let url = url::Url::parse(address).ok().filter(|url| url.scheme() == "https");
    url.is_some_and(|url| url.host_str().is_some_and(|host| YOUTUBE_HOSTS.contains(&host)))
}

/// Reads a request for a transcript. Errors: a field of another type, none or several sources, a model
/// of another kind.
pub(super) fn read(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: TranscriptionRequest = typed(fields)?;
    let model = TRANSCRIPTIONS.model(catalog, asked.model)?;
    let given = [&asked.audio_url, &asked.video_url, &asked.youtube_url].into_iter().flatten().count();
    match given {
        0 => {
            let message = "One of audio_url, video_url and youtube_url is required.";
            return Err(Problem::invalid(message).coded("missing_value"));
        }
        1 => {}
        _ => {
            let message = "Only one of audio_url, video_url and youtube_url may be given.";
            return Err(Problem::invalid(message).coded("unsupported_input_combination"));
        }
    }
    if asked.youtube_url.as_deref().is_some_and(|address| !is_youtube(address)) {
        let hosts = YOUTUBE_HOSTS.join(", ");
        return Err(unsupported(format!("youtube_url must be an https address on one of: {hosts}.")));
    }
    let ask = Ask {
        source_video: asked.video_url.is_some(),
        input_audio: asked.audio_url.is_some() || asked.youtube_url.is_some(),
        ..Ask::default()
    };
    let inputs = Inputs {
        input_audio: asked.audio_url,
        source_video: asked.video_url,
        youtube: asked.youtube_url,
        ..Inputs::default()
    };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

/// Transcribe audio or video (speech-to-text)
///
/// The recording is fetched and measured first: its seconds are what is charged. Then it answers 202 at
/// once; poll `GET /v1/runs/{id}`, or wait with `Prefer: wait=N`.
#[utoipa::path(
    post, path = "/v1/audio/transcriptions", operation_id = "audio.transcriptions.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = TranscriptionRequest, example = json!({
        "audio_url": "https://cdn.genfire.ai/uploads/interview.mp3", "model": "transcription.whisper_v1",
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
    Submission { caller, idempotency, prefer, body }.answer(&state, &TRANSCRIPTIONS, read).await
}
