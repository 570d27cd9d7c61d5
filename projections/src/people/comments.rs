//! What was said of creations.

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, CommentId, CreationId, SealedId};
use mintmark_domain::social::Direction;
use uuid::Uuid;

use crate::accounts::AUTHOR;
use crate::as_of::{Listed, Total};
use crate::error::QueryError;
use crate::positions::{Positions, position_column, shard_column};
use crate::reads::{Page, Paging, ReadModels};
use crate::sql::{named, unsigned};

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its stream.
    pub id: CommentId,
    /// Its public integer id.
    pub number: u64,
    /// The creation.
    pub creation: CreationId,
    /// Who made it.
    pub account: AccountId,
    /// The author's public integer id.
    pub user_id: u64,
    /// The author's name; `None` where the author was erased.
    pub username: Option<String>,
    /// The public integer id of the comment that it answers.
    pub parent: Option<u64>,
    /// How many comments lie between it and the creation.
    pub depth: u32,
    /// The sealed text.
    pub text: SealedId,
    /// Votes for it.
    pub ups: u64,
    /// Votes against it.
    pub downs: u64,
    /// How the asking account votes on it.
    pub own_vote: Option<Direction>,
    /// Whether its author took it back; it is a gap then, that holds its answers.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct View {
    comment_id: Uuid,
    number: i64,
    creation_id: Uuid,
    account_id: Uuid,
    user_id: i64,
    username: Option<String>,
    parent_number: Option<i64>,
    depth: i16,
    body: Uuid,
    ups: i32,
    downs: i32,
    vote: Option<String>,
    deleted: bool,
    recorded_at: DateTime<Utc>,
}

/// The table's name in errors.
const TABLE: &str = "comments";

impl View {
    pub(super) fn shown(self) -> Result<Comment, QueryError> {
        Ok(Comment {
            id: CommentId(self.comment_id),
            number: unsigned(TABLE, self.number)?,
            creation: CreationId(self.creation_id),
            account: AccountId(self.account_id),
            user_id: unsigned(TABLE, self.user_id)?,
            username: self.username,
            parent: self.parent_number.map(|number| unsigned(TABLE, number)).transpose()?,
            depth: u32::from(self.depth.unsigned_abs()),
            text: SealedId(self.body),
            ups: unsigned(TABLE, self.ups.into())?,
            downs: unsigned(TABLE, self.downs.into())?,
            own_vote: self.vote.map(|vote| named(TABLE, &vote)).transpose()?,
            deleted: self.deleted,
            created_at: self.recorded_at,
        })
    }
}

/// Parameters 1 and 2: the creation, and the position of its shard. A comment that was taken back stays as a
/// gap where it had been answered.
pub(super) const MEMBERS: &str = "c.creation_id = $1 AND c.position <= $2
    AND (c.deleted_position IS NULL OR c.deleted_position > $2 OR c.answers > 0)";
pub(super) const SHOWN: &str = "(c.deleted_position IS NULL OR c.answers > 0)";
pub(super) const COLUMNS: &str =
    "c.comment_id, c.number, c.creation_id, c.account_id, c.user_id, a.username, c.parent_number,
    c.depth, c.body, c.ups, c.downs, v.vote, c.deleted_position IS NOT NULL AS deleted, c.recorded_at";

impl ReadModels {
    /// A numbered page of a creation's comments, by when they were made. `reader` is whose votes are told.
    pub async fn comment_page(
        &self,
        creation: CreationId,
        reader: Option<AccountId>,
        paging: &Paging,
    ) -> Result<Page<Comment>, QueryError> {
        let shard = creation.shard();
        let list = Listed::of(&[b"comments", creation.0.as_bytes()]);
        let (as_of, total) = match (paging.pinned().filter(|said| said.get(shard).is_some()), paging.total(list)) {
            (Some(positions), Some(total)) => (positions.clone(), total),
            (Some(positions), None) => (positions.clone(), self.count_comments(creation, positions).await?),
            (None, _) => self.listed_comments(creation).await?,
        };
        let position = as_of.get(shard).map_or(0, position_column);
        let direction = paging.order.direction();
        let sql = format!(
            "SELECT {COLUMNS} FROM (
                 SELECT * FROM read_people_v1.comments c WHERE {MEMBERS}
                 ORDER BY c.recorded_at {direction}, c.number {direction} LIMIT $4 OFFSET $5) AS c
             {AUTHOR}
             LEFT JOIN read_people_v1.votes v ON v.comment_id = c.comment_id AND v.voter = $3
             WHERE {SHOWN} ORDER BY c.recorded_at {direction}, c.number {direction}"
        );
        let mut steady = self.steady().await?;
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(creation.0)
            .bind(position)
            .bind(reader.map(Uuid::from))
            .bind(paging.limit())
            .bind(paging.offset())
            .fetch_all(&mut *steady)
            .await?;
        let items = rows.into_iter().map(View::shown).collect::<Result<_, _>>()?;
        Ok(Page::counted(items, list, total, as_of))
    }

    /// How far the creation's shard is applied, and how many comments are listed there: both of one moment.
    async fn listed_comments(&self, creation: CreationId) -> Result<(Positions, Total), QueryError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "SELECT k.position, coalesce(c.listed, 0) FROM read_people_v1.checkpoints k
             LEFT JOIN read_people_v1.comment_counts c ON c.creation_id = $2 WHERE k.shard = $1",
        )
        .bind(shard_column(creation.shard()))
        .bind(creation.0)
        .fetch_optional(&self.pool)
        .await?;
        let (position, listed) = row.unwrap_or_default();
        let positions = Positions::one(creation.shard(), Position(unsigned(TABLE, position)?));
        Ok((positions, Total::exact(unsigned(TABLE, listed)?)))
    }

    async fn count_comments(&self, creation: CreationId, as_of: &Positions) -> Result<Total, QueryError> {
        let sql = format!("SELECT count(*) FROM read_people_v1.comments c WHERE {MEMBERS}");
        let position = as_of.get(creation.shard()).map_or(0, position_column);
        let total: i64 = sqlx::query_scalar(&sql).bind(creation.0).bind(position).fetch_one(&self.pool).await?;
        Ok(Total::exact(unsigned(TABLE, total)?))
    }

    /// One comment by its public integer id, taken back or not; `None` if there is none.
    pub async fn comment(&self, number: u64, reader: Option<AccountId>) -> Result<Option<Comment>, QueryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM read_people_v1.comments c
             {AUTHOR}
             LEFT JOIN read_people_v1.votes v ON v.comment_id = c.comment_id AND v.voter = $2
             WHERE c.number = $1"
        );
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let row: Option<View> =
            sqlx::query_as(&sql).bind(number).bind(reader.map(Uuid::from)).fetch_optional(&self.pool).await?;
        row.map(View::shown).transpose()
    }

    /// How many comments a creation's list has: gaps that hold answers count.
    pub async fn comments_listed(&self, creation: CreationId) -> Result<u64, QueryError> {
        let (_, total) = self.listed_comments(creation).await?;
        Ok(total.items)
    }

    /// How many comments a creation has that were not taken back.
    pub async fn comment_count(&self, creation: CreationId) -> Result<u64, QueryError> {
        let count: Option<i64> =
            sqlx::query_scalar("SELECT comments FROM read_people_v1.comment_counts WHERE creation_id = $1")
                .bind(creation.0)
                .fetch_optional(&self.pool)
                .await?;
        unsigned(TABLE, count.unwrap_or_default())
    }
}
