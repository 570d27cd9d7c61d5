//! Who follows whom.

use chrono::{DateTime, Utc};
use mintmark_domain::es::Position;
use mintmark_domain::ids::AccountId;
use mintmark_domain::{Shard, Timestamp};
use uuid::Uuid;

use crate::as_of::{Listed, Total};
use crate::error::QueryError;
use crate::positions::Positions;
use crate::reads::{Page, Paging, ReadModels};
use crate::sql::unsigned;

/// Which side of follows is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowList {
    /// Who follows the account.
    Followers(AccountId),
    /// Whom the account follows.
    Following(AccountId),
}

/// How many follow an account, and how many it follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowCounts {
    /// Who follows it.
    pub followers: u64,
    /// Whom it follows.
    pub following: u64,
}

/// The table's name in errors.
const TABLE: &str = "follows";

/// Parameters 1 and 2: the account, the position of each shard (by number + 1).
pub(super) const HELD: &str = "(f.listed_from <= ($2::bigint[])[f.shard + 1]
       AND (f.listed_until IS NULL OR f.listed_until > ($2::bigint[])[f.shard + 1])
     OR f.listed_before IS NOT NULL AND f.listed_before::int8multirange @> ($2::bigint[])[f.shard + 1])";

impl FollowList {
    /// The column of who asks, and that of who is listed.
    pub(super) fn columns(self) -> (&'static str, &'static str) {
        match self {
            FollowList::Followers(_) => ("followee", "follower"),
            FollowList::Following(_) => ("follower", "followee"),
        }
    }

    pub(super) fn account(self) -> AccountId {
        let (FollowList::Followers(account) | FollowList::Following(account)) = self;
        account
    }

    /// What its total belongs to.
    fn listed(self) -> Listed {
        let name: &[u8] = match self {
            FollowList::Followers(_) => b"followers",
            FollowList::Following(_) => b"following",
        };
        Listed::of(&[name, self.account().0.as_bytes()])
    }

    fn of(self, counts: FollowCounts) -> u64 {
        match self {
            FollowList::Followers(_) => counts.followers,
            FollowList::Following(_) => counts.following,
        }
    }
}

impl ReadModels {
    /// A numbered page of accounts, by when they were followed or began to follow. Who stopped since the first
    /// page keeps their place, so that nothing moves, but is not shown.
    pub async fn follow_page(
        &self,
        list: FollowList,
        paging: &Paging,
    ) -> Result<Page<(AccountId, Timestamp)>, QueryError> {
        let counted_of = list.listed();
        let (as_of, total) = match (paging.pinned(), paging.total(counted_of)) {
            (Some(positions), Some(total)) => (positions.clone(), total),
            (Some(positions), None) => (positions.clone(), self.count_follows(list, positions).await?),
            (None, _) => self.kept_follows(list).await?,
        };
        let (of, listed) = list.columns();
        let direction = paging.order.direction();
        let sql = format!(
            "SELECT listed, followed_at FROM (
                 SELECT f.{listed} AS listed, f.followed_at, f.listed_until FROM read_people_v1.follows f
                 WHERE f.{of} = $1 AND {HELD}
                 ORDER BY f.followed_at {direction}, f.{listed} {direction} LIMIT $3 OFFSET $4) AS page
             WHERE listed_until IS NULL ORDER BY followed_at {direction}, listed {direction}"
        );
        let mut steady = self.steady().await?;
        let rows: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(&sql)
            .bind(list.account().0)
            .bind(as_of.by_number())
            .bind(paging.limit())
            .bind(paging.offset())
            .fetch_all(&mut *steady)
            .await?;
        let items = rows.into_iter().map(|(account, at)| (AccountId(account), at)).collect();
        Ok(Page::counted(items, counted_of, total, as_of))
    }

    /// How far each shard is applied, and how many the list has there: both of one moment.
    async fn kept_follows(&self, list: FollowList) -> Result<(Positions, Total), QueryError> {
        let rows: Vec<(i16, i64, i64, i64)> = sqlx::query_as(
            "SELECT k.shard, k.position, coalesce(c.followers, 0), coalesce(c.following, 0)
             FROM read_people_v1.checkpoints k LEFT JOIN read_people_v1.follow_counts c ON c.account_id = $1",
        )
        .bind(list.account().0)
        .fetch_all(&self.pool)
        .await?;
        let (mut positions, mut total) = (Positions::default(), 0);
        for (shard, position, followers, following) in rows {
            if let Some(shard) = Shard::new(shard.cast_unsigned()) {
                positions.raise(shard, Position(unsigned(TABLE, position)?));
            }
            let (followers, following) = (unsigned(TABLE, followers)?, unsigned(TABLE, following)?);
            total = list.of(FollowCounts { followers, following });
        }
        Ok((positions, Total::exact(total)))
    }

    async fn count_follows(&self, list: FollowList, as_of: &Positions) -> Result<Total, QueryError> {
        let (of, _) = list.columns();
        let sql = format!("SELECT count(*) FROM read_people_v1.follows f WHERE f.{of} = $1 AND {HELD}");
        let count: i64 =
            sqlx::query_scalar(&sql).bind(list.account().0).bind(as_of.by_number()).fetch_one(&self.pool).await?;
        Ok(Total::exact(unsigned(TABLE, count)?))
    }

    /// How many follow an account, and how many it follows.
    pub async fn follow_counts(&self, account: AccountId) -> Result<FollowCounts, QueryError> {
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT followers, following FROM read_people_v1.follow_counts WHERE account_id = $1")
                .bind(account.0)
                .fetch_optional(&self.pool)
                .await?;
        let Some((followers, following)) = row else { return Ok(FollowCounts::default()) };
        Ok(FollowCounts {
            followers: unsigned("follow_counts", followers)?,
            following: unsigned("follow_counts", following)?,
        })
    }
}
