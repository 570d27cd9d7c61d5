//! The scope that a field needs.

use async_graphql::{Context, Guard};
use mintmark_domain::account::Scope;

use crate::state::ContextExt as _;

/// Refuses whoever's key lacks the scope.
pub(crate) struct Needs(pub Scope);

impl Guard for Needs {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let caller = ctx.caller()?;
        caller.require(self.0).map_err(|refusal| crate::error::GraphqlError::from(refusal).into())
    }
}
