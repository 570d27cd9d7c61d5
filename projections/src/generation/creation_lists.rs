//! Lists of creations: an owner's own, and those that everybody may see.

use mintmark_domain::catalog::MediaType;
use mintmark_domain::ids::{AccountId, TeamId};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use uuid::Uuid;

use super::creations::{COLUMNS, Creation, READABLE, RUN, View};
use crate::accounts::AUTHOR;
use crate::as_of::Listed;
use crate::error::QueryError;
use crate::positions::{Place, Positions, Walk};
use crate::projection::ProjectionName;
use crate::reads::{Order, Page, Paging, ReadModels, Stretch};

/// Whose creations are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreationList {
    /// All that an account has and has not deleted, for its owner's eyes.
    Own(AccountId),
    /// What everybody may see of an account's.
    OfUser(AccountId),
    /// What everybody may see.
    Public,
    /// What was made for a team: what everybody may see, and what is the reader's own and not deleted.
    OfTeam {
        /// The team.
        team: TeamId,
        /// Who reads.
        reader: AccountId,
    },
}

/// Which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreationFilter {
    /// Made with this generator.
    pub generator: Option<String>,
    /// Of this medium.
    pub media_type: Option<MediaType>,
}

/// What an owner had of creations `c`. Parameter 1: the position of each shard, by number + 1.
const IN_OWN: &str = "c.position <= ($1::bigint[])[c.shard + 1]
    AND (c.deleted_position IS NULL OR c.deleted_position > ($1::bigint[])[c.shard + 1])";
/// What everybody could see of them. Parameter 1 as above.
pub(super) const IN_PUBLIC: &str = "c.listed_from IS NOT NULL
    AND (c.listed_from <= ($1::bigint[])[c.shard + 1]
           AND (c.listed_until IS NULL OR c.listed_until > ($1::bigint[])[c.shard + 1])
         OR c.listed_before IS NOT NULL AND c.listed_before::int8multirange @> ($1::bigint[])[c.shard + 1])";
/// What is still to be seen of what was there when the walk began.
const STILL_OWN: &str = "c.deleted_position IS NULL";
pub(super) const STILL_PUBLIC: &str = "c.listed_until IS NULL";

impl CreationList {
    /// What was in the list at the walk's positions. Parameters: 1 these, 2 whose list it is, 3 the generator, 4 the
    /// medium.
    pub(super) fn members(self, filter: &CreationFilter) -> String {
        let wanted = filter.wanted();
        match self {
            CreationList::Own(_) => format!("c.account_id = $2 AND {wanted} AND {IN_OWN}"),
            CreationList::OfUser(_) => format!("c.account_id = $2 AND {wanted} AND {IN_PUBLIC}"),
            CreationList::Public => format!("$2::uuid IS NULL AND {wanted} AND {IN_PUBLIC}"),
            // The reader's id is written as a UUID is, and holds nothing else.
            CreationList::OfTeam { reader, .. } => format!(
                "c.team_id = $2 AND {wanted} AND ({IN_PUBLIC} OR c.account_id = '{}' AND {IN_OWN})",
                reader.0.as_hyphenated()
            ),
        }
    }

    fn still(self) -> String {
        match self {
            CreationList::Own(_) => STILL_OWN.to_owned(),
            CreationList::OfTeam { reader, .. } => {
                format!(
                    "({STILL_PUBLIC} AND c.listed_from IS NOT NULL OR {STILL_OWN} AND c.account_id = '{}')",
                    reader.0
                )
            }
            CreationList::OfUser(_) | CreationList::Public => STILL_PUBLIC.to_owned(),
        }
    }

    /// Whose list it is: parameter 2.
    fn of(self) -> Option<Uuid> {
        match self {
            CreationList::Own(account) | CreationList::OfUser(account) => Some(account.0),
            CreationList::OfTeam { team, .. } => Some(team.0),
            CreationList::Public => None,
        }
    }

    /// What its total belongs to.
    pub(super) fn listed(self, filter: &CreationFilter) -> Listed {
        let (name, reader): (&[u8], _) = match self {
            CreationList::Own(_) => (b"own", None),
            CreationList::OfUser(_) => (b"of_user", None),
            CreationList::Public => (b"public", None),
            CreationList::OfTeam { reader, .. } => (b"of_team", Some(reader.0)),
        };
        filter.listed(name, self.of(), reader)
    }
}

impl CreationFilter {
    /// Of the wanted generator and medium: with each and without, lists are served by indexes of their own.
    pub(super) fn wanted(&self) -> String {
        let generator = if self.generator.is_some() { "c.generator = $3" } else { "$3::text IS NULL" };
        let media_type = if self.media_type.is_some() { "c.media_type = $4" } else { "$4::text IS NULL" };
        format!("{generator} AND {media_type}")
    }

    /// What the total of a list of these belongs to.
    pub(super) fn listed(&self, name: &[u8], of: Option<Uuid>, reader: Option<Uuid>) -> Listed {
        let bytes = |id: Option<Uuid>| id.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        let generator = self.generator.as_deref().unwrap_or_default().as_bytes();
        let media_type = self.media_type.map_or("", MediaType::as_str).as_bytes();
        Listed::of(&[name, &bytes(of), &bytes(reader), generator, media_type])
    }
}

/// Where a walk through creations `c` stands, after the creation of parameter 6 and its time, 5.
pub(super) fn beyond(order: Order, after: Option<Place>) -> String {
    let place = "($5, (SELECT number FROM read_generation_v3.creations WHERE creation_id = $6))";
    order.beyond(after, "(c.recorded_at, c.number)", place)
}

pub(super) type Query<'q, O> = QueryAs<'q, Postgres, O, PgArguments>;

pub(super) fn bind<'q, O>(
    query: Query<'q, O>,
    list: CreationList,
    filter: &'q CreationFilter,
    as_of: &Positions,
) -> Query<'q, O> {
    query.bind(as_of.by_number()).bind(list.of()).bind(&filter.generator).bind(filter.media_type.map(MediaType::as_str))
}

impl ReadModels {
    /// A numbered page of creations, ordered by when they were asked for; what was asked for together
    /// by its number, which is the order of a run's outputs. (A creation's own id says nothing of it.)
    ///
    /// What was taken out of the list since the first page keeps its place, so that nothing moves, but
    /// is not shown: such a page holds fewer rows. So does what only a newer release understands.
    pub async fn creation_page(
        &self,
        list: CreationList,
        filter: &CreationFilter,
        paging: &Paging,
    ) -> Result<Page<Creation>, QueryError> {
        let (as_of, total) = self.creation_total(list, filter, paging).await?;
        let members = list.members(filter);
        let direction = paging.order.direction();
        let sql = format!(
            "SELECT {COLUMNS} FROM (
                 SELECT * FROM read_generation_v3.creations c WHERE {members}
                 ORDER BY c.recorded_at {direction}, c.number {direction} LIMIT $5 OFFSET $6) AS c {RUN} {AUTHOR}
             WHERE {} AND {READABLE} ORDER BY c.recorded_at {direction}, c.number {direction}",
            list.still()
        );
        let mut steady = self.steady().await?;
        let rows: Vec<View> = bind(sqlx::query_as(&sql), list, filter, &as_of)
            .bind(paging.limit())
            .bind(paging.offset())
            .fetch_all(&mut *steady)
            .await?;
        let items = rows.into_iter().map(View::shown).collect::<Result<_, _>>()?;
        Ok(Page::counted(items, list.listed(filter), total, as_of))
    }

    /// A stretch of a walk through creations, ordered by when they were asked for.
    pub async fn creation_walk(
        &self,
        list: CreationList,
        filter: &CreationFilter,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<Creation>, QueryError> {
        let as_of = self.pin_creations(list, walk.pinned()).await?;
        let limit = Paging::first(limit).limit();
        let (direction, beyond) = (order.direction(), beyond(order, walk.after));
        let sql = format!(
            "SELECT {COLUMNS} FROM (
                 SELECT * FROM read_generation_v3.creations c WHERE {} AND {} AND {READABLE}{beyond}
                 ORDER BY c.recorded_at {direction}, c.number {direction} LIMIT $7) AS c {RUN} {AUTHOR}
             ORDER BY c.recorded_at {direction}, c.number {direction}",
            list.members(filter),
            list.still()
        );
        let mut steady = self.steady().await?;
        let rows: Vec<View> = bind(sqlx::query_as(&sql), list, filter, &as_of)
            .bind(walk.after.map(|place| place.at))
            .bind(walk.after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&mut *steady)
            .await?;
        let shown = rows.into_iter().map(|row| row.shown().map(|creation| (creation.place(), creation)));
        Ok(Stretch::of(shown.collect::<Result<_, _>>()?, limit, as_of))
    }

    pub(super) async fn pin_creations(
        &self,
        list: CreationList,
        said: Option<&Positions>,
    ) -> Result<Positions, QueryError> {
        match list {
            CreationList::Own(account) | CreationList::OfUser(account) => {
                self.pin(ProjectionName::Generation, account.shard(), said).await
            }
            CreationList::Public | CreationList::OfTeam { .. } => self.pin_all(ProjectionName::Generation, said).await,
        }
    }
}
