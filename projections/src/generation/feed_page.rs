//! The feed: what everybody may see of those whom an account follows. It is put together when it is read; how
//! depends on whom one follows, so that neither thousands of followed people nor a few who made little cost a
//! walk through everything (docs/adr/0008-the-feed-is-read.md).

use mintmark_domain::catalog::MediaType;
use mintmark_domain::ids::AccountId;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgConnection, Postgres};

use super::creation_lists::{CreationFilter, CreationList, IN_PUBLIC, STILL_PUBLIC, directions};
use super::creations::{COLUMNS, Creation, READABLE, RUN, View};
use crate::accounts::AUTHOR;
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
    /// Of how many who are followed the kept totals are asked for.
    pub asked_for_totals: i64,
    /// From how many items on, by these totals, a feed surely has more than is counted.
    pub long_from: i64,
    /// How many of the newest creations of all are looked through for those of many followed people, for each
    /// item that is wanted.
    pub walked_for_each: i64,
}

impl Default for FeedLimits {
    fn default() -> Self {
        FeedLimits { counted_max: 500, few: 500, asked_for_totals: 200, long_from: 1_000, walked_for_each: 100 }
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
    limits: FeedLimits,
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

    fn bind<'q, O>(&self, query: Query<'q, O>) -> Query<'q, O> {
        query
            .bind(self.as_of.by_number())
            .bind(self.reader.0)
            .bind(self.filter.generator.clone())
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
        let wanted = Wanted { reader, filter, paging, as_of: &as_of, limits };
        let mut steady = self.steady().await?;
        let extent = wanted.extent(&mut steady).await?;
        let told = paging.total(list.listed(filter)).filter(|total| total.capped);
        let (total, whole) = match told {
            Some(total) => (total, None),
            None if wanted.is_long(&mut steady).await? => (wanted.capped(), None),
            None => wanted.whole(&mut steady, extent).await?,
        };
        let numbers = match whole {
            Some(numbers) => numbers,
            None => wanted.part(&mut steady, extent).await?,
        };
        let items = wanted.still_listed(&mut steady, numbers).await?;
        steady.commit().await?;
        Ok(Page::counted(items, list.listed(filter), total, as_of))
    }
}

/// Of how much a feed is put together, by now.
#[derive(Clone, Copy)]
struct Extent {
    /// How many are followed.
    following: i64,
    /// How much everybody may see, of the wanted generator and medium.
    listed: i64,
}

impl Wanted<'_> {
    async fn extent(&self, connection: &mut PgConnection) -> sqlx::Result<Extent> {
        let (following, listed) = sqlx::query_as(
            "SELECT coalesce((SELECT following FROM read_people_v1.follow_counts WHERE account_id = $1), 0),
                    (SELECT coalesce(sum(listed), 0)::bigint FROM read_generation_v2.listed_totals
                     WHERE ($2::text IS NULL OR generator = $2) AND ($3::text IS NULL OR media_type = $3))",
        )
        .bind(self.reader.0)
        .bind(&self.filter.generator)
        .bind(self.filter.media_type.map(MediaType::as_str))
        .fetch_one(connection)
        .await?;
        Ok(Extent { following, listed })
    }

    /// Whether the author of a creation `c` is followed. LIMIT 1 keeps one probe for each row: without it all that
    /// is followed would be read first.
    fn by_followed() -> String {
        format!(
            "CROSS JOIN LATERAL (SELECT FROM read_people_v1.follows f
                                 WHERE f.followee = c.account_id AND {FOLLOWED} LIMIT 1) AS f"
        )
    }

    /// So many of what an author has listed, the newest (or oldest) first.
    fn first_of(&self, author: &str, count: &str) -> String {
        format!(
            "CROSS JOIN LATERAL (SELECT c.recorded_at, c.number FROM read_generation_v2.creations c
                                 WHERE c.account_id = {author} AND {} {} LIMIT {count}) AS c",
            self.listed(),
            self.order("c")
        )
    }

    /// Whether there is more than is counted, by the kept totals of a few of those who are followed. They tell of now,
    /// and of everything an author has listed: so only for a walk that begins here, and for more than could have been
    /// taken out of the list in the moment between.
    async fn is_long(&self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        if self.paging.pinned().is_some() || *self.filter != CreationFilter::default() {
            return Ok(false);
        }
        let listed: i64 = sqlx::query_scalar(&format!(
            "SELECT coalesce(sum(n.listed), 0)::bigint
             FROM (SELECT f.followee FROM read_people_v1.follows f WHERE {FOLLOWED} LIMIT $3) AS f
             CROSS JOIN LATERAL (SELECT n.listed FROM read_generation_v2.creation_counts n
                                 WHERE n.account_id = f.followee LIMIT 1) AS n"
        ))
        .bind(self.as_of.by_number())
        .bind(self.reader.0)
        .bind(self.limits.asked_for_totals)
        .fetch_one(connection)
        .await?;
        Ok(listed >= self.limits.long_from)
    }

    fn capped(&self) -> Total {
        Total { items: self.limits.counted_max.unsigned_abs(), capped: true }
    }

    /// How much there is, up to the most that is counted; and the page itself where that is all. Asks for each
    /// who is followed, or for each creation, whichever are fewer.
    async fn whole(
        &self,
        connection: &mut PgConnection,
        extent: Extent,
    ) -> Result<(Total, Option<Vec<i64>>), QueryError> {
        let all = if extent.listed < extent.following {
            format!("read_generation_v2.creations c {} WHERE {}", Self::by_followed(), self.listed())
        } else {
            format!("read_people_v1.follows f {} WHERE {FOLLOWED}", self.first_of("f.followee", "$5"))
        };
        let sql = format!(
            "SELECT count(*), CASE WHEN count(*) < $5
                 THEN coalesce((array_agg(c.number {}))[($6 + 1)::int : ($6 + $7)::int], ARRAY[]::bigint[]) END
             FROM (SELECT c.recorded_at, c.number FROM {all} LIMIT $5) AS c",
            self.order("c")
        );
        let most = self.limits.counted_max;
        let (found, numbers): (i64, Option<Vec<i64>>) = self
            .bind(sqlx::query_as(&sql))
            .bind(most + 1)
            .bind(self.paging.offset())
            .bind(self.paging.limit())
            .fetch_one(connection)
            .await?;
        Ok((Total { items: unsigned("creations", found.min(most))?, capped: found > most }, numbers))
    }

    /// The numbers on a page of a feed that has more than is counted.
    async fn part(&self, connection: &mut PgConnection, extent: Extent) -> sqlx::Result<Vec<i64>> {
        if extent.following > self.limits.few {
            let found = self.by_time(connection).await?;
            if i64::try_from(found.len()).is_ok_and(|found| found == self.paging.limit()) {
                return Ok(found);
            }
        }
        self.by_author(connection).await
    }

    /// Looks through what everybody may see, from the newest on, for what those that are followed made. Finds
    /// less than there is where that lies further down.
    async fn by_time(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
        let reach = self.paging.offset() + self.paging.limit();
        let sql = format!(
            "SELECT c.number
             FROM (SELECT c.account_id, c.recorded_at, c.number FROM read_generation_v2.creations c
                   WHERE {} {} LIMIT $5) AS c
             {} {} LIMIT $6 OFFSET $7",
            self.listed(),
            self.order("c"),
            Self::by_followed(),
            self.order("c")
        );
        self.numbers(connection, &sql, reach * self.limits.walked_for_each).await
    }

    /// Looks at the newest of each who is followed: of so many items only as many authors can be, those whose
    /// newest are newest.
    async fn by_author(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
        let reach = self.paging.offset() + self.paging.limit();
        let sql = format!(
            "WITH authors AS MATERIALIZED (
                 SELECT f.followee FROM read_people_v1.follows f {} WHERE {FOLLOWED} {} LIMIT $5)
             SELECT c.number FROM authors {} {} LIMIT $6 OFFSET $7",
            self.first_of("f.followee", "1"),
            self.order("c"),
            self.first_of("authors.followee", "$5"),
            self.order("c")
        );
        self.numbers(connection, &sql, reach).await
    }

    async fn numbers(&self, connection: &mut PgConnection, sql: &str, most: i64) -> sqlx::Result<Vec<i64>> {
        let found = self.bind(sqlx::query_as(sql)).bind(most).bind(self.paging.limit()).bind(self.paging.offset());
        let rows: Vec<(i64,)> = found.fetch_all(connection).await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn still_listed(
        &self,
        connection: &mut PgConnection,
        numbers: Vec<i64>,
    ) -> Result<Vec<Creation>, QueryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM read_generation_v2.creations c {RUN} {AUTHOR}
             WHERE c.number = ANY($1) AND {STILL_PUBLIC} AND {READABLE} {}",
            self.order("c")
        );
        let rows: Vec<View> = sqlx::query_as(&sql).bind(numbers).fetch_all(connection).await?;
        rows.into_iter().map(View::shown).collect()
    }
}
