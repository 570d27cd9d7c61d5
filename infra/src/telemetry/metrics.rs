//! Metrics for Prometheus.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of every duration, in seconds.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// What the names of durations end with.
const SECONDS_SUFFIX: &str = "_seconds";

/// What each counter counts.
const COUNTERS: &[(&str, &str)] = &[
    ("http_requests_total", "Requests answered."),
    ("mintmark_projection_events_total", "Events that a projection has applied."),
    ("mintmark_projection_failures_total", "Batches that a projection could not apply."),
    ("mintmark_rate_limit_leases_total", "Statements that lease permits of rate limits, by outcome."),
    ("mintmark_runs_ended_total", "Runs that ended, by provider and how."),
    ("mintmark_webhook_attempts_total", "Attempts to tell webhook endpoints, by outcome."),
    ("mintmark_writer_decisions_total", "Decisions that were answered with an append."),
    ("mintmark_writer_diverged_total", "Times that the log's history was found to be another one."),
    ("mintmark_writer_events_total", "Events appended to the log."),
    ("mintmark_writer_refused_total", "Commits that the log refused as bad."),
    ("mintmark_writer_stale_total", "Appends that lost the race against another writer."),
    ("mintmark_writer_unknown_total", "Appends whose outcome had to be found out by sending them again."),
];
/// What each gauge shows.
const GAUGES: &[(&str, &str)] = &[
    ("mintmark_projection_lag_events", "Events that a projection is behind the log."),
    ("mintmark_projection_lag_seconds", "Seconds that a projection is behind the log."),
    ("mintmark_projection_up", "Whether a projection runs: 1, or 0 where it has stopped."),
    ("mintmark_runs_under_way", "Runs of a provider that this node carries."),
    ("mintmark_runs_waiting", "Runs of a provider that wait on this node."),
    ("mintmark_runs_without_provider", "Runs that wait for a provider that this node does not have."),
    ("mintmark_writer_cache_bytes", "Bytes of state that a shard's writer keeps in memory."),
    ("mintmark_writer_waiting", "Decisions that wait for a shard's writer."),
];
/// What each histogram measures.
const HISTOGRAMS: &[(&str, &str)] = &[
    ("http_request_seconds", "How long requests take to be answered."),
    ("mintmark_projection_delay_seconds", "How long after it was recorded an event was applied."),
    ("mintmark_webhook_attempt_seconds", "How long webhook endpoints take to answer."),
    ("mintmark_writer_append_seconds", "How long an append to the log takes."),
    ("mintmark_writer_batch_events", "How many events one append holds."),
];

/// Says what every metric is, for the `# HELP` lines. To be said once there is a recorder.
fn describe() {
    for (name, what) in COUNTERS {
        metrics::describe_counter!(*name, *what);
    }
    for (name, what) in GAUGES {
        metrics::describe_gauge!(*name, *what);
    }
    for (name, what) in HISTOGRAMS {
        metrics::describe_histogram!(*name, *what);
    }
}

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
        let handle = recorder.map_err(|error| MetricsError(error.to_string()))?;
        describe();
        Ok(Self { handle })
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

    /// Calls `found` with the name of every metric that the sources below `directory` record.
    fn recorded_below(directory: &std::path::Path, found: &mut impl FnMut(&str, &str)) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target" && name != "tests") {
                recorded_below(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("telemetry/metrics.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for kind in ["counter", "gauge", "histogram"] {
                    for rest in text.split(&format!("metrics::{kind}!(")).skip(1) {
                        let name = rest.split('"').nth(1).unwrap_or_default();
                        found(kind, name);
                    }
                }
            }
        }
    }

    #[test]
    fn every_metric_that_the_sources_record_is_described() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut seen = 0;
        recorded_below(root, &mut |kind, name| {
            let described = match kind {
                "counter" => COUNTERS,
                "gauge" => GAUGES,
                _ => HISTOGRAMS,
            };
            assert!(described.iter().any(|(known, _)| *known == name), "{kind} {name} is not described");
            seen += 1;
        });
        assert!(seen > 15, "{seen}");
    }

    #[test]
    fn what_was_recorded_says_what_it_is() {
        let recorder = builder().unwrap().build_recorder();
        let metrics = Metrics { handle: recorder.handle() };
        metrics::with_local_recorder(&recorder, || {
            describe();
            metrics::counter!("mintmark_writer_events_total", "shard" => "0").increment(1);
        });
        let text = metrics.render();
        assert!(text.contains("# HELP mintmark_writer_events_total Events appended to the log."), "{text}");
    }

    #[test]
    fn recording_starts_once() {
        let first = Metrics::start();
        let second = Metrics::start();
        assert!(first.is_ok() && second.is_err());
    }
}
