//! `/users/me`.

use axum::extract::Request;
use axum::extract::State;
use axum::response::IntoResponse;
use mintmark_domain::Timestamp;
use mintmark_domain::account::{Profile, Scope};
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::{AVATAR_BYTES_MAX, AccountView, AvatarSource, Caller, ProfileChange};
use mintmark_projections::{Paging, ProjectionName};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::credits::CreditBalance;
use super::envelope::{Success, success};
use super::values::Moment;
use crate::AppState;
use crate::http::{Authenticated, JsonBody, LogPosition, Problem, QueryParams, all_fresh, read_body};

/// How many of the caller's teams are told; `/teams` has all of them.
const TEAMS_MAX: u32 = 100;
/// The longest address of a picture.
const AVATAR_URL_CHARS_MAX: usize = 2_048;

/// The caller's profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Me {
    /// Its public integer id.
    pub user_id: u64,
    /// Unique.
    pub username: String,
    /// Shown to nobody else.
    pub email: String,
    /// The address of a picture; null without one.
    pub avatar: Option<String>,
    /// A few sentences; null where nothing is said.
    pub bio: Option<String>,
    /// An address; null where nothing is said.
    pub website: Option<String>,
    /// When the account was made.
    pub joined: Moment,
    /// What can be spent.
    pub credits: CreditBalance,
    /// Creations that were made and not deleted.
    pub creation_count: u64,
    /// Who follows the caller.
    pub follower_count: u64,
    /// Whom the caller follows.
    pub following_count: u64,
    /// The caller's teams, those joined last first; a hundred at most.
    pub teams: Vec<MyTeam>,
}

/// A team of the caller's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MyTeam {
    /// Its public integer id.
    pub team_id: u64,
    /// Its name.
    pub name: String,
}

/// What to change of the profile; at least one field, null to clear it. The username and the email
/// address stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct ProfileBody {
    /// A few sentences.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, max_length = 1000)]
    bio: Option<Option<String>>,
    /// An http or https address.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, max_length = 500)]
    website: Option<Option<String>>,
    /// Ours: the address of a picture: an upload of the caller's, or one that the server fetches.
    /// `PUT /api/v1/users/me/avatar` takes the file itself.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    avatar: Option<Option<String>>,
}

/// Tells null from absent.
fn said<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// When an account's id was made: its first 48 bits. For an account that the read model does not show
/// yet.
fn made_at(account: AccountId) -> Timestamp {
    let millis = account.0.as_u128() >> 80;
    i64::try_from(millis).ok().and_then(chrono::DateTime::from_timestamp_millis).unwrap_or_default()
}

/// The profile, and where the latest of it was read.
async fn me_of(state: &AppState, caller: &Caller, view: AccountView) -> Result<(LogPosition, Me), Problem> {
    let row = state.reads.account(caller.account).await?;
    let counts = state.reads.creation_counts(caller.account).await?;
    let follows = state.reads.follow_counts(caller.account).await?;
    let teams = state.reads.team_page(caller.account, &Paging::first(TEAMS_MAX)).await?;
    let wallet = state.core.wallet_view(caller).await?;
    let position = LogPosition::read(caller.account.shard(), [view.as_of, wallet.as_of]);
    let Profile { username, email, bio, website, avatar, .. } = view.profile;
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    let me = Me {
        user_id: caller.user_id,
        username,
        email,
        avatar: avatar.map(|key| state.core.links.public(&key)),
        bio: said(bio),
        website: said(website),
        joined: Moment(row.map_or_else(|| made_at(caller.account), |row| row.created_at)),
        credits: CreditBalance::of(&wallet),
        creation_count: counts.made,
        follower_count: follows.followers,
        following_count: follows.following,
        teams: teams.items.into_iter().map(|team| MyTeam { team_id: team.number, name: team.name }).collect(),
    };
    Ok((position, me))
}

/// Get your profile
///
/// With the credit balance and counts.
#[utoipa::path(
    get, path = "/api/v1/users/me", operation_id = "users.me", tag = "Users",
    responses((status = 200, body = Success<Me>)),
)]
pub(super) async fn me(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::AccountRead)?;
    all_fresh(&state, &caller, &query, &[ProjectionName::Generation, ProjectionName::People]).await?;
    let view = state.core.account_view(caller.account).await?;
    let (position, me) = me_of(&state, &caller, view).await?;
    Ok((position, success(me)))
}

/// Update your profile
#[utoipa::path(
    patch, path = "/api/v1/users/me", operation_id = "users.update_me", tag = "Users",
    request_body(content = ProfileBody, example = json!({"bio": "Updated bio", "website": "https://example.com"})),
    responses((status = 200, body = Success<Me>)),
)]
pub(super) async fn change_me(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    JsonBody { value: body, .. }: JsonBody<ProfileBody>,
) -> Result<impl IntoResponse, Problem> {
    if body.bio.is_none() && body.website.is_none() && body.avatar.is_none() {
        return Err(Problem::invalid("bio, website or avatar is required."));
    }
    let avatar = match body.avatar {
        Some(Some(url)) if url.is_empty() || url.len() > AVATAR_URL_CHARS_MAX => {
            let allowed = format!("avatar must be an address of at most {AVATAR_URL_CHARS_MAX} characters, or null.");
            return Err(Problem::invalid(allowed));
        }
        avatar => avatar,
    };
    let change = ProfileChange {
        bio: body.bio.map(Option::unwrap_or_default),
        website: body.website.map(Option::unwrap_or_default),
        avatar: avatar.map(|url| url.map(AvatarSource::Address)),
        ..ProfileChange::default()
    };
    let (view, _) = state.core.change_profile(&caller, change).await?;
    let (position, me) = me_of(&state, &caller, view).await?;
    Ok((position, success(me)))
}

/// A change of the picture alone.
fn picture(avatar: Option<AvatarSource>) -> ProfileChange {
    ProfileChange { avatar: Some(avatar), ..ProfileChange::default() }
}

/// Set your picture
///
/// Ours. A PNG, JPEG or WebP file of at most 5 MiB; kept as a square of 512 pixels, without what the camera wrote
/// beside it. Everybody may see it.
#[utoipa::path(
    put, path = "/api/v1/users/me/avatar", operation_id = "users.set_avatar", tag = "Users",
    request_body(
        description = "The file.",
        content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "application/octet-stream"),
        ),
    ),
    responses((status = 200, body = Success<Me>)),
)]
pub(super) async fn set_avatar(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::ProfileWrite)?;
    let (parts, body) = request.into_parts();
    let bytes_max = usize::try_from(AVATAR_BYTES_MAX).unwrap_or(usize::MAX);
    let file = read_body(&parts.headers, body, bytes_max).await?;
    if file.is_empty() {
        return Err(Problem::invalid("The request body must be a picture: a PNG, JPEG or WebP file."));
    }
    let (view, _) = state.core.change_profile(&caller, picture(Some(AvatarSource::File(file)))).await?;
    let (position, me) = me_of(&state, &caller, view).await?;
    Ok((position, success(me)))
}

/// Remove your picture
#[utoipa::path(
    delete, path = "/api/v1/users/me/avatar", operation_id = "users.remove_avatar", tag = "Users",
    responses((status = 200, body = Success<Me>)),
)]
pub(super) async fn remove_avatar(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<impl IntoResponse, Problem> {
    let (view, _) = state.core.change_profile(&caller, picture(None)).await?;
    let (position, me) = me_of(&state, &caller, view).await?;
    Ok((position, success(me)))
}
