//! What is said of creations: comments, votes, ratings.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::ids::{CommentId, CreationId};
use mintmark_domain::social::{Direction, PostedComment, SCORE_MAX, SCORE_MIN};
use mintmark_domain::usecases::{NewComment, Refusal};
use mintmark_projections::ProjectionName;
use mintmark_projections::people::Comment as Row;

use crate::error::{GraphqlError, Result};
use crate::filter::ListOrder;
use crate::fresh::fresh_in;
use crate::guard::Needs;
use crate::mutation::wait;
use crate::paging::{self, CommentConnection};
use crate::scalar::Long;
use crate::state::ContextExt as _;

/// To how many places an average is told.
const PLACES: u32 = 2;

/// For or against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Vote {
    /// For it.
    Up,
    /// Against it.
    Down,
}

impl From<Vote> for Direction {
    fn from(vote: Vote) -> Self {
        match vote {
            Vote::Up => Direction::Up,
            Vote::Down => Direction::Down,
        }
    }
}

impl From<Direction> for Vote {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Up => Vote::Up,
            Direction::Down => Vote::Down,
        }
    }
}

/// A comment on a creation.
#[derive(SimpleObject)]
pub(crate) struct Comment {
    /// Its public integer id.
    number: Long,
    /// The author's public integer id; null where it was taken back.
    user_id: Option<Long>,
    /// The author's name; null where it was taken back or the author is gone.
    username: Option<String>,
    /// What it says; null where it was taken back or the author is gone.
    text: Option<String>,
    /// The number of the comment that it answers; null at the top.
    parent_number: Option<Long>,
    /// How many comments lie between it and the creation.
    depth: u32,
    /// Votes for it.
    upvotes: Long,
    /// Votes against it.
    downvotes: Long,
    /// How the caller votes on it.
    my_vote: Option<Vote>,
    /// Whether its author took it back. It stays as a gap where it had been answered.
    deleted: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl Comment {
    fn new(row: Row, text: Option<String>) -> Self {
        Comment {
            number: Long(row.number),
            user_id: (!row.deleted).then_some(Long(row.user_id)),
            username: row.username.filter(|_| !row.deleted),
            text,
            parent_number: row.parent.map(Long),
            depth: row.depth,
            upvotes: Long(row.ups),
            downvotes: Long(row.downs),
            my_vote: row.own_vote.map(Vote::from),
            deleted: row.deleted,
            created_at: row.created_at,
        }
    }
}

/// What a creation is rated.
#[derive(SimpleObject)]
pub(crate) struct CreationRating {
    /// The mean of all scores, 1 to 5, to two places; null where nobody has rated.
    average: Option<f64>,
    /// How many have rated.
    count: Long,
    /// The caller's own score; null without one.
    my_score: Option<Long>,
}

/// Comments with their texts, which are opened together.
async fn opened(ctx: &Context<'_>, rows: Vec<Row>) -> Result<Vec<Comment>> {
    let sealed: Vec<_> = rows.iter().filter(|row| !row.deleted).map(|row| row.text).collect();
    let mut texts = ctx.core().vault.open(&sealed).await.map_err(|error| GraphqlError::from(Refusal::from(error)))?;
    let text =
        |row: &Row, bytes: Option<Vec<u8>>| bytes.filter(|_| !row.deleted).and_then(|b| String::from_utf8(b).ok());
    Ok(rows
        .into_iter()
        .map(|row| {
            let said = text(&row, texts.remove(&row.text));
            Comment::new(row, said)
        })
        .collect())
}

/// A page of a creation's comments. Whoever has the creation at hand may see it.
pub(crate) async fn comments(
    ctx: &Context<'_>,
    creation: CreationId,
    order: ListOrder,
    first: Option<i32>,
    after: Option<String>,
) -> Result<CommentConnection> {
    let (first, walk) = paging::page(first, after)?;
    let reader = ctx.anyone()?.map(|caller| caller.account);
    fresh_in(ctx, creation.shard(), &[ProjectionName::People]).await?;
    let stretch = ctx.reads().comment_walk(creation, reader, order.into(), &walk, first).await?;
    let (rows, more) = paging::with_cursors(stretch);
    let (cursors, rows): (Vec<String>, Vec<Row>) = rows.into_iter().unzip();
    let nodes = cursors.into_iter().zip(opened(ctx, rows).await?).collect();
    Ok(CommentConnection::new(nodes, more, creation))
}

/// What a creation is rated. Whoever has the creation at hand may see it.
pub(crate) async fn rating(ctx: &Context<'_>, creation: CreationId) -> Result<CreationRating> {
    let total = ctx.reads().rating_total(creation).await?;
    let my_score = match ctx.anyone()? {
        Some(caller) => ctx.reads().rating_by(creation, caller.account).await?,
        None => None,
    };
    let average = total.average(PLACES).and_then(|average| average.to_string().parse().ok());
    Ok(CreationRating { average, count: Long(total.count), my_score: my_score.map(Long) })
}

#[derive(Default)]
pub(crate) struct ConversationMutation;

/// What can be said of creations.
#[Object]
impl ConversationMutation {
    /// Comments on a creation, or answers a comment on it.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn create_comment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The creation.")] creation_number: Long,
        #[graphql(desc = "1 to 2,000 characters.")] text: String,
        #[graphql(desc = "The comment that it answers.")] parent_number: Option<Long>,
    ) -> async_graphql::Result<Comment> {
        let new = NewComment { creation: creation_number.0, text, parent: parent_number.map(|number| number.0) };
        let posted = ctx.core().comment(ctx.caller()?, new).await;
        let (posted, confirmed) = posted.map_err(|refusal| match refusal {
            // Here the text is a comment's, and not what somebody wants spoken.
            Refusal::Field { field: "text", message, .. } => GraphqlError::argument("text", message),
            refusal => GraphqlError::from(refusal),
        })?;
        wait(ctx, ProjectionName::People, posted.creation.shard(), confirmed).await;
        Ok(written(ctx, &posted, None).await?)
    }

    /// Takes a comment of the caller's back; its answers stay.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn delete_comment(&self, ctx: &Context<'_>, number: Long) -> async_graphql::Result<bool> {
        let done = ctx.core().delete_comment(ctx.caller()?, number.0).await.map_err(GraphqlError::from)?;
        wait(ctx, ProjectionName::People, done.0, done.1).await;
        Ok(true)
    }

    /// Votes on a comment; a vote before is changed.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn vote_comment(&self, ctx: &Context<'_>, number: Long, vote: Vote) -> async_graphql::Result<Comment> {
        let vote = vote.into();
        let (posted, confirmed) = ctx.core().vote(ctx.caller()?, number.0, vote).await.map_err(GraphqlError::from)?;
        wait(ctx, ProjectionName::People, posted.creation.shard(), confirmed).await;
        Ok(written(ctx, &posted, Some(vote)).await?)
    }

    /// Rates a creation; a rating before is changed.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn rate_creation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The creation.")] number: Long,
        #[graphql(desc = "1 to 5.")] score: i32,
    ) -> async_graphql::Result<CreationRating> {
        let known = u8::try_from(score).ok().filter(|score| (SCORE_MIN..=SCORE_MAX).contains(score));
        let wrong =
            || GraphqlError::argument("score", format!("must be a whole number from {SCORE_MIN} to {SCORE_MAX}"));
        let score = known.ok_or_else(wrong)?;
        let (creation, confirmed) =
            ctx.core().rate(ctx.caller()?, number.0, score).await.map_err(GraphqlError::from)?;
        wait(ctx, ProjectionName::People, creation.shard(), confirmed).await;
        Ok(rating(ctx, creation).await?)
    }
}

/// A comment as it was just written, or voted on by the caller. What the read model does not show yet is told as it was
/// decided.
async fn written(ctx: &Context<'_>, posted: &PostedComment, vote: Option<Direction>) -> Result<Comment> {
    let reader = ctx.caller()?.account;
    let mut row = match ctx.reads().comment(posted.number, Some(reader)).await? {
        Some(row) => row,
        None => unseen(ctx, posted).await?,
    };
    if let Some(vote) = vote {
        cast(&mut row, vote);
    }
    opened(ctx, vec![row]).await?.pop().ok_or_else(|| GraphqlError::from(Refusal::NotFound("comment")))
}

/// A comment on which nobody's votes are counted yet.
async fn unseen(ctx: &Context<'_>, posted: &PostedComment) -> Result<Row> {
    let author = match ctx.core().account_view(posted.account).await {
        Ok(view) => Some(view.profile.username),
        Err(Refusal::NotFound(_)) => None,
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(Row {
        id: CommentId::numbered(posted.creation.shard(), posted.number),
        number: posted.number,
        creation: posted.creation,
        account: posted.account,
        user_id: posted.user_id,
        username: author.filter(|name| !name.is_empty()),
        parent: posted.parent_number,
        depth: posted.depth.into(),
        text: posted.text,
        ups: 0,
        downs: 0,
        own_vote: None,
        deleted: false,
        created_at: posted.at,
    })
}

/// Counts the reader's vote where it is not counted yet, in the place of the one before.
fn cast(row: &mut Row, vote: Direction) {
    if row.own_vote == Some(vote) {
        return;
    }
    match row.own_vote {
        Some(Direction::Up) => row.ups = row.ups.saturating_sub(1),
        Some(Direction::Down) => row.downs = row.downs.saturating_sub(1),
        None => {}
    }
    match vote {
        Direction::Up => row.ups += 1,
        Direction::Down => row.downs += 1,
    }
    row.own_vote = Some(vote);
}
