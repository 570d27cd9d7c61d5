//! Lists and sums are read from read models, which follow the log. Here they are waited for, so that
//! who has just written finds it, whichever process answers.

use std::time::Duration;

use mintmark_domain::usecases::Caller;
use mintmark_projections::{Positions, ProjectionName, Waited};

use super::problem::Problem;
use super::query::QueryParams;
use crate::state::AppState;

/// How long what is there at the request is waited for; after that the list is shown as it is.
const FRESH_WITHIN: Duration = Duration::from_secs(1);
/// How long a position that the caller asks for is waited for.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// Waits until `projection` holds what the query's `min_position` asks for; says whether it asks for
/// anything. Errors: it is not reached in time.
pub(crate) async fn reached(
    state: &AppState,
    query: &QueryParams,
    projection: ProjectionName,
) -> Result<bool, Problem> {
    let Some(asked) = query.min_position()? else { return Ok(false) };
    match state.reads.wait_for_all(projection, &asked, ASKED_WITHIN).await {
        Waited::Reached => Ok(true),
        other => Err(Problem::unavailable(format!("a read model up to a position: {other:?}"))),
    }
}

/// Waits until `projection` holds what the log held for the caller when the request came; for whoever asks without a
/// key it has nothing of theirs. Errors: the position that the query asks for is not reached in time.
pub(crate) async fn fresh<'c>(
    state: &AppState,
    caller: impl Into<Option<&'c Caller>>,
    query: &QueryParams,
    projection: ProjectionName,
) -> Result<(), Problem> {
    all_fresh(state, caller, query, &[projection]).await
}

/// The same of several projections: the log is asked once.
pub(crate) async fn all_fresh<'c>(
    state: &AppState,
    caller: impl Into<Option<&'c Caller>>,
    query: &QueryParams,
    projections: &[ProjectionName],
) -> Result<(), Problem> {
    let caller = caller.into();
    let mut is_asked = false;
    for projection in projections {
        is_asked = reached(state, query, *projection).await?;
    }
    let Some(caller) = caller.filter(|_| !is_asked) else { return Ok(()) };
    let shard = caller.account.shard();
    let end = Positions::one(shard, state.core.end_of(shard, caller).await?);
    for projection in projections {
        if state.reads.wait_for_all(*projection, &end, FRESH_WITHIN).await != Waited::Reached {
            tracing::debug!(?projection, "a list is shown as far as it is");
        }
    }
    Ok(())
}
