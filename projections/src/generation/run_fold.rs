//! Folds a run's events into its row, and its end into the day's usage.

use std::collections::HashMap;

use chrono::NaiveDate;
use mintmark_domain::Timestamp;
use mintmark_domain::es::Recorded;
use mintmark_domain::run::{Ending, FailureReason, ReportedCost, RequestedRun, RunEvent, RunStatus};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{RunKey, RunRow};
use crate::error::ApplyError;
use crate::positions::{position_column, shard_column};
use crate::table::Rows;

/// The runs that a batch touches.
pub(super) struct RunFold {
    runs: Rows<RunRow>,
    usage: HashMap<Bucket, Counts>,
}

/// One row of usage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bucket {
    account_id: Uuid,
    day: NaiveDate,
    capability: String,
    model: String,
    surface: String,
    key_id: i64,
}

#[derive(Default)]
struct Counts {
    succeeded: i64,
    failed: i64,
    cancelled: i64,
    credits: Decimal,
}

/// A public integer id as SQL keeps it.
pub(super) fn number_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl RunFold {
    pub fn new(runs: Rows<RunRow>) -> Self {
        RunFold { runs, usage: HashMap::new() }
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Recorded, fact: &RunEvent) -> Result<(), ApplyError> {
        if let RunEvent::Requested(request) = fact {
            self.runs.put(requested(event, request)?);
            return Ok(());
        }
        let row = self.runs.get_mut(&RunKey { run_id: event.stream.id }).ok_or_else(|| ApplyError::Inconsistent {
            at: event.position,
            why: format!("{} of a run that was never requested", event.event_type),
        })?;
        row.updated_at = event.recorded_at;
        row.updated_position = position_column(event.position);
        let ended = match fact {
            RunEvent::Requested(_) => None,
            RunEvent::SubmitIntended { attempt, provider: _, client_id, node, submit_by, at } => {
                row.status = RunStatus::Running.as_str().to_owned();
                row.attempt = attempt.cast_signed();
                row.client_id = Some(client_id.clone());
                row.node = Some(node.clone());
                row.submit_by = Some(*submit_by);
                row.provider_request_id = None;
                row.started_at = row.started_at.or(Some(*at));
                None
            }
            RunEvent::TakenOver { node, .. } => {
                row.node = Some(node.clone());
                None
            }
            RunEvent::Submitted { provider_request_id, .. } => {
                row.status = RunStatus::Running.as_str().to_owned();
                row.provider_request_id = Some(provider_request_id.clone());
                row.unknown_until = None;
                None
            }
            RunEvent::SubmitDisproved { .. } => {
                row.status = RunStatus::Queued.as_str().to_owned();
                row.unknown_until = None;
                None
            }
            RunEvent::OutcomeUnknown { until, .. } => {
                row.status = RunStatus::OutcomeUnknown.as_str().to_owned();
                row.unknown_until = Some(*until);
                None
            }
            RunEvent::CancelRequested { .. } => {
                row.cancel_requested = true;
                None
            }
            RunEvent::Succeeded { ending, .. } => Some((RunStatus::Succeeded, ending)),
            RunEvent::Failed { reason, ending, .. } => {
                fail(row, reason);
                Some((RunStatus::Failed, ending))
            }
            RunEvent::SettledByHand { ending, .. } => {
                fail(row, &FailureReason::settled_by_hand());
                Some((RunStatus::Failed, ending))
            }
            RunEvent::Cancelled { ending, .. } => {
                row.failure_code = Some("cancelled".to_owned());
                row.failure_message = Some("The run was cancelled.".to_owned());
                Some((RunStatus::Cancelled, ending))
            }
            RunEvent::Refunded { amount, .. } => {
                row.refunded += amount.value();
                None
            }
            RunEvent::BilledLate { reported_cost, .. } => {
                cost(row, reported_cost);
                None
            }
        };
        if let Some((status, ending)) = ended {
            end(row, status, ending);
            let counts = self.usage.entry(bucket(row, ending.at)).or_default();
            counts.add(status, ending);
        }
        Ok(())
    }

    /// Writes the runs and adds to the days.
    pub async fn save(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.runs.save(connection).await?;
        if self.usage.is_empty() {
            return Ok(());
        }
        let size = self.usage.len();
        let mut keys = (
            Vec::with_capacity(size),
            Vec::with_capacity(size),
            Vec::with_capacity(size),
            Vec::with_capacity(size),
            Vec::with_capacity(size),
            Vec::with_capacity(size),
        );
        let mut counts =
            (Vec::with_capacity(size), Vec::with_capacity(size), Vec::with_capacity(size), Vec::with_capacity(size));
        for (bucket, count) in self.usage {
            keys.0.push(bucket.account_id);
            keys.1.push(bucket.day);
            keys.2.push(bucket.capability);
            keys.3.push(bucket.model);
            keys.4.push(bucket.surface);
            keys.5.push(bucket.key_id);
            counts.0.push(count.succeeded);
            counts.1.push(count.failed);
            counts.2.push(count.cancelled);
            counts.3.push(count.credits);
        }
        sqlx::query(
            "INSERT INTO usage_days AS u (account_id, day, capability, model, surface, key_id,
                                          succeeded, failed, cancelled, credits)
             SELECT * FROM unnest($1::uuid[], $2::date[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                                  $7::bigint[], $8::bigint[], $9::bigint[], $10::numeric[])
             ON CONFLICT (account_id, day, capability, model, surface, key_id) DO UPDATE
             SET succeeded = u.succeeded + excluded.succeeded, failed = u.failed + excluded.failed,
                 cancelled = u.cancelled + excluded.cancelled, credits = u.credits + excluded.credits",
        )
        .bind(keys.0)
        .bind(keys.1)
        .bind(keys.2)
        .bind(keys.3)
        .bind(keys.4)
        .bind(keys.5)
        .bind(counts.0)
        .bind(counts.1)
        .bind(counts.2)
        .bind(counts.3)
        .execute(connection)
        .await?;
        Ok(())
    }
}

fn requested(event: &Recorded, request: &RequestedRun) -> Result<RunRow, ApplyError> {
    let json = serde_json::to_string(request)
        .map_err(|error| ApplyError::Corrupt { at: event.position, why: error.to_string() })?;
    Ok(RunRow {
        run_id: event.stream.id,
        account_id: request.account.0,
        key_id: request.key_id.map(number_column),
        surface: request.surface.as_str().to_owned(),
        capability: request.capability_shown(),
        // What has no model of its own is counted under what it does.
        model: request.model_shown().map_or_else(|| request.capability_shown(), str::to_owned),
        shard: shard_column(event.shard),
        position: position_column(event.position),
        recorded_at: event.recorded_at,
        wallet_id: request.payer.wallet.0,
        team_id: request.team.or(request.payer.team).map(Into::into),
        operation: request.operation.clone(),
        generator: request.generator.clone(),
        provider: request.provider.clone(),
        batch_id: request.item.map(|item| item.batch.0),
        item_index: request.item.map(|item| item.index.cast_signed()),
        inputs: request.inputs.0,
        quoted: request.quote.amount.value(),
        request: json,
        status: RunStatus::Queued.as_str().to_owned(),
        attempt: 0,
        client_id: None,
        node: None,
        submit_by: None,
        provider_request_id: None,
        started_at: None,
        unknown_until: None,
        cancel_requested: false,
        completed_at: None,
        captured: None,
        refunded: Decimal::ZERO,
        rule: None,
        failure_code: None,
        failure_message: None,
        cost_amount: None,
        cost_currency: None,
        updated_at: event.recorded_at,
        updated_position: position_column(event.position),
    })
}

fn fail(row: &mut RunRow, reason: &FailureReason) {
    row.failure_code = Some(reason.code.clone());
    row.failure_message = Some(reason.message.clone());
}

fn end(row: &mut RunRow, status: RunStatus, ending: &Ending) {
    row.status = status.as_str().to_owned();
    row.unknown_until = None;
    row.completed_at = Some(ending.at);
    row.captured = Some(ending.captured.value());
    row.rule = Some(ending.rule.code().to_owned());
    if let Some(reported) = &ending.reported_cost {
        cost(row, reported);
    }
}

fn cost(row: &mut RunRow, reported: &ReportedCost) {
    row.cost_amount = Some(reported.amount.clone());
    row.cost_currency = Some(reported.currency.clone());
}

fn bucket(row: &RunRow, ended_at: Timestamp) -> Bucket {
    Bucket {
        account_id: row.account_id,
        day: ended_at.date_naive(),
        capability: row.capability.clone(),
        model: row.model.clone(),
        surface: row.surface.clone(),
        key_id: row.key_id.unwrap_or(0),
    }
}

impl Counts {
    fn add(&mut self, status: RunStatus, ending: &Ending) {
        match status {
            RunStatus::Succeeded => self.succeeded += 1,
            RunStatus::Failed => self.failed += 1,
            RunStatus::Cancelled => self.cancelled += 1,
            RunStatus::None | RunStatus::Queued | RunStatus::Running | RunStatus::OutcomeUnknown => {}
        }
        self.credits += ending.captured.value();
    }
}
