//! The feed: what everybody may see of those whom an account follows. It is put together when it is read; how
//! depends on whom one follows, so that neither thousands of followed people nor a few who made little cost a
//! walk through everything (docs/adr/0008-the-feed-is-read.md).

use mintmark_domain::catalog::MediaType;
use mintmark_domain::ids::AccountId;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgConnection, Postgres};
use uuid::Uuid;

use super::creation_lists::{CreationFilter, IN_PUBLIC, STILL_PUBLIC, beyond};
use super::creations::{COLUMNS, Creation, READABLE, RUN, View};
use crate::accounts::AUTHOR;
use crate::as_of::Total;
use crate::error::QueryError;
use crate::positions::{Place, Positions, Walk};
use crate::projection::ProjectionName;
use crate::reads::{Order, Page, Paging, ReadModels, Stretch};
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
        FeedLimits { counted_max: 200, few: 500, asked_for_totals: 200, long_from: 500, walked_for_each: 100 }
    }
}

/// Whom the reader followed at the walk's positions. Parameters: 1 the position of each shard, 2 the reader.
const FOLLOWED: &str = "f.follower = $2
    AND (f.listed_from <= ($1::bigint[])[f.shard + 1]
           AND (f.listed_until IS NULL OR f.listed_until > ($1::bigint[])[f.shard + 1])
         OR f.listed_before IS NOT NULL AND f.listed_before::int8multirange @> ($1::bigint[])[f.shard + 1])";

/// What is wanted of a feed.
struct Wanted<'a> {
    reader: AccountId,
    filter: &'a CreationFilter,
    order: Order,
    as_of: &'a Positions,
    section: Section,
    limits: FeedLimits,
}

/// Which section of it.
#[derive(Clone, Copy)]
enum Section {
    /// So many after a number of others. What was taken out of the list since the first page keeps its place.
    Page { offset: i64, limit: i64, is_first: bool },
    /// So many after a place. What was taken out of the list has no place.
    Walk { after: Option<Place>, limit: i64 },
}

impl Section {
    fn limit(self) -> i64 {
        match self {
            Section::Page { limit, .. } | Section::Walk { limit, .. } => limit,
        }
    }

    fn offset(self) -> i64 {
        match self {
            Section::Page { offset, .. } => offset,
            Section::Walk { .. } => 0,
        }
    }

    /// Up to where the list is looked at.
    fn reach(self) -> i64 {
        self.offset() + self.limit()
    }

    fn after(self) -> Option<Place> {
        match self {
            Section::Page { .. } => None,
            Section::Walk { after, .. } => after,
        }
    }
}

type Query<'q, O> = QueryAs<'q, Postgres, O, PgArguments>;

impl Wanted<'_> {
    /// What of creations `c` may be in it. Parameters 3 and 4: generator and medium; 5 and 6: the place after
    /// which it begins.
    fn listed(&self) -> String {
        let (wanted, beyond) = (self.filter.wanted(), beyond(self.order, self.section.after()));
        let listed = format!("{wanted} AND {IN_PUBLIC}{beyond}");
        match self.section {
            Section::Page { .. } => listed,
            Section::Walk { .. } => format!("{listed} AND {STILL_PUBLIC} AND {READABLE}"),
        }
    }

    fn order(&self, of: &str) -> String {
        let direction = self.order.direction();
        format!("ORDER BY {of}.recorded_at {direction}, {of}.number {direction}")
    }

    fn bind<'q, O>(&self, query: Query<'q, O>) -> Query<'q, O> {
        let after = self.section.after();
        query
            .bind(self.as_of.by_number())
            .bind(self.reader.0)
            .bind(self.filter.generator.clone())
            .bind(self.filter.media_type.map(MediaType::as_str))
            .bind(after.map(|place| place.at))
            .bind(after.map_or_else(Uuid::nil, |place| place.id))
    }
}

impl ReadModels {
    /// A numbered page of what everybody may see of those whom an account follows, ordered by when it was asked for.
    ///
    /// What was taken out of the list since the first page keeps its place, so that nothing moves, but is not shown:
    /// such a page holds fewer rows.
    pub async fn feed_page(
        &self,
        reader: AccountId,
        filter: &CreationFilter,
        paging: &Paging,
    ) -> Result<Page<Creation>, QueryError> {
        self.feed_page_within(FeedLimits::default(), reader, filter, paging).await
    }

    pub(crate) async fn feed_page_within(
        &self,
        limits: FeedLimits,
        reader: AccountId,
        filter: &CreationFilter,
        paging: &Paging,
    ) -> Result<Page<Creation>, QueryError> {
        let as_of = self.pin_feed(paging.pinned()).await?;
        let list = filter.listed(b"feed", Some(reader.0), None);
        let is_first = paging.pinned().is_none();
        let section = Section::Page { offset: paging.offset(), limit: paging.limit(), is_first };
        let wanted = Wanted { reader, filter, order: paging.order, as_of: &as_of, section, limits };
        let mut steady = self.steady().await?;
        let extent = wanted.extent(&mut steady).await?;
        let (total, whole) = match paging.total(list).filter(|total| total.capped) {
            Some(told) => (told, None),
            None if extent.kept >= limits.long_from => (wanted.capped(), None),
            None => wanted.whole(&mut steady, extent).await?,
        };
        let numbers = match whole {
            Some(numbers) => numbers,
            None => wanted.part(&mut steady, extent).await?,
        };
        let items = wanted.still_listed(&mut steady, numbers).await?;
        Ok(Page::counted(items, list, total, as_of))
    }

    /// A stretch of a walk through a feed, ordered by when its creations were asked for.
    pub async fn feed_walk(
        &self,
        reader: AccountId,
        filter: &CreationFilter,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Creation>, QueryError> {
        self.feed_walk_within(FeedLimits::default(), reader, filter, order, walk, limit).await
    }

    pub(crate) async fn feed_walk_within(
        &self,
        limits: FeedLimits,
        reader: AccountId,
        filter: &CreationFilter,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Creation>, QueryError> {
        let as_of = self.pin_feed(walk.pinned()).await?;
        let limit = Paging::first(limit).limit();
        let section = Section::Walk { after: walk.after, limit: limit + 1 };
        let wanted = Wanted { reader, filter, order, as_of: &as_of, section, limits };
        let mut steady = self.steady().await?;
        let extent = wanted.extent(&mut steady).await?;
        let numbers = wanted.part(&mut steady, extent).await?;
        let found = wanted.still_listed(&mut steady, numbers).await?;
        Ok(Stretch::of(found.into_iter().map(|creation| (creation.place(), creation)).collect(), limit, as_of))
    }

    /// Of whom one follows, and of what they made: as far as both are applied.
    async fn pin_feed(&self, said: Option<&Positions>) -> Result<Positions, QueryError> {
        match said {
            Some(said) => Ok(said.clone()),
            None => self.passed(&[ProjectionName::People, ProjectionName::Generation]).await,
        }
    }
}

/// Of how much a feed is put together, by now.
#[derive(Clone, Copy, sqlx::FromRow)]
struct Extent {
    /// How many are followed.
    following: i64,
    /// How much everybody may see, of the wanted generator and medium.
    listed: i64,
    /// How much a few of those who are followed have listed, by kept totals.
    kept: i64,
}

impl Wanted<'_> {
    async fn extent(&self, connection: &mut PgConnection) -> sqlx::Result<Extent> {
        let sql = format!(
            "SELECT coalesce((SELECT following FROM read_people_v1.follow_counts WHERE account_id = $2), 0) AS following,
                    (SELECT coalesce(sum(listed), 0)::bigint FROM read_generation_v3.listed_totals
                     WHERE ($3::text IS NULL OR generator = $3) AND ($4::text IS NULL OR media_type = $4)) AS listed,
                    (SELECT coalesce(sum(n.listed), 0)::bigint
                     FROM (SELECT f.followee FROM read_people_v1.follows f WHERE {FOLLOWED} LIMIT $7) AS f
                     CROSS JOIN LATERAL (SELECT n.listed FROM read_generation_v3.creation_counts n
                                         WHERE n.account_id = f.followee LIMIT 1) AS n) AS kept"
        );
        self.bind(sqlx::query_as(&sql)).bind(self.asked_for_totals()).fetch_one(connection).await
    }

    /// Kept totals tell of now, and of everything that an author has listed: they are asked for only where a walk
    /// begins, and believed only where they tell of more than could have been taken out of the list in the moment
    /// between.
    fn asked_for_totals(&self) -> i64 {
        let is_first = matches!(self.section, Section::Page { is_first: true, .. });
        if is_first && *self.filter == CreationFilter::default() { self.limits.asked_for_totals } else { 0 }
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
            "CROSS JOIN LATERAL (SELECT c.recorded_at, c.number FROM read_generation_v3.creations c
                                 WHERE c.account_id = {author} AND {} {} LIMIT {count}) AS c",
            self.listed(),
            self.order("c")
        )
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
            format!("read_generation_v3.creations c {} WHERE {}", Self::by_followed(), self.listed())
        } else {
            format!("read_people_v1.follows f {} WHERE {FOLLOWED}", self.first_of("f.followee", "$7"))
        };
        let sql = format!(
            "SELECT count(*), CASE WHEN count(*) < $7
                 THEN coalesce((array_agg(c.number {}))[($8 + 1)::int : ($8 + $9)::int], ARRAY[]::bigint[]) END
             FROM (SELECT c.recorded_at, c.number FROM {all} LIMIT $7) AS c",
            self.order("c")
        );
        let most = self.limits.counted_max;
        let (found, numbers): (i64, Option<Vec<i64>>) = self
            .bind(sqlx::query_as(&sql))
            .bind(most + 1)
            .bind(self.section.offset())
            .bind(self.section.limit())
            .fetch_one(connection)
            .await?;
        Ok((Total { items: unsigned("creations", found.min(most))?, capped: found > most }, numbers))
    }

    /// The numbers of what is wanted, without all that there is having been looked at.
    async fn part(&self, connection: &mut PgConnection, extent: Extent) -> sqlx::Result<Vec<i64>> {
        if extent.following > self.limits.few {
            let found = self.by_time(connection).await?;
            if i64::try_from(found.len()).is_ok_and(|found| found == self.section.limit()) {
                return Ok(found);
            }
        }
        self.by_author(connection).await
    }

    /// Looks through what everybody may see, from the newest on, for what those that are followed made. Finds
    /// less than there is where that lies further down.
    async fn by_time(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
        let sql = format!(
            "SELECT c.number
             FROM (SELECT c.account_id, c.recorded_at, c.number FROM read_generation_v3.creations c
                   WHERE {} {} LIMIT $7) AS c
             {} {} LIMIT $8 OFFSET $9",
            self.listed(),
            self.order("c"),
            Self::by_followed(),
            self.order("c")
        );
        self.numbers(connection, &sql, self.section.reach() * self.limits.walked_for_each).await
    }

    /// Looks at the newest of each who is followed: of so many items only as many authors can be, those whose
    /// newest are newest.
    async fn by_author(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
        let sql = format!(
            "WITH authors AS MATERIALIZED (
                 SELECT f.followee FROM read_people_v1.follows f {} WHERE {FOLLOWED} {} LIMIT $7)
             SELECT c.number FROM authors {} {} LIMIT $8 OFFSET $9",
            self.first_of("f.followee", "1"),
            self.order("c"),
            self.first_of("authors.followee", "$7"),
            self.order("c")
        );
        self.numbers(connection, &sql, self.section.reach()).await
    }

    async fn numbers(&self, connection: &mut PgConnection, sql: &str, most: i64) -> sqlx::Result<Vec<i64>> {
        let found = self.bind(sqlx::query_as(sql)).bind(most).bind(self.section.limit()).bind(self.section.offset());
        let rows: Vec<(i64,)> = found.fetch_all(connection).await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    async fn still_listed(
        &self,
        connection: &mut PgConnection,
        numbers: Vec<i64>,
    ) -> Result<Vec<Creation>, QueryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM read_generation_v3.creations c {RUN} {AUTHOR}
             WHERE c.number = ANY($1) AND {STILL_PUBLIC} AND {READABLE} {}",
            self.order("c")
        );
        let rows: Vec<View> = sqlx::query_as(&sql).bind(numbers).fetch_all(connection).await?;
        rows.into_iter().map(View::shown).collect()
    }
}
