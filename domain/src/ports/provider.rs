//! Providers: who carries runs out. One port; the sandbox and every real provider stand behind it.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::running::{FetchedInput, InputKind};
use crate::Timestamp;
use crate::catalog::{Checked, OutputField};
use crate::ids::AccountId;
use crate::run::{FailureReason, ReportedCost};

/// What an input is to the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputRole {
    /// An image to work on.
    Image,
    /// An image to take after, in the order in which prompts name them.
    Reference,
    /// A video to take after.
    ReferenceVideo,
    /// A sound to take after.
    ReferenceAudio,
    /// The video to edit, extend or follow.
    SourceVideo,
    /// The first frame.
    FirstFrame,
    /// The last frame.
    LastFrame,
    /// The sound to work on: to be written down, or to be followed by lips.
    InputAudio,
    /// A picture of a character that the prompt mentions.
    Character,
}

impl InputRole {
    /// What kind of file it is.
    #[must_use]
    pub fn kind(self) -> InputKind {
        match self {
            InputRole::Image
            | InputRole::Reference
            | InputRole::FirstFrame
            | InputRole::LastFrame
            | InputRole::Character => InputKind::Image,
            InputRole::InputAudio => InputKind::Recording,
            InputRole::ReferenceAudio => InputKind::Audio,
            InputRole::ReferenceVideo | InputRole::SourceVideo => InputKind::Video,
        }
    }

    /// The field that it comes from, in our own words.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            InputRole::Image => "images",
            InputRole::Reference => "reference_images",
            InputRole::ReferenceVideo => "reference_videos",
            InputRole::ReferenceAudio => "reference_audio",
            InputRole::SourceVideo => "source_video",
            InputRole::FirstFrame => "first_frame",
            InputRole::LastFrame => "last_frame",
            InputRole::InputAudio => "input_audio",
            InputRole::Character => "conditioning",
        }
    }
}

/// An input, fetched and ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputMedia {
    /// What it is to the job.
    pub role: InputRole,
    /// Its media type.
    pub content_type: String,
    /// The file.
    pub bytes: Bytes,
}

/// One attempt at a run, as a provider gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Our id of the attempt: the same id is the same job.
    pub client_id: String,
    /// The model by the provider's own name.
    pub model: String,
    /// What was asked for.
    pub parameters: Checked,
    /// The prompt, or the text to be spoken.
    pub prompt: String,
    /// The person's own words, where a generator's template made the prompt of them: what it is about.
    pub asked: Option<String>,
    /// What is not to be heard or seen.
    pub negative_prompt: Option<String>,
    /// The typed fields that a text has to have; empty where the answer is one text.
    pub fields: Vec<OutputField>,
    /// The generator, where one was used.
    pub generator: Option<String>,
    /// Its preference and second preference.
    pub preferences: [Option<String>; 2],
    /// The inputs.
    pub media: Vec<InputMedia>,
    /// The workflow, where it is one.
    pub workflow: Option<WorkflowJob>,
    /// The page to be read, where it is one.
    pub page: Option<PageJob>,
    /// For providers that draw: the same seed and prompt make the same.
    pub seed: u64,
    /// After this it must not be sent any more.
    pub submit_by: Timestamp,
}

/// A workflow, as the text model that answers it is told beside the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowJob {
    /// Its key.
    pub key: String,
    /// What was given.
    pub fields: Map<String, Value>,
    /// The product, as its page shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Map<String, Value>>,
    /// The JSON Schema (2020-12) that the answer has to have.
    pub answer_schema: Value,
}

/// A product page to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageJob {
    /// For whom: what was read before is kept by account.
    pub account: AccountId,
    /// Its address.
    pub url: String,
}

/// A product, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadProduct {
    /// `success`, `title`, `description`, `category`, `price`, `images`.
    pub product: Map<String, Value>,
    /// Whether the page had been read before and was not fetched again.
    pub cached: bool,
}

/// Reads product pages: fetches them through the guard, finds the product, and remembers it for a while.
#[async_trait]
pub trait ProductReader: Send + Sync + 'static {
    /// The product that a page shows. Errors: why it cannot be read.
    async fn read(&self, page: &PageJob) -> Result<ReadProduct, FailureReason>;
}

/// A file that a provider made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// Here it is.
    Bytes {
        /// Its media type.
        content_type: String,
        /// The file.
        bytes: Bytes,
    },
    /// It stands at an address of the provider's and has to be copied.
    Url(String),
    /// It is in our storage already, under this key.
    Stored(String),
}

/// What became of one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputReport {
    /// Typed fields; one called `text` where none were asked for.
    Text(Map<String, Value>),
    /// A file.
    Media(Media),
    /// A file, and what is said of it: a sound and its details, a transcript and the sound that it is of.
    Both {
        /// The file.
        media: Media,
        /// What is said of it.
        fields: Map<String, Value>,
    },
    /// It was not made.
    Failed(FailureReason),
}

/// What became of a job that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The provider's id of the job.
    pub provider_request_id: Option<String>,
    /// What became of each output, in order; as many as were asked for.
    pub outputs: Vec<OutputReport>,
    /// What the provider says it charged us.
    pub reported_cost: Option<ReportedCost>,
    /// The quality that the provider chose where it was left to it.
    pub quality: Option<String>,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// Taken; ask again under the client id.
    Accepted {
        /// The provider's id.
        provider_request_id: String,
    },
    /// Taken and done.
    Finished(Report),
}

/// Why there is no answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It provably never reached the provider (no connection was made, nothing was written): it may
    /// be sent again.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The provider refused it for good; nothing was made and nothing will be.
    #[error("refused: {}", .0.message)]
    Refused(FailureReason),
    /// It may have reached the provider: probe, never send again.
    #[error("unknown: {0}")]
    Unknown(String),
}

/// What a provider knows of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It was taken and is over, and what became of it is no longer kept: nothing more of it can be
    /// had, and it is never sent again.
    Gone,
    /// Nothing. Proof that it never arrived only where client ids are taken, and only after
    /// `submit_by` + timeout + skew.
    NotFound,
    /// It is being worked on.
    Running {
        /// Percent done, where the provider says.
        progress: Option<u8>,
    },
    /// It is over.
    Finished(Report),
    /// It failed for sure.
    Failed(FailureReason, Option<ReportedCost>),
    /// It was stopped; the report says what was made before.
    Cancelled(Report),
}

/// What became of a wish to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelReply {
    /// It stops; probe for what was made.
    Stopping,
    /// It cannot be stopped or is over; probe.
    TooLate,
    /// The provider knows nothing of it.
    NotFound,
}

/// A provider did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the provider did not answer: {0}")]
pub struct ProviderUnreachable(pub String);

/// What is true of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderTraits {
    /// Whether "not found" under our id proves that a job never arrived.
    pub takes_client_ids: bool,
    /// How many jobs may be under way there at once.
    pub concurrency: usize,
    /// How long a submission may take to be answered.
    pub submit_timeout: Duration,
    /// How long a job may take in all.
    pub job_timeout: Duration,
    /// How often to ask about a job.
    pub poll_interval: Duration,
    /// Whether its jobs live in our own process and are gone with it: once the node that sent one is
    /// gone, "not found" is the end of it, and no bill can follow.
    pub dies_with_node: bool,
}

/// Carries jobs out.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The name under which routes and events know it.
    fn name(&self) -> &str;

    /// What is true of it.
    fn traits(&self) -> ProviderTraits;

    /// Hands a job over. The same client id again is the same job.
    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError>;

    /// Asks about a job by our id.
    async fn probe(&self, client_id: &str) -> Result<Probe, ProviderUnreachable>;

    /// Asks for a job to be stopped.
    async fn cancel(&self, client_id: &str) -> Result<CancelReply, ProviderUnreachable>;

    /// Fetches a file of [`Media::Url`]. A provider that hands out bytes has none.
    async fn fetch(&self, url: &str) -> Result<FetchedInput, ProviderUnreachable> {
        let _ = url;
        Err(ProviderUnreachable("this provider has no files to fetch".into()))
    }
}
