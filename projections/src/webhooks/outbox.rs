//! The outbox that a sender works on.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, BatchId, DeliveryId, RunId, SealedId, WebhookEndpointId, WebhookEventId};
use mintmark_domain::ports::{
    Attempted, DeliveryClaim, DueDelivery, FailingEndpoint, KeptEvent, OutboxEvent, OutboxUnavailable, WebhookOutbox,
    WebhookSubject,
};
use uuid::Uuid;

use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::{named, unsigned};

/// How many due deliveries are looked at for each that is claimed, so that those of one endpoint do not
/// stand before all others.
const LOOKED_AT_PER_CLAIM: i64 = 8;

fn unavailable(error: &dyn std::fmt::Display) -> OutboxUnavailable {
    OutboxUnavailable(error.to_string())
}

#[derive(sqlx::FromRow)]
struct Claimed {
    delivery_id: Uuid,
    event_id: Uuid,
    endpoint_id: Uuid,
    account_id: Uuid,
    attempts: i32,
    settings: Uuid,
    secret: Uuid,
    previous: Option<Uuid>,
}

impl From<Claimed> for DueDelivery {
    fn from(row: Claimed) -> Self {
        DueDelivery {
            id: DeliveryId(row.delivery_id),
            event: WebhookEventId(row.event_id),
            endpoint: WebhookEndpointId(row.endpoint_id),
            account: AccountId(row.account_id),
            attempt: row.attempts.unsigned_abs() + 1,
            settings: SealedId(row.settings),
            secret: SealedId(row.secret),
            previous: row.previous.map(SealedId),
        }
    }
}

#[derive(sqlx::FromRow)]
struct EventView {
    event_id: Uuid,
    account_id: Uuid,
    topic: String,
    subject: String,
    subject_id: Uuid,
    detail: Option<String>,
    position: i64,
    recorded_at: DateTime<Utc>,
    body: Option<Vec<u8>>,
}

/// The table's name in errors.
const EVENTS: &str = "webhook_events";

impl EventView {
    fn shown(self) -> Result<KeptEvent, QueryError> {
        let bad = |why: &str| QueryError::Row { table: EVENTS, why: why.to_owned() };
        let detail = self.detail.unwrap_or_default();
        let subject = match self.subject.as_str() {
            "run" => WebhookSubject::Run(RunId(self.subject_id)),
            "batch" => WebhookSubject::Batch(BatchId(self.subject_id)),
            "credits" => {
                let (available, threshold) = detail.split_once(' ').ok_or_else(|| bad("no threshold"))?;
                WebhookSubject::Credits {
                    available: available.parse().map_err(|_| bad("no amount"))?,
                    threshold: threshold.parse().map_err(|_| bad("no amount"))?,
                }
            }
            "endpoint" => WebhookSubject::Endpoint {
                endpoint: WebhookEndpointId(self.subject_id),
                failing_since: detail.parse().map_err(|_| bad("no moment"))?,
            },
            other => return Err(bad(&format!("the subject {other}"))),
        };
        let event = OutboxEvent {
            id: WebhookEventId(self.event_id),
            topic: named(EVENTS, &self.topic)?,
            account: AccountId(self.account_id),
            subject,
            position: Position(unsigned(EVENTS, self.position)?),
            at: self.recorded_at,
        };
        Ok(KeptEvent { event, sealed_body: self.body })
    }
}

#[async_trait]
impl WebhookOutbox for ReadModels {
    async fn claim(&self, claim: DeliveryClaim<'_>) -> Result<Vec<DueDelivery>, OutboxUnavailable> {
        let busy: Vec<Uuid> = claim.busy.iter().map(|endpoint| endpoint.0).collect();
        let rows: Vec<Claimed> = sqlx::query_as(
            "WITH due AS (
                 SELECT delivery_id, endpoint_id,
                        row_number() OVER (PARTITION BY endpoint_id ORDER BY next_attempt_at, delivery_id) AS turn
                 FROM (SELECT delivery_id, endpoint_id, next_attempt_at FROM read_side.webhook_deliveries
                       WHERE status = 'pending' AND next_attempt_at <= $1 AND endpoint_id <> ALL($2)
                       ORDER BY next_attempt_at LIMIT $5 * $6) AS looked_at),
             chosen AS (
                 SELECT d.delivery_id FROM read_side.webhook_deliveries d JOIN due ON due.delivery_id = d.delivery_id
                 LEFT JOIN read_side.webhook_health h ON h.endpoint_id = d.endpoint_id
                 WHERE due.turn <= CASE WHEN h.failing_since IS NULL THEN $4 ELSE 1 END
                   AND d.status = 'pending' AND d.next_attempt_at <= $1
                 ORDER BY due.turn, d.next_attempt_at LIMIT $5 FOR UPDATE OF d SKIP LOCKED)
             UPDATE read_side.webhook_deliveries d SET next_attempt_at = $3
             FROM chosen, read_side.webhook_endpoints e
             WHERE d.delivery_id = chosen.delivery_id AND e.endpoint_id = d.endpoint_id AND e.status = 'active'
             RETURNING d.delivery_id, d.event_id, d.endpoint_id, d.account_id, d.attempts, e.settings, e.secret,
                       CASE WHEN e.previous_until > $1 THEN e.previous END AS previous",
        )
        .bind(claim.now)
        .bind(busy)
        .bind(claim.lease_until)
        .bind(i64::from(claim.per_endpoint_max))
        .bind(i64::from(claim.limit))
        .bind(LOOKED_AT_PER_CLAIM)
        .fetch_all(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        Ok(rows.into_iter().map(DueDelivery::from).collect())
    }

    async fn events(&self, ids: &[WebhookEventId]) -> Result<Vec<KeptEvent>, OutboxUnavailable> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<EventView> = sqlx::query_as(
            "SELECT event_id, account_id, topic, subject, subject_id, detail, position, recorded_at, body
             FROM read_side.webhook_events WHERE event_id = ANY($1)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        rows.into_iter().map(EventView::shown).collect::<Result<_, _>>().map_err(|error| unavailable(&error))
    }

    async fn keep_body(&self, event: WebhookEventId, sealed: &[u8]) -> Result<Option<Vec<u8>>, OutboxUnavailable> {
        // Two processes may make it at once: what was written first is what both send.
        sqlx::query_scalar(
            "UPDATE read_side.webhook_events SET body = coalesce(body, $2) WHERE event_id = $1 RETURNING body",
        )
        .bind(event.0)
        .bind(sealed)
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| unavailable(&error))
    }

    async fn settle(&self, attempts: &[Attempted]) -> Result<Vec<FailingEndpoint>, OutboxUnavailable> {
        if attempts.is_empty() {
            return Ok(Vec::new());
        }
        self.settled(attempts).await.map_err(|error| unavailable(&error))
    }

    async fn postpone(&self, deliveries: &[DeliveryId], at: Timestamp) -> Result<(), OutboxUnavailable> {
        let ids: Vec<Uuid> = deliveries.iter().map(|id| id.0).collect();
        sqlx::query(
            "UPDATE read_side.webhook_deliveries SET next_attempt_at = $2
             WHERE delivery_id = ANY($1) AND status = 'pending'",
        )
        .bind(ids)
        .bind(at)
        .execute(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, OutboxUnavailable> {
        let deliveries = sqlx::query(
            "DELETE FROM read_side.webhook_deliveries WHERE delivery_id IN
                 (SELECT delivery_id FROM read_side.webhook_deliveries
                  WHERE status <> 'pending' AND updated_at < $1 ORDER BY updated_at LIMIT $2)",
        )
        .bind(before)
        .bind(i64::from(limit))
        .execute(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        let events = sqlx::query(
            "DELETE FROM read_side.webhook_events WHERE event_id IN
                 (SELECT e.event_id FROM read_side.webhook_events e WHERE e.recorded_at < $1
                    AND NOT EXISTS (SELECT FROM read_side.webhook_deliveries d WHERE d.event_id = e.event_id)
                  ORDER BY e.recorded_at LIMIT $2)",
        )
        .bind(before)
        .bind(i64::from(limit))
        .execute(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        Ok(deliveries.rows_affected() + events.rows_affected())
    }
}

impl ReadModels {
    async fn settled(&self, attempts: &[Attempted]) -> sqlx::Result<Vec<FailingEndpoint>> {
        let mut transaction = self.pool.begin().await?;
        // A success counts even where the endpoint was disabled meanwhile.
        sqlx::query(
            "UPDATE read_side.webhook_deliveries d
             SET attempts = d.attempts + 1, updated_at = n.at, last_attempt_at = n.at,
                 status = CASE WHEN n.succeeded THEN 'success' WHEN n.next_at IS NULL THEN 'failed' ELSE 'pending' END,
                 next_attempt_at = n.next_at, delivered_at = CASE WHEN n.succeeded THEN n.at END,
                 response_status = n.response_status, response_body = n.response_body, last_error = n.error,
                 request_headers = n.headers
             FROM unnest($1::uuid[], $2::timestamptz[], $3::boolean[], $4::int[], $5::text[], $6::text[], $7::text[],
                         $8::timestamptz[])
                  AS n (id, at, succeeded, response_status, response_body, error, headers, next_at)
             WHERE d.delivery_id = n.id AND (d.status = 'pending' OR n.succeeded)",
        )
        .bind(attempts.iter().map(|one| one.delivery.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.at).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.succeeded).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.response_status.map(i32::from)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.response_body.clone()).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.error.clone()).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.headers.clone()).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.next_at).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
        // In one order everywhere, so that two processes do not wait for each other.
        let failing: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "WITH said AS (
                 SELECT endpoint_id, max(at) AS at, bool_or(succeeded) AS succeeded, min(at) AS first
                 FROM unnest($1::uuid[], $2::timestamptz[], $3::boolean[]) AS n (endpoint_id, at, succeeded)
                 GROUP BY endpoint_id ORDER BY endpoint_id),
             written AS (
                 INSERT INTO read_side.webhook_health AS h (endpoint_id, last_delivery_at, failing_since)
                 SELECT endpoint_id, at, CASE WHEN succeeded THEN NULL ELSE first END FROM said
                 ON CONFLICT (endpoint_id) DO UPDATE SET
                     last_delivery_at = greatest(h.last_delivery_at, EXCLUDED.last_delivery_at),
                     failing_since = CASE WHEN EXCLUDED.failing_since IS NULL THEN NULL
                                          ELSE coalesce(h.failing_since, EXCLUDED.failing_since) END
                 RETURNING endpoint_id, failing_since)
             SELECT endpoint_id, failing_since FROM written WHERE failing_since IS NOT NULL",
        )
        .bind(attempts.iter().map(|one| one.endpoint.0).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.at).collect::<Vec<_>>())
        .bind(attempts.iter().map(|one| one.succeeded).collect::<Vec<_>>())
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let failing = failing.into_iter();
        Ok(failing
            .map(|(endpoint, failing_since)| FailingEndpoint { endpoint: WebhookEndpointId(endpoint), failing_since })
            .collect())
    }
}
