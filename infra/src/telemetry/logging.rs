//! Log lines by `tracing`, as text for people or as JSON for machines.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One line of text each.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

impl FromStr for LogFormat {
    type Err = LoggingError;

    fn from_str(text: &str) -> Result<Self, LoggingError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LoggingError::Format(text.to_owned())),
        }
    }
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// No such format.
    #[error("`{0}` is not a log format: write text or json")]
    Format(String),
    /// The filter cannot be read.
    #[error("the log filter cannot be read ({0}): write for example `info,mintmark=debug`")]
    Filter(String),
    /// It was started before.
    #[error("logging was started before in this process")]
    Started,
}

/// Sends the log lines of this process to standard error. `filter` is in the form of
/// `RUST_LOG`: `info`, or `info,sqlx=warn,mintmark_log=debug`.
///
/// # Errors
/// [`LoggingError`], when the filter is wrong or logging was started before.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let colours = std::io::stderr().is_terminal();
    let subscriber = subscriber(format, filter, colours, std::io::stderr)?;
    subscriber.try_init().map_err(|_| LoggingError::Started)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LoggingError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|error| LoggingError::Filter(error.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
    Ok(match format {
        LogFormat::Text => Box::new(registry.with(layer)),
        LogFormat::Json => Box::new(registry.with(layer.json().flatten_event(true).with_span_list(false))),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(format: LogFormat, filter: &str) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "r-1");
            let _entered = span.enter();
            tracing::info!(run = 7, "a run was accepted");
            tracing::debug!("not shown");
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_is_one_line_with_its_request() {
        let lines = lines(LogFormat::Text, "info");
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.contains("request_id=\"r-1\"") && lines.contains("a run was accepted run=7"), "{lines}");
    }

    #[test]
    fn json_is_one_object_with_its_request() {
        let lines = lines(LogFormat::Json, "info");
        let line: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
        assert_eq!(line["message"], "a run was accepted");
        assert_eq!(line["run"], 7);
        assert_eq!(line["span"]["request_id"], "r-1");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn the_filter_decides() {
        assert_eq!(lines(LogFormat::Text, "warn"), "");
        assert_eq!(lines(LogFormat::Text, "debug").lines().count(), 2);
        assert!(matches!(start_logging(LogFormat::Text, "=,=loud"), Err(LoggingError::Filter(_))));
        assert!(matches!("xml".parse::<LogFormat>(), Err(LoggingError::Format(_))));
    }
}
