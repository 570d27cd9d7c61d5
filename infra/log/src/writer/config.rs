//! The writer's limits.

use std::time::Duration;

/// Limits of one writer. All of them are per shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterConfig {
    /// The most decisions that are appended together.
    pub batch_decisions_max: usize,
    /// The most events that are appended together; at most what the log takes.
    pub batch_events_max: usize,
    /// About the most bytes of payloads, metadata and sealed texts that are appended together.
    pub batch_bytes_max: usize,
    /// How many decisions may wait. Beyond that: overloaded.
    pub waiting_max: usize,
    /// About how many bytes they may carry together ([`DecisionRequest::carries_bytes`]). One that carries
    /// more is taken in only while nothing else waits.
    ///
    /// [`DecisionRequest::carries_bytes`]: mintmark_domain::es::DecisionRequest::carries_bytes
    pub waiting_bytes_max: usize,
    /// How many of these may belong to one account.
    pub waiting_per_account_max: usize,
    /// About how many bytes of states are kept in memory.
    pub cache_bytes_max: usize,
    /// How many reads for cold streams may be under way at once.
    pub loads_max: usize,
    /// How many streams one such read asks for.
    pub load_streams_max: usize,
    /// How many events of a stream are read with those of others; what is longer is read by itself,
    /// from its snapshot where there is one.
    pub load_page_events: usize,
    /// How many events such a read brings at most: of many streams, fewer are read of each.
    pub load_events_max: usize,
    /// How many long streams are read by themselves at once.
    pub long_loads_max: usize,
    /// How many events lie between two snapshots of a stream at the least; of one with a large state more.
    pub snapshot_every_events: u64,
    /// How far the log's last recorded time may be ahead of the clock before writing stops.
    pub clock_behind_max: Duration,
    /// How long decisions wait for a log that cannot be reached before they are answered so. Those
    /// whose outcome is unknown wait until it is known.
    pub unreachable_max: Duration,
    /// After how many missed events the caches are dropped instead of folding them in.
    pub catch_up_events_max: u64,
}

impl Default for WriterConfig {
    fn default() -> Self {
        WriterConfig {
            batch_decisions_max: 512,
            batch_events_max: mintmark_domain::es::MAX_EVENTS_PER_COMMIT,
            batch_bytes_max: 8 << 20,
            waiting_max: 8_192,
            waiting_bytes_max: 256 << 20,
            waiting_per_account_max: 2_048,
            cache_bytes_max: 64 << 20,
            loads_max: 4,
            load_streams_max: 256,
            load_page_events: 500,
            load_events_max: 32_000,
            long_loads_max: 2,
            snapshot_every_events: 500,
            clock_behind_max: Duration::from_secs(60),
            unreachable_max: Duration::from_secs(2),
            catch_up_events_max: 20_000,
        }
    }
}

impl WriterConfig {
    /// How many events of each of `streams` are read together: all of them stay within the bound.
    pub(super) fn page_events(&self, streams: usize) -> usize {
        self.load_page_events.min(self.load_events_max / streams.max(1)).max(1)
    }

    /// How many decisions of one account may wait for streams at once. The rest of its lane stays where
    /// it is, so that others are taken in between.
    pub(super) fn parked_per_account_max(&self) -> usize {
        (self.waiting_per_account_max / 4).min(self.batch_decisions_max / 4).max(1)
    }
}
