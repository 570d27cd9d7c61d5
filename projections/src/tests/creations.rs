//! Lists of creations: who sees what, and walks that neither skip nor repeat.

use mintmark_domain::account::{Account, AccountCommand};
use mintmark_domain::creation::{By, Creation, CreationCommand, Privacy};
use mintmark_domain::ids::{AccountId, CreationId};
use mintmark_domain::wallet::LotKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::history::{Asked, History};
use super::support::{Bench, database};
use crate::generation::{CreationCounts, CreationFilter, CreationList};
use crate::positions::Walk;
use crate::reads::{Order, Paging};

/// Makes one creation that is there at once.
pub(super) fn make(
    history: &mut History,
    account: AccountId,
    generator: Option<&'static str>,
    privacy: Privacy,
) -> CreationId {
    let run =
        history.request(account, &Asked { price: 1, outputs: 1, generator, privacy, ..Asked::default() }).unwrap();
    history.start(run);
    assert!(history.deliver(run, 1));
    history.state::<mintmark_domain::run::Run>(run.0).requested().unwrap().creations[0].id
}

pub(super) fn set_privacy(history: &mut History, account: AccountId, creation: CreationId, privacy: Privacy) -> bool {
    history.act::<Creation>(creation.0, CreationCommand::SetPrivacy { by: By::Account(account), privacy })
}

async fn listed(bench: &Bench, list: CreationList, filter: &CreationFilter) -> Vec<CreationId> {
    let page = bench.reads().creation_page(list, filter, &Paging::first(100)).await.unwrap();
    page.items.into_iter().map(|creation| creation.id).collect()
}

#[tokio::test]
async fn everybody_sees_what_is_public_and_an_owner_sees_their_own() {
    let mut history = History::new().await;
    let (ada, ben) = (history.account("ada").await, history.account("ben").await);
    for account in [ada, ben] {
        history.grant(account, 100, LotKind::Paid, None);
    }
    let open = make(&mut history, ada, Some("joke"), Privacy::Public);
    history.commit().await;
    let secret = make(&mut history, ada, Some("joke"), Privacy::Private);
    history.commit().await;
    let other = make(&mut history, ben, Some("poem"), Privacy::Public);
    history.commit().await;
    let waiting = history.request(ben, &Asked { outputs: 1, ..Asked::default() }).unwrap();
    history.commit().await;
    let waiting = history.state::<mintmark_domain::run::Run>(waiting.0).requested().unwrap().creations[0].id;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let any = CreationFilter::default();
    let jokes = CreationFilter { generator: Some("joke".into()), ..CreationFilter::default() };
    assert_eq!(listed(&bench, CreationList::Public, &any).await, [other, open]);
    assert_eq!(listed(&bench, CreationList::Public, &jokes).await, [open]);
    assert_eq!(listed(&bench, CreationList::OfUser(ada), &any).await, [open]);
    assert_eq!(listed(&bench, CreationList::Own(ada), &any).await, [secret, open]);
    assert_eq!(listed(&bench, CreationList::Own(ben), &any).await, [waiting, other]);
    let counts = bench.reads().creation_counts(ada).await.unwrap();
    assert_eq!(counts, CreationCounts { made: 2, public: 1 });
    let page = bench.reads().creation_page(CreationList::Public, &any, &Paging::first(1)).await.unwrap();
    assert_eq!((page.total, page.items[0].username.as_deref()), (2, Some("ben")));

    set_privacy(&mut history, ada, secret, Privacy::Public);
    set_privacy(&mut history, ada, open, Privacy::Private);
    history.act::<Creation>(other.0, CreationCommand::Hide { reason: "r".into() });
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(listed(&bench, CreationList::Public, &any).await, [secret]);
    assert_eq!(listed(&bench, CreationList::Own(ben), &any).await, [waiting, other]);
    history.act::<Creation>(secret.0, CreationCommand::Delete { by: By::Account(ada) });
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(listed(&bench, CreationList::Public, &any).await, []);
    assert_eq!(listed(&bench, CreationList::Own(ada), &any).await, [open]);
    assert_eq!(bench.reads().creation_counts(ada).await.unwrap(), CreationCounts { made: 1, public: 0 });
    let number = bench.reads().creation(secret).await.unwrap().unwrap().number;
    assert!(bench.reads().creation_by_number(number).await.unwrap().unwrap().deleted);
}

#[tokio::test]
async fn what_an_erased_person_made_is_gone_from_every_list() {
    let mut history = History::new().await;
    let ada = history.account("ada").await;
    history.key(ada);
    history.grant(ada, 100, LotKind::Paid, None);
    let made = make(&mut history, ada, None, Privacy::Public);
    history.commit().await;
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let shown = bench.reads().account_by_username("ada").await.unwrap().unwrap();
    assert_eq!((shown.id, shown.bio.as_deref()), (ada, Some("makes things")));
    assert_eq!(bench.reads().api_keys(ada, false).await.unwrap().len(), 1);

    history.vault.erase(ada);
    assert!(history.act::<Account>(ada.0, AccountCommand::Erase { by: "operator".into() }));
    history.commit().await;
    bench.catch_up(100).await;
    assert_eq!(bench.reads().account_by_username("ada").await.unwrap(), None);
    let account = bench.reads().account(ada).await.unwrap().unwrap();
    assert!(account.erased && account.bio.is_none() && account.display_name.is_none());
    assert!(bench.reads().api_keys(ada, false).await.unwrap().is_empty());
    let any = CreationFilter::default();
    assert_eq!(listed(&bench, CreationList::Public, &any).await, []);
    assert_eq!(listed(&bench, CreationList::Own(ada), &any).await, []);
    let creation = bench.reads().creation(made).await.unwrap().unwrap();
    assert!(creation.deleted && creation.output.is_none());
}

/// What is done to the list between two pages of a walk.
#[derive(Clone, Debug)]
enum Act {
    Make { private: bool },
    Hide(usize),
    Show(usize),
    Delete(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        any::<bool>().prop_map(|private| Act::Make { private }),
        (0..64_usize).prop_map(Act::Hide),
        (0..64_usize).prop_map(Act::Show),
        (0..64_usize).prop_map(Act::Delete),
    ];
    prop::collection::vec(act, 6..24)
}

fn carry_out(history: &mut History, ada: AccountId, act: &Act, made: &mut Vec<CreationId>) {
    let pick = |n: usize, made: &[CreationId]| made[n % made.len()];
    match act {
        Act::Make { private } => {
            let privacy = if *private { Privacy::Private } else { Privacy::Public };
            made.push(make(history, ada, None, privacy));
        }
        Act::Hide(n) => drop(set_privacy(history, ada, pick(*n, made), Privacy::Private)),
        Act::Show(n) => drop(set_privacy(history, ada, pick(*n, made), Privacy::Public)),
        Act::Delete(n) => {
            let delete = CreationCommand::Delete { by: By::Account(ada) };
            history.act::<Creation>(pick(*n, made).0, delete);
        }
    }
}

/// Walks a list in pages while it changes under the walk. Whatever was there at the first page and
/// still is at the last is seen exactly once; nothing is seen twice; nothing that came later is seen.
async fn walk(acts: &[Act], list: fn(AccountId) -> CreationList, order: Order, numbered: bool) {
    let mut history = History::new().await;
    let ada = history.account("ada").await;
    history.grant(ada, 1_000, LotKind::Paid, None);
    let mut made: Vec<CreationId> = Vec::new();
    for n in 0..9 {
        let privacy = if n % 4 == 3 { Privacy::Private } else { Privacy::Public };
        made.push(make(&mut history, ada, None, privacy));
        history.commit().await;
    }
    let bench = Bench {
        db: database().await,
        projections: super::support::projections(&history.vault),
        log: history.log.clone(),
        shard: history.shard,
    };
    bench.catch_up(100).await;
    let (reads, any, list) = (bench.reads(), CreationFilter::default(), list(ada));
    let before: Vec<CreationId> = {
        let page = reads.creation_page(list, &any, &Paging { order, ..Paging::first(100) }).await.unwrap();
        page.items.into_iter().map(|creation| creation.id).collect()
    };
    let mut seen: Vec<CreationId> = Vec::new();
    let (mut cursor, mut paging) = (Walk::default(), Paging { order, ..Paging::first(2) });
    let mut acts = acts.iter();
    loop {
        let done = if numbered {
            let page = reads.creation_page(list, &any, &paging).await.unwrap();
            assert_eq!(page.total, before.len() as u64, "the frozen total moved");
            seen.extend(page.items.iter().map(|creation| creation.id));
            let done = u64::from(paging.page * paging.per_page) >= page.total;
            paging = Paging { page: paging.page + 1, as_of: Some(page.as_of), ..paging };
            done
        } else {
            let stretch = reads.creation_walk(list, &any, order, &cursor, 2).await.unwrap();
            seen.extend(stretch.items.iter().map(|(_, creation)| creation.id));
            if let Some((place, _)) = stretch.items.last() {
                cursor = Walk::from_token(&stretch.cursor(*place)).unwrap();
            }
            !stretch.has_more
        };
        if done {
            break;
        }
        for act in acts.by_ref().take(3) {
            carry_out(&mut history, ada, act, &mut made);
        }
        history.commit().await;
        bench.catch_up(100).await;
    }
    let page = reads.creation_page(list, &any, &Paging::first(100)).await.unwrap();
    let after: Vec<CreationId> = page.items.into_iter().map(|creation| creation.id).collect();
    let mut once = seen.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "seen twice: {seen:?}");
    assert!(seen.iter().all(|id| before.contains(id)), "came later");
    // In the order of the list, and all that never went away.
    let positions: Vec<_> = seen.iter().map(|id| before.iter().position(|known| known == id)).collect();
    assert!(positions.is_sorted(), "{positions:?}");
    let touched: Vec<CreationId> = made.clone();
    let stayed = before.iter().filter(|id| after.contains(id) && touched.contains(id));
    for id in stayed {
        let went_away = !seen.contains(id);
        // One that was hidden and shown again may have been missed while it was hidden.
        assert!(!went_away || was_hidden(&history, *id), "skipped {id:?}");
    }
    bench.db.close().await;
}

/// Whether a creation ever stopped being public.
fn was_hidden(history: &History, id: CreationId) -> bool {
    history.said(id.0).iter().any(|event_type| event_type == "creation.privacy_changed")
}

#[test]
fn walks_neither_skip_nor_repeat_while_the_list_changes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let cases = (acts(), any::<bool>(), any::<bool>(), any::<bool>());
    runner
        .run(&cases, |(acts, own, oldest, numbered)| {
            let list = if own { CreationList::Own } else { |_| CreationList::Public };
            let order = if oldest { Order::Oldest } else { Order::Newest };
            runtime.block_on(walk(&acts, list, order, numbered));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_page_stays_where_it_was_when_something_before_it_goes() {
    let mut history = History::new().await;
    let ada = history.account("ada").await;
    history.grant(ada, 100, LotKind::Paid, None);
    for _ in 0..6 {
        make(&mut history, ada, None, Privacy::Public);
        history.commit().await;
    }
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let (reads, any) = (bench.reads(), CreationFilter::default());
    for list in [CreationList::Public, CreationList::OfUser(ada), CreationList::Own(ada)] {
        let first = reads.creation_page(list, &any, &Paging::first(2)).await.unwrap();
        let before: Vec<_> = listed(&bench, list, &any).await;
        let gone = first.items[0].id;
        if list == CreationList::Own(ada) {
            history.act::<Creation>(gone.0, CreationCommand::Delete { by: By::Account(ada) });
        } else {
            set_privacy(&mut history, ada, gone, Privacy::Private);
        }
        let new = make(&mut history, ada, None, Privacy::Public);
        history.commit().await;
        bench.catch_up(100).await;
        let second = Paging { page: 2, as_of: Some(first.as_of.clone()), ..Paging::first(2) };
        let second = reads.creation_page(list, &any, &second).await.unwrap();
        let shown: Vec<_> = second.items.iter().map(|creation| creation.id).collect();
        assert_eq!((shown.as_slice(), second.total), (&before[2..4], before.len() as u64), "{list:?}");
        // Asked for again, the first page does not show what may no longer be seen.
        let again = Paging { as_of: Some(first.as_of), ..Paging::first(2) };
        let again = reads.creation_page(list, &any, &again).await.unwrap();
        assert_eq!(again.items.iter().map(|creation| creation.id).collect::<Vec<_>>(), [before[1]]);
        assert_eq!(listed(&bench, list, &any).await[0], new);
    }
}
