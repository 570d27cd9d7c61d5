//! Claiming: which deliveries are sent next.
//!
//! A claim steps from endpoint to endpoint over the index of what waits, one probe each, and only then
//! takes the oldest deliveries of those at which something is due. Whatever waits at one endpoint is never
//! walked, so a backlog costs nobody else anything.

use chrono::{DateTime, Utc};
use mintmark_domain::ids::{AccountId, DeliveryId, SealedId, WebhookEndpointId, WebhookEventId};
use mintmark_domain::ports::{Claimed, DeliveryClaim, DueDelivery};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{FromRow, PgPool, Postgres};
use uuid::Uuid;

/// How many endpoints at which something waits one claim looks at; the next claim goes on behind them.
pub(super) const ENDPOINTS_LOOKED_AT_MAX: i32 = 1_024;

/// Parameters: after which endpoint to look ($1), at how many ($2), now ($3), endpoints to leave out ($4),
/// the most for an endpoint ($5), what is under way by account ($6, $7), the most for an account ($8), for
/// endpoints that fail ($9) and in all ($10), the lease's end ($11).
///
/// Turns make it fair: everybody's first delivery goes before anybody's second, what is under way for an
/// account counts as turns that it has had.
pub(super) const CLAIM: &str = "
    WITH RECURSIVE waiting (endpoint_id, next_attempt_at, looked_at) AS (
        (SELECT endpoint_id, next_attempt_at, 1 FROM read_side.webhook_deliveries
         WHERE status = 'pending' AND endpoint_id > $1 ORDER BY endpoint_id, next_attempt_at LIMIT 1)
        UNION ALL
        SELECT n.endpoint_id, n.next_attempt_at, w.looked_at + 1 FROM waiting w CROSS JOIN LATERAL
            (SELECT endpoint_id, next_attempt_at FROM read_side.webhook_deliveries
             WHERE status = 'pending' AND endpoint_id > w.endpoint_id
             ORDER BY endpoint_id, next_attempt_at LIMIT 1) AS n
        WHERE w.looked_at < $2),
    told AS (
        SELECT e.endpoint_id, e.account_id, h.failing_since IS NOT NULL AS failing
        FROM waiting w JOIN read_side.webhook_endpoints e ON e.endpoint_id = w.endpoint_id
        LEFT JOIN read_side.webhook_health h ON h.endpoint_id = w.endpoint_id
        WHERE w.next_attempt_at <= $3 AND e.status = 'active' AND NOT e.endpoint_id = ANY($4)),
    due AS (
        SELECT d.delivery_id, d.next_attempt_at, d.turn, t.account_id, t.failing FROM told t CROSS JOIN LATERAL
            (SELECT delivery_id, next_attempt_at, row_number() OVER (ORDER BY next_attempt_at, delivery_id) AS turn
             FROM (SELECT delivery_id, next_attempt_at FROM read_side.webhook_deliveries
                   WHERE status = 'pending' AND endpoint_id = t.endpoint_id AND next_attempt_at <= $3
                   ORDER BY next_attempt_at LIMIT $5) AS oldest) AS d
        WHERE d.turn = 1 OR NOT t.failing),
    ranked AS (
        SELECT due.delivery_id, due.failing,
               row_number() OVER (PARTITION BY due.account_id ORDER BY due.turn, due.next_attempt_at, due.delivery_id)
                   + coalesce(u.under_way, 0) AS of_account,
               row_number() OVER (PARTITION BY due.failing ORDER BY due.next_attempt_at, due.delivery_id) AS of_failing
        FROM due LEFT JOIN unnest($6::uuid[], $7::bigint[]) AS u (account_id, under_way)
            ON u.account_id = due.account_id),
    chosen AS (
        SELECT d.delivery_id, r.failing FROM ranked r
        JOIN read_side.webhook_deliveries d ON d.delivery_id = r.delivery_id
        WHERE r.of_account <= $8 AND (r.of_failing <= $9 OR NOT r.failing)
          AND d.status = 'pending' AND d.next_attempt_at <= $3
        ORDER BY r.of_account, d.next_attempt_at LIMIT $10 FOR UPDATE OF d SKIP LOCKED),
    claimed AS (
        UPDATE read_side.webhook_deliveries d SET next_attempt_at = $11
        FROM chosen, read_side.webhook_endpoints e
        WHERE d.delivery_id = chosen.delivery_id AND e.endpoint_id = d.endpoint_id AND e.status = 'active'
        RETURNING d.delivery_id, d.event_id, d.endpoint_id, d.account_id, d.attempts, e.settings, e.secret,
                  CASE WHEN e.previous_until > $3 THEN e.previous END AS previous, chosen.failing, d.postponed_since)
    SELECT (SELECT endpoint_id FROM waiting WHERE looked_at = $2) AS looked_to, claimed.*
    FROM (SELECT) AS once LEFT JOIN claimed ON true";

/// What was claimed; of a claim that found nothing one row without a delivery.
#[derive(sqlx::FromRow)]
struct Row {
    looked_to: Option<Uuid>,
    delivery_id: Option<Uuid>,
    event_id: Option<Uuid>,
    endpoint_id: Option<Uuid>,
    account_id: Option<Uuid>,
    attempts: Option<i32>,
    settings: Option<Uuid>,
    secret: Option<Uuid>,
    previous: Option<Uuid>,
    failing: Option<bool>,
    postponed_since: Option<DateTime<Utc>>,
}

impl Row {
    fn due(&self) -> Option<DueDelivery> {
        Some(DueDelivery {
            id: DeliveryId(self.delivery_id?),
            event: WebhookEventId(self.event_id?),
            endpoint: WebhookEndpointId(self.endpoint_id?),
            account: AccountId(self.account_id?),
            attempt: self.attempts?.unsigned_abs() + 1,
            settings: SealedId(self.settings?),
            secret: SealedId(self.secret?),
            previous: self.previous.map(SealedId),
            failing: self.failing?,
            postponed_since: self.postponed_since,
        })
    }
}

/// The statement with its parameters.
fn bound<'q>(sql: &'q str, claim: &DeliveryClaim<'_>) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql)
        .bind(claim.after.map_or_else(Uuid::nil, |endpoint| endpoint.0))
        .bind(ENDPOINTS_LOOKED_AT_MAX)
        .bind(claim.now)
        .bind(claim.busy.iter().map(|endpoint| endpoint.0).collect::<Vec<_>>())
        .bind(i64::from(claim.per_endpoint_max))
        .bind(claim.under_way.iter().map(|(account, _)| account.0).collect::<Vec<_>>())
        .bind(claim.under_way.iter().map(|(_, count)| i64::from(*count)).collect::<Vec<_>>())
        .bind(i64::from(claim.per_account_max))
        .bind(i64::from(claim.failing_max))
        .bind(i64::from(claim.limit))
        .bind(claim.lease_until)
}

/// Claims what is due.
pub(super) async fn claim(pool: &PgPool, claim: DeliveryClaim<'_>) -> sqlx::Result<Claimed> {
    let rows = bound(CLAIM, &claim).fetch_all(pool).await?;
    let rows: Vec<Row> = rows.iter().map(Row::from_row).collect::<Result<_, _>>()?;
    let looked_to = rows.first().and_then(|row| row.looked_to).map(WebhookEndpointId);
    Ok(Claimed { due: rows.iter().filter_map(Row::due).collect(), looked_to })
}

/// How many pages a claim reads, and its plan; nothing is claimed.
#[cfg(test)]
pub(crate) async fn explained(pool: &PgPool, claim: DeliveryClaim<'_>) -> (u64, String) {
    use sqlx::Row as _;
    let mut transaction = pool.begin().await.unwrap();
    let sql = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {CLAIM}");
    let row = bound(&sql, &claim).fetch_one(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    let plan: serde_json::Value = row.get(0);
    let pages = |name: &str| plan[0]["Plan"][name].as_u64().unwrap();
    (pages("Shared Hit Blocks") + pages("Shared Read Blocks"), plan.to_string())
}
