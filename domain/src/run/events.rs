//! What happened to a run.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::catalog::{Capability, Checked, workflow_capability};
use crate::ids::{AccountId, BatchId, CreationId, ProjectId, SealedId, TeamId, WalletId};
use crate::money::{ChargingRule, Quote};
use crate::ports::InputError;
use crate::wallet::LotKind;
use crate::{Credits, Timestamp};

/// Through which door a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The Generor dialect.
    Generor,
    /// The GenFire dialect.
    Genfire,
    /// The GirlGeneratorAI dialect.
    Girlgenerator,
    /// GraphQL.
    Graphql,
    /// The command line.
    CommandLine,
}

impl Surface {
    /// The name in events and SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Surface::Generor => "generor",
            Surface::Genfire => "genfire",
            Surface::Girlgenerator => "girlgenerator",
            Surface::Graphql => "graphql",
            Surface::CommandLine => "command_line",
        }
    }
}

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// The wallet that the hold is in.
    pub wallet: WalletId,
    /// The team, where the wallet is its allowance to the acting account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
}

/// One output asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationRef {
    /// Its stream.
    pub id: CreationId,
    /// Its public integer id.
    pub number: u64,
}

/// Which item of which batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRef {
    /// The batch.
    pub batch: BatchId,
    /// The item, from 0.
    pub index: u32,
}

/// All that later questions about a run need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedRun {
    /// The account that acted and owns the run.
    pub account: AccountId,
    /// Who pays.
    pub payer: Payer,
    /// The team that it was made for, whoever pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The key it acted with (its public integer id); absent for the command line and sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<u64>,
    /// The OAuth client with whose token it acted; absent where it acted otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Through which door.
    pub surface: Surface,
    /// Method and path template: `POST /v1/images/generations`.
    pub route: String,
    /// The operation's name: `images.generations.create`.
    pub operation: String,
    /// The request's id.
    pub request_id: String,
    /// HMAC of the body's bytes under the account's key, in hex; absent without an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// What was asked for, with every default filled in: model, capability, mode and choices.
    pub parameters: Checked,
    /// The model as the caller named it; a workflow's own; empty where there is none.
    pub model_alias: String,
    /// The generator, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// The generator's preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<String>,
    /// The generator's second preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference_two: Option<String>,
    /// The workflow, where it is a run of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The project that the run opens or plans anew, where its workflow makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The sealed [`super::Inputs`].
    pub inputs: SealedId,
    /// How the price came about, and under which price book.
    pub quote: Quote,
    /// One for each output.
    pub creations: Vec<CreationRef>,
    /// The batch, if it is an item of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemRef>,
    /// Which provider carries it out.
    pub provider: String,
    /// The model by the provider's own name.
    pub provider_model: String,
    /// Private outputs have signed addresses and appear in no public list.
    pub private: bool,
    /// When it was accepted.
    pub at: Timestamp,
}

impl RequestedRun {
    /// What clients are told that it makes: the capability's name, `workflow.<key>` for a workflow.
    #[must_use]
    pub fn capability_shown(&self) -> String {
        match &self.workflow {
            Some(key) => workflow_capability(key),
            None => self.parameters.capability.as_str().to_owned(),
        }
    }

    /// The slug of the model that clients are told of; a workflow's is its own affair, and a page is
    /// read without one.
    #[must_use]
    pub fn model_shown(&self) -> Option<&str> {
        let none = self.workflow.is_some() || self.parameters.capability == Capability::ProductExtraction;
        (!none).then_some(self.parameters.model.as_str())
    }

    /// Whether `other` is the same request said again: by fingerprint where both have one, else in
    /// everything but the moment and the ids made for it.
    #[must_use]
    pub fn is_same_request(&self, other: &RequestedRun) -> bool {
        if self.fingerprint.is_some() || other.fingerprint.is_some() {
            return self.fingerprint == other.fingerprint && self.account == other.account && self.route == other.route;
        }
        let mut said = other.clone();
        said.request_id.clone_from(&self.request_id);
        said.inputs = self.inputs;
        said.at = self.at;
        if said.creations.len() == self.creations.len() {
            said.creations.clone_from(&self.creations);
        }
        *self == said
    }
}

/// What a provider says it charged us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedCost {
    /// A decimal number.
    pub amount: String,
    /// ISO 4217, or the provider's own unit.
    pub currency: String,
}

/// Why something was not delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureReason {
    /// Stable, for programs: `provider_failed`, `moderated`, `timeout`, `cancelled`.
    pub code: String,
    /// For people. Never a prompt or an address.
    pub message: String,
}

impl FailureReason {
    /// Whether a file that the caller named is why: another request can mend it.
    #[must_use]
    pub fn is_of_an_input(&self) -> bool {
        InputError::CODES_OF_THE_FILE.contains(&self.code.as_str())
    }

    /// What everybody but the operator is told of a run that was ended by hand. The evidence names
    /// tickets and invoices of the operator's and stays in the event.
    #[must_use]
    pub fn settled_by_hand() -> Self {
        FailureReason {
            code: "settled_by_hand".into(),
            message: "The operator ended the run; nothing was delivered and nothing is charged.".into(),
        }
    }
}

/// What became of one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputOutcome {
    /// It was delivered and is ours.
    Delivered,
    /// It was not.
    Failed(FailureReason),
}

/// Credits of one kind that a capture took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedPart {
    /// Of lots of which kind.
    pub kind: LotKind,
    /// How much.
    pub amount: Credits,
}

/// How the books were closed when a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// The line of the charging rules that applied.
    pub rule: ChargingRule,
    /// What was captured; the rest of the hold was released in the same append.
    pub captured: Credits,
    /// Of which kinds, so that a refund can give the same back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captured_parts: Vec<CapturedPart>,
    /// What the provider says it charged us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_cost: Option<ReportedCost>,
}

/// A fact about a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// It was accepted; its price is held by the same append.
    Requested(Box<RequestedRun>),
    /// It is about to be sent to the provider. Written before anything is sent, so that whoever
    /// takes over after a crash knows that it may have been.
    SubmitIntended {
        /// From 1.
        attempt: u32,
        /// The provider.
        provider: String,
        /// Our id for the attempt, by which the provider can be asked about it.
        client_id: String,
        /// The node that sends it and carries it on.
        node: String,
        /// After this (and the provider's timeout) nobody sends this attempt any more.
        submit_by: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// The node that carried an attempt is gone; another carries it on. From now on the log refuses
    /// whatever the first one still says of it.
    TakenOver {
        /// Which attempt.
        attempt: u32,
        /// The node that carries it on.
        node: String,
        /// When.
        at: Timestamp,
    },
    /// The provider took it.
    Submitted {
        /// Which attempt.
        attempt: u32,
        /// The provider's id.
        provider_request_id: String,
        /// When.
        at: Timestamp,
    },
    /// It is proven that the provider never got this attempt; another may follow.
    SubmitDisproved {
        /// Which attempt.
        attempt: u32,
        /// How that is known.
        reason: FailureReason,
        /// When.
        at: Timestamp,
    },
    /// Nobody can say whether the provider has it; the hold stays, probing goes on.
    OutcomeUnknown {
        /// Which attempt.
        attempt: u32,
        /// Why.
        reason: FailureReason,
        /// If it is still unknown then, it fails at no cost.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Its owner wants it stopped; what the provider confirms by then is paid for.
    CancelRequested {
        /// Which account, or `operator`.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// At least one output was delivered.
    Succeeded {
        /// Which attempt.
        attempt: u32,
        /// What became of each output, in order.
        outputs: Vec<OutputOutcome>,
        /// How the books were closed.
        ending: Ending,
    },
    /// Nothing was delivered.
    Failed {
        /// Which attempt; absent if none was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// Why.
        reason: FailureReason,
        /// How the books were closed.
        ending: Ending,
    },
    /// It was stopped at its owner's wish.
    Cancelled {
        /// Which attempt; absent if none was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// Which account, or `operator`.
        by: String,
        /// What the provider had delivered by then, in order; empty if nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<OutputOutcome>,
        /// How the books were closed.
        ending: Ending,
    },
    /// The operator ended it by hand, on evidence from outside; nothing was delivered.
    SettledByHand {
        /// Who.
        by: String,
        /// On what evidence: for the books. Shown is [`FailureReason::settled_by_hand`].
        reason: FailureReason,
        /// How the books were closed.
        ending: Ending,
    },
    /// Some of what was captured was given back.
    Refunded {
        /// Of this refund, so that it is not given twice.
        reference: String,
        /// How much.
        amount: Credits,
        /// Of which kinds.
        parts: Vec<CapturedPart>,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// The provider said what it charges us after the run had ended without that. Nobody pays for it
    /// but the house.
    BilledLate {
        /// Which attempt.
        attempt: u32,
        /// The line of the charging rules by which nothing is charged.
        rule: ChargingRule,
        /// What the provider says it charges us.
        reported_cost: ReportedCost,
        /// When it was said.
        at: Timestamp,
    },
}

impl RunEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 13] = [
        "run.requested",
        "run.submit_intended",
        "run.taken_over",
        "run.submitted",
        "run.submit_disproved",
        "run.outcome_unknown",
        "run.cancel_requested",
        "run.succeeded",
        "run.failed",
        "run.cancelled",
        "run.settled_by_hand",
        "run.refunded",
        "run.billed_late",
    ];
}

impl DomainEvent for RunEvent {
    fn event_type(&self) -> String {
        let index = match self {
            RunEvent::Requested(_) => 0,
            RunEvent::SubmitIntended { .. } => 1,
            RunEvent::TakenOver { .. } => 2,
            RunEvent::Submitted { .. } => 3,
            RunEvent::SubmitDisproved { .. } => 4,
            RunEvent::OutcomeUnknown { .. } => 5,
            RunEvent::CancelRequested { .. } => 6,
            RunEvent::Succeeded { .. } => 7,
            RunEvent::Failed { .. } => 8,
            RunEvent::Cancelled { .. } => 9,
            RunEvent::SettledByHand { .. } => 10,
            RunEvent::Refunded { .. } => 11,
            RunEvent::BilledLate { .. } => 12,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
