//! `/credits`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use mintmark_domain::Credits;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::Catalog;
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::WalletView;
use mintmark_projections::ProjectionName;
use mintmark_projections::wallets::{Transaction, TransactionKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::creation::model_id;
use super::envelope::{Listing, Pages, Success, listing, paging, success};
use super::values::Moment;
use crate::AppState;
use crate::http::fresh;
use crate::http::{Amount, Authenticated, LogPosition, Problem, QueryParams};

/// What can be spent. Credits held for what is being made are taken off.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(example = json!({"total": 1250, "paid": 1000, "free": 200, "earned": 50, "max": 250}))]
pub struct CreditBalance {
    /// `paid`, `free` and `earned` together.
    pub total: Amount,
    /// Bought.
    pub paid: Amount,
    /// Given by the house.
    pub free: Amount,
    /// Received as gifts.
    pub earned: Amount,
    /// The ceiling up to which free credits are refilled.
    pub max: Amount,
    /// Ours: what a payment that was taken back left owing, which whatever comes in pays first; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub owed: Option<Amount>,
}

impl CreditBalance {
    pub(super) fn of(wallet: &WalletView) -> Self {
        let balance = &wallet.balance;
        CreditBalance {
            total: balance.available.into(),
            paid: balance.paid.into(),
            free: balance.free.into(),
            earned: balance.earned.into(),
            max: wallet.max.into(),
            owed: owed(balance.receivable),
        }
    }
}

fn owed(credits: Credits) -> Option<Amount> {
    Some(credits).filter(|credits| !credits.is_zero()).map(Amount::from)
}

/// A movement of credits. The amounts of all of them sum to the balance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreditTransaction {
    /// Its number in the caller's wallet.
    pub transaction_id: u64,
    /// What it was.
    #[serde(rename = "type")]
    #[schema(examples("spend"))]
    pub kind: &'static str,
    /// What it changes in what can be spent; negative where it takes.
    pub amount: Amount,
    /// What could be spent right after it last changed.
    pub balance_after: Amount,
    /// `pending` while credits are held, `settled` once it is final, `released` where all was given
    /// back.
    #[schema(examples("settled"))]
    pub status: &'static str,
    /// The generator that it paid for; null otherwise.
    pub generator: Option<String>,
    /// The model that it paid for; null otherwise.
    pub model_id: Option<u32>,
    /// What it paid for; empty otherwise.
    pub creation_ids: Vec<u64>,
    /// A bonus's period or the operator's reason; null otherwise.
    pub description: Option<String>,
    /// The name of whoever gave or got a gift; null otherwise, for teams, and where they are gone.
    pub counterparty: Option<String>,
    /// Ours: what a payment that was taken back left owing, negative where that was paid; absent where neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub owed: Option<Amount>,
    /// When it began.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

impl CreditTransaction {
    fn of(catalog: &Catalog, row: &Transaction, names: &HashMap<AccountId, String>) -> Self {
        CreditTransaction {
            transaction_id: row.number,
            kind: row.kind.as_str(),
            amount: row.amount.into(),
            balance_after: row.balance_after.into(),
            status: row.status.as_str(),
            generator: row.generator.clone(),
            model_id: row.model.as_deref().and_then(|slug| model_id(catalog, slug)),
            creation_ids: row.creations.clone(),
            description: row.detail.clone(),
            owed: owed(row.owed),
            counterparty: row.other_account.and_then(|account| names.get(&account).cloned()),
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        }
    }
}

/// Get your credit balance
#[utoipa::path(
    get, path = "/api/v1/credits/balance", operation_id = "credits.balance", tag = "Credits",
    responses((status = 200, body = Success<CreditBalance>)),
)]
pub(super) async fn balance(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::CreditsRead)?;
    let wallet = state.core.wallet_view(&caller).await?;
    Ok((LogPosition::read(caller.account.shard(), Some(wallet.as_of)), success(CreditBalance::of(&wallet))))
}

/// The kind of movements that a list is narrowed to.
fn kind(query: &QueryParams) -> Result<Option<TransactionKind>, Problem> {
    let names: Vec<&'static str> = TransactionKind::ALL.iter().map(|kind| kind.as_str()).collect();
    Ok(query.one_of("type", &names)?.and_then(|name| name.parse().ok()))
}

/// Get credit transaction history
#[utoipa::path(
    get, path = "/api/v1/credits/transactions", operation_id = "credits.transactions", tag = "Credits",
    params(
        ("type" = Option<String>, Query, description = "`spend`, `purchase`, `daily_bonus`, `weekly_bonus`, \
            `signup_bonus`, `refund`, `gift_sent`, `gift_received`; ours: `expiry`, `adjustment`, `chargeback`."),
        Pages,
    ),
    responses((status = 200, body = Listing<CreditTransaction>)),
)]
pub(super) async fn transactions(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<Listing<CreditTransaction>>, Problem> {
    caller.require(Scope::CreditsRead)?;
    let (kind, paging) = (kind(&query)?, paging(&query)?);
    fresh(&state, &caller, &query, ProjectionName::Wallets).await?;
    let page = state.reads.transaction_page(caller.account.wallet(), kind, &paging).await?;
    let others: Vec<AccountId> = page.items.iter().filter_map(|row| row.other_account).collect();
    let names = state.reads.usernames(&others).await?;
    let data = page.items.iter().map(|row| CreditTransaction::of(&state.core.catalog, row, &names)).collect();
    Ok(listing(&paging, &page, data))
}
