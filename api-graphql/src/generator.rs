//! Generators: what there is, and making something with one.

use std::time::Duration;

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use mintmark_domain::catalog::{self, Dialect, FieldType, ImageInput, PreferenceValue};
use mintmark_domain::creation::Privacy;
use mintmark_domain::usecases::{Accepted, GeneratorRequest, IdempotencyKey, RunView};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::cost;
use crate::error::{GraphqlError, Result, named};
use crate::input::{check_text, check_urls};
use crate::model::Model;
use crate::state::ContextExt as _;

/// How long a mutation may wait for the end of its run.
const WAIT_SECONDS_MAX: i32 = 300;
/// The most reference images of one request; many a model takes fewer.
const REFERENCE_IMAGES_MAX: usize = 9;
/// The most reference videos of one request.
const REFERENCE_VIDEOS_MAX: usize = 3;
/// The longest name of a choice or a language.
const WORD_CHARS_MAX: usize = 100;

/// Whether a generator is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "mintmark_domain::catalog::GeneratorStatus")]
pub(crate) enum GeneratorStatus {
    /// Offered.
    Active,
    /// Listed for the curious, and cannot be run yet.
    Development,
}

/// Whether a generator takes an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "ImageInput", remote = "mintmark_domain::catalog::ImageInput")]
pub(crate) enum TakesImage {
    /// No.
    None,
    /// If the model does.
    Optional,
    /// It cannot do without.
    Required,
}

/// What a field of a text answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "FieldType", remote = "mintmark_domain::catalog::FieldType")]
pub(crate) enum Holds {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// One or more texts.
    StringList,
}

/// One of a generator's choices.
#[derive(SimpleObject)]
pub(crate) struct GeneratorOption {
    /// What requests send.
    value: String,
    /// For people.
    label: String,
}

/// A choice that a generator offers.
#[derive(SimpleObject)]
pub(crate) struct GeneratorChoice {
    /// For people.
    label: String,
    /// Taken where none is sent.
    default: String,
    /// What may be sent.
    options: Vec<GeneratorOption>,
}

impl From<&catalog::Preference> for GeneratorChoice {
    fn from(preference: &catalog::Preference) -> Self {
        let option = |option: &catalog::PreferenceOption| GeneratorOption {
            value: option.value.to_string(),
            label: option.label.clone(),
        };
        GeneratorChoice {
            label: preference.label.clone(),
            default: preference.default.to_string(),
            options: preference.options.iter().map(option).collect(),
        }
    }
}

/// A field of a generator's text answers.
#[derive(SimpleObject)]
pub(crate) struct GeneratorField {
    /// Its name.
    name: String,
    /// What it holds.
    r#type: Holds,
    /// What it means.
    description: String,
}

/// A generator.
pub(crate) struct Generator(pub catalog::Generator);

/// A generator: a prompt that somebody thought about, with choices, and the fields of its answers.
#[Object]
impl Generator {
    /// Its name in requests.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// For people.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// For people.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// One pictograph.
    async fn icon(&self) -> &str {
        &self.0.icon
    }

    /// Whether it is offered.
    async fn status(&self) -> GeneratorStatus {
        self.0.status.into()
    }

    /// What it makes: `text`, `img`, `video`, `audio`, `svg`.
    async fn media_type(&self) -> &str {
        self.0.media_type.as_str()
    }

    /// Slugs of others like it.
    async fn similar(&self) -> &[String] {
        &self.0.similar
    }

    /// The slug of the model that is taken where none is named.
    async fn default_model(&self) -> &str {
        &self.0.default_model
    }

    /// The models that it takes.
    #[graphql(complexity = "cost::rows(cost::CATALOG, child_complexity)")]
    async fn models(&self, ctx: &Context<'_>) -> Vec<Model> {
        let offered = ctx.core().catalog.offered_in(Dialect::Native);
        offered.filter(|model| self.0.capabilities.contains(&model.capability)).cloned().map(Model).collect()
    }

    /// Whether it takes an image.
    async fn image_input(&self) -> TakesImage {
        ImageInput::into(self.0.image_input)
    }

    /// Its first choice.
    async fn preference(&self) -> Option<GeneratorChoice> {
        self.0.preference.as_ref().map(Into::into)
    }

    /// Its second choice.
    async fn preference_two(&self) -> Option<GeneratorChoice> {
        self.0.preference_two.as_ref().map(Into::into)
    }

    /// The fields of a text answer; empty for other media.
    async fn fields(&self) -> Vec<GeneratorField> {
        let fields = self.0.fields.iter();
        fields
            .map(|field| GeneratorField {
                name: field.name.clone(),
                r#type: FieldType::into(field.field_type),
                description: field.description.clone(),
            })
            .collect()
    }
}

/// What to make with a generator. What is left out takes the generator's or the model's default.
#[derive(Clone, InputObject, Serialize)]
pub(crate) struct GenerateInput {
    /// The generator's slug.
    generator: String,
    /// The model: its slug, or what any of the REST dialects calls it.
    model: Option<String>,
    /// The prompt; for speech the text to be spoken. May be empty where an image says enough.
    #[graphql(default)]
    prompt: String,
    /// How many outputs.
    count: Option<i32>,
    /// A language code, of texts: `en-US`.
    language: Option<String>,
    /// 0 to 2, of texts.
    temperature: Option<f64>,
    /// One of the generator's choices.
    preference: Option<String>,
    /// One of its second choices.
    preference_two: Option<String>,
    /// `16:9`.
    aspect_ratio: Option<String>,
    /// Length of a video, in seconds.
    duration_seconds: Option<i32>,
    /// Whether a video has sound.
    generate_audio: Option<bool>,
    /// A source image; with `lastFrameUrl` the first frame.
    image_url: Option<String>,
    /// The last frame; goes with `imageUrl`.
    last_frame_url: Option<String>,
    /// Reference images, in the order in which the prompt names them.
    #[graphql(default)]
    reference_image_urls: Vec<String>,
    /// Reference videos.
    #[graphql(default)]
    reference_video_urls: Vec<String>,
    /// A reference sound.
    reference_audio_url: Option<String>,
    /// The video to edit or extend.
    source_video_url: Option<String>,
    /// Whether what is made is shown to nobody else. True if left out.
    #[graphql(default = true)]
    private: bool,
    /// A team of the caller's that it is made for, by its public integer id; its wallet pays where it says so.
    // Left out where it is not said: keys that were used before there were teams still find their runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<crate::scalar::Long>,
}

impl GenerateInput {
    /// Refuses what no generator would take.
    fn check(&self) -> Result<()> {
        check_text("prompt", &self.prompt)?;
        check_urls("referenceImageUrls", &self.reference_image_urls, REFERENCE_IMAGES_MAX)?;
        check_urls("referenceVideoUrls", &self.reference_video_urls, REFERENCE_VIDEOS_MAX)?;
        for (name, url) in [
            ("imageUrl", &self.image_url),
            ("lastFrameUrl", &self.last_frame_url),
            ("referenceAudioUrl", &self.reference_audio_url),
            ("sourceVideoUrl", &self.source_video_url),
        ] {
            check_urls(name, url.as_slice(), 1)?;
        }
        for (name, word) in
            [("language", &self.language), ("preference", &self.preference), ("preferenceTwo", &self.preference_two)]
        {
            if word.as_ref().is_some_and(|word| word.chars().count() > WORD_CHARS_MAX) {
                return Err(GraphqlError::argument(name, format!("must have at most {WORD_CHARS_MAX} characters")));
            }
        }
        Ok(())
    }

    fn temperature(&self) -> Result<Option<Decimal>> {
        let read = |number: f64| {
            let text = number.to_string();
            text.parse().map_err(|_| GraphqlError::argument("temperature", "must be a number from 0 to 2"))
        };
        self.temperature.map(read).transpose()
    }

    /// The use case's request.
    fn into_request(self, idempotency_key: Option<String>) -> Result<GeneratorRequest> {
        self.check()?;
        let temperature = self.temperature()?;
        // What makes two requests the same: everything but the key.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let idempotency =
            idempotency_key.map(|key| IdempotencyKey { key, method: "MUTATION".into(), path: "generate".into(), body });
        Ok(GeneratorRequest {
            dialect: Dialect::Native,
            generator: self.generator,
            model: self.model,
            prompt: self.prompt,
            privacy: if self.private { Privacy::Private } else { Privacy::Public },
            team: self.team.map(|team| team.0),
            count: self.count.map(i64::from),
            language: self.language,
            temperature,
            preference: self.preference.map(PreferenceValue::Text),
            preference_two: self.preference_two.map(PreferenceValue::Text),
            aspect_ratio: self.aspect_ratio,
            seconds: self.duration_seconds.map(Decimal::from),
            generate_audio: self.generate_audio,
            image: self.image_url,
            ending_frame: self.last_frame_url,
            reference_images: self.reference_image_urls,
            reference_videos: self.reference_video_urls,
            reference_audio: self.reference_audio_url,
            video: self.source_video_url,
            route: "mutation generate".into(),
            operation: "generate".into(),
            idempotency,
        })
    }
}

/// A field as [`GenerateInput`] calls it.
fn field_of(field: &'static str) -> &'static str {
    match field {
        "images" | "first_frame" => "imageUrl",
        "reference_videos" => "referenceVideoUrls",
        "reference_audio" => "referenceAudioUrl",
        "preference_two" => "preferenceTwo",
        other => named(other),
    }
}

/// Accepts a run of a generator.
pub(crate) async fn accept(
    ctx: &Context<'_>,
    input: GenerateInput,
    idempotency_key: Option<String>,
) -> Result<Accepted> {
    let request = input.into_request(idempotency_key)?;
    let accepted = ctx.core().generate(ctx.caller()?, request).await;
    accepted.map_err(|refusal| GraphqlError::refused(refusal, field_of))
}

/// For how long a mutation is to wait. Errors: longer than it may.
pub(crate) fn wait_of(seconds: Option<i32>) -> Result<Duration> {
    let seconds = seconds.unwrap_or(0);
    let known = u64::try_from(seconds).ok().filter(|_| seconds <= WAIT_SECONDS_MAX);
    let known = known.ok_or_else(|| GraphqlError::argument("waitSeconds", format!("must be 0 to {WAIT_SECONDS_MAX}")));
    known.map(Duration::from_secs)
}

/// The run once it has ended, or as it stands when there was no more time to wait.
pub(crate) async fn settled(ctx: &Context<'_>, accepted: Accepted, within: Duration) -> Result<RunView> {
    let core = ctx.core();
    if accepted.run.status().is_ended() || within.is_zero() {
        return Ok(core.opened(accepted.run_id, accepted.run).await?);
    }
    core.dispatch.ended(accepted.run_id, within).await;
    Ok(core.run_view(ctx.caller()?.account, accepted.run_id).await?)
}

/// A field of a text that was made: one of the three is there.
#[derive(SimpleObject)]
pub(crate) struct TextField {
    /// Its name; the generator says what it means.
    name: String,
    /// A text.
    text: Option<String>,
    /// A whole number.
    number: Option<crate::scalar::Long>,
    /// One or more texts.
    list: Option<Vec<String>>,
}

/// The fields of a text answer with their types, in the order of their names.
pub(crate) fn typed(fields: &serde_json::Map<String, serde_json::Value>) -> Vec<TextField> {
    let texts = |list: &Vec<serde_json::Value>| list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
    fields
        .iter()
        .map(|(name, value)| TextField {
            name: name.clone(),
            text: value.as_str().map(str::to_owned),
            number: value.as_u64().map(crate::scalar::Long),
            list: value.as_array().map(texts),
        })
        .collect()
}
