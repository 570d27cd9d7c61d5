//! From a run as the core knows it to GenFire's resource.

use std::collections::HashMap;

use chrono::TimeDelta;
use mintmark_domain::catalog::{Capability, Catalog, Checked, Dialect, MediaType};
use mintmark_domain::creation::Output;
use mintmark_domain::ids::{CreationId, RunId, SealedId};
use mintmark_domain::ports::Links;
use mintmark_domain::run::{FailureReason, Inputs, OutputOutcome, RequestedRun, RunStatus};
use mintmark_domain::usecases::{RunView, TRANSCRIBED_AUDIO};
use mintmark_domain::{Credits, Timestamp};
use mintmark_projections::generation::Run;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::order::ordered;
use super::run::{
    AudioOutput, ImageFile, ImageSummary, ImagesOutput, InputSummary, OtherSummary, PageSummary, RunFailure, RunOutput,
    RunResource, RunState, RunUsage, SpeechSummary, VideoOutput, VideoSummary,
};
use super::summaries::{self, MentionObject, TranscriptOutput};
use super::values::Moment;

/// What mapping needs besides the run.
#[derive(Clone, Copy)]
pub struct Mapper<'a> {
    /// Knows the models' aliases.
    pub catalog: &'a Catalog,
    /// Makes addresses.
    pub links: &'a dyn Links,
    /// The moment from which signed addresses are good for a while.
    pub now: Timestamp,
    /// For how long they are good; as long as usual if absent.
    pub addresses_last: Option<TimeDelta>,
}

impl From<RunStatus> for RunState {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::None | RunStatus::Queued => RunState::Queued,
            RunStatus::Running | RunStatus::OutcomeUnknown => RunState::Processing,
            RunStatus::Succeeded => RunState::Completed,
            RunStatus::Failed | RunStatus::Cancelled => RunState::Failed,
        }
    }
}

/// What is shown of a run, wherever it was read from.
#[derive(Clone, Debug)]
pub struct RunFacts<'a> {
    /// Its id.
    pub id: RunId,
    /// All that was requested.
    pub requested: &'a RequestedRun,
    /// Prompt and addresses; empty once its owner was erased.
    pub inputs: &'a Inputs,
    /// Where it stands.
    pub status: RunStatus,
    /// What was captured; `None` until it has ended.
    pub captured: Option<Credits>,
    /// Why nothing was delivered.
    pub failure: Option<&'a FailureReason>,
    /// The provider's id.
    pub provider_request_id: Option<&'a str>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What it delivered and is still there, in order.
    pub delivered: Vec<Delivered<'a>>,
    /// Whether it delivered anything, deleted or not.
    pub has_delivered: bool,
}

/// One output that was delivered.
#[derive(Clone, Debug)]
pub struct Delivered<'a> {
    /// Its id.
    pub id: CreationId,
    /// What it is.
    pub output: &'a Output,
    /// Whether everybody may see it.
    pub public: bool,
    /// Its typed fields, of a text; of a file what its provider said of it.
    pub fields: Option<&'a Map<String, Value>>,
}

impl<'a> RunFacts<'a> {
    /// A run at the log's confirmed end; `None` for one that was never requested.
    #[must_use]
    pub fn of_view(view: &'a RunView) -> Option<Self> {
        let run = &view.run;
        let requested = run.requested()?;
        let made = view.creations.iter().zip(&requested.creations).filter(|(view, _)| !view.creation.is_deleted());
        let delivered = made.filter_map(|(view, reference)| {
            let (output, public) = (view.creation.output()?, view.creation.is_public());
            Some(Delivered { id: reference.id, output, public, fields: view.fields.as_ref() })
        });
        Some(RunFacts {
            id: view.run_id,
            requested,
            inputs: &view.inputs,
            status: run.status(),
            captured: run.ending().map(|ending| ending.captured),
            failure: run.failure(),
            provider_request_id: run.attempt().and_then(|attempt| attempt.provider_request_id.as_deref()),
            updated_at: run.changed_at().unwrap_or(requested.at),
            completed_at: run.ending().map(|ending| ending.at),
            delivered: delivered.collect(),
            has_delivered: run.outputs().contains(&OutputOutcome::Delivered),
        })
    }

    /// A row of the read models. `texts` holds what was sealed of it, opened.
    #[must_use]
    pub fn of_row(row: &'a Run, inputs: &'a Inputs, texts: &'a HashMap<SealedId, Map<String, Value>>) -> Self {
        let delivered = row.creations.iter().filter(|creation| !creation.deleted).filter_map(|creation| {
            let output = creation.output.as_ref()?;
            let fields = output.sealed().and_then(|sealed| texts.get(&sealed));
            Some(Delivered { id: creation.id, output, public: creation.is_public(), fields })
        });
        RunFacts {
            id: row.id,
            requested: &row.request,
            inputs,
            status: row.status,
            captured: row.captured,
            failure: row.failure.as_ref(),
            provider_request_id: row.provider_request_id.as_deref(),
            updated_at: row.updated_at,
            completed_at: row.completed_at,
            delivered: delivered.collect(),
            has_delivered: row.creations.iter().any(|creation| creation.output.is_some()),
        }
    }
}

impl Mapper<'_> {
    /// The resource of a run.
    #[must_use]
    pub fn run(&self, run: &RunFacts<'_>) -> RunResource {
        let requested = run.requested;
        let id = run.id.to_string();
        RunResource {
            request_id: id.clone(),
            id,
            object: "run",
            status: run.status.into(),
            capability: requested.capability_shown(),
            endpoint: requested.operation.clone(),
            model: requested.model_shown().map(|slug| self.alias(slug)),
            input_summary: self.summary(requested.workflow.as_deref(), &requested.parameters, run.inputs),
            output: self.delivered(run),
            usage: run.captured.filter(|_| run.has_delivered).map(|captured| RunUsage { credits: captured.into() }),
            error: run
                .failure
                .map(|failure| RunFailure { code: failure.code.clone(), message: failure.message.clone() }),
            resource_id: resource_id(requested),
            provider_request_id: run.provider_request_id.map(ToOwned::to_owned),
            created_at: Moment(requested.at),
            updated_at: Moment(run.updated_at),
            completed_at: run.completed_at.map(Moment),
        }
    }

    /// GenFire's alias of a model; its slug where it is not offered here, as for a run that came
    /// through another door.
    #[must_use]
    pub fn alias(&self, slug: &str) -> String {
        let alias = self.catalog.model(slug).and_then(|model| model.name_in(Dialect::Genfire));
        alias.unwrap_or_else(|| slug.to_owned())
    }

    /// What was asked for, in the words of its kind: a workflow's fields, a page, what a model was asked.
    pub(super) fn summary(&self, workflow: Option<&str>, asked: &Checked, inputs: &Inputs) -> InputSummary {
        match (workflow, &inputs.page) {
            (Some(key), _) => {
                let mut given = inputs.fields.clone().unwrap_or_default();
                given.insert("workflow".to_owned(), key.into());
                let example = self.catalog.workflow(key).map_or("{", |workflow| workflow.example_request.text().trim());
                let like = example.replacen('{', "{\"workflow\":\"\",", 1);
                written(&Value::Object(given), &like).map_or_else(
                    || InputSummary::Other(OtherSummary { prompt: inputs.prompt.clone(), model: key.to_owned() }),
                    InputSummary::Workflow,
                )
            }
            (None, Some(url)) => InputSummary::Page(PageSummary { url: url.clone() }),
            (None, None) => self.input_summary(asked, inputs),
        }
    }

    /// What was delivered, that of workflows and pages in the document's order.
    fn delivered(&self, run: &RunFacts<'_>) -> Option<RunOutput> {
        let (requested, output) = (run.requested, self.output(run)?);
        let RunOutput::Text(fields) = output else { return Some(output) };
        let workflow = requested.workflow.as_deref().and_then(|key| self.catalog.workflow(key));
        let like = match workflow {
            Some(workflow) => workflow.example_output.text(),
            None if requested.parameters.capability == Capability::ProductExtraction => EXTRACTED,
            None => return Some(RunOutput::Text(fields)),
        };
        let shown = Value::Object(fields);
        match (written(&shown, like), shown) {
            (Some(ordered), _) => Some(RunOutput::Ordered(ordered)),
            (None, Value::Object(fields)) => Some(RunOutput::Text(fields)),
            (None, _) => None,
        }
    }

    /// What a model was asked for.
    pub(super) fn input_summary(&self, asked: &Checked, inputs: &Inputs) -> InputSummary {
        let model = self.alias(&asked.model);
        let prompt = inputs.prompt.clone();
        match asked.capability {
            Capability::ImageGeneration => InputSummary::Image(ImageSummary {
                prompt,
                model,
                aspect_ratio: asked.aspect_ratio.clone(),
                count: asked.count,
                source_images: some_of(asked.images),
                quality: asked.quality.clone(),
                resolution: asked.resolution.clone(),
                mentions: inputs.mentions.iter().map(MentionObject::from).collect(),
            }),
            Capability::VideoGeneration => InputSummary::Video(VideoSummary {
                prompt,
                model,
                aspect_ratio: asked.aspect_ratio.clone(),
                duration: asked.duration_seconds.map(Into::into),
                has_image: asked.images > 0,
                generate_audio: asked.generate_audio,
                resolution: asked.resolution.clone(),
                has_source_video: asked.source_video.then_some(true),
                reference_images: some_of(asked.references),
                has_frames: asked.first_frame.then_some(true),
            }),
            Capability::SpeechGeneration => InputSummary::Speech(SpeechSummary {
                text: prompt,
                voice_id: asked.voice.clone(),
                model,
                voice_name: inputs.voice_name.clone(),
                output_format: asked.output_format.clone(),
            }),
            Capability::ImageEditing
            | Capability::VideoUpscaling
            | Capability::LipsyncGeneration
            | Capability::MusicGeneration
            | Capability::SoundEffectGeneration
            | Capability::Transcription => summaries::of(model, asked, inputs),
            Capability::TextGeneration
            | Capability::Vision
            | Capability::ImageUpscaling
            | Capability::VectorGeneration
            | Capability::ProductExtraction => InputSummary::Other(OtherSummary { prompt, model }),
        }
    }

    /// What was delivered and is still there; `None` where nothing is.
    fn output(&self, run: &RunFacts<'_>) -> Option<RunOutput> {
        let (parameters, delivered) = (&run.requested.parameters, &run.delivered);
        let first = delivered.first()?;
        match parameters.media_type {
            MediaType::Img | MediaType::Svg => {
                let files = delivered.iter().filter_map(|made| self.file(made));
                let images: Vec<ImageFile> = files.map(|file| ImageFile { url: file.url }).collect();
                let output_url = images.first()?.url.clone();
                Some(RunOutput::Images(ImagesOutput { images, output_url }))
            }
            MediaType::Video => {
                let file = self.file(first)?;
                Some(RunOutput::Video(VideoOutput {
                    video_id: video_id(first.id),
                    video_url: file.url.clone(),
                    duration: file.seconds.map(Into::into),
                    output_url: file.url,
                }))
            }
            MediaType::Audio => {
                let file = self.file(first)?;
                Some(RunOutput::Audio(AudioOutput {
                    audio_id: format!("audio_{}", first.id.hex()),
                    audio_url: file.url,
                    duration: file.seconds.map(Into::into),
                    details: first.fields.cloned(),
                }))
            }
            MediaType::Text if parameters.capability == Capability::Transcription => {
                let fields = first.fields?;
                // Taken out of a video it is ours; a sound stays where its owner has it.
                let kept = fields.get(TRANSCRIBED_AUDIO).and_then(Value::as_str);
                let audio_url = kept.map(|key| self.signed(key));
                let audio_url = audio_url.or_else(|| run.inputs.input_audio.clone());
                let transcript_id = format!("audio_{}", first.id.hex());
                Some(RunOutput::Transcript(Box::new(TranscriptOutput::of(transcript_id, fields, audio_url))))
            }
            MediaType::Text => first.fields.cloned().map(RunOutput::Text),
        }
    }

    fn signed(&self, key: &str) -> String {
        match self.addresses_last {
            None => self.links.signed(key, self.now),
            Some(lifetime) => self.links.signed_for(key, self.now, lifetime),
        }
    }

    fn file(&self, made: &Delivered<'_>) -> Option<File> {
        match made.output {
            Output::Asset { key, duration_ms, .. } => {
                let url = if made.public { self.links.public(key) } else { self.signed(key) };
                let seconds = duration_ms.map(|ms| Decimal::new(i64::try_from(ms).unwrap_or(i64::MAX), 3));
                Some(File { url, seconds })
            }
            Output::Text { .. } => None,
        }
    }
}

/// The order of what is said of a page.
const EXTRACTED: &str = r#"{"product": {"success": true, "title": "", "description": "", "category": "", "price": "",
    "images": []}, "cached": false}"#;

/// In the order of an example.
fn written(value: &Value, like: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(ordered(value, like)).ok()
}

/// A file that can be fetched.
struct File {
    url: String,
    seconds: Option<Decimal>,
}

fn some_of(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

fn video_id(creation: CreationId) -> String {
    format!("video_{}", creation.hex())
}

/// A video has an id of its own from the start; the document prints none for anything else, not even for
/// one that is enlarged.
fn resource_id(requested: &RequestedRun) -> Option<String> {
    match requested.parameters.media_type {
        MediaType::Video if requested.parameters.capability == Capability::VideoUpscaling => None,
        MediaType::Video => requested.creations.first().map(|creation| video_id(creation.id)),
        MediaType::Text | MediaType::Img | MediaType::Audio | MediaType::Svg => None,
    }
}
