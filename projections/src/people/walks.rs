//! Walks along comments and follows: pinned to their first page, by place instead of by number.

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{AccountId, CreationId};
use uuid::Uuid;

use super::comments::{COLUMNS, Comment, MEMBERS, SHOWN, View};
use super::follows::{FollowList, HELD};
use crate::accounts::AUTHOR;
use crate::error::QueryError;
use crate::positions::{Place, Walk, position_column};
use crate::projection::ProjectionName;
use crate::reads::{Order, Paging, ReadModels, Stretch};

impl ReadModels {
    /// A stretch of a creation's comments, by when they were made. `reader` is whose votes are told.
    pub async fn comment_walk(
        &self,
        creation: CreationId,
        reader: Option<AccountId>,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Comment>, QueryError> {
        let shard = creation.shard();
        let as_of = self.pin(ProjectionName::People, shard, walk.pinned()).await?;
        let position = as_of.get(shard).map_or(0, position_column);
        let limit = Paging::first(limit).limit();
        let direction = order.direction();
        let place = "($4, (SELECT number FROM read_people_v1.comments WHERE comment_id = $5))";
        let beyond = order.beyond(walk.after, "(c.recorded_at, c.number)", place);
        let sql = format!(
            "SELECT {COLUMNS} FROM (
                 SELECT * FROM read_people_v1.comments c WHERE {MEMBERS} AND {SHOWN}{beyond}
                 ORDER BY c.recorded_at {direction}, c.number {direction} LIMIT $6) AS c
             {AUTHOR}
             LEFT JOIN read_people_v1.votes v ON v.comment_id = c.comment_id AND v.voter = $3
             ORDER BY c.recorded_at {direction}, c.number {direction}"
        );
        let mut steady = self.steady().await?;
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(creation.0)
            .bind(position)
            .bind(reader.map(Uuid::from))
            .bind(walk.after.map(|place| place.at))
            .bind(walk.after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&mut *steady)
            .await?;
        let placed =
            |row: View| row.shown().map(|comment| (Place { at: comment.created_at, id: comment.id.0 }, comment));
        Ok(Stretch::of(rows.into_iter().map(placed).collect::<Result<_, _>>()?, limit, as_of))
    }

    /// A stretch of accounts, by when they were followed or began to follow.
    pub async fn follow_walk(
        &self,
        list: FollowList,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<(AccountId, Timestamp)>, QueryError> {
        let as_of = self.pin_all(ProjectionName::People, walk.pinned()).await?;
        let limit = Paging::first(limit).limit();
        let direction = order.direction();
        let (of, listed) = list.columns();
        let beyond = order.beyond(walk.after, &format!("(f.followed_at, f.{listed})"), "($3, $4)");
        let sql = format!(
            "SELECT f.{listed}, f.followed_at FROM read_people_v1.follows f
             WHERE f.{of} = $1 AND {HELD} AND f.listed_until IS NULL{beyond}
             ORDER BY f.followed_at {direction}, f.{listed} {direction} LIMIT $5"
        );
        let mut steady = self.steady().await?;
        let rows: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(&sql)
            .bind(list.account().0)
            .bind(as_of.by_number())
            .bind(walk.after.map(|place| place.at))
            .bind(walk.after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&mut *steady)
            .await?;
        let items = rows.into_iter().map(|(id, at)| (Place { at, id }, (AccountId(id), at))).collect();
        Ok(Stretch::of(items, limit, as_of))
    }
}
