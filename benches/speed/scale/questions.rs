//! What the server is asked.

use std::net::SocketAddr;

use mintmark_history::{Cast, Person};

use super::BASELINE;

/// Reads of lists and of one thing.
const READ: &str = "p99 ≤ 20 ms";
/// Search.
const SEARCH: &str = "p99 ≤ 100 ms";
/// How many first pages of a list are asked for.
const PAGES: usize = 5;

/// Something to be asked, of several things in turn.
pub struct Question {
    /// Its name.
    pub what: &'static str,
    /// What its waits are to be.
    pub target: &'static str,
    urls: Vec<String>,
    keys: Vec<String>,
}

impl Question {
    /// Address and key of a turn.
    pub fn at(&self, turn: usize) -> (String, String) {
        (self.urls[turn % self.urls.len()].clone(), self.keys[turn % self.keys.len()].clone())
    }
}

fn keys(persons: &[Person]) -> Vec<String> {
    persons.iter().map(|person| person.key.clone()).collect()
}

fn pages(list: &str) -> Vec<String> {
    (1..=PAGES).map(|page| format!("{list}page={page}")).collect()
}

/// All that is asked.
pub fn all(cast: &Cast, server: SocketAddr) -> Vec<Question> {
    let ordinary = keys(&cast.ordinary);
    let one = |person: &Person| vec![person.key.clone()];
    let of_generators = |list: &str| -> Vec<String> {
        cast.generators.iter().map(|generator| format!("{list}generator={generator}")).collect()
    };
    let (public, feed) = ("/api/v1/creations/public?", "/api/v1/feed?");
    let of = |numbers: &[u64], rest: &str| -> Vec<String> {
        numbers.iter().map(|number| format!("/api/v1/creations/{number}{rest}")).collect()
    };
    let followers = format!("/api/v1/users/{}/followers?", cast.giant.username);
    // A common word, a rare one, both, and one that is misspelt.
    let asked_for = |words: &str| format!("/api/v1/creations/search?q={words}");
    let (common, rare) = (cast.words.first(), cast.words.last());
    let both = common.zip(rare).map(|(common, rare)| format!("{common}+{rare}"));
    let slip = common.and_then(|word| word.get(..word.len().saturating_sub(1))).map(str::to_owned);
    let search: Vec<String> =
        cast.words.iter().chain(both.iter()).chain(slip.iter()).map(|words| asked_for(words)).collect();
    let asked = [
        (BASELINE, "", vec!["/healthz".to_owned()], ordinary.clone()),
        ("public creations", READ, pages(public), ordinary.clone()),
        ("public creations of a generator", READ, of_generators(public), ordinary.clone()),
        ("the feed of ordinary people", READ, pages(feed), ordinary.clone()),
        ("the feed of one generator of ordinary people", READ, of_generators(feed), ordinary.clone()),
        ("the feed of who follows a tenth of all", READ, pages(feed), one(&cast.follows_many)),
        ("the same, of one generator", READ, of_generators(feed), one(&cast.follows_many)),
        ("the feed of who follows the tenth that makes least", "", pages(feed), one(&cast.follows_quiet)),
        ("the feed of who follows five of these", READ, pages(feed), one(&cast.follows_few)),
        ("a creation", READ, of(&cast.creations, ""), ordinary.clone()),
        ("comments on creations", READ, of(&cast.creations, "/comments"), ordinary.clone()),
        ("comments on what most is said of", READ, of(&cast.commented, "/comments"), ordinary.clone()),
        ("followers of whom everybody follows", READ, pages(&followers), ordinary.clone()),
        ("search", SEARCH, search, ordinary),
    ];
    let at = |(what, target, paths, keys): (_, _, Vec<String>, _)| {
        let urls = paths.iter().map(|path| format!("http://{server}{path}")).collect();
        Question { what, target, urls, keys }
    };
    asked.into_iter().map(at).collect()
}

/// Pages far down: what they are called, and their paths.
pub fn far(cast: &Cast) -> Vec<(String, String)> {
    let giant = &cast.giant.username;
    [
        ("public creations", "/api/v1/creations/public".to_owned()),
        ("the feed of who follows a tenth of all", "/api/v1/feed".to_owned()),
        ("followers of whom everybody follows", format!("/api/v1/users/{giant}/followers")),
    ]
    .into_iter()
    .map(|(what, path)| (format!("page 1,000 of {what}"), format!("{path}?page=1000&per_page=100")))
    .collect()
}
