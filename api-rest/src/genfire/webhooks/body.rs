//! The bodies that endpoints are sent: the event, and the resource that it is about as `GET` shows it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use mintmark_domain::account::AccountError;
use mintmark_domain::ids::{AccountId, BatchId, RunId, WebhookEndpointId};
use mintmark_domain::ports::{BodyError, OutboxEvent, VaultError, WebhookBodies, WebhookSubject};
use mintmark_domain::usecases::{Core, ErrorClass, Refusal};
use mintmark_domain::webhook::Topic;
use mintmark_projections::{ProjectionName, ReadModels, Waited};
use serde::Serialize;

use super::super::batches::BatchResource;
use super::super::run::RunResource;
use super::super::submit::lasting_resource;
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
    addresses_last: TimeDelta,
}

impl EventBodies {
    /// Over the use cases and the read models. A body is made once and sent for a long time: the addresses of
    /// files in it are good for `addresses_last`.
    #[must_use]
    pub fn new(core: Core, reads: ReadModels, addresses_last: TimeDelta) -> Self {
        EventBodies { core, reads, addresses_last }
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
        let shown = lasting_resource(&self.core, &view, self.addresses_last).map_err(|problem| failed(&problem))?;
        Ok(Data::Run(Box::new(shown)))
    }

    async fn batch(&self, event: &OutboxEvent, batch: BatchId) -> Result<Data, BodyError> {
        let waited = self.reads.wait_for(ProjectionName::Generation, batch.shard(), event.position, SHOWN_WITHIN).await;
        if waited != Waited::Reached {
            return Err(BodyError::NotNow(format!("the batch's read model: {waited:?}")));
        }
        let row = self.reads.batch(batch).await.map_err(|error| BodyError::NotNow(error.to_string()))?;
        Ok(Data::Batch(Box::new((&row.ok_or(BodyError::Gone)?).into())))
    }

    async fn endpoint(&self, account: AccountId, endpoint: WebhookEndpointId) -> Result<Data, BodyError> {
        let view = self.core.webhook_of(account, endpoint).await.map_err(|refusal| refused(&refusal))?;
        let health = self.reads.webhook_health(&[endpoint]).await;
        let health = health.map_err(|error| BodyError::NotNow(error.to_string()))?;
        Ok(Data::Endpoint(Box::new(WebhookEndpointResource::of(&view, health.get(&endpoint)))))
    }
}

/// Gone for good is what is not there or was erased. Everything else may be otherwise later, a defect of ours
/// after the next release; who asks gives it up after a while.
fn refused(refusal: &Refusal) -> BodyError {
    match refusal {
        Refusal::Vault(VaultError::Erased) | Refusal::Account(AccountError::Erased) => return BodyError::Gone,
        _ => {}
    }
    match refusal.public().0 {
        ErrorClass::NotFound | ErrorClass::Gone => BodyError::Gone,
        ErrorClass::Overloaded
        | ErrorClass::Unauthenticated
        | ErrorClass::Forbidden
        | ErrorClass::Validation
        | ErrorClass::InsufficientCredits
        | ErrorClass::IdempotencyReused
        | ErrorClass::Conflict
        | ErrorClass::NotYet
        | ErrorClass::Internal => BodyError::NotNow(refusal.to_string()),
    }
}

/// The same of a resource that could not be made.
fn failed(problem: &Problem) -> BodyError {
    match problem.kind {
        Kind::NotFound | Kind::Gone => BodyError::Gone,
        _ => BodyError::NotNow(problem.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use mintmark_domain::es::DecideError;

    use super::*;

    #[test]
    fn only_what_is_not_there_is_gone_and_a_defect_of_ours_is_tried_again() {
        for gone in [Refusal::NotFound("run"), VaultError::Erased.into(), AccountError::Erased.into()] {
            assert_eq!(refused(&gone), BodyError::Gone, "{gone}");
        }
        let corrupt = VaultError::Corrupt("no key opens it".into());
        let defect = DecideError::Defect("two and two".into());
        for later in [corrupt.into(), defect.into(), VaultError::Unavailable("busy".into()).into()] {
            let later: Refusal = later;
            assert!(matches!(refused(&later), BodyError::NotNow(_)), "{later}");
        }
        assert!(matches!(failed(&Problem::internal("a view of nothing")), BodyError::NotNow(_)));
        assert_eq!(failed(&Problem::new(Kind::NotFound, "no run")), BodyError::Gone);
    }
}
