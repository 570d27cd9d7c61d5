//! The bodies that endpoints are sent: the event, and the resource that it is about as `GET` shows it.

use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::ids::{AccountId, BatchId, RunId, WebhookEndpointId};
use mintmark_domain::ports::{BodyError, OutboxEvent, WebhookBodies, WebhookSubject};
use mintmark_domain::usecases::{Core, ErrorClass, Refusal};
use mintmark_domain::webhook::Topic;
use mintmark_projections::{ProjectionName, QueryError, ReadModels, Waited};
use serde::Serialize;

use super::super::batches::BatchResource;
use super::super::run::RunResource;
use super::super::submit::resource;
use super::super::values::Moment;
use super::resource::WebhookEndpointResource;
use crate::http::{Amount, Kind, Problem};

/// How long a body waits for the read model that its batch is read from.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// Makes the bodies of webhooks in GenFire's words.
#[derive(Clone)]
pub struct EventBodies {
    core: Core,
    reads: ReadModels,
}

impl EventBodies {
    /// Over the use cases and the read models.
    #[must_use]
    pub fn new(core: Core, reads: ReadModels) -> Self {
        EventBodies { core, reads }
    }
}

/// What is sent.
#[derive(Debug, Serialize)]
struct EventBody {
    id: String,
    r#type: Topic,
    created_at: Moment,
    /// Where it stands in the account's log: of two events the later one has the greater.
    position: u64,
    data: Data,
}

/// What it is about.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data {
    Run(Box<RunResource>),
    Batch(Box<BatchResource>),
    Credits(CreditsLow),
    Endpoint(Box<WebhookEndpointResource>),
}

/// What can be spent, when it fell below the threshold.
#[derive(Debug, Serialize)]
struct CreditsLow {
    object: &'static str,
    account_id: String,
    balance: Amount,
    threshold: Amount,
    currency: &'static str,
}

#[async_trait]
impl WebhookBodies for EventBodies {
    async fn body(&self, event: &OutboxEvent) -> Result<Vec<u8>, BodyError> {
        let data = match &event.subject {
            WebhookSubject::Run(run) => self.run(event.account, *run).await?,
            WebhookSubject::Batch(batch) => self.batch(event, *batch).await?,
            WebhookSubject::Credits { available, threshold } => Data::Credits(CreditsLow {
                object: "credits",
                account_id: event.account.to_string(),
                balance: (*available).into(),
                threshold: (*threshold).into(),
                currency: "credits",
            }),
            WebhookSubject::Endpoint { endpoint, .. } => self.endpoint(event.account, *endpoint).await?,
        };
        let body = EventBody {
            id: event.id.to_string(),
            r#type: event.topic,
            created_at: Moment(event.at),
            position: event.position.0,
            data,
        };
        serde_json::to_vec(&body).map_err(|error| BodyError::NotNow(error.to_string()))
    }
}

impl EventBodies {
    async fn run(&self, account: AccountId, run: RunId) -> Result<Data, BodyError> {
        let view = self.core.run_view(account, run).await.map_err(|refusal| refused(&refusal))?;
        let shown = resource(&self.core, &view).map_err(|problem| failed(&problem))?;
        Ok(Data::Run(Box::new(shown)))
    }

    async fn batch(&self, event: &OutboxEvent, batch: BatchId) -> Result<Data, BodyError> {
        let waited = self.reads.wait_for(ProjectionName::Generation, batch.shard(), event.position, SHOWN_WITHIN).await;
        if waited != Waited::Reached {
            return Err(BodyError::NotNow(format!("the batch's read model: {waited:?}")));
        }
        let row = self.reads.batch(batch).await.map_err(|error| match error {
            QueryError::Database(_) | QueryError::Unreadable => BodyError::NotNow(error.to_string()),
            QueryError::Row { .. } => BodyError::Gone,
        })?;
        Ok(Data::Batch(Box::new((&row.ok_or(BodyError::Gone)?).into())))
    }

    async fn endpoint(&self, account: AccountId, endpoint: WebhookEndpointId) -> Result<Data, BodyError> {
        let view = self.core.webhook_of(account, endpoint).await.map_err(|refusal| refused(&refusal))?;
        let health = self.reads.webhook_health(&[endpoint]).await;
        let health = health.map_err(|error| BodyError::NotNow(error.to_string()))?;
        Ok(Data::Endpoint(Box::new(WebhookEndpointResource::of(&view, health.get(&endpoint)))))
    }
}

/// Only what may be otherwise later is tried again.
fn refused(refusal: &Refusal) -> BodyError {
    match refusal.public().0 {
        ErrorClass::Overloaded => BodyError::NotNow(refusal.to_string()),
        ErrorClass::Unauthenticated
        | ErrorClass::Forbidden
        | ErrorClass::NotFound
        | ErrorClass::Validation
        | ErrorClass::InsufficientCredits
        | ErrorClass::IdempotencyReused
        | ErrorClass::Conflict
        | ErrorClass::NotYet
        | ErrorClass::Gone
        | ErrorClass::Internal => BodyError::Gone,
    }
}

fn failed(problem: &Problem) -> BodyError {
    if problem.kind == Kind::Overloaded { BodyError::NotNow(problem.message.clone()) } else { BodyError::Gone }
}
