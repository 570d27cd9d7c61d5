//! What follows from each command, or why it is refused.

use super::aggregate::{Attempt, AttemptState, Run, RunStatus};
use super::commands::AttemptRef;
use super::error::RunError;
use super::events::{CapturedPart, Ending, FailureReason, OutputOutcome, ReportedCost, RequestedRun, RunEvent};
use crate::money::{Charged, ChargingRule};
use crate::{Credits, Timestamp};

type Decided = Result<Vec<RunEvent>, RunError>;

impl Run {
    pub(super) fn request(&self, request: Box<RequestedRun>) -> Decided {
        if let Some(known) = self.requested() {
            return if known.is_same_request(&request) { Ok(vec![]) } else { Err(RunError::OtherRequest) };
        }
        if request.creations.is_empty() || request.creations.len() > Self::OUTPUTS_MAX {
            return Err(RunError::BadOutputCount { max: Self::OUTPUTS_MAX });
        }
        Ok(vec![RunEvent::Requested(request)])
    }

    pub(super) fn intend(&self, client_id: String, node: String, submit_by: Timestamp, at: Timestamp) -> Decided {
        let provider = self.open()?.provider.clone();
        if let Some(attempt) = &self.attempt {
            let number = attempt.number;
            if attempt.state == AttemptState::Disproved {
                // That it never arrived was proven under this id; a new attempt needs an id of its own.
                if attempt.client_id == client_id {
                    return Err(RunError::NotTheAttempt { attempt: number });
                }
            } else if attempt.client_id == client_id && attempt.node == node && attempt.submit_by == submit_by {
                return Ok(vec![]);
            } else {
                return Err(RunError::AttemptLive { attempt: number });
            }
        }
        if self.cancel_requested_by.is_some() {
            return Err(RunError::CancelRequested);
        }
        let attempt = self.attempt.as_ref().map_or(0, |attempt| attempt.number) + 1;
        if attempt > Self::ATTEMPTS_MAX {
            return Err(RunError::TooManyAttempts { max: Self::ATTEMPTS_MAX });
        }
        Ok(vec![RunEvent::SubmitIntended { attempt, provider, client_id, node, submit_by, at }])
    }

    pub(super) fn take_over(&self, attempt: &AttemptRef, node: String, at: Timestamp) -> Decided {
        let new = AttemptRef { number: attempt.number, node: node.clone() };
        if self.live(&new).is_ok() {
            return Ok(vec![]);
        }
        self.live(attempt)?;
        Ok(vec![RunEvent::TakenOver { attempt: attempt.number, node, at }])
    }

    pub(super) fn submitted(&self, named: &AttemptRef, provider_request_id: String, at: Timestamp) -> Decided {
        let attempt = self.live(named)?;
        match &attempt.provider_request_id {
            Some(known) if *known == provider_request_id && self.status == RunStatus::Running => Ok(vec![]),
            Some(known) if *known != provider_request_id => Err(RunError::OtherSubmission { attempt: named.number }),
            Some(_) | None => Ok(vec![RunEvent::Submitted { attempt: named.number, provider_request_id, at }]),
        }
    }

    pub(super) fn disprove(&self, named: &AttemptRef, reason: FailureReason, at: Timestamp) -> Decided {
        self.open()?;
        let disproved = |attempt: &&Attempt| attempt.number == named.number && attempt.state == AttemptState::Disproved;
        if self.attempt.as_ref().filter(disproved).is_some() {
            return Ok(vec![]);
        }
        match self.live(named)?.state {
            AttemptState::Submitted => Err(RunError::AlreadySent),
            AttemptState::Intended | AttemptState::Disproved => {
                Ok(vec![RunEvent::SubmitDisproved { attempt: named.number, reason, at }])
            }
        }
    }

    pub(super) fn mark_unknown(
        &self,
        named: &AttemptRef,
        reason: FailureReason,
        until: Timestamp,
        at: Timestamp,
    ) -> Decided {
        self.live(named)?;
        if self.status == RunStatus::OutcomeUnknown {
            return Ok(vec![]);
        }
        Ok(vec![RunEvent::OutcomeUnknown { attempt: named.number, reason, until, at }])
    }

    fn check_ending(&self, ending: &Ending) -> Result<(), RunError> {
        let held = self.known()?.quote.amount;
        let parts: Credits = ending.captured_parts.iter().map(|part| part.amount).sum();
        let bad_part = ending.captured_parts.iter().any(|part| !part.amount.is_positive());
        if ending.captured > held || ending.captured.is_negative() || parts != ending.captured || bad_part {
            return Err(RunError::CapturedTooMuch { captured: ending.captured, held });
        }
        if ending.rule.charged() == Charged::HeldUntilKnown {
            return Err(RunError::DeliveryMismatch);
        }
        Ok(())
    }

    fn check_outputs(&self, outputs: &[OutputOutcome]) -> Result<bool, RunError> {
        let asked = self.known()?.creations.len();
        if outputs.len() != asked {
            return Err(RunError::OutcomeCount { given: outputs.len(), asked });
        }
        Ok(outputs.contains(&OutputOutcome::Delivered))
    }

    pub(super) fn succeed(&self, attempt: &AttemptRef, outputs: Vec<OutputOutcome>, ending: Ending) -> Decided {
        if self.status == RunStatus::Succeeded && self.outputs == outputs && self.ending.as_ref() == Some(&ending) {
            return Ok(vec![]);
        }
        self.live(attempt)?;
        self.check_ending(&ending)?;
        if !self.check_outputs(&outputs)? {
            return Err(RunError::DeliveryMismatch);
        }
        Ok(vec![RunEvent::Succeeded { attempt: attempt.number, outputs, ending }])
    }

    /// The attempt under way must be the one named, and carried by whoever names it; none where none
    /// is named.
    fn live_or_none(&self, named: Option<&AttemptRef>) -> Result<Option<u32>, RunError> {
        self.open()?;
        match (named, self.has_live_attempt()) {
            (Some(named), _) => self.live(named).map(|attempt| Some(attempt.number)),
            (None, None) => Ok(None),
            (None, Some(live)) => Err(RunError::AttemptLive { attempt: live }),
        }
    }

    fn has_failed_so(&self, reason: &FailureReason, ending: &Ending) -> bool {
        self.status == RunStatus::Failed
            && self.failure.as_ref() == Some(reason)
            && self.ending.as_ref() == Some(ending)
    }

    pub(super) fn fail(&self, attempt: Option<&AttemptRef>, reason: FailureReason, ending: Ending) -> Decided {
        if self.has_failed_so(&reason, &ending) {
            return Ok(vec![]);
        }
        let attempt = self.live_or_none(attempt)?;
        self.check_ending(&ending)?;
        if !ending.captured.is_zero() {
            return Err(RunError::DeliveryMismatch);
        }
        Ok(vec![RunEvent::Failed { attempt, reason, ending }])
    }

    pub(super) fn request_cancel(&self, by: String, at: Timestamp) -> Decided {
        self.open()?;
        if self.cancel_requested_by.is_some() { Ok(vec![]) } else { Ok(vec![RunEvent::CancelRequested { by, at }]) }
    }

    pub(super) fn cancel(
        &self,
        attempt: Option<&AttemptRef>,
        by: String,
        outputs: Vec<OutputOutcome>,
        ending: Ending,
    ) -> Decided {
        if self.status == RunStatus::Cancelled && self.outputs == outputs && self.ending.as_ref() == Some(&ending) {
            return Ok(vec![]);
        }
        let attempt = self.live_or_none(attempt)?;
        self.check_ending(&ending)?;
        let delivered = !outputs.is_empty() && self.check_outputs(&outputs)?;
        if (delivered && attempt.is_none()) || delivered == ending.captured.is_zero() {
            return Err(RunError::DeliveryMismatch);
        }
        Ok(vec![RunEvent::Cancelled { attempt, by, outputs, ending }])
    }

    pub(super) fn settle_by_hand(&self, by: String, reason: FailureReason, ending: Ending) -> Decided {
        if self.has_failed_so(&FailureReason::settled_by_hand(), &ending) {
            return Ok(vec![]);
        }
        self.open()?;
        self.check_ending(&ending)?;
        if !ending.captured.is_zero() {
            return Err(RunError::DeliveryMismatch);
        }
        Ok(vec![RunEvent::SettledByHand { by, reason, ending }])
    }

    /// Only of a run that was closed at no cost and without a bill: the first one said stands.
    pub(super) fn bill_late(&self, attempt: u32, reported_cost: ReportedCost, at: Timestamp) -> Decided {
        self.known()?;
        let Some(ending) = &self.ending else {
            return Err(RunError::NotEnded);
        };
        if self.attempt.as_ref().is_none_or(|last| last.number != attempt) {
            return Err(RunError::NotTheAttempt { attempt });
        }
        if !ending.captured.is_zero() || self.reported_cost().is_some() {
            return Ok(vec![]);
        }
        Ok(vec![RunEvent::BilledLate { attempt, rule: ChargingRule::LateProviderBill, reported_cost, at }])
    }

    pub(super) fn refund(
        &self,
        reference: String,
        (amount, parts): (Credits, Vec<CapturedPart>),
        (by, reason): (String, String),
        at: Timestamp,
    ) -> Decided {
        self.known()?;
        let Some(ending) = &self.ending else {
            return Err(RunError::NotEnded);
        };
        if let Some((_, known)) = self.refunds.iter().find(|(said, _)| *said == reference) {
            return if *known == amount { Ok(vec![]) } else { Err(RunError::OtherRefund { reference }) };
        }
        let left = ending.captured - self.refunded();
        if amount > left {
            return Err(RunError::RefundTooMuch { asked: amount, left });
        }
        if !amount.is_positive() || self.refund_parts(amount).as_ref() != Some(&parts) {
            return Err(RunError::BadRefundParts);
        }
        if self.refunds.len() >= Self::REFUNDS_MAX {
            return Err(RunError::TooManyRefunds { max: Self::REFUNDS_MAX });
        }
        Ok(vec![RunEvent::Refunded { reference, amount, parts, by, reason, at }])
    }
}
