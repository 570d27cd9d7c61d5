//! Counts that grow and shrink by what a batch did, each table in one statement.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

/// What a batch adds to the two numbers of each subject. In the order of subjects: followers of several shards write to
/// one row of counts, and whoever locks rows in one order waits for nobody in a circle.
#[derive(Debug, Default)]
pub(super) struct Deltas(BTreeMap<Uuid, (i64, i64)>);

impl Deltas {
    /// Adds to both numbers of a subject.
    pub fn add(&mut self, subject: Uuid, first: i64, second: i64) {
        let entry = self.0.entry(subject).or_default();
        entry.0 += first;
        entry.1 += second;
    }

    /// Writes them. `sql` takes subjects, first and second numbers.
    pub async fn save(self, connection: &mut PgConnection, sql: &'static str) -> sqlx::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        // What came to nothing is written too: live and rebuilt read models, whose batches end elsewhere, have
        // the same rows.
        let (subjects, deltas): (Vec<Uuid>, Vec<(i64, i64)>) = self.0.into_iter().unzip();
        let (first, second): (Vec<i64>, Vec<i64>) = deltas.into_iter().unzip();
        sqlx::query(sql).bind(subjects).bind(first).bind(second).execute(connection).await?;
        Ok(())
    }
}

/// Adds to follow counts.
pub(super) const FOLLOWS: &str = "INSERT INTO follow_counts AS c (account_id, followers, following)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (account_id) DO UPDATE
     SET followers = c.followers + excluded.followers, following = c.following + excluded.following";
/// Adds to comment counts.
pub(super) const COMMENTS: &str = "INSERT INTO comment_counts AS c (creation_id, comments, listed)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (creation_id) DO UPDATE
     SET comments = c.comments + excluded.comments, listed = c.listed + excluded.listed";
/// Adds to rating totals.
pub(super) const RATINGS: &str = "INSERT INTO rating_totals AS t (creation_id, ratings, scores)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (creation_id) DO UPDATE
     SET ratings = t.ratings + excluded.ratings, scores = t.scores + excluded.scores";
