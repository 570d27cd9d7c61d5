//! How many creations a list has.

use mintmark_domain::Shard;
use mintmark_domain::catalog::MediaType;
use mintmark_domain::es::Position;
use mintmark_domain::ids::AccountId;

use super::creation_lists::{CreationFilter, CreationList, bind};
use crate::as_of::Total;
use crate::error::QueryError;
use crate::positions::{Positions, shard_column};
use crate::reads::{Paging, ReadModels};
use crate::sql::unsigned;

/// The table's name in errors.
const TABLE: &str = "creations";

impl ReadModels {
    /// What a walk through numbered pages is pinned to, and how many creations the list has there: kept totals
    /// at the first page where there are some, later what the first page said.
    pub(super) async fn creation_total(
        &self,
        list: CreationList,
        filter: &CreationFilter,
        paging: &Paging,
    ) -> Result<(Positions, Total), QueryError> {
        match (list, paging.pinned(), paging.total(list.listed(filter))) {
            (_, Some(positions), Some(total)) => Ok((positions.clone(), total)),
            (CreationList::Public, None, _) => self.public_total(filter).await,
            (CreationList::OfUser(account), None, _) if *filter == CreationFilter::default() => {
                self.total_of_user(account).await
            }
            (_, pinned, _) => {
                let positions = self.pin_creations(list, pinned).await?;
                let total = self.count_creations(list, filter, &positions).await?;
                Ok((positions, Total::exact(total)))
            }
        }
    }

    /// How many creations a list has now, where that is kept; to count the others costs as much as there are.
    pub async fn creations_kept(&self, list: CreationList, filter: &CreationFilter) -> Result<Option<u64>, QueryError> {
        let (_, total) = match list {
            CreationList::Public => self.public_total(filter).await?,
            CreationList::OfUser(account) if *filter == CreationFilter::default() => {
                self.total_of_user(account).await?
            }
            CreationList::OfUser(_) | CreationList::Own(_) | CreationList::OfTeam { .. } => return Ok(None),
        };
        Ok(Some(total.items))
    }

    async fn count_creations(
        &self,
        list: CreationList,
        filter: &CreationFilter,
        as_of: &Positions,
    ) -> Result<u64, QueryError> {
        let sql = format!("SELECT count(*) FROM read_generation_v3.creations c WHERE {}", list.members(filter));
        let (total,): (i64,) = bind(sqlx::query_as(&sql), list, filter, as_of).fetch_one(&self.pool).await?;
        unsigned(TABLE, total)
    }

    /// How far each shard is applied, and what everybody may see there: both of one moment.
    async fn public_total(&self, filter: &CreationFilter) -> Result<(Positions, Total), QueryError> {
        let rows: Vec<(i16, i64, i64)> = sqlx::query_as(
            "SELECT k.shard, k.position, coalesce(sum(t.listed), 0)::bigint FROM read_generation_v3.checkpoints k
             LEFT JOIN read_generation_v3.listed_totals t ON t.shard = k.shard
                  AND ($1::text IS NULL OR t.generator = $1) AND ($2::text IS NULL OR t.media_type = $2)
             GROUP BY k.shard, k.position",
        )
        .bind(&filter.generator)
        .bind(filter.media_type.map(MediaType::as_str))
        .fetch_all(&self.pool)
        .await?;
        let (mut positions, mut total) = (Positions::default(), 0);
        for (shard, position, listed) in rows {
            if let Some(shard) = Shard::new(shard.cast_unsigned()) {
                positions.raise(shard, Position(unsigned(TABLE, position)?));
                total += unsigned(TABLE, listed)?;
            }
        }
        Ok((positions, Total::exact(total)))
    }

    /// How far an account's shard is applied, and what everybody may see of the account's there.
    async fn total_of_user(&self, account: AccountId) -> Result<(Positions, Total), QueryError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "SELECT k.position, coalesce(c.listed, 0) FROM read_generation_v3.checkpoints k
             LEFT JOIN read_generation_v3.creation_counts c ON c.account_id = $2 WHERE k.shard = $1",
        )
        .bind(shard_column(account.shard()))
        .bind(account.0)
        .fetch_optional(&self.pool)
        .await?;
        let (position, listed) = row.unwrap_or_default();
        let positions = Positions::one(account.shard(), Position(unsigned(TABLE, position)?));
        Ok((positions, Total::exact(unsigned(TABLE, listed)?)))
    }
}
