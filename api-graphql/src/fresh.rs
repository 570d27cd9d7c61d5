//! Lists and counts are read from read models, which follow the log. Here they are waited for, so that who has just
//! written finds it, whichever process answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Context;
use mintmark_domain::Shard;
use mintmark_domain::es::Position;
use mintmark_domain::usecases::Caller;
use mintmark_projections::{ProjectionName, Waited};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::error::Result;
use crate::state::ContextExt as _;

/// How long what the log holds is waited for; after that lists are shown as they are.
const FRESH_WITHIN: Duration = Duration::from_secs(1);

/// Where a shard's log ended, and until when that is waited for.
#[derive(Clone, Copy)]
struct End {
    position: Position,
    until: Instant,
}

/// What one query has asked of the log: each shard once, however many lists lie there, all of which wait until the
/// same moment. (What a mutation or a subscription shows later must hold what was written since, so these ask each
/// time.)
#[derive(Default)]
pub(crate) struct Ends(Mutex<HashMap<Shard, Arc<OnceCell<End>>>>);

impl Ends {
    fn of(&self, shard: Shard) -> Arc<OnceCell<End>> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(ends.entry(shard).or_default())
    }
}

/// Waits, a moment at most, until projections hold what the log holds for the caller; for whoever asks without a key
/// it has nothing of theirs.
pub(crate) async fn fresh(ctx: &Context<'_>, projections: &[ProjectionName]) -> Result<()> {
    match ctx.anyone()? {
        Some(caller) => fresh_in(ctx, caller.account.shard(), projections).await,
        None => Ok(()),
    }
}

/// The same of what the caller has written into a shard, which may be another's.
pub(crate) async fn fresh_in(ctx: &Context<'_>, shard: Shard, projections: &[ProjectionName]) -> Result<()> {
    let Some(caller) = ctx.anyone()? else { return Ok(()) };
    let end = match ctx.data_opt::<Ends>() {
        Some(ends) => *ends.of(shard).get_or_try_init(|| end_of(ctx, shard, caller)).await?,
        None => end_of(ctx, shard, caller).await?,
    };
    for projection in projections {
        let left = end.until.saturating_duration_since(Instant::now());
        if ctx.reads().wait_for(*projection, shard, end.position, left).await != Waited::Reached {
            tracing::debug!(%projection, "a list is shown as far as it is");
        }
    }
    Ok(())
}

async fn end_of(ctx: &Context<'_>, shard: Shard, caller: &Caller) -> Result<End> {
    let position = ctx.core().end_of(shard, caller).await?;
    Ok(End { position, until: Instant::now() + FRESH_WITHIN })
}
