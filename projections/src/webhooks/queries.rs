//! Deliveries as their owner sees them, and their replay.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{AccountId, BatchId, DeliveryId, RunId, WebhookEndpointId, WebhookEventId};
use mintmark_domain::webhook::Topic;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::QueryError;
use crate::positions::{Place, Positions};
use crate::reads::{Order, Paging, ReadModels, Stretch};
use crate::sql::named;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is to be attempted, for the first time or again.
    Pending,
    /// It was answered with success.
    Success,
    /// Every attempt failed, the endpoint was disabled or deleted, or what it shows cannot be had.
    Failed,
}

/// The telling of an event to an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event, the same at every endpoint and replay.
    pub event: WebhookEventId,
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    /// What it tells.
    pub topic: Topic,
    /// The run that it is about.
    pub run: Option<RunId>,
    /// The batch that it is about.
    pub batch: Option<BatchId>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How many attempts were made.
    pub attempts: u32,
    /// The status that the last attempt was answered with.
    pub response_status: Option<u16>,
    /// The beginning of that answer's body.
    pub response_body: Option<String>,
    /// Why the last attempt did not succeed.
    pub last_error: Option<String>,
    /// The headers of the last attempt.
    pub request_headers: Map<String, Value>,
    /// When it was to be told first.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When the last attempt was made.
    pub last_attempt_at: Option<Timestamp>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was answered with success.
    pub delivered_at: Option<Timestamp>,
}

/// How an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// When it was last told something.
    pub last_delivery_at: Timestamp,
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Replay {
    /// It is a delivery of its own.
    Queued(Box<Delivery>),
    /// There is no such delivery of that account.
    NotFound,
    /// Its endpoint is told nothing: it is disabled or deleted.
    EndpointOff,
}

const COLUMNS: &str = "delivery_id, event_id, endpoint_id, topic, run_id, batch_id, status, attempts, response_status,
    response_body, last_error, request_headers, created_at, updated_at, last_attempt_at, next_attempt_at, delivered_at";

/// The table's name in errors.
const TABLE: &str = "webhook_deliveries";

#[derive(sqlx::FromRow)]
struct View {
    delivery_id: Uuid,
    event_id: Uuid,
    endpoint_id: Uuid,
    topic: String,
    run_id: Option<Uuid>,
    batch_id: Option<Uuid>,
    status: String,
    attempts: i32,
    response_status: Option<i32>,
    response_body: Option<String>,
    last_error: Option<String>,
    request_headers: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_attempt_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
}

impl View {
    fn shown(self) -> Result<Delivery, QueryError> {
        let bad = |why: String| QueryError::Row { table: TABLE, why };
        Ok(Delivery {
            id: DeliveryId(self.delivery_id),
            event: WebhookEventId(self.event_id),
            endpoint: WebhookEndpointId(self.endpoint_id),
            topic: named(TABLE, &self.topic)?,
            run: self.run_id.map(RunId),
            batch: self.batch_id.map(BatchId),
            status: named(TABLE, &self.status)?,
            attempts: self.attempts.unsigned_abs(),
            response_status: self.response_status.and_then(|status| u16::try_from(status).ok()),
            response_body: self.response_body,
            last_error: self.last_error,
            request_headers: serde_json::from_str(&self.request_headers).map_err(|error| bad(error.to_string()))?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            last_attempt_at: self.last_attempt_at,
            next_attempt_at: self.next_attempt_at,
            delivered_at: self.delivered_at,
        })
    }
}

impl ReadModels {
    /// A stretch of a walk through an account's deliveries, the newest first, of one endpoint or of all.
    pub async fn webhook_deliveries(
        &self,
        account: AccountId,
        endpoint: Option<WebhookEndpointId>,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Stretch<Delivery>, QueryError> {
        let limit = Paging::first(limit).limit();
        let beyond = Order::Newest.beyond(after, "(created_at, delivery_id)", "($3, $4)");
        let sql = format!(
            "SELECT {COLUMNS} FROM read_side.webhook_deliveries
             WHERE account_id = $1 AND ($2::uuid IS NULL OR endpoint_id = $2){beyond}
             ORDER BY created_at DESC, delivery_id DESC LIMIT $5"
        );
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(account.0)
            .bind(endpoint.map(|endpoint| endpoint.0))
            .bind(after.map(|place| place.at))
            .bind(after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&self.pool)
            .await?;
        let shown = rows.into_iter().map(|row| {
            let place = Place { at: row.created_at, id: row.delivery_id };
            row.shown().map(|delivery| (place, delivery))
        });
        Ok(Stretch::of(shown.collect::<Result<_, _>>()?, limit, Positions::default()))
    }

    /// Where a delivery of an account stands in its list; `None` if the account has no such delivery.
    pub async fn webhook_delivery_place(
        &self,
        account: AccountId,
        delivery: DeliveryId,
    ) -> Result<Option<Place>, QueryError> {
        let row: Option<(DateTime<Utc>,)> = sqlx::query_as(
            "SELECT created_at FROM read_side.webhook_deliveries WHERE delivery_id = $1 AND account_id = $2",
        )
        .bind(delivery.0)
        .bind(account.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(at,)| Place { at, id: delivery.0 }))
    }

    /// Tells the event of a delivery of `account`'s again, under the new id `as_new`: the same event id
    /// and bytes. The endpoint's row is held meanwhile: whoever disables it finds what was queued before, and
    /// gives it up.
    pub async fn replay_webhook_delivery(
        &self,
        account: AccountId,
        delivery: DeliveryId,
        as_new: DeliveryId,
        now: Timestamp,
    ) -> Result<Replay, QueryError> {
        let sql = format!(
            "INSERT INTO read_side.webhook_deliveries
                 (delivery_id, event_id, endpoint_id, account_id, topic, run_id, batch_id, status, attempts,
                  request_headers, created_at, updated_at, next_attempt_at)
             SELECT $3, d.event_id, d.endpoint_id, d.account_id, d.topic, d.run_id, d.batch_id, 'pending', 0,
                    d.request_headers, $4, $4, $4
             FROM read_side.webhook_deliveries d
             JOIN read_side.webhook_endpoints e ON e.endpoint_id = d.endpoint_id AND e.status = 'active'
             WHERE d.delivery_id = $1 AND d.account_id = $2 FOR SHARE OF e RETURNING {COLUMNS}"
        );
        let queued: Option<View> = sqlx::query_as(&sql)
            .bind(delivery.0)
            .bind(account.0)
            .bind(as_new.0)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        match queued {
            Some(row) => Ok(Replay::Queued(Box::new(row.shown()?))),
            None if self.webhook_delivery_place(account, delivery).await?.is_some() => Ok(Replay::EndpointOff),
            None => Ok(Replay::NotFound),
        }
    }

    /// How endpoints answer; those that were never told anything are left out.
    pub async fn webhook_health(
        &self,
        endpoints: &[WebhookEndpointId],
    ) -> Result<HashMap<WebhookEndpointId, EndpointHealth>, QueryError> {
        let ids: Vec<Uuid> = endpoints.iter().map(|endpoint| endpoint.0).collect();
        let rows: Vec<(Uuid, DateTime<Utc>, Option<DateTime<Utc>>)> = sqlx::query_as(
            "SELECT endpoint_id, last_delivery_at, failing_since FROM read_side.webhook_health
             WHERE endpoint_id = ANY($1)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        let health = rows.into_iter().map(|(endpoint, last_delivery_at, failing_since)| {
            (WebhookEndpointId(endpoint), EndpointHealth { last_delivery_at, failing_since })
        });
        Ok(health.collect())
    }
}
