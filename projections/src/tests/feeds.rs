//! The feed: however it is put together, it is what everybody may see of those whom one follows.

use mintmark_domain::catalog::MediaType;
use mintmark_domain::creation::Privacy;
use mintmark_domain::ids::{AccountId, CreationId, FollowId};
use mintmark_domain::social::{Follow, FollowCommand};
use mintmark_domain::wallet::LotKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use super::creations::{make, set_privacy};
use super::history::History;
use super::support::Bench;
use crate::as_of::AsOf;
use crate::generation::{CreationFilter, FeedLimits};
use crate::positions::{Positions, Walk};
use crate::projection::ProjectionName;
use crate::reads::{Order, Paging, ReadModels};

/// How many people there are; the first reads.
const PEOPLE: usize = 6;
const GENERATORS: [&str; 2] = ["joke", "poem"];
/// How each feed is put together: as usual; each author looked at; everything looked through; looked through for
/// a little, then each author looked at.
const WAYS: [FeedLimits; 4] = [
    FeedLimits { counted_max: 1_000, few: 500, asked_for_totals: 200, long_from: 2_000, walked_for_each: 100 },
    FeedLimits { counted_max: 3, few: 500, asked_for_totals: 200, long_from: i64::MAX, walked_for_each: 100 },
    FeedLimits { counted_max: 3, few: 0, asked_for_totals: 200, long_from: i64::MAX, walked_for_each: 100 },
    FeedLimits { counted_max: 3, few: 0, asked_for_totals: 200, long_from: 6, walked_for_each: 1 },
];

#[derive(Clone, Debug)]
enum Act {
    Follow { whom: usize, follows: bool },
    Make { who: usize, generator: usize },
    Hide { which: usize, hidden: bool },
}

fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => (1..PEOPLE, prop::bool::weighted(0.7)).prop_map(|(whom, follows)| Act::Follow { whom, follows }),
        4 => (1..PEOPLE, 0..GENERATORS.len()).prop_map(|(who, generator)| Act::Make { who, generator }),
        1 => (0..100_usize, any::<bool>()).prop_map(|(which, hidden)| Act::Hide { which, hidden }),
    ];
    prop::collection::vec(act, 1..most)
}

struct Told {
    history: History,
    people: Vec<AccountId>,
    made: Vec<(AccountId, CreationId)>,
}

impl Told {
    async fn new() -> Self {
        let mut history = History::new().await;
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let account = history.account(&format!("person_{number}")).await;
            history.grant(account, 1_000, LotKind::Paid, None);
            people.push(account);
        }
        Told { history, people, made: Vec::new() }
    }

    async fn tell(&mut self, acts: &[Act]) {
        for act in acts {
            match *act {
                Act::Follow { whom, follows } => {
                    let (follower, followee, at) = (self.people[0], self.people[whom], self.history.now());
                    let command = match follows {
                        true => FollowCommand::Follow { follower, followee, at },
                        false => FollowCommand::Unfollow { at },
                    };
                    assert!(self.history.act::<Follow>(FollowId::between(follower, followee).0, command));
                }
                Act::Make { who, generator } => {
                    let who = self.people[who];
                    let generator = Some(GENERATORS[generator]);
                    self.made.push((who, make(&mut self.history, who, generator, Privacy::Public)));
                }
                Act::Hide { which, hidden } => {
                    if let Some((who, creation)) = self.made.get(which % self.made.len().max(1)).copied() {
                        let privacy = if hidden { Privacy::Private } else { Privacy::Public };
                        set_privacy(&mut self.history, who, creation, privacy);
                    }
                }
            }
            self.history.commit().await;
        }
    }
}

/// Whether a row of creations or follows was listed at the positions of a walk.
fn listed(row: &str) -> String {
    format!(
        "({row}.listed_from <= ($1::bigint[])[{row}.shard + 1]
            AND ({row}.listed_until IS NULL OR {row}.listed_until > ($1::bigint[])[{row}.shard + 1])
          OR {row}.listed_before::int8multirange @> ($1::bigint[])[{row}.shard + 1])"
    )
}

/// All of a feed by its definition, at the positions of a walk, as far as it is still to be seen.
async fn defined(
    reads: &ReadModels,
    reader: AccountId,
    filter: &CreationFilter,
    order: Order,
    as_of: &Positions,
) -> Vec<CreationId> {
    let (of, direction) = (listed("c"), order.direction());
    let sql = format!(
        "SELECT c.creation_id FROM read_generation_v3.creations c
         WHERE {of} AND c.listed_until IS NULL AND ($3::text IS NULL OR c.generator = $3)
           AND ($4::text IS NULL OR c.media_type = $4)
           AND c.account_id IN (SELECT f.followee FROM read_people_v1.follows f WHERE f.follower = $2 AND {})
         ORDER BY c.recorded_at {direction}, c.number {direction}",
        listed("f")
    );
    let all = sqlx::query_scalar(&sql).bind(as_of.by_number()).bind(reader.0).bind(&filter.generator);
    let all = all.bind(filter.media_type.map(MediaType::as_str));
    let all: Vec<Uuid> = all.fetch_all(&reads.pool).await.unwrap();
    all.into_iter().map(CreationId).collect()
}

/// A walk through a feed, two by two, from a cursor on; with the cursor after the first two.
async fn walked(
    reads: &ReadModels,
    (limits, reader): (FeedLimits, AccountId),
    filter: &CreationFilter,
    order: Order,
    mut walk: Walk,
) -> (Vec<CreationId>, Option<Walk>) {
    let (mut all, mut after_first) = (Vec::new(), None);
    loop {
        let stretch = reads.feed_walk_within(limits, reader, filter, order, &walk, 2).await.unwrap();
        all.extend(stretch.items.iter().map(|(_, creation)| creation.id));
        let Some((place, _)) = stretch.items.last().filter(|_| stretch.has_more) else { return (all, after_first) };
        walk = Walk::from_token(&stretch.cursor(*place)).unwrap();
        after_first.get_or_insert_with(|| walk.clone());
    }
}

async fn equal_in_every_way(before: &[Act], meanwhile: &[Act], filter: &CreationFilter, order: Order) {
    let mut told = Told::new().await;
    told.tell(before).await;
    let bench = Bench::new(&told.history).await;
    bench.catch_up(7).await;
    let (reads, reader) = (bench.reads(), told.people[0]);
    let now = reads.passed(&[ProjectionName::People, ProjectionName::Generation]).await.unwrap();
    let all = defined(&reads, reader, filter, order, &now).await;
    let (mut firsts, mut walks) = (Vec::new(), Vec::new());
    for limits in WAYS {
        let counted = all.len().min(usize::try_from(limits.counted_max).unwrap());
        for page in 1..=3_u32 {
            let paging = Paging { page, order, ..Paging::first(2) };
            let found = reads.feed_page_within(limits, reader, filter, &paging).await.unwrap();
            let ids: Vec<CreationId> = found.items.iter().map(|creation| creation.id).collect();
            let wanted: Vec<CreationId> = all.iter().skip((page as usize - 1) * 2).take(2).copied().collect();
            assert_eq!(ids, wanted, "page {page} by {limits:?}");
            assert_eq!((found.total, found.total_capped), (counted as u64, all.len() > counted), "{limits:?}");
            firsts.extend((page == 1).then_some((limits, found)));
        }
        let (ids, after_two) = walked(&reads, (limits, reader), filter, order, Walk::default()).await;
        assert_eq!(ids, all, "walked by {limits:?}");
        walks.extend(after_two.map(|walk| (limits, walk)));
    }
    // A walk goes on where it was, whatever happens: what is gone is missing from its page.
    told.tell(meanwhile).await;
    let later = Bench { log: told.history.log.clone(), ..bench };
    later.catch_up(100).await;
    for (limits, first) in firsts {
        let still = defined(&reads, reader, filter, order, &first.as_of.positions).await;
        let as_of = AsOf::from_token(&first.as_of.to_token()).unwrap();
        let paging = Paging { page: 2, order, as_of: Some(as_of), ..Paging::first(2) };
        let found = reads.feed_page_within(limits, reader, filter, &paging).await.unwrap();
        let ids: Vec<CreationId> = found.items.iter().map(|creation| creation.id).collect();
        let wanted: Vec<CreationId> = all.iter().skip(2).take(2).filter(|id| still.contains(id)).copied().collect();
        assert_eq!(ids, wanted, "pinned, by {limits:?}");
        assert_eq!((found.total, found.total_capped), (first.total, first.total_capped), "pinned, by {limits:?}");
    }
    for (limits, walk) in walks {
        let still = defined(&reads, reader, filter, order, &walk.as_of).await;
        let wanted: Vec<CreationId> = all.iter().skip(2).filter(|id| still.contains(id)).copied().collect();
        let (ids, _) = walked(&reads, (limits, reader), filter, order, walk).await;
        assert_eq!(ids, wanted, "walked on by {limits:?}");
    }
    later.db.close().await;
}

#[test]
fn however_a_feed_is_put_together_it_is_what_its_definition_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let filters = [
        CreationFilter::default(),
        CreationFilter { generator: Some(GENERATORS[0].to_owned()), ..CreationFilter::default() },
        CreationFilter { media_type: Some(MediaType::Text), ..CreationFilter::default() },
        CreationFilter { media_type: Some(MediaType::Img), ..CreationFilter::default() },
    ];
    let cases = (acts(40), acts(12), prop::sample::select(filters.to_vec()), any::<bool>());
    runner
        .run(&cases, |(before, meanwhile, filter, oldest)| {
            let order = if oldest { Order::Oldest } else { Order::Newest };
            runtime.block_on(equal_in_every_way(&before, &meanwhile, &filter, order));
            Ok(())
        })
        .unwrap();
}
