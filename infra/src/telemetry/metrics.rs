//! Metrics for Prometheus.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of every duration, in seconds.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// What the names of durations end with.
const SECONDS_SUFFIX: &str = "_seconds";

/// Why metrics were not set up.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be set up: {0}")]
pub struct MetricsError(String);

/// Everything that `metrics::counter!`, `gauge!` and `histogram!` recorded in this process.
/// Names end in their unit; a histogram of a duration in `_seconds`.
#[derive(Debug, Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Starts recording, for the whole process.
    ///
    /// # Errors
    /// [`MetricsError`], when it was started before.
    pub fn start() -> Result<Self, MetricsError> {
        let recorder = builder()?.install_recorder();
        recorder.map(|handle| Self { handle }).map_err(|error| MetricsError(error.to_string()))
    }

    /// All of it, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        // Folds the samples of histograms into their buckets; without it they pile up.
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// To be called now and then (every few seconds) where nobody may ask for a long time.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn builder() -> Result<PrometheusBuilder, MetricsError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix(SECONDS_SUFFIX.to_owned()), SECONDS)
        .map_err(|error| MetricsError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_rendered_with_buckets_for_durations() {
        let recorder = builder().unwrap().build_recorder();
        let metrics = Metrics { handle: recorder.handle() };
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("runs_total", "state" => "succeeded").increment(3);
            metrics::gauge!("projection_lag_events").set(7.0);
            metrics::histogram!("append_seconds").record(0.004);
        });
        let text = metrics.render();
        assert!(text.contains("runs_total{state=\"succeeded\"} 3"), "{text}");
        assert!(text.contains("projection_lag_events 7"), "{text}");
        assert!(text.contains("append_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("append_seconds_bucket{le=\"0.0025\"} 0"), "{text}");
    }

    #[test]
    fn recording_starts_once() {
        let first = Metrics::start();
        let second = Metrics::start();
        assert!(first.is_ok() && second.is_err());
    }
}
