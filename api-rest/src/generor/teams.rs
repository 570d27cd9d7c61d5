//! `/teams`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use mintmark_domain::account::Scope;
use mintmark_domain::es::Confirmed;
use mintmark_domain::ids::AccountId;
use mintmark_domain::team::Role;
use mintmark_domain::usecases::{Caller, TeamView};
use mintmark_projections::ProjectionName;
use mintmark_projections::accounts::Account;
use mintmark_projections::generation::CreationList;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::creation::Creation;
use super::creations::{generator, page};
use super::envelope::{Listing, Pages, PagesOfFew, Success, listing, paging_of_few, success};
use super::values::Moment;
use crate::AppState;
use crate::http::{Authenticated, JsonBody, LogPosition, Path, Problem, QueryParams, fresh};

/// A team in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TeamSummary {
    /// Its public integer id.
    pub team_id: u64,
    /// What it is called.
    pub name: String,
    /// The owner's public integer id.
    pub owner_id: Option<u64>,
    /// What the caller is to it: `owner` or `member`.
    pub role: &'static str,
    /// How many belong to it.
    pub member_count: u64,
    /// When it was made.
    pub created_at: Moment,
}

/// A team as its members see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Team {
    /// Its public integer id.
    pub team_id: u64,
    /// What it is called.
    pub name: String,
    /// The owner's public integer id.
    pub owner_id: u64,
    /// What the caller is to it: `owner` or `member`.
    pub role: &'static str,
    /// How many belong to it.
    pub member_count: u64,
    /// With it others come in by `POST /teams/join/{invite_code}`.
    pub invite_code: Option<String>,
    /// When it was made.
    pub created_at: Moment,
    /// Who belongs to it, in the order in which they came in.
    pub members: Vec<Member>,
}

/// Somebody who belongs to a team.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Member {
    /// The public integer id.
    pub user_id: u64,
    /// The name; null once the person is erased.
    pub username: Option<String>,
    /// The address of a picture; null without one.
    pub avatar: Option<String>,
    /// `owner` or `member`.
    pub role: &'static str,
    /// Since when.
    pub joined_at: Moment,
}

/// A new team, or another name for one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TeamBody {
    /// What it is called.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
}

/// Somebody to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct MemberBody {
    /// The name.
    username: String,
}

/// What to change of a team; at least one field.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TeamChange {
    /// What it is called.
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// The member who is to own it.
    #[schema(minimum = 1)]
    owner_id: Option<u64>,
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member | Role::Stranger => "member",
    }
}

fn not_found() -> Problem {
    Problem::not_found("Team")
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| not_found())
}

/// A team as it is shown to `reader`.
async fn shown(state: &AppState, reader: AccountId, view: TeamView) -> Result<Team, Problem> {
    let team = view.team.live().ok_or_else(not_found)?;
    let ids: Vec<AccountId> = view.team.members().iter().map(|member| member.account).collect();
    let accounts = state.reads.accounts_by_id(&ids).await?;
    let mut accounts: HashMap<AccountId, Account> = accounts.into_iter().map(|account| (account.id, account)).collect();
    let members = view.team.members().iter().map(|member| {
        let account = accounts.remove(&member.account);
        let (username, avatar) = account.map(|account| (account.username, account.avatar)).unwrap_or_default();
        Member {
            user_id: member.user_id,
            username,
            avatar: avatar.map(|key| state.core.links.public(&key)),
            role: role(view.team.role(member.account)),
            joined_at: Moment(member.since),
        }
    });
    Ok(Team {
        team_id: team.number,
        name: team.name.clone(),
        owner_id: team.user_id,
        role: role(view.team.role(reader)),
        member_count: view.team.members().len() as u64,
        invite_code: view.invite_code,
        created_at: Moment(team.at),
        members: members.collect(),
    })
}

async fn changed(
    state: &AppState,
    caller: &Caller,
    (view, confirmed): (TeamView, Confirmed),
) -> Result<(LogPosition, Json<Success<Team>>), Problem> {
    let position = LogPosition::confirmed(view.id.shard(), &confirmed);
    Ok((position, success(shown(state, caller.account, view).await?)))
}

/// List your teams
#[utoipa::path(
    get, path = "/api/v1/teams", operation_id = "teams.list", tag = "Teams",
    params(PagesOfFew),
    responses((status = 200, body = Listing<TeamSummary>)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<Listing<TeamSummary>>, Problem> {
    caller.require(Scope::AccountRead)?;
    let paging = paging_of_few(&query)?;
    fresh(&state, &caller, &query, ProjectionName::People).await?;
    let page = state.reads.team_page(caller.account, &paging).await?;
    let owners: Vec<AccountId> = page.items.iter().map(|team| team.owner).collect();
    let owners = state.reads.accounts_by_id(&owners).await?;
    let owners: HashMap<AccountId, u64> = owners.into_iter().map(|owner| (owner.id, owner.user_id)).collect();
    let data = page.items.iter().map(|team| TeamSummary {
        team_id: team.number,
        name: team.name.clone(),
        owner_id: owners.get(&team.owner).copied(),
        role: if team.owner == caller.account { "owner" } else { "member" },
        member_count: team.members,
        created_at: Moment(team.created_at),
    });
    let data = data.collect();
    Ok(listing(&paging, &page, data))
}

/// Create a new team
///
/// The caller owns it and is its first member.
#[utoipa::path(
    post, path = "/api/v1/teams", operation_id = "teams.create", tag = "Teams",
    request_body(content = TeamBody, example = json!({"name": "My Creative Team"})),
    responses((status = 201, body = Success<Team>)),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    JsonBody { value: body, .. }: JsonBody<TeamBody>,
) -> Result<impl IntoResponse, Problem> {
    let made = state.core.create_team(&caller, &body.name).await?;
    Ok((StatusCode::CREATED, changed(&state, &caller, made).await?))
}

/// Get team details with the member list
#[utoipa::path(
    get, path = "/api/v1/teams/{id}", operation_id = "teams.get", tag = "Teams",
    params(("id" = u64, Path, description = "The team.")),
    responses((status = 200, body = Success<Team>)),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::AccountRead)?;
    let view = state.core.team(&caller, number(&id)?).await?;
    let position = LogPosition::read(view.id.shard(), Some(view.as_of));
    Ok((position, success(shown(&state, caller.account, view).await?)))
}

/// Rename a team or hand it over
///
/// Ours. Its owner alone may; who has handed over may leave.
#[utoipa::path(
    patch, path = "/api/v1/teams/{id}", operation_id = "teams.update", tag = "Teams",
    params(("id" = u64, Path, description = "The team.")),
    request_body(content = TeamChange, example = json!({"owner_id": 43})),
    responses((status = 200, body = Success<Team>)),
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<TeamChange>,
) -> Result<impl IntoResponse, Problem> {
    let id = number(&id)?;
    let done = match (body.name, body.owner_id) {
        (Some(name), None) => state.core.rename_team(&caller, id, &name).await?,
        (None, Some(owner)) => state.core.hand_team_over(&caller, id, owner).await?,
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("name and owner_id are changed one at a time."));
        }
        (None, None) => return Err(Problem::invalid("name or owner_id is required.")),
    };
    changed(&state, &caller, done).await
}

/// A team that was left.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct LeftTeam {
    /// Which.
    pub team_id: u64,
    /// Always true.
    #[schema(examples(true))]
    pub left: bool,
}

/// Leave a team
///
/// An owner first hands over (`PATCH /teams/{id}`), unless nobody else is left: then the team ends.
#[utoipa::path(
    delete, path = "/api/v1/teams/{id}", operation_id = "teams.leave", tag = "Teams",
    params(("id" = u64, Path, description = "The team.")),
    responses(
        (status = 200, body = Success<LeftTeam>),
        (status = 409, description = "The owner makes another member the owner first."),
    ),
)]
pub(super) async fn leave(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let team_id = number(&id)?;
    let (team, confirmed) = state.core.leave_team(&caller, team_id).await?;
    Ok((LogPosition::confirmed(team.shard(), &confirmed), success(LeftTeam { team_id, left: true })))
}

/// Add a member by username
#[utoipa::path(
    post, path = "/api/v1/teams/{id}/members", operation_id = "teams.add_member", tag = "Teams",
    params(("id" = u64, Path, description = "The team.")),
    request_body(content = MemberBody, example = json!({"username": "janedoe"})),
    responses((status = 201, body = Success<Team>)),
)]
pub(super) async fn add_member(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<MemberBody>,
) -> Result<impl IntoResponse, Problem> {
    let done = state.core.add_member(&caller, number(&id)?, &body.username).await?;
    Ok((StatusCode::CREATED, changed(&state, &caller, done).await?))
}

/// Remove a team member
///
/// The owner alone may.
#[utoipa::path(
    delete, path = "/api/v1/teams/{id}/members/{user_id}", operation_id = "teams.remove_member", tag = "Teams",
    params(
        ("id" = u64, Path, description = "The team."),
        ("user_id" = u64, Path, description = "The member's public integer id."),
    ),
    responses(
        (status = 200, body = Success<Team>),
        (status = 409, description = "The owner makes another member the owner first."),
    ),
)]
pub(super) async fn remove_member(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path((id, user_id)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let user_id = user_id.parse().map_err(|_| Problem::not_found("Member"))?;
    let done = state.core.remove_member(&caller, number(&id)?, user_id).await?;
    changed(&state, &caller, done).await
}

/// Join a team via invite code
#[utoipa::path(
    post, path = "/api/v1/teams/join/{invite_code}", operation_id = "teams.join", tag = "Teams",
    params(("invite_code" = String, Path, description = "The code.")),
    responses((status = 201, body = Success<Team>), (status = 400, description = "The team is full.")),
)]
pub(super) async fn join(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(code): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let done = state.core.join_team(&caller, &code).await?;
    Ok((StatusCode::CREATED, changed(&state, &caller, done).await?))
}

/// Regenerate the invite code
///
/// The owner alone may. The code before opens nothing any more.
#[utoipa::path(
    post, path = "/api/v1/teams/{id}/invite", operation_id = "teams.renew_invite", tag = "Teams",
    params(("id" = u64, Path, description = "The team.")),
    responses((status = 201, body = Success<Team>)),
)]
pub(super) async fn renew_invite(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let done = state.core.renew_invite(&caller, number(&id)?).await?;
    Ok((StatusCode::CREATED, changed(&state, &caller, done).await?))
}

/// List team creations
///
/// What was made for the team: what is public, and what is the caller's own.
#[utoipa::path(
    get, path = "/api/v1/teams/{id}/creations", operation_id = "teams.creations", tag = "Teams",
    params(
        ("id" = u64, Path, description = "The team."),
        ("generator" = Option<String>, Query, description = "A generator's slug."),
        Pages,
    ),
    responses((status = 200, body = Listing<Creation>)),
)]
pub(super) async fn creations(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    caller.require(Scope::RunsRead)?;
    let generator = generator(&state, &query)?;
    let team = state.core.team(&caller, number(&id)?).await?.id;
    let list = CreationList::OfTeam { team, reader: caller.account };
    page(&state, Some(&caller), &query, list, generator).await
}
