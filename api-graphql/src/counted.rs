//! Each mutation of a document counts as a request of its own: what is done serially by one request could as well
//! have come in by several.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value};

use crate::error::Result;
use crate::gate::Gate;
use crate::state::ContextExt as _;

/// Counts the mutations of one request.
pub(crate) struct Counter {
    gate: Arc<dyn Gate>,
    peer: IpAddr,
    /// Whether one has begun: that is the one for which the request itself was counted.
    begun: AtomicBool,
}

impl Counter {
    pub fn new(gate: Arc<dyn Gate>, peer: IpAddr) -> Self {
        Counter { gate, peer, begun: AtomicBool::new(false) }
    }
}

/// Takes a permit for a mutation. Errors: there is none.
async fn count(ctx: &Context<'_>) -> Result<()> {
    let counter = ctx.data_unchecked::<Counter>();
    if counter.begun.swap(true, Ordering::Relaxed) {
        counter.gate.count(ctx.anyone()?, counter.peer).await?;
    }
    Ok(())
}

/// The mutations of `T`, each counted before it is done.
pub(crate) struct Counted<T>(pub T);

impl<T: ObjectType> ContainerType for Counted<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let counted = count(ctx).await.map_err(async_graphql::Error::from);
        counted.map_err(|error| ctx.set_error_path(error.into_server_error(ctx.item.pos)))?;
        self.0.resolve_field(ctx).await
    }
}

impl<T: ObjectType> OutputType for Counted<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

impl<T: ObjectType> ObjectType for Counted<T> {}
