//! What happened to a creation.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::catalog::MediaType;
use crate::ids::{AccountId, RunId, SealedId, TeamId};
use crate::run::FailureReason;

/// Who may see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Everybody.
    #[default]
    Public,
    /// Its owner.
    Private,
}

/// Under which licence it may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum License {
    /// Open GO-1.0.
    #[default]
    OpenGo1,
    /// Exclusive GE-1.0.
    ExclusiveGe1,
}

/// What a creation is from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedCreation {
    /// Its public integer id.
    pub number: u64,
    /// Whose it is.
    pub account: AccountId,
    /// The owner's public integer id, part of stable addresses.
    pub user_id: u64,
    /// The run that makes it.
    pub run: RunId,
    /// Which of the run's outputs, from 0.
    pub index: u32,
    /// The team it was made under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The generator, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// Canonical name of the model.
    pub model: String,
    /// What it will be.
    pub media_type: MediaType,
    /// The sealed inputs of its run, with the prompt.
    pub inputs: SealedId,
    /// Who may see it.
    pub privacy: Privacy,
    /// Under which licence.
    pub license: License,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A text or typed fields: sealed JSON.
    Text {
        /// The sealed fields.
        fields: SealedId,
        /// Their length in Unicode scalars.
        characters: u64,
    },
    /// A file in our storage.
    Asset {
        /// Its key there.
        key: String,
        /// Its media type.
        content_type: String,
        /// Its size.
        size_bytes: u64,
        /// Its width, of a picture or video.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<u32>,
        /// Its height, of a picture or video.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<u32>,
        /// Its length, of a sound or video.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
        /// What the provider said of it: sealed JSON; absent where nothing was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<SealedId>,
    },
}

impl Output {
    /// The same file with what was sealed of it. A text stays as it is: all of it is sealed.
    #[must_use]
    pub fn with_details(mut self, sealed: SealedId) -> Self {
        if let Output::Asset { details, .. } = &mut self {
            *details = Some(sealed);
        }
        self
    }

    /// What is sealed of it: a text's fields, a file's details.
    #[must_use]
    pub fn sealed(&self) -> Option<SealedId> {
        match self {
            Output::Text { fields, .. } => Some(*fields),
            Output::Asset { details, .. } => *details,
        }
    }
}

/// A fact about a creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreationEvent {
    /// It was asked for.
    Opened(Box<OpenedCreation>),
    /// It was made.
    Completed {
        /// What was delivered.
        output: Output,
    },
    /// It was not made.
    Failed {
        /// Why.
        reason: FailureReason,
    },
    /// Its run was stopped before it was made.
    Cancelled {},
    /// Its owner changed who may see it.
    PrivacyChanged {
        /// Who may now.
        privacy: Privacy,
    },
    /// Its owner changed its licence.
    LicenseChanged {
        /// Which it has now.
        license: License,
    },
    /// Its owner deleted it; the books stay.
    Deleted {},
    /// The operator hid it.
    Hidden {
        /// Why.
        reason: String,
    },
}

impl CreationEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 8] = [
        "creation.opened",
        "creation.completed",
        "creation.failed",
        "creation.cancelled",
        "creation.privacy_changed",
        "creation.license_changed",
        "creation.deleted",
        "creation.hidden",
    ];
}

impl DomainEvent for CreationEvent {
    fn event_type(&self) -> String {
        let index = match self {
            CreationEvent::Opened(_) => 0,
            CreationEvent::Completed { .. } => 1,
            CreationEvent::Failed { .. } => 2,
            CreationEvent::Cancelled {} => 3,
            CreationEvent::PrivacyChanged { .. } => 4,
            CreationEvent::LicenseChanged { .. } => 5,
            CreationEvent::Deleted {} => 6,
            CreationEvent::Hidden { .. } => 7,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
