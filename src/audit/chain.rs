//! One shard's positions, commits, times and leaves.

use std::collections::HashSet;

use mintmark_domain::Timestamp;
use mintmark_domain::es::Recorded;
use mintmark_domain::ids::CommitId;

use super::Finding;

/// What is said of a row whose leaf is not that of its content.
pub(super) const ALTERED: &str = "its leaf does not fit its content: the row was altered";

/// What came before, in one shard.
#[derive(Debug, Default)]
pub(super) struct Chain {
    last: Option<(u64, CommitId, Timestamp)>,
    ended: HashSet<CommitId>,
}

impl Chain {
    /// Checks the next event and remembers it.
    pub fn check(&mut self, recorded: &Recorded) -> Vec<Finding> {
        let mut findings = Vec::new();
        let position = recorded.position.0;
        let expected = self.last.map_or(1, |(position, _, _)| position + 1);
        if position != expected {
            findings.push(Finding::at(recorded, format!("position {expected} is missing")));
        }
        if let Some((_, commit, at)) = self.last {
            if recorded.recorded_at < at {
                findings.push(Finding::at(recorded, format!("recorded at {} after {at}", recorded.recorded_at)));
            }
            if commit != recorded.commit_id {
                self.ended.insert(commit);
            }
            if self.ended.contains(&recorded.commit_id) {
                findings.push(Finding::at(recorded, format!("{} stands in two places", recorded.commit_id)));
            }
        }
        if recorded.stream.shard() != recorded.shard {
            findings.push(Finding::at(recorded, format!("{:?} is not of this shard", recorded.stream)));
        }
        if recorded.computed_leaf() != recorded.leaf {
            findings.push(Finding::at(recorded, ALTERED));
        }
        self.last = Some((position, recorded.commit_id, recorded.recorded_at));
        findings
    }
}
