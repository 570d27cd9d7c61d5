//! Serves the task that ends trainings: which influencers are being trained, and since when.

use std::collections::HashMap;

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{Training, TrainingQueue, WorkUnavailable};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::reads::ReadModels;

/// By account and influencer: since when it is trained; `None` where it is not any more.
pub(super) type Trainings = HashMap<(Uuid, String), Option<Timestamp>>;

/// Writes what a batch came to.
pub(super) async fn save(connection: &mut PgConnection, trainings: Trainings) -> sqlx::Result<()> {
    if trainings.is_empty() {
        return Ok(());
    }
    let (mut accounts, mut influencers, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for ((account, influencer), since) in trainings {
        accounts.push(account);
        influencers.push(influencer);
        times.push(since);
    }
    sqlx::query(
        "DELETE FROM trainings t USING unnest($1::uuid[], $2::text[]) AS g (account_id, influencer_id)
         WHERE t.account_id = g.account_id AND t.influencer_id = g.influencer_id",
    )
    .bind(&accounts)
    .bind(&influencers)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO trainings (account_id, influencer_id, since)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS n (account_id, influencer_id, since)
         WHERE since IS NOT NULL",
    )
    .bind(accounts)
    .bind(influencers)
    .bind(times)
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl TrainingQueue for ReadModels {
    async fn trainings(&self, since: Timestamp, limit: usize) -> Result<Vec<Training>, WorkUnavailable> {
        let rows: Vec<(Uuid, String)> = sqlx::query_as(
            "SELECT account_id, influencer_id FROM read_accounts_v2.trainings
             WHERE since <= $1 ORDER BY since, account_id, influencer_id LIMIT $2",
        )
        .bind(since)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| WorkUnavailable(error.to_string()))?;
        let training = |(account, influencer_id)| Training { account: AccountId(account), influencer_id };
        Ok(rows.into_iter().map(training).collect())
    }
}
