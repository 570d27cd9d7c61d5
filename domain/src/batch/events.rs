//! What happened to a batch.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, RunId, SealedId};
use crate::run::{Payer, Surface};
use crate::{Credits, Timestamp};

/// What its items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchMode {
    /// Runs of a workflow.
    Workflow,
    /// Runs of one operation.
    Operation,
}

/// What a batch is from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedBatch {
    /// The account that acted and owns it.
    pub account: AccountId,
    /// Who pays.
    pub payer: Payer,
    /// The key it acted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<u64>,
    /// The OAuth client with whose token it acted; absent where it acted otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Through which door.
    pub surface: Surface,
    /// The request's id.
    pub request_id: String,
    /// HMAC of the body's bytes under the account's key, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What its items are.
    pub mode: BatchMode,
    /// The workflow or operation.
    pub target: String,
    /// How many items may run at once.
    pub concurrency: u32,
    /// For each item, in order, the sealed text that holds its inputs; several items share one.
    pub items: Vec<SealedId>,
    /// The most that each item can cost, in order; together what is held.
    pub item_maxima: Vec<Credits>,
    /// When it was accepted.
    pub at: Timestamp,
}

impl CreatedBatch {
    /// What is held for the whole batch.
    #[must_use]
    pub fn maximum(&self) -> Credits {
        self.item_maxima.iter().copied().sum()
    }

    /// Whether `other` is the same request said again: by fingerprint where either has one, else in
    /// everything but the moment and the ids made for it.
    #[must_use]
    pub fn is_same_request(&self, other: &CreatedBatch) -> bool {
        if self.fingerprint.is_some() || other.fingerprint.is_some() {
            return self.fingerprint == other.fingerprint && self.account == other.account;
        }
        let mut said = other.clone();
        said.request_id.clone_from(&self.request_id);
        said.at = self.at;
        if said.items.len() == self.items.len() {
            said.items.clone_from(&self.items);
        }
        *self == said
    }
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// Its run delivered.
    Succeeded,
    /// Its run failed, or it could not be started.
    Failed,
    /// Its run was cancelled, or it was never started.
    Cancelled,
}

/// A fact about a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchEvent {
    /// It was accepted; its maximum is held by the same append.
    Created(Box<CreatedBatch>),
    /// An item became a run, by the same append.
    ItemStarted {
        /// Which, from 0.
        index: u32,
        /// Its run.
        run: RunId,
    },
    /// An item's run ended, by the same append; or the item could not be started.
    ItemFinished {
        /// Which.
        index: u32,
        /// How.
        outcome: ItemOutcome,
    },
    /// Its owner wants it stopped: items that wait are cancelled by this, those that run go on.
    CancelRequested {
        /// Which account, or `operator`.
        by: String,
    },
    /// Every item succeeded.
    Completed {},
    /// Some items succeeded.
    Partial {},
    /// No item succeeded.
    Failed {},
    /// It was stopped before any item succeeded.
    Cancelled {},
}

impl BatchEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 8] = [
        "batch.created",
        "batch.item_started",
        "batch.item_finished",
        "batch.cancel_requested",
        "batch.completed",
        "batch.partial",
        "batch.failed",
        "batch.cancelled",
    ];
}

impl DomainEvent for BatchEvent {
    fn event_type(&self) -> String {
        let index = match self {
            BatchEvent::Created(_) => 0,
            BatchEvent::ItemStarted { .. } => 1,
            BatchEvent::ItemFinished { .. } => 2,
            BatchEvent::CancelRequested { .. } => 3,
            BatchEvent::Completed {} => 4,
            BatchEvent::Partial {} => 5,
            BatchEvent::Failed {} => 6,
            BatchEvent::Cancelled {} => 7,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
