//! What creations are rated.

use mintmark_domain::ids::{AccountId, CreationId};
use rust_decimal::Decimal;

use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::unsigned;

/// All ratings of a creation together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RatingTotal {
    /// How many.
    pub count: u64,
    /// Their scores, added up.
    pub scores: u64,
}

impl RatingTotal {
    /// The mean, to `places`; `None` where nobody has rated.
    #[must_use]
    pub fn average(self, places: u32) -> Option<Decimal> {
        (self.count > 0).then(|| (Decimal::from(self.scores) / Decimal::from(self.count)).round_dp(places).normalize())
    }
}

impl ReadModels {
    /// What a creation is rated.
    pub async fn rating_total(&self, creation: CreationId) -> Result<RatingTotal, QueryError> {
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT ratings, scores FROM read_people_v1.rating_totals WHERE creation_id = $1")
                .bind(creation.0)
                .fetch_optional(&self.pool)
                .await?;
        let Some((count, scores)) = row else { return Ok(RatingTotal::default()) };
        Ok(RatingTotal { count: unsigned("rating_totals", count)?, scores: unsigned("rating_totals", scores)? })
    }

    /// How one account rates a creation; `None` if it does not.
    pub async fn rating_by(&self, creation: CreationId, rater: AccountId) -> Result<Option<u64>, QueryError> {
        let score: Option<i16> =
            sqlx::query_scalar("SELECT score FROM read_people_v1.ratings WHERE creation_id = $1 AND rater = $2")
                .bind(creation.0)
                .bind(rater.0)
                .fetch_optional(&self.pool)
                .await?;
        score.map(|score| unsigned("ratings", score.into())).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_rounded_and_nobody_has_none() {
        let average = |count, scores| RatingTotal { count, scores }.average(2).map(|average| average.to_string());
        assert_eq!(average(0, 0), None);
        assert_eq!(average(15, 63).as_deref(), Some("4.2"));
        assert_eq!(average(3, 10).as_deref(), Some("3.33"));
        assert_eq!(average(2, 10).as_deref(), Some("5"));
    }
}
