//! Stopping a run.

use super::authenticate::Caller;
use super::conclude_run::Conclusion;
use super::core::Core;
use super::refusal::Refusal;
use crate::account::Account;
use crate::es::{Confirmed, StreamRef};
use crate::ids::RunId;
use crate::run::{Run, RunCommand, RunError, RunStatus};

/// What a wish to stop came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Cancelled {
    /// The run as it stands now: ended where it still waited or had ended, else being stopped.
    pub run: Run,
    /// Where it was confirmed.
    pub confirmed: Confirmed,
}

impl Core {
    /// Stops a run of the caller's. One that waits ends at once and costs nothing; of one that is
    /// with its provider, what the provider confirms is paid for. One that has ended stays as it is.
    pub async fn cancel_run(&self, caller: &Caller, run_id: RunId) -> Result<Cancelled, Refusal> {
        self.stop_run(run_id, Some(caller)).await
    }

    /// The same by the operator's hand, whoever owns the run.
    pub async fn cancel_run_by_operator(&self, run_id: RunId) -> Result<Cancelled, Refusal> {
        self.stop_run(run_id, None).await
    }

    async fn stop_run(&self, run_id: RunId, caller: Option<&Caller>) -> Result<Cancelled, Refusal> {
        let requested = self.run_state(run_id).await?.requested().cloned().ok_or(Refusal::NotFound("run"))?;
        if caller.is_some_and(|caller| caller.account != requested.account) {
            return Err(Refusal::NotFound("run"));
        }
        let by = caller.map_or_else(|| "operator".to_owned(), |caller| caller.account.to_string());
        let acting = caller.map_or_else(|| super::submission::runner(run_id), Caller::acting);
        let request = self
            .request(run_id.shard(), acting, requested.account)
            .stream(StreamRef::of::<Run>(run_id))
            .stream(StreamRef::of::<Account>(requested.account));
        let wish = by.clone();
        let (run, confirmed) = self
            .decide(request, move |unit| {
                let at = unit.now();
                if !unit.state::<Run>(run_id).status().is_ended() {
                    unit.execute::<Run>(run_id, RunCommand::RequestCancel { by: wish.clone(), at })?;
                }
                Ok(unit.state::<Run>(run_id).clone())
            })
            .await?;
        if run.status() != RunStatus::Queued {
            if !run.status().is_ended() {
                self.dispatch.cancel_requested(run_id);
            }
            return Ok(Cancelled { run, confirmed });
        }
        let conclusion = Conclusion::Cancelled { by, outputs: Vec::new(), quality: None, reported_cost: None };
        match self.conclude_run(run_id, &requested, None, conclusion).await {
            Ok(_) | Err(Refusal::Run(RunError::Ended(_))) => {}
            // It was sent in between: the wish stands, and whoever sent it sees to it.
            Err(Refusal::Run(RunError::AttemptLive { .. })) => {}
            Err(refusal) => return Err(refusal),
        }
        self.dispatch.cancel_requested(run_id);
        let run = self.run_state(run_id).await?;
        Ok(Cancelled { run, confirmed })
    }
}
