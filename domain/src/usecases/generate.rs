//! Generating through a generator: its template filled, its preferences chosen, the inputs put in
//! their places, and the run accepted.

use rust_decimal::Decimal;

use super::accept_run::{Accepted, IdempotencyKey, RunRequest};
use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use super::team_wallet::ForTeam;
use crate::account::Scope;
use crate::catalog::{
    Ask, AskField, AskProblem, AskReason, Capability, Dialect, FieldProblem, Filling, Generator, GeneratorStatus,
    ImageInput, MediaType, Model, PreferenceValue,
};
use crate::creation::Privacy;
use crate::run::Inputs;

/// What is asked of a generator, in no dialect's words.
#[derive(Clone, Debug)]
pub struct GeneratorRequest {
    /// Whose names and limits apply; in no dialect's words Generor's limits, where it lists the model.
    pub dialect: Dialect,
    /// The generator's slug.
    pub generator: String,
    /// The model, by the dialect's name for it; the generator's own suggestion if absent.
    pub model: Option<String>,
    /// What the person wrote; may be empty where an image says enough. For speech what is spoken.
    pub prompt: String,
    /// Who may see what is made.
    pub privacy: Privacy,
    /// The public integer id of a team of the caller's that it is made for.
    pub team: Option<u64>,
    /// How many outputs.
    pub count: Option<i64>,
    /// A language code, of texts.
    pub language: Option<String>,
    /// 0 to 2, of texts.
    pub temperature: Option<Decimal>,
    /// The generator's first choice.
    pub preference: Option<PreferenceValue>,
    /// Its second.
    pub preference_two: Option<PreferenceValue>,
    /// `16:9`, …
    pub aspect_ratio: Option<String>,
    /// Seconds of output.
    pub seconds: Option<Decimal>,
    /// Whether a video is to have sound.
    pub generate_audio: Option<bool>,
    /// A source image; with an ending frame the first frame.
    pub image: Option<String>,
    /// The last frame.
    pub ending_frame: Option<String>,
    /// Reference images, in the order in which the prompt names them.
    pub reference_images: Vec<String>,
    /// Reference videos.
    pub reference_videos: Vec<String>,
    /// A reference sound.
    pub reference_audio: Option<String>,
    /// The video to edit or extend.
    pub video: Option<String>,
    /// Method and path template.
    pub route: String,
    /// The operation's name.
    pub operation: String,
    /// The key under which it may be said again.
    pub idempotency: Option<IdempotencyKey>,
}

/// What a key must be allowed to generate with a model of that capability (decision 17).
#[must_use]
pub fn scope_to_generate(capability: Capability) -> Scope {
    match capability {
        Capability::ImageGeneration
        | Capability::ImageEditing
        | Capability::ImageUpscaling
        | Capability::VectorGeneration => Scope::ImagesWrite,
        Capability::VideoGeneration | Capability::VideoUpscaling => Scope::VideosWrite,
        Capability::LipsyncGeneration => Scope::LipsyncWrite,
        Capability::SpeechGeneration
        | Capability::MusicGeneration
        | Capability::SoundEffectGeneration
        | Capability::Transcription => Scope::AudioWrite,
        Capability::ProductExtraction => Scope::ProductsWrite,
        Capability::TextGeneration | Capability::Vision => Scope::WorkflowsWrite,
    }
}

impl Core {
    /// Accepts a run of a generator. Errors: no such generator; one that is not offered yet, a model
    /// that it does not take, a choice that it does not have; whatever [`Core::accept_run`] refuses.
    pub async fn generate(&self, caller: &Caller, request: GeneratorRequest) -> Result<Accepted, Refusal> {
        let key = request.idempotency.clone();
        let run = match request.team {
            None => self.run_of(request, None),
            Some(number) => match self.for_team(caller, number).await {
                Ok(team) => self.run_of(request, Some(team)),
                Err(Refusal::NotFound(_)) => Err(Refusal::field("team_id", "must be the id of a team of yours")),
                Err(refusal) => Err(refusal),
            },
        };
        match run {
            Ok(run) => self.accept_run(caller, run).await,
            // A run that was accepted before stays found, whatever its generator takes by now.
            Err(refusal) => self.replay(caller, key.as_ref()).await?.ok_or(refusal),
        }
    }

    /// The run that a generator makes of a request. Nothing is held, fetched or decided here.
    fn run_of(&self, request: GeneratorRequest, team: Option<ForTeam>) -> Result<RunRequest, Refusal> {
        let generator = self.catalog.generator(&request.generator).ok_or(Refusal::NotFound("generator"))?;
        if generator.status != GeneratorStatus::Active {
            return Err(Refusal::Field {
                field: "generator",
                code: "generator_unavailable",
                message: format!("{} is in development and cannot be run yet", generator.slug),
            });
        }
        let model = self.model_for(generator, &request)?;
        let name = model.name_in(request.dialect).ok_or(AskProblem::new(AskField::Model, AskReason::NotOffered))?;
        check_image(generator, &request)?;
        let provider_prompt = told(generator, model, &request)?;
        let chosen = [
            chosen(generator.preference.as_ref(), request.preference.as_ref()),
            chosen(generator.preference_two.as_ref(), request.preference_two.as_ref()),
        ];
        let [preference, preference_two] = chosen;
        let scope = scope_to_generate(model.capability);
        let inputs = inputs(
            request.prompt,
            provider_prompt,
            &Sources {
                image: request.image,
                ending_frame: request.ending_frame,
                reference_images: request.reference_images,
                reference_videos: request.reference_videos,
                reference_audio: request.reference_audio,
                video: request.video,
            },
        );
        let ask = Ask {
            aspect_ratio: request.aspect_ratio,
            count: request.count,
            duration_seconds: request.seconds,
            generate_audio: request.generate_audio,
            language: request.language,
            temperature: request.temperature,
            ..ask_of(&inputs)
        };
        Ok(RunRequest {
            dialect: request.dialect,
            model: name,
            ask,
            inputs,
            generator: Some(generator.slug.clone()),
            preference,
            preference_two,
            privacy: request.privacy,
            route: request.route,
            operation: request.operation,
            scope,
            team,
            workflow: None,
            idempotency: request.idempotency,
        })
    }

    /// The model that was named, or the generator's own. Errors: not offered, or not one that the
    /// generator takes; names those that it does.
    fn model_for(&self, generator: &Generator, request: &GeneratorRequest) -> Result<&Model, Refusal> {
        let found = match &request.model {
            Some(name) => self.catalog.find(request.dialect, name),
            None => self.catalog.model(&generator.default_model),
        };
        let model = found.ok_or(AskProblem::new(AskField::Model, AskReason::NotOffered))?;
        if generator.capabilities.contains(&model.capability) {
            return Ok(model);
        }
        let taken = self
            .catalog
            .offered_in(request.dialect)
            .filter(|model| generator.capabilities.contains(&model.capability))
            .filter_map(|model| model.name_in(request.dialect));
        Err(AskProblem::new(AskField::Model, AskReason::NotAllowed).allowing(taken).into())
    }
}

/// Whether the generator gets the image that it needs, and none that it does not take.
fn check_image(generator: &Generator, request: &GeneratorRequest) -> Result<(), Refusal> {
    match (generator.image_input, &request.image, &request.ending_frame) {
        (ImageInput::Required, None, _) => Err(AskProblem::new(AskField::Images, AskReason::Required).into()),
        (ImageInput::None, Some(_), _) => Err(AskProblem::new(AskField::Images, AskReason::TooMany { max: 0 }).into()),
        (ImageInput::None, None, Some(_)) => {
            Err(AskProblem::new(AskField::LastFrame, AskReason::TooMany { max: 0 }).into())
        }
        (ImageInput::Required | ImageInput::Optional | ImageInput::None, _, _) => Ok(()),
    }
}

/// What the model is told; `None` where that is the person's own words.
fn told(generator: &Generator, model: &Model, request: &GeneratorRequest) -> Result<Option<String>, Refusal> {
    // Only a text has a language; a code that came along with anything else is not judged, so it is
    // not passed on either.
    let language = match model.media_type() {
        MediaType::Text => request.language.as_deref().unwrap_or_default(),
        MediaType::Img | MediaType::Video | MediaType::Audio | MediaType::Svg => "",
    };
    let filling = Filling {
        prompt: &request.prompt,
        language,
        preference: request.preference.as_ref(),
        preference_two: request.preference_two.as_ref(),
    };
    let told = generator.render(filling).map_err(unknown_choice)?;
    Ok((told != request.prompt.trim()).then_some(told))
}

fn unknown_choice(problem: FieldProblem) -> Refusal {
    let field = if problem.field == "preference_two" { "preference_two" } else { "preference" };
    let message = format!("{}. Allowed: {}", problem.problem, problem.allowed.join(", "));
    Refusal::Field { field, code: "unsupported_value", message }
}

/// The choice that was made, as the books keep it: one of the generator's own, never the caller's text.
fn chosen(preference: Option<&crate::catalog::Preference>, asked: Option<&PreferenceValue>) -> Option<String> {
    preference.and_then(|preference| preference.choose(asked)).map(|option| option.value.to_string())
}

/// The addresses that came with a request.
struct Sources {
    image: Option<String>,
    ending_frame: Option<String>,
    reference_images: Vec<String>,
    reference_videos: Vec<String>,
    reference_audio: Option<String>,
    video: Option<String>,
}

/// Puts each address in its place: an image with an ending frame is the first frame, alone it is the
/// source.
fn inputs(prompt: String, provider_prompt: Option<String>, sources: &Sources) -> Inputs {
    let with_frames = sources.ending_frame.is_some();
    let (first_frame, images) = match &sources.image {
        Some(image) if with_frames => (Some(image.clone()), Vec::new()),
        image => (None, image.iter().cloned().collect()),
    };
    Inputs {
        prompt,
        provider_prompt,
        images,
        reference_images: sources.reference_images.clone(),
        reference_videos: sources.reference_videos.clone(),
        reference_audio: sources.reference_audio.clone(),
        source_video: sources.video.clone(),
        first_frame,
        last_frame: sources.ending_frame.clone(),
        ..Inputs::default()
    }
}

/// An ask for these inputs and nothing else.
fn ask_of(inputs: &Inputs) -> Ask {
    let count = |list: &[String]| u32::try_from(list.len()).unwrap_or(u32::MAX);
    Ask {
        images: count(&inputs.images),
        references: count(&inputs.reference_images),
        source_video: inputs.source_video.is_some(),
        first_frame: inputs.first_frame.is_some(),
        last_frame: inputs.last_frame.is_some(),
        reference_videos: count(&inputs.reference_videos),
        reference_audio: inputs.reference_audio.is_some(),
        ..Ask::prompt(Ask::length_of(&inputs.prompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(image: Option<&str>, ending_frame: Option<&str>) -> Sources {
        Sources {
            image: image.map(str::to_owned),
            ending_frame: ending_frame.map(str::to_owned),
            reference_images: vec!["r".to_owned()],
            reference_videos: vec![],
            reference_audio: None,
            video: None,
        }
    }

    #[test]
    fn an_image_with_an_ending_frame_is_the_first_frame() {
        let both = inputs("p".into(), None, &sources(Some("a"), Some("b")));
        assert_eq!((both.first_frame.as_deref(), both.last_frame.as_deref()), (Some("a"), Some("b")));
        assert!(both.images.is_empty());
        let ask = ask_of(&both);
        assert!(ask.first_frame && ask.last_frame && ask.images == 0 && ask.references == 1);
    }

    #[test]
    fn an_image_alone_is_the_source() {
        let one = inputs(" ".into(), None, &sources(Some("a"), None));
        assert_eq!(one.images, ["a"]);
        assert_eq!(one.first_frame, None);
        let ask = ask_of(&one);
        assert_eq!((ask.images, ask.prompt_chars), (1, Some(0)), "a blank prompt is none");
    }

    #[test]
    fn an_ending_frame_alone_is_left_without_its_partner() {
        let ask = ask_of(&inputs("p".into(), None, &sources(None, Some("b"))));
        assert!(ask.last_frame && !ask.first_frame);
    }
}
