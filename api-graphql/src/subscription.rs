//! Live data: one run, one wallet. A subscription takes up after a cursor, gives what it missed, and
//! goes on live, without a gap and without giving anything twice.

use async_graphql::{Context, ErrorExtensions as _, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use futures::{Stream, StreamExt as _};
use mintmark_domain::account::Scope;
use mintmark_domain::es::{AggregateType, ReadError, Recorded, StreamId, decode_event};
use mintmark_domain::ids::RunId;
use mintmark_domain::run::{Run, RunEvent};
use mintmark_domain::usecases::Refusal;
use mintmark_domain::wallet::WalletEvent;

use crate::error::{GraphqlError, Result};
use crate::guard::Needs;
use crate::run::Status;
use crate::scalar::Credits;
use crate::state::ContextExt as _;
use crate::stream::follow;

/// Something that happened to a run.
#[derive(SimpleObject)]
pub(crate) struct RunUpdate {
    /// To go on after this one.
    cursor: String,
    /// The event's frozen name: `run.submitted`.
    r#type: String,
    /// Where the run stands now.
    status: Status,
    /// When it was recorded.
    at: DateTime<Utc>,
}

/// Something that happened to a wallet.
#[derive(SimpleObject)]
pub(crate) struct WalletUpdate {
    /// To go on after this one.
    cursor: String,
    /// The event's frozen name: `credit_wallet.credits_captured`.
    r#type: String,
    /// What can be spent now.
    available: Credits,
    /// What is set aside now.
    held: Credits,
    /// When it was recorded.
    at: DateTime<Utc>,
}

pub(crate) struct SubscriptionRoot;

/// Live data.
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// What happens to a run, from its first event on or after a cursor; ends when the run has ended.
    #[graphql(guard = "Needs(Scope::RunsRead)")]
    async fn run_updates(
        &self,
        ctx: &Context<'_>,
        id: async_graphql::ID,
        #[graphql(desc = "A cursor of an update that was seen.")] after: Option<String>,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<RunUpdate>> + use<>> {
        let run_id: RunId = id.parse().map_err(|_| GraphqlError::from(Refusal::NotFound("run")))?;
        let caller = ctx.caller()?;
        // Only to refuse what is not the caller's.
        ctx.core().run_view(caller.account, run_id).await.map_err(GraphqlError::from)?;
        let stream = StreamId { aggregate: AggregateType::named("run"), id: run_id.0 };
        let seen = sequence_of(after)?;
        Ok(run_updates_after(follow(ctx.state().clone(), stream, 0), seen))
    }

    /// What happens to the caller's wallet, from now on or after a cursor.
    #[graphql(guard = "Needs(Scope::CreditsRead)")]
    async fn wallet_updates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A cursor of an update that was seen; `0` for all there ever was.")] after: Option<String>,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<WalletUpdate>> + use<>> {
        let wallet = ctx.caller()?.account.wallet();
        let stream = StreamId { aggregate: AggregateType::named("credit_wallet"), id: wallet.0 };
        let sequence = match after {
            Some(_) => sequence_of(after)?,
            None => ctx.core().wallet_sequence(ctx.caller()?).await.map_err(GraphqlError::from)?,
        };
        Ok(follow(ctx.state().clone(), stream, sequence).map(|event| wallet_update(event.map_err(unreadable)?)))
    }
}

fn sequence_of(cursor: Option<String>) -> Result<u64> {
    let Some(cursor) = cursor else { return Ok(0) };
    cursor.parse().map_err(|_| GraphqlError::argument("after", "must be a cursor of this subscription"))
}

fn unreadable(error: impl std::fmt::Display) -> async_graphql::Error {
    tracing::error!(%error, "a subscription ended");
    async_graphql::Error::new("the stream cannot be read")
        .extend_with(|_, extensions| extensions.set("code", "INTERNAL_SERVER_ERROR"))
}

/// The updates of a run after `seen`, up to and with the one that ends it. The stream is folded from
/// its beginning, so that each update says where the run stood right after it.
fn run_updates_after(
    events: impl Stream<Item = std::result::Result<Recorded, ReadError>>,
    seen: u64,
) -> impl Stream<Item = async_graphql::Result<RunUpdate>> {
    async_stream::stream! {
        let mut run = Run::default();
        let mut events = std::pin::pin!(events);
        while let Some(recorded) = events.next().await {
            let folded = recorded.map_err(unreadable).and_then(|recorded| {
                let event: RunEvent = decode_event(&recorded).map_err(unreadable)?;
                let name = event.event_type();
                cqrs_es::Aggregate::apply(&mut run, event);
                Ok((recorded, name))
            });
            match folded {
                Ok((recorded, name)) => {
                    if recorded.sequence > seen {
                        yield Ok(RunUpdate {
                            cursor: recorded.sequence.to_string(),
                            r#type: name,
                            status: run.status().into(),
                            at: recorded.recorded_at,
                        });
                    }
                    if run.status().is_ended() {
                        return;
                    }
                }
                Err(error) => {
                    yield Err(error);
                    return;
                }
            }
        }
    }
}

fn wallet_update(recorded: Recorded) -> async_graphql::Result<WalletUpdate> {
    let event: WalletEvent = decode_event(&recorded).map_err(unreadable)?;
    let after = event.after();
    Ok(WalletUpdate {
        cursor: recorded.sequence.to_string(),
        r#type: event.event_type(),
        available: after.available.into(),
        held: after.held.into(),
        at: recorded.recorded_at,
    })
}
