//! `/users/{username}`: public profiles, what people made, who follows whom.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use mintmark_domain::account::Scope;
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::Caller;
use mintmark_projections::ProjectionName;
use mintmark_projections::accounts::Account;
use mintmark_projections::generation::CreationList;
use mintmark_projections::people::FollowList;
use serde::Serialize;
use utoipa::ToSchema;

use super::creation::Creation;
use super::creations::{generator, page};
use super::envelope::{Listing, Pages, Success, listing, paging, success};
use super::values::Moment;
use crate::AppState;
use crate::http::{Authenticated, LogPosition, Path, Problem, QueryParams, Visitor, all_fresh, fresh};

/// What everybody may see of somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Person {
    /// The public integer id.
    pub user_id: u64,
    /// Unique.
    pub username: String,
    /// The address of a picture; null without one.
    pub avatar: Option<String>,
    /// A few sentences; null where nothing is said.
    pub bio: Option<String>,
    /// An address; null where nothing is said.
    pub website: Option<String>,
    /// When the account was made.
    pub joined: Moment,
    /// Public creations.
    pub creation_count: u64,
    /// Who follows them.
    pub follower_count: u64,
    /// Whom they follow.
    pub following_count: u64,
    /// Ours: whether the caller follows them; null for whoever has not said who they are.
    pub following: Option<bool>,
}

/// Somebody in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Follower {
    /// The public integer id.
    pub user_id: u64,
    /// Unique.
    pub username: String,
    /// The address of a picture; null without one.
    pub avatar: Option<String>,
    /// A few sentences; null where nothing is said.
    pub bio: Option<String>,
    /// Since when one follows the other.
    pub followed_at: Moment,
}

/// Whether the caller follows somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Following {
    /// Who is followed, or not.
    pub username: String,
    /// Whether the caller does.
    pub following: bool,
}

fn nobody() -> Problem {
    Problem::not_found("User")
}

/// Somebody by name, as everybody may see them.
async fn person(state: &AppState, username: &str) -> Result<Account, Problem> {
    let account = state.core.person(username).await?;
    let row = state.reads.account(account).await?.ok_or_else(nobody)?;
    if row.erased || row.username.is_none() { Err(nobody()) } else { Ok(row) }
}

/// Get a user's public profile
#[utoipa::path(
    get, path = "/api/v1/users/{username}", operation_id = "users.get", tag = "Users",
    params(("username" = String, Path, description = "The name.")),
    responses((status = 200, body = Success<Person>)),
    security((), ("key" = [])),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(username): Path<String>,
    query: QueryParams,
) -> Result<impl IntoResponse, Problem> {
    let shown = [ProjectionName::Accounts, ProjectionName::Generation, ProjectionName::People];
    all_fresh(&state, &caller, &query, &shown).await?;
    let row = person(&state, &username).await?;
    let (following, position) = match &caller {
        Some(caller) => {
            let (following, read_at) = state.core.is_following(caller.account, row.id).await?;
            (Some(following), LogPosition::read(caller.account.shard(), Some(read_at)))
        }
        None => (None, LogPosition::default()),
    };
    let creations = state.reads.creation_counts(row.id).await?;
    let follows = state.reads.follow_counts(row.id).await?;
    let person = Person {
        user_id: row.user_id,
        username: row.username.unwrap_or_default(),
        avatar: row.avatar.map(|key| state.core.links.public(&key)),
        bio: row.bio.filter(|text| !text.is_empty()),
        website: row.website.filter(|text| !text.is_empty()),
        joined: Moment(row.created_at),
        creation_count: creations.public,
        follower_count: follows.followers,
        following_count: follows.following,
        following,
    };
    Ok((position, success(person)))
}

/// List a user's public creations
#[utoipa::path(
    get, path = "/api/v1/users/{username}/creations", operation_id = "users.creations", tag = "Users",
    params(
        ("username" = String, Path, description = "The name."),
        ("generator" = Option<String>, Query, description = "A generator's slug."),
        Pages,
    ),
    responses((status = 200, body = Listing<Creation>)),
    security((), ("key" = [])),
)]
pub(super) async fn creations(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(username): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    let generator = generator(&state, &query)?;
    let row = person(&state, &username).await?;
    page(&state, caller.as_ref(), &query, CreationList::OfUser(row.id), generator).await
}

async fn follow_page(
    state: &AppState,
    caller: Option<&Caller>,
    query: &QueryParams,
    list: FollowList,
) -> Result<Json<Listing<Follower>>, Problem> {
    let paging = paging(query)?;
    fresh(state, caller, query, ProjectionName::People).await?;
    let page = state.reads.follow_page(list, &paging).await?;
    let ids: Vec<AccountId> = page.items.iter().map(|(account, _)| *account).collect();
    let accounts = state.reads.accounts_by_id(&ids).await?;
    let mut accounts: HashMap<AccountId, Account> = accounts.into_iter().map(|account| (account.id, account)).collect();
    let shown = page.items.iter().filter_map(|(account, followed_at)| {
        let account = accounts.remove(account).filter(|account| !account.erased)?;
        Some(Follower {
            user_id: account.user_id,
            username: account.username?,
            avatar: account.avatar.map(|key| state.core.links.public(&key)),
            bio: account.bio.filter(|text| !text.is_empty()),
            followed_at: Moment(*followed_at),
        })
    });
    let shown = shown.collect();
    Ok(listing(&paging, &page, shown))
}

/// List a user's followers
#[utoipa::path(
    get, path = "/api/v1/users/{username}/followers", operation_id = "users.followers", tag = "Users",
    params(
        ("username" = String, Path, description = "The name."),
        Pages,
    ),
    responses((status = 200, body = Listing<Follower>)),
    security((), ("key" = [])),
)]
pub(super) async fn followers(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(username): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<Follower>>, Problem> {
    let row = person(&state, &username).await?;
    follow_page(&state, caller.as_ref(), &query, FollowList::Followers(row.id)).await
}

/// List who a user follows
#[utoipa::path(
    get, path = "/api/v1/users/{username}/following", operation_id = "users.following", tag = "Users",
    params(
        ("username" = String, Path, description = "The name."),
        Pages,
    ),
    responses((status = 200, body = Listing<Follower>)),
    security((), ("key" = [])),
)]
pub(super) async fn following(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(username): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<Follower>>, Problem> {
    let row = person(&state, &username).await?;
    follow_page(&state, caller.as_ref(), &query, FollowList::Following(row.id)).await
}

async fn set_following(
    state: &AppState,
    caller: &Caller,
    username: &str,
    follow: bool,
) -> Result<(LogPosition, Json<Success<Following>>), Problem> {
    caller.require(Scope::SocialWrite)?;
    let followee = state.core.person(username).await?;
    let confirmed = state.core.set_following(caller, followee, follow).await?;
    let username = username.to_ascii_lowercase();
    let position = LogPosition::confirmed(caller.account.shard(), &confirmed);
    Ok((position, success(Following { username, following: follow })))
}

/// Follow a user
///
/// Said again it changes nothing.
#[utoipa::path(
    post, path = "/api/v1/users/{username}/follow", operation_id = "users.follow", tag = "Users",
    params(("username" = String, Path, description = "The name.")),
    responses((status = 201, body = Success<Following>), (status = 400, description = "Oneself.")),
)]
pub(super) async fn follow(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(username): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, set_following(&state, &caller, &username, true).await?))
}

/// Unfollow a user
///
/// Said again it changes nothing.
#[utoipa::path(
    delete, path = "/api/v1/users/{username}/follow", operation_id = "users.unfollow", tag = "Users",
    params(("username" = String, Path, description = "The name.")),
    responses((status = 200, body = Success<Following>)),
)]
pub(super) async fn unfollow(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(username): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    set_following(&state, &caller, &username, false).await
}

/// Check if you follow a user
#[utoipa::path(
    get, path = "/api/v1/users/{username}/follow", operation_id = "users.is_following", tag = "Users",
    params(("username" = String, Path, description = "The name.")),
    responses((status = 200, body = Success<Following>)),
)]
pub(super) async fn is_following(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(username): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::AccountRead)?;
    let followee = state.core.person(&username).await?;
    let (following, read_at) = state.core.is_following(caller.account, followee).await?;
    let username = username.to_ascii_lowercase();
    let position = LogPosition::read(caller.account.shard(), Some(read_at));
    Ok((position, success(Following { username, following })))
}
