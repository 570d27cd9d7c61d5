//! The texts that a query finds, the newest or oldest so many of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::positions::Positions;
use crate::reads::Order;

/// What one search costs at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchLimits {
    /// How many texts are walked through before the index is asked instead.
    pub walked_max: i64,
    /// How many texts may be fetched to see whether words stand in a row in them. The index cannot judge that: it
    /// names all texts that hold the words. Where there may be more, only as many are searched as are walked through.
    pub fetched_max: i64,
}

impl Default for SearchLimits {
    fn default() -> Self {
        SearchLimits { walked_max: 100_000, fetched_max: 20_000 }
    }
}

/// What a text found through the index costs, in texts that are walked by: the index names them in no
/// order, so all are fetched, from all over the table.
const FETCH_COST: f64 = 10.0;

/// What is looked for.
pub(super) struct Sought {
    /// What a text must hold, as a `tsquery`.
    pub wanted: String,
    /// What it must not hold, for it was found before.
    pub except: Option<String>,
    /// What it is ranked by; nothing where nobody asks.
    pub ranked_by: Option<String>,
    /// Which come first; any of them where they are only counted.
    pub order: Option<Order>,
    /// How many are needed.
    pub needed: usize,
    /// How many there may be.
    pub expected: f64,
    /// Whether words have to stand in a row.
    pub in_a_row: bool,
    /// What it may cost.
    pub limits: SearchLimits,
}

/// What was found of what is looked for.
pub(super) struct Matches {
    /// As many as are needed, or as were found.
    pub found: Vec<Match>,
    /// Whether everything was searched where there are fewer than needed.
    pub is_all: bool,
}

/// A text that was found.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(super) struct Match {
    pub creation_id: Uuid,
    pub recorded_at: DateTime<Utc>,
    pub number: i64,
    /// How well it fits: the higher the better.
    pub rank: f32,
}

/// A query is read once, where it stands in a sub-query, and not for each text.
const FITS: &str = "t.words @@ (SELECT $1::text::tsquery) AND t.position <= ($2::bigint[])[t.shard + 1]
    AND ($3::text IS NULL OR NOT t.words @@ (SELECT $3::text::tsquery))";

impl Sought {
    /// Whether walking through the texts in their order comes to enough of them sooner than fetching all
    /// that the index names.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn is_walked(&self, texts: i64) -> bool {
        let walked = self.needed as f64 * texts as f64 / self.expected.max(1.0);
        walked < self.expected * FETCH_COST && walked < self.limits.walked_max as f64
    }

    /// Whether the index would name far more than there is.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn is_beyond_the_index(&self) -> bool {
        self.in_a_row && self.expected > self.limits.fetched_max as f64
    }

    /// The first `needed` texts in the order asked for, as of `as_of`. `texts`: how many there are.
    pub async fn find(&self, connection: &mut PgConnection, as_of: &Positions, texts: i64) -> sqlx::Result<Matches> {
        let walks_alone = self.is_beyond_the_index();
        if walks_alone || self.is_walked(texts) {
            let found = self.find_by(true, connection, as_of).await?;
            let is_all = texts <= self.limits.walked_max;
            // Else they are rarer together than their words are by themselves.
            if found.len() >= self.needed || is_all || walks_alone {
                return Ok(Matches { found, is_all });
            }
        }
        Ok(Matches { found: self.find_by(false, connection, as_of).await?, is_all: true })
    }

    async fn find_by(&self, walks: bool, connection: &mut PgConnection, as_of: &Positions) -> sqlx::Result<Vec<Match>> {
        let direction = self.order.unwrap_or_default().direction();
        let by_time = format!("ORDER BY t.recorded_at {direction}, t.number {direction}");
        let in_order = self.order.map(|_| by_time.as_str()).unwrap_or_default();
        let walked_max = self.limits.walked_max;
        // Each inner query stays as it is written: the planner knows neither words nor how they meet.
        let fitting = if walks {
            format!(
                "SELECT * FROM (SELECT * FROM read_search_v1.texts t {by_time} LIMIT {walked_max}) AS t WHERE {FITS}"
            )
        } else {
            format!("SELECT * FROM read_search_v1.texts t WHERE {FITS} OFFSET 0")
        };
        let sql = format!(
            "SELECT t.creation_id, t.recorded_at, t.number,
                    coalesce(ts_rank_cd(t.words, (SELECT $4::text::tsquery), 1), 0) AS rank
             FROM (SELECT * FROM ({fitting}) AS t {in_order} LIMIT $5) AS t {in_order}"
        );
        sqlx::query_as(&sql)
            .bind(&self.wanted)
            .bind(as_of.by_number())
            .bind(&self.except)
            .bind(&self.ranked_by)
            .bind(i64::try_from(self.needed).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await
    }
}
