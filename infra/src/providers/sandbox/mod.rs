//! The sandbox: a provider that is built in. It makes real, valid media from prompt and seed (the same
//! of both makes the same), without a network, and can be asked to fail in every way that providers
//! fail.
//!
//! # Test cards
//! A prompt may hold any of these, in square brackets; they are taken out before anything is made.
//!
//! | card | what happens |
//! |---|---|
//! | `[sandbox:fail]` | the job fails for sure; nothing is charged |
//! | `[sandbox:refuse]` | the job is refused when it is handed over; nothing is charged |
//! | `[sandbox:moderate]`, `[sandbox:moderate=N]` | all outputs, or the last N, are withheld by moderation |
//! | `[sandbox:partial=N]` | only the first N outputs are made |
//! | `[sandbox:slow=SECONDS]` | it takes that long (at most an hour), and says how far it is |
//! | `[sandbox:hang]` | it never ends unless it is stopped |
//! | `[sandbox:stubborn]` | it cannot be stopped |
//! | `[sandbox:lost-reply]` | the work is done, the reply is lost; asking tells |
//! | `[sandbox:unknown]` | the reply is lost, and asking is never answered |
//! | `[sandbox:unsent]`, `[sandbox:unsent=N]` | the first attempt, or the first N, never arrive |
//! | `[sandbox:quality=low]` | the quality that is chosen where the request said `auto` (else `medium`) |
//! | `[sandbox:cost=AMOUNT]` | what the job is said to have cost, in US dollars |
//!
//! # Instant mode
//! [`Sandbox::instant`] stores one ready asset of each medium once and delivers that by reference: for
//! load tests, in which drawing is not what is measured.

mod answers;
mod cards;
mod jobs;
mod make;
mod rework;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mintmark_domain::catalog::{Capability, MediaType};
use mintmark_domain::ports::{
    AssetError, Assets, CancelReply, Job, Media, OutputReport, Probe, Provider, ProviderTraits, ProviderUnreachable,
    Report, Submission, SubmitError,
};
use mintmark_domain::run::FailureReason;

use cards::Cards;
pub use jobs::JobSummary;
use jobs::{JobState, Jobs, Known, request_id};

/// Settings of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSettings {
    /// The name under which routes know it.
    pub name: String,
    /// How many jobs may be under way at once.
    pub concurrency: usize,
    /// How many outputs are drawn at the same time; each takes a core.
    pub drawing_max: usize,
    /// How long a job may take in all.
    pub job_timeout: Duration,
    /// How many jobs that are over are kept with what they made: of those that were fetched, and of
    /// those that were not.
    pub kept_max: usize,
    /// How many bytes the outputs of jobs may take that were fetched.
    pub kept_bytes_max: usize,
    /// How many bytes outputs may take that were not fetched yet before nothing new is taken.
    pub unfetched_bytes_max: usize,
    /// How long outputs are kept for a client that does not fetch them. Longer than a client asks
    /// about a job.
    pub unfetched_kept_for: Duration,
    /// How many submissions are remembered after their jobs are gone.
    pub records_max: usize,
    /// Whether its jobs are gone with the process that handed them over: true in process, false where
    /// it is a process of its own.
    pub dies_with_node: bool,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        SandboxSettings {
            name: "sandbox".to_owned(),
            concurrency: 64,
            drawing_max: std::thread::available_parallelism().map_or(2, usize::from),
            job_timeout: Duration::from_secs(600),
            kept_max: 10_000,
            kept_bytes_max: 64 << 20,
            unfetched_bytes_max: 1 << 30,
            unfetched_kept_for: Duration::from_secs(25 * 3_600),
            records_max: 200_000,
            dies_with_node: true,
        }
    }
}

/// Ready assets in our storage, one of each medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstantAssets {
    image: String,
    video: String,
    audio: String,
}

impl InstantAssets {
    fn output(&self, job: &Job, prompt: &str, index: u32) -> OutputReport {
        let key = match job.parameters.media_type {
            // Of a transcript the recording is what counts, and it costs nothing to make.
            MediaType::Text if job.parameters.capability == Capability::Transcription => {
                return make::make(job, prompt, index);
            }
            MediaType::Text => return make::text(job, prompt, job.seed.wrapping_add(u64::from(index))),
            MediaType::Svg => return make::make(job, prompt, index),
            MediaType::Img => &self.image,
            MediaType::Video => &self.video,
            MediaType::Audio => &self.audio,
        };
        OutputReport::Media(Media::Stored(key.clone()))
    }
}

/// The sandbox, in process. Clones share their jobs.
#[derive(Clone)]
pub struct Sandbox {
    jobs: Arc<Jobs>,
}

/// What became of handing a job over, as the client is to see it.
pub(crate) enum Handed {
    /// Taken.
    Taken,
    /// It is to look as if it never arrived.
    Unsent,
    /// Refused for good.
    Refused(FailureReason),
    /// Taken, and the reply is to be lost.
    Lost,
    /// Not taken: what was made before waits to be fetched, and there is no room for more.
    Full,
}

impl Sandbox {
    /// A sandbox that makes media.
    #[must_use]
    pub fn new(settings: SandboxSettings) -> Self {
        Sandbox { jobs: Arc::new(Jobs::new(settings, None)) }
    }

    /// A sandbox that delivers ready assets by reference; stores them first.
    pub async fn instant(settings: SandboxSettings, assets: &dyn Assets) -> Result<Self, AssetError> {
        let mut keys = Vec::with_capacity(3);
        for media_type in [MediaType::Img, MediaType::Video, MediaType::Audio] {
            let made = tokio::task::spawn_blocking(move || make::ready(media_type)).await;
            let made = made.map_err(|error| AssetError::Unavailable(error.to_string()))?;
            let (extension, content_type, bytes) = made.map_err(|error| AssetError::Unavailable(error.to_string()))?;
            let key = format!("samples/instant.{extension}");
            keys.push(assets.put(&key, content_type, Bytes::from(bytes)).await?.key);
        }
        let [image, video, audio] = <[String; 3]>::try_from(keys).unwrap_or_default();
        Ok(Sandbox { jobs: Arc::new(Jobs::new(settings, Some(InstantAssets { image, video, audio }))) })
    }

    /// Every job that was handed over, with how often.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobSummary> {
        self.jobs.summaries()
    }

    /// The sandbox's own id of a job.
    pub(crate) fn request_id(client_id: &str) -> String {
        request_id(client_id)
    }

    /// Hands a job over.
    pub(crate) fn hand_over(&self, job: &Job) -> Handed {
        let (cards, prompt) = Cards::read(&job.prompt);
        if attempt_of(&job.client_id) <= cards.unsent {
            self.jobs.note_unsent(&job.client_id);
            return Handed::Unsent;
        }
        if cards.refuse {
            let message = "The sandbox was asked to refuse.".to_owned();
            return Handed::Refused(FailureReason { code: "provider_refused".into(), message });
        }
        let lost = cards.lost_reply || cards.unknown;
        if !self.jobs.take(job.clone(), cards, prompt) {
            return Handed::Full;
        }
        if lost { Handed::Lost } else { Handed::Taken }
    }

    /// Waits until a job is over, `within` at most.
    pub(crate) async fn over(&self, client_id: &str, within: Duration) {
        let Some(entry) = self.jobs.entry(client_id) else { return };
        let mut state = entry.state.subscribe();
        let over = state.wait_for(|state| !matches!(state, JobState::Running(_)));
        let _ = tokio::time::timeout(within, over).await;
    }

    /// What is known of a job.
    pub(crate) fn look(&self, client_id: &str) -> Result<Probe, ProviderUnreachable> {
        let entry = match self.jobs.find(client_id) {
            Known::Job(entry) => entry,
            Known::Gone => return Ok(Probe::Gone),
            Known::Never => return Ok(Probe::NotFound),
            Known::Forgotten => {
                let why = "the sandbox has forgotten so many jobs that it cannot say";
                return Err(ProviderUnreachable(why.into()));
            }
        };
        if entry.cards.unknown {
            return Err(ProviderUnreachable("the sandbox was asked not to answer".into()));
        }
        Ok(match &*entry.state.borrow() {
            JobState::Running(percent) => Probe::Running { progress: Some(*percent) },
            JobState::Finished(report) => Probe::Finished(Report::clone(report)),
            JobState::Failed(reason, cost) => Probe::Failed(reason.clone(), cost.clone()),
            JobState::Cancelled(report) => Probe::Cancelled(Report::clone(report)),
        })
    }

    /// Asks a job to stop.
    pub(crate) fn stop(&self, client_id: &str) -> CancelReply {
        match self.jobs.find(client_id) {
            Known::Job(entry) if self.jobs.stop(&entry) => CancelReply::Stopping,
            Known::Job(_) | Known::Gone => CancelReply::TooLate,
            Known::Never | Known::Forgotten => CancelReply::NotFound,
        }
    }

    /// The client was told how a job ended, without its files.
    pub(crate) fn told(&self, client_id: &str) {
        self.jobs.set_told(client_id);
    }

    /// The client was given a file of a job.
    pub(crate) fn file_fetched(&self, client_id: &str, index: usize) {
        self.jobs.set_file_fetched(client_id, index);
    }
}

/// Our own client ids end with the attempt's number; any other counts as a first attempt.
fn attempt_of(client_id: &str) -> u32 {
    client_id.rsplit_once('_').and_then(|(_, number)| number.parse().ok()).unwrap_or(1)
}

#[async_trait]
impl Provider for Sandbox {
    fn name(&self) -> &str {
        &self.jobs.settings.name
    }

    fn traits(&self) -> ProviderTraits {
        let settings = &self.jobs.settings;
        ProviderTraits {
            takes_client_ids: true,
            concurrency: settings.concurrency,
            // In process a job is handed over and done in one go.
            submit_timeout: settings.job_timeout,
            job_timeout: settings.job_timeout,
            poll_interval: Duration::from_millis(250),
            dies_with_node: settings.dies_with_node,
        }
    }

    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError> {
        match self.hand_over(job) {
            Handed::Taken => {}
            Handed::Unsent => return Err(SubmitError::NotSent("the sandbox was asked not to be there".into())),
            Handed::Refused(reason) => return Err(SubmitError::Refused(reason)),
            Handed::Lost => return Err(SubmitError::Unknown("the sandbox was asked to lose its reply".into())),
            Handed::Full => return Err(SubmitError::NotSent("the sandbox has no room for more".into())),
        }
        self.over(&job.client_id, self.jobs.settings.job_timeout).await;
        match self.probe(&job.client_id).await {
            Ok(Probe::Finished(report)) => Ok(Submission::Finished(report)),
            // How it ended otherwise is told to whoever asks.
            Ok(_) | Err(_) => Ok(Submission::Accepted { provider_request_id: request_id(&job.client_id) }),
        }
    }

    async fn probe(&self, client_id: &str) -> Result<Probe, ProviderUnreachable> {
        let known = self.look(client_id)?;
        // The report holds the files themselves.
        if !matches!(known, Probe::Running { .. }) {
            self.jobs.set_fetched(client_id);
        }
        Ok(known)
    }

    async fn cancel(&self, client_id: &str) -> Result<CancelReply, ProviderUnreachable> {
        Ok(self.stop(client_id))
    }
}
