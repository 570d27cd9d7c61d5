//! Endpoints that fail for days: their owner is warned first, and only if it goes on after that they are
//! disabled. Both are looked at when an attempt fails, so an endpoint that nothing is sent to is left
//! alone.

use mintmark_domain::Timestamp;
use mintmark_domain::ports::FailingEndpoint;
use mintmark_domain::usecases::Core;

use super::settings::SenderSettings;

/// Warns or disables where it is due. What cannot be decided now is looked at with the next failure.
pub(super) async fn escalate(core: &Core, settings: &SenderSettings, failing: FailingEndpoint, now: Timestamp) {
    let FailingEndpoint { endpoint, failing_since } = failing;
    if now - failing_since < settings.warn_after {
        return;
    }
    let warned = match core.warn_failing_webhook(endpoint, failing_since).await {
        Ok(state) => state.warned_at(),
        Err(refusal) => {
            tracing::warn!(%endpoint, %refusal, "an endpoint's owner could not be warned; it is tried again");
            return;
        }
    };
    let due = warned.is_some_and(|at| at >= failing_since && now - at >= settings.disable_after);
    if !due {
        return;
    }
    match core.disable_failing_webhook(endpoint).await {
        Ok(_) => tracing::info!(%endpoint, "a webhook endpoint that failed for days was disabled after a warning"),
        Err(refusal) => tracing::warn!(%endpoint, %refusal, "a failing endpoint could not be disabled"),
    }
}
