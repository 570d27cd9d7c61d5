//! `POST /audio/music` and `POST /audio/sfx`.

use axum::extract::State;
use axum::response::Response;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Ask, Capability, Catalog, Choices};
use mintmark_domain::run::Inputs;
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use super::asked::{Asked, Operation, bounded, decimal, typed};
use super::run::RunResource;
use super::submit::Submission;
use crate::http::{Authenticated, Idempotency, JsonBody, Prefer, Problem};
use crate::state::AppState;

/// The longest text that says what is not to be heard.
const NEGATIVE_PROMPT_CHARS_MAX: usize = 5_000;

/// Music.
pub(super) const MUSIC: Operation = Operation {
    name: "audio.music.create",
    route: "POST /v1/audio/music",
    capability: Capability::MusicGeneration,
    scope: Scope::AudioWrite,
    waits: true,
};

/// Sound effects.
pub(super) const EFFECTS: Operation = Operation {
    name: "audio.sfx.create",
    route: "POST /v1/audio/sfx",
    capability: Capability::SoundEffectGeneration,
    scope: Scope::AudioWrite,
    waits: true,
};

/// A request for music.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct MusicRequest {
    /// What to play; at most the model's `prompt_max_length`, or 20,000 characters.
    #[schema(required = true, value_type = String, min_length = 1, max_length = 20000)]
    pub prompt: Option<String>,
    /// A music model's alias.
    #[schema(default = "music.elevenlabs_music_v1")]
    pub model: Option<String>,
    /// Seconds, 1 to the model's `max_duration_seconds`. Ignored by Lyria 3 Pro, whose songs have a
    /// length of their own.
    #[schema(value_type = Option<f64>, default = 30, minimum = 1, maximum = 300)]
    pub duration_seconds: Option<Number>,
    /// Whether `details` of the music are wanted: tempo, key, sections. ElevenLabs only; ignored
    /// otherwise.
    #[schema(default = false)]
    pub include_details: Option<bool>,
    /// Whether each section says when it begins and ends; only with `include_details`.
    #[schema(default = false)]
    pub with_timestamps: Option<bool>,
    /// Whether nobody is to sing. ElevenLabs only; ignored otherwise.
    pub force_instrumental: Option<bool>,
    /// A picture whose mood the music takes. Lyria 3 Pro only; refused otherwise.
    #[schema(format = "uri")]
    pub image_url: Option<String>,
    /// What is not to be heard. Lyria 3 Pro only; refused otherwise.
    #[schema(max_length = 5000)]
    pub negative_prompt: Option<String>,
    /// The format, one that the model's provider makes: `wav`. Another one is refused.
    pub output_format: Option<String>,
}

/// A request for a sound effect.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SoundEffectRequest {
    /// What is to be heard; 1 to 20,000 characters.
    #[schema(required = true, value_type = String, min_length = 1, max_length = 20000)]
    pub prompt: Option<String>,
    /// A sound effect model's alias.
    #[schema(default = "sfx.elevenlabs_v1")]
    pub model: Option<String>,
    /// Seconds, 1 to the model's `max_duration_seconds`; 5 if not given.
    #[schema(value_type = Option<f64>, default = 5, minimum = 1, maximum = 30)]
    pub duration_seconds: Option<Number>,
    /// The format, one that the model's provider makes: `wav`. Another one is refused.
    pub output_format: Option<String>,
    /// How closely the prompt is followed.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1)]
    pub prompt_influence: Option<Number>,
    /// Whether the end runs into the beginning, so that it can be played again and again.
    #[schema(default = false)]
    pub r#loop: Option<bool>,
}

/// Reads a request for music. Errors: a field of another type, a model of another kind.
pub(super) fn read_music(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: MusicRequest = typed(fields, "prompt")?;
    let model = MUSIC.model(catalog, asked.model)?;
    bounded("negative_prompt", asked.negative_prompt.as_deref(), NEGATIVE_PROMPT_CHARS_MAX)?;
    let negative_prompt = asked.negative_prompt.filter(|text| !text.trim().is_empty());
    let prompt = asked.prompt.unwrap_or_default();
    let images: Vec<String> = asked.image_url.into_iter().collect();
    let ask = Ask {
        prompt_chars: Some(Ask::length_of(&prompt)),
        duration_seconds: decimal("duration_seconds", asked.duration_seconds)?,
        output_format: asked.output_format,
        images: u32::try_from(images.len()).unwrap_or(u32::MAX),
        choices: Choices {
            instrumental: asked.force_instrumental.unwrap_or(false),
            details: asked.include_details.unwrap_or(false),
            timestamps: asked.with_timestamps.unwrap_or(false),
            negative_prompt: negative_prompt.is_some(),
            ..Choices::default()
        },
        ..Ask::default()
    };
    let inputs = Inputs { prompt, images, negative_prompt, ..Inputs::default() };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

/// Reads a request for a sound effect. Errors: a field of another type, a model of another kind.
pub(super) fn read_effect(catalog: &Catalog, fields: Map<String, Value>) -> Result<Asked, Problem> {
    let asked: SoundEffectRequest = typed(fields, "prompt")?;
    let model = EFFECTS.model(catalog, asked.model)?;
    let prompt = asked.prompt.unwrap_or_default();
    let ask = Ask {
        prompt_chars: Some(Ask::length_of(&prompt)),
        duration_seconds: decimal("duration_seconds", asked.duration_seconds)?,
        output_format: asked.output_format,
        choices: Choices {
            prompt_influence: decimal("prompt_influence", asked.prompt_influence)?,
            seamless: asked.r#loop.unwrap_or(false),
            ..Choices::default()
        },
        ..Ask::default()
    };
    let inputs = Inputs { prompt, ..Inputs::default() };
    Ok(Asked { model, ask, inputs, images_field: "image_url", attached: None })
}

/// Generate music
///
/// Waits up to 60 seconds for the music and answers 200 with the run that has ended, failed too; what
/// takes longer is answered 202 and found at `GET /v1/runs/{id}`. `Prefer: respond-async` answers at
/// once, `Prefer: wait=N` within N seconds.
#[utoipa::path(
    post, path = "/v1/audio/music", operation_id = "audio.music.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = MusicRequest, example = json!({
        "prompt": "Confident electronic music bed for a product launch video",
        "model": "music.elevenlabs_music_v1", "duration_seconds": 30, "include_details": false,
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn music(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &MUSIC, read_music).await
}

/// Generate sound effects
///
/// Waits up to 60 seconds for the sound and answers 200 with the run that has ended, failed too; what
/// takes longer is answered 202 and found at `GET /v1/runs/{id}`. `Prefer: respond-async` answers at
/// once, `Prefer: wait=N` within N seconds.
#[utoipa::path(
    post, path = "/v1/audio/sfx", operation_id = "audio.sfx.create", tag = "Generation",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 255 printable characters. The same key and body \
         again find the same run.", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=N`"),
    ),
    request_body(content = SoundEffectRequest, example = json!({
        "prompt": "Heavy metal door slam in a large warehouse", "model": "sfx.elevenlabs_v1", "duration_seconds": 4,
    })),
    responses(
        (status = 200, description = "The run has ended.", body = RunResource),
        (status = 202, description = "The run is queued or under way.", body = RunResource),
    ),
)]
pub(super) async fn effect(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    idempotency: Idempotency,
    prefer: Prefer,
    body: JsonBody,
) -> Result<Response, Problem> {
    Submission { caller, idempotency, prefer, body }.answer(&state, &EFFECTS, read_effect).await
}
