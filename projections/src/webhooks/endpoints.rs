//! The endpoints as the log has them up to the follower's checkpoint.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use mintmark_domain::Shard;
use mintmark_domain::ids::{AccountId, WebhookEndpointId};
use mintmark_domain::webhook::{CreatedWebhook, Topic, WebhookEvent};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::positions::shard_column;

/// An endpoint's row.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Endpoint {
    pub endpoint_id: Uuid,
    pub account_id: Uuid,
    pub wallet_id: Uuid,
    topics: Vec<String>,
    status: String,
    settings: Uuid,
    secret: Uuid,
    previous: Option<Uuid>,
    previous_until: Option<DateTime<Utc>>,
}

/// It is told.
const ACTIVE: &str = "active";
/// It is told nothing.
const DISABLED: &str = "disabled";
/// It is gone.
const DELETED: &str = "deleted";

impl Endpoint {
    /// Whether it is told about `topic`.
    pub fn wants(&self, topic: Topic) -> bool {
        self.status == ACTIVE && self.topics.iter().any(|known| known == topic.as_str())
    }
}

/// Endpoints that a batch of events is about.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    rows: BTreeMap<Uuid, Endpoint>,
    changed: HashSet<Uuid>,
    /// Those that were enabled or disabled: how they answered before counts no more.
    anew: HashSet<Uuid>,
}

/// Whose endpoints are needed.
#[derive(Debug, Default)]
pub(super) struct Needed {
    pub accounts: HashSet<Uuid>,
    pub wallets: HashSet<Uuid>,
    pub endpoints: HashSet<Uuid>,
}

impl Endpoints {
    /// Whether anybody in `shard` is told anything.
    pub async fn any_active(connection: &mut PgConnection, shard: Shard) -> sqlx::Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM read_side.webhook_endpoints WHERE shard = $1 AND status = 'active')",
        )
        .bind(shard_column(shard))
        .fetch_one(connection)
        .await
    }

    /// Loads those that are needed; of an endpoint its account's others too. Deleted ones are left out: nothing
    /// happens to them any more.
    pub async fn load(connection: &mut PgConnection, needed: Needed) -> sqlx::Result<Self> {
        let list = |ids: HashSet<Uuid>| ids.into_iter().collect::<Vec<Uuid>>();
        let rows: Vec<Endpoint> = sqlx::query_as(
            "SELECT endpoint_id, account_id, wallet_id, topics, status, settings, secret, previous, previous_until
             FROM read_side.webhook_endpoints WHERE account_id = ANY($1) AND status <> 'deleted'
             UNION SELECT endpoint_id, account_id, wallet_id, topics, status, settings, secret, previous, previous_until
             FROM read_side.webhook_endpoints WHERE wallet_id = ANY($2) AND status <> 'deleted'
             UNION SELECT endpoint_id, account_id, wallet_id, topics, status, settings, secret, previous, previous_until
             FROM read_side.webhook_endpoints WHERE status <> 'deleted'
               AND account_id IN (SELECT account_id FROM read_side.webhook_endpoints WHERE endpoint_id = ANY($3))",
        )
        .bind(list(needed.accounts))
        .bind(list(needed.wallets))
        .bind(list(needed.endpoints))
        .fetch_all(connection)
        .await?;
        let rows = rows.into_iter().map(|row| (row.endpoint_id, row)).collect();
        Ok(Endpoints { rows, ..Endpoints::default() })
    }

    /// Those of an account.
    pub fn of_account(&self, account: Uuid) -> impl Iterator<Item = &Endpoint> {
        self.rows.values().filter(move |row| row.account_id == account)
    }

    /// Those of the account with that wallet.
    pub fn of_wallet(&self, wallet: Uuid) -> impl Iterator<Item = &Endpoint> {
        self.rows.values().filter(move |row| row.wallet_id == wallet)
    }

    /// The account of an endpoint.
    pub fn account_of(&self, endpoint: Uuid) -> Option<Uuid> {
        self.rows.get(&endpoint).map(|row| row.account_id)
    }

    /// Folds a fact in.
    pub fn apply(&mut self, endpoint: Uuid, fact: &WebhookEvent) {
        if let WebhookEvent::Created(created) = fact {
            let row = Endpoint {
                endpoint_id: endpoint,
                account_id: created.account.0,
                wallet_id: AccountId::wallet(created.account).0,
                topics: names(&told(created)),
                status: ACTIVE.to_owned(),
                settings: created.settings.0,
                secret: created.secret.0,
                previous: None,
                previous_until: None,
            };
            self.rows.insert(endpoint, row);
        }
        let Some(row) = self.rows.get_mut(&endpoint) else { return };
        match fact {
            WebhookEvent::Created(_) | WebhookEvent::FailingWarned { .. } => {}
            WebhookEvent::Changed { settings, topics, .. } => {
                row.settings = settings.map_or(row.settings, |settings| settings.0);
                if let Some(topics) = topics {
                    row.topics = names(topics);
                }
            }
            WebhookEvent::SecretRotated { secret, previous_until, .. } => {
                row.previous = Some(row.secret);
                row.previous_until = Some(*previous_until);
                row.secret = secret.0;
            }
            WebhookEvent::Disabled { .. } => row.status = DISABLED.to_owned(),
            WebhookEvent::Enabled { .. } => row.status = ACTIVE.to_owned(),
            WebhookEvent::Deleted { .. } => row.status = DELETED.to_owned(),
        }
        if let WebhookEvent::Disabled { .. } | WebhookEvent::Enabled { .. } = fact {
            self.anew.insert(endpoint);
        }
        self.changed.insert(endpoint);
    }

    /// Writes what changed. Deliveries that wait for an endpoint that is told nothing any more are given up.
    pub async fn save(self, connection: &mut PgConnection, shard: Shard) -> sqlx::Result<()> {
        for row in self.rows.values().filter(|row| self.changed.contains(&row.endpoint_id)) {
            sqlx::query(
                "INSERT INTO read_side.webhook_endpoints
                     (endpoint_id, shard, account_id, wallet_id, topics, status, settings, secret, previous, previous_until)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 ON CONFLICT (endpoint_id) DO UPDATE SET topics = $5, status = $6, settings = $7, secret = $8,
                     previous = $9, previous_until = $10",
            )
            .bind(row.endpoint_id)
            .bind(shard_column(shard))
            .bind(row.account_id)
            .bind(row.wallet_id)
            .bind(&row.topics)
            .bind(&row.status)
            .bind(row.settings)
            .bind(row.secret)
            .bind(row.previous)
            .bind(row.previous_until)
            .execute(&mut *connection)
            .await?;
            self.forget_health(connection, row).await?;
            if row.status == ACTIVE {
                continue;
            }
            sqlx::query(
                "UPDATE read_side.webhook_deliveries
                 SET status = 'failed', next_attempt_at = NULL, last_error = 'the endpoint is ' || $2, updated_at = now()
                 WHERE endpoint_id = $1 AND status = 'pending'",
            )
            .bind(row.endpoint_id)
            .bind(&row.status)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// One that starts anew is not held to what it failed before. An attempt that was under way when it was
    /// disabled may have ended since: that is why enabling forgets, too.
    async fn forget_health(&self, connection: &mut PgConnection, row: &Endpoint) -> sqlx::Result<()> {
        let sql = if row.status == DELETED {
            "DELETE FROM read_side.webhook_health WHERE endpoint_id = $1"
        } else if self.anew.contains(&row.endpoint_id) {
            "UPDATE read_side.webhook_health SET failing_since = NULL WHERE endpoint_id = $1"
        } else {
            return Ok(());
        };
        sqlx::query(sql).bind(row.endpoint_id).execute(connection).await.map(drop)
    }
}

/// What an endpoint is told about from the start. Where nobody chose, failing endpoints are told, too.
fn told(created: &CreatedWebhook) -> Vec<Topic> {
    let unasked = created.topics_unchosen.then_some(Topic::WebhookFailing);
    created.topics.iter().copied().chain(unasked).collect()
}

fn names(topics: &[Topic]) -> Vec<String> {
    topics.iter().map(|topic| topic.as_str().to_owned()).collect()
}

/// Forgets all that was told, and is to be told, of an erased person.
pub(super) async fn erase(connection: &mut PgConnection, account: Uuid) -> sqlx::Result<()> {
    for sql in [
        "DELETE FROM read_side.webhook_deliveries WHERE account_id = $1",
        "DELETE FROM read_side.webhook_events WHERE account_id = $1",
        "DELETE FROM read_side.webhook_health WHERE endpoint_id IN
             (SELECT endpoint_id FROM read_side.webhook_endpoints WHERE account_id = $1)",
        "DELETE FROM read_side.webhook_endpoints WHERE account_id = $1",
    ] {
        sqlx::query(sql).bind(account).execute(&mut *connection).await?;
    }
    Ok(())
}

/// An endpoint's id, for derived ids.
pub(super) fn endpoint_id(id: Uuid) -> WebhookEndpointId {
    WebhookEndpointId(id)
}
