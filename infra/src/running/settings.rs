//! Limits and pauses of the running of runs.

use std::time::Duration;

use super::memory::InputLimits;

/// Limits and pauses of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningSettings {
    /// How long after writing down that a run is about to be sent it may be sent. Its inputs are
    /// fetched within this time where the run starts at once.
    pub submit_window: Duration,
    /// How far clocks of nodes and providers may differ.
    pub clock_skew: Duration,
    /// How often a run is sent that provably never arrived, before it fails at no cost.
    pub attempts_max: u32,
    /// The pause before the second attempt; each further one is twice as long.
    pub retry_pause: Duration,
    /// The longest such pause.
    pub retry_pause_max: Duration,
    /// The longest pause between two questions about a run whose outcome is unknown; they begin at
    /// the provider's poll interval and double.
    pub unknown_pause_max: Duration,
    /// How many runs wait in memory for one provider. Further ones stay in the log and are found by
    /// the recovery loop.
    pub waiting_max: usize,
    /// How many of these may be one account's.
    pub waiting_per_account_max: usize,
    /// How often the recovery loop looks through the work queue.
    pub scan_every: Duration,
    /// How many items it reads at once.
    pub scan_page: usize,
    /// How long something waits before it counts as left alone by the node that accepted it.
    pub orphan_after: Duration,
    /// How often a node says that it lives.
    pub beat_every: Duration,
    /// After how long a silence it counts as gone.
    pub dead_after: Duration,
    /// How often the log is asked about a run that another node carries and that somebody waits for.
    pub ended_poll: Duration,
    /// How long a run whose provider is not configured here is left to nodes that know it. All nodes
    /// on one log should have the same providers; while they are being changed, they do not.
    pub absent_after: Duration,
    /// How large inputs may be.
    pub inputs: InputLimits,
}

impl Default for RunningSettings {
    fn default() -> Self {
        RunningSettings {
            submit_window: Duration::from_secs(30),
            clock_skew: Duration::from_secs(5),
            attempts_max: 5,
            retry_pause: Duration::from_secs(1),
            retry_pause_max: Duration::from_secs(30),
            unknown_pause_max: Duration::from_secs(60),
            waiting_max: 20_000,
            waiting_per_account_max: 2_000,
            scan_every: Duration::from_secs(2),
            scan_page: 500,
            orphan_after: Duration::from_secs(10),
            beat_every: Duration::from_secs(2),
            dead_after: Duration::from_secs(10),
            ended_poll: Duration::from_millis(500),
            absent_after: Duration::from_secs(600),
            inputs: InputLimits::default(),
        }
    }
}
