//! What a search asks for, as people write it: words, "words in a row", -not this, this or that.

use std::collections::HashMap;

use super::folding::{Word, words_of};

/// The longest query, in Unicode scalars.
pub const QUERY_CHARACTERS_MAX: usize = 500;
/// The most words of a query.
pub const QUERY_WORDS_MAX: usize = 32;

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchProblem {
    /// Nothing was asked for.
    #[error("must have 1 to {QUERY_CHARACTERS_MAX} characters")]
    Length,
    /// It asks for too much.
    #[error("must have at most {QUERY_WORDS_MAX} words")]
    Words,
}

/// Words that stand in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term(Vec<String>);

impl Term {
    /// Its words.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Its word, where it is a single one.
    pub fn single(&self) -> Option<&str> {
        match self.0.as_slice() {
            [word] => Some(word),
            _ => None,
        }
    }

    fn to_sql(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| quoted(word)).collect();
        format!("({})", words.join(" <-> "))
    }
}

/// A query. What it finds holds one term of each clause, and none of those that are excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub(super) clauses: Vec<Vec<Term>>,
    pub(super) excluded: Vec<Term>,
    /// Whether its last word may be the beginning of one.
    pub(super) unfinished: bool,
}

impl Terms {
    /// Reads what somebody wrote. Any text is a query; one without a word in it finds nothing. Errors: it
    /// is empty, or too long.
    pub fn read(text: &str) -> Result<Self, SearchProblem> {
        if text.trim().is_empty() || text.chars().count() > QUERY_CHARACTERS_MAX {
            return Err(SearchProblem::Length);
        }
        let mut reader = Reader::default();
        for (number, part) in text.split(['"', '“', '”']).enumerate() {
            if number % 2 == 0 { reader.plain(part) } else { reader.in_quotes(part) }
        }
        reader.terms.unfinished &= !text.ends_with(char::is_whitespace);
        if reader.words > QUERY_WORDS_MAX { Err(SearchProblem::Words) } else { Ok(reader.terms) }
    }

    /// Whether it can find anything: whoever only says what he does not want finds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Every word that is asked for.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().flatten().flat_map(|term| term.words()).map(String::as_str)
    }

    /// Whether some of the words have to stand in a row.
    pub(super) fn has_rows(&self) -> bool {
        self.clauses.iter().flatten().any(|term| term.single().is_none())
    }

    /// The word that may be the beginning of one.
    pub(super) fn beginning(&self) -> Option<&str> {
        self.clauses.last()?.last()?.single().filter(|_| self.unfinished)
    }

    /// What is wanted, as a `tsquery`; a single word is as good as those that stand for it.
    pub(super) fn wanted(&self, instead: &HashMap<String, Vec<String>>) -> String {
        let clauses = self.clauses.iter().map(|clause| {
            let terms = clause.iter().flat_map(|term| {
                let others = term.single().and_then(|word| instead.get(word)).into_iter().flatten();
                std::iter::once(term.to_sql()).chain(others.map(|word| quoted(word)))
            });
            format!("({})", terms.collect::<Vec<_>>().join(" | "))
        });
        clauses.collect::<Vec<_>>().join(" & ")
    }

    /// What is not wanted, to be added to what is.
    pub(super) fn unwanted(&self) -> String {
        self.excluded.iter().map(|term| format!(" & !{}", term.to_sql())).collect()
    }
}

/// A word as `tsquery` and `tsvector` take it. Words hold nothing that would have to be escaped.
pub(super) fn quoted(word: &str) -> String {
    format!("'{word}'")
}

#[derive(Default)]
struct Reader {
    terms: Terms,
    words: usize,
    /// The next term is one more of the last clause.
    or: bool,
    /// The next quotation is excluded.
    minus: bool,
}

impl Reader {
    fn plain(&mut self, part: &str) {
        self.minus = false;
        for chunk in part.split_whitespace() {
            self.minus = chunk == "-";
            if chunk.eq_ignore_ascii_case("or") && !self.terms.clauses.is_empty() {
                self.or = true;
            } else if let Some(excluded) = chunk.strip_prefix('-') {
                let words = words_of(excluded);
                self.exclude(words);
            } else {
                self.chunk(words_of(chunk));
            }
        }
        // Only what touches the quotation belongs to it.
        self.minus &= !part.ends_with(char::is_whitespace);
    }

    fn in_quotes(&mut self, part: &str) {
        let words = words_of(part);
        if std::mem::take(&mut self.minus) {
            self.exclude(words);
        } else if !words.is_empty() {
            self.want(words);
        }
        self.terms.unfinished = false;
    }

    /// Words between spaces; those that touch each other stand in a row.
    fn chunk(&mut self, words: Vec<Word>) {
        let mut rows: Vec<Vec<Word>> = Vec::new();
        for word in words {
            match rows.last_mut() {
                Some(row) if word.joined => row.push(word),
                Some(_) | None => rows.push(vec![word]),
            }
        }
        for row in rows {
            self.want(row);
            self.terms.unfinished = true;
        }
    }

    fn want(&mut self, words: Vec<Word>) {
        let term = self.term(words);
        match self.terms.clauses.last_mut() {
            Some(clause) if self.or => clause.push(term),
            Some(_) | None => self.terms.clauses.push(vec![term]),
        }
        self.or = false;
    }

    fn exclude(&mut self, words: Vec<Word>) {
        if !words.is_empty() {
            let term = self.term(words);
            self.terms.excluded.push(term);
        }
        self.terms.unfinished = false;
    }

    fn term(&mut self, words: Vec<Word>) -> Term {
        self.words += words.len();
        Term(words.into_iter().map(|word| word.text).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(text: &str) -> String {
        let terms = Terms::read(text).unwrap();
        format!("{}{}", terms.wanted(&HashMap::new()), terms.unwanted())
    }

    #[test]
    fn a_query_is_words_rows_alternatives_and_exclusions() {
        assert_eq!(sql("Red  Dragon"), "(('red')) & (('dragon'))");
        assert_eq!(sql("\"red dragon\" castle"), "(('red' <-> 'dragon')) & (('castle'))");
        assert_eq!(sql("red or blue dragon"), "(('red') | ('blue')) & (('dragon'))");
        assert_eq!(sql("dragon -castle -\"at night\""), "(('dragon')) & !('castle') & !('at' <-> 'night')");
        assert_eq!(sql("sci-fi"), "(('sci')) & (('fi'))");
        assert_eq!(sql("or"), "(('or'))");
        assert_eq!(sql("山水"), "(('山' <-> '水'))");
        assert_eq!(sql("red - \"blue sky\""), "(('red')) & (('blue' <-> 'sky'))");
    }

    #[test]
    fn any_text_is_a_query_and_what_holds_no_wanted_word_finds_nothing() {
        for text in ["🐉", "\"", "-", "!!", "-dragon", "<->", "\0", "' ; drop", "or or", "\"\"\"", "a:*&|b\\'"] {
            let terms = Terms::read(text).unwrap();
            assert_eq!(terms.is_empty(), terms.words().next().is_none(), "{text:?}");
        }
        assert!(Terms::read("-dragon 🐉").unwrap().is_empty());
    }

    #[test]
    fn what_is_empty_or_too_long_is_refused() {
        assert_eq!(Terms::read(" "), Err(SearchProblem::Length));
        assert_eq!(Terms::read(&"a".repeat(QUERY_CHARACTERS_MAX + 1)), Err(SearchProblem::Length));
        assert!(Terms::read(&"é".repeat(QUERY_CHARACTERS_MAX)).is_ok());
        assert_eq!(Terms::read(&"a ".repeat(QUERY_WORDS_MAX + 1)), Err(SearchProblem::Words));
        assert!(Terms::read(&"a ".repeat(QUERY_WORDS_MAX)).is_ok());
    }

    #[test]
    fn a_last_word_may_be_a_beginning_unless_something_says_that_it_is_over() {
        let beginning = |text: &str| Terms::read(text).unwrap().beginning().map(str::to_owned);
        assert_eq!(beginning("red dra").as_deref(), Some("dra"));
        for over in ["red dra ", "\"red dra\"", "red -dra", "red \"dra\"", "山水"] {
            assert_eq!(beginning(over), None, "{over}");
        }
    }
}
