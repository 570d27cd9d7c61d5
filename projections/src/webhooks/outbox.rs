//! The outbox that a sender works on.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, BatchId, RunId, WebhookEndpointId, WebhookEventId};
use mintmark_domain::ports::{
    Attempted, Claimed, DeliveryClaim, FailingEndpoint, FoundEvents, GivenUp, KeptEvent, OutboxEvent,
    OutboxUnavailable, Postponed, UnreadableEvent, WebhookOutbox, WebhookSubject,
};
use uuid::Uuid;

use super::claims;
use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::{named, unsigned};

/// What is forgotten of what was before $1, at most $2 rows of each: deliveries that ended, and events of which
/// no delivery is left.
const FORGET_OLD: [&str; 2] = [
    "DELETE FROM read_side.webhook_deliveries WHERE delivery_id IN
         (SELECT delivery_id FROM read_side.webhook_deliveries
          WHERE status <> 'pending' AND updated_at < $1 ORDER BY updated_at LIMIT $2)",
    "DELETE FROM read_side.webhook_events WHERE event_id IN
         (SELECT e.event_id FROM read_side.webhook_events e WHERE e.recorded_at < $1
            AND NOT EXISTS (SELECT FROM read_side.webhook_deliveries d WHERE d.event_id = e.event_id)
          ORDER BY e.recorded_at LIMIT $2)",
];
/// Deleted endpoints of which no delivery is left, at most $1.
const FORGET_DELETED: &str = "
    DELETE FROM read_side.webhook_endpoints WHERE endpoint_id IN
        (SELECT e.endpoint_id FROM read_side.webhook_endpoints e WHERE e.status = 'deleted'
           AND NOT EXISTS (SELECT FROM read_side.webhook_deliveries d WHERE d.endpoint_id = e.endpoint_id) LIMIT $1)";

fn unavailable(error: &dyn std::fmt::Display) -> OutboxUnavailable {
    OutboxUnavailable(error.to_string())
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
    async fn claim(&self, claim: DeliveryClaim<'_>) -> Result<Claimed, OutboxUnavailable> {
        claims::claim(&self.pool, claim).await.map_err(|error| unavailable(&error))
    }

    async fn events(&self, ids: &[WebhookEventId]) -> Result<FoundEvents, OutboxUnavailable> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<EventView> = sqlx::query_as(
            "SELECT event_id, account_id, topic, subject, subject_id, detail, position, recorded_at, body
             FROM read_side.webhook_events WHERE event_id = ANY($1)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        let mut found = FoundEvents::default();
        for row in rows {
            let id = WebhookEventId(row.event_id);
            match row.shown() {
                Ok(kept) => found.kept.push(kept),
                // One that cannot be read keeps nobody from the others.
                Err(error) => found.unreadable.push(UnreadableEvent { id, why: error.to_string() }),
            }
        }
        Ok(found)
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

    async fn postpone(&self, deliveries: &[Postponed]) -> Result<(), OutboxUnavailable> {
        sqlx::query(
            "UPDATE read_side.webhook_deliveries d SET next_attempt_at = n.until, postponed_since = n.since
             FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS n (id, until, since)
             WHERE d.delivery_id = n.id AND d.status = 'pending'",
        )
        .bind(deliveries.iter().map(|one| one.delivery.0).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|one| one.until).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|one| one.since).collect::<Vec<_>>())
        .execute(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    async fn give_up(&self, deliveries: &[GivenUp]) -> Result<(), OutboxUnavailable> {
        // No attempt was made: neither their number nor the time of the last one moves, nor the endpoint's health.
        sqlx::query(
            "UPDATE read_side.webhook_deliveries d
             SET status = 'failed', next_attempt_at = NULL, last_error = n.why, updated_at = n.at
             FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS n (id, at, why)
             WHERE d.delivery_id = n.id AND d.status = 'pending'",
        )
        .bind(deliveries.iter().map(|one| one.delivery.0).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|one| one.at).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|one| one.why).collect::<Vec<_>>())
        .execute(&self.pool)
        .await
        .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, OutboxUnavailable> {
        let limit = i64::from(limit);
        let mut forgotten = 0;
        for sql in FORGET_OLD {
            let done = sqlx::query(sql).bind(before).bind(limit).execute(&self.pool).await;
            forgotten += done.map_err(|error| unavailable(&error))?.rows_affected();
        }
        let done = sqlx::query(FORGET_DELETED).bind(limit).execute(&self.pool).await;
        Ok(forgotten + done.map_err(|error| unavailable(&error))?.rows_affected())
    }
}

impl ReadModels {
    async fn settled(&self, attempts: &[Attempted]) -> sqlx::Result<Vec<FailingEndpoint>> {
        let mut transaction = self.pool.begin().await?;
        // A success counts even where the endpoint was disabled meanwhile.
        sqlx::query(
            "UPDATE read_side.webhook_deliveries d
             SET attempts = d.attempts + 1, updated_at = n.at, last_attempt_at = n.at, postponed_since = NULL,
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
        // In one order everywhere, so that two processes do not wait for each other. An attempt that ends after
        // its endpoint was disabled says nothing of it: it starts anew when it is enabled.
        let failing: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "WITH said AS (
                 SELECT n.endpoint_id, max(n.at) AS at, bool_or(n.succeeded) AS succeeded, min(n.at) AS first
                 FROM unnest($1::uuid[], $2::timestamptz[], $3::boolean[]) AS n (endpoint_id, at, succeeded)
                 JOIN read_side.webhook_endpoints e ON e.endpoint_id = n.endpoint_id AND e.status = 'active'
                 GROUP BY n.endpoint_id ORDER BY n.endpoint_id),
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
