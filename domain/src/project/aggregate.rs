//! The project itself: what may be said of it, and where it stands.

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::events::{ProjectEvent, StageMade};
use crate::ids::{AccountId, RunId, SealedId};
use crate::{Timestamp, es};

/// Where a project stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectStatus {
    /// There is none.
    #[default]
    None,
    /// The storyboard waits for its owner.
    NeedsApproval,
    /// The storyboard is to be made anew.
    ChangesRequested,
    /// The storyboard is approved.
    Approved,
    /// It was given up.
    Rejected,
}

impl ProjectStatus {
    /// The name as clients see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ProjectStatus::None => "none",
            ProjectStatus::NeedsApproval => "needs_approval",
            ProjectStatus::ChangesRequested => "changes_requested",
            ProjectStatus::Approved => "approved",
            ProjectStatus::Rejected => "rejected",
        }
    }

    /// The stage that it is at, and what its owner can do next.
    #[must_use]
    pub fn stage_and_next(self) -> (&'static str, &'static str) {
        match self {
            ProjectStatus::NeedsApproval => ("storyboard", "approve_storyboard"),
            ProjectStatus::ChangesRequested => ("storyboard", "revise_storyboard"),
            ProjectStatus::Approved => ("production", "produce_shots"),
            ProjectStatus::None | ProjectStatus::Rejected => ("storyboard", "none"),
        }
    }
}

/// A command to a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectCommand {
    /// A run has planned it, for the first time or anew.
    Deliver {
        /// The account that owns run and project.
        account: AccountId,
        /// The run.
        run: RunId,
        /// What the run was asked, sealed.
        inputs: SealedId,
        /// Every stage, in order.
        stages: Vec<StageMade>,
        /// The moment.
        at: Timestamp,
    },
    /// The storyboard is approved.
    Approve {
        /// Which account.
        by: String,
        /// The moment.
        at: Timestamp,
    },
    /// The storyboard is to be made anew.
    RequestChanges {
        /// What is wanted, sealed.
        comment: SealedId,
        /// Which account.
        by: String,
        /// The moment.
        at: Timestamp,
    },
    /// It is given up.
    Reject {
        /// Which account.
        by: String,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// There is no such project.
    #[error("there is no such project")]
    NotFound,
    /// Somebody else's.
    #[error("the project belongs to another account")]
    OtherOwner,
    /// It stands where this cannot be said of it.
    #[error("the project is {}, and what can be done next is {}", .0.as_str(), .0.stage_and_next().1)]
    NotNow(ProjectStatus),
}

/// What a storyboard run planned, and what its owner says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    account: Option<AccountId>,
    inputs: Option<SealedId>,
    status: ProjectStatus,
    revision: u32,
    run: Option<RunId>,
    stages: Vec<StageMade>,
    comment: Option<SealedId>,
    opened_at: Option<Timestamp>,
    changed_at: Option<Timestamp>,
}

impl Project {
    /// Whose it is; `None` if there is none.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// What the run that opened it was asked, sealed.
    #[must_use]
    pub fn inputs(&self) -> Option<SealedId> {
        self.inputs
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> ProjectStatus {
        self.status
    }

    /// How often it was planned.
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The run that planned it last.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.run
    }

    /// Its stages as they were planned last, in order.
    #[must_use]
    pub fn stages(&self) -> &[StageMade] {
        &self.stages
    }

    /// What was last wanted otherwise, sealed; `None` where nothing was.
    #[must_use]
    pub fn comment(&self) -> Option<SealedId> {
        self.comment
    }

    /// When it was opened, and when anything of it last changed.
    #[must_use]
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        self.opened_at.zip(self.changed_at)
    }

    /// Whether its owner can say something of the storyboard now.
    fn waits(&self) -> Result<(), ProjectError> {
        match self.status {
            ProjectStatus::None => Err(ProjectError::NotFound),
            ProjectStatus::NeedsApproval => Ok(()),
            other => Err(ProjectError::NotNow(other)),
        }
    }

    fn deliver(
        &self,
        (account, run, inputs): (AccountId, RunId, SealedId),
        stages: Vec<StageMade>,
        at: Timestamp,
    ) -> Result<Vec<ProjectEvent>, ProjectError> {
        match self.account {
            None => Ok(vec![ProjectEvent::Opened { account, run, inputs, stages, at }]),
            Some(owner) if owner != account => Err(ProjectError::OtherOwner),
            Some(_) if self.run == Some(run) => Ok(vec![]),
            Some(_) => match self.status {
                ProjectStatus::NeedsApproval | ProjectStatus::ChangesRequested => {
                    Ok(vec![ProjectEvent::Revised { revision: self.revision + 1, run, stages, at }])
                }
                // It was settled while the run went on: what the run delivered stays with the run.
                ProjectStatus::None | ProjectStatus::Approved | ProjectStatus::Rejected => Ok(vec![]),
            },
        }
    }
}

impl es::Aggregate for Project {
    const STATE_SCHEMA: &'static str = "project/1";

    fn decide(&self, command: ProjectCommand) -> Result<Vec<ProjectEvent>, ProjectError> {
        let revision = self.revision;
        match command {
            ProjectCommand::Deliver { account, run, inputs, stages, at } => {
                self.deliver((account, run, inputs), stages, at)
            }
            ProjectCommand::Approve { .. } if self.status == ProjectStatus::Approved => Ok(vec![]),
            ProjectCommand::Approve { by, at } => {
                self.waits().map(|()| vec![ProjectEvent::StoryboardApproved { revision, by, at }])
            }
            ProjectCommand::RequestChanges { comment, by, at } => {
                self.waits().map(|()| vec![ProjectEvent::ChangesRequested { revision, comment, by, at }])
            }
            ProjectCommand::Reject { .. } if self.status == ProjectStatus::Rejected => Ok(vec![]),
            ProjectCommand::Reject { by, at } => match self.status {
                ProjectStatus::NeedsApproval | ProjectStatus::ChangesRequested => {
                    Ok(vec![ProjectEvent::Rejected { revision, by, at }])
                }
                ProjectStatus::None => Err(ProjectError::NotFound),
                other => Err(ProjectError::NotNow(other)),
            },
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.stages.len() * size_of::<StageMade>()
    }
}

impl cqrs_es::Aggregate for Project {
    const TYPE: &'static str = "project";
    type Command = ProjectCommand;
    type Event = ProjectEvent;
    type Error = ProjectError;
    type Services = ();

    async fn handle(&mut self, command: ProjectCommand, _: &(), sink: &EventSink<Self>) -> Result<(), ProjectError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ProjectEvent) {
        let (status, at) = match event {
            ProjectEvent::Opened { account, run, inputs, stages, at } => {
                self.account = Some(account);
                self.inputs = Some(inputs);
                self.opened_at = Some(at);
                (self.revision, self.run, self.stages) = (1, Some(run), stages);
                (ProjectStatus::NeedsApproval, at)
            }
            ProjectEvent::ChangesRequested { comment, at, .. } => {
                self.comment = Some(comment);
                (ProjectStatus::ChangesRequested, at)
            }
            ProjectEvent::Revised { revision, run, stages, at } => {
                (self.revision, self.run, self.stages) = (revision, Some(run), stages);
                (ProjectStatus::NeedsApproval, at)
            }
            ProjectEvent::StoryboardApproved { at, .. } => (ProjectStatus::Approved, at),
            ProjectEvent::Rejected { at, .. } => (ProjectStatus::Rejected, at),
        };
        self.status = status;
        self.changed_at = Some(at);
    }
}
