//! From the log to the outbox: what endpoints are to be told.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mintmark_domain::account::AccountEvent;
use mintmark_domain::es::{EventLog, StreamId};
use mintmark_domain::ids::{DeliveryId, WebhookEventId};
use mintmark_domain::webhook::{Topic, WebhookEvent};
use mintmark_domain::{Credits, Shard};
use sqlx::PgConnection;
use uuid::Uuid;

use super::endpoints::{Endpoints, Needed, endpoint_id, erase};
use super::happenings::{Happening, happening, owner_said, topics};
use crate::error::ApplyError;
use crate::fact::{Event, Fact, Kind};
use crate::positions::{position_column, shard_column};
use crate::projection::{Definition, Projection, ProjectionName};

/// Follows the log for webhooks.
#[derive(Clone)]
pub struct WebhookFollower {
    log: Arc<dyn EventLog>,
    credits_low: Credits,
}

impl WebhookFollower {
    /// Follows `log`, in which it also looks up whose a run or batch is. `credits_low` is the threshold
    /// below which an account is told that its credits are low.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, credits_low: Credits) -> Self {
        WebhookFollower { log, credits_low }
    }
}

impl std::fmt::Debug for WebhookFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookFollower")
    }
}

#[async_trait]
impl Projection for WebhookFollower {
    fn name(&self) -> ProjectionName {
        ProjectionName::Webhooks
    }

    /// Without a version: only the checkpoint lies there. A new version would begin at the log's start
    /// and tell everything again.
    fn definition(&self) -> Definition {
        Definition { schema: "webhook_follower", ddl: "", tables: &[] }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::Account | Kind::Wallet | Kind::Run | Kind::Batch | Kind::Webhook => true,
            Kind::Creation | Kind::People => false,
        }
    }

    async fn apply(&self, connection: &mut PgConnection, shard: Shard, events: &[&Event]) -> Result<(), ApplyError> {
        // Erasure takes its turn in the log's order: what comes after it is about nobody.
        for stretch in events.split_inclusive(|event| is_erasure(&event.fact)) {
            self.apply_stretch(connection, shard, stretch).await?;
            for event in stretch.iter().rev().take(1).filter(|event| is_erasure(&event.fact)) {
                erase(connection, event.recorded.stream.id).await?;
            }
        }
        Ok(())
    }
}

fn is_erasure(fact: &Fact) -> bool {
    matches!(fact, Fact::Account(AccountEvent::Erased { .. }))
}

impl WebhookFollower {
    async fn apply_stretch(
        &self,
        connection: &mut PgConnection,
        shard: Shard,
        events: &[&Event],
    ) -> Result<(), ApplyError> {
        let happened: Vec<(&Event, Option<Happening>)> = events
            .iter()
            .map(|event| (*event, happening(event, self.credits_low)))
            .filter(|(event, happening)| happening.is_some() || matches!(event.fact, Fact::Webhook(_)))
            .collect();
        let about_endpoints = happened.iter().any(|(event, _)| matches!(event.fact, Fact::Webhook(_)));
        if happened.is_empty() || (!about_endpoints && !Endpoints::any_active(connection, shard).await?) {
            return Ok(());
        }
        let owners = self.owners(events, &happened).await?;
        let mut endpoints = Endpoints::load(connection, needed(&happened, &owners)).await?;
        let mut outbox = Outbox::default();
        for (event, happening) in &happened {
            if let Fact::Webhook(fact) = &event.fact {
                endpoints.apply(event.recorded.stream.id, fact);
            }
            if let Some(happening) = happening {
                outbox.tell(event, *happening, &endpoints, &owners, self.credits_low);
            }
        }
        outbox.save(connection, shard).await?;
        endpoints.save(connection, shard).await?;
        Ok(())
    }

    /// Whose the runs and batches are that ended: said by the events themselves, or by their streams'
    /// beginnings.
    async fn owners(
        &self,
        events: &[&Event],
        happened: &[(&Event, Option<Happening>)],
    ) -> Result<HashMap<Uuid, Uuid>, ApplyError> {
        let said = events.iter().filter_map(|event| owner_said(&event.recorded, &event.fact));
        let mut owners: HashMap<Uuid, Uuid> = said.collect();
        let missing: Vec<(StreamId, u64)> = happened
            .iter()
            .filter(|(_, happening)| matches!(happening, Some(Happening::Run(_) | Happening::Batch(_))))
            .map(|(event, _)| (event.recorded.stream, 0))
            .filter(|(stream, _)| !owners.contains_key(&stream.id))
            .collect();
        if !missing.is_empty() {
            for first in self.log.read_streams_page(&missing, 1).await? {
                let event = Event::decode(first);
                owners.extend(owner_said(&event.recorded, &event.fact));
            }
        }
        Ok(owners)
    }
}

/// Whose endpoints have to be known.
fn needed(happened: &[(&Event, Option<Happening>)], owners: &HashMap<Uuid, Uuid>) -> Needed {
    let mut needed = Needed::default();
    for (event, happening) in happened {
        let id = event.recorded.stream.id;
        match happening {
            Some(Happening::Run(_) | Happening::Batch(_)) => needed.accounts.extend(owners.get(&id)),
            Some(Happening::CreditsLow { .. }) => drop(needed.wallets.insert(id)),
            Some(Happening::Failing { .. }) | None => {}
        }
        if let Fact::Webhook(fact) = &event.fact {
            needed.endpoints.insert(id);
            if let WebhookEvent::Created(created) = fact {
                needed.accounts.insert(created.account.0);
            }
        }
    }
    needed
}

/// What is to be told, as columns.
#[derive(Debug, Default)]
struct Outbox {
    events: Vec<EventRow>,
    deliveries: Vec<DeliveryRow>,
}

#[derive(Debug)]
struct EventRow {
    id: Uuid,
    account: Uuid,
    topic: &'static str,
    subject: &'static str,
    subject_id: Uuid,
    detail: Option<String>,
    position: i64,
    at: DateTime<Utc>,
}

#[derive(Debug)]
struct DeliveryRow {
    id: Uuid,
    event: Uuid,
    endpoint: Uuid,
    account: Uuid,
    topic: &'static str,
    run: Option<Uuid>,
    batch: Option<Uuid>,
    at: DateTime<Utc>,
}

impl Outbox {
    /// Tells whoever listens.
    fn tell(
        &mut self,
        event: &Event,
        happening: Happening,
        endpoints: &Endpoints,
        owners: &HashMap<Uuid, Uuid>,
        threshold: Credits,
    ) {
        let id = event.recorded.stream.id;
        let listeners: Vec<_> = match happening {
            Happening::Run(_) | Happening::Batch(_) => {
                owners.get(&id).into_iter().flat_map(|account| endpoints.of_account(*account)).collect()
            }
            Happening::CreditsLow { .. } => endpoints.of_wallet(id).collect(),
            // The others: the one that fails would not hear it.
            Happening::Failing { .. } => {
                let account = endpoints.account_of(id);
                let all = account.into_iter().flat_map(|account| endpoints.of_account(account));
                all.filter(|other| other.endpoint_id != id).collect()
            }
        };
        for listener in listeners {
            let known_as = topics(happening).iter().copied().find(|topic| listener.wants(*topic));
            let Some(topic) = known_as else { continue };
            let of_event = self.event(event, happening, topic, listener.account_id, threshold);
            let (run, batch) = match happening {
                Happening::Run(_) => (Some(id), None),
                Happening::Batch(_) => (None, Some(id)),
                Happening::CreditsLow { .. } | Happening::Failing { .. } => (None, None),
            };
            self.deliveries.push(DeliveryRow {
                id: DeliveryId::of_event(of_event, endpoint_id(listener.endpoint_id)).0,
                event: of_event.0,
                endpoint: listener.endpoint_id,
                account: listener.account_id,
                topic: topic.as_str(),
                run,
                batch,
                at: event.recorded.recorded_at,
            });
        }
    }

    fn event(
        &mut self,
        event: &Event,
        happening: Happening,
        topic: Topic,
        account: Uuid,
        threshold: Credits,
    ) -> WebhookEventId {
        let recorded = &event.recorded;
        let id = match happening {
            // Holds and releases cross the threshold all the time: once a day is enough. The same id is the
            // same event, so nothing more has to be known of what was told.
            Happening::CreditsLow { .. } => {
                WebhookEventId::of_day(recorded.stream.id, recorded.recorded_at.date_naive(), topic.as_str())
            }
            Happening::Run(_) | Happening::Batch(_) | Happening::Failing { .. } => {
                WebhookEventId::of_fact(recorded.stream.id, recorded.sequence, topic.as_str())
            }
        };
        if self.events.last().is_some_and(|last| last.id == id.0) || self.events.iter().any(|row| row.id == id.0) {
            return id;
        }
        let (subject, detail) = match happening {
            Happening::Run(_) => ("run", None),
            Happening::Batch(_) => ("batch", None),
            Happening::CreditsLow { available } => ("credits", Some(format!("{available} {threshold}"))),
            Happening::Failing { since } => ("endpoint", Some(since.to_rfc3339())),
        };
        self.events.push(EventRow {
            id: id.0,
            account,
            topic: topic.as_str(),
            subject,
            subject_id: recorded.stream.id,
            detail,
            position: position_column(recorded.position),
            at: recorded.recorded_at,
        });
        id
    }

    async fn save(self, connection: &mut PgConnection, shard: Shard) -> sqlx::Result<()> {
        if self.deliveries.is_empty() {
            return Ok(());
        }
        let events = &self.events;
        sqlx::query(
            "INSERT INTO read_side.webhook_events
                 (event_id, shard, account_id, topic, subject, subject_id, detail, position, recorded_at)
             SELECT id, $1, account, topic, subject, subject_id, detail, position, at
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::bigint[],
                         $9::timestamptz[]) AS n (id, account, topic, subject, subject_id, detail, position, at)
             ON CONFLICT (event_id) DO NOTHING",
        )
        .bind(shard_column(shard))
        .bind(events.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.account).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.topic).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.subject).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.subject_id).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.detail.clone()).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.position).collect::<Vec<_>>())
        .bind(events.iter().map(|row| row.at).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
        let deliveries = &self.deliveries;
        sqlx::query(
            "INSERT INTO read_side.webhook_deliveries
                 (delivery_id, event_id, endpoint_id, account_id, topic, run_id, batch_id, status, attempts,
                  request_headers, created_at, updated_at, next_attempt_at)
             SELECT id, event, endpoint, account, topic, run, batch, 'pending', 0, '{}', at, at, at
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[],
                         $8::timestamptz[]) AS n (id, event, endpoint, account, topic, run, batch, at)
             ON CONFLICT (delivery_id) DO NOTHING",
        )
        .bind(deliveries.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.event).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.endpoint).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.account).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.topic).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.run).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.batch).collect::<Vec<_>>())
        .bind(deliveries.iter().map(|row| row.at).collect::<Vec<_>>())
        .execute(connection)
        .await?;
        Ok(())
    }
}
