//! Serves the search of public creations by the words of their prompts.
//!
//! Prompts are sealed in the log. Here the words of those that everybody may see stand in plain text,
//! and leave in the batch in which their creation does. What a text is made of and what a query asks
//! for are folded by the same code (`folding`), so Postgres only ever sees words that it can take.

mod fold;
mod folding;
mod lookup;
mod matches;
mod projection;
mod query;
mod rows;
mod slips;
mod terms;
mod texts;
mod vocabulary;

#[cfg(test)]
pub(crate) use matches::SearchLimits;
pub use projection::SearchProjection;
pub use query::{Found, Search, SearchOrder};
pub use terms::{QUERY_CHARACTERS_MAX, QUERY_WORDS_MAX, SearchProblem, Terms};
