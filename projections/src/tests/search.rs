//! Search: what is found, in which order, and what is found by nobody.

use std::sync::Arc;

use mintmark_domain::account::{Account, AccountCommand};
use mintmark_domain::creation::{By, Creation, CreationCommand, Privacy};
use mintmark_domain::es::EventLog;
use mintmark_domain::ids::{AccountId, CreationId};
use mintmark_domain::wallet::LotKind;

use super::history::{Asked, History};
use super::support::Bench;
use crate::projection::Projection as _;
use crate::reads::{Order, Paging};
use crate::rebuild::{rebuild, verify};
use crate::search::{Search, SearchLimits, SearchOrder, SearchProjection, Terms};

pub(super) async fn history() -> (History, AccountId) {
    let mut history = History::new().await;
    let ada = history.account("ada").await;
    history.grant(ada, 100_000, LotKind::Paid, None);
    (history, ada)
}

/// A run's creations, made and in the log.
pub(super) async fn make(history: &mut History, account: AccountId, asked: Asked) -> Vec<CreationId> {
    let outputs = asked.outputs;
    let run = history.request(account, &asked).unwrap();
    history.start(run);
    assert!(history.deliver(run, outputs));
    history.commit().await;
    let run = history.state::<mintmark_domain::run::Run>(run.0);
    run.requested().unwrap().creations.iter().map(|creation| creation.id).collect()
}

pub(super) fn asked(prompt: &str) -> Asked {
    Asked { price: 1, outputs: 1, prompt: prompt.to_owned(), ..Asked::default() }
}

/// One public creation.
async fn say(history: &mut History, account: AccountId, prompt: &str) -> CreationId {
    make(history, account, asked(prompt)).await[0]
}

pub(super) async fn set_privacy(history: &mut History, creation: CreationId, by: AccountId, privacy: Privacy) {
    history.act::<Creation>(creation.0, CreationCommand::SetPrivacy { by: By::Account(by), privacy });
    history.commit().await;
}

fn search(text: &str) -> Search {
    Search { terms: Terms::read(text).unwrap(), ..Search::default() }
}

async fn found(bench: &Bench, search: &Search) -> Vec<CreationId> {
    let page = bench.reads().creation_search(search, &Paging::first(100)).await.unwrap();
    assert_eq!((page.items.len() as u64, page.total_capped), (page.total, false), "{search:?}");
    page.items.into_iter().map(|creation| creation.id).collect()
}

pub(super) async fn find(bench: &Bench, text: &str) -> Vec<CreationId> {
    found(bench, &search(text)).await
}

pub(super) async fn words(bench: &Bench) -> Vec<String> {
    let sql = "SELECT word FROM read_search_v1.words ORDER BY word";
    sqlx::query_scalar(sql).fetch_all(bench.db.pool()).await.unwrap()
}

#[tokio::test]
async fn creations_are_found_by_the_words_of_their_prompts() {
    let (mut history, ada) = history().await;
    let dragon = say(&mut history, ada, "A red DRAGON above the old castle").await;
    let cafe = say(&mut history, ada, "Café at night, in the style of Łukasz").await;
    let ink = say(&mut history, ada, "山水画").await;
    let joke = make(&mut history, ada, Asked { generator: Some("joke"), ..asked("a castle walks in") }).await[0];
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    for (text, expected) in [
        ("dragon", vec![dragon]),
        ("castle", vec![joke, dragon]),
        ("red castle", vec![dragon]),
        ("castle -dragon", vec![joke]),
        ("\"old castle\"", vec![dragon]),
        ("\"castle old\"", vec![]),
        ("cafe lukasz", vec![cafe]),
        ("CAFÉ", vec![cafe]),
        ("cafe or dragon", vec![cafe, dragon]),
        ("山水", vec![ink]),
        ("水山", vec![]),
        ("drag", vec![dragon]),
        ("drag ", vec![]),
        ("red submarine", vec![]),
        // A generator is no word of a prompt.
        ("joke", vec![]),
        (":joke", vec![]),
    ] {
        let mut got = find(&bench, text).await;
        got.sort_unstable();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(got, expected, "{text}");
    }
    let of = |generator: &str| Search { generator: Some(generator.into()), ..search("castle") };
    assert_eq!(found(&bench, &of("joke")).await, [joke]);
    assert_eq!(found(&bench, &of("poem")).await, []);
    bench.db.close().await;
}

#[tokio::test]
async fn a_misspelt_word_finds_what_was_meant_after_what_is_written() {
    let (mut history, ada) = history().await;
    let elephant = say(&mut history, ada, "an elephant in a room").await;
    let dinosaur = say(&mut history, ada, "a dinosaur on a bike").await;
    for _ in 0..12 {
        say(&mut history, ada, "portrait of a queen").await;
    }
    let typo = say(&mut history, ada, "portrat of a king").await;
    let cats = [say(&mut history, ada, "goat").await, say(&mut history, ada, "boat").await];
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    for text in ["elefant", "elephnat", "elephants", "lephant", "an elephantt", "ELÉPHAMT"] {
        assert_eq!(find(&bench, text).await, [elephant], "{text}");
    }
    assert_eq!(find(&bench, "dinasour").await, [dinosaur]);
    assert_eq!(find(&bench, "dynasoor").await, []);
    // Somebody wrote it like that: theirs comes first, though all others are as they were meant.
    let portraits = find(&bench, "portrat").await;
    assert_eq!((portraits.len(), portraits[0]), (13, typo));
    assert_eq!(find(&bench, "portrait").await.len(), 12);
    // Two words as good as each other do not stand for each other.
    assert_eq!(find(&bench, "goat").await, [cats[0]]);
    bench.db.close().await;
}

#[tokio::test]
async fn what_fits_best_comes_first_unless_time_is_asked_for() {
    let (mut history, ada) = history().await;
    let twice = say(&mut history, ada, "fox and fox").await;
    let far = say(&mut history, ada, "fox that sees from very far away in a field of hay some hens").await;
    let near = say(&mut history, ada, "fox hens and that which is seen from very far away in a field").await;
    let same = say(&mut history, ada, "fox hens and that which is seen from very far away in a field").await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    assert_eq!(find(&bench, "fox hens").await, [same, near, far]);
    assert_eq!(find(&bench, "fox").await, [twice, same, near, far]);
    let by = |order| Search { order: SearchOrder::Time(order), ..search("fox") };
    assert_eq!(found(&bench, &by(Order::Newest)).await, [same, near, far, twice]);
    assert_eq!(found(&bench, &by(Order::Oldest)).await, [twice, far, near, same]);
    // Pages cut the same order, and what comes in between is in none of them.
    let first = bench.reads().creation_search(&search("fox"), &Paging::first(3)).await.unwrap();
    say(&mut history, ada, "fox fox fox").await;
    bench.catch_up(100).await;
    let second = Paging { page: 2, as_of: Some(first.as_of), ..Paging::first(3) };
    let second = bench.reads().creation_search(&search("fox"), &second).await.unwrap();
    let ids = |items: &[crate::generation::Creation]| items.iter().map(|item| item.id).collect::<Vec<_>>();
    assert_eq!((ids(&first.items), ids(&second.items)), (vec![twice, same, near], vec![far]));
    assert_eq!((first.total, second.total), (4, 4));
    let far_out = Paging { page: 50_000, ..Paging::first(2) };
    assert!(bench.reads().creation_search(&search("fox"), &far_out).await.unwrap().items.is_empty());
    bench.db.close().await;
}

#[tokio::test]
async fn any_text_can_be_searched_for() {
    let (mut history, ada) = history().await;
    say(&mut history, ada, "it's 100% 'quoted' \"text\" \\ with : & | ! <-> ( ) * 🐉 and \0 nothing").await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    assert_eq!(find(&bench, "quoted").await.len(), 1);
    for text in [
        "🐉",
        "\0",
        "'",
        "\"",
        "''''",
        "\\",
        "a\0b",
        "' OR 1=1 --",
        "a:*",
        "a & b | !c",
        "<->",
        "((",
        "!!",
        "-",
        "--a",
        "or",
        "or or or",
        "\"a",
        "%",
        "_",
        "\u{202e}x",
        "\u{301}",
        "ﷺ",
        "a\u{10ffff}",
        "NULL",
        "{}",
        "𝔣𝔬𝔵",
    ] {
        find(&bench, text).await;
    }
    find(&bench, &"ﷺ".repeat(8)).await;
    find(&bench, &"x".repeat(500)).await;
    bench.db.close().await;
}

#[tokio::test]
async fn of_more_than_a_thousand_it_is_said_that_there_are_more() {
    let (mut history, ada) = history().await;
    let mut all = Vec::new();
    for n in 0..101 {
        let prompt = if n == 40 { "sea sea" } else { "sea of waves" };
        let some = Asked { price: 10, outputs: 10, ..asked(prompt) };
        all.extend(make(&mut history, ada, some).await);
        // One more than a thousand is not 1,010.
        if n == 100 {
            for id in &all[1_001..] {
                set_privacy(&mut history, *id, ada, Privacy::Private).await;
            }
            all.truncate(1_001);
        }
    }
    let bench = Bench::new(&history).await;
    bench.catch_up(10_000).await;
    let reads = bench.reads();
    let page = |text: &str, paging: Paging| {
        let (reads, search) = (reads.clone(), search(text));
        async move { reads.creation_search(&search, &paging).await.unwrap() }
    };
    let first = page("sea", Paging::first(20)).await;
    assert_eq!((first.total, first.total_capped, first.items.len()), (1_000, true, 20));
    assert_eq!(first.items[0].id, all[1_000]);
    // Ranked by the hundred: those that say it twice lead theirs.
    let ranked = |n: u32| Paging { page: n, ..Paging::first(100) };
    let sixth = page("sea", ranked(6)).await;
    assert_eq!(sixth.items[0].id, all[409]);
    let pinned = Paging { as_of: Some(first.as_of.clone()), ..ranked(6) };
    assert_eq!(page("sea", pinned).await.items, sixth.items);
    assert_eq!(page("sea", ranked(7)).await.items[0].id, all[400]);
    assert_eq!(page("sea", ranked(10)).await.items.len(), 100);
    assert!(page("sea", ranked(11)).await.items.is_empty());
    // With more than one word all that is found is ranked together.
    let both = page("sea or waves", Paging::first(20)).await;
    assert_eq!((both.total, both.total_capped, both.items[0].id), (1_000, true, all[409]));
    let one_less = all[500];
    set_privacy(&mut history, one_less, ada, Privacy::Private).await;
    bench.catch_up(100).await;
    let last = page("sea", ranked(10)).await;
    assert_eq!((last.total, last.total_capped, last.items.len()), (1_000, false, 100));
    assert_eq!(page("sea", Paging::first(20)).await.items[0].id, all[409]);
    bench.db.close().await;
}

#[tokio::test]
async fn what_goes_out_of_sight_takes_its_words_along_and_brings_them_back() {
    let (mut history, ada) = history().await;
    let fox = say(&mut history, ada, "vulpine dawn").await;
    let hen = say(&mut history, ada, "gallinaceous dawn").await;
    let secret = make(&mut history, ada, Asked { privacy: Privacy::Private, ..asked("clandestine dawn") }).await[0];
    let waiting = history.request(ada, &asked("procrastinated dawn")).unwrap();
    history.commit().await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    assert_eq!(words(&bench).await, ["dawn", "gallinaceous", "vulpine"]);
    assert_eq!(find(&bench, "dawn").await, [hen, fox]);
    assert_eq!(find(&bench, "clandestine").await, []);
    assert_eq!(find(&bench, "clandestin").await, []);

    set_privacy(&mut history, fox, ada, Privacy::Private).await;
    set_privacy(&mut history, secret, ada, Privacy::Public).await;
    history.act::<Creation>(hen.0, CreationCommand::Hide { reason: "r".into() });
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(words(&bench).await, ["clandestine", "dawn"]);
    assert_eq!(find(&bench, "dawn").await, [secret]);
    // In and out of sight within a batch, and once more in.
    for privacy in [Privacy::Public, Privacy::Private, Privacy::Public] {
        set_privacy(&mut history, fox, ada, privacy).await;
    }
    history.act::<Creation>(secret.0, CreationCommand::Delete { by: By::Account(ada) });
    history.start(waiting);
    history.fail(waiting, false);
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(words(&bench).await, ["dawn", "vulpine"]);
    assert_eq!(find(&bench, "dawn").await, [fox]);
    agrees(&bench, &history).await;
    bench.db.close().await;
}

/// A replay comes to the same, in larger batches.
pub(super) async fn agrees(bench: &Bench, history: &History) {
    let log: Arc<dyn EventLog> = Arc::new(history.log.clone());
    let projection = SearchProjection::new(Arc::clone(&history.vault) as _);
    let done = verify(bench.db.pool(), &log, &projection, &[history.shard], &|_| {}).await.unwrap();
    assert_eq!((done.compared, done.differences), (true, vec![]));
}

#[tokio::test]
async fn what_an_erased_person_said_is_found_by_nobody_and_missed_by_no_rebuild() {
    let (mut history, ada) = history().await;
    let ben = history.account("ben").await;
    history.grant(ben, 100, LotKind::Paid, None);
    let mine = say(&mut history, ada, "shared sunrise").await;
    say(&mut history, ben, "unrepeatable sunrise").await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    assert_eq!(find(&bench, "sunrise").await.len(), 2);
    // The key is gone, and the event that says so is yet to come.
    history.vault.erase(ben);
    let log: Arc<dyn EventLog> = Arc::new(history.log.clone());
    let projection = SearchProjection::new(Arc::clone(&history.vault) as _);
    rebuild(bench.db.pool(), &log, &projection, &[history.shard], &|_| {}).await.unwrap();
    assert_eq!(find(&bench, "sunrise").await, [mine]);
    assert!(history.act::<Account>(ben.0, AccountCommand::Erase { by: "operator".into() }));
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(words(&bench).await, ["shared", "sunrise"]);
    assert_eq!(bench.count(&format!("{}.texts", projection.definition().schema)).await, 1);
    agrees(&bench, &history).await;
    bench.db.close().await;
}

#[tokio::test]
async fn what_is_not_public_now_is_not_shown_though_it_is_still_found() {
    let (mut history, ada) = history().await;
    let fox = say(&mut history, ada, "vulpine dawn").await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    set_privacy(&mut history, fox, ada, Privacy::Private).await;
    // The words' read model is behind.
    let feed = bench.feed(history.shard);
    bench.step(&crate::generation::GenerationProjection, &feed, 100).await.unwrap();
    let page = bench.reads().creation_search(&search("vulpine"), &Paging::first(10)).await.unwrap();
    assert!(page.items.is_empty());
    bench.db.close().await;
}

#[tokio::test]
async fn what_may_have_been_meant_is_counted_where_it_is_not_shown() {
    let (mut history, ada) = history().await;
    for _ in 0..12 {
        say(&mut history, ada, "portrait of a queen").await;
    }
    let typo = say(&mut history, ada, "portrat of a king").await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let reads = bench.reads();
    for (per_page, shown) in [(1, 1), (2, 2), (20, 13)] {
        let page = reads.creation_search(&search("portrat"), &Paging::first(per_page)).await.unwrap();
        assert_eq!((page.items.len(), page.items[0].id), (shown, typo));
        assert_eq!((page.total, page.total_capped), (13, false), "{per_page} to a page");
    }
    bench.db.close().await;
}

#[tokio::test]
async fn words_in_a_row_that_are_in_too_many_texts_are_looked_for_in_the_newest() {
    let (mut history, ada) = history().await;
    let old = say(&mut history, ada, "the old castle").await;
    for _ in 0..3 {
        say(&mut history, ada, "castle, old as it is").await;
    }
    let new = say(&mut history, ada, "an old castle").await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let reads = bench.reads();
    let found = async |limits: SearchLimits, order: SearchOrder| {
        let search = Search { order, ..search("\"old castle\"") };
        let found = reads.creations_found_within(limits, &search, None, 0, 20).await.unwrap();
        let ids: Vec<CreationId> = found.items.iter().map(|(_, creation)| creation.id).collect();
        (ids, found.total, found.total_capped)
    };
    for order in [SearchOrder::Relevance, SearchOrder::Time(Order::Newest)] {
        assert_eq!(found(SearchLimits::default(), order).await, (vec![new, old], 2, false));
        let few = SearchLimits { walked_max: 3, fetched_max: 4 };
        assert_eq!(found(few, order).await, (vec![new], 1, true), "more than four hold both words");
        let enough = SearchLimits { walked_max: 3, fetched_max: 5 };
        assert_eq!(found(enough, order).await, (vec![new, old], 2, false));
    }
    bench.db.close().await;
}
