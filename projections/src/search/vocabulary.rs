//! In how many texts each word stands. With the last text a word goes, so that nothing that may not be
//! seen can be guessed from what a search takes a misspelling for.

use std::collections::{HashMap, HashSet};

use mintmark_domain::Shard;
use sqlx::PgConnection;

use super::slips::kept_with;
use crate::positions::shard_column;

/// How many more or fewer texts there are, and how many more or fewer of them hold each word.
#[derive(Default)]
pub(super) struct Vocabulary {
    texts: i64,
    words: HashMap<String, i64>,
}

impl Vocabulary {
    /// A text came, with these words.
    pub fn learn(&mut self, words: impl IntoIterator<Item = String>) {
        self.count(words, 1);
    }

    /// A text went, with these words.
    pub fn forget(&mut self, words: impl IntoIterator<Item = String>) {
        self.count(words, -1);
    }

    fn count(&mut self, words: impl IntoIterator<Item = String>, by: i64) {
        self.texts += by;
        for word in words {
            *self.words.entry(word).or_default() += by;
        }
    }

    /// Adds to what was counted before.
    pub async fn save(mut self, connection: &mut PgConnection, shard: Shard) -> sqlx::Result<()> {
        let shard = shard_column(shard);
        if self.texts != 0 {
            sqlx::query(
                "INSERT INTO totals AS t (shard, texts) VALUES ($1, $2)
                 ON CONFLICT (shard) DO UPDATE SET texts = t.texts + excluded.texts",
            )
            .bind(shard)
            .bind(self.texts)
            .execute(&mut *connection)
            .await?;
        }
        if self.texts < 0 {
            // No text, no row: as if there had never been one.
            let forget = sqlx::query("DELETE FROM totals WHERE shard = $1 AND texts = 0").bind(shard);
            forget.execute(&mut *connection).await?;
        }
        self.words.retain(|_, by| *by != 0);
        if self.words.is_empty() {
            return Ok(());
        }
        let (words, by): (Vec<&str>, Vec<i64>) = self.words.iter().map(|(word, by)| (word.as_str(), *by)).unzip();
        let known: Vec<(String, i64)> = sqlx::query_as(
            "UPDATE words w SET texts = w.texts + n.texts FROM unnest($2::text[], $3::bigint[]) AS n (word, texts)
             WHERE w.word = n.word AND w.shard = $1 RETURNING w.word, w.texts",
        )
        .bind(shard)
        .bind(words)
        .bind(by)
        .fetch_all(&mut *connection)
        .await?;
        let forgotten: Vec<&str> =
            known.iter().filter(|(_, texts)| *texts == 0).map(|(word, _)| word.as_str()).collect();
        if !forgotten.is_empty() {
            sqlx::query(
                "DELETE FROM words w USING unnest($2::text[]) AS n (word) WHERE w.word = n.word AND w.shard = $1",
            )
            .bind(shard)
            .bind(forgotten)
            .execute(&mut *connection)
            .await?;
        }
        let known: HashSet<&str> = known.iter().map(|(word, _)| word.as_str()).collect();
        self.words
            .iter()
            .filter(|(word, _)| !known.contains(word.as_str()))
            .collect::<New>()
            .insert(connection, shard)
            .await
    }
}

/// Words that are not in the table.
#[derive(Default)]
struct New {
    words: Vec<String>,
    texts: Vec<i64>,
    /// With spaces between: arrays of arrays are not what Postgres takes them for.
    slips: Vec<String>,
}

impl<'a> FromIterator<(&'a String, &'a i64)> for New {
    fn from_iter<I: IntoIterator<Item = (&'a String, &'a i64)>>(words: I) -> Self {
        let mut new = New::default();
        for (word, texts) in words {
            new.words.push(word.clone());
            new.texts.push(*texts);
            new.slips.push(kept_with(word).join(" "));
        }
        new
    }
}

impl New {
    async fn insert(self, connection: &mut PgConnection, shard: i16) -> sqlx::Result<()> {
        if self.words.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO words (word, shard, texts, slips)
             SELECT n.word, $1, n.texts, string_to_array(n.slips, ' ')
             FROM unnest($2::text[], $3::bigint[], $4::text[]) AS n (word, texts, slips)",
        )
        .bind(shard)
        .bind(self.words)
        .bind(self.texts)
        .bind(self.slips)
        .execute(connection)
        .await?;
        Ok(())
    }
}
