//! `mintmark runs`

use std::process::ExitCode;

use anyhow::Context;
use mintmark_domain::run::{AttemptRef, AttemptState, FailureReason, Run};
use mintmark_domain::usecases::Conclusion;

use super::{show, with_platform};
use crate::cli::RunsCommand;

pub async fn run(command: RunsCommand) -> anyhow::Result<ExitCode> {
    match command {
        RunsCommand::Show { place, run } => {
            with_platform(place, async |platform| {
                let state = platform.core.run_state(run).await?;
                show::run(run, &state)
            })
            .await?;
        }
        RunsCommand::Settle { place, run, reason } => {
            with_platform(place, async |platform| {
                let state = platform.core.run_state(run).await?;
                let requested = state.requested().with_context(|| format!("there is no run {run}"))?;
                let reason = FailureReason { code: "settled_by_hand".into(), message: reason };
                let conclusion = Conclusion::ByHand { by: "operator".into(), reason };
                platform.core.conclude_run(run, requested, live_attempt(&state), conclusion).await?;
                say!("{run} has failed at no cost; its hold is released");
                Ok(())
            })
            .await?;
        }
        RunsCommand::Cancel { place, run } => {
            with_platform(place, async |platform| {
                let cancelled = platform.core.cancel_run_by_operator(run).await?;
                let status = cancelled.run.status();
                if status.is_ended() {
                    say!("{run} is {}", status.as_str());
                } else {
                    say!("{run} is {}; it is stopped as soon as its provider confirms", status.as_str());
                }
                Ok(())
            })
            .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn live_attempt(run: &Run) -> Option<AttemptRef> {
    run.attempt()
        .filter(|attempt| attempt.state != AttemptState::Disproved)
        .map(|attempt| AttemptRef { number: attempt.number, node: attempt.node.clone() })
}
