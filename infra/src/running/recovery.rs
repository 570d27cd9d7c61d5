//! Recovery: says that this node lives, and looks for what was left alone.

use std::collections::HashSet;

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{PendingBatch, PendingRun, WorkItem};
use mintmark_domain::run::RunStatus;
use tokio::time::Instant;

use super::engine::Engine;
use super::execute::How;

/// A look around is followed by a pause at least so many times as long.
const SCAN_SHARE: u32 = 10;

/// Says that this node lives, as long as it does.
pub(super) async fn beat(engine: &Engine) {
    loop {
        if let Err(error) = engine.nodes.beat(&engine.shared.node).await {
            tracing::warn!(%error, "this node could not say that it lives");
        }
        tokio::time::sleep(engine.shared.settings.beat_every).await;
    }
}

/// Looks through the work queue again and again.
pub(super) async fn scan(engine: &std::sync::Arc<Engine>) {
    // What an earlier process accepted and never started waits for nobody else now.
    let mut first = true;
    while !engine.shared.stopping.is_cancelled() {
        let begun = Instant::now();
        if let Err(why) = look(engine, first).await {
            tracing::warn!(why, "the work queue could not be looked through");
        } else {
            first = false;
        }
        engine.shared.report();
        // However much there is to look through, it takes a small part of the time.
        let pause = engine.shared.settings.scan_every.max(begun.elapsed() * SCAN_SHARE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.shared.look.notified() => {}
            () = engine.shared.stopping.cancelled() => {}
        }
    }
}

async fn look(engine: &std::sync::Arc<Engine>, first: bool) -> Result<(), String> {
    let settings = &engine.shared.settings;
    let alive = engine.nodes.alive(settings.dead_after).await.map_err(|error| error.to_string())?;
    let mut after = None;
    loop {
        let page = engine.work.pending(after, settings.scan_page).await.map_err(|error| error.to_string())?;
        after = page.last().map(WorkItem::cursor);
        let last = page.len() < settings.scan_page;
        for item in page {
            match item {
                WorkItem::Run(run) => look_at_run(engine, &run, &alive, first),
                WorkItem::Batch(batch) => look_at_batch(engine, &batch, first),
            }
        }
        if last || after.is_none() || engine.shared.stopping.is_cancelled() {
            return Ok(());
        }
    }
}

fn look_at_run(engine: &std::sync::Arc<Engine>, run: &PendingRun, alive: &HashSet<String>, first: bool) {
    let shared = &engine.shared;
    if shared.knows(run.run) {
        if run.cancel_requested {
            shared.wish_to_stop(run.run);
        }
        return;
    }
    if !shared.has_provider(&run.provider) {
        look_at_absent(engine, run, alive);
        return;
    }
    let left_alone = first || quiet(engine, run.changed_at, TimeDelta::zero());
    match (run.status, &run.node) {
        (RunStatus::Queued, _) if left_alone || run.cancel_requested => {
            shared.enqueue(run.run, run.account, &run.provider);
        }
        (RunStatus::Running | RunStatus::OutcomeUnknown, Some(node)) => {
            let window = TimeDelta::from_std(shared.settings.submit_window).unwrap_or(TimeDelta::MAX);
            // A run of this node that nobody here carries: its task failed, or whoever asked for it
            // went away between the append and the start. Not before it may no longer be sent.
            let ours = **node == *shared.node && quiet(engine, run.changed_at, window);
            let orphan = **node != *shared.node && !alive.contains(node);
            if ours || orphan {
                let holds_place = run.status == RunStatus::Running;
                shared.adopt(run.run, run.account, &run.provider, holds_place);
            }
        }
        (
            RunStatus::None
            | RunStatus::Queued
            | RunStatus::Running
            | RunStatus::OutcomeUnknown
            | RunStatus::Succeeded
            | RunStatus::Failed
            | RunStatus::Cancelled,
            _,
        ) => {}
    }
}

/// A run of a provider that is not configured here. Another node may know it, and is left the time to
/// show that; then the run ends, or its deadline is waited for.
fn look_at_absent(engine: &std::sync::Arc<Engine>, run: &PendingRun, alive: &HashSet<String>) {
    let shared = &engine.shared;
    let patience = TimeDelta::from_std(shared.settings.absent_after).unwrap_or(TimeDelta::MAX);
    if !quiet(engine, run.changed_at, patience) {
        return;
    }
    let ours = run.node.as_deref() == Some(&*shared.node);
    match (run.status, &run.node) {
        (RunStatus::Queued, _) => {
            shared.carry_absent(run.run, run.account, &run.provider, How::Waited);
        }
        (RunStatus::Running | RunStatus::OutcomeUnknown, Some(node)) if ours || !alive.contains(node) => {
            shared.carry_absent(run.run, run.account, &run.provider, How::LeftAlone);
        }
        (
            RunStatus::None
            | RunStatus::Running
            | RunStatus::OutcomeUnknown
            | RunStatus::Succeeded
            | RunStatus::Failed
            | RunStatus::Cancelled,
            _,
        ) => {}
    }
}

fn look_at_batch(engine: &std::sync::Arc<Engine>, batch: &PendingBatch, first: bool) {
    if first || quiet(engine, batch.changed_at, TimeDelta::zero()) {
        engine.drive(batch.batch);
    }
}

/// Whether nothing has happened for so long that whoever accepted it has let it go.
fn quiet(engine: &Engine, changed_at: Timestamp, beyond: TimeDelta) -> bool {
    let patience = TimeDelta::from_std(engine.shared.settings.orphan_after).unwrap_or(TimeDelta::MAX);
    engine.core.now() - changed_at > patience + beyond
}
