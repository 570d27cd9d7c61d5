//! The feed: what everybody may see of those whom an account follows. It is put together when it is read; how
//! depends on whom one follows, so that neither thousands of followed people nor a few who made little cost a
//! walk through everything (docs/adr/0008-the-feed-is-read.md).

use mintmark_domain::catalog::MediaType;
use mintmark_domain::ids::AccountId;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;

use super::creation_lists::{CreationFilter, CreationList, IN_PUBLIC, STILL_PUBLIC, directions};
use super::creations::{COLUMNS, Creation, JOINS, READABLE, View};
use crate::as_of::Total;
use crate::error::QueryError;
use crate::positions::Positions;
use crate::reads::{Page, Paging, ReadModels};
use crate::sql::unsigned;

/// From where on a feed is put together in another way, in rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedLimits {
    /// Up to how many items are counted. A feed that has no more is read whole.
    pub counted_max: i64,
    /// Who follows no more than so many has each of them looked at.
    pub few: i64,
    /// How many of the newest creations of all are looked through for those of many followed people, for each
    /// item that is wanted.
    pub walked_for_each: i64,
}

impl Default for FeedLimits {
    fn default() -> Self {
        FeedLimits { counted_max: 1_000, few: 500, walked_for_each: 100 }
    }
}

/// Whom the reader followed at the walk's positions. Parameters: 1 the position of each shard, 2 the reader.
const FOLLOWED: &str = "f.follower = $2
    AND (f.listed_from <= ($1::bigint[])[f.shard + 1]
           AND (f.listed_until IS NULL OR f.listed_until > ($1::bigint[])[f.shard + 1])
         OR f.listed_before IS NOT NULL AND f.listed_before::int8multirange @> ($1::bigint[])[f.shard + 1])";

/// A page that is wanted of a feed.
struct Wanted<'a> {
    reader: AccountId,
    filter: &'a CreationFilter,
    paging: &'a Paging,
    as_of: &'a Positions,
}

type Query<'q, O> = QueryAs<'q, Postgres, O, PgArguments>;

impl Wanted<'_> {
    /// What of creations `c` may be in it. Parameters 3 and 4: generator and medium.
    fn listed(&self) -> String {
        let generator = if self.filter.generator.is_some() { "c.generator = $3" } else { "$3::text IS NULL" };
        format!("{generator} AND {IN_PUBLIC}")
    }

    fn order(&self, of: &str) -> String {
        let (direction, _) = directions(self.paging.order);
        format!("ORDER BY {of}.recorded_at {direction}, {of}.number {direction}")
    }

    fn bind<'q, O>(&'q self, query: Query<'q, O>) -> Query<'q, O> {
        query
            .bind(self.as_of.by_number())
            .bind(self.reader.0)
            .bind(&self.filter.generator)
            .bind(self.filter.media_type.map(MediaType::as_str))
    }
}

impl ReadModels {
    pub(super) async fn feed_page(
        &self,
        reader: AccountId,
        filter: &CreationFilter,
        paging: &Paging,
    ) -> Result<Page<Creation>, QueryError> {
        self.feed_page_within(FeedLimits::default(), reader, filter, paging).await
    }

    /// A page of a feed. What was taken out of the list since the first page keeps its place and is not shown.
    pub(crate) async fn feed_page_within(
        &self,
        limits: FeedLimits,
        reader: AccountId,
        filter: &CreationFilter,
        paging: &Paging,
    ) -> Result<Page<Creation>, QueryError> {
        let list = CreationList::Feed(reader);
        let as_of = self.pin_creations(list, paging.pinned()).await?;
        let wanted = Wanted { reader, filter, paging, as_of: &as_of };
        let told = paging.total(list.listed(filter)).filter(|total| total.capped);
        let (total, whole) = match told {
            Some(total) => (total, None),
            None => self.whole_feed(&wanted, limits).await?,
        };
        let numbers = match whole {
            Some(numbers) => numbers,
            None => self.part_of_feed(&wanted, limits).await?,
        };
        let items = self.creations_still_listed(&wanted, numbers).await?;
        Ok(Page::counted(items, list.listed(filter), total, as_of))
    }

    /// How much there is, up to the most that is counted; and the page itself where that is all.
    async fn whole_feed(
        &self,
        wanted: &Wanted<'_>,
        limits: FeedLimits,
    ) -> Result<(Total, Option<Vec<i64>>), QueryError> {
        let sql = format!(
            "SELECT count(*), CASE WHEN count(*) < $5
                 THEN coalesce((array_agg(c.number {}))[($6 + 1)::int : ($6 + $7)::int], ARRAY[]::bigint[]) END
             FROM (SELECT c.recorded_at, c.number FROM read_people_v1.follows f
                   CROSS JOIN LATERAL (SELECT c.recorded_at, c.number FROM read_generation_v2.creations c
                                       WHERE c.account_id = f.followee AND {} LIMIT $5) AS c
                   WHERE {FOLLOWED} LIMIT $5) AS c",
            wanted.order("c"),
            wanted.listed()
        );
        let (found, numbers): (i64, Option<Vec<i64>>) = wanted
            .bind(sqlx::query_as(&sql))
            .bind(limits.counted_max + 1)
            .bind(wanted.paging.offset())
            .bind(wanted.paging.limit())
            .fetch_one(&self.pool)
            .await?;
        let total = Total {
            items: unsigned("creations", found.min(limits.counted_max))?,
            capped: found > limits.counted_max,
        };
        Ok((total, numbers))
    }

    /// The numbers on a page of a feed that has more than is counted.
    async fn part_of_feed(&self, wanted: &Wanted<'_>, limits: FeedLimits) -> Result<Vec<i64>, QueryError> {
        let following = self.follow_counts(wanted.reader).await?.following;
        if following > limits.few.unsigned_abs() {
            let found = self.feed_by_time(wanted, limits).await?;
            if i64::try_from(found.len()).is_ok_and(|found| found == wanted.paging.limit()) {
                return Ok(found);
            }
        }
        self.feed_by_author(wanted).await
    }

    /// Looks through what everybody may see, from the newest on, for what those that are followed made. Finds
    /// less than there is where that lies further down.
    async fn feed_by_time(&self, wanted: &Wanted<'_>, limits: FeedLimits) -> Result<Vec<i64>, QueryError> {
        let reach = wanted.paging.offset() + wanted.paging.limit();
        // LIMIT 1 keeps one probe for each row: without it all that is followed would be read first.
        let sql = format!(
            "SELECT c.number
             FROM (SELECT c.account_id, c.recorded_at, c.number FROM read_generation_v2.creations c
                   WHERE {} {} LIMIT $5) AS c
             CROSS JOIN LATERAL (SELECT FROM read_people_v1.follows f
                                 WHERE f.followee = c.account_id AND {FOLLOWED} LIMIT 1) AS f
             {} LIMIT $6 OFFSET $7",
            wanted.listed(),
            wanted.order("c"),
            wanted.order("c")
        );
        let rows: Vec<(i64,)> = wanted
            .bind(sqlx::query_as(&sql))
            .bind(reach * limits.walked_for_each)
            .bind(wanted.paging.limit())
            .bind(wanted.paging.offset())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    /// Looks at the newest of each who is followed: of so many items only as many authors can be, those whose
    /// newest are newest.
    async fn feed_by_author(&self, wanted: &Wanted<'_>) -> Result<Vec<i64>, QueryError> {
        let newest_of = |author: &str, count: &str| {
            format!(
                "CROSS JOIN LATERAL (SELECT c.recorded_at, c.number FROM read_generation_v2.creations c
                                     WHERE c.account_id = {author} AND {} {} LIMIT {count}) AS c",
                wanted.listed(),
                wanted.order("c")
            )
        };
        let sql = format!(
            "WITH authors AS MATERIALIZED (
                 SELECT f.followee FROM read_people_v1.follows f {} WHERE {FOLLOWED} {} LIMIT $5)
             SELECT c.number FROM authors {} {} LIMIT $6 OFFSET $7",
            newest_of("f.followee", "1"),
            wanted.order("c"),
            newest_of("authors.followee", "$5"),
            wanted.order("c")
        );
        let rows: Vec<(i64,)> = wanted
            .bind(sqlx::query_as(&sql))
            .bind(wanted.paging.offset() + wanted.paging.limit())
            .bind(wanted.paging.limit())
            .bind(wanted.paging.offset())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn creations_still_listed(
        &self,
        wanted: &Wanted<'_>,
        numbers: Vec<i64>,
    ) -> Result<Vec<Creation>, QueryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM read_generation_v2.creations c {JOINS}
             WHERE c.number = ANY($1) AND {STILL_PUBLIC} AND {READABLE} {}",
            wanted.order("c")
        );
        let rows: Vec<View> = sqlx::query_as(&sql).bind(numbers).fetch_all(&self.pool).await?;
        rows.into_iter().map(View::shown).collect()
    }
}
