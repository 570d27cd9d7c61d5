//! What a text looks like to whoever has to trust it.

use std::ops::RangeInclusive;

/// Unicode's general category Cf (format), as of Unicode 16: characters that are not shown and change how
/// others are, the order of a line among it.
const FORMAT: [RangeInclusive<char>; 21] = [
    '\u{ad}'..='\u{ad}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{2064}',
    '\u{2066}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0001}'..='\u{e0001}',
    '\u{e0020}'..='\u{e007f}',
];

/// Whether a character is shown as itself: neither a control or format character nor the end of a line.
pub(super) fn is_shown(character: char) -> bool {
    let ends_line = matches!(character, '\u{2028}' | '\u{2029}');
    !ends_line && !character.is_control() && !FORMAT.iter().any(|range| range.contains(&character))
}

/// What letters and emoji are joined or kept apart with: not shown, but the names of people and things need them.
const JOINERS: RangeInclusive<char> = '\u{200c}'..='\u{200d}';

/// Whether a text can be the name of something that others read: 1 to `max` characters, each shown as itself or
/// joining those beside it.
pub(super) fn is_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count())
        && text.chars().any(is_shown)
        && text.chars().all(|character| is_shown(character) || JOINERS.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_are_shown_and_what_turns_them_round_is_not() {
        assert!("genfire-cli (laptop) é 東京 שלום 🖥".chars().all(is_shown));
        for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{200f}', '\u{ad}', '\u{feff}', '\n', '\0', '\u{2029}'] {
            assert!(!is_shown(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn a_name_may_be_of_any_script_and_turns_nothing_round() {
        for name in ["Us", "東京", "👩\u{200d}💻 makers", "می\u{200c}خواهم", "ñ"] {
            assert!(is_name(name, 20), "{name:?}");
        }
        for none in ["", "\u{200d}", "a\u{202e}b", "a\nb", "abcdefghijklmnopqrstu"] {
            assert!(!is_name(none, 20), "{none:?}");
        }
    }
}
