//! Runs: what was asked, how the price came about, what became of it.

use async_graphql::{Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::run::{Attempt, AttemptState, FailureReason, RequestedRun, RunStatus};
use mintmark_domain::usecases::RunView;

use crate::creation::RunOutput;
use crate::scalar::Credits;
use crate::state::ContextExt as _;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "RunStatus")]
pub(crate) enum Status {
    /// Accepted, its price held, waiting for its turn.
    Queued,
    /// With its provider.
    Running,
    /// Nobody can say yet whether the provider has it; the hold stays.
    OutcomeUnknown,
    /// Ended: at least one output was delivered.
    Succeeded,
    /// Ended: nothing was delivered.
    Failed,
    /// Ended at its owner's wish.
    Cancelled,
}

impl From<RunStatus> for Status {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::None | RunStatus::Queued => Status::Queued,
            RunStatus::Running => Status::Running,
            RunStatus::OutcomeUnknown => Status::OutcomeUnknown,
            RunStatus::Succeeded => Status::Succeeded,
            RunStatus::Failed => Status::Failed,
            RunStatus::Cancelled => Status::Cancelled,
        }
    }
}

impl From<Status> for RunStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => RunStatus::Queued,
            Status::Running => RunStatus::Running,
            Status::OutcomeUnknown => RunStatus::OutcomeUnknown,
            Status::Succeeded => RunStatus::Succeeded,
            Status::Failed => RunStatus::Failed,
            Status::Cancelled => RunStatus::Cancelled,
        }
    }
}

/// Why something was not delivered.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Failure {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

impl From<&FailureReason> for Failure {
    fn from(reason: &FailureReason) -> Self {
        Failure { code: reason.code.clone(), message: reason.message.clone() }
    }
}

/// One line of a price.
#[derive(SimpleObject)]
pub(crate) struct PriceLine {
    /// What is paid for.
    what: String,
    /// What is counted: `per_image`, `per_second`, `per_character`, `per_run`.
    unit: String,
    /// How many units, a decimal number.
    quantity: String,
    /// Credits for one unit.
    unit_price: Credits,
    /// The product of all factors, a decimal number.
    multiplier: String,
    /// Before the sum is rounded.
    amount: Credits,
}

/// How the price came about.
#[derive(SimpleObject)]
pub(crate) struct Price {
    /// What was held, and is charged when everything is delivered.
    amount: Credits,
    /// The version of the price book.
    price_book: String,
    /// The lines.
    lines: Vec<PriceLine>,
}

impl Price {
    fn new(requested: &RequestedRun) -> Self {
        let quote = &requested.quote;
        let lines = quote
            .lines
            .iter()
            .map(|line| PriceLine {
                what: line.what.clone(),
                unit: line.unit.as_str().to_owned(),
                quantity: line.quantity.to_string(),
                unit_price: line.unit_price.into(),
                multiplier: line.multiplier.to_string(),
                amount: line.amount.into(),
            })
            .collect();
        Price { amount: quote.amount.into(), price_book: quote.price_book.clone(), lines }
    }
}

/// One try at a provider.
#[derive(SimpleObject)]
pub(crate) struct RunAttempt {
    /// From 1.
    number: u32,
    /// The provider.
    provider: String,
    /// Our id for it.
    client_id: String,
    /// The provider's id, once known.
    provider_request_id: Option<String>,
    /// `INTENDED`, `SUBMITTED` or `DISPROVED`.
    state: &'static str,
}

impl From<&Attempt> for RunAttempt {
    fn from(attempt: &Attempt) -> Self {
        RunAttempt {
            number: attempt.number,
            provider: attempt.provider.clone(),
            client_id: attempt.client_id.clone(),
            provider_request_id: attempt.provider_request_id.clone(),
            state: match attempt.state {
                AttemptState::Intended => "INTENDED",
                AttemptState::Submitted => "SUBMITTED",
                AttemptState::Disproved => "DISPROVED",
            },
        }
    }
}

/// How the books of a run were closed.
#[derive(SimpleObject)]
pub(crate) struct RunCharge {
    /// What was captured; the rest of the hold was released with it.
    captured: Credits,
    /// What was given back since.
    refunded: Credits,
    /// The line of the published charging rules.
    rule: &'static str,
    /// That line in a sentence.
    rule_text: &'static str,
    /// When.
    at: DateTime<Utc>,
}

/// One request for generation.
pub(crate) struct Run {
    view: RunView,
    requested: RequestedRun,
}

impl Run {
    /// `None` for a view of a run that never was.
    pub fn new(view: RunView) -> Option<Self> {
        let requested = view.run.requested()?.clone();
        Some(Run { view, requested })
    }
}

/// One request for generation, from acceptance to its end.
#[Object]
impl Run {
    /// `run_` and 32 hex digits.
    async fn id(&self) -> async_graphql::ID {
        self.view.run_id.to_string().into()
    }

    /// Where it stands.
    async fn status(&self) -> Status {
        self.view.run.status().into()
    }

    /// Percent done, where the provider says so and this server knows.
    async fn progress(&self, ctx: &async_graphql::Context<'_>) -> Option<i32> {
        ctx.core().dispatch.progress(self.view.run_id).map(i32::from)
    }

    /// What kind of generation: `image_generation`, `workflow.hook_pack` …
    async fn capability(&self) -> String {
        self.requested.capability_shown()
    }

    /// The model as it was asked for; a workflow's own; empty where a page is read.
    async fn model(&self) -> &str {
        &self.requested.model_alias
    }

    /// The generator, where one was used.
    async fn generator(&self) -> Option<&str> {
        self.requested.generator.as_deref()
    }

    /// Through which door it came: `genfire`, `generor`, `girlgenerator`, `graphql`, `command_line`.
    async fn surface(&self) -> &str {
        self.requested.surface.as_str()
    }

    /// The prompt, or the text to be spoken.
    async fn prompt(&self) -> &str {
        &self.view.inputs.prompt
    }

    /// The request's id, as the answer's header named it.
    async fn request_id(&self) -> &str {
        &self.requested.request_id
    }

    /// How the price came about.
    async fn price(&self) -> Price {
        Price::new(&self.requested)
    }

    /// What was delivered, once it has ended, and is still there.
    #[graphql(complexity = "5 + child_complexity")]
    async fn outputs(&self) -> Vec<RunOutput> {
        let there = self.view.creations.iter().filter(|view| !view.creation.is_deleted());
        there.cloned().map(RunOutput).collect()
    }

    /// Why it failed.
    async fn error(&self) -> Option<Failure> {
        self.view.run.failure().map(Failure::from)
    }

    /// Every try at a provider, oldest first; all but the last provably never reached it.
    async fn attempts(&self) -> Vec<RunAttempt> {
        let run = &self.view.run;
        run.earlier_attempts().iter().chain(run.attempt()).map(RunAttempt::from).collect()
    }

    /// How its books were closed, once it has ended.
    async fn charge(&self) -> Option<RunCharge> {
        let run = &self.view.run;
        run.ending().map(|ending| RunCharge {
            captured: ending.captured.into(),
            refunded: run.refunded().into(),
            rule: ending.rule.code(),
            rule_text: ending.rule.text(),
            at: ending.at,
        })
    }

    /// When it was accepted.
    async fn created_at(&self) -> DateTime<Utc> {
        self.requested.at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.view.run.changed_at().unwrap_or(self.requested.at)
    }

    /// When it ended.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.view.run.ending().map(|ending| ending.at)
    }
}
