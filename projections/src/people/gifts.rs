//! Credits that are under way, or lie where nobody can spend them, for whoever carries them on.

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::{AccountId, GiftId, TeamId, WalletId};
use mintmark_domain::ports::{GiftQueue, WorkUnavailable};
use mintmark_domain::wallet::WalletOwner;
use uuid::Uuid;

use crate::reads::ReadModels;

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl GiftQueue for ReadModels {
    async fn gifts_sent_before(
        &self,
        before: Timestamp,
        after: Option<GiftId>,
        limit: usize,
    ) -> Result<Vec<GiftId>, WorkUnavailable> {
        let rows: Vec<Uuid> = sqlx::query_scalar(
            "SELECT gift_id FROM read_people_v1.gifts_open WHERE sent_at <= $1 AND ($2::uuid IS NULL OR gift_id > $2)
             ORDER BY gift_id LIMIT $3",
        )
        .bind(before)
        .bind(after.map(Uuid::from))
        .bind(limited(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| WorkUnavailable(error.to_string()))?;
        Ok(rows.into_iter().map(GiftId).collect())
    }

    async fn stranded_purses(
        &self,
        idle_since: Timestamp,
        after: Option<WalletId>,
        limit: usize,
    ) -> Result<Vec<WalletOwner>, WorkUnavailable> {
        let rows: Vec<(Uuid, Option<Uuid>)> = sqlx::query_as(
            "SELECT w.team_id, w.account_id FROM read_wallets_v2.wallets w
             WHERE w.team_id IS NOT NULL AND ($1::uuid IS NULL OR w.wallet_id > $1) AND w.paid + w.free + w.earned > 0
               AND CASE WHEN w.account_id IS NULL
                   THEN EXISTS (SELECT FROM read_people_v1.teams t WHERE t.team_id = w.team_id AND t.archived)
                   ELSE w.updated_at <= $3 OR NOT EXISTS (SELECT FROM read_people_v1.team_members m
                                                          WHERE m.team_id = w.team_id AND m.account_id = w.account_id)
                   END
             ORDER BY w.wallet_id LIMIT $2",
        )
        .bind(after.map(Uuid::from))
        .bind(limited(limit))
        .bind(idle_since)
        .fetch_all(&self.pool)
        .await
        .map_err(|error| WorkUnavailable(error.to_string()))?;
        let purse = |(team, member): (Uuid, Option<Uuid>)| match member {
            Some(member) => WalletOwner::Allowance { team: TeamId(team), member: AccountId(member) },
            None => WalletOwner::Team(TeamId(team)),
        };
        Ok(rows.into_iter().map(purse).collect())
    }
}
