//! What every resolver can reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::Context;
use mintmark_domain::Shard;
use mintmark_domain::es::{End, EventLog};
use mintmark_domain::usecases::{Caller, Core, Refusal};
use mintmark_projections::ReadModels;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::error::{GraphqlError, Result};
use crate::server::LIMITS;

/// What the schema stands on.
#[derive(Clone)]
pub struct GraphqlState {
    /// The use cases.
    pub core: Core,
    /// The read models.
    pub reads: ReadModels,
    /// The log, for subscriptions.
    pub log: Arc<dyn EventLog>,
    /// The confirmed end of each shard that this process writes: wakes subscriptions.
    pub ends: BTreeMap<Shard, watch::Receiver<End>>,
}

/// Who asks, if they said so.
#[derive(Clone, Debug)]
pub(crate) struct Asking(pub std::result::Result<Option<Caller>, Refusal>);

/// The turns of one request: so many of its fields read at once, and the connections of the database are left to
/// others.
pub(crate) struct Turns(Semaphore);

impl Turns {
    pub fn new() -> Self {
        Turns(Semaphore::new(LIMITS.reads))
    }
}

/// Shortcuts of resolvers.
pub(crate) trait ContextExt {
    fn state(&self) -> &GraphqlState;
    fn core(&self) -> &Core;
    fn reads(&self) -> &ReadModels;
    /// Who asks. Errors: nobody said, or not with a key that is known.
    fn caller(&self) -> Result<&Caller>;
    /// Who asks, if they said so. Errors: they did, and not with a key that is known.
    fn anyone(&self) -> Result<Option<&Caller>>;
    /// Waits for this field's turn to ask the log or the read models. It is given back before the field's children
    /// begin; a field that took a second one meanwhile could wait for ever.
    fn turn(&self) -> impl Future<Output = Option<SemaphorePermit<'_>>> + Send;
}

impl ContextExt for Context<'_> {
    fn state(&self) -> &GraphqlState {
        self.data_unchecked::<GraphqlState>()
    }

    fn core(&self) -> &Core {
        &self.state().core
    }

    fn reads(&self) -> &ReadModels {
        &self.state().reads
    }

    fn caller(&self) -> Result<&Caller> {
        self.anyone()?.ok_or_else(|| GraphqlError::from(Refusal::Unauthenticated))
    }

    fn anyone(&self) -> Result<Option<&Caller>> {
        match self.data_opt::<Asking>() {
            Some(Asking(Ok(caller))) => Ok(caller.as_ref()),
            Some(Asking(Err(refusal))) => Err(refusal.clone().into()),
            None => Ok(None),
        }
    }

    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // There is always one: nobody closes it.
        self.data_unchecked::<Turns>().0.acquire().await.ok()
    }
}
