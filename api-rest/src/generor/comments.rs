//! `/creations/{id}/comments` and `/comments`: what is said of creations, and votes on it.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use mintmark_domain::account::Scope;
use mintmark_domain::social::{Comment as CommentAggregate, Direction};
use mintmark_domain::usecases::{Caller, NewComment};
use mintmark_projections::people::Comment as Row;
use mintmark_projections::{Positions, ProjectionName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::creation::open;
use super::creations::{number, visible};
use super::envelope::{Listing, Pages, Success, listing, paging, success};
use super::values::Moment;
use crate::AppState;
use crate::http::{Authenticated, JsonBody, LogPosition, Path, Problem, QueryParams, Visitor, fresh};

/// How long a vote waits for its count.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);

/// A comment on a creation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Comment {
    /// Its public integer id.
    pub comment_id: u64,
    /// The creation.
    pub creation_id: u64,
    /// The author's public integer id; null where it was taken back.
    pub user_id: Option<u64>,
    /// The author's name; null where it was taken back or the author is gone.
    pub username: Option<String>,
    /// What it says; null where it was taken back or the author is gone.
    pub text: Option<String>,
    /// The comment that it answers; null at the top.
    pub parent_id: Option<u64>,
    /// Ours: how many comments lie between it and the creation.
    pub depth: u32,
    /// Votes for it.
    pub upvotes: u64,
    /// Votes against it.
    pub downvotes: u64,
    /// The one less the other.
    pub score: i64,
    /// How the caller votes on it: `up`, `down` or null.
    pub my_vote: Option<&'static str>,
    /// Whether its author took it back. It stays as a gap while it has answers.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Moment,
}

impl Comment {
    fn of(row: &Row, creation: u64, text: Option<String>) -> Self {
        let votes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Comment {
            comment_id: row.number,
            creation_id: creation,
            user_id: (!row.deleted).then_some(row.user_id),
            username: row.username.clone().filter(|_| !row.deleted),
            text: text.filter(|_| !row.deleted),
            parent_id: row.parent,
            depth: row.depth,
            upvotes: row.ups,
            downvotes: row.downs,
            score: votes(row.ups) - votes(row.downs),
            my_vote: row.own_vote.map(Direction::as_str),
            deleted: row.deleted,
            created_at: Moment(row.created_at),
        }
    }
}

/// A comment to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct CommentBody {
    /// What it says.
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
    /// The comment that it answers; absent or null at the top.
    #[schema(minimum = 1)]
    parent_id: Option<i64>,
}

/// List comments on a creation
///
/// All of them, answers too, by when they were made: `parent_id` says which answers which.
#[utoipa::path(
    get, path = "/api/v1/creations/{id}/comments", operation_id = "comments.list", tag = "Comments",
    params(
        ("id" = u64, Path, description = "The creation."),
        Pages,
    ),
    responses((status = 200, body = Listing<Comment>)),
    security((), ("key" = [])),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(id): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<Comment>>, Problem> {
    let (paging, creation) = (paging(&query)?, number(&id)?);
    let (_, read_at) = visible(&state, caller.as_ref(), creation).await?;
    let id = state.core.creation_id(creation).await?.ok_or_else(|| Problem::not_found("Creation"))?;
    fresh(&state, &caller, &query, ProjectionName::People).await?;
    // Whoever has just commented in another's shard finds it, too.
    let at = Positions::one(id.shard(), read_at);
    state.reads.wait_for_all(ProjectionName::People, &at, COUNTED_WITHIN).await;
    let page = state.reads.comment_page(id, caller.as_ref().map(|caller| caller.account), &paging).await?;
    let mut texts =
        open(&state.core, page.items.iter().filter(|row| !row.deleted).map(|row| row.text).collect()).await?;
    let text = |bytes| String::from_utf8(bytes).ok();
    let data = page.items.iter().map(|row| Comment::of(row, creation, texts.remove(&row.text).and_then(text)));
    let data = data.collect();
    Ok(listing(&paging, &page, data))
}

/// Add a comment
#[utoipa::path(
    post, path = "/api/v1/creations/{id}/comments", operation_id = "comments.create", tag = "Comments",
    params(("id" = u64, Path, description = "The creation.")),
    request_body(content = CommentBody, example = json!({"text": "Great creation!", "parent_id": null})),
    responses((status = 201, body = Success<Comment>)),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<CommentBody>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::SocialWrite)?;
    let creation = number(&id)?;
    let wrong = |_| Problem::invalid("parent_id must be the id of a comment on this creation.");
    let parent = body.parent_id.map(u64::try_from).transpose().map_err(wrong)?;
    let text = body.text.trim().to_owned();
    let new = NewComment { creation, text: body.text, parent };
    let (posted, confirmed) = state.core.comment(&caller, new).await?;
    let username = state.core.account_view(caller.account).await?.profile.username;
    let shard = posted.creation.shard();
    let comment = Comment {
        comment_id: posted.number,
        creation_id: creation,
        user_id: Some(posted.user_id),
        username: Some(username),
        text: Some(text),
        parent_id: posted.parent_number,
        depth: posted.depth.into(),
        upvotes: 0,
        downvotes: 0,
        score: 0,
        my_vote: None,
        deleted: false,
        created_at: Moment(posted.at),
    };
    Ok((StatusCode::CREATED, LogPosition::confirmed(shard, &confirmed), success(comment)))
}

fn comment_number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::not_found("Comment"))
}

/// A comment that was taken back.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct DeletedComment {
    /// Which.
    pub comment_id: u64,
    /// Always true.
    #[schema(examples(true))]
    pub deleted: bool,
}

/// Delete your own comment
///
/// Its answers stay.
#[utoipa::path(
    delete, path = "/api/v1/comments/{id}", operation_id = "comments.delete", tag = "Comments",
    params(("id" = u64, Path, description = "The comment.")),
    responses((status = 200, body = Success<DeletedComment>)),
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let comment_id = comment_number(&id)?;
    let (shard, confirmed) = state.core.delete_comment(&caller, comment_id).await?;
    Ok((LogPosition::confirmed(shard, &confirmed), success(DeletedComment { comment_id, deleted: true })))
}

/// A vote on a comment.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct VoteBody {
    /// `up` or `down`.
    #[schema(examples("up"))]
    vote: String,
}

/// How a comment stands after a vote.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Voted {
    /// The comment.
    pub comment_id: u64,
    /// The caller's vote.
    #[schema(examples("up"))]
    pub vote: &'static str,
    /// Votes for it.
    pub upvotes: u64,
    /// Votes against it.
    pub downvotes: u64,
    /// The one less the other.
    pub score: i64,
}

/// Vote on a comment
///
/// A vote can be turned; said again it changes nothing.
#[utoipa::path(
    post, path = "/api/v1/comments/{id}/vote", operation_id = "comments.vote", tag = "Comments",
    params(("id" = u64, Path, description = "The comment.")),
    request_body(content = VoteBody, example = json!({"vote": "up"})),
    responses((status = 201, body = Success<Voted>)),
)]
pub(super) async fn vote(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonBody { value: body, .. }: JsonBody<VoteBody>,
) -> Result<impl IntoResponse, Problem> {
    let comment_id = comment_number(&id)?;
    let vote = Direction::ALL.into_iter().find(|vote| vote.as_str() == body.vote);
    let vote = vote.ok_or_else(|| Problem::invalid("vote must be one of: up, down."))?;
    let (posted, confirmed) = state.core.vote(&caller, comment_id, vote).await?;
    let shard = posted.creation.shard();
    let row = counted(&state, &caller, shard_position(shard, &confirmed), comment_id).await?;
    let shown = Comment::of(&row, 0, None);
    let voted = Voted {
        comment_id,
        vote: vote.as_str(),
        upvotes: shown.upvotes,
        downvotes: shown.downvotes,
        score: shown.score,
    };
    Ok((StatusCode::CREATED, LogPosition::confirmed(shard, &confirmed), success(voted)))
}

fn shard_position(shard: mintmark_domain::Shard, confirmed: &mintmark_domain::es::Confirmed) -> Positions {
    Positions::one(shard, confirmed.end.position)
}

/// The comment with all votes up to a position, if they are counted in time.
async fn counted(state: &AppState, caller: &Caller, at: Positions, comment: u64) -> Result<Row, Problem> {
    state.reads.wait_for_all(ProjectionName::People, &at, COUNTED_WITHIN).await;
    state.reads.comment(comment, Some(caller.account)).await?.ok_or_else(|| Problem::not_found("Comment"))
}

/// The longest comment; said in the schema above.
const _: () = assert!(CommentAggregate::TEXT_CHARS_MAX == 2_000);
