//! A sample of every event of a project.

use super::{ProjectEvent, Stage, StageMade};
use crate::event_book::{sample_id, sample_time};
use crate::ids::{AccountId, RunId, SealedId};

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<ProjectEvent> {
    let by = || AccountId(sample_id("account")).to_string();
    let stages = |revision: &str| {
        let made = |stage: Stage| StageMade { stage, output: SealedId(sample_id(&format!("{revision}{stage:?}"))) };
        Stage::ALL.into_iter().map(made).collect()
    };
    vec![
        ProjectEvent::Opened {
            account: AccountId(sample_id("account")),
            run: RunId(sample_id("run")),
            inputs: SealedId(sample_id("inputs")),
            stages: stages("first"),
            at: sample_time(0),
        },
        ProjectEvent::ChangesRequested {
            revision: 1,
            comment: SealedId(sample_id("comment")),
            by: by(),
            at: sample_time(60),
        },
        ProjectEvent::Revised {
            revision: 2,
            run: RunId(sample_id("second run")),
            stages: stages("second"),
            at: sample_time(120),
        },
        ProjectEvent::StoryboardApproved { revision: 2, by: by(), at: sample_time(180) },
        ProjectEvent::Rejected { revision: 2, by: by(), at: sample_time(180) },
    ]
}
