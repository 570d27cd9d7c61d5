//! Relay connections over pinned walks.

use std::collections::HashMap;

use async_graphql::{Context, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::ids::{AccountId, BatchId, WalletId, WebhookEndpointId};
use mintmark_projections::generation::{BatchFilter, CreationFilter, CreationList, RunFilter};
use mintmark_projections::wallets::{Transaction, TransactionKind};
use mintmark_projections::{Order, Place, Stretch, Walk};

use crate::batch::{Batch, BatchItem};
use crate::conversation::Comment;
use crate::cost;
use crate::creation::Creation;
use crate::error::{GraphqlError, Result};
use crate::run::Run;
use crate::scalar::Credits;
use crate::state::ContextExt as _;
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

macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $what:literal) => {
        #[doc = concat!("One ", $what, " in a list.")]
        #[derive(SimpleObject)]
        pub(crate) struct $edge {
            /// To go on after it.
            cursor: String,
            /// It.
            node: $node,
        }

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

connection!(RunConnection, RunEdge, Run, "run");
connection!(CreationConnection, CreationEdge, Creation, "creation");
connection!(TransactionConnection, TransactionEdge, WalletTransaction, "transaction");
connection!(BatchConnection, BatchEdge, Batch, "batch");
connection!(BatchItemConnection, BatchItemEdge, BatchItem, "item");
connection!(CommentConnection, CommentEdge, Comment, "comment");
connection!(WebhookDeliveryConnection, WebhookDeliveryEdge, WebhookDelivery, "delivery");

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
    first: Option<i32>,
    after: Option<String>,
) -> Result<CreationConnection> {
    let (first, walk) = page(first, after)?;
    Ok(shown(ctx.reads().creation_walk(list, &filter, Order::Newest, &walk, first).await?))
}

/// A page of the caller's feed.
pub(crate) async fn feed(
    ctx: &Context<'_>,
    filter: CreationFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<CreationConnection> {
    let (first, walk) = page(first, after)?;
    let reader = ctx.caller()?.account;
    Ok(shown(ctx.reads().feed_walk(reader, &filter, Order::Newest, &walk, first).await?))
}

fn shown(stretch: Stretch<mintmark_projections::generation::Creation>) -> CreationConnection {
    let (rows, more) = with_cursors(stretch);
    CreationConnection::new(rows.into_iter().map(|(cursor, row)| (cursor, Creation(row))).collect(), more)
}

/// A movement of credits.
#[derive(SimpleObject)]
pub(crate) struct WalletTransaction {
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
            r#type: row.kind.as_str().to_owned(),
            status: row.status.as_str().to_owned(),
            amount: row.amount.into(),
            balance_after: row.balance_after.into(),
            run_id: row.run.map(|run| run.to_string()),
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
    first: Option<i32>,
    after: Option<String>,
    kind: Option<String>,
) -> Result<TransactionConnection> {
    let (first, walk) = page(first, after)?;
    let kind = kind.map(|kind| kind.parse()).transpose().map_err(|_: String| {
        let names: Vec<&str> = TransactionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        GraphqlError::argument("type", format!("must be one of {}", names.join(", ")))
    })?;
    let stretch = ctx.reads().transaction_walk(wallet, kind, Order::Newest, &walk, first).await?;
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
    let stretch = ctx.reads().webhook_deliveries(ctx.caller()?.account, endpoint, walk.after, first).await?;
    let (rows, more) = with_cursors(stretch);
    let nodes = rows.into_iter().map(|(cursor, row)| (cursor, row.into())).collect();
    Ok(WebhookDeliveryConnection::new(nodes, more))
}
