//! Following an attempt that is, or may be, with its provider.

use std::time::Duration;

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::money::ChargingRule;
use mintmark_domain::ports::{CancelReply, OutputReport, Probe, Report};
use mintmark_domain::run::{AttemptRef, AttemptState, FailureReason, Run, RunStatus};
use tokio::time::timeout;

use super::execute::{Carried, Next, Step, Waited, say};
use super::{deliver, steps};

/// How often a provider that does not answer is asked about an attempt that may not have arrived,
/// before its outcome counts as unknown.
const SILENT_PROBES_MAX: u32 = 3;

/// What is known of an attempt that is followed.
struct Followed {
    attempt: AttemptRef,
    client_id: String,
    submit_by: Timestamp,
    /// The provider said that it took it.
    submitted: bool,
    /// While the outcome is unknown: until when to go on asking.
    unknown_until: Option<Timestamp>,
    /// When it should be over.
    due: Timestamp,
    /// The node that sent it is gone.
    orphan: bool,
    /// The provider was told to stop it.
    told_to_stop: bool,
    silent: u32,
    pause: Duration,
}

/// Follows an attempt that the provider took.
pub(super) async fn sent(
    carried: &mut Carried<'_>,
    attempt: AttemptRef,
    client_id: String,
    submit_by: Timestamp,
) -> Step<()> {
    let now = carried.engine.core.now();
    let followed = Followed {
        attempt,
        client_id,
        submit_by,
        submitted: true,
        unknown_until: None,
        due: later(now, carried.traits.job_timeout),
        orphan: false,
        told_to_stop: false,
        silent: 0,
        pause: carried.traits.poll_interval,
    };
    // A wish to stop may have come before there was anything to stop.
    if !carried.cancel.is_cancelled() {
        carried.wait(followed.pause, true).await?;
    }
    follow(carried, followed).await
}

/// Follows an attempt of which nobody can say whether it arrived.
pub(super) async fn lost(
    carried: &mut Carried<'_>,
    attempt: AttemptRef,
    (client_id, submit_by): (String, Timestamp),
    why: &str,
) -> Step<()> {
    let now = carried.engine.core.now();
    let mut followed = Followed {
        attempt,
        client_id,
        submit_by,
        submitted: false,
        unknown_until: None,
        due: later(now, carried.traits.job_timeout),
        orphan: false,
        told_to_stop: false,
        silent: 0,
        pause: carried.traits.poll_interval,
    };
    mark_unknown(carried, &mut followed, why).await?;
    follow(carried, followed).await
}

/// Carries on an attempt that a node left behind: another one, or this one.
pub(super) async fn resume(carried: &mut Carried<'_>, state: &Run) -> Step<()> {
    let Some(known) = state.attempt() else { return Err(Next::Left) };
    let node = carried.engine.shared.node.to_string();
    let from = AttemptRef { number: known.number, node: known.node.clone() };
    let attempt = if known.node == node {
        from
    } else {
        let core = &carried.engine.core;
        let taken =
            say(carried.engine, carried.run, || core.take_over(carried.run, from.clone(), node.clone())).await?;
        steps::reach(steps::AFTER_TAKEOVER);
        tracing::info!(run = %carried.run, from = known.node, "an attempt was taken over");
        taken
    };
    if let Some(kept) = deliver::kept(carried, attempt.number).await? {
        return deliver::settle_kept(carried, &attempt, kept).await;
    }
    let followed = Followed {
        attempt,
        client_id: known.client_id.clone(),
        submit_by: known.submit_by,
        submitted: known.state == AttemptState::Submitted,
        unknown_until: state.unknown_until().filter(|_| state.status() == RunStatus::OutcomeUnknown),
        due: later(known.submit_by, carried.traits.job_timeout),
        orphan: known.node != node,
        told_to_stop: false,
        silent: 0,
        pause: carried.traits.poll_interval,
    };
    if followed.unknown_until.is_some() {
        carried.place = None;
    }
    follow(carried, followed).await
}

/// Asks about the attempt until it is over, or its end will never be known.
async fn follow(carried: &mut Carried<'_>, mut followed: Followed) -> Step<()> {
    loop {
        // From here on the wish is no news any more, whether the provider takes it or not.
        let wish = carried.cancel.is_cancelled();
        if wish && !followed.told_to_stop {
            followed.told_to_stop = tell_to_stop(carried, &followed.client_id).await;
        }
        let asked = timeout(carried.traits.submit_timeout, carried.provider.probe(&followed.client_id)).await;
        steps::reach(steps::AFTER_PROBE);
        let answer = asked.ok().and_then(Result::ok);
        followed.silent = if answer.is_some() { 0 } else { followed.silent.saturating_add(1) };
        match answer {
            Some(Probe::Finished(report)) => return deliver::finish(carried, &followed.attempt, report).await,
            Some(Probe::Cancelled(report)) => return stopped(carried, &followed, report).await,
            Some(Probe::Failed(reason, reported_cost)) => {
                let rule = failure_rule(&reason);
                let conclusion = mintmark_domain::usecases::Conclusion::Failed { reason, rule, reported_cost };
                return carried.settle(Some(&followed.attempt), conclusion).await;
            }
            Some(Probe::Running { progress }) => carried.engine.shared.set_progress(carried.run, progress),
            Some(Probe::NotFound) => not_found(carried, &mut followed).await?,
            Some(Probe::Gone) => return gone(carried, &followed).await,
            None if followed.silent >= SILENT_PROBES_MAX && !followed.submitted => {
                mark_unknown(carried, &mut followed, "the provider does not answer").await?;
            }
            None => {}
        }
        overdue(carried, &mut followed).await?;
        // A provider that answers neither questions nor the wish to stop is asked ever more seldom.
        let deaf = wish && !followed.told_to_stop && followed.silent > 0;
        if let Waited::Cancelled = carried.wait(followed.pause, !wish).await? {
            followed.pause = carried.traits.poll_interval;
        } else if followed.unknown_until.is_some() || deaf {
            let longest = carried.engine.shared.settings.unknown_pause_max.max(carried.traits.poll_interval);
            followed.pause = (followed.pause * 2).min(longest);
        }
    }
}

/// It was stopped: at its owner's wish, or by the provider itself or our deadline.
async fn stopped(carried: &Carried<'_>, followed: &Followed, mut report: Report) -> Step<()> {
    if !carried.cancel.is_cancelled() {
        // Not at its owner's wish: because it took too long, or by the provider's own decision.
        report.outputs.iter_mut().for_each(not_by_its_owner);
        return deliver::finish(carried, &followed.attempt, report).await;
    }
    let (quality, reported_cost) = (report.quality.clone(), report.reported_cost.clone());
    let outputs = deliver::deliver(carried, report).await?;
    let outputs = if outputs.iter().any(Result::is_ok) { outputs } else { Vec::new() };
    carried.cancelled(Some(&followed.attempt), outputs, quality, reported_cost).await
}

fn not_by_its_owner(output: &mut OutputReport) {
    if let OutputReport::Failed(reason) = output
        && reason.code == "cancelled"
    {
        *reason = FailureReason { code: "timeout".into(), message: "It took too long and was stopped.".into() };
    }
}

/// The provider took it and keeps nothing of it any more: nothing can be delivered, and nothing is
/// sent again.
async fn gone(carried: &Carried<'_>, followed: &Followed) -> Step<()> {
    let reason = FailureReason {
        code: "output_unreachable".into(),
        message: "The provider no longer keeps what it made.".into(),
    };
    carried.failed(Some(&followed.attempt), reason, ChargingRule::ProviderFailed).await
}

/// The provider knows nothing of it. What that means depends on when, and on whom it is asked.
async fn not_found(carried: &mut Carried<'_>, followed: &mut Followed) -> Step<()> {
    let traits = carried.traits;
    // Nobody can send it any more, and where it would be known nobody knows it.
    let too_late = carried.engine.core.now() > followed.submit_by;
    let gone_with_its_node = traits.dies_with_node && (followed.orphan || too_late);
    if followed.submitted {
        if gone_with_its_node {
            let reason = FailureReason {
                code: "provider_failed".into(),
                message: "The work was lost with the process that did it.".into(),
            };
            carried.failed(Some(&followed.attempt), reason, ChargingRule::ProviderFailed).await?;
            return Err(Next::Ended);
        }
        return mark_unknown(carried, followed, "the provider no longer knows it").await;
    }
    let skew = carried.engine.shared.settings.clock_skew;
    let proven = traits.takes_client_ids
        && carried.engine.core.now() > later(later(followed.submit_by, traits.submit_timeout), skew);
    if gone_with_its_node || proven {
        return carried.unsent(&followed.attempt, "the provider never got it").await;
    }
    if !traits.takes_client_ids {
        return mark_unknown(carried, followed, "the provider cannot be asked by our id").await;
    }
    Ok(())
}

/// Looks whether it has taken too long.
async fn overdue(carried: &mut Carried<'_>, followed: &mut Followed) -> Step<()> {
    let now = carried.engine.core.now();
    if let Some(until) = followed.unknown_until {
        if now < until {
            return Ok(());
        }
        let reason = FailureReason {
            code: "outcome_unknown".into(),
            message: "It never became known whether the provider did the work.".into(),
        };
        carried.failed(Some(&followed.attempt), reason, ChargingRule::OutcomeNeverKnown).await?;
        return Err(Next::Ended);
    }
    if now <= followed.due {
        return Ok(());
    }
    // A local timeout is no failure: it is told to stop, and only what it says then counts.
    if !followed.told_to_stop {
        followed.told_to_stop = tell_to_stop(carried, &followed.client_id).await;
    }
    if now > later(followed.due, carried.traits.submit_timeout) {
        return mark_unknown(carried, followed, "it took too long and did not stop").await;
    }
    Ok(())
}

async fn mark_unknown(carried: &mut Carried<'_>, followed: &mut Followed, why: &str) -> Step<()> {
    if followed.unknown_until.is_some() {
        return Ok(());
    }
    tracing::warn!(run = %carried.run, attempt = followed.attempt.number, why, "the outcome is unknown");
    let reason = FailureReason {
        code: "outcome_unknown".into(),
        message: "It is not known whether the provider does the work.".into(),
    };
    let core = &carried.engine.core;
    let attempt = &followed.attempt;
    say(carried.engine, carried.run, || core.mark_unknown(carried.run, attempt.clone(), reason.clone())).await?;
    steps::reach(steps::AFTER_UNKNOWN);
    let state = say(carried.engine, carried.run, || core.run_state(carried.run)).await?;
    followed.unknown_until = state.unknown_until();
    // Others need not wait for what nobody may ever know.
    carried.place = None;
    Ok(())
}

/// Tells the provider to stop. Whether it was told.
pub(super) async fn tell_to_stop(carried: &Carried<'_>, client_id: &str) -> bool {
    match timeout(carried.traits.submit_timeout, carried.provider.cancel(client_id)).await {
        Ok(Ok(CancelReply::Stopping | CancelReply::TooLate)) => true,
        Ok(Ok(CancelReply::NotFound)) => false,
        Ok(Err(error)) => {
            tracing::debug!(run = %carried.run, %error, "the provider could not be told to stop");
            false
        }
        Err(_) => false,
    }
}

/// The line of the charging rules for something that failed for sure.
pub(super) fn failure_rule(reason: &FailureReason) -> ChargingRule {
    if reason.code == "moderated" { ChargingRule::OutputModerated } else { ChargingRule::ProviderFailed }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    TimeDelta::from_std(by).ok().and_then(|by| at.checked_add_signed(by)).unwrap_or(Timestamp::MAX_UTC)
}
