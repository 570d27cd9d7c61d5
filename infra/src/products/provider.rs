//! The provider that carries out runs which ask for a product page and nothing else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::ports::{
    CancelReply, Job, OutputReport, Probe, ProductReader, Provider, ProviderTraits, ProviderUnreachable, Report,
    Submission, SubmitError,
};
use mintmark_domain::run::FailureReason;
use serde_json::{Map, Value};

/// The name under which routes know it. No other provider may have it.
pub const EXTRACTOR: &str = "extractor";
/// How many pages are read at once.
const CONCURRENCY: usize = 64;
/// Longer than the reader takes for any page.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads pages in process: a run is handed over and done in one go, and gone with its node.
pub struct Extractor {
    products: Arc<dyn ProductReader>,
}

impl Extractor {
    /// A provider over that reader.
    #[must_use]
    pub fn new(products: Arc<dyn ProductReader>) -> Self {
        Extractor { products }
    }
}

#[async_trait]
impl Provider for Extractor {
    fn name(&self) -> &str {
        EXTRACTOR
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            takes_client_ids: true,
            concurrency: CONCURRENCY,
            submit_timeout: SUBMIT_TIMEOUT,
            job_timeout: SUBMIT_TIMEOUT,
            poll_interval: Duration::from_secs(1),
            dies_with_node: true,
        }
    }

    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError> {
        let Some(page) = &job.page else {
            let message = "Only product pages are read here.".to_owned();
            return Err(SubmitError::Refused(FailureReason { code: "unsupported".into(), message }));
        };
        let read = self.products.read(page).await.map_err(SubmitError::Refused)?;
        let output: Map<String, Value> =
            [("product".to_owned(), read.product.into()), ("cached".to_owned(), read.cached.into())]
                .into_iter()
                .collect();
        Ok(Submission::Finished(Report {
            provider_request_id: None,
            outputs: vec![OutputReport::Text(output)],
            reported_cost: None,
            quality: None,
        }))
    }

    /// Nothing is kept of a page that was read: reading it again costs nobody anything.
    async fn probe(&self, _client_id: &str) -> Result<Probe, ProviderUnreachable> {
        Ok(Probe::NotFound)
    }

    async fn cancel(&self, _client_id: &str) -> Result<CancelReply, ProviderUnreachable> {
        Ok(CancelReply::NotFound)
    }
}
