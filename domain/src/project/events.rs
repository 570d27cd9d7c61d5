//! What happened to a project.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{AccountId, RunId, SealedId};

/// A stage of a project, in the order in which each follows from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What it is for.
    Brief,
    /// How it looks and speaks.
    BrandKit,
    /// What is said.
    Script,
    /// What is filmed.
    ShotList,
    /// What is seen, frame by frame.
    Storyboard,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 5] = [Stage::Brief, Stage::BrandKit, Stage::Script, Stage::ShotList, Stage::Storyboard];

    /// The name, as serialised and as the model answers it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Brief => "brief",
            Stage::BrandKit => "brand_kit",
            Stage::Script => "script",
            Stage::ShotList => "shot_list",
            Stage::Storyboard => "storyboard",
        }
    }
}

/// A stage that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageMade {
    /// Which.
    pub stage: Stage,
    /// What it says, sealed.
    pub output: SealedId,
}

/// A fact about a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectEvent {
    /// A run planned it; its storyboard waits for approval. By the append that ends the run.
    Opened {
        /// The account that owns it.
        account: AccountId,
        /// The run.
        run: RunId,
        /// What the run was asked, sealed.
        inputs: SealedId,
        /// Every stage, in order.
        stages: Vec<StageMade>,
        /// When.
        at: Timestamp,
    },
    /// Its owner wants the storyboard otherwise.
    ChangesRequested {
        /// Of which revision, from 1.
        revision: u32,
        /// What is wanted, sealed.
        comment: SealedId,
        /// Which account.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Another run planned it anew; it waits for approval again. By the append that ends that run.
    Revised {
        /// The new revision.
        revision: u32,
        /// The run.
        run: RunId,
        /// Every stage, in order.
        stages: Vec<StageMade>,
        /// When.
        at: Timestamp,
    },
    /// Its owner approved the storyboard: it can be produced.
    StoryboardApproved {
        /// Which revision.
        revision: u32,
        /// Which account.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Its owner gives it up.
    Rejected {
        /// At which revision.
        revision: u32,
        /// Which account.
        by: String,
        /// When.
        at: Timestamp,
    },
}

impl ProjectEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 5] = [
        "project.opened",
        "project.changes_requested",
        "project.revised",
        "project.storyboard_approved",
        "project.rejected",
    ];
}

impl DomainEvent for ProjectEvent {
    fn event_type(&self) -> String {
        let at = match self {
            ProjectEvent::Opened { .. } => 0,
            ProjectEvent::ChangesRequested { .. } => 1,
            ProjectEvent::Revised { .. } => 2,
            ProjectEvent::StoryboardApproved { .. } => 3,
            ProjectEvent::Rejected { .. } => 4,
        };
        Self::TYPES[at].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
