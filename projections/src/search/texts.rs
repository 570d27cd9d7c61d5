//! The words of what everybody may see: opened, written and taken away, a batch at a time.

use std::collections::BTreeMap;

use mintmark_domain::Shard;
use mintmark_domain::es::Position;
use mintmark_domain::ids::SealedId;
use mintmark_domain::ports::Vault;
use mintmark_domain::run::Inputs;
use sqlx::PgConnection;
use uuid::Uuid;

use super::folding::words_of;
use super::rows::CreationRow;
use super::terms::quoted;
use super::vocabulary::Vocabulary;
use crate::error::ApplyError;
use crate::positions::shard_column;

/// How much of a prompt is searched, in Unicode scalars.
const PROMPT_CHARACTERS_MAX: usize = 10_000;
/// How many sealed texts are held open at once.
const OPENED_AT_ONCE: usize = 500;

/// A generator stands among the words of what was made with it, as a word that nobody can ask for.
pub(super) fn generator_word(slug: &str) -> String {
    let slug: String = slug.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_')).collect();
    format!(":{slug}")
}

/// Takes texts away.
pub(super) async fn remove(
    connection: &mut PgConnection,
    vocabulary: &mut Vocabulary,
    gone: Vec<Uuid>,
) -> sqlx::Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let removed: Vec<(Vec<String>,)> = sqlx::query_as(
        "DELETE FROM texts t USING unnest($1::uuid[]) AS n (creation_id) WHERE t.creation_id = n.creation_id
         RETURNING tsvector_to_array(t.words)",
    )
    .bind(gone)
    .fetch_all(connection)
    .await?;
    for (words,) in removed {
        vocabulary.forget(words);
    }
    Ok(())
}

/// Writes the words of what came into sight. What can no longer be opened was said by somebody who was
/// erased since: it is left out.
pub(super) async fn add(
    connection: &mut PgConnection,
    vault: &dyn Vault,
    vocabulary: &mut Vocabulary,
    shard: Shard,
    come: &[CreationRow],
) -> Result<(), ApplyError> {
    for some in come.chunks(OPENED_AT_ONCE) {
        let mut ids: Vec<SealedId> = some.iter().map(|row| SealedId(row.inputs)).collect();
        // What one run made has one prompt.
        ids.sort_unstable_by_key(|id| id.0);
        ids.dedup();
        let opened = vault.open(&ids).await?;
        let mut written = Columns::default();
        for row in some {
            let Some(sealed) = opened.get(&SealedId(row.inputs)) else { continue };
            let words = words_with_places(&prompt(row, sealed)?, row.generator.as_deref());
            // Nothing but its generator: nobody can ask for it.
            if words.keys().all(|word| word.starts_with(':')) {
                continue;
            }
            written.push(row, vector(&words));
            vocabulary.learn(words.into_keys());
        }
        written.insert(connection, shard).await?;
    }
    Ok(())
}

fn prompt(row: &CreationRow, sealed: &[u8]) -> Result<String, ApplyError> {
    // What the parser says would quote the person.
    let inputs: Inputs = serde_json::from_slice(sealed).map_err(|_| ApplyError::Corrupt {
        at: Position(row.listed_from.unwrap_or_default().unsigned_abs()),
        why: "its creation's sealed inputs are not inputs".to_owned(),
    })?;
    Ok(inputs.prompt)
}

/// Each word with where it stands, from 1.
fn words_with_places(prompt: &str, generator: Option<&str>) -> BTreeMap<String, Vec<usize>> {
    let end = prompt.char_indices().nth(PROMPT_CHARACTERS_MAX).map_or(prompt.len(), |(end, _)| end);
    let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, word) in words_of(&prompt[..end]).into_iter().enumerate() {
        words.entry(word.text).or_default().push(index + 1);
    }
    words.extend(generator.map(|slug| (generator_word(slug), Vec::new())));
    words
}

/// As Postgres reads a `tsvector`. (It keeps 255 places of a word, and counts them up to 16,383.)
fn vector(words: &BTreeMap<String, Vec<usize>>) -> String {
    let lexemes = words.iter().map(|(word, places)| {
        let places: Vec<String> = places.iter().map(usize::to_string).collect();
        let colon = if places.is_empty() { "" } else { ":" };
        format!("{}{colon}{}", quoted(word), places.join(","))
    });
    lexemes.collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Columns {
    creation_id: Vec<Uuid>,
    position: Vec<Option<i64>>,
    number: Vec<i64>,
    recorded_at: Vec<chrono::DateTime<chrono::Utc>>,
    words: Vec<String>,
}

impl Columns {
    fn push(&mut self, row: &CreationRow, words: String) {
        self.creation_id.push(row.creation_id);
        self.position.push(row.listed_from);
        self.number.push(row.number);
        self.recorded_at.push(row.recorded_at);
        self.words.push(words);
    }

    async fn insert(self, connection: &mut PgConnection, shard: Shard) -> sqlx::Result<()> {
        if self.creation_id.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO texts (creation_id, shard, position, number, recorded_at, words)
             SELECT n.creation_id, $1, n.position, n.number, n.recorded_at, n.words::tsvector
             FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[])
                  AS n (creation_id, position, number, recorded_at, words)",
        )
        .bind(shard_column(shard))
        .bind(self.creation_id)
        .bind(self.position)
        .bind(self.number)
        .bind(self.recorded_at)
        .bind(self.words)
        .execute(connection)
        .await?;
        Ok(())
    }
}
