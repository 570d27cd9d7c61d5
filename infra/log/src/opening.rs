//! The row at position 0 of every shard.

use chrono::SubsecRound;
use mintmark_domain::es::{Position, Recorded, SHARD_OPENED, shard_opened_stream};
use mintmark_domain::ids::CommitId;
use mintmark_domain::{Shard, Timestamp};

/// The row that opens `shard`: sequence 0 of a stream of its own, so that there is an end to compare
/// with before the first commit.
pub(crate) fn opening_row(shard: Shard, commit_id: CommitId, at: Timestamp) -> Recorded {
    let mut row = Recorded {
        shard,
        position: Position(0),
        commit_id,
        recorded_at: at.trunc_subsecs(6),
        stream: shard_opened_stream(shard),
        sequence: 0,
        event_type: SHARD_OPENED.to_owned(),
        event_version: "1.0".to_owned(),
        payload: format!(r#"{{"shard":{shard}}}"#),
        metadata: r#"{"actor":"log"}"#.to_owned(),
        leaf: [0; 32],
    };
    row.leaf = row.computed_leaf();
    row
}
