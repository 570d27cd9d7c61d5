//! Ending a run: its outcome, the books and its creations in one append.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::core::Core;
use super::refusal::Refusal;
use super::submission::runner;
use crate::batch::{Batch, BatchCommand, ItemOutcome};
use crate::creation::{Creation, CreationCommand, Output};
use crate::es::{Confirmed, DecisionRequest, SealedText, StreamRef, Unit};
use crate::ids::{RunId, SealedId};
use crate::money::ChargingRule;
use crate::project::{Project, ProjectCommand, Stage, StageMade};
use crate::run::{
    AttemptRef, CapturedPart, Ending, FailureReason, OutputOutcome, ReportedCost, RequestedRun, Run, RunCommand,
};
use crate::wallet::{CreditWallet, HeldFor, WalletCommand};
use crate::{Credits, Timestamp};

/// What was delivered as one output: typed fields, or a file that is in our storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryContent {
    /// Typed fields.
    Text(Map<String, Value>),
    /// Typed fields, and beside them what a project's stages say.
    Planned {
        /// The fields.
        fields: Map<String, Value>,
        /// Every stage, in order.
        stages: Vec<(Stage, Value)>,
    },
    /// A stored file; never [`Output::Text`].
    Asset(Output),
    /// A stored file, and what its provider said of it.
    Detailed(Output, Map<String, Value>),
}

/// The field of a transcript that holds the key of the sound which was written down, where that is in
/// our storage. A key is no address: who shows it makes one.
pub const TRANSCRIBED_AUDIO: &str = "audio_key";

/// What became of one output.
pub type Delivery = Result<DeliveryContent, FailureReason>;

/// How a run ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// The provider is done; if nothing was delivered, the run fails.
    Finished {
        /// What became of each output, in order.
        outputs: Vec<Delivery>,
        /// The quality that the provider chose where it was left to it.
        quality: Option<String>,
        /// What the provider says it charged us.
        reported_cost: Option<ReportedCost>,
    },
    /// It failed for sure, or nobody will ever know.
    Failed {
        /// Why.
        reason: FailureReason,
        /// The line of the charging rules.
        rule: ChargingRule,
        /// What the provider says it charged us.
        reported_cost: Option<ReportedCost>,
    },
    /// It was stopped; what the provider confirms is paid for.
    Cancelled {
        /// At whose wish.
        by: String,
        /// What became of each output; empty if nothing was sent.
        outputs: Vec<Delivery>,
        /// The quality that the provider chose where it was left to it.
        quality: Option<String>,
        /// What the provider says it charged us.
        reported_cost: Option<ReportedCost>,
    },
    /// The operator ends it, on evidence from outside.
    ByHand {
        /// Who.
        by: String,
        /// On what evidence. It stays in the books: the customer is told
        /// [`FailureReason::settled_by_hand`].
        reason: FailureReason,
    },
}

/// A delivered output, sealed where it is a text.
#[derive(Clone)]
enum Sealed {
    Delivered(Output, Option<SealedText>),
    Failed(FailureReason),
}

impl Core {
    /// Ends a run: captures what was delivered, releases the rest, finishes its creations and, if it
    /// is a batch's item, the item. Said again after it ended the same way it changes nothing.
    /// Errors: [`crate::run::RunError::Replaced`] where another node carries the attempt on,
    /// [`crate::run::RunError::Ended`] where it ended otherwise.
    pub async fn conclude_run(
        &self,
        run_id: RunId,
        requested: &RequestedRun,
        attempt: Option<AttemptRef>,
        conclusion: Conclusion,
    ) -> Result<Confirmed, Refusal> {
        let outputs = match &conclusion {
            Conclusion::Finished { outputs, .. } | Conclusion::Cancelled { outputs, .. } => {
                self.seal_outputs(requested, outputs).await?
            }
            Conclusion::Failed { .. } | Conclusion::ByHand { .. } => Vec::new(),
        };
        let request = streams(self.request(run_id.shard(), runner(run_id), requested.account), run_id, requested);
        let stages = self.seal_stages(requested, &conclusion).await?;
        let closing = Closing { run_id, requested: requested.clone(), attempt, conclusion, outputs, stages };
        let ((), confirmed) = self.decide(request, move |unit| closing.decide(unit)).await?;
        Ok(confirmed)
    }

    async fn seal_outputs(&self, requested: &RequestedRun, outputs: &[Delivery]) -> Result<Vec<Sealed>, Refusal> {
        let mut sealed = Vec::with_capacity(outputs.len());
        for output in outputs {
            sealed.push(match output {
                Ok(DeliveryContent::Asset(output)) => Sealed::Delivered(output.clone(), None),
                Ok(DeliveryContent::Detailed(output, fields)) => {
                    let id = SealedId(self.new_id(requested.account.shard()));
                    let text = serde_json::to_vec(fields).unwrap_or_default();
                    let kept = self.vault.seal(requested.account.0, id, &text).await?;
                    Sealed::Delivered(output.clone().with_details(id), Some(kept))
                }
                Ok(DeliveryContent::Text(fields) | DeliveryContent::Planned { fields, .. }) => {
                    let id = SealedId(self.new_id(requested.account.shard()));
                    let text = serde_json::to_vec(fields).unwrap_or_default();
                    let characters = fields.values().map(characters_in).sum();
                    let kept = self.vault.seal(requested.account.0, id, &text).await?;
                    Sealed::Delivered(Output::Text { fields: id, characters }, Some(kept))
                }
                Err(reason) => Sealed::Failed(reason.clone()),
            });
        }
        Ok(sealed)
    }

    /// The stages of the project that the run plans; none where it delivered no plan.
    async fn seal_stages(
        &self,
        requested: &RequestedRun,
        conclusion: &Conclusion,
    ) -> Result<Vec<(Stage, SealedText)>, Refusal> {
        let Conclusion::Finished { outputs, .. } = conclusion else { return Ok(Vec::new()) };
        let mut sealed = Vec::with_capacity(Stage::ALL.len());
        for output in outputs {
            let Ok(DeliveryContent::Planned { stages, .. }) = output else { continue };
            for (stage, says) in stages {
                let id = SealedId(self.new_id(requested.account.shard()));
                let text = serde_json::to_vec(says).unwrap_or_default();
                sealed.push((*stage, self.vault.seal(requested.account.0, id, &text).await?));
            }
        }
        Ok(sealed)
    }
}

fn characters_in(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.chars().count() as u64,
        Value::Array(values) => values.iter().map(characters_in).sum(),
        Value::Object(fields) => fields.values().map(characters_in).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn streams(request: DecisionRequest, run_id: RunId, requested: &RequestedRun) -> DecisionRequest {
    let request =
        request.stream(StreamRef::of::<Run>(run_id)).stream(StreamRef::of::<CreditWallet>(requested.payer.wallet));
    let request = requested
        .creations
        .iter()
        .fold(request, |request, creation| request.stream(StreamRef::of::<Creation>(creation.id)));
    let request = match requested.project {
        Some(project) => request.stream(StreamRef::of::<Project>(project)),
        None => request,
    };
    match requested.item {
        Some(item) => request.stream(StreamRef::of::<Batch>(item.batch)),
        None => request,
    }
}

/// A run that is being closed.
struct Closing {
    run_id: RunId,
    requested: RequestedRun,
    attempt: Option<AttemptRef>,
    conclusion: Conclusion,
    outputs: Vec<Sealed>,
    stages: Vec<(Stage, SealedText)>,
}

impl Closing {
    fn decide(&self, unit: &mut Unit<'_>) -> Result<(), Refusal> {
        let at = unit.now();
        if unit.state::<Run>(self.run_id).status().is_ended() {
            return self.again(unit, at);
        }
        let delivered = self.outputs.iter().filter(|output| matches!(output, Sealed::Delivered(..))).count();
        let captured = self.price_of(u32::try_from(delivered).unwrap_or(u32::MAX));
        let ending = self.ending(unit, captured, at);
        unit.execute::<Run>(self.run_id, self.command(delivered, ending.clone()))?;
        self.close_books(unit, &ending, at)?;
        self.finish_creations(unit)?;
        self.deliver_project(unit, at)?;
        self.finish_item(unit, at)
    }

    /// It has ended: the same said again is no news, anything else comes too late. What the provider
    /// charges us for it is news all the same: a late bill is kept, and nobody pays it but the house.
    fn again(&self, unit: &mut Unit<'_>, at: Timestamp) -> Result<(), Refusal> {
        use crate::run::{RunError, RunStatus};
        if let (Some(attempt), Some(reported_cost)) = (&self.attempt, self.reported_cost()) {
            let run = unit.state::<Run>(self.run_id);
            let at_no_cost = run.ending().is_some_and(|ending| ending.captured.is_zero());
            let the_attempt = run.attempt().is_some_and(|last| last.number == attempt.number);
            if at_no_cost && the_attempt && run.reported_cost().is_none() {
                let bill = RunCommand::BillLate { attempt: attempt.number, reported_cost: reported_cost.clone(), at };
                unit.execute::<Run>(self.run_id, bill)?;
                return Ok(());
            }
        }
        let status = unit.state::<Run>(self.run_id).status();
        let same = match (&self.conclusion, status) {
            (Conclusion::Finished { .. }, RunStatus::Succeeded | RunStatus::Failed)
            | (Conclusion::Failed { .. } | Conclusion::ByHand { .. }, RunStatus::Failed)
            | (Conclusion::Cancelled { .. }, RunStatus::Cancelled) => true,
            (
                Conclusion::Finished { .. }
                | Conclusion::Failed { .. }
                | Conclusion::ByHand { .. }
                | Conclusion::Cancelled { .. },
                _,
            ) => false,
        };
        if same { Ok(()) } else { Err(RunError::Ended(status).into()) }
    }

    fn price_of(&self, delivered: u32) -> Credits {
        if delivered == 0 {
            return Credits::ZERO;
        }
        let quote = &self.requested.quote;
        match &self.conclusion {
            Conclusion::Finished { quality: Some(quality), .. }
            | Conclusion::Cancelled { quality: Some(quality), .. } => quote.for_outputs_at(delivered, quality),
            Conclusion::Finished { quality: None, .. } | Conclusion::Cancelled { quality: None, .. } => {
                quote.for_outputs(delivered)
            }
            Conclusion::Failed { .. } | Conclusion::ByHand { .. } => Credits::ZERO,
        }
    }

    fn ending(&self, unit: &Unit<'_>, captured: Credits, at: Timestamp) -> Ending {
        let wallet = unit.state::<CreditWallet>(self.requested.payer.wallet);
        let parts = wallet.capture_parts(HeldFor::Run(self.run_id), captured);
        let captured_parts = wallet
            .kinds_of(&parts)
            .into_iter()
            .map(|part| CapturedPart { kind: part.kind, amount: part.amount })
            .collect();
        Ending { at, rule: self.rule(), captured, captured_parts, reported_cost: self.reported_cost().cloned() }
    }

    fn reported_cost(&self) -> Option<&ReportedCost> {
        match &self.conclusion {
            Conclusion::Finished { reported_cost, .. }
            | Conclusion::Failed { reported_cost, .. }
            | Conclusion::Cancelled { reported_cost, .. } => reported_cost.as_ref(),
            Conclusion::ByHand { .. } => None,
        }
    }

    fn rule(&self) -> ChargingRule {
        let delivered = self.outputs.iter().filter(|output| matches!(output, Sealed::Delivered(..))).count();
        match &self.conclusion {
            Conclusion::Finished { .. } if delivered == self.outputs.len() => ChargingRule::Delivered,
            Conclusion::Finished { .. } if delivered > 0 => ChargingRule::PartialDelivery,
            Conclusion::Finished { .. } => match self.first_failure().code.as_str() {
                "moderated" => ChargingRule::OutputModerated,
                _ => ChargingRule::ProviderFailed,
            },
            Conclusion::Failed { rule, .. } => *rule,
            Conclusion::Cancelled { .. } if self.attempt.is_none() => ChargingRule::CancelledWhileQueued,
            Conclusion::Cancelled { .. } => ChargingRule::CancelledWhileRunning,
            Conclusion::ByHand { .. } => ChargingRule::SettledByHand,
        }
    }

    fn first_failure(&self) -> FailureReason {
        let failed = self.outputs.iter().find_map(|output| match output {
            Sealed::Failed(reason) => Some(reason.clone()),
            Sealed::Delivered(..) => None,
        });
        failed.unwrap_or_else(|| FailureReason {
            code: "provider_failed".into(),
            message: "The provider delivered nothing.".into(),
        })
    }

    fn command(&self, delivered: usize, ending: Ending) -> RunCommand {
        let outcomes = || {
            self.outputs
                .iter()
                .map(|output| match output {
                    Sealed::Delivered(..) => OutputOutcome::Delivered,
                    Sealed::Failed(reason) => OutputOutcome::Failed(reason.clone()),
                })
                .collect()
        };
        match (&self.conclusion, &self.attempt) {
            (Conclusion::Finished { .. }, Some(attempt)) if delivered > 0 => {
                RunCommand::Succeed { attempt: attempt.clone(), outputs: outcomes(), ending }
            }
            (Conclusion::Finished { .. }, attempt) => {
                RunCommand::Fail { attempt: attempt.clone(), reason: self.first_failure(), ending }
            }
            (Conclusion::Failed { reason, .. }, attempt) => {
                RunCommand::Fail { attempt: attempt.clone(), reason: reason.clone(), ending }
            }
            (Conclusion::Cancelled { by, .. }, attempt) => RunCommand::Cancel {
                attempt: attempt.clone(),
                by: by.clone(),
                outputs: if delivered > 0 { outcomes() } else { Vec::new() },
                ending,
            },
            (Conclusion::ByHand { by, reason }, _) => {
                RunCommand::SettleByHand { by: by.clone(), reason: reason.clone(), ending }
            }
        }
    }

    fn close_books(&self, unit: &mut Unit<'_>, ending: &Ending, at: Timestamp) -> Result<(), Refusal> {
        let wallet = self.requested.payer.wallet;
        let held_for = HeldFor::Run(self.run_id);
        if ending.captured.is_positive() {
            let (amount, rule) = (ending.captured, ending.rule);
            unit.execute::<CreditWallet>(wallet, WalletCommand::Capture { held_for, amount, rule, at })?;
        }
        if unit.state::<CreditWallet>(wallet).hold(held_for).is_some() {
            unit.execute::<CreditWallet>(wallet, WalletCommand::Release { held_for, at })?;
        }
        Ok(())
    }

    fn finish_creations(&self, unit: &mut Unit<'_>) -> Result<(), Refusal> {
        for (index, creation) in self.requested.creations.iter().enumerate() {
            let command = match (self.outputs.get(index), &self.conclusion) {
                (Some(Sealed::Delivered(output, sealed)), _) => {
                    if let Some(sealed) = sealed {
                        unit.seal(sealed.clone());
                    }
                    CreationCommand::Complete { output: output.clone() }
                }
                (_, Conclusion::Cancelled { .. }) => CreationCommand::Cancel,
                (Some(Sealed::Failed(reason)), _) => CreationCommand::Fail { reason: reason.clone() },
                (None, Conclusion::Failed { reason, .. }) => CreationCommand::Fail { reason: reason.clone() },
                (None, Conclusion::ByHand { .. }) => CreationCommand::Fail { reason: FailureReason::settled_by_hand() },
                (None, Conclusion::Finished { .. }) => CreationCommand::Fail { reason: self.first_failure() },
            };
            unit.execute::<Creation>(Uuid::from(creation.id), command)?;
        }
        Ok(())
    }

    /// The project that the run planned, opened or planned anew by the same append.
    fn deliver_project(&self, unit: &mut Unit<'_>, at: Timestamp) -> Result<(), Refusal> {
        let Some(project) = self.requested.project.filter(|_| !self.stages.is_empty()) else { return Ok(()) };
        let made = |(stage, text): &(Stage, SealedText)| StageMade { stage: *stage, output: text.id };
        let command = ProjectCommand::Deliver {
            account: self.requested.account,
            run: self.run_id,
            inputs: self.requested.inputs,
            stages: self.stages.iter().map(made).collect(),
            at,
        };
        unit.execute::<Project>(project, command)?;
        self.stages.iter().for_each(|(_, text)| unit.seal(text.clone()));
        Ok(())
    }

    fn finish_item(&self, unit: &mut Unit<'_>, at: Timestamp) -> Result<(), Refusal> {
        use crate::run::RunStatus;
        let Some(item) = self.requested.item else { return Ok(()) };
        let outcome = match unit.state::<Run>(self.run_id).status() {
            RunStatus::Succeeded => ItemOutcome::Succeeded,
            RunStatus::Cancelled => ItemOutcome::Cancelled,
            RunStatus::Failed
            | RunStatus::None
            | RunStatus::Queued
            | RunStatus::Running
            | RunStatus::OutcomeUnknown => ItemOutcome::Failed,
        };
        unit.execute::<Batch>(item.batch, BatchCommand::FinishItem { index: item.index, outcome })?;
        release_if_ended(unit, item.batch, self.requested.payer.wallet, at)
    }
}

/// Releases what is left of a batch's hold once it has ended, by the same append.
pub(super) fn release_if_ended(
    unit: &mut Unit<'_>,
    batch: crate::ids::BatchId,
    wallet: crate::ids::WalletId,
    at: Timestamp,
) -> Result<(), Refusal> {
    let held_for = HeldFor::Batch(batch);
    let ended = unit.state::<Batch>(batch).status().is_ended();
    if ended && unit.state::<CreditWallet>(wallet).hold(held_for).is_some() {
        unit.execute::<CreditWallet>(wallet, WalletCommand::Release { held_for, at })?;
    }
    Ok(())
}
