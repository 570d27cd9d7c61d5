//! The directory, in memory and on Postgres.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use mintmark_domain::Shard;
use mintmark_domain::ports::{
    Claim, ClaimKind, ClaimRequest, Clock, Directory, DirectoryError, IntegerIds, IntegerKind, ManualClock,
};
use mintmark_log::directory::{
    BlockSizes, BlockStore, IdAllocator, MemoryBlocks, MemoryDirectory, PgBlocks, PgDirectory, Swept, sweep_orphans,
};
use uuid::Uuid;

use crate::support::{Ground, counter_id, shard};

on_both!(
    of_fifty_who_claim_a_name_one_gets_it,
    a_claim_is_found_with_its_owner_shard_and_key_id,
    claiming_ones_own_again_is_no_error,
    only_the_owner_releases_and_confirms,
    orphans_are_swept_and_nothing_else,
    the_directory_is_rebuilt_from_the_log,
    values_have_a_size,
    integer_ids_are_never_given_twice,
    an_integer_says_its_shard,
    after_a_restore_integers_go_on_above_the_log,
);

fn directory(ground: &Ground, clock: &Arc<ManualClock>) -> Arc<dyn Directory> {
    match ground {
        Ground::Memory(_) => Arc::new(MemoryDirectory::new(clock.clone())),
        Ground::Postgres(db) => Arc::new(PgDirectory::new(db.pool().clone(), clock.clone())),
    }
}

fn blocks(ground: &Ground) -> Arc<dyn BlockStore> {
    match ground {
        Ground::Memory(_) => Arc::new(MemoryBlocks::default()),
        Ground::Postgres(db) => Arc::new(PgBlocks::new(db.pool().clone())),
    }
}

fn owner(shard: Shard, name: &str) -> Uuid {
    counter_id(shard, name)
}

fn username(name: &str, owner: Uuid) -> ClaimRequest {
    ClaimRequest::new(ClaimKind::Username, name, owner)
}

async fn of_fifty_who_claim_a_name_one_gets_it(ground: Ground) {
    let clock = Arc::new(ManualClock::default());
    let directory = directory(&ground, &clock);
    let claims = (0..50).map(|n| {
        let directory = Arc::clone(&directory);
        let owner = owner(shard(n % 2), &format!("account {n}"));
        tokio::spawn(async move { directory.claim(&username("ada", owner)).await.map(|()| owner) })
    });
    let answers: Vec<_> = futures::future::join_all(claims).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<Uuid> = answers.iter().filter_map(|answer| answer.as_ref().ok()).copied().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(DirectoryError::Taken)).count(), 49);
    let found = directory.find(ClaimKind::Username, b"ada").await.unwrap().unwrap();
    assert_eq!(found.owner, winners[0]);
}

async fn a_claim_is_found_with_its_owner_shard_and_key_id(ground: Ground) {
    let clock = Arc::new(ManualClock::default());
    let directory = directory(&ground, &clock);
    let account = owner(shard(1), "a");
    let hash = [0, 255, 7];
    directory.claim(&ClaimRequest::new(ClaimKind::ApiKey, hash, account).referring_to(42)).await.unwrap();
    let found = directory.find(ClaimKind::ApiKey, &hash).await.unwrap().unwrap();
    let expected = Claim {
        kind: ClaimKind::ApiKey,
        value: hash.to_vec(),
        owner: account,
        reference: Some(42),
        claimed_at: clock.now(),
        confirmed: false,
    };
    assert_eq!((found.shard(), found), (shard(1), expected));
    // The same value of another kind is another thing.
    assert_eq!(directory.find(ClaimKind::Invite, &hash).await.unwrap(), None);
    directory.claim(&ClaimRequest::new(ClaimKind::Invite, hash, owner(shard(0), "b"))).await.unwrap();
}

async fn claiming_ones_own_again_is_no_error(ground: Ground) {
    let clock = Arc::new(ManualClock::default());
    let directory = directory(&ground, &clock);
    let (a, b) = (owner(shard(0), "a"), owner(shard(0), "b"));
    directory.claim(&username("ada", a).referring_to(1)).await.unwrap();
    clock.advance(TimeDelta::seconds(10));
    directory.claim(&username("ada", a)).await.unwrap();
    let found = directory.find(ClaimKind::Username, b"ada").await.unwrap().unwrap();
    assert_eq!((found.claimed_at, found.reference), (clock.now(), Some(1)), "young again");
    assert_eq!(directory.claim(&username("ada", b)).await, Err(DirectoryError::Taken));
}

async fn only_the_owner_releases_and_confirms(ground: Ground) {
    let clock = Arc::new(ManualClock::default());
    let directory = directory(&ground, &clock);
    let (a, b) = (owner(shard(0), "a"), owner(shard(0), "b"));
    directory.claim(&username("ada", a)).await.unwrap();
    directory.confirm(ClaimKind::Username, b"ada", b).await.unwrap();
    assert!(!directory.find(ClaimKind::Username, b"ada").await.unwrap().unwrap().confirmed);
    directory.confirm(ClaimKind::Username, b"ada", a).await.unwrap();
    assert!(directory.find(ClaimKind::Username, b"ada").await.unwrap().unwrap().confirmed);
    assert!(!directory.release(ClaimKind::Username, b"ada", b).await.unwrap());
    assert!(directory.release(ClaimKind::Username, b"ada", a).await.unwrap());
    assert_eq!(directory.find(ClaimKind::Username, b"ada").await.unwrap(), None);
    directory.claim(&username("ada", b)).await.unwrap();
}

async fn orphans_are_swept_and_nothing_else(ground: Ground) {
    let clock = Arc::new(ManualClock::default());
    let directory = directory(&ground, &clock);
    let account = owner(shard(0), "a");
    for name in ["orphan", "in the log", "confirmed", "claimed again"] {
        directory.claim(&username(name, account)).await.unwrap();
        clock.advance(TimeDelta::seconds(1));
    }
    directory.confirm(ClaimKind::Username, b"confirmed", account).await.unwrap();
    let stale = directory.find(ClaimKind::Username, b"claimed again").await.unwrap().unwrap();
    clock.advance(TimeDelta::hours(1));
    directory.claim(&username("young", account)).await.unwrap();
    directory.claim(&username("claimed again", account)).await.unwrap();
    assert!(!directory.sweep(&stale).await.unwrap(), "it was claimed again since it was listed");
    let before = clock.now() - TimeDelta::minutes(10);
    let listed = directory.unconfirmed(before, 10).await.unwrap();
    let names: Vec<&[u8]> = listed.iter().map(|claim| claim.value.as_slice()).collect();
    assert_eq!(names, [b"orphan".as_slice(), b"in the log"], "oldest first");
    assert_eq!(directory.unconfirmed(before, 1).await.unwrap().len(), 1);
    let in_log = |claim: Claim| async move { Ok::<_, DirectoryError>(claim.value == b"in the log") };
    let swept = sweep_orphans(directory.as_ref(), before, in_log).await.unwrap();
    assert_eq!(swept, Swept { confirmed: 1, released: 1 });
    let left = directory.owned_by(account).await.unwrap();
    let left: Vec<(&[u8], bool)> = left.iter().map(|claim| (claim.value.as_slice(), claim.confirmed)).collect();
    let expected: [(&[u8], bool); 4] =
        [(b"claimed again", false), (b"confirmed", true), (b"in the log", true), (b"young", false)];
    assert_eq!(left, expected);
    assert_eq!(sweep_orphans(directory.as_ref(), before, in_log).await.unwrap(), Swept::default());
}

async fn the_directory_is_rebuilt_from_the_log(ground: Ground) {
    let clock = Arc::new(ManualClock::default());
    let directory = directory(&ground, &clock);
    let (a, b, c) = (owner(shard(0), "a"), owner(shard(1), "b"), owner(shard(1), "c"));
    directory.claim(&username("ada", c)).await.unwrap();
    directory.claim(&username("gone", c)).await.unwrap();
    directory.confirm(ClaimKind::Username, b"gone", c).await.unwrap();
    let log = [
        username("ada", a),
        ClaimRequest::new(ClaimKind::ApiKey, [1, 2], b).referring_to(7),
        username("twice", a),
        username("twice", b),
        username("ada", a),
    ];
    let contested = directory.rebuild(&mut log.into_iter()).await.unwrap();
    assert_eq!(contested, [username("twice", b)]);
    let ada = directory.find(ClaimKind::Username, b"ada").await.unwrap().unwrap();
    assert_eq!((ada.owner, ada.confirmed), (a, true), "the log's word counts");
    let key = directory.find(ClaimKind::ApiKey, &[1, 2]).await.unwrap().unwrap();
    assert_eq!((key.owner, key.reference, key.confirmed), (b, Some(7), true));
    let gone = directory.find(ClaimKind::Username, b"gone").await.unwrap().unwrap();
    assert!(!gone.confirmed, "what the log does not name is left to the sweep");
}

async fn values_have_a_size(ground: Ground) {
    let directory = directory(&ground, &Arc::new(ManualClock::default()));
    for value in [vec![], vec![1; ClaimRequest::VALUE_BYTES_MAX + 1]] {
        let request = ClaimRequest::new(ClaimKind::Email, value, owner(shard(0), "a"));
        assert_eq!(directory.claim(&request).await, Err(DirectoryError::BadValue));
    }
}

const SIZES: BlockSizes = BlockSizes { many: 7, few: 3 };

async fn integer_ids_are_never_given_twice(ground: Ground) {
    let store = blocks(&ground);
    let processes: Vec<Arc<IdAllocator>> =
        (0..3).map(|_| Arc::new(IdAllocator::new(Arc::clone(&store), SIZES))).collect();
    let takers = (0..60_usize).map(|n| {
        let process = Arc::clone(&processes[n % 3]);
        let shard = shard(u16::from(n.is_multiple_of(2)));
        tokio::spawn(async move {
            let mut taken = process.take(IntegerKind::Creation, shard, 3).await.unwrap();
            taken.push(process.next(IntegerKind::Creation, shard).await.unwrap());
            (shard, taken)
        })
    });
    let mut seen = HashSet::new();
    for answer in futures::future::join_all(takers).await {
        let (shard, taken) = answer.unwrap();
        assert!(taken[..3].is_sorted());
        for number in taken {
            assert!(number > 0 && seen.insert(number), "{number} twice");
            assert_eq!(processes[0].shard_of(IntegerKind::Creation, number).await.unwrap(), Some(shard));
        }
    }
    assert_eq!(seen.len(), 240);
    // Kinds are counted by themselves.
    assert_eq!(processes[0].next(IntegerKind::User, shard(0)).await.unwrap(), 1);
    // More at once than a block holds.
    let many = processes[1].take(IntegerKind::Team, shard(0), 20).await.unwrap();
    assert_eq!(many, (1..=20).collect::<Vec<_>>());
}

async fn an_integer_says_its_shard(ground: Ground) {
    let store = blocks(&ground);
    let ours = IdAllocator::new(Arc::clone(&store), SIZES);
    let zero = ours.next(IntegerKind::User, shard(0)).await.unwrap();
    let one = ours.next(IntegerKind::User, shard(1)).await.unwrap();
    // Another process, which has seen none of it, and for numbers that were not given out yet, too.
    let other = IdAllocator::new(store, SIZES);
    for (number, expected) in [(zero, shard(0)), (zero + 2, shard(0)), (one, shard(1)), (one + 2, shard(1))] {
        assert_eq!(other.shard_of(IntegerKind::User, number).await.unwrap(), Some(expected), "{number}");
        assert_eq!(other.shard_of(IntegerKind::User, number).await.unwrap(), Some(expected), "remembered");
    }
    for number in [0, one + 3, u64::MAX] {
        assert_eq!(other.shard_of(IntegerKind::User, number).await.unwrap(), None, "{number}");
    }
}

async fn after_a_restore_integers_go_on_above_the_log(ground: Ground) {
    let ids = IdAllocator::new(blocks(&ground), SIZES);
    assert_eq!(ids.take(IntegerKind::Comment, shard(0), 2).await.unwrap(), [1, 2]);
    // The log names numbers that the directory knows nothing of.
    ids.record(IntegerKind::Comment, 50, shard(1)).await.unwrap();
    ids.record(IntegerKind::Comment, 50, shard(1)).await.unwrap();
    ids.record(IntegerKind::Comment, 2, shard(0)).await.unwrap();
    assert_eq!(ids.shard_of(IntegerKind::Comment, 50).await.unwrap(), Some(shard(1)));
    assert_eq!(ids.shard_of(IntegerKind::Comment, 49).await.unwrap(), None);
    ids.ensure_above(IntegerKind::Comment, 50).await.unwrap();
    let next = ids.take(IntegerKind::Comment, shard(0), 10).await.unwrap();
    assert_eq!(next, (51..=60).collect::<Vec<_>>(), "nor is the open block used up");
    ids.ensure_above(IntegerKind::Comment, 20).await.unwrap();
    assert_eq!(ids.next(IntegerKind::Comment, shard(0)).await.unwrap(), 61, "lower: nothing changes");
}
