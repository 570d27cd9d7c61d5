//! What stands in for a provider that left the configuration.
//!
//! Nothing can be handed to it, asked of it or stopped there. A run that it never got fails at no cost;
//! of one that it may have, the outcome is unknown until its deadline, unless it was kept with us.

use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::ports::{
    CancelReply, Job, Probe, Provider, ProviderTraits, ProviderUnreachable, Submission, SubmitError,
};
use mintmark_domain::run::FailureReason;

/// How often to look whether the deadline has passed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A provider of that name, which nobody here can reach.
pub(super) struct Absent(pub String);

/// Why its runs fail that it never got.
pub(super) fn reason() -> FailureReason {
    let message = "The provider of this run is no longer configured.".to_owned();
    FailureReason { code: "provider_removed".into(), message }
}

#[async_trait]
impl Provider for Absent {
    fn name(&self) -> &str {
        &self.0
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            // Whether it took them is not known; what was kept with us is looked for.
            takes_client_ids: false,
            concurrency: 1,
            submit_timeout: Duration::from_secs(1),
            job_timeout: Duration::ZERO,
            poll_interval: LOOK_EVERY,
            dies_with_node: false,
        }
    }

    async fn submit(&self, _job: &Job) -> Result<Submission, SubmitError> {
        Err(SubmitError::NotSent("the provider is not configured".into()))
    }

    async fn probe(&self, _client_id: &str) -> Result<Probe, ProviderUnreachable> {
        Err(ProviderUnreachable("the provider is not configured".into()))
    }

    async fn cancel(&self, _client_id: &str) -> Result<CancelReply, ProviderUnreachable> {
        Err(ProviderUnreachable("the provider is not configured".into()))
    }
}
