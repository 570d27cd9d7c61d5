//! The run's state and its decisions.

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::commands::{AttemptRef, RunCommand};
use super::error::RunError;
use super::events::{CapturedPart, Ending, FailureReason, OutputOutcome, ReportedCost, RequestedRun, RunEvent};
use crate::money::ChargingRule;
use crate::{Credits, Timestamp, es};

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// There is no such run.
    #[default]
    None,
    /// Accepted, its price held, waiting for its turn.
    Queued,
    /// An attempt is under way.
    Running,
    /// Nobody can say whether the provider has it.
    OutcomeUnknown,
    /// Ended: at least one output was delivered.
    Succeeded,
    /// Ended: nothing was delivered.
    Failed,
    /// Ended at its owner's wish.
    Cancelled,
}

impl RunStatus {
    /// Whether it has ended.
    #[must_use]
    pub fn is_ended(self) -> bool {
        match self {
            RunStatus::None | RunStatus::Queued | RunStatus::Running | RunStatus::OutcomeUnknown => false,
            RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled => true,
        }
    }

    /// The name in SQL and GraphQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::None => "none",
            RunStatus::Queued => "queued",
            RunStatus::Running => "running",
            RunStatus::OutcomeUnknown => "outcome_unknown",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        }
    }
}

/// What is known of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// It may have been sent.
    Intended,
    /// The provider took it.
    Submitted,
    /// The provider provably never got it.
    Disproved,
}

/// One try at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The provider.
    pub provider: String,
    /// Our id for it.
    pub client_id: String,
    /// The node that carries it.
    pub node: String,
    /// Until when it may be sent.
    pub submit_by: Timestamp,
    /// The provider's id, once known.
    pub provider_request_id: Option<String>,
    /// What is known of it.
    pub state: AttemptState,
}

/// One request for generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub(super) status: RunStatus,
    pub(super) requested: Option<Box<RequestedRun>>,
    pub(super) attempt: Option<Attempt>,
    pub(super) earlier: Vec<Attempt>,
    pub(super) unknown_until: Option<Timestamp>,
    pub(super) changed_at: Option<Timestamp>,
    pub(super) cancel_requested_by: Option<String>,
    pub(super) outputs: Vec<OutputOutcome>,
    pub(super) failure: Option<FailureReason>,
    pub(super) ending: Option<Ending>,
    pub(super) refunds: Vec<(String, Credits)>,
    pub(super) late_bill: Option<LateBill>,
}

/// What the provider said it charges us after the run had ended without that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateBill {
    /// By which nothing is charged for it.
    pub rule: ChargingRule,
    /// What it said.
    pub reported_cost: ReportedCost,
    /// When.
    pub at: Timestamp,
}

type Decided = Result<Vec<RunEvent>, RunError>;

impl Run {
    /// How many outputs one run may ask for.
    pub const OUTPUTS_MAX: usize = 10;
    /// How many attempts are made; all but the last provably never reached the provider.
    pub const ATTEMPTS_MAX: u32 = 10;
    /// How many refunds are given, each with its reference.
    pub const REFUNDS_MAX: usize = 100;

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.status
    }

    /// What was asked; `None` if there is no such run.
    #[must_use]
    pub fn requested(&self) -> Option<&RequestedRun> {
        self.requested.as_deref()
    }

    /// The last attempt.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_ref()
    }

    /// The attempts before the last one, oldest first; each provably never reached its provider.
    #[must_use]
    pub fn earlier_attempts(&self) -> &[Attempt] {
        &self.earlier
    }

    /// While the outcome is unknown: until when to go on asking.
    #[must_use]
    pub fn unknown_until(&self) -> Option<Timestamp> {
        self.unknown_until
    }

    /// When it last changed; `None` if there is no such run.
    #[must_use]
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.changed_at
    }

    /// Who asked for it to be stopped.
    #[must_use]
    pub fn cancel_requested_by(&self) -> Option<&str> {
        self.cancel_requested_by.as_deref()
    }

    /// What became of each output, once ended.
    #[must_use]
    pub fn outputs(&self) -> &[OutputOutcome] {
        &self.outputs
    }

    /// Why it failed.
    #[must_use]
    pub fn failure(&self) -> Option<&FailureReason> {
        self.failure.as_ref()
    }

    /// How the books were closed, once ended.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// What the provider said it charges us after the run had ended without that.
    #[must_use]
    pub fn late_bill(&self) -> Option<&LateBill> {
        self.late_bill.as_ref()
    }

    /// What the provider says it charges us, whenever it said so.
    #[must_use]
    pub fn reported_cost(&self) -> Option<&ReportedCost> {
        let in_time = self.ending.as_ref().and_then(|ending| ending.reported_cost.as_ref());
        in_time.or_else(|| self.late_bill.as_ref().map(|bill| &bill.reported_cost))
    }

    /// What has been given back of what was captured.
    #[must_use]
    pub fn refunded(&self) -> Credits {
        self.refunds.iter().map(|(_, amount)| *amount).sum()
    }

    /// Each refund: its reference and how much it gave back.
    pub fn refunds(&self) -> impl Iterator<Item = (&str, Credits)> {
        self.refunds.iter().map(|(reference, amount)| (reference.as_str(), *amount))
    }

    pub(super) fn known(&self) -> Result<&RequestedRun, RunError> {
        self.requested().ok_or(RunError::NotFound)
    }

    pub(super) fn open(&self) -> Result<&RequestedRun, RunError> {
        let requested = self.known()?;
        if self.status.is_ended() { Err(RunError::Ended(self.status)) } else { Ok(requested) }
    }

    /// The attempt under way, if it is the one named and its node still carries it.
    pub(super) fn live(&self, named: &AttemptRef) -> Result<&Attempt, RunError> {
        self.open()?;
        match &self.attempt {
            Some(attempt) if attempt.number == named.number && attempt.state != AttemptState::Disproved => {
                if attempt.node == named.node { Ok(attempt) } else { Err(RunError::Replaced { attempt: named.number }) }
            }
            Some(_) | None => Err(RunError::NotTheAttempt { attempt: named.number }),
        }
    }

    pub(super) fn has_live_attempt(&self) -> Option<u32> {
        self.attempt.as_ref().filter(|attempt| attempt.state != AttemptState::Disproved).map(|attempt| attempt.number)
    }

    /// Of which kinds a refund of `amount` would be: as they paid, what was refunded before first
    /// taken off. `None` if more is asked than is left.
    #[must_use]
    pub fn refund_parts(&self, amount: Credits) -> Option<Vec<CapturedPart>> {
        let mut skip = self.refunded();
        let mut left = amount;
        let mut parts = Vec::new();
        for part in self.ending.iter().flat_map(|ending| &ending.captured_parts) {
            let skipped = part.amount.min(skip);
            skip -= skipped;
            let now = (part.amount - skipped).min(left);
            left -= now;
            if now.is_positive() {
                parts.push(CapturedPart { amount: now, ..*part });
            }
        }
        left.is_zero().then_some(parts)
    }

    fn end(&mut self, status: RunStatus, ending: Ending) {
        self.status = status;
        self.changed_at = Some(ending.at);
        self.ending = Some(ending);
        self.unknown_until = None;
    }
}

impl es::Aggregate for Run {
    const STATE_SCHEMA: &'static str = "run/7";

    fn decide(&self, command: RunCommand) -> Decided {
        match command {
            RunCommand::Request(request) => self.request(request),
            RunCommand::IntendSubmit { client_id, node, submit_by, at } => self.intend(client_id, node, submit_by, at),
            RunCommand::TakeOver { attempt, node, at } => self.take_over(&attempt, node, at),
            RunCommand::RecordSubmitted { attempt, provider_request_id, at } => {
                self.submitted(&attempt, provider_request_id, at)
            }
            RunCommand::DisproveSubmit { attempt, reason, at } => self.disprove(&attempt, reason, at),
            RunCommand::MarkUnknown { attempt, reason, until, at } => self.mark_unknown(&attempt, reason, until, at),
            RunCommand::RequestCancel { by, at } => self.request_cancel(by, at),
            RunCommand::Succeed { attempt, outputs, ending } => self.succeed(&attempt, outputs, ending),
            RunCommand::Fail { attempt, reason, ending } => self.fail(attempt.as_ref(), reason, ending),
            RunCommand::Cancel { attempt, by, outputs, ending } => self.cancel(attempt.as_ref(), by, outputs, ending),
            RunCommand::SettleByHand { by, reason, ending } => self.settle_by_hand(by, reason, ending),
            RunCommand::BillLate { attempt, reported_cost, at } => self.bill_late(attempt, reported_cost, at),
            RunCommand::Refund { reference, amount, parts, by, reason, at } => {
                self.refund(reference, (amount, parts), (by, reason), at)
            }
        }
    }

    fn weight(&self) -> usize {
        // A request takes about 1.5 KiB with its quote; each output and creation some more.
        size_of::<Self>()
            + self.requested.as_ref().map_or(0, |request| 1_536 + request.creations.len() * 96)
            + self.earlier.len() * 256
    }
}

impl cqrs_es::Aggregate for Run {
    const TYPE: &'static str = "run";
    type Command = RunCommand;
    type Event = RunEvent;
    type Error = RunError;
    type Services = ();

    async fn handle(&mut self, command: RunCommand, _services: &(), sink: &EventSink<Self>) -> Result<(), RunError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: RunEvent) {
        match event {
            RunEvent::Requested(request) => {
                self.status = RunStatus::Queued;
                self.changed_at = Some(request.at);
                self.requested = Some(request);
            }
            RunEvent::SubmitIntended { attempt, provider, client_id, node, submit_by, at } => {
                self.status = RunStatus::Running;
                self.changed_at = Some(at);
                self.earlier.extend(self.attempt.take());
                self.attempt = Some(Attempt {
                    number: attempt,
                    provider,
                    client_id,
                    node,
                    submit_by,
                    provider_request_id: None,
                    state: AttemptState::Intended,
                });
            }
            RunEvent::TakenOver { node, at, .. } => {
                self.changed_at = Some(at);
                if let Some(attempt) = &mut self.attempt {
                    attempt.node = node;
                }
            }
            RunEvent::Submitted { provider_request_id, at, .. } => {
                self.status = RunStatus::Running;
                self.changed_at = Some(at);
                self.unknown_until = None;
                if let Some(attempt) = &mut self.attempt {
                    attempt.provider_request_id = Some(provider_request_id);
                    attempt.state = AttemptState::Submitted;
                }
            }
            RunEvent::SubmitDisproved { at, .. } => {
                self.status = RunStatus::Queued;
                self.changed_at = Some(at);
                self.unknown_until = None;
                if let Some(attempt) = &mut self.attempt {
                    attempt.state = AttemptState::Disproved;
                }
            }
            RunEvent::OutcomeUnknown { until, at, .. } => {
                self.status = RunStatus::OutcomeUnknown;
                self.changed_at = Some(at);
                self.unknown_until = Some(until);
            }
            RunEvent::CancelRequested { by, at } => {
                self.cancel_requested_by = Some(by);
                self.changed_at = Some(at);
            }
            RunEvent::Succeeded { outputs, ending, .. } => {
                self.outputs = outputs;
                self.end(RunStatus::Succeeded, ending);
            }
            RunEvent::Failed { reason, ending, .. } => {
                self.failure = Some(reason);
                self.end(RunStatus::Failed, ending);
            }
            RunEvent::SettledByHand { ending, .. } => {
                self.failure = Some(FailureReason::settled_by_hand());
                self.end(RunStatus::Failed, ending);
            }
            RunEvent::Cancelled { outputs, ending, .. } => {
                self.outputs = outputs;
                self.failure =
                    Some(FailureReason { code: "cancelled".into(), message: "The run was cancelled.".into() });
                self.end(RunStatus::Cancelled, ending);
            }
            RunEvent::Refunded { reference, amount, at, .. } => {
                self.refunds.push((reference, amount));
                self.changed_at = Some(at);
            }
            RunEvent::BilledLate { rule, reported_cost, at, .. } => {
                self.late_bill = Some(LateBill { rule, reported_cost, at });
                self.changed_at = Some(at);
            }
        }
    }
}
