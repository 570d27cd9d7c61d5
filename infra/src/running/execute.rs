//! Carrying one run: from where the log says it stands to its end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mintmark_domain::Timestamp;
use mintmark_domain::ids::RunId;
use mintmark_domain::money::ChargingRule;
use mintmark_domain::ports::{Job, Provider, ProviderTraits, Slot, Submission, SubmitError};
use mintmark_domain::run::{AttemptRef, FailureReason, Inputs, RequestedRun, Run, RunError, RunStatus};
use mintmark_domain::usecases::{Conclusion, ErrorClass, Refusal, SubmitPlan};
use serde_json::{Map, Value};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::absent::Absent;
use super::engine::Engine;
use super::job::{self, Draft};
use super::{absent, deliver, follow, steps, workflow};

/// The first pause before something is said to the log again.
const SAY_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
const SAY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What becomes of a run that a task has let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It has ended.
    Ended,
    /// Another node carries it, or the next start does.
    Left,
    /// It waits again, and is sent once more after a pause.
    Again(Duration),
}

/// A step of a run, or what becomes of the run instead.
pub(super) type Step<T> = Result<T, Next>;

/// One run that is being carried.
pub(super) struct Carried<'a> {
    pub engine: &'a Engine,
    pub run: RunId,
    pub requested: RequestedRun,
    pub provider: Arc<dyn Provider>,
    /// It is not configured here: somebody stands in who can do nothing.
    pub absent: bool,
    pub traits: ProviderTraits,
    /// Its owner wants it stopped.
    pub cancel: CancellationToken,
    /// The product of the page that its workflow was given, once it was read.
    pub product: OnceLock<Map<String, Value>>,
    /// Its place at the provider; given back early where the outcome is unknown.
    pub place: Option<Box<dyn Slot>>,
}

/// A wait was broken off.
pub(super) enum Waited {
    /// To its end.
    Through,
    /// By the owner's wish to stop.
    Cancelled,
}

/// How a run came to be carried here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum How {
    /// Its first append said that this node starts it; nothing was sent yet. What that append holds,
    /// where it is at hand.
    AtOnce(Option<Box<(Run, Inputs)>>),
    /// It waited here for its turn. Meanwhile another node may have taken it, and keeps it then.
    Waited,
    /// The node that carried it left it alone.
    LeftAlone,
}

/// Carries a run.
pub(super) async fn execute(
    engine: &Engine,
    run: RunId,
    provider: &str,
    place: Option<Box<dyn Slot>>,
    cancel: CancellationToken,
    how: How,
) -> Next {
    let carried = carry(engine, run, provider, place, cancel, how).await;
    match carried {
        Ok(()) => Next::Ended,
        Err(next) => next,
    }
}

async fn carry(
    engine: &Engine,
    run: RunId,
    provider: &str,
    place: Option<Box<dyn Slot>>,
    cancel: CancellationToken,
    how: How,
) -> Step<()> {
    let (how, at_hand) = match how {
        How::AtOnce(at_hand) => (How::AtOnce(None), at_hand),
        other => (other, None),
    };
    let (state, inputs) = match at_hand.map(|at_hand| *at_hand) {
        Some((state, inputs)) => (state, Some(inputs)),
        None => (say(engine, run, || engine.core.run_state(run)).await?, None),
    };
    let Some(requested) = state.requested().cloned() else { return Err(Next::Left) };
    if state.status().is_ended() {
        return Err(Next::Ended);
    }
    if let Some(item) = requested.item {
        engine.shared.note_batch(run, item.batch);
    }
    let known = engine.shared.providers.get(provider).cloned();
    let absent = known.is_none();
    let provider = known.unwrap_or_else(|| Arc::new(Absent(provider.to_owned())));
    if absent {
        tracing::warn!(%run, provider = provider.name(), "the provider of this run is not configured here");
    }
    if state.cancel_requested_by().is_some() {
        cancel.cancel();
    }
    let traits = provider.traits();
    let mut carried =
        Carried { engine, run, requested, provider, absent, traits, cancel, product: OnceLock::new(), place };
    match (state.status(), state.attempt()) {
        (RunStatus::Queued, _) => carried.begin(&state).await,
        (RunStatus::Running, Some(attempt)) if how == How::AtOnce(None) && *attempt.node == *engine.shared.node => {
            let own = AttemptRef { number: attempt.number, node: attempt.node.clone() };
            let (client_id, submit_by) = (attempt.client_id.clone(), attempt.submit_by);
            let draft = carried.inputs(Some(&own), inputs).await?;
            carried.send(draft, own, client_id, submit_by).await
        }
        (RunStatus::Running | RunStatus::OutcomeUnknown, Some(_)) if how == How::LeftAlone => {
            follow::resume(&mut carried, &state).await
        }
        _ => Err(Next::Left),
    }
}

impl Carried<'_> {
    /// A run that waits: fetches its inputs, writes down that it is about to be sent, and sends it.
    async fn begin(&mut self, state: &Run) -> Step<()> {
        let made = state.attempt().map_or(0, |attempt| attempt.number);
        if self.cancel.is_cancelled() {
            return self.cancelled(None, Vec::new(), None, None).await;
        }
        if self.absent {
            return self.failed(None, absent::reason(), ChargingRule::RefusedBeforeSubmit).await;
        }
        if made >= self.engine.shared.settings.attempts_max.min(Run::ATTEMPTS_MAX) {
            let reason = FailureReason {
                code: "provider_unreachable".into(),
                message: "The provider could not be reached.".into(),
            };
            return self.failed(None, reason, ChargingRule::RefusedBeforeSubmit).await;
        }
        let draft = self.inputs(None, None).await?;
        steps::reach(steps::BEFORE_INTENT);
        let now = self.engine.core.now();
        let plan =
            SubmitPlan { node: self.engine.shared.node.to_string(), submit_by: self.engine.shared.submit_by(now) };
        let submit_by = plan.submit_by;
        let intended = self.engine.core.intend_submit(self.run, plan.clone()).await;
        let attempt = match intended {
            Ok((attempt, _)) => attempt,
            // Whoever stops it was heard by the log before this node.
            Err(Refusal::Run(RunError::CancelRequested)) => {
                return self.cancelled(None, Vec::new(), None, None).await;
            }
            Err(refusal) => self.intended_anyway(refusal, submit_by).await?,
        };
        steps::reach(steps::AFTER_INTENT);
        let client_id = SubmitPlan::client_id(self.run, attempt.number);
        self.send(draft, attempt, client_id, submit_by).await
    }

    /// The log did not take the intent: because somebody else carries the run, or it cannot be said.
    async fn intended_anyway(&self, refusal: Refusal, submit_by: Timestamp) -> Step<AttemptRef> {
        if refusal.public().0 != ErrorClass::Overloaded {
            return Err(judge(self.run, &refusal));
        }
        // It may have been recorded all the same: the log says whether this very intent was.
        let state = say(self.engine, self.run, || self.engine.core.run_state(self.run)).await?;
        match state.attempt() {
            Some(attempt) if attempt.submit_by == submit_by && *attempt.node == *self.engine.shared.node => {
                Ok(AttemptRef { number: attempt.number, node: attempt.node.clone() })
            }
            Some(_) | None => Err(Next::Again(SAY_PAUSE_MAX)),
        }
    }

    /// Opens and fetches the inputs. What cannot be had fails the run, at no cost.
    async fn inputs(&self, attempt: Option<&AttemptRef>, at_hand: Option<Inputs>) -> Step<Draft> {
        steps::reach(steps::BEFORE_INPUTS);
        let sealed = self.requested.inputs;
        let core = &self.engine.core;
        let inputs = match at_hand {
            Some(inputs) => Some(inputs),
            None => {
                let opened = say(self.engine, self.run, || async { Ok(core.vault.open(&[sealed]).await?) }).await?;
                opened.get(&sealed).and_then(|text| serde_json::from_slice::<Inputs>(text).ok())
            }
        };
        let Some(inputs) = inputs else {
            let reason = FailureReason {
                code: "inputs_erased".into(),
                message: "The inputs of this run no longer exist.".into(),
            };
            self.failed(attempt, reason, ChargingRule::RefusedBeforeSubmit).await?;
            return Err(Next::Ended);
        };
        let drafted = tokio::select! {
            biased;
            () = self.cancel.cancelled() => {
                self.cancelled(attempt, Vec::new(), None, None).await?;
                return Err(Next::Ended);
            }
            drafted = self.drafted(inputs) => drafted,
        };
        match drafted {
            Ok(draft) => Ok(draft),
            Err(reason) => {
                self.failed(attempt, reason, ChargingRule::RefusedBeforeSubmit).await?;
                Err(Next::Ended)
            }
        }
    }

    async fn drafted(&self, inputs: Inputs) -> Result<Draft, FailureReason> {
        let (fetcher, memory) = (&*self.engine.core.inputs, &self.engine.memory);
        let draft = job::draft(fetcher, memory, self.requested.account, inputs, &self.requested.parameters).await?;
        workflow::with_product(self, draft).await
    }

    /// Hands the attempt over, once.
    async fn send(
        &mut self,
        mut draft: Draft,
        attempt: AttemptRef,
        client_id: String,
        submit_by: Timestamp,
    ) -> Step<()> {
        let job = draft.job(self.run, &self.requested, &self.engine.core.catalog, client_id, submit_by);
        // The job holds the inputs from here on, until it is handed over.
        let room = draft.room.take();
        drop(draft);
        if self.cancel.is_cancelled() {
            return self.cancelled(Some(&attempt), Vec::new(), None, None).await;
        }
        if self.engine.core.now() > submit_by {
            // Nothing was sent, and from now on nothing may be.
            return self.unsent(&attempt, "it could not be sent in time").await;
        }
        steps::reach(steps::BEFORE_SUBMIT);
        let answer = self.submit(&job).await;
        steps::reach(steps::AFTER_SUBMIT);
        let Job { client_id, submit_by, .. } = job;
        drop(room);
        match answer {
            Ok(Submission::Finished(report)) => deliver::finish(self, &attempt, report).await,
            Ok(Submission::Accepted { provider_request_id }) => {
                steps::reach(steps::BEFORE_SUBMITTED);
                let core = &self.engine.core;
                say(self.engine, self.run, || {
                    core.record_submitted(self.run, attempt.clone(), provider_request_id.clone())
                })
                .await?;
                steps::reach(steps::AFTER_SUBMITTED);
                follow::sent(self, attempt, client_id, submit_by).await
            }
            Err(SubmitError::NotSent(why)) => self.unsent(&attempt, &why).await,
            Err(SubmitError::Refused(reason)) => {
                let rule = follow::failure_rule(&reason);
                self.failed(Some(&attempt), reason, rule).await
            }
            Err(SubmitError::Unknown(why)) => follow::lost(self, attempt, (client_id, submit_by), &why).await,
        }
    }

    /// Submits, within the provider's time. A wish to stop is passed on meanwhile.
    async fn submit(&self, job: &Job) -> Result<Submission, SubmitError> {
        let submission = timeout(self.traits.submit_timeout, self.provider.submit(job));
        tokio::pin!(submission);
        let mut told = false;
        let answer = loop {
            tokio::select! {
                answer = &mut submission => break answer,
                () = self.cancel.cancelled(), if !told => {
                    told = true;
                    follow::tell_to_stop(self, &job.client_id).await;
                }
            }
        };
        answer.unwrap_or_else(|_| Err(SubmitError::Unknown("it was not answered in time".into())))
    }

    /// It is proven that the provider never got the attempt: the run waits for another.
    pub async fn unsent(&self, attempt: &AttemptRef, why: &str) -> Step<()> {
        let reason = FailureReason { code: "not_sent".into(), message: "The provider never got it.".into() };
        tracing::info!(run = %self.run, attempt = attempt.number, why, "an attempt was never sent");
        let core = &self.engine.core;
        say(self.engine, self.run, || core.disprove_submit(self.run, attempt.clone(), reason.clone())).await?;
        steps::reach(steps::AFTER_DISPROVED);
        let settings = &self.engine.shared.settings;
        let doublings = attempt.number.saturating_sub(1).min(16);
        let pause = settings.retry_pause.saturating_mul(1 << doublings).min(settings.retry_pause_max);
        Err(Next::Again(pause))
    }

    /// Ends the run as failed, at no cost.
    pub async fn failed(&self, attempt: Option<&AttemptRef>, reason: FailureReason, rule: ChargingRule) -> Step<()> {
        self.settle(attempt, Conclusion::Failed { reason, rule, reported_cost: None }).await
    }

    /// Ends the run as its owner wished.
    pub async fn cancelled(
        &self,
        attempt: Option<&AttemptRef>,
        outputs: Vec<mintmark_domain::usecases::Delivery>,
        quality: Option<String>,
        reported_cost: Option<mintmark_domain::run::ReportedCost>,
    ) -> Step<()> {
        let state = say(self.engine, self.run, || self.engine.core.run_state(self.run)).await?;
        let by = state.cancel_requested_by().unwrap_or("operator").to_owned();
        self.settle(attempt, Conclusion::Cancelled { by, outputs, quality, reported_cost }).await
    }

    /// Ends the run in the log.
    pub async fn settle(&self, attempt: Option<&AttemptRef>, conclusion: Conclusion) -> Step<()> {
        steps::reach(steps::BEFORE_SETTLE);
        let core = &self.engine.core;
        say(self.engine, self.run, || {
            core.conclude_run(self.run, &self.requested, attempt.cloned(), conclusion.clone())
        })
        .await?;
        steps::reach(steps::AFTER_SETTLE);
        let how = match &conclusion {
            Conclusion::Finished { .. } => "finished",
            Conclusion::Failed { rule, .. } => rule.code(),
            Conclusion::Cancelled { .. } => "cancelled",
            Conclusion::ByHand { .. } => "by_hand",
        };
        let provider = self.requested.provider.clone();
        metrics::counter!("mintmark_runs_ended_total", "provider" => provider, "how" => how).increment(1);
        Ok(())
    }

    /// Waits, unless its owner wants it stopped (and that is news) or the node stops.
    pub async fn wait(&self, pause: Duration, cancel_is_news: bool) -> Step<Waited> {
        tokio::select! {
            biased;
            () = self.engine.shared.stopping.cancelled() => Err(Next::Left),
            () = self.cancel.cancelled(), if cancel_is_news => Ok(Waited::Cancelled),
            () = tokio::time::sleep(pause) => Ok(Waited::Through),
        }
    }
}

/// Says something to the log until it is recorded or refused. A refusal says what becomes of the run.
pub(super) async fn say<T, F, Said>(engine: &Engine, run: RunId, mut saying: F) -> Step<T>
where
    F: FnMut() -> Said,
    Said: Future<Output = Result<T, Refusal>>,
{
    let mut pause = SAY_PAUSE;
    loop {
        let refusal = match saying().await {
            Ok(said) => return Ok(said),
            Err(refusal) => refusal,
        };
        if refusal.public().0 != ErrorClass::Overloaded {
            return Err(judge(run, &refusal));
        }
        tracing::debug!(%run, %refusal, "the log is asked again");
        tokio::select! {
            () = engine.shared.stopping.cancelled() => return Err(Next::Left),
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(SAY_PAUSE_MAX);
    }
}

/// What a refusal by the log means for the run.
fn judge(run: RunId, refusal: &Refusal) -> Next {
    match refusal {
        Refusal::Run(RunError::Ended(_)) => Next::Ended,
        Refusal::Run(RunError::Replaced { .. } | RunError::NotTheAttempt { .. } | RunError::AttemptLive { .. }) => {
            tracing::info!(%run, %refusal, "another node carries the run");
            Next::Left
        }
        other => {
            tracing::error!(%run, refusal = %other, "a run cannot be carried on");
            Next::Left
        }
    }
}
