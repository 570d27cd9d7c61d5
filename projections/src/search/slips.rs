//! Which words a misspelling may have meant.
//!
//! A word is kept with what its beginning comes to when letters are left out. Two words that are a few
//! mistakes apart have such a rest in common, so an index finds them without looking at all others; the
//! mistakes are then counted.

use std::collections::BTreeSet;

/// How many letters of a word are looked at for its rests.
const BEGINNING: usize = 7;
/// The shortest word that a misspelling may have meant.
const MEANT_LETTERS_MIN: usize = 3;
/// From how many letters on a word may hold one mistake, and two. A word in a query of fewer is taken
/// as it is written.
const ONE_MISTAKE_FROM: usize = 4;
const TWO_MISTAKES_FROM: usize = 7;

/// How many mistakes a word of a query may hold. Numbers are never misspelt.
pub(super) fn mistakes_in(word: &str) -> usize {
    match word.chars().count() {
        _ if !is_spelt(word) => 0,
        ..ONE_MISTAKE_FROM => 0,
        ONE_MISTAKE_FROM..TWO_MISTAKES_FROM => 1,
        _ => 2,
    }
}

fn is_spelt(word: &str) -> bool {
    word.chars().all(char::is_alphabetic)
}

/// What a word of a text is kept with; nothing where no misspelling can mean it.
pub(super) fn kept_with(word: &str) -> Vec<String> {
    let letters = word.chars().count();
    if letters < MEANT_LETTERS_MIN || !is_spelt(word) {
        return Vec::new();
    }
    // Two mistakes are only looked for from words that are no more than two letters longer.
    rests(word, if letters + 2 < TWO_MISTAKES_FROM { 1 } else { 2 })
}

/// What a word of a query is looked for by.
pub(super) fn sought_by(word: &str) -> Vec<String> {
    match mistakes_in(word) {
        0 => Vec::new(),
        mistakes => rests(word, mistakes),
    }
}

/// The beginning of a word with at most so many letters left out.
fn rests(word: &str, left_out: usize) -> Vec<String> {
    let beginning: String = word.chars().take(BEGINNING).collect();
    let mut all = BTreeSet::from([beginning.clone()]);
    let mut last = vec![beginning];
    for _ in 0..left_out {
        let shorter: BTreeSet<String> = last.iter().flat_map(|rest| one_letter_less(rest)).collect();
        all.extend(shorter.iter().cloned());
        last = shorter.into_iter().collect();
    }
    all.into_iter().filter(|rest| !rest.is_empty()).collect()
}

fn one_letter_less(word: &str) -> impl Iterator<Item = String> + '_ {
    word.char_indices().map(|(at, letter)| format!("{}{}", &word[..at], &word[at + letter.len_utf8()..]))
}

/// How many mistakes lie between two words: letters left out, put in, changed, or two neighbours
/// swapped.
pub(super) fn mistakes_between(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, facing) in other.iter().enumerate() {
            let mut least = (above[j + 1] + 1).min(row[j] + 1).min(above[j] + usize::from(letter != facing));
            if i > 0 && j > 0 && *letter == other[j - 1] && one[i - 1] == *facing {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mistakes_are_letters_missing_added_changed_and_swapped() {
        for (one, other, mistakes) in [
            ("dragon", "dragon", 0),
            ("dragn", "dragon", 1),
            ("draggon", "dragon", 1),
            ("dragan", "dragon", 1),
            ("dargon", "dragon", 1),
            ("dinasour", "dinosaur", 2),
            ("", "abc", 3),
            ("abc", "", 3),
        ] {
            assert_eq!(mistakes_between(one, other), mistakes, "{one} {other}");
            assert_eq!(mistakes_between(other, one), mistakes, "{other} {one}");
        }
    }

    #[test]
    fn short_words_and_numbers_are_taken_as_they_are_written() {
        assert_eq!(["cat", "lion", "elephant", "4096", "r2d2x"].map(mistakes_in), [0, 1, 2, 0, 0]);
        assert!(sought_by("cat").is_empty() && kept_with("4096").is_empty() && kept_with("at").is_empty());
        assert!(!kept_with("cat").is_empty());
    }

    /// A word, and the same with mistakes.
    fn misspelt() -> impl Strategy<Value = (String, String)> {
        ("[a-e]{3,14}", 0..=2usize, proptest::collection::vec((0..4u8, any::<prop::sample::Index>(), "[a-e]"), 2))
            .prop_map(|(word, mistakes, how)| {
                let mut letters: Vec<char> = word.chars().collect();
                for (kind, at, letter) in how.into_iter().take(mistakes) {
                    let at = at.index(letters.len());
                    let letter = letter.chars().next().unwrap_or('a');
                    match kind {
                        0 if letters.len() > 1 => drop(letters.remove(at)),
                        1 => letters.insert(at, letter),
                        2 if at > 0 => letters.swap(at - 1, at),
                        _ => letters[at] = letter,
                    }
                }
                (word, letters.into_iter().collect())
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn whoever_makes_no_more_mistakes_than_are_allowed_finds_the_word((word, written) in misspelt()) {
            let allowed = mistakes_in(&written);
            prop_assume!(allowed > 0 && mistakes_between(&word, &written) <= allowed);
            let kept = kept_with(&word);
            prop_assert!(sought_by(&written).iter().any(|rest| kept.contains(rest)), "{word} {written}");
        }
    }
}
