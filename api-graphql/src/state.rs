//! What every resolver can reach.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::Context;
use mintmark_domain::Shard;
use mintmark_domain::es::{End, EventLog};
use mintmark_domain::usecases::{Caller, Core, Refusal};
use mintmark_projections::ReadModels;
use tokio::sync::watch;

use crate::error::{GraphqlError, Result};

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

/// Shortcuts of resolvers.
pub(crate) trait ContextExt {
    fn state(&self) -> &GraphqlState;
    fn core(&self) -> &Core;
    fn reads(&self) -> &ReadModels;
    /// Who asks. Errors: nobody said, or not with a key that is known.
    fn caller(&self) -> Result<&Caller>;
    /// Who asks, if they said so. Errors: they did, and not with a key that is known.
    fn anyone(&self) -> Result<Option<&Caller>>;
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
}
