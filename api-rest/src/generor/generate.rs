//! `POST /generators/{slug}/generate`.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Capability, Catalog, Dialect};
use mintmark_domain::usecases::{
    Accepted, Caller, Core, GeneratorRequest, IdempotencyKey, Refusal, RunView, scope_to_generate,
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::answer::{Generated, answer};
use super::envelope::Success;
use super::fields::refused;
use super::values::{WordOrNumber, privacy, ratio};
use crate::AppState;
use crate::http::{Authenticated, Idempotency, JsonBody, LogPosition, Path, Prefer, Problem, Replayed};

/// How long an answer waits for the end (decision 12).
const WAIT_MAX: Duration = Duration::from_secs(300);
/// The longest address.
const URL_CHARS_MAX: usize = 2_048;
/// The most reference images of one request; many a model takes fewer.
const REFERENCE_IMAGES_MAX: usize = 9;
/// The most reference videos of one request.
const REFERENCE_VIDEOS_MAX: usize = 3;
/// The longest name of a choice or a language.
const WORD_CHARS_MAX: usize = 100;

/// What to generate. What a model has no use for is ignored where the document says so, and refused
/// where the output would not be what was asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct GenerateBody {
    /// The prompt; for speech the text to be spoken. May be missing where an image says enough.
    #[schema(max_length = 10000)]
    prompt: Option<String>,
    /// The model.
    model_id: i64,
    /// 0 public, 1 private; 0 if absent.
    #[schema(minimum = 0, maximum = 1)]
    privacy_mode: Option<i64>,
    /// A team of the caller's to create under.
    team_id: Option<i64>,
    /// How many outputs; 1 if absent.
    #[schema(minimum = 1, maximum = 10)]
    count: Option<i64>,
    /// A language code for texts; `auto` if absent.
    #[schema(examples("en-US", "nb-NO"))]
    language: Option<String>,
    /// 0.0 to 2.0, for texts.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 2)]
    temperature: Option<Number>,
    /// One of the generator's choices.
    preference: Option<WordOrNumber>,
    /// One of its second choices.
    preference_two: Option<WordOrNumber>,
    /// A number, a ratio or a name, by medium.
    aspect_ratio: Option<WordOrNumber>,
    /// A source image; with `ending_frame_url` the first frame.
    image_url: Option<String>,
    /// Seconds of video.
    seconds: Option<i64>,
    /// Whether a video is to have sound, where the model leaves the choice.
    generate_audio: Option<bool>,
    /// The last frame; goes with `image_url`.
    ending_frame_url: Option<String>,
    /// Reference images, in the order in which the prompt names them.
    #[schema(max_items = 9)]
    reference_images: Option<Vec<String>>,
    /// Reference videos.
    #[schema(max_items = 3)]
    reference_videos: Option<Vec<String>>,
    /// A reference sound.
    reference_audio: Option<String>,
    /// The video to edit or extend.
    video_url: Option<String>,
}

fn check_url(field: &str, url: Option<&str>) -> Result<(), Problem> {
    match url {
        Some(url) if url.is_empty() || url.len() > URL_CHARS_MAX => {
            Err(Problem::invalid(format!("{field} must be an address of at most {URL_CHARS_MAX} characters.")))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_urls(field: &str, urls: Option<&[String]>, max: usize) -> Result<(), Problem> {
    let urls = urls.unwrap_or_default();
    if urls.len() > max {
        return Err(Problem::invalid(format!("{field} may hold at most {max} addresses.")));
    }
    urls.iter().enumerate().try_for_each(|(at, url)| check_url(&format!("{field}[{at}]"), Some(url)))
}

fn check_word(field: &str, word: Option<String>) -> Result<(), Problem> {
    if word.is_some_and(|word| word.chars().count() > WORD_CHARS_MAX) {
        return Err(Problem::invalid(format!("{field} must be at most {WORD_CHARS_MAX} characters.")));
    }
    Ok(())
}

impl GenerateBody {
    /// What can be said of the fields without the model.
    fn check(&self) -> Result<(), Problem> {
        check_word("language", self.language.clone())?;
        check_word("preference", self.preference.as_ref().map(|choice| choice.0.to_string()))?;
        check_word("preference_two", self.preference_two.as_ref().map(|choice| choice.0.to_string()))?;
        check_url("image_url", self.image_url.as_deref())?;
        check_url("ending_frame_url", self.ending_frame_url.as_deref())?;
        check_url("video_url", self.video_url.as_deref())?;
        check_url("reference_audio", self.reference_audio.as_deref())?;
        check_urls("reference_images", self.reference_images.as_deref(), REFERENCE_IMAGES_MAX)?;
        check_urls("reference_videos", self.reference_videos.as_deref(), REFERENCE_VIDEOS_MAX)
    }

    fn temperature(&self) -> Result<Option<Decimal>, Problem> {
        let wrong = |_| Problem::invalid("temperature must be a number from 0.0 to 2.0.");
        let read = |number: &Number| {
            let text = number.to_string();
            text.parse().or_else(|_| Decimal::from_scientific(&text)).map_err(wrong)
        };
        self.temperature.as_ref().map(read).transpose()
    }

    fn team(&self) -> Result<Option<u64>, Problem> {
        let wrong = |_| Problem::invalid("team_id must be the id of a team of yours.");
        self.team_id.map(|id| u64::try_from(id).map_err(wrong)).transpose()
    }

    /// The request in the core's words.
    fn read(self, catalog: &Catalog, generator: String) -> Result<GeneratorRequest, Problem> {
        self.check()?;
        let model = u32::try_from(self.model_id).ok().and_then(|id| catalog.by_generor_id(id));
        let aspect_ratio = match (&self.aspect_ratio, model) {
            (Some(asked), Some(model)) => ratio(model.media_type(), asked)?,
            _ => None,
        };
        let (temperature, team) = (self.temperature()?, self.team()?);
        Ok(GeneratorRequest {
            dialect: Dialect::Generor,
            generator,
            model: Some(self.model_id.to_string()),
            prompt: self.prompt.unwrap_or_default(),
            privacy: privacy(self.privacy_mode.unwrap_or(0))?,
            team,
            count: self.count,
            language: self.language,
            temperature,
            preference: self.preference.map(|choice| choice.0),
            preference_two: self.preference_two.map(|choice| choice.0),
            aspect_ratio,
            seconds: self.seconds.map(Decimal::from),
            generate_audio: self.generate_audio,
            image: self.image_url,
            ending_frame: self.ending_frame_url,
            reference_images: self.reference_images.unwrap_or_default(),
            reference_videos: self.reference_videos.unwrap_or_default(),
            reference_audio: self.reference_audio,
            video: self.video_url,
            route: "POST /api/v1/generators/{slug}/generate".to_owned(),
            operation: "generators.generate".to_owned(),
            idempotency: None,
        })
    }
}

/// Generate content
///
/// Holds the price, generates, and answers when it is done; after 300 seconds, or sooner where `Prefer`
/// says so, with 202 and the ids that are still being made. What is not delivered is not charged; an
/// answer with a part of what was asked for lists what was delivered. Where nothing was: 400 if it was
/// withheld by moderation, else 500.
#[utoipa::path(
    post, path = "/api/v1/generators/{slug}/generate", operation_id = "generators.generate", tag = "Generators",
    params(
        ("slug" = String, Path, description = "The generator.", example = "joke"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request \
            under the same key finds what it made."),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, or `wait=` and seconds."),
    ),
    request_body(content = GenerateBody, example = json!({"prompt": "Tell me a joke about programming", "model_id": 3})),
    responses(
        (status = 201, description = "What was made.", body = Success<Generated>),
        (status = 202, description = "It is still being made.", body = Success<Generated>),
    ),
)]
pub(super) async fn generate(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(slug): Path<String>,
    idempotency: Idempotency,
    prefer: Prefer,
    JsonBody { value: body, bytes }: JsonBody<GenerateBody>,
) -> Result<Response, Problem> {
    let core = &state.core;
    let accepted = accept(core, &caller, slug, body, idempotency.with_body(&bytes)).await?;
    let accepted_at = LogPosition::confirmed(accepted.run_id.shard(), &accepted.confirmed);
    let parts = (Replayed(accepted.replayed), prefer.applied());
    let view = settled(core, &caller, accepted, prefer.wait_for(WAIT_MAX, WAIT_MAX)).await?;
    let payer = view.run.requested().map(|requested| requested.payer).ok_or(Refusal::NotFound("run"))?;
    let (remaining, read_at) = core.spendable(&caller, payer).await?;
    // Where what is shown was read, not where the request was accepted: whoever reads at it finds it so.
    let position = accepted_at.and(view.run_id.shard(), view.as_of).and(caller.account.shard(), Some(read_at));
    Ok((parts, position, answer(core, &view, remaining)).into_response())
}

/// Accepts the run, or finds the one that the same request made before: also where that request would
/// be refused by now, since the catalog has changed.
async fn accept(
    core: &Core,
    caller: &Caller,
    slug: String,
    body: GenerateBody,
    key: Option<IdempotencyKey>,
) -> Result<Accepted, Problem> {
    let generator = core.catalog.generator(&slug);
    // Which one is needed is known with the model; a key that has none of them is told so whatever it says.
    let scopes = Capability::ALL.map(scope_to_generate);
    if !scopes.iter().any(|scope| caller.require(*scope).is_ok()) {
        let usual = generator.and_then(|generator| generator.capabilities.first());
        caller.require(usual.map_or(Scope::WorkflowsWrite, |capability| scope_to_generate(*capability)))?;
    }
    let read = match generator {
        Some(_) => body.read(&core.catalog, slug),
        None => Err(Problem::not_found("Generator")),
    };
    match read {
        Ok(request) => core.generate(caller, GeneratorRequest { idempotency: key, ..request }).await,
        Err(problem) => match core.replay(caller, key.as_ref()).await {
            Ok(found) => return found.ok_or(problem),
            Err(refusal) => Err(refusal),
        },
    }
    .map_err(|refusal| refused(&refusal))
}

/// The run once it has ended, or as it stands when there was no more time to wait.
async fn settled(core: &Core, caller: &Caller, accepted: Accepted, within: Duration) -> Result<RunView, Problem> {
    let Accepted { run_id, run, .. } = accepted;
    if run.status().is_ended() || within.is_zero() {
        return Ok(core.opened(run_id, run).await?);
    }
    core.dispatch.ended(run_id, within).await;
    Ok(core.run_view(caller.account, run_id).await?)
}
