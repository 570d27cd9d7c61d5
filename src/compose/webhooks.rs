//! Webhooks: who follows the log for them, and who tells endpoints.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mintmark_api_rest::genfire::EventBodies;
use mintmark_domain::Credits;
use mintmark_domain::es::EventLog;
use mintmark_domain::usecases::Core;
use mintmark_infra::webhooks::{SenderDeps, SenderSettings, Sending, WebhookSender};
use mintmark_log::postgres::PgEventLog;
use mintmark_projections::webhooks::WebhookFollower;
use mintmark_projections::{Projection, ReadModels};

use super::Platform;
use crate::config::Config;

/// What follows the log besides the read models.
pub(super) fn followers(config: &Config, log: &Arc<PgEventLog>) -> Vec<Arc<dyn Projection>> {
    let credits_low = Credits::new(config.webhooks.credits_low).unwrap_or_default();
    let log: Arc<dyn EventLog> = log.clone();
    vec![Arc::new(WebhookFollower::new(log, credits_low))]
}

/// Tells endpoints from now on.
pub fn start_sending(platform: &Platform, core: &Core, reads: &ReadModels) -> Sending {
    let config = &platform.config.webhooks;
    let settings = SenderSettings {
        attempts_max: config.attempts_max,
        per_endpoint_max: config.per_endpoint_max,
        timeout: Duration::from_secs(config.timeout_seconds.into()),
        retention: TimeDelta::days(config.retention_days.into()),
        ..SenderSettings::default()
    };
    let deps = SenderDeps {
        outbox: Arc::new(reads.clone()),
        bodies: Arc::new(EventBodies::new(core.clone(), reads.clone(), settings.addresses_last())),
        core: core.clone(),
        egress: platform.egress.clone(),
    };
    WebhookSender::new(deps, settings).start()
}
