//! From a text to its words, in any language: no case, no accents, no punctuation.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The letters of a word that are kept.
const WORD_LETTERS_MAX: usize = 64;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Folded: letters, digits and their marks only.
    pub text: String,
    /// Whether it follows the one before it without anything between: so do words of scripts that are
    /// written without spaces, whose every letter is taken as a word.
    pub joined: bool,
}

/// The words of a text, in its order.
pub(super) fn words_of(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // Whether the next letter goes on with the last word, and whether it touches it.
    let (mut open, mut touches) = (false, false);
    for letter in folded(text) {
        if is_combining_mark(letter) && touches {
            grow(&mut words, letter);
        } else if !letter.is_alphanumeric() {
            (open, touches) = (false, false);
        } else {
            let alone = is_written_without_spaces(letter);
            if open && !alone {
                grow(&mut words, letter);
            } else {
                words.push(Word { text: letter.to_string(), joined: touches });
            }
            (open, touches) = (!alone, true);
        }
    }
    words
}

fn grow(words: &mut [Word], letter: char) {
    if let Some(word) = words.last_mut().filter(|word| word.text.chars().count() < WORD_LETTERS_MAX) {
        word.text.push(letter);
    }
}

/// Decomposed, in lower case, without accents.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    // Lower case of one letter may bring a mark along.
    text.nfkd().flat_map(char::to_lowercase).filter(|letter| !is_accent(*letter)).flat_map(plain)
}

/// Accents of the scripts that can be read without them; the marks of other scripts are part of the word.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Letters that stand for others without being composed of them.
fn plain(letter: char) -> impl Iterator<Item = char> {
    let (first, second) = match letter {
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'ø' => ('o', None),
        'ł' => ('l', None),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ı' => ('i', None),
        'ς' => ('σ', None),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

fn is_written_without_spaces(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Kana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let words = words_of(text).into_iter();
        words
            .map(|word| format!("{}{}", if word.joined { "+" } else { " " }, word.text))
            .collect::<String>()
            .trim()
            .to_owned()
    }

    #[test]
    fn case_accents_and_punctuation_make_no_difference() {
        assert_eq!(read("A Café, at NIGHT -- déjà-vu!"), "a cafe at night deja vu");
        assert_eq!(read("Cafe\u{301}"), "cafe");
        assert_eq!(read("Straße ŁÓDŹ Ærø İstanbul ΣΊΣΥΦΟΣ"), "strasse lodz aero istanbul σισυφοσ");
        assert_eq!(read("ﬁne ４K x²"), "fine 4k x2");
    }

    #[test]
    fn what_holds_no_letter_holds_no_word() {
        for text in ["", " \t\n", "🐉🔥", "'\"\\:*&|!<->()", "\0", "\u{301}\u{301}"] {
            assert_eq!(words_of(text), [], "{text:?}");
        }
        assert_eq!(read("a\0b🐉c"), "a b c");
    }

    #[test]
    fn scripts_without_spaces_are_read_letter_by_letter_and_keep_their_marks() {
        assert_eq!(read("山水画 ink"), "山+水+画 ink");
        assert_eq!(read("ink山"), "ink+山");
        assert_eq!(read("が"), "か\u{3099}");
        assert_eq!(read("हिन्दी"), "हिन्दी");
    }

    #[test]
    fn a_word_is_cut_at_its_longest() {
        assert_eq!(words_of(&"a".repeat(500))[0].text.len(), WORD_LETTERS_MAX);
    }
}
