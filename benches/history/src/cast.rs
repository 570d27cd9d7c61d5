//! Who and what of a history is worth asking for.

use serde::{Deserialize, Serialize};

use crate::people::People;
use crate::words::Words;
use crate::works::Works;

/// Somebody with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The public integer id.
    pub user_id: u64,
    /// The name.
    pub username: String,
    /// The first key's secret.
    pub key: String,
}

/// Who and what is worth asking for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cast {
    /// Whom everybody follows, and who made more than anybody else.
    pub giant: Person,
    /// Who follows a tenth of all, the well-known before others.
    pub follows_many: Person,
    /// Who follows a tenth of all: those that made least.
    pub follows_quiet: Person,
    /// Who follows five that made little, long ago.
    pub follows_few: Person,
    /// Some as there are many.
    pub ordinary: Vec<Person>,
    /// Numbers of public creations, from all of the history.
    pub creations: Vec<u64>,
    /// Numbers of the creations that most was said of.
    pub commented: Vec<u64>,
    /// The slugs of generators, the most used first.
    pub generators: Vec<String>,
    /// Words, from the most common to a rare one.
    pub words: Vec<String>,
}

/// The places of the words that are asked for.
const WORD_PLACES: [usize; 6] = [4, 14, 40, 200, 1_000, 3_500];

impl Cast {
    pub(crate) fn of(people: &People, works: &Works, words: &Words) -> Self {
        let named = people.named();
        Cast {
            giant: named.giant,
            follows_many: named.follows_many,
            follows_quiet: named.follows_quiet,
            follows_few: named.follows_few,
            ordinary: named.ordinary,
            creations: works.sample(),
            commented: works.most_said(),
            generators: works.generators(),
            words: WORD_PLACES.iter().map(|place| words.at(*place).to_owned()).collect(),
        }
    }
}
