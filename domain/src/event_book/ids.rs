//! Ids and moments of the samples: always the same.

use uuid::Uuid;

use crate::ids::derived_id;
use crate::{Credits, Shard, Timestamp};

/// The id that stands for `name` in every sample.
pub(crate) fn sample_id(name: &str) -> Uuid {
    derived_id(Shard::ZERO, "sample", &[name.as_bytes()])
}

/// A moment, so many seconds into the samples' morning.
pub(crate) fn sample_time(seconds: i64) -> Timestamp {
    chrono::DateTime::from_timestamp_micros(1_795_338_000_123_456 + seconds * 1_000_000).unwrap_or_default()
}

/// So many millionths of a credit.
pub(crate) fn sample_credits(millionths: i64) -> Credits {
    Credits::new(rust_decimal::Decimal::new(millionths, 6)).unwrap_or_default()
}
