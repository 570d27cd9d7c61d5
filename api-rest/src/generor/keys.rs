//! `/api-keys`.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::usecases::{Caller, NewKey};
use mintmark_projections::ProjectionName;
use mintmark_projections::accounts::ApiKey as KeyRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::envelope::{Listing, PagesOfFew, Success, page_of, paging_of_few, success};
use super::values::Moment;
use crate::AppState;
use crate::http::fresh;
use crate::http::{Authenticated, JsonBody, LogPosition, Path, Problem, QueryParams};

/// A key, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// Its id.
    pub key_id: u64,
    /// What is shown of it.
    #[schema(examples("gnr_live_a1b2c3d4"))]
    pub prefix: String,
    /// What its maker calls it.
    pub name: String,
    /// What it may do; empty for everything.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<&'static str>,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last used, to within some seconds; null if never.
    pub last_used_at: Option<Moment>,
}

impl From<&KeyRow> for ApiKey {
    fn from(key: &KeyRow) -> Self {
        ApiKey {
            key_id: key.key_id,
            prefix: key.prefix.clone(),
            name: key.name.clone(),
            scopes: key.scopes.names(),
            created_at: Moment(key.created_at),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

/// A key to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct KeyBody {
    /// What to call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do: `read`, `write`, `generate`, or single ones such as `images:write`; everything if
    /// absent. Never more than the key that makes it.
    scopes: Option<Vec<String>>,
}

/// A key that was just made.
#[derive(Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "key_id": 1, "api_key": "gnr_live_a1b2c3d4e5f6071829304150617283940a5b6c7d", "prefix": "gnr_live_a1b2c3d4",
    "name": "My App", "scopes": ["read", "generate"],
    "message": "Save this API key now. It will not be shown again.",
}))]
pub struct MadeKey {
    /// Its id.
    pub key_id: u64,
    /// The key itself. It is shown this once.
    pub api_key: String,
    /// What is shown of it from now on.
    pub prefix: String,
    /// What its maker calls it.
    pub name: String,
    /// What it may do; empty for everything.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<String>,
    /// A reminder.
    pub message: &'static str,
}

/// What was asked for. Errors: an unknown scope, an empty list.
fn scopes(asked: Option<&[String]>) -> Result<Scopes, Problem> {
    let Some(asked) = asked else { return Ok(Scopes::Full) };
    if asked.is_empty() {
        return Err(Problem::invalid("scopes must name at least one scope; leave it out for full access."));
    }
    let read = |name: &String| name.parse::<Scope>();
    let scopes: Result<Vec<Scope>, _> = asked.iter().map(read).collect();
    scopes.map(Scopes::only).map_err(|_| {
        let known = Scope::ALL.iter().filter(|scope| !scope.is_operators());
        let names: Vec<&str> = known.map(|scope| scope.as_str()).collect();
        Problem::invalid(format!("scopes may hold: {}.", names.join(", ")))
    })
}

/// The scopes as they were asked for, each once.
fn as_asked(asked: Option<Vec<String>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in asked.unwrap_or_default() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn key_position(caller: &Caller, confirmed: &mintmark_domain::es::Confirmed) -> LogPosition {
    LogPosition::confirmed(caller.account.shard(), confirmed)
}

/// List your API keys
///
/// Those that are active, the newest first.
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "api_keys.list", tag = "API Keys",
    params(PagesOfFew),
    responses((status = 200, body = Listing<ApiKey>)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<Listing<ApiKey>>, Problem> {
    caller.require(Scope::AccountRead)?;
    let paging = paging_of_few(&query)?;
    fresh(&state, &caller, &query, ProjectionName::Accounts).await?;
    let keys = state.reads.api_keys(caller.account, false).await?;
    Ok(page_of(&paging, keys.iter().map(ApiKey::from).collect()))
}

/// Create an API key
///
/// At most ten are active at a time.
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "api_keys.create", tag = "API Keys",
    request_body(content = KeyBody, example = json!({"name": "My App", "scopes": ["read", "generate"]})),
    responses((status = 201, description = "The key, shown this once.", body = Success<MadeKey>)),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    JsonBody { value: body, .. }: JsonBody<KeyBody>,
) -> Result<impl IntoResponse, Problem> {
    let scopes = scopes(body.scopes.as_deref())?;
    let (NewKey { key_id, secret, prefix, name, .. }, confirmed) =
        state.core.issue_key(&caller, &body.name, scopes).await?;
    let made = MadeKey {
        key_id,
        api_key: secret,
        prefix,
        name,
        scopes: as_asked(body.scopes),
        message: "Save this API key now. It will not be shown again.",
    };
    Ok((StatusCode::CREATED, key_position(&caller, &confirmed), success(made)))
}

/// A key that was revoked.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RevokedKey {
    /// Which.
    pub key_id: u64,
    /// Always true.
    #[schema(examples(true))]
    pub revoked: bool,
}

/// Revoke an API key
///
/// It may do nothing from now on.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", operation_id = "api_keys.revoke", tag = "API Keys",
    params(("id" = u64, Path, description = "The key.")),
    responses((status = 200, body = Success<RevokedKey>)),
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let key_id: u64 = id.parse().map_err(|_| Problem::not_found("API key"))?;
    let confirmed = state.core.revoke_key(&caller, key_id).await?;
    Ok((key_position(&caller, &confirmed), success(RevokedKey { key_id, revoked: true })))
}
