//! `POST /lipsync/generations`.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog, Choices};
use mintmark_domain::run::Inputs;
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation, bounded, decimal, unsupported};
use super::run::RunResource;
use super::submit::Submission;
use crate::http::{Authenticated, Idempotency, JsonBody, LargeBody, Prefer, Problem, typed};
use crate::state::AppState;

/// The most bytes of a sound that comes within a request, decoded (decision 32).
const INLINE_BYTES_MAX: usize = 25 << 20;
/// The most bytes of a body: that sound in base64, and a megabyte for everything else.
const BODY_BYTES_MAX: usize = INLINE_BYTES_MAX / 3 * 4 + (1 << 20);
/// The longest title.
const TITLE_CHARS_MAX: usize = 200;
/// The longest description.
const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// The longest name of a file.
const FILE_NAME_CHARS_MAX: usize = 255;
/// The printed title.
const TITLE_DEFAULT: &str = "AI Lip-sync Video";

/// The operation.
pub(super) const LIPSYNC: Operation = Operation {
    name: "lipsync.generations.create",
    route: "POST /v1/lipsync/generations",
    capability: Capability::LipsyncGeneration,
    scope: Scope::LipsyncWrite,
    waits: false,
};

/// A request for a video whose lips follow a sound: `audio_url` or `audio_base64`, never both.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LipsyncRequest {
    /// The video: at most 500 MB and 2 hours.
    #[schema(required = true, value_type = String, format = "uri")]
    pub video_url: Option<String>,
    /// The sound: at most 500 MB and 2 hours; of a video its track.
    #[schema(format = "uri")]
    pub audio_url: Option<String>,
    /// The sound itself, in base64; at most 25 MiB decoded.
    pub audio_base64: Option<String>,
    /// What that sound is called.
    #[schema(max_length = 255)]
    pub audio_file_name: Option<String>,
    /// What the result is called.
    #[schema(default = "AI Lip-sync Video", max_length = 200)]
    pub title: Option<String>,
    /// What is to be said of the result.
    #[schema(max_length = 5000)]
    pub description: Option<String>,
    /// How both are brought to one length: `cut_off` cuts off what is longer; `loop` plays the video
    /// again, `bounce` back and forth, until the sound ends; `silence` fills up what is shorter; `remap`
    /// plays the video slower or faster.
    #[schema(default = "cut_off")]
    pub sync_mode: Option<String>,
    /// A lip-sync model's alias.
    #[schema(default = "lipsync.lipsync_2_pro")]
    pub model: Option<String>,
    /// How long the result is expected to be, in seconds: a hint to the provider. What is charged is
    /// measured.
    #[schema(value_type = Option<f64>, minimum = 1, maximum = 300)]
    pub duration: Option<Number>,
}

/// A sound that came in base64, with or without the head of a `data:` address.
fn decoded(text: &str) -> Result<Bytes, Problem> {
    let wrong = || Problem::invalid("audio_base64 must be a sound in base64.");
    let data = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,").ok_or_else(wrong)?.1,
        None => text,
    };
    if data.len() / 4 * 3 > INLINE_BYTES_MAX + 3 {
        return Err(Problem::invalid(format!("audio_base64 must be at most {INLINE_BYTES_MAX} bytes once decoded.")));
    }
    let bytes = STANDARD.decode(data).map_err(|_| wrong())?;
    match bytes.len() {
        0 => Err(wrong()),
        size if size > INLINE_BYTES_MAX => {
            Err(Problem::invalid(format!("audio_base64 must be at most {INLINE_BYTES_MAX} bytes once decoded.")))
        }
        _ => Ok(bytes.into()),
    }
}

/// Reads a request for lip-sync. Errors: a field of another type, no sound or two, a model of another
/// kind.
pub(super) fn read(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: LipsyncRequest = typed(fields)?;
    let model = LIPSYNC.model(catalog, asked.model)?;
    bounded("title", asked.title.as_deref(), TITLE_CHARS_MAX)?;
    bounded("description", asked.description.as_deref(), DESCRIPTION_CHARS_MAX)?;
    bounded("audio_file_name", asked.audio_file_name.as_deref(), FILE_NAME_CHARS_MAX)?;
    let attached = match (&asked.audio_url, &asked.audio_base64) {
        (Some(_), Some(_)) => {
            return Err(unsupported("Only one of audio_url and audio_base64 may be given.")
                .coded("unsupported_input_combination"));
        }
        (None, Some(text)) => Some(decoded(text)?),
        (Some(_) | None, None) => None,
    };
    let ask = Ask {
        source_video: asked.video_url.is_some(),
        input_audio: asked.audio_url.is_some() || attached.is_some(),
        choices: Choices {
            sync_mode: asked.sync_mode,
            length_hint: decimal("duration", asked.duration)?,
            ..Choices::default()
        },
        ..Ask::default()
    };
    let inputs = Inputs {
        source_video: asked.video_url,
        input_audio: asked.audio_url,
        inline_audio: attached.is_some(),
        audio_file_name: asked.audio_file_name,
        title: Some(asked.title.unwrap_or_else(|| TITLE_DEFAULT.to_owned())),
        description: asked.description,
        ..Inputs::default()
    };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached })
}

/// Generate a lip-synced video
///
/// Video and sound are fetched and measured first: seconds of the result are what is charged. Then it
/// answers 202 at once; poll `GET /v1/runs/{id}`, or wait with `Prefer: wait=N`.
#[utoipa::path(
    post, path = "/v1/lipsync/generations", operation_id = "lipsync.generations.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = LipsyncRequest, example = json!({
        "video_url": "https://example.com/source-video.mp4", "audio_url": "https://example.com/source-audio.mp3",
        "sync_mode": "cut_off", "model": "lipsync.lipsync_2_pro",
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
    body: LargeBody<BODY_BYTES_MAX>,
) -> Result<Response, Problem> {
    let LargeBody { body, turn: _turn } = body;
    let body = JsonBody { value: body.value, bytes: body.bytes };
    Submission { caller, idempotency, prefer, body }.answer(&state, &LIPSYNC, read).await
}
