//! `POST /audio/speech`.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog};
use mintmark_domain::run::Inputs;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation, typed};
use super::run::RunResource;
use super::submit::Submission;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem};
use crate::state::AppState;

/// The longest name of a voice; it is only passed through.
const VOICE_NAME_CHARS_MAX: usize = 200;

/// The operation.
pub(super) const SPEECH: Operation = Operation {
    name: "audio.speech.create",
    route: "POST /v1/audio/speech",
    capability: Capability::SpeechGeneration,
    scope: Scope::AudioWrite,
    waits: true,
};

/// A request for speech.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SpeechRequest {
    /// What to say; at most the model's `max_characters`.
    #[schema(required = true, value_type = String, min_length = 1)]
    pub text: Option<String>,
    /// A voice of `GET /v1/audio/voices`: a stock voice, or one that the account has cloned.
    #[schema(required = true, value_type = String)]
    pub voice_id: Option<String>,
    /// A speech model's alias.
    #[schema(default = "speech.elevenlabs_turbo_v2_5")]
    pub model: Option<String>,
    /// The voice's name, passed through to the provider.
    #[schema(max_length = 200)]
    pub voice_name: Option<String>,
    /// The format, one that the model's provider makes: `wav`. Another one is refused.
    pub output_format: Option<String>,
}

/// Reads a request for speech. Errors: a field of another type, a model of another kind.
pub(super) fn read(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: SpeechRequest = typed(fields, "text")?;
    let model = SPEECH.model(catalog, asked.model)?;
    if asked.voice_name.as_ref().is_some_and(|name| name.chars().count() > VOICE_NAME_CHARS_MAX) {
        return Err(Problem::invalid(format!("voice_name must be at most {VOICE_NAME_CHARS_MAX} characters.")));
    }
    let text = asked.text.unwrap_or_default();
    let ask = Ask {
        characters: Some(Ask::length_of(&text)),
        voice: asked.voice_id,
        output_format: asked.output_format,
        ..Ask::default()
    };
    let inputs = Inputs { prompt: text, voice_name: asked.voice_name, ..Inputs::default() };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

/// Generate speech audio
///
/// Waits up to 60 seconds for the sound and answers 200 with the run that has ended, failed too; what
/// takes longer is answered 202 and found at `GET /v1/runs/{id}`. `Prefer: respond-async` answers at
/// once, `Prefer: wait=N` within N seconds.
#[utoipa::path(
    post, path = "/v1/audio/speech", operation_id = "audio.speech.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = SpeechRequest, example = json!({
        "text": "Introducing the new GenFire creative workflow.", "voice_id": "voice_abc123",
        "model": "speech.elevenlabs_turbo_v2_5",
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn speak(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &SPEECH, read).await
}
