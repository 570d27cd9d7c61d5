//! `GET /account` and `GET /account/credits`.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use mintmark_domain::Timestamp;
use mintmark_domain::account::Scope;
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::AccountView;
use mintmark_projections::ProjectionName;
use serde::Serialize;
use utoipa::ToSchema;

use super::values::Moment;
use crate::http::{Amount, Authenticated, LogPosition, Problem, QueryParams, reached};
use crate::state::AppState;

/// An account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountResource {
    /// `acct_` and 32 hex digits.
    #[schema(examples("acct_019aab3c5f7080009e1f7d2c4b6a8190"))]
    pub id: String,
    /// Always `account`.
    #[schema(examples("account"))]
    pub object: &'static str,
    /// What it is called: the username where nothing else was said.
    pub display_name: String,
    /// Its address for mail.
    pub email: String,
    /// `free`, `basic`, `pro`, `enterprise` or `unlimited`.
    #[schema(examples("pro"))]
    pub plan: &'static str,
    /// `active`, or `suspended`.
    #[schema(examples("active"))]
    pub status: &'static str,
    /// When it came to be.
    pub created_at: Moment,
    /// When anything of it last changed.
    pub updated_at: Moment,
}

/// What an account can spend.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreditBalance {
    /// The account.
    pub account_id: String,
    /// What is available: held credits are taken off.
    pub balance: Amount,
    /// Always `credits`.
    #[schema(examples("credits"))]
    pub currency: &'static str,
}

impl AccountResource {
    /// `times` is when it came to be and last changed.
    fn of(view: &AccountView, times: (Timestamp, Timestamp)) -> Self {
        let profile = &view.profile;
        let name = if profile.display_name.is_empty() { &profile.username } else { &profile.display_name };
        AccountResource {
            id: view.account.to_string(),
            object: "account",
            display_name: name.clone(),
            email: profile.email.clone(),
            plan: view.state.tier().as_str(),
            status: if view.state.suspended().is_some() { "suspended" } else { "active" },
            created_at: Moment(times.0),
            updated_at: Moment(times.1),
        }
    }
}

/// When an id was made: its first 48 bits.
fn made_at(account: AccountId) -> Timestamp {
    let millis = account.0.as_u128() >> 80;
    i64::try_from(millis).ok().and_then(chrono::DateTime::from_timestamp_millis).unwrap_or_default()
}

/// Get the authenticated account
///
/// The account that the API key belongs to.
#[utoipa::path(
    get, path = "/v1/account", operation_id = "account.get", tag = "Account",
    responses((status = 200, body = AccountResource)),
)]
pub(super) async fn account(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::AccountRead)?;
    reached(&state, &query, ProjectionName::Accounts).await?;
    let view = state.core.account_view(caller.account).await?;
    let row = state.reads.account(caller.account).await?;
    // The read model may be a moment behind an account that was just made.
    let made = made_at(caller.account);
    let times = row.map_or((made, made), |row| (row.created_at, row.updated_at));
    let position = LogPosition::read(view.account.shard(), Some(view.as_of));
    Ok((position, Json(AccountResource::of(&view, times))))
}

/// Get the current credit balance
///
/// What the account can spend now: credits held for runs under way are taken off.
#[utoipa::path(
    get, path = "/v1/account/credits", operation_id = "account.credits.get", tag = "Account",
    responses((status = 200, body = CreditBalance)),
)]
pub(super) async fn credits(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::CreditsRead)?;
    let wallet = state.core.wallet_view(&caller).await?;
    let balance = CreditBalance {
        account_id: caller.account.to_string(),
        balance: wallet.balance.available.into(),
        currency: "credits",
    };
    Ok((LogPosition::read(caller.account.shard(), Some(wallet.as_of)), Json(balance)))
}
