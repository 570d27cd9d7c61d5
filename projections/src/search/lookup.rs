//! What is known of a query's words: how common they are, and what may have been meant by them.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::slips::{mistakes_between, mistakes_in, sought_by};
use super::terms::{Term, Terms};
use super::texts::generator_word;

/// The most rows of the vocabulary that are looked at for what a word may mean, the commonest.
const NEAR_ROWS_MAX: i64 = 2_000;
/// The most words that stand for another.
const INSTEAD_MAX: usize = 8;
/// A word that somebody uses may be meant as it is written: only one that is so many times as common
/// stands for it, too.
const COMMONER: i64 = 10;
/// The least letters that are taken for the beginning of a word.
const BEGINNING_LETTERS_MIN: usize = 3;

/// What the vocabulary knows of a query.
pub(super) struct Known {
    /// How many texts there are.
    pub texts: i64,
    /// How many of them hold a word, of those that were looked up.
    counts: HashMap<String, i64>,
    /// What stands for a word of the query.
    pub instead: HashMap<String, Vec<String>>,
}

impl Known {
    /// Looks the words of a query up.
    pub async fn of(connection: &mut PgConnection, terms: &Terms, generator: Option<&str>) -> sqlx::Result<Self> {
        let said: Vec<String> = terms.words().map(str::to_owned).chain(generator.map(generator_word)).collect();
        let slips: Vec<String> = singles(terms).flat_map(sought_by).collect();
        let beginning = beginning(terms);
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT word, sum(texts)::bigint FROM (
                 SELECT word, shard, texts FROM read_search_v1.words WHERE word = ANY($1::text[])
                 UNION (SELECT word, shard, texts FROM read_search_v1.words WHERE slips && $2::text[]
                        ORDER BY texts DESC LIMIT $5)
                 UNION (SELECT word, shard, texts FROM read_search_v1.words WHERE word > $3 AND word < $4
                        ORDER BY texts DESC LIMIT $5)
             ) AS known GROUP BY word
             UNION ALL SELECT '', coalesce(sum(texts), 0)::bigint FROM read_search_v1.totals",
        )
        .bind(said)
        .bind(slips)
        .bind(beginning)
        .bind(beginning.map(|beginning| format!("{beginning}{}", char::MAX)))
        .bind(NEAR_ROWS_MAX)
        .fetch_all(connection)
        .await?;
        let mut known = Known { texts: 0, counts: rows.into_iter().collect(), instead: HashMap::new() };
        known.texts = known.counts.remove("").unwrap_or_default();
        known.instead = singles(terms)
            .map(|word| (word.to_owned(), known.meant_by(word, beginning == Some(word))))
            .filter(|(_, others)| !others.is_empty())
            .collect();
        Ok(known)
    }
}

fn beginning(terms: &Terms) -> Option<&str> {
    terms.beginning().filter(|word| word.chars().count() >= BEGINNING_LETTERS_MIN)
}

fn singles(terms: &Terms) -> impl Iterator<Item = &str> {
    terms.clauses.iter().flatten().filter_map(Term::single)
}

impl Known {
    /// In how many texts a word stands.
    fn count(&self, word: &str) -> i64 {
        self.counts.get(word).copied().unwrap_or_default()
    }

    /// The words that a word may mean, the likeliest first: those that it begins, and those that are the
    /// fewest mistakes away.
    fn meant_by(&self, word: &str, is_beginning: bool) -> Vec<String> {
        let least = (self.count(word) * COMMONER).max(1);
        let (letters, allowed) = (word.chars().count(), mistakes_in(word));
        let near = self.counts.iter().filter(|(other, count)| **count >= least && *other != word);
        let mut near: Vec<(usize, i64, &str)> = near
            .filter(|(other, _)| !other.starts_with(':'))
            .filter_map(|(other, count)| {
                if is_beginning && other.starts_with(word) {
                    return Some((0, -count, other.as_str()));
                }
                (other.chars().count().abs_diff(letters) <= allowed).then_some(())?;
                let mistakes = mistakes_between(word, other);
                (mistakes <= allowed).then_some((mistakes, -count, other.as_str()))
            })
            .collect();
        near.sort_unstable();
        let fewest = near.iter().map(|(mistakes, ..)| *mistakes).find(|mistakes| *mistakes > 0);
        near.retain(|(mistakes, ..)| *mistakes == 0 || Some(*mistakes) == fewest);
        near.truncate(INSTEAD_MAX);
        near.into_iter().map(|(_, _, other)| other.to_owned()).collect()
    }

    /// How many texts hold the query as it is written, where that is known: of a single word only.
    pub fn exactly(&self, terms: &Terms, generator: Option<&str>) -> Option<i64> {
        let [clause] = terms.clauses.as_slice() else { return None };
        let [term] = clause.as_slice() else { return None };
        let alone = generator.is_none() && terms.excluded.is_empty();
        term.single().filter(|_| alone).map(|word| self.count(word))
    }

    /// How many texts are expected to hold the query, if its words have nothing to do with each other;
    /// 0 only where none can. `widely`: with what stands for its words.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn expected(&self, terms: &Terms, generator: Option<&str>, widely: bool) -> f64 {
        let all = self.texts.max(1) as f64;
        let clauses = terms.clauses.iter().map(|clause| clause.iter().map(|term| self.of_term(term, widely)).sum());
        let generator = generator.map(|slug| self.count(&generator_word(slug)));
        clauses.chain(generator).fold(all, |expected, texts: i64| expected * (texts as f64 / all).min(1.0))
    }

    fn of_term(&self, term: &Term, widely: bool) -> i64 {
        let rarest = term.words().iter().map(|word| self.count(word)).min().unwrap_or_default();
        let others = term.single().and_then(|word| self.instead.get(word)).filter(|_| widely);
        rarest + others.into_iter().flatten().map(|other| self.count(other)).sum::<i64>()
    }
}
