//! Relay connections over pinned walks.

use std::collections::HashMap;

use async_graphql::{ComplexObject, Context, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::ids::{AccountId, BatchId, CreationId, WalletId, WebhookEndpointId};
use mintmark_projections::generation::{self as reads, BatchFilter, CreationFilter, CreationList, RunFilter};
use mintmark_projections::wallets::{Transaction, TransactionKind};
use mintmark_projections::{Order, Place, ProjectionName, Stretch, Walk};

use crate::batch::{Batch, BatchItem};
use crate::conversation::Comment;
use crate::cost;
use crate::creation::Creation;
use crate::error::{GraphqlError, Result};
use crate::filter::ListOrder;
use crate::fresh::{fresh, fresh_in};
use crate::run::Run;
use crate::scalar::{Credits, Long};
use crate::state::ContextExt as _;
use crate::team::Team;
use crate::webhook::WebhookDelivery;

/// How many nodes a page may hold.
pub(crate) const FIRST_MAX: i32 = 100;
/// How many it holds where nothing is said.
pub(crate) const FIRST_DEFAULT: i32 = 20;

/// Where a page stands in its walk.
#[derive(SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether more follow.
    has_next_page: bool,
    /// Always false: walks go forward only.
    has_previous_page: bool,
    /// The first node's.
    start_cursor: Option<String>,
    /// The last node's; give it as `after` to go on.
    end_cursor: Option<String>,
}

impl PageInfo {
    /// Of a page of edges, which tell their cursors.
    pub fn of<E>(edges: &[E], has_next_page: bool, cursor: impl Fn(&E) -> &str) -> Self {
        PageInfo {
            has_next_page,
            has_previous_page: false,
            start_cursor: edges.first().map(|edge| cursor(edge).to_owned()),
            end_cursor: edges.last().map(|edge| cursor(edge).to_owned()),
        }
    }
}

macro_rules! edge {
    ($edge:ident, $node:ty, $what:literal) => {
        #[doc = concat!("One ", $what, " in a list.")]
        #[derive(SimpleObject)]
        pub(crate) struct $edge {
            /// To go on after it.
            cursor: String,
            /// It.
            node: $node,
        }
    };
}

macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $what:literal) => {
        edge!($edge, $node, $what);

        #[doc = concat!("A page of ", $what, "s. A walk is pinned to its first page: it neither skips nor repeats.")]
        #[derive(SimpleObject)]
        pub(crate) struct $connection {
            /// The nodes with their cursors.
            edges: Vec<$edge>,
            /// Where the page stands.
            page_info: PageInfo,
        }

        impl $connection {
            pub(crate) fn new(nodes: Vec<(String, $node)>, has_next_page: bool) -> Self {
                let page_info = PageInfo::of(&nodes, has_next_page, |(cursor, _)| cursor.as_str());
                let edges = nodes.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect();
                $connection { edges, page_info }
            }
        }
    };
}

/// A list that can tell its total.
pub(crate) trait HasTotal {
    /// How many there are now; `None` where it is not kept.
    async fn total(&self, ctx: &Context<'_>) -> Result<Option<u64>>;
}

/// The same with a total, which is asked for only where it is wanted; `$list` tells it.
macro_rules! connection_with_total {
    ($connection:ident, $edge:ident, $node:ty, $list:ty, $what:literal) => {
        edge!($edge, $node, $what);

        #[doc = concat!("A page of ", $what, "s. A walk is pinned to its first page: it neither skips nor repeats.")]
        #[derive(SimpleObject)]
        #[graphql(complex)]
        pub(crate) struct $connection {
            /// The nodes with their cursors.
            edges: Vec<$edge>,
            /// Where the page stands.
            page_info: PageInfo,
            #[graphql(skip)]
            list: $list,
        }

        #[ComplexObject]
        impl $connection {
            /// How many the whole list has now; null where that is not kept.
            #[graphql(complexity = "cost::VALUE")]
            async fn total_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Long>> {
                let _turn = ctx.turn().await;
                Ok(self.list.total(ctx).await?.map(Long))
            }
        }

        impl $connection {
            pub(crate) fn new(nodes: Vec<(String, $node)>, has_next_page: bool, list: $list) -> Self {
                let page_info = PageInfo::of(&nodes, has_next_page, |(cursor, _)| cursor.as_str());
                let edges = nodes.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect();
                $connection { edges, page_info, list }
            }
        }
    };
}

connection!(RunConnection, RunEdge, Run, "run");
connection!(TransactionConnection, TransactionEdge, WalletTransaction, "transaction");
connection!(BatchConnection, BatchEdge, Batch, "batch");
connection!(BatchItemConnection, BatchItemEdge, BatchItem, "item");
connection!(WebhookDeliveryConnection, WebhookDeliveryEdge, WebhookDelivery, "delivery");
connection_with_total!(CreationConnection, CreationEdge, Creation, ListedCreations, "creation");
connection_with_total!(CommentConnection, CommentEdge, Comment, CreationId, "comment");
connection_with_total!(TeamConnection, TeamEdge, Team, AccountId, "team");

/// Which creations are listed; `None` of a feed.
pub(crate) struct ListedCreations(Option<(CreationList, CreationFilter)>);

impl HasTotal for ListedCreations {
    async fn total(&self, ctx: &Context<'_>) -> Result<Option<u64>> {
        let Some((list, filter)) = &self.0 else { return Ok(None) };
        Ok(ctx.reads().creations_kept(*list, filter).await?)
    }
}

/// The comments on a creation.
impl HasTotal for CreationId {
    async fn total(&self, ctx: &Context<'_>) -> Result<Option<u64>> {
        Ok(Some(ctx.reads().comments_listed(*self).await?))
    }
}

/// The teams of an account.
impl HasTotal for AccountId {
    async fn total(&self, ctx: &Context<'_>) -> Result<Option<u64>> {
        Ok(Some(ctx.reads().team_count(*self).await?))
    }
}

impl CreationEdge {
    /// A creation with the cursor that goes on after it.
    pub fn new(cursor: String, node: Creation) -> Self {
        CreationEdge { cursor, node }
    }
}

/// What a page of `first` rows costs before anything is read. A length that is refused costs no more than the
/// longest there is.
pub(crate) fn cost(first: Option<i32>, child_complexity: usize) -> usize {
    let rows = first.unwrap_or(FIRST_DEFAULT).clamp(0, FIRST_MAX);
    cost::rows(usize::try_from(rows).unwrap_or_default(), child_complexity)
}

/// How many rows and from where.
pub(crate) fn page(first: Option<i32>, after: Option<String>) -> Result<(u32, Walk)> {
    let first = first.unwrap_or(FIRST_DEFAULT);
    if !(1..=FIRST_MAX).contains(&first) {
        return Err(GraphqlError::argument("first", format!("must be 1 to {FIRST_MAX}")));
    }
    let walk = match after {
        None => Walk::default(),
        Some(cursor) => {
            Walk::from_token(&cursor).map_err(|_| GraphqlError::argument("after", "must be a cursor of this list"))?
        }
    };
    Ok((first.cast_unsigned(), walk))
}

pub(crate) fn with_cursors<T>(stretch: Stretch<T>) -> (Vec<(String, T)>, bool) {
    let cursors: Vec<String> = stretch.items.iter().map(|(place, _): &(Place, T)| stretch.cursor(*place)).collect();
    let more = stretch.has_more;
    (cursors.into_iter().zip(stretch.items).map(|(cursor, (_, item))| (cursor, item)).collect(), more)
}

/// A page of the caller's runs, each as it stands now.
pub(crate) async fn runs(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    filter: RunFilter,
) -> Result<RunConnection> {
    let (first, walk) = page(first, after)?;
    let account = ctx.caller()?.account;
    let turn = ctx.turn().await;
    fresh(ctx, &[ProjectionName::Generation]).await?;
    let stretch = ctx.reads().run_walk(account, &filter, Order::Newest, &walk, first).await?;
    drop(turn);
    let (rows, more) = with_cursors(stretch);
    let view = async |run| {
        let _turn = ctx.turn().await;
        ctx.core().run_view(account, run).await
    };
    let views = futures::future::try_join_all(rows.iter().map(|(_, row)| view(row.id))).await?;
    let cursors = rows.into_iter().map(|(cursor, _)| cursor);
    let nodes = cursors.zip(views).filter_map(|(cursor, view)| Some((cursor, Run::new(view)?))).collect();
    Ok(RunConnection::new(nodes, more))
}

/// A page of creations.
pub(crate) async fn creations(
    ctx: &Context<'_>,
    list: CreationList,
    filter: CreationFilter,
    order: ListOrder,
    first: Option<i32>,
    after: Option<String>,
) -> Result<CreationConnection> {
    let (first, walk) = page(first, after)?;
    fresh(ctx, &[ProjectionName::Generation]).await?;
    let stretch = ctx.reads().creation_walk(list, &filter, order.into(), &walk, first).await?;
    Ok(shown(stretch, ListedCreations(Some((list, filter)))))
}

/// A page of the caller's feed.
pub(crate) async fn feed(
    ctx: &Context<'_>,
    filter: CreationFilter,
    order: ListOrder,
    first: Option<i32>,
    after: Option<String>,
) -> Result<CreationConnection> {
    let (first, walk) = page(first, after)?;
    let reader = ctx.caller()?.account;
    fresh(ctx, &[ProjectionName::Generation, ProjectionName::People]).await?;
    let stretch = ctx.reads().feed_walk(reader, &filter, order.into(), &walk, first).await?;
    Ok(shown(stretch, ListedCreations(None)))
}

fn shown(stretch: Stretch<reads::Creation>, list: ListedCreations) -> CreationConnection {
    let (rows, more) = with_cursors(stretch);
    CreationConnection::new(rows.into_iter().map(|(cursor, row)| (cursor, Creation(row))).collect(), more, list)
}

/// A movement of credits.
#[derive(SimpleObject)]
pub(crate) struct WalletTransaction {
    /// Its number in the wallet.
    number: Long,
    /// `spend`, `purchase`, `daily_bonus`, `weekly_bonus`, `signup_bonus`, `refund`, `gift_sent`,
    /// `gift_received`, `expiry`, `adjustment`, `chargeback`.
    r#type: String,
    /// `pending`, `settled` or `released`.
    status: String,
    /// Signed: all together add up to what can be spent.
    amount: Credits,
    /// What could be spent after it.
    balance_after: Credits,
    /// The run it was for.
    run_id: Option<String>,
    /// The canonical name of that run's model.
    model: Option<String>,
    /// That run's generator, where one was used.
    generator: Option<String>,
    /// The public integer ids of that run's creations, in order.
    creation_numbers: Vec<Long>,
    /// The payment that it came with, or that was taken back.
    payment_id: Option<String>,
    /// A bonus's period, the operator's reason; `refunded` where a payment was taken back by the seller.
    description: Option<String>,
    /// The name of whoever gave or got a gift; null for teams, and where they are gone.
    counterparty: Option<String>,
    /// What a payment that was taken back left owing; negative where that was paid.
    owed: Credits,
    /// The line of the charging rules, once settled.
    rule: Option<&'static str>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl WalletTransaction {
    fn new(row: Transaction, names: &HashMap<AccountId, String>) -> Self {
        WalletTransaction {
            number: Long(row.number),
            r#type: row.kind.as_str().to_owned(),
            status: row.status.as_str().to_owned(),
            amount: row.amount.into(),
            balance_after: row.balance_after.into(),
            run_id: row.run.map(|run| run.to_string()),
            model: row.model,
            generator: row.generator,
            creation_numbers: row.creations.into_iter().map(Long).collect(),
            payment_id: row.payment.map(|payment| payment.to_string()),
            description: row.detail,
            counterparty: row.other_account.and_then(|account| names.get(&account).cloned()),
            owed: row.owed.into(),
            rule: row.rule.map(mintmark_domain::money::ChargingRule::code),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of the movements of a wallet that the caller may see.
pub(crate) async fn transactions(
    ctx: &Context<'_>,
    wallet: WalletId,
    order: ListOrder,
    first: Option<i32>,
    after: Option<String>,
    kind: Option<String>,
) -> Result<TransactionConnection> {
    let (first, walk) = page(first, after)?;
    let kind = kind.map(|kind| kind.parse()).transpose().map_err(|_: String| {
        let names: Vec<&str> = TransactionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        GraphqlError::argument("type", format!("must be one of {}", names.join(", ")))
    })?;
    // What a movement paid for is the runs' to tell.
    fresh_in(ctx, wallet.shard(), &[ProjectionName::Wallets, ProjectionName::Generation]).await?;
    let stretch = ctx.reads().transaction_walk(wallet, kind, order.into(), &walk, first).await?;
    let (rows, more) = with_cursors(stretch);
    let others: Vec<AccountId> = rows.iter().filter_map(|(_, row)| row.other_account).collect();
    let names = ctx.reads().usernames(&others).await?;
    let nodes = rows.into_iter().map(|(cursor, row)| (cursor, WalletTransaction::new(row, &names))).collect();
    Ok(TransactionConnection::new(nodes, more))
}

/// A page of the caller's batches.
pub(crate) async fn batches(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    filter: BatchFilter,
) -> Result<BatchConnection> {
    let (first, walk) = page(first, after)?;
    fresh(ctx, &[ProjectionName::Generation]).await?;
    let stretch = ctx.reads().batch_walk(ctx.caller()?.account, &filter, Order::Newest, &walk, first).await?;
    let (rows, more) = with_cursors(stretch);
    Ok(BatchConnection::new(rows.into_iter().map(|(cursor, row)| (cursor, Batch(row))).collect(), more))
}

/// A page of a batch's items. A batch never gets more or other items, so a cursor is an item's place.
pub(crate) async fn batch_items(
    ctx: &Context<'_>,
    batch: BatchId,
    first: Option<i32>,
    after: Option<String>,
) -> Result<BatchItemConnection> {
    let (first, _) = page(first, None)?;
    let wrong = || GraphqlError::argument("after", "must be a cursor of this list");
    let begin = match after {
        None => 0,
        Some(cursor) => cursor.parse::<u32>().ok().and_then(|place| place.checked_add(1)).ok_or_else(wrong)?,
    };
    fresh(ctx, &[ProjectionName::Generation]).await?;
    let mut rows = ctx.reads().batch_items(batch, begin, Some(first + 1)).await?;
    let more = rows.len() > first as usize;
    rows.truncate(first as usize);
    let nodes = rows.into_iter().map(|row| (row.index.to_string(), BatchItem(row))).collect();
    Ok(BatchItemConnection::new(nodes, more))
}

/// A page of deliveries to the caller's endpoints, or to one of them.
pub(crate) async fn webhook_deliveries(
    ctx: &Context<'_>,
    endpoint: Option<WebhookEndpointId>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<WebhookDeliveryConnection> {
    let (first, walk) = page(first, after)?;
    fresh(ctx, &[ProjectionName::Webhooks]).await?;
    let stretch = ctx.reads().webhook_deliveries(ctx.caller()?.account, endpoint, walk.after, first).await?;
    let (rows, more) = with_cursors(stretch);
    let nodes = rows.into_iter().map(|(cursor, row)| (cursor, row.into())).collect();
    Ok(WebhookDeliveryConnection::new(nodes, more))
}
