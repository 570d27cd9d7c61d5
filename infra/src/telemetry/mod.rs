//! What the server tells about itself: log lines and metrics. Never a prompt, a key or an
//! email address in either.

mod logging;
mod metrics;

pub use logging::{LogFormat, LoggingError, start_logging};
pub use metrics::{Metrics, MetricsError};
