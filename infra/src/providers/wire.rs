//! The protocol of the generic HTTP provider.
//!
//! All bodies are JSON. Below the provider's base URL:
//!
//! | request | answer |
//! |---|---|
//! | `POST v1/jobs`, a [`WireJob`], header `Idempotency-Key`: its client id | `200` and a [`WireStatus`] that is over; `202` and one that runs |
//! | `GET v1/jobs/{client_id}` | `200` and a [`WireStatus`] |
//! | `POST v1/jobs/{client_id}/cancel` | `200` and a [`WireCancel`] |
//! | `GET` of an output's URL | the file, with its media type |
//!
//! What goes wrong is a status of 400 or above and a [`WireError`]. Four codes mean something:
//!
//! * `job_not_found` (404), to a question or a wish to stop: the provider never took that client id.
//!   Any other 404 is no answer at all.
//! * `job_gone` (410), to a question or a wish to stop: the job was taken and is over, and what it made
//!   is no longer kept. It fails, and is never sent again.
//! * `not_taken` (503), to a submission: it was not taken and may be sent again.
//! * any code with status 422, to a submission: it was refused for good; the code and message are the
//!   run's failure.
//!
//! Whatever else a submission is answered with leaves its outcome unknown, and it is never sent again.
//! The same client id again is the same job. With a token each request carries it as
//! `Authorization: Bearer`. Output URLs are absolute, or relative to the base URL, and are fetched
//! through the egress guard without the token: what protects them is that nobody can guess them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Checked, OutputField};
use mintmark_domain::ports::{InputMedia, InputRole, Job, WorkflowJob};
use mintmark_domain::run::{FailureReason, ReportedCost};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The header that carries the client id of a submission.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The code of "never taken".
pub const JOB_NOT_FOUND: &str = "job_not_found";
/// The code of "taken, over, and no longer kept".
pub const JOB_GONE: &str = "job_gone";
/// The code of "not taken, send it again".
pub const NOT_TAKEN: &str = "not_taken";

/// A job as it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WireJob {
    /// Our id of the attempt.
    pub client_id: String,
    /// The model by the provider's own name.
    pub model: String,
    /// What was asked for.
    pub parameters: Checked,
    /// The prompt, or the text to be spoken.
    pub prompt: String,
    /// The person's own words, where a generator's template made the prompt of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// What is not to be heard or seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// The typed fields that a text has to have.
    #[serde(default)]
    pub fields: Vec<OutputField>,
    /// The generator, where one was used.
    #[serde(default)]
    pub generator: Option<String>,
    /// Its preference and second preference.
    #[serde(default)]
    pub preferences: [Option<String>; 2],
    /// The inputs.
    #[serde(default)]
    pub media: Vec<WireMedia>,
    /// The workflow, where it is one: the answer's fields have to fit its schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowJob>,
    /// The same seed and prompt make the same.
    pub seed: u64,
    /// After this it is no longer sent.
    pub submit_by: Timestamp,
}

/// An input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireMedia {
    /// What it is to the job.
    pub role: InputRole,
    /// Its media type.
    pub content_type: String,
    /// The file, in base64.
    pub data: String,
}

impl From<&Job> for WireJob {
    fn from(job: &Job) -> Self {
        let media = |media: &InputMedia| WireMedia {
            role: media.role,
            content_type: media.content_type.clone(),
            data: STANDARD.encode(&media.bytes),
        };
        WireJob {
            client_id: job.client_id.clone(),
            model: job.model.clone(),
            parameters: job.parameters.clone(),
            prompt: job.prompt.clone(),
            asked: job.asked.clone(),
            negative_prompt: job.negative_prompt.clone(),
            fields: job.fields.clone(),
            generator: job.generator.clone(),
            preferences: job.preferences.clone(),
            media: job.media.iter().map(media).collect(),
            workflow: job.workflow.clone(),
            seed: job.seed,
            submit_by: job.submit_by,
        }
    }
}

impl WireJob {
    /// The job; `None` where an input is no base64.
    #[must_use]
    pub fn into_job(self) -> Option<Job> {
        let mut media = Vec::with_capacity(self.media.len());
        for input in self.media {
            let bytes = STANDARD.decode(input.data).ok()?.into();
            media.push(InputMedia { role: input.role, content_type: input.content_type, bytes });
        }
        Some(Job {
            client_id: self.client_id,
            model: self.model,
            parameters: self.parameters,
            prompt: self.prompt,
            asked: self.asked,
            negative_prompt: self.negative_prompt,
            fields: self.fields,
            generator: self.generator,
            preferences: self.preferences,
            media,
            workflow: self.workflow,
            // Pages are read in process, never by a provider.
            page: None,
            seed: self.seed,
            submit_by: self.submit_by,
        })
    }
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum WireStatus {
    /// It is being worked on.
    Running {
        /// The provider's id.
        provider_request_id: String,
        /// Percent done, where the provider says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<u8>,
    },
    /// It is over.
    Finished(WireReport),
    /// It was stopped; the report says what was made before.
    Cancelled(WireReport),
    /// It failed for sure.
    Failed {
        /// Why.
        error: FailureReason,
        /// What it cost us.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reported_cost: Option<ReportedCost>,
    },
}

/// What became of a job that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireReport {
    /// The provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_request_id: Option<String>,
    /// Each output, in order.
    pub outputs: Vec<WireOutput>,
    /// What it cost us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_cost: Option<ReportedCost>,
    /// The quality that was chosen where it was left open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
}

/// What became of one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WireOutput {
    /// Typed fields.
    Text {
        /// The fields; one called `text` where none were asked for.
        fields: Map<String, Value>,
    },
    /// A file.
    File {
        /// Where it stands.
        url: String,
        /// Its media type.
        content_type: String,
        /// What is said of it: a sound's details; the fields of a transcript whose sound this is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fields: Option<Map<String, Value>>,
    },
    /// It was not made.
    Failed {
        /// Why.
        error: FailureReason,
    },
}

/// What became of a wish to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireCancel {
    /// It stops.
    Stopping,
    /// It is over, or cannot be stopped.
    TooLate,
}

/// Something went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireError {
    /// What.
    pub error: FailureReason,
}

impl WireError {
    /// An error of that code.
    #[must_use]
    pub fn new(code: &str, message: &str) -> Self {
        WireError { error: FailureReason { code: code.to_owned(), message: message.to_owned() } }
    }
}

#[cfg(test)]
mod tests {
    use mintmark_domain::catalog::{Ask, Catalog, Dialect, Sources};

    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_sent_and_one_without_a_template_says_nothing_more() {
        let catalog = Catalog::load(&Sources::embedded()).unwrap();
        let model = catalog.model("gpt-5-nano").unwrap();
        let mut job = Job {
            client_id: "run_1".into(),
            model: "gpt-5-nano".into(),
            parameters: model.check(Dialect::Generor, &Ask::prompt(6)).unwrap(),
            prompt: "Tell a joke. Topic or wish: owls".into(),
            asked: Some("owls".into()),
            negative_prompt: None,
            fields: Vec::new(),
            generator: Some("joke".into()),
            preferences: [Some("pun".into()), None],
            media: Vec::new(),
            workflow: None,
            page: None,
            seed: 7,
            submit_by: Timestamp::MAX_UTC,
        };
        let sent = serde_json::to_value(WireJob::from(&job)).unwrap();
        assert_eq!(sent["asked"], "owls");
        assert_eq!(serde_json::from_value::<WireJob>(sent).unwrap().into_job(), Some(job.clone()));
        job.asked = None;
        let sent = serde_json::to_value(WireJob::from(&job)).unwrap();
        assert!(sent.get("asked").is_none());
        assert_eq!(serde_json::from_value::<WireJob>(sent).unwrap().into_job(), Some(job));
    }
}
