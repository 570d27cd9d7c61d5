//! The way in for adapters: every query of every read model hangs on [`ReadModels`].

use std::sync::Arc;
use std::time::Duration;

use mintmark_domain::Shard;
use mintmark_domain::es::Position;
use sqlx::PgPool;
use uuid::Uuid;

use crate::as_of::{AsOf, Listed, Total};
use crate::error::QueryError;
use crate::positions::{Place, Positions, Walk};
use crate::projection::ProjectionName;
use crate::runner::{Board, Waited};

/// The most rows that one page holds, whatever is asked for.
pub const PAGE_ROWS_MAX: u32 = 1_000;

/// One snapshot, and every step by index, whatever is counted on: statistics of skewed data say little of one
/// person or one creation, and a plan that fetches all there is of it to sort it costs a hundred times as much where
/// there is most.
const STEADY: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off";

/// Which end of a list comes first. Lists are ordered by (recorded time, id).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl Order {
    /// As SQL says it.
    pub(crate) fn direction(self) -> &'static str {
        match self {
            Order::Newest => "DESC",
            Order::Oldest => "ASC",
        }
    }

    /// ` AND` what lies beyond a place in this order, of `columns`; nothing where a walk begins. (A condition that is
    /// there for both, "no place, or beyond it", would be looked at for each row: no index leads to it.)
    pub(crate) fn beyond(self, after: Option<Place>, columns: &str, place: &str) -> String {
        let sign = match self {
            Order::Newest => "<",
            Order::Oldest => ">",
        };
        after.map(|_| format!(" AND {columns} {sign} {place}")).unwrap_or_default()
    }
}

/// A numbered page of a list that is pinned to the positions of its first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u32,
    /// Rows on a page.
    pub per_page: u32,
    /// Which end comes first.
    pub order: Order,
    /// What the first page answered with; `None` on the first page.
    pub as_of: Option<AsOf>,
}

impl Paging {
    /// The first page, newest first.
    #[must_use]
    pub fn first(per_page: u32) -> Self {
        Paging { page: 1, per_page, order: Order::Newest, as_of: None }
    }

    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.per_page.clamp(1, PAGE_ROWS_MAX))
    }

    /// The positions that the walk is pinned to; `None` on the first page.
    pub(crate) fn pinned(&self) -> Option<&Positions> {
        self.as_of.as_ref().map(|as_of| &as_of.positions)
    }

    /// What the first page counted of `list`.
    pub(crate) fn total(&self, list: Listed) -> Option<Total> {
        self.as_of.as_ref()?.total(list)
    }

    pub(crate) fn offset(&self) -> i64 {
        i64::from(self.page.max(1) - 1) * self.limit()
    }
}

/// A numbered page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// How many rows all pages hold together.
    pub total: u64,
    /// Whether there are more than `total`, which is where counting ended.
    pub total_capped: bool,
    /// To be said when asking for the next page, so that it neither skips nor repeats.
    pub as_of: AsOf,
}

impl<T> Page<T> {
    /// A page of a list that has `total` items at `positions`.
    pub(crate) fn counted(items: Vec<T>, list: Listed, total: Total, positions: Positions) -> Self {
        let as_of = AsOf::counted(positions, list, total);
        Page { items, total: total.items, total_capped: total.capped, as_of }
    }
}

/// A stretch of a walk by cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch<T> {
    /// Its rows, each with its place.
    pub items: Vec<(Place, T)>,
    /// Whether more follow.
    pub has_more: bool,
    /// What the walk is pinned to.
    pub as_of: Positions,
}

impl<T> Stretch<T> {
    /// The cursor that goes on after a place.
    #[must_use]
    pub fn cursor(&self, place: Place) -> String {
        Walk { as_of: self.as_of.clone(), after: Some(place) }.to_token()
    }

    /// From one row more than asked for: what is shown, and whether there is more.
    pub(crate) fn of(mut items: Vec<(Place, T)>, limit: i64, as_of: Positions) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let has_more = items.len() > limit;
        items.truncate(limit);
        Stretch { items, has_more, as_of }
    }
}

/// The table in which a projection keeps how far it is.
fn checkpoints(projection: ProjectionName) -> &'static str {
    match projection {
        ProjectionName::Wallets => "read_wallets_v2.checkpoints",
        ProjectionName::Generation => "read_generation_v3.checkpoints",
        ProjectionName::Accounts => "read_accounts_v2.checkpoints",
        ProjectionName::People => "read_people_v1.checkpoints",
        ProjectionName::Search => "read_search_v1.checkpoints",
        ProjectionName::Webhooks => "webhook_follower.checkpoints",
    }
}

/// The read models: all that is shown of what happened.
///
/// Cheap to clone; everything is shared.
#[derive(Clone, Debug)]
pub struct ReadModels {
    pub(crate) pool: PgPool,
    board: Arc<Board>,
}

impl ReadModels {
    /// The read models in the database of `pool`. `board` is that of the process's runners; without
    /// any, waiting asks the database.
    #[must_use]
    pub fn new(pool: PgPool, board: Arc<Board>) -> Self {
        ReadModels { pool, board }
    }

    /// Up to where each shard is applied.
    pub async fn applied(&self, projection: ProjectionName) -> Result<Positions, QueryError> {
        let of_all = self.applied_by(&[projection]).await?;
        Ok(of_all.into_iter().next().unwrap_or_default())
    }

    /// Up to where all that concerns each of some projections is applied: a checkpoint follows what was passed over
    /// now and then only.
    pub(crate) async fn passed(&self, projections: &[ProjectionName]) -> Result<Positions, QueryError> {
        let mut of_all = self.applied_by(projections).await?;
        for health in self.board.health() {
            let at = projections.iter().position(|projection| *projection == health.projection);
            if let Some(positions) = at.and_then(|at| of_all.get_mut(at)) {
                positions.raise(health.shard, health.position);
            }
        }
        Ok(of_all.into_iter().reduce(|one, other| one.least(&other)).unwrap_or_default())
    }

    /// The checkpoints of some projections, in their order, all of one moment.
    async fn applied_by(&self, projections: &[ProjectionName]) -> Result<Vec<Positions>, QueryError> {
        let each = projections.iter().enumerate();
        let each = each.map(|(at, name)| format!("SELECT {at}, shard, position FROM {}", checkpoints(*name)));
        let sql = each.collect::<Vec<_>>().join(" UNION ALL ");
        let rows: Vec<(i32, i16, i64)> = sqlx::query_as(&sql).fetch_all(&self.pool).await?;
        let mut of_all = vec![Positions::default(); projections.len()];
        for (at, shard, position) in rows {
            let positions = usize::try_from(at).ok().and_then(|at| of_all.get_mut(at));
            if let (Some(positions), Some(shard)) = (positions, Shard::new(shard.cast_unsigned())) {
                positions.raise(shard, Position(position.unsigned_abs()));
            }
        }
        Ok(of_all)
    }

    /// A transaction for pages of lists whose order an index has. It has nothing to commit: dropped when all is read,
    /// it ends beside the answer rather than before it.
    pub(crate) async fn steady(&self) -> sqlx::Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        self.pool.begin_with(STEADY).await
    }

    /// What a list of one shard is pinned to: what was said, or what is applied now.
    pub(crate) async fn pin(
        &self,
        projection: ProjectionName,
        shard: Shard,
        said: Option<&Positions>,
    ) -> Result<Positions, QueryError> {
        if let Some(said) = said.filter(|said| said.get(shard).is_some()) {
            return Ok(said.clone());
        }
        let applied = self.applied(projection).await?;
        Ok(Positions::one(shard, applied.get(shard).unwrap_or_default()))
    }

    /// What a list over all shards is pinned to: what was said, or what is applied now.
    pub(crate) async fn pin_all(
        &self,
        projection: ProjectionName,
        said: Option<&Positions>,
    ) -> Result<Positions, QueryError> {
        match said {
            Some(said) => Ok(said.clone()),
            None => self.applied(projection).await,
        }
    }

    /// Waits until a projection has applied a shard up to `position`, so that a client reads what it
    /// wrote. Returns at once for a projection that is stopped.
    pub async fn wait_for(
        &self,
        projection: ProjectionName,
        shard: Shard,
        position: Position,
        timeout: Duration,
    ) -> Waited {
        let poll = || async {
            let applied = self.applied(projection).await.ok()?;
            applied.get(shard)
        };
        self.board.wait_for(projection, shard, position, timeout, poll).await
    }

    /// [`ReadModels::wait_for`] in every shard of `positions`.
    pub async fn wait_for_all(&self, projection: ProjectionName, positions: &Positions, timeout: Duration) -> Waited {
        let deadline = tokio::time::Instant::now() + timeout;
        let mut worst = Waited::Reached;
        for (shard, position) in positions.iter() {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            match self.wait_for(projection, shard, position, left).await {
                Waited::Reached => {}
                other => worst = other,
            }
        }
        worst
    }

    /// Refuses what belongs to a stream that only a newer release understands.
    pub(crate) async fn readable(&self, sql: &'static str, stream: Uuid) -> Result<(), QueryError> {
        let unreadable: bool = sqlx::query_scalar(sql).bind(stream).fetch_one(&self.pool).await?;
        if unreadable { Err(QueryError::Unreadable) } else { Ok(()) }
    }
}
