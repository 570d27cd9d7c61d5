//! How a run is handed to its provider: our id of an attempt, and its first append.

use super::core::Core;
use super::refusal::Refusal;
use crate::Timestamp;
use crate::es::{Acting, Confirmed, StreamRef};
use crate::ids::RunId;
use crate::run::{AttemptRef, FailureReason, Run, RunCommand};

/// What a node that is about to send a run has to write down first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitPlan {
    /// The node.
    pub node: String,
    /// Until when it may be sent.
    pub submit_by: Timestamp,
}

impl SubmitPlan {
    /// Our id of an attempt: what the provider is asked by.
    #[must_use]
    pub fn client_id(run: RunId, attempt: u32) -> String {
        format!("{run}_{attempt}")
    }

    pub(super) fn command(self, run: RunId, attempt: u32, at: Timestamp) -> RunCommand {
        RunCommand::IntendSubmit {
            client_id: Self::client_id(run, attempt),
            node: self.node,
            submit_by: self.submit_by,
            at,
        }
    }
}

/// The acting part for what the running of runs does of itself.
pub(super) fn runner(run: RunId) -> Acting {
    Acting {
        actor: "runner".into(),
        correlation_id: run.to_string(),
        causation_id: run.to_string(),
        traceparent: String::new(),
    }
}

impl Core {
    /// A run's state at the shard's confirmed end.
    pub async fn run_state(&self, run: RunId) -> Result<Run, Refusal> {
        self.load(run).await
    }

    /// Writes down that `plan.node` is about to send the run. Errors: an attempt is under way
    /// ([`crate::run::RunError::AttemptLive`]), the run is to be stopped
    /// ([`crate::run::RunError::CancelRequested`]), or it has ended.
    pub async fn intend_submit(&self, run: RunId, plan: SubmitPlan) -> Result<(AttemptRef, Confirmed), Refusal> {
        let request = self.request(run.shard(), runner(run), run).stream(StreamRef::of::<Run>(run));
        self.decide(request, move |unit| {
            let attempt = unit.state::<Run>(run).attempt().map_or(0, |attempt| attempt.number) + 1;
            let at = unit.now();
            unit.execute::<Run>(run, plan.clone().command(run, attempt, at))?;
            Ok(AttemptRef { number: attempt, node: plan.node.clone() })
        })
        .await
    }

    /// Carries an attempt on for a node that is gone. From then on the log refuses what that node
    /// still says of it.
    pub async fn take_over(&self, run: RunId, from: AttemptRef, node: String) -> Result<AttemptRef, Refusal> {
        let number = from.number;
        let to = node.clone();
        self.run_command(run, move |at| RunCommand::TakeOver { attempt: from.clone(), node: to.clone(), at }).await?;
        Ok(AttemptRef { number, node })
    }

    /// The provider took it.
    pub async fn record_submitted(
        &self,
        run: RunId,
        attempt: AttemptRef,
        provider_request_id: String,
    ) -> Result<Confirmed, Refusal> {
        self.run_command(run, move |at| RunCommand::RecordSubmitted {
            attempt: attempt.clone(),
            provider_request_id: provider_request_id.clone(),
            at,
        })
        .await
    }

    /// It is proven that the provider never got the attempt; the run waits for another.
    pub async fn disprove_submit(
        &self,
        run: RunId,
        attempt: AttemptRef,
        reason: FailureReason,
    ) -> Result<Confirmed, Refusal> {
        self.run_command(run, move |at| RunCommand::DisproveSubmit {
            attempt: attempt.clone(),
            reason: reason.clone(),
            at,
        })
        .await
    }

    /// Nobody can say whether the provider has it: the hold stays, probing goes on.
    pub async fn mark_unknown(
        &self,
        run: RunId,
        attempt: AttemptRef,
        reason: FailureReason,
    ) -> Result<Confirmed, Refusal> {
        let unknown_for = self.settings.unknown_for;
        self.run_command(run, move |at| RunCommand::MarkUnknown {
            attempt: attempt.clone(),
            reason: reason.clone(),
            until: at + unknown_for,
            at,
        })
        .await
    }

    async fn run_command(
        &self,
        run: RunId,
        command: impl Fn(Timestamp) -> RunCommand + Send + 'static,
    ) -> Result<Confirmed, Refusal> {
        let request = self.request(run.shard(), runner(run), run).stream(StreamRef::of::<Run>(run));
        let ((), confirmed) = self
            .decide(request, move |unit| {
                let command = command(unit.now());
                unit.execute::<Run>(run, command)?;
                Ok(())
            })
            .await?;
        Ok(confirmed)
    }
}
