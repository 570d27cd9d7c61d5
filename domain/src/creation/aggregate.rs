//! The creation's state and its decisions.

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::commands::{By, CreationCommand};
use super::error::CreationError;
use super::events::{CreationEvent, OpenedCreation, Output};
use crate::es;
use crate::run::FailureReason;

/// Where a creation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreationStatus {
    /// There is no such creation.
    #[default]
    None,
    /// Asked for.
    Opened,
    /// Made.
    Completed,
    /// Not made.
    Failed,
    /// Its run was stopped.
    Cancelled,
}

/// One thing made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    status: CreationStatus,
    opened: Option<Box<OpenedCreation>>,
    output: Option<Output>,
    failure: Option<FailureReason>,
    deleted: bool,
    hidden: bool,
}

type Decided = Result<Vec<CreationEvent>, CreationError>;

impl Creation {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> CreationStatus {
        self.status
    }

    /// What it is; privacy and licence as they are now.
    #[must_use]
    pub fn opened(&self) -> Option<&OpenedCreation> {
        self.opened.as_deref()
    }

    /// What was delivered.
    #[must_use]
    pub fn output(&self) -> Option<&Output> {
        self.output.as_ref()
    }

    /// Why it was not made.
    #[must_use]
    pub fn failure(&self) -> Option<&FailureReason> {
        self.failure.as_ref()
    }

    /// Whether its owner deleted it.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Whether the operator hid it.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Whether `account` may see it: its owner until it is deleted, others while it is public too.
    #[must_use]
    pub fn is_visible_to(&self, account: crate::ids::AccountId) -> bool {
        self.is_public() || self.opened().is_some_and(|opened| opened.account == account && !self.deleted)
    }

    /// Whether everybody may see it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        let public = self.opened().is_some_and(|opened| opened.privacy == super::events::Privacy::Public);
        public && self.status == CreationStatus::Completed && !self.deleted && !self.hidden
    }

    fn known(&self) -> Result<&OpenedCreation, CreationError> {
        self.opened().ok_or(CreationError::NotFound)
    }

    /// Refuses everybody but the owner; a deleted creation is nobody's.
    fn owned(&self, by: By) -> Result<&OpenedCreation, CreationError> {
        let opened = self.known()?;
        if self.deleted {
            return Err(CreationError::NotFound);
        }
        match by {
            By::Account(account) if account != opened.account => Err(CreationError::NotOwner),
            By::Account(_) | By::Operator => Ok(opened),
        }
    }

    fn open(&self, opened: Box<OpenedCreation>) -> Decided {
        match self.opened() {
            None => Ok(vec![CreationEvent::Opened(opened)]),
            Some(known) if known.run == opened.run && known.index == opened.index => Ok(vec![]),
            Some(_) => Err(CreationError::OtherCreation),
        }
    }

    /// Finishes it once; said again the same way it is no new fact.
    fn finish(&self, event: CreationEvent, same: bool) -> Decided {
        self.known()?;
        if self.status == CreationStatus::Opened {
            return Ok(vec![event]);
        }
        if same { Ok(vec![]) } else { Err(CreationError::Finished) }
    }
}

impl es::Aggregate for Creation {
    const STATE_SCHEMA: &'static str = "creation/2";

    fn decide(&self, command: CreationCommand) -> Decided {
        match command {
            CreationCommand::Open(opened) => self.open(opened),
            CreationCommand::Complete { output } => {
                let same = self.output.as_ref() == Some(&output);
                self.finish(CreationEvent::Completed { output }, same)
            }
            CreationCommand::Fail { reason } => {
                let same = self.failure.as_ref() == Some(&reason);
                self.finish(CreationEvent::Failed { reason }, same)
            }
            CreationCommand::Cancel => {
                self.finish(CreationEvent::Cancelled {}, self.status == CreationStatus::Cancelled)
            }
            CreationCommand::SetPrivacy { by, privacy } => {
                let unchanged = self.owned(by)?.privacy == privacy;
                Ok(if unchanged { vec![] } else { vec![CreationEvent::PrivacyChanged { privacy }] })
            }
            CreationCommand::SetLicense { by, license } => {
                let unchanged = self.owned(by)?.license == license;
                Ok(if unchanged { vec![] } else { vec![CreationEvent::LicenseChanged { license }] })
            }
            CreationCommand::Delete { by } => {
                self.owned(by)?;
                Ok(vec![CreationEvent::Deleted {}])
            }
            CreationCommand::Hide { reason } => {
                self.known()?;
                Ok(if self.hidden { vec![] } else { vec![CreationEvent::Hidden { reason }] })
            }
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + if self.opened.is_some() { 512 } else { 0 }
    }
}

impl cqrs_es::Aggregate for Creation {
    const TYPE: &'static str = "creation";
    type Command = CreationCommand;
    type Event = CreationEvent;
    type Error = CreationError;
    type Services = ();

    async fn handle(
        &mut self,
        command: CreationCommand,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), CreationError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CreationEvent) {
        match event {
            CreationEvent::Opened(opened) => {
                self.status = CreationStatus::Opened;
                self.opened = Some(opened);
            }
            CreationEvent::Completed { output } => {
                self.status = CreationStatus::Completed;
                self.output = Some(output);
            }
            CreationEvent::Failed { reason } => {
                self.status = CreationStatus::Failed;
                self.failure = Some(reason);
            }
            CreationEvent::Cancelled {} => self.status = CreationStatus::Cancelled,
            CreationEvent::PrivacyChanged { privacy } => {
                if let Some(opened) = &mut self.opened {
                    opened.privacy = privacy;
                }
            }
            CreationEvent::LicenseChanged { license } => {
                if let Some(opened) = &mut self.opened {
                    opened.license = license;
                }
            }
            CreationEvent::Deleted {} => self.deleted = true,
            CreationEvent::Hidden { .. } => self.hidden = true,
        }
    }
}
