//! The generic HTTP adapter: speaks the protocol of [`super::wire`] to whoever serves it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::ports::{
    CancelReply, FetchedInput, Job, Media, OutputReport, Probe, Provider, ProviderTraits, ProviderUnreachable, Report,
    Submission, SubmitError,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use url::Url;

use super::wire::{
    IDEMPOTENCY_KEY, JOB_GONE, JOB_NOT_FOUND, NOT_TAKEN, WireCancel, WireError, WireJob, WireOutput, WireReport,
    WireStatus,
};
use crate::egress::{AllowRule, Egress, FetchLimits, Resolve, SampleSource};

/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of one provider behind HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProviderSettings {
    /// The name under which routes know it.
    pub name: String,
    /// Where it is, with or without a path. `http` is taken as well: the operator names it, no user.
    pub base_url: Url,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<String>,
    /// Whether "not found" under our id proves that a job never arrived.
    pub takes_client_ids: bool,
    /// How many jobs may be under way there.
    pub concurrency: usize,
    /// How long a submission, a question or a wish to stop may take to be answered.
    pub submit_timeout: Duration,
    /// How long a job may take in all.
    pub job_timeout: Duration,
    /// How often to ask about a job.
    pub poll_interval: Duration,
}

impl HttpProviderSettings {
    /// The usual settings for a provider of that name at that place.
    #[must_use]
    pub fn new(name: impl Into<String>, base_url: Url) -> Self {
        HttpProviderSettings {
            name: name.into(),
            base_url,
            token: None,
            takes_client_ids: true,
            concurrency: 32,
            submit_timeout: Duration::from_secs(30),
            job_timeout: Duration::from_secs(900),
            poll_interval: Duration::from_secs(1),
        }
    }
}

/// A provider behind HTTP.
pub struct HttpProvider {
    settings: HttpProviderSettings,
    client: reqwest::Client,
    /// For files: guarded, with the one exception of the provider's own host.
    egress: Egress,
}

/// Why an adapter cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpProviderError {
    /// The base URL has no host or is not `http` or `https`.
    #[error("provider `{name}`: `{url}` is not an http or https URL")]
    BaseUrl {
        /// The provider.
        name: String,
        /// What was given.
        url: String,
    },
    /// The client could not be made.
    #[error("provider `{name}`: {source}")]
    Client {
        /// The provider.
        name: String,
        /// Why.
        source: reqwest::Error,
    },
}

impl HttpProvider {
    /// An adapter for that provider. `resolver` and `samples` are those of every other egress.
    ///
    /// # Errors
    /// [`HttpProviderError`].
    pub fn new(
        mut settings: HttpProviderSettings,
        resolver: Arc<dyn Resolve>,
        samples: Arc<dyn SampleSource>,
    ) -> Result<Self, HttpProviderError> {
        let name = settings.name.clone();
        let wrong = || HttpProviderError::BaseUrl { name: name.clone(), url: settings.base_url.to_string() };
        if !matches!(settings.base_url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let host = settings.base_url.host_str().ok_or_else(wrong)?;
        let port = settings.base_url.port_or_known_default().ok_or_else(wrong)?;
        let rule: AllowRule = format!("{host}:{port}").parse().map_err(|_| wrong())?;
        if !settings.base_url.path().ends_with('/') {
            // Else joining would replace the last segment.
            let path = format!("{}/", settings.base_url.path());
            settings.base_url.set_path(&path);
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| HttpProviderError::Client { name, source })?;
        Ok(HttpProvider { settings, client, egress: Egress::new(vec![rule], resolver, samples) })
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, String> {
        let mut url = self.settings.base_url.clone();
        url.path_segments_mut().map_err(|()| "the base URL has no path")?.pop_if_empty().extend(path);
        let request = self.client.request(method, url).timeout(self.settings.submit_timeout);
        Ok(match &self.settings.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    fn report(&self, report: WireReport) -> Report {
        let outputs = report.outputs.into_iter().map(|output| match output {
            WireOutput::Text { fields } => OutputReport::Text(fields),
            WireOutput::File { url, fields: None, .. } => OutputReport::Media(Media::Url(url)),
            WireOutput::File { url, fields: Some(fields), .. } => OutputReport::Both { media: Media::Url(url), fields },
            WireOutput::Failed { error } => OutputReport::Failed(error),
        });
        Report {
            provider_request_id: report.provider_request_id,
            outputs: outputs.collect(),
            reported_cost: report.reported_cost,
            quality: report.quality,
        }
    }

    async fn ask(&self, method: Method, path: &[&str]) -> Result<Answer, ProviderUnreachable> {
        let request = self.request(method, path).map_err(ProviderUnreachable)?;
        let response = request.send().await.map_err(|error| ProviderUnreachable(plain(&error)))?;
        Answer::read(response).await.map_err(ProviderUnreachable)
    }
}

/// What was answered, whole.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, String> {
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| plain(&error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(format!("it answered with more than {ANSWER_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body })
    }

    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("it answered {}: {error}", self.status))
    }

    /// The error, where it is one of the protocol's.
    fn error(&self) -> Option<WireError> {
        (self.status.is_client_error() || self.status.is_server_error()).then(|| self.json().ok()).flatten()
    }

    fn is_not_found(&self) -> bool {
        self.says(StatusCode::NOT_FOUND, JOB_NOT_FOUND)
    }

    fn is_gone(&self) -> bool {
        self.says(StatusCode::GONE, JOB_GONE)
    }

    fn says(&self, status: StatusCode, code: &str) -> bool {
        self.status == status && self.error().is_some_and(|error| error.error.code == code)
    }
}

/// An error without the URL: that may hold what is secret.
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else if error.is_connect() {
        "no connection could be made".to_owned()
    } else {
        "the connection broke".to_owned()
    }
}

#[async_trait]
impl Provider for HttpProvider {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            takes_client_ids: self.settings.takes_client_ids,
            concurrency: self.settings.concurrency,
            submit_timeout: self.settings.submit_timeout,
            job_timeout: self.settings.job_timeout,
            poll_interval: self.settings.poll_interval,
            dies_with_node: false,
        }
    }

    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError> {
        let request = self.request(Method::POST, &["v1", "jobs"]).map_err(SubmitError::NotSent)?;
        let request = request.header(IDEMPOTENCY_KEY, &job.client_id).json(&WireJob::from(job));
        let response = request.send().await.map_err(|error| {
            // Without a connection nothing was written; anything later may have arrived.
            if error.is_connect() || error.is_builder() {
                SubmitError::NotSent(plain(&error))
            } else {
                SubmitError::Unknown(plain(&error))
            }
        })?;
        let answer = Answer::read(response).await.map_err(SubmitError::Unknown)?;
        if answer.status.is_success() {
            return match answer.json().map_err(SubmitError::Unknown)? {
                WireStatus::Running { provider_request_id, .. } => Ok(Submission::Accepted { provider_request_id }),
                WireStatus::Finished(report) => Ok(Submission::Finished(self.report(report))),
                // It is told in full to whoever asks.
                WireStatus::Failed { .. } | WireStatus::Cancelled(_) => {
                    Ok(Submission::Accepted { provider_request_id: job.client_id.clone() })
                }
            };
        }
        match answer.error() {
            Some(error) if answer.status == StatusCode::SERVICE_UNAVAILABLE && error.error.code == NOT_TAKEN => {
                Err(SubmitError::NotSent("it did not take the job".into()))
            }
            Some(error) if answer.status == StatusCode::UNPROCESSABLE_ENTITY => Err(SubmitError::Refused(error.error)),
            Some(_) | None => Err(SubmitError::Unknown(format!("it answered {}", answer.status))),
        }
    }

    async fn probe(&self, client_id: &str) -> Result<Probe, ProviderUnreachable> {
        let answer = self.ask(Method::GET, &["v1", "jobs", client_id]).await?;
        if answer.is_not_found() {
            return Ok(Probe::NotFound);
        }
        if answer.is_gone() {
            return Ok(Probe::Gone);
        }
        if !answer.status.is_success() {
            return Err(ProviderUnreachable(format!("it answered {}", answer.status)));
        }
        Ok(match answer.json().map_err(ProviderUnreachable)? {
            WireStatus::Running { progress, .. } => Probe::Running { progress },
            WireStatus::Finished(report) => Probe::Finished(self.report(report)),
            WireStatus::Cancelled(report) => Probe::Cancelled(self.report(report)),
            WireStatus::Failed { error, reported_cost } => Probe::Failed(error, reported_cost),
        })
    }

    async fn cancel(&self, client_id: &str) -> Result<CancelReply, ProviderUnreachable> {
        let answer = self.ask(Method::POST, &["v1", "jobs", client_id, "cancel"]).await?;
        if answer.is_not_found() {
            return Ok(CancelReply::NotFound);
        }
        if answer.is_gone() {
            return Ok(CancelReply::TooLate);
        }
        if !answer.status.is_success() {
            return Err(ProviderUnreachable(format!("it answered {}", answer.status)));
        }
        Ok(match answer.json().map_err(ProviderUnreachable)? {
            WireCancel::Stopping => CancelReply::Stopping,
            WireCancel::TooLate => CancelReply::TooLate,
        })
    }

    async fn fetch(&self, url: &str) -> Result<FetchedInput, ProviderUnreachable> {
        let no_url = || ProviderUnreachable("an output's address is no URL".into());
        let url = self.settings.base_url.join(url).map_err(|_| no_url())?;
        let fetched = self
            .egress
            .fetch(&url, FetchLimits::media())
            .await
            .map_err(|error| ProviderUnreachable(error.to_string()))?;
        let content_type = fetched.content_type.unwrap_or_else(|| "application/octet-stream".into());
        Ok(FetchedInput { content_type, bytes: fetched.bytes })
    }
}
