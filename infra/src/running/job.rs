//! From a run to the job that its provider gets.

use std::time::Duration;

use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Catalog, Checked};
use mintmark_domain::ids::RunId;
use mintmark_domain::ports::{InputError, InputFetcher, InputMedia, InputRole, Job};
use mintmark_domain::run::{FailureReason, Inputs, RequestedRun};
use sha2::{Digest, Sha256};

/// The pause before an input that could not be reached is tried once more.
const INPUT_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A job without what belongs to one attempt.
pub(super) struct Draft {
    inputs: Inputs,
    media: Vec<InputMedia>,
}

/// Fetches what a run's inputs name. Errors: why the run fails, at no cost.
pub(super) async fn draft(
    fetcher: &dyn InputFetcher,
    inputs: Inputs,
    parameters: &Checked,
) -> Result<Draft, FailureReason> {
    let mut media = Vec::new();
    for (role, url) in wanted(&inputs, parameters) {
        let fetched = match fetcher.fetch(url).await {
            Err(InputError::Unreachable(_)) => {
                tokio::time::sleep(INPUT_RETRY_PAUSE).await;
                fetcher.fetch(url).await
            }
            other => other,
        };
        let fetched = fetched.map_err(|problem| unreachable(role, &problem))?;
        media.push(InputMedia { role, content_type: fetched.content_type, bytes: fetched.bytes });
    }
    Ok(Draft { inputs, media })
}

/// The inputs that the model uses, in the order of their roles.
fn wanted<'a>(inputs: &'a Inputs, parameters: &Checked) -> Vec<(InputRole, &'a str)> {
    let images = inputs.images.iter().take(parameters.images as usize);
    let references = inputs.reference_images.iter().take(parameters.references as usize);
    let videos = inputs.reference_videos.iter().take(parameters.reference_videos as usize);
    let mut wanted: Vec<(InputRole, &str)> = Vec::new();
    wanted.extend(images.map(|url| (InputRole::Image, url.as_str())));
    wanted.extend(references.map(|url| (InputRole::Reference, url.as_str())));
    wanted.extend(videos.map(|url| (InputRole::ReferenceVideo, url.as_str())));
    let singles = [
        (InputRole::ReferenceAudio, &inputs.reference_audio, parameters.reference_audio),
        (InputRole::SourceVideo, &inputs.source_video, parameters.source_video),
        (InputRole::FirstFrame, &inputs.first_frame, parameters.first_frame),
        (InputRole::LastFrame, &inputs.last_frame, parameters.last_frame),
    ];
    wanted.extend(singles.into_iter().filter_map(|(role, url, used)| {
        let url = url.as_deref().filter(|_| used)?;
        Some((role, url))
    }));
    wanted
}

fn unreachable(role: InputRole, problem: &InputError) -> FailureReason {
    let code = match problem {
        InputError::BadAddress(_) => "invalid_url",
        InputError::Forbidden => "forbidden_url",
        InputError::Unreachable(_) => "input_unreachable",
        InputError::TooLarge { .. } => "input_too_large",
    };
    let what = match role {
        InputRole::Image => "an image",
        InputRole::Reference => "a reference image",
        InputRole::ReferenceVideo => "a reference video",
        InputRole::ReferenceAudio => "the reference audio",
        InputRole::SourceVideo => "the source video",
        InputRole::FirstFrame => "the first frame",
        InputRole::LastFrame => "the last frame",
    };
    FailureReason { code: code.into(), message: format!("An input, {what}, could not be fetched.") }
}

impl Draft {
    /// The job of one attempt.
    pub fn job(
        &self,
        run: RunId,
        requested: &RequestedRun,
        catalog: &Catalog,
        client_id: String,
        submit_by: Timestamp,
    ) -> Job {
        let generator = requested.generator.as_deref().and_then(|slug| catalog.generator(slug));
        Job {
            client_id,
            model: requested.provider_model.clone(),
            parameters: requested.parameters.clone(),
            prompt: self.inputs.provider_prompt.clone().unwrap_or_else(|| self.inputs.prompt.clone()),
            asked: self.inputs.provider_prompt.is_some().then(|| self.inputs.prompt.clone()),
            fields: generator.map(|generator| generator.fields.clone()).unwrap_or_default(),
            generator: requested.generator.clone(),
            preferences: [requested.preference.clone(), requested.preference_two.clone()],
            media: self.media.clone(),
            seed: seed(run),
            submit_by,
        }
    }
}

/// The seed of a run: the same for each of its attempts, so that a second one makes the same.
fn seed(run: RunId) -> u64 {
    let digest = Sha256::digest(run.0.as_bytes());
    digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}
