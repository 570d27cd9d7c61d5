//! What people say and whom they follow: kept totals are what counting would find.

use std::sync::Arc;

use mintmark_domain::account::{Account, AccountCommand};
use mintmark_domain::creation::Privacy;
use mintmark_domain::es::EventLog;
use mintmark_domain::ids::{AccountId, CommentId, CreationId, FollowId, SealedId, derived_id};
use mintmark_domain::social::{Comment, CommentCommand, Follow, FollowCommand, PostedComment};
use mintmark_domain::wallet::LotKind;

use super::creations::{make, set_privacy};
use super::history::History;
use super::support::Bench;
use crate::as_of::AsOf;
use crate::generation::{CreationFilter, CreationList, GenerationProjection};
use crate::people::{FollowList, PeopleProjection};
use crate::projection::Projection;
use crate::reads::Paging;
use crate::rebuild::rebuild;

fn post(history: &mut History, number: u64, by: AccountId, on: CreationId, parent: Option<u64>) {
    let id = |number| CommentId::numbered(history.shard, number);
    let posted = PostedComment {
        number,
        creation: on,
        account: by,
        user_id: 7,
        parent: parent.map(id),
        parent_number: parent,
        depth: u8::from(parent.is_some()),
        text: SealedId(derived_id(history.shard, "text", &[&number.to_be_bytes()])),
        at: history.now(),
    };
    let id = id(number);
    assert!(history.act::<Comment>(id.0, CommentCommand::Post(Box::new(posted))));
}

fn take_back(history: &mut History, number: u64, by: AccountId) {
    let (id, at) = (CommentId::numbered(history.shard, number), history.now());
    assert!(history.act::<Comment>(id.0, CommentCommand::Delete { by, at }));
}

fn follow(history: &mut History, follower: AccountId, followee: AccountId, follows: bool) {
    let at = history.now();
    let command = match follows {
        true => FollowCommand::Follow { follower, followee, at },
        false => FollowCommand::Unfollow { at },
    };
    assert!(history.act::<Follow>(FollowId::between(follower, followee).0, command));
}

/// The page asked for without what its first page counted: it has to be counted.
fn uncounted(as_of: &AsOf) -> Paging {
    Paging { as_of: Some(as_of.positions.clone().into()), ..Paging::first(100) }
}

async fn rebuilt_equals_live(bench: &Bench, projection: &dyn Projection) {
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    let done = rebuild(bench.db.pool(), &log, projection, &[bench.shard], &|_| {}).await.unwrap();
    assert_eq!((done.differences, done.compared), (vec![], true));
}

#[tokio::test]
async fn the_kept_total_of_comments_is_what_is_listed() {
    let mut history = History::new().await;
    let (ada, ben) = (history.account("ada").await, history.account("ben").await);
    history.grant(ada, 100, LotKind::Paid, None);
    let creation = make(&mut history, ada, None, Privacy::Public);
    for (number, parent) in [(1, None), (2, Some(1)), (3, None), (4, None)] {
        post(&mut history, number, ben, creation, parent);
        history.commit().await;
    }
    // The first stays as a gap, for it was answered; the third goes.
    take_back(&mut history, 1, ben);
    take_back(&mut history, 3, ben);
    history.commit().await;
    for batch in [1, 100] {
        let bench = Bench::new(&history).await;
        bench.catch_up(batch).await;
        let page = bench.reads().comment_page(creation, None, &Paging::first(100)).await.unwrap();
        let shown: Vec<(u64, bool)> = page.items.iter().map(|comment| (comment.number, comment.deleted)).collect();
        assert_eq!(shown, [(4, false), (2, false), (1, true)]);
        assert_eq!(page.total, 3);
        let counted = bench.reads().comment_page(creation, None, &uncounted(&page.as_of)).await.unwrap();
        assert_eq!(counted.total, 3);
        assert_eq!(bench.reads().comment_count(creation).await.unwrap(), 2);
        rebuilt_equals_live(&bench, &PeopleProjection).await;
        bench.db.close().await;
    }
}

#[tokio::test]
async fn a_walk_through_followers_keeps_the_total_of_its_first_page() {
    let mut history = History::new().await;
    let giant = history.account("giant").await;
    let mut fans = Vec::new();
    for number in 0..5 {
        fans.push(history.account(&format!("fan_{number}")).await);
        follow(&mut history, fans[number], giant, true);
        history.commit().await;
    }
    let bench = Bench::new(&history).await;
    bench.catch_up(100).await;
    let (reads, list) = (bench.reads(), FollowList::Followers(giant));
    let first = reads.follow_page(list, &Paging::first(2)).await.unwrap();
    assert_eq!((first.total, first.items[0].0), (5, fans[4]));
    follow(&mut history, fans[2], giant, false);
    let late = history.account("late").await;
    follow(&mut history, late, giant, true);
    history.commit().await;
    let bench = Bench { log: history.log.clone(), ..bench };
    bench.catch_up(100).await;
    let as_of = AsOf::from_token(&first.as_of.to_token()).unwrap();
    let second = reads.follow_page(list, &Paging { page: 2, as_of: Some(as_of), ..Paging::first(2) }).await.unwrap();
    assert_eq!((second.total, second.items.len(), second.items[0].0), (5, 1, fans[1]));
    assert_eq!(reads.follow_page(list, &uncounted(&first.as_of)).await.unwrap().total, 5);
    // What was counted of followers says nothing of whom one follows.
    let paging = Paging { as_of: Some(first.as_of), ..Paging::first(2) };
    assert_eq!(reads.follow_page(FollowList::Following(giant), &paging).await.unwrap().total, 0);
    rebuilt_equals_live(&bench, &PeopleProjection).await;
    bench.db.close().await;
}

#[tokio::test]
async fn the_kept_total_of_public_creations_is_what_is_listed_through_hiding_and_erasure() {
    let mut history = History::new().await;
    let (ada, ben) = (history.account("ada").await, history.account("ben").await);
    for account in [ada, ben] {
        history.grant(account, 100, LotKind::Paid, None);
    }
    let joke = make(&mut history, ada, Some("joke"), Privacy::Public);
    for (account, generator) in [(ada, Some("joke")), (ben, Some("joke")), (ben, Some("poem")), (ben, None)] {
        make(&mut history, account, generator, Privacy::Public);
        history.commit().await;
    }
    make(&mut history, ben, Some("joke"), Privacy::Private);
    set_privacy(&mut history, ada, joke, Privacy::Private);
    history.commit().await;
    let jokes = CreationFilter { generator: Some("joke".into()), ..CreationFilter::default() };
    let bench = Bench::new(&history).await;
    bench.catch_up(3).await;
    let reads = bench.reads();
    for (filter, total) in [(CreationFilter::default(), 4), (jokes.clone(), 2)] {
        let page = reads.creation_page(CreationList::Public, &filter, &Paging::first(1)).await.unwrap();
        assert_eq!(page.total, total);
        let counted = reads.creation_page(CreationList::Public, &filter, &uncounted(&page.as_of)).await.unwrap();
        assert_eq!((counted.total, counted.items.len() as u64), (total, total));
    }
    let ben_s = reads.creation_page(CreationList::OfUser(ben), &CreationFilter::default(), &Paging::first(1)).await;
    assert_eq!(ben_s.unwrap().total, 3);
    assert!(history.act::<Account>(ben.0, AccountCommand::Erase { by: "operator".into() }));
    history.commit().await;
    let bench = Bench { log: history.log.clone(), ..bench };
    bench.catch_up(100).await;
    for (filter, total) in [(CreationFilter::default(), 1), (jokes, 1)] {
        let page = reads.creation_page(CreationList::Public, &filter, &Paging::first(1)).await.unwrap();
        assert_eq!((page.total, page.items.len() as u64), (total, total));
    }
    rebuilt_equals_live(&bench, &GenerationProjection).await;
    bench.db.close().await;
}
