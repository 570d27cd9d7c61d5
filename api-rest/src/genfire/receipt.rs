//! A run's receipt: how its price came about, what became of the hold, and by which published rule.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use mintmark_domain::Credits;
use mintmark_domain::account::Scope;
use mintmark_domain::money::{AppliedMultiplier, ChargingRule, Quote, QuoteLine, Rounding};
use mintmark_domain::run::{Attempt, AttemptState, OutputOutcome, RequestedRun, Run};
use mintmark_domain::usecases::RunView;
use serde::Serialize;
use utoipa::ToSchema;

use super::models::List;
use super::run::{RunFailure, RunState};
use super::runs::run_id;
use super::values::{Moment, Number};
use crate::http::{Amount, Authenticated, LogPosition, Path, Problem, Visitor};
use crate::state::AppState;

/// A line of the published charging rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChargingRuleResource {
    /// Frozen; receipts name it.
    #[schema(examples("delivered"))]
    pub code: &'static str,
    /// Always `charging_rule`.
    #[schema(examples("charging_rule"))]
    pub object: &'static str,
    /// When it applies.
    pub applies_when: &'static str,
    /// What is charged.
    pub charged: &'static str,
}

impl From<ChargingRule> for ChargingRuleResource {
    fn from(rule: ChargingRule) -> Self {
        let (applies_when, charged) = (rule.applies_when(), rule.text());
        ChargingRuleResource { code: rule.code(), object: "charging_rule", applies_when, charged }
    }
}

/// A run's receipt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The run.
    pub run_id: String,
    /// Always `receipt`.
    #[schema(examples("receipt"))]
    pub object: &'static str,
    /// Where the run stands.
    pub status: RunState,
    /// Always `credits`.
    #[schema(examples("credits"))]
    pub currency: &'static str,
    /// Who asked, and through which door.
    pub requested_by: RequestedBy,
    /// Who pays.
    pub paid_by: PaidBy,
    /// How the price came about.
    pub price: PriceOf,
    /// What was set aside.
    pub hold: HoldOf,
    /// Every try at a provider, oldest first.
    pub attempts: Vec<AttemptOf>,
    /// What became of each output, in order; empty until the run ends.
    pub outputs: Vec<OutcomeOf>,
    /// How the books were closed; null until then.
    pub charge: Option<ChargeOf>,
    /// What the provider says it charged the operator; null where it said nothing.
    pub provider_cost: Option<ProviderCost>,
    /// What was given back of the charge.
    pub refunds: Vec<RefundOf>,
    /// What the run has done to the balance by now.
    pub balance_effect: BalanceEffect,
}

/// Who asked, and through which door.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestedBy {
    /// The account.
    pub account_id: String,
    /// The API key's public id; null for OAuth clients, sessions and the command line.
    pub key_id: Option<u64>,
    /// The OAuth client's id; null where none asked.
    pub client_id: Option<String>,
    /// `genfire`, `generor`, `girlgenerator`, `graphql` or `command_line`.
    pub surface: &'static str,
    /// Method and path.
    pub route: String,
    /// The operation.
    pub endpoint: String,
    /// The HTTP request's id, as its answer had it in `X-Request-Id`.
    pub request_id: String,
    /// The batch that it is an item of.
    pub batch_id: Option<String>,
    /// When.
    pub at: Moment,
}

/// Who pays.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PaidBy {
    /// The wallet that the hold is in.
    pub wallet_id: String,
    /// The team, where the wallet is its allowance to the account.
    pub team_id: Option<String>,
}

/// How a price came about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PriceOf {
    /// The version of the price book that the run is pinned to.
    pub price_book: String,
    /// The lines.
    pub lines: Vec<PriceLine>,
    /// The sum before rounding.
    pub exact: Amount,
    /// `whole_credits` or `exact`; always up.
    pub rounding: &'static str,
    /// The most that the run can cost.
    pub quoted: Amount,
    /// How many outputs were asked for.
    pub outputs: u32,
}

/// One line of a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PriceLine {
    /// The operation's key, as `/models/pricing` has it.
    pub operation_key: String,
    /// What is counted.
    pub unit: &'static str,
    /// How many units, over all outputs.
    pub quantity: Number,
    /// Credits for one unit.
    pub credits: Amount,
    /// Factors by what was chosen.
    pub multipliers: Vec<Factor>,
    /// The line's credits, before rounding.
    pub amount: Amount,
}

/// A factor of a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Factor {
    /// The choice.
    pub by: &'static str,
    /// What was chosen.
    pub value: String,
    /// The factor.
    pub times: Number,
}

/// What was set aside.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HoldOf {
    /// How much.
    pub credits: Amount,
    /// When.
    pub held_at: Moment,
    /// `open`, or `resolved` once the run has ended.
    pub state: &'static str,
}

/// One try at a provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AttemptOf {
    /// From 1.
    pub number: u32,
    /// The provider.
    pub provider: String,
    /// Our id of it.
    pub client_id: String,
    /// The provider's id of it; null until known.
    pub provider_request_id: Option<String>,
    /// `intended` (may have been sent), `submitted` (taken by the provider), `never_arrived`, or `over`
    /// once the run has ended with it.
    pub state: &'static str,
}

/// What became of an output.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutcomeOf {
    /// The public number of what was asked for.
    pub number: u64,
    /// Whether it was delivered.
    pub delivered: bool,
    /// Why not.
    pub error: Option<RunFailure>,
}

/// How the books were closed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChargeOf {
    /// The line of the charging rules that applied.
    pub rule: ChargingRuleResource,
    /// What was charged.
    pub captured: Amount,
    /// Of credits of which kind.
    pub captured_from: Vec<KindOf>,
    /// What went back to where it was held from.
    pub released: Amount,
    /// When.
    pub at: Moment,
}

/// Credits of one kind.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KindOf {
    /// `free`, `earned` or `paid`.
    pub kind: &'static str,
    /// How much.
    pub credits: Amount,
}

/// What a provider says it charged.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderCost {
    /// A decimal number.
    pub amount: String,
    /// ISO 4217, or the provider's own unit.
    pub currency: String,
}

/// A refund.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefundOf {
    /// Its reference.
    pub reference: String,
    /// How much was given back.
    pub credits: Amount,
}

/// What a run has done to a balance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BalanceEffect {
    /// What can be spent is less by this (as a negative number): held or charged, and not given back.
    pub available: Amount,
    /// What is set aside for it now.
    pub held: Amount,
    /// Charged and not given back.
    pub spent: Amount,
}

impl Receipt {
    /// The receipt of a run; `None` where there is no such run.
    #[must_use]
    pub fn of(view: &RunView) -> Option<Self> {
        let run = &view.run;
        let requested = run.requested()?;
        let ended = run.ending();
        let held = if ended.is_some() { Credits::ZERO } else { requested.quote.amount };
        let spent = ended.map(|ending| ending.captured).unwrap_or_default() - run.refunded();
        Some(Receipt {
            run_id: view.run_id.to_string(),
            object: "receipt",
            status: run.status().into(),
            currency: "credits",
            requested_by: requested_by(requested),
            paid_by: PaidBy {
                wallet_id: requested.payer.wallet.to_string(),
                team_id: requested.payer.team.map(|team| team.to_string()),
            },
            price: price(&requested.quote),
            hold: HoldOf {
                credits: requested.quote.amount.into(),
                held_at: Moment(requested.at),
                state: if ended.is_some() { "resolved" } else { "open" },
            },
            attempts: run
                .earlier_attempts()
                .iter()
                .chain(run.attempt())
                .map(|made| attempt(made, ended.is_some()))
                .collect(),
            outputs: outcomes(run, requested),
            charge: charge(run, requested),
            provider_cost: run
                .reported_cost()
                .map(|cost| ProviderCost { amount: cost.amount.clone(), currency: cost.currency.clone() }),
            refunds: run
                .refunds()
                .map(|(reference, credits)| RefundOf { reference: reference.to_owned(), credits: credits.into() })
                .collect(),
            balance_effect: BalanceEffect {
                available: (-(held + spent)).into(),
                held: held.into(),
                spent: spent.into(),
            },
        })
    }
}

fn requested_by(requested: &RequestedRun) -> RequestedBy {
    RequestedBy {
        account_id: requested.account.to_string(),
        key_id: requested.key_id,
        client_id: requested.client_id.clone(),
        surface: requested.surface.as_str(),
        route: requested.route.clone(),
        endpoint: requested.operation.clone(),
        request_id: requested.request_id.clone(),
        batch_id: requested.item.map(|item| item.batch.to_string()),
        at: Moment(requested.at),
    }
}

fn price(quote: &Quote) -> PriceOf {
    PriceOf {
        price_book: quote.price_book.clone(),
        lines: quote.lines.iter().map(line).collect(),
        exact: quote.exact.into(),
        rounding: match quote.rounding {
            Rounding::WholeCredits => "whole_credits",
            Rounding::Exact => "exact",
        },
        quoted: quote.amount.into(),
        outputs: quote.outputs,
    }
}

fn line(line: &QuoteLine) -> PriceLine {
    PriceLine {
        operation_key: line.what.clone(),
        unit: line.unit.as_str(),
        quantity: line.quantity.into(),
        credits: line.unit_price.into(),
        multipliers: line.multipliers.iter().map(factor).collect(),
        amount: line.amount.into(),
    }
}

fn factor(factor: &AppliedMultiplier) -> Factor {
    Factor { by: factor.by.as_str(), value: factor.value.clone(), times: factor.times.into() }
}

fn attempt(attempt: &Attempt, ended: bool) -> AttemptOf {
    AttemptOf {
        number: attempt.number,
        provider: attempt.provider.clone(),
        client_id: attempt.client_id.clone(),
        provider_request_id: attempt.provider_request_id.clone(),
        state: match attempt.state {
            AttemptState::Disproved => "never_arrived",
            AttemptState::Intended | AttemptState::Submitted if ended => "over",
            AttemptState::Intended => "intended",
            AttemptState::Submitted => "submitted",
        },
    }
}

fn outcomes(run: &Run, requested: &RequestedRun) -> Vec<OutcomeOf> {
    let each = requested.creations.iter().zip(run.outputs());
    each.map(|(creation, outcome)| match outcome {
        OutputOutcome::Delivered => OutcomeOf { number: creation.number, delivered: true, error: None },
        OutputOutcome::Failed(reason) => OutcomeOf {
            number: creation.number,
            delivered: false,
            error: Some(RunFailure { code: reason.code.clone(), message: reason.message.clone() }),
        },
    })
    .collect()
}

fn charge(run: &Run, requested: &RequestedRun) -> Option<ChargeOf> {
    let ending = run.ending()?;
    let kind =
        |part: &mintmark_domain::run::CapturedPart| KindOf { kind: part.kind.as_str(), credits: part.amount.into() };
    Some(ChargeOf {
        rule: ending.rule.into(),
        captured: ending.captured.into(),
        captured_from: ending.captured_parts.iter().map(kind).collect(),
        released: (requested.quote.amount - ending.captured).into(),
        at: Moment(ending.at),
    })
}

/// Get a run's receipt
///
/// How the price came about and under which price book, what was held, each attempt at a provider,
/// what was charged and by which line of the charging rules, what was given back.
#[utoipa::path(
    get, path = "/v1/runs/{runId}/receipt", operation_id = "runs.receipt.get", tag = "Runs",
    params(("runId" = String, Path, description = "The run's id.")),
    responses((status = 200, body = Receipt)),
)]
pub(super) async fn receipt(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::RunsRead)?;
    let view = state.core.run_view(caller.account, run_id(&id)?).await?;
    let receipt = Receipt::of(&view).ok_or_else(|| Problem::internal("a view of a run that nobody asked for"))?;
    Ok((LogPosition::read(view.run_id.shard(), view.as_of), Json(receipt)))
}

/// List the charging rules
///
/// What each ending of a run costs. A receipt names the line that applied.
#[utoipa::path(
    get, path = "/v1/charging-rules", operation_id = "charging_rules.list", tag = "Runs", security(()),
    responses((status = 200, body = List<ChargingRuleResource>)),
)]
pub(super) async fn charging_rules(_: Visitor) -> Json<List<ChargingRuleResource>> {
    Json(ChargingRule::ALL.into_iter().map(ChargingRuleResource::from).collect())
}
