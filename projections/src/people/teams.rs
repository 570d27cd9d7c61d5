//! Which teams an account belongs to.

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{AccountId, TeamId};
use uuid::Uuid;

use crate::error::QueryError;
use crate::positions::{Place, Walk};
use crate::projection::ProjectionName;
use crate::reads::{Order, Page, Paging, ReadModels, Stretch};
use crate::sql::unsigned;

/// A team that an account belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyTeam {
    /// Its stream.
    pub id: TeamId,
    /// Its public integer id.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub owner: AccountId,
    /// How many belong to it.
    pub members: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when the account belongs to it.
    pub joined_at: Timestamp,
}

/// A team `t` beside the account's membership `m` in it.
const MINE: &str = "t.team_id, t.number, t.name, t.owner, t.members, t.created_at, m.joined_at
    FROM read_people_v1.team_members m JOIN read_people_v1.teams t USING (team_id)";

#[derive(sqlx::FromRow)]
struct View {
    team_id: Uuid,
    number: i64,
    name: String,
    owner: Uuid,
    members: i32,
    created_at: DateTime<Utc>,
    joined_at: DateTime<Utc>,
}

impl View {
    fn shown(self) -> Result<MyTeam, QueryError> {
        Ok(MyTeam {
            id: TeamId(self.team_id),
            number: unsigned("teams", self.number)?,
            name: self.name,
            owner: AccountId(self.owner),
            members: unsigned("teams", self.members.into())?,
            created_at: self.created_at,
            joined_at: self.joined_at,
        })
    }
}

impl ReadModels {
    /// A numbered page of the teams that an account belongs to, by when it joined. It shows them as they are.
    pub async fn team_page(&self, account: AccountId, paging: &Paging) -> Result<Page<MyTeam>, QueryError> {
        let as_of = self.pin_all(ProjectionName::People, paging.pinned()).await?;
        let total = self.team_count(account).await?;
        let direction = paging.order.direction();
        let sql = format!(
            "SELECT {MINE} WHERE m.account_id = $1
             ORDER BY m.joined_at {direction}, m.team_id {direction} LIMIT $2 OFFSET $3"
        );
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(account.0)
            .bind(paging.limit())
            .bind(paging.offset())
            .fetch_all(&self.pool)
            .await?;
        let items = rows.into_iter().map(View::shown).collect::<Result<_, _>>()?;
        Ok(Page { items, total, total_capped: false, as_of: as_of.into() })
    }

    /// A stretch of the teams that an account belongs to, by when it joined. It shows them as they are: a team that is
    /// joined meanwhile lies before a walk from the newest on, and at the end of one from the oldest.
    pub async fn team_walk(
        &self,
        account: AccountId,
        order: Order,
        walk: &Walk,
        limit: u32,
    ) -> Result<Stretch<MyTeam>, QueryError> {
        let limit = Paging::first(limit).limit();
        let direction = order.direction();
        let beyond = order.beyond(walk.after, "(m.joined_at, m.team_id)", "($2, $3)");
        let sql = format!(
            "SELECT {MINE} WHERE m.account_id = $1{beyond}
             ORDER BY m.joined_at {direction}, m.team_id {direction} LIMIT $4"
        );
        let rows: Vec<View> = sqlx::query_as(&sql)
            .bind(account.0)
            .bind(walk.after.map(|place| place.at))
            .bind(walk.after.map_or_else(Uuid::nil, |place| place.id))
            .bind(limit + 1)
            .fetch_all(&self.pool)
            .await?;
        let placed = |row: View| row.shown().map(|team| (Place { at: team.joined_at, id: team.id.0 }, team));
        let items = rows.into_iter().map(placed).collect::<Result<_, _>>()?;
        Ok(Stretch::of(items, limit, walk.as_of.clone()))
    }

    /// How many teams an account belongs to.
    pub async fn team_count(&self, account: AccountId) -> Result<u64, QueryError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM read_people_v1.team_members WHERE account_id = $1")
            .bind(account.0)
            .fetch_one(&self.pool)
            .await?;
        unsigned("teams", count)
    }
}
