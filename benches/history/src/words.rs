//! What people write: a few thousand words, few of which are common.

use crate::chance::{Chance, Skew};

/// Common words that mean something, so that examples read sensibly.
const KNOWN: [&str; 32] = [
    "a",
    "the",
    "of",
    "in",
    "light",
    "portrait",
    "city",
    "night",
    "forest",
    "sea",
    "golden",
    "old",
    "storm",
    "river",
    "lighthouse",
    "garden",
    "dragon",
    "robot",
    "mountain",
    "dusk",
    "neon",
    "castle",
    "winter",
    "cat",
    "dream",
    "glass",
    "desert",
    "astronaut",
    "harbour",
    "violin",
    "market",
    "comet",
];
/// How many words there are.
const WORDS: usize = 4_000;
/// Of what the others are made.
const SYLLABLES: [&str; 24] = [
    "ba", "cor", "del", "fi", "gra", "hol", "ki", "lan", "mor", "nu", "pel", "quo", "ras", "sil", "tor", "u", "vel",
    "wen", "xa", "yor", "zem", "bri", "thal", "sko",
];

/// The words, by how common they are.
pub(crate) struct Words {
    words: Vec<String>,
    skew: Skew,
}

impl Words {
    pub fn new(chance: &mut Chance) -> Self {
        let mut words: Vec<String> = KNOWN.iter().map(|&word| word.to_owned()).collect();
        let mut known: std::collections::HashSet<String> = words.iter().cloned().collect();
        while words.len() < WORDS {
            let syllables = 2 + chance.below(3);
            let word: String = (0..syllables).map(|_| SYLLABLES[chance.below(SYLLABLES.len())]).collect();
            if known.insert(word.clone()) {
                words.push(word);
            }
        }
        Words { words, skew: Skew::new(WORDS, 1.0) }
    }

    /// A text of `count` words, the first one capital.
    pub fn text(&self, count: usize, chance: &mut Chance) -> String {
        let mut text = String::with_capacity(count * 8);
        for place in 0..count {
            let word = &self.words[self.skew.draw(chance)];
            match word.chars().next() {
                Some(first) if place == 0 => {
                    text.extend(first.to_uppercase());
                    text.push_str(&word[first.len_utf8()..]);
                }
                _ => {
                    text.push(' ');
                    text.push_str(word);
                }
            }
        }
        text
    }

    /// The word at a place, 0 the most common.
    pub fn at(&self, place: usize) -> &str {
        &self.words[place.min(WORDS - 1)]
    }
}
