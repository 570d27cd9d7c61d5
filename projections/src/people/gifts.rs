//! Gifts that are under way, for whoever carries them on.

use async_trait::async_trait;
use mintmark_domain::Timestamp;
use mintmark_domain::ids::GiftId;
use mintmark_domain::ports::{GiftQueue, WorkUnavailable};
use uuid::Uuid;

use crate::reads::ReadModels;

#[async_trait]
impl GiftQueue for ReadModels {
    async fn gifts_sent_before(&self, before: Timestamp, limit: usize) -> Result<Vec<GiftId>, WorkUnavailable> {
        let rows: Vec<Uuid> = sqlx::query_scalar(
            "SELECT gift_id FROM read_people_v1.gifts_open WHERE sent_at <= $1 ORDER BY sent_at, gift_id LIMIT $2",
        )
        .bind(before)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| WorkUnavailable(error.to_string()))?;
        Ok(rows.into_iter().map(GiftId).collect())
    }
}
