//! The writer under load, with faults, and beside others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::es::{Commit, DecideError, Decider, DecisionExt, DecisionRequest, EventLog, Position};
use mintmark_domain::ports::Clock;
use mintmark_log::faults::{Fault, FaultyLog};
use mintmark_log::memory::MemoryEventLog;
use mintmark_log::snapshots::{self, Checked, MemorySnapshots, SnapshotStore};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use tokio::time::Instant;

use crate::slow::SlowStream;
use crate::support::{
    Counter, Ground, Tell, Told, TooFew, all_rows, assert_sound, commit, counter, counter_id, event, manual_clock,
    new_commit_id, request, shard, stream, until,
};
use crate::writing::{tell, total};

on_both!(
    every_fault_is_survived_and_every_answer_true,
    small_and_large_batches_both_win_their_share,
    the_cache_keeps_its_bound,
    a_snapshot_is_what_a_replay_gives,
    a_clean_end_answers_everyone,
);

async fn writer_on(log: Arc<dyn EventLog>, ground: &Ground, config: WriterConfig) -> Writer {
    let deps = WriterDeps { log, ..ground.deps() };
    Writer::start(deps, config, &[shard(0), shard(1)]).await.unwrap()
}

/// Replies get lost, statements come late, two writers race: what was answered is in the log once,
/// what was refused or failed is not.
async fn every_fault_is_survived_and_every_answer_true(ground: Ground) {
    let mut writers = Vec::new();
    let mut faulty = Vec::new();
    for seed in [11, 12] {
        let log = FaultyLog::new(ground.log());
        writers.push(writer_on(Arc::new(log.clone()), &ground, WriterConfig::default()).await);
        log.at_random(seed, 250);
        faulty.push(log);
    }
    let writers = Arc::new(writers);
    let tellers = (0..16_u64).map(|teller| {
        let writers = Arc::clone(&writers);
        tokio::spawn(async move {
            let (mut told, mut unavailable) = (Vec::new(), 0);
            for n in 0..12 {
                let amount = i64::try_from(teller * 1_000 + n + 1).unwrap();
                let shard = shard(u16::from(teller.is_multiple_of(2)));
                match tell(&writers[usize::from(n % 2 == 0)], shard, "hot", Tell::Add(amount)).await {
                    Ok(_) => told.push(amount),
                    Err(Err(DecideError::Unavailable(_))) => unavailable += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            (told, unavailable)
        })
    });
    let mut told = Vec::new();
    let mut unavailable = 0;
    for teller in futures::future::join_all(tellers).await {
        let (amounts, failed) = teller.unwrap();
        told.extend(amounts);
        unavailable += failed;
    }
    for log in &faulty {
        log.deliver_late().await;
        assert!(log.faults_met() > 3, "faults: {}", log.faults_met());
    }
    let log = ground.log();
    let mut recorded = Vec::new();
    for number in [0, 1] {
        let rows = all_rows(log.as_ref(), shard(number)).await;
        assert_sound(&rows);
        recorded.extend(rows[1..].iter().map(|row| match serde_json::from_str(&row.payload).unwrap() {
            Told::Added(amount) => amount,
            other => panic!("{other:?}"),
        }));
    }
    told.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(recorded, told, "{unavailable} were told that nothing was decided");
}

/// A writer of small batches and one of large batches want the same shard all the time.
async fn small_and_large_batches_both_win_their_share(ground: Ground) {
    let ground = match ground {
        // Without any wait there is nothing to contend for.
        Ground::Memory(_) => Ground::Memory(MemoryEventLog::with_latency(Duration::from_millis(1))),
        Ground::Postgres(db) => Ground::Postgres(db),
    };
    let writers = [ground.writer(WriterConfig::default()).await, ground.writer(WriterConfig::default()).await];
    let writers = Arc::new(writers);
    let log = ground.log();
    let first_of = |name: &str| counter_id(shard(0), name);
    let over = Arc::new(AtomicBool::new(false));
    let mut tellers = Vec::new();
    for (writer, tellers_of_it, events) in [(0, 1, 1), (1, 24, 6)] {
        for teller in 0..tellers_of_it {
            let (writers, over) = (Arc::clone(&writers), Arc::clone(&over));
            tellers.push(tokio::spawn(async move {
                let name = if writer == 0 { "small" } else { "large" };
                let id = counter_id(shard(0), name);
                while !over.load(Ordering::Relaxed) {
                    let decided = writers[writer].decide(request(shard(0), &[name], teller), move |unit| {
                        for _ in 0..events {
                            unit.execute::<Counter>(id, Tell::Add(1))?;
                        }
                        Ok::<_, TooFew>(())
                    });
                    decided.await.unwrap();
                }
            }));
        }
    }
    // The winner of each append, in order, until there are 1,000.
    let mut winners: Vec<uuid::Uuid> = Vec::new();
    let (mut after, mut last) = (Position(0), None);
    while winners.len() < 1_000 {
        for row in log.read(shard(0), after, 2_000).await.unwrap() {
            after = row.position;
            if last.replace(row.commit_id) != Some(row.commit_id) {
                winners.push(row.stream.id);
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    over.store(true, Ordering::Relaxed);
    for teller in tellers {
        teller.await.unwrap();
    }
    winners.truncate(1_000);
    let wins = ["small", "large"].map(|name| winners.iter().filter(|winner| **winner == first_of(name)).count());
    assert!(wins.iter().all(|wins| *wins >= 100), "of 1,000 appends they won {wins:?}");
    assert_sound(&all_rows(log.as_ref(), shard(0)).await);
}

async fn the_cache_keeps_its_bound(ground: Ground) {
    let config = WriterConfig { cache_bytes_max: 100_000, ..WriterConfig::default() };
    let writer = ground.writer(config).await;
    for n in 0..60 {
        tell(&writer, shard(0), &format!("c{n}"), Tell::Weigh(10_000)).await.unwrap();
        tell(&writer, shard(0), &format!("c{n}"), Tell::Add(n)).await.unwrap();
        let bytes = writer.status(shard(0)).unwrap().cache_bytes;
        assert!(bytes <= 100_000, "{bytes} after {n}");
    }
    let bytes = writer.status(shard(0)).unwrap().cache_bytes;
    assert!(bytes > 50_000, "it is used: {bytes}");
    // What was dropped is read again, and more may be needed at once than the bound allows.
    let all: Vec<_> = (0..60).map(|n| counter(shard(0), &format!("c{n}"))).collect();
    let loaded = writer.load(shard(0), all).await.unwrap();
    for (n, loaded) in (0..60).zip(&loaded) {
        let counter = loaded.state.as_any().downcast_ref::<Counter>().unwrap();
        assert_eq!((counter.total, counter.ballast.len(), loaded.sequence), (n, 10_000, 2));
    }
    drop(loaded);
    tell(&writer, shard(0), "c1", Tell::Add(1)).await.unwrap();
    let bytes = writer.status(shard(0)).unwrap().cache_bytes;
    assert!(bytes <= 100_000, "{bytes} after a large one");
}

async fn a_snapshot_is_what_a_replay_gives(ground: Ground) {
    let config = WriterConfig { snapshot_every_events: 20, load_page_events: 10, ..WriterConfig::default() };
    let store = ground.snapshots();
    let deps = WriterDeps { snapshots: Arc::clone(&store), ..ground.deps() };
    let writer = Writer::start(deps.clone(), config.clone(), &[shard(0)]).await.unwrap();
    let long = counter(shard(0), "long");
    for n in 1..=95 {
        tell(&writer, shard(0), "long", Tell::Add(n)).await.unwrap();
    }
    let log = ground.log();
    let checked = || async { snapshots::check(log.as_ref(), store.as_ref(), long).await.unwrap() };
    until("a snapshot at 80", || async { checked().await == Checked::Same(80) }).await;
    writer.shutdown(Duration::from_secs(5)).await;
    // Another process starts from it: prove it by what only the snapshot says.
    let schema = snapshots::schema_hash((long.empty)().schema());
    let mut snapshot = store.load(long.stream, schema).await.unwrap().unwrap();
    assert_eq!(snapshot.sequence, 80);
    let second = Writer::start(deps.clone(), config.clone(), &[shard(0)]).await.unwrap();
    assert_eq!(total(&second, shard(0), "long").await, 95 * 96 / 2);
    // A wrong snapshot is found by a check; and a snapshot of another schema or history is not used.
    snapshot.sequence = 90;
    snapshot.commit_id = log.read_streams(&[(long.stream, 89)]).await.unwrap()[0].commit_id;
    snapshot.state = r#"{"total":1,"events":90,"ballast":""}"#.into();
    store.save(&snapshot).await.unwrap();
    assert!(matches!(checked().await, Checked::Differs { sequence: 90, .. }));
    let third = Writer::start(deps.clone(), config.clone(), &[shard(0)]).await.unwrap();
    assert_eq!(total(&third, shard(0), "long").await, 1 + 91 + 92 + 93 + 94 + 95, "it was used");
    snapshot.sequence = 94;
    snapshot.commit_id = new_commit_id(shard(0));
    store.save(&snapshot).await.unwrap();
    assert_eq!(checked().await, Checked::None, "the log does not bear it out");
    assert_eq!(store.load(long.stream, [7; 32]).await.unwrap(), None, "another schema");
    assert_eq!(store.drop_diverged(shard(0)).await.unwrap(), 1);
    let fourth = Writer::start(deps, config, &[shard(0)]).await.unwrap();
    assert_eq!(total(&fourth, shard(0), "long").await, 95 * 96 / 2);
}

async fn a_clean_end_answers_everyone(ground: Ground) {
    let config = WriterConfig { batch_decisions_max: 10, ..WriterConfig::default() };
    let writer = Arc::new(ground.writer(config).await);
    let tellings: Vec<_> = (0..300_u32)
        .map(|n| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move { tell(&writer, shard(0), &format!("c{}", n % 50), Tell::Add(1)).await })
        })
        .collect();
    until("something waits", || async { writer.status(shard(0)).unwrap().waiting > 0 }).await;
    writer.shutdown(Duration::from_secs(20)).await;
    let mut recorded = 0;
    for telling in tellings {
        match telling.await.unwrap() {
            Ok(_) => recorded += 1,
            Err(Err(DecideError::Stopping)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(all_rows(ground.log().as_ref(), shard(0)).await.len(), 1 + recorded);
    assert!(recorded > 0);
    let refused = tell(&writer, shard(0), "late", Tell::Add(1)).await;
    assert_eq!(refused, Err(Err(DecideError::Stopping)));
}

fn memory() -> (MemoryEventLog, FaultyLog) {
    let log = MemoryEventLog::new();
    (log.clone(), FaultyLog::new(Arc::new(log)))
}

async fn memory_writer(log: Arc<dyn EventLog>, config: WriterConfig) -> Arc<Writer> {
    let snapshots = Arc::new(MemorySnapshots::new(Arc::clone(&log)));
    let deps = WriterDeps { log, snapshots, ..Ground::memory().deps() };
    Arc::new(Writer::start(deps, config, &[shard(0)]).await.unwrap())
}

fn spawn_tell(
    writer: &Arc<Writer>,
    account: u128,
    within: Duration,
    name: &str,
) -> tokio::task::JoinHandle<Result<u64, DecideError>> {
    let (writer, id) = (Arc::clone(writer), counter_id(shard(0), name));
    let wanted = DecisionRequest { within, ..request(shard(0), &[name], account) };
    tokio::spawn(async move {
        let decided = writer.decide(wanted, move |unit| unit.execute::<Counter>(id, Tell::Add(1)));
        decided.await.map(|(_, confirmed)| confirmed.end.position.0).map_err(Result::unwrap_err)
    })
}

const LONG: Duration = Duration::from_secs(30);

/// Holds the shard so that the writer gets stuck in an append, with its first decision.
async fn stuck(log: &MemoryEventLog, writer: &Arc<Writer>) -> Box<dyn mintmark_domain::es::LockedShard> {
    let held = log.lock(shard(0)).await.unwrap();
    let first = spawn_tell(writer, 999, LONG, "first");
    until("the first is being appended", || async { writer.status(shard(0)).unwrap().waiting == 1 }).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(first);
    held
}

#[tokio::test]
async fn a_thousand_decisions_of_one_account_do_not_delay_another() {
    let (log, _) = memory();
    let config = WriterConfig { batch_decisions_max: 10, ..WriterConfig::default() };
    let writer = memory_writer(Arc::new(log.clone()), config).await;
    let held = stuck(&log, &writer).await;
    let many: Vec<_> = (0..1_000).map(|n| spawn_tell(&writer, 1, LONG, &format!("m{}", n % 10))).collect();
    until("all wait", || async { writer.status(shard(0)).unwrap().waiting == 1_001 }).await;
    let one = spawn_tell(&writer, 2, LONG, "one");
    until("it waits", || async { writer.status(shard(0)).unwrap().waiting == 1_002 }).await;
    drop(held);
    let position = one.await.unwrap().unwrap();
    let mut positions = Vec::new();
    for answer in futures::future::join_all(many).await {
        positions.push(answer.unwrap().unwrap());
    }
    let before = positions.iter().filter(|other| **other < position).count();
    assert!(before <= 50, "{before} of the other account's were first");
}

#[tokio::test]
async fn a_full_mailbox_says_so_and_makes_room_for_the_quiet() {
    let (log, _) = memory();
    let config = WriterConfig {
        waiting_max: 20,
        waiting_per_account_max: 15,
        batch_decisions_max: 1,
        ..WriterConfig::default()
    };
    let writer = memory_writer(Arc::new(log.clone()), config).await;
    let held = stuck(&log, &writer).await;
    let loud: Vec<_> = (0..16).map(|_| spawn_tell(&writer, 1, LONG, "loud")).collect();
    until("the loud one fills its lane", || async { writer.status(shard(0)).unwrap().waiting == 16 }).await;
    let quiet: Vec<_> = (10..20).map(|account| spawn_tell(&writer, account, LONG, "quiet")).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(writer.status(shard(0)).unwrap().waiting, 20);
    drop(held);
    for answer in futures::future::join_all(quiet).await {
        answer.unwrap().unwrap();
    }
    let mut refused = 0;
    for answer in futures::future::join_all(loud).await {
        match answer.unwrap() {
            Ok(_) => {}
            Err(DecideError::Overloaded { retry_after }) => {
                assert!(retry_after >= Duration::from_secs(1), "{retry_after:?}");
                refused += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(refused, 1 + 6, "one beyond its lane, six for the quiet");
}

#[tokio::test]
async fn what_outlives_its_deadline_is_never_decided() {
    let (log, _) = memory();
    let writer = memory_writer(Arc::new(log.clone()), WriterConfig::default()).await;
    let held = stuck(&log, &writer).await;
    let began = Instant::now();
    let late = spawn_tell(&writer, 1, Duration::from_millis(80), "late");
    let in_time = spawn_tell(&writer, 1, LONG, "in time");
    let refused = late.await.unwrap();
    assert!(matches!(refused, Err(DecideError::Overloaded { .. })), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "it is told at its deadline, however long the append takes");
    drop(held);
    in_time.await.unwrap().unwrap();
    assert_eq!(total(&writer, shard(0), "late").await, 0);
    assert_eq!(total(&writer, shard(0), "in time").await, 1);
}

#[tokio::test]
async fn nobody_is_answered_before_an_unknown_outcome_is_settled() {
    let (log, faulty) = memory();
    let writer = memory_writer(Arc::new(faulty.clone()), WriterConfig::default()).await;
    faulty.next_appends([Fault::Late, Fault::LostBefore, Fault::LostAfter, Fault::LostBefore]);
    let began = Instant::now();
    let told = tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(10 + 20 + 40 + 80), "each try waits longer");
    assert_eq!(faulty.deliver_late().await, [Ok(told.end)]);
    assert_eq!(all_rows(&log, shard(0)).await.len(), 2);
}

#[tokio::test]
async fn a_log_that_cannot_be_reached_is_told_and_nothing_was_decided() {
    let (log, faulty) = memory();
    let config = WriterConfig { unreachable_max: Duration::from_millis(60), ..WriterConfig::default() };
    let writer = memory_writer(Arc::new(faulty.clone()), config).await;
    tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap();
    faulty.next_appends([Fault::Unreachable; 10]);
    let refused = tell(&writer, shard(0), "a", Tell::Add(1)).await;
    assert!(matches!(refused, Err(Err(DecideError::Unavailable(_)))), "{refused:?}");
    faulty.next_appends([]);
    // A refusal that cannot be validated is not given.
    faulty.next_reads_fail(1);
    let refused = tell(&writer, shard(0), "a", Tell::Take(9)).await;
    assert!(matches!(refused, Err(Err(DecideError::Unavailable(_)))), "{refused:?}");
    faulty.next_reads_fail(1);
    let cold = tell(&writer, shard(0), "cold", Tell::Add(1)).await;
    assert!(matches!(cold, Err(Err(DecideError::Unavailable(_)))), "{cold:?}");
    until("the faults are over", || async { tell(&writer, shard(0), "a", Tell::Add(1)).await.is_ok() }).await;
    assert_eq!(total(&writer, shard(0), "a").await, 2);
    assert_eq!(all_rows(&log, shard(0)).await.len(), 3);
}

#[tokio::test]
async fn an_unsettled_outcome_is_said_to_be_one_when_the_time_is_over() {
    let (_, faulty) = memory();
    let writer = memory_writer(Arc::new(faulty.clone()), WriterConfig::default()).await;
    faulty.next_appends([Fault::LostBefore; 1_000]);
    let unsettled = spawn_tell(&writer, 1, LONG, "a");
    until("it is tried", || async { faulty.faults_met() > 1 }).await;
    let waiting = spawn_tell(&writer, 1, LONG, "b");
    until("one waits", || async { writer.status(shard(0)).unwrap().waiting == 2 }).await;
    writer.shutdown(Duration::from_millis(100)).await;
    assert!(matches!(unsettled.await.unwrap(), Err(DecideError::Unsettled(_))));
    assert_eq!(waiting.await.unwrap(), Err(DecideError::Stopping));
}

#[tokio::test]
async fn a_lost_tail_drops_every_cache() {
    let (log, faulty) = memory();
    let config = WriterConfig { snapshot_every_events: 2, load_page_events: 2, ..WriterConfig::default() };
    let store = Arc::new(MemorySnapshots::new(Arc::new(log.clone())));
    let deps = WriterDeps { log: Arc::new(faulty), snapshots: store.clone(), ..Ground::memory().deps() };
    let writer = Writer::start(deps, config, &[shard(0)]).await.unwrap();
    for _ in 0..6 {
        tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap();
    }
    let schema = snapshots::schema_hash((counter(shard(0), "a").empty)().schema());
    until("a snapshot at 6", || async {
        store.load(stream(shard(0), "a"), schema).await.unwrap().is_some_and(|snapshot| snapshot.sequence == 6)
    })
    .await;
    // A failover loses the last three, and somebody else has written since.
    for lose_first_by_append in [true, false] {
        let kept = if lose_first_by_append { 3 } else { 2 };
        log.lose_after(shard(0), Position(kept));
        assert_eq!(log.end(shard(0)).await.unwrap().position, Position(kept));
        if lose_first_by_append {
            tell(&writer, shard(0), "a", Tell::Add(10)).await.unwrap();
            assert_eq!(total(&writer, shard(0), "a").await, 13);
        } else {
            let refused = tell(&writer, shard(0), "a", Tell::Take(3)).await;
            assert_eq!(refused, Err(Ok(TooFew(2))), "a refusal, too, is made on what the log holds now");
        }
        assert_eq!(store.load(stream(shard(0), "a"), schema).await.unwrap().filter(|kept| kept.sequence > 4), None);
    }
    assert_eq!(writer.status(shard(0)).unwrap().diverged, 2);
    assert_sound(&all_rows(&log, shard(0)).await);
}

#[tokio::test]
async fn time_never_runs_back_and_writing_stops_far_behind_the_log() {
    let (log, _) = memory();
    let clock = manual_clock();
    let store = Arc::new(MemorySnapshots::new(Arc::new(log.clone())));
    let deps =
        WriterDeps { log: Arc::new(log.clone()), snapshots: store, clock: clock.clone(), ..Ground::memory().deps() };
    let writer = Writer::start(deps, WriterConfig::default(), &[shard(0)]).await.unwrap();
    let first = tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap().at;
    assert_eq!(first, clock.now());
    clock.advance(TimeDelta::seconds(-59));
    assert_eq!(tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap().at, first);
    clock.advance(TimeDelta::seconds(-2));
    let stopped = tell(&writer, shard(0), "a", Tell::Add(1)).await;
    assert!(matches!(&stopped, Err(Err(DecideError::Unavailable(why))) if why.contains("61 s ahead")), "{stopped:?}");
    assert_eq!(total(&writer, shard(0), "a").await, 2, "what is there can still be read");
    clock.advance(TimeDelta::seconds(100));
    let at: Timestamp = tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap().at;
    assert_eq!(at, clock.now());
    // Another writer's time counts, too.
    let end = log.end(shard(0)).await.unwrap();
    let ahead = at + TimeDelta::seconds(30);
    let theirs = commit(shard(0), vec![event(stream(shard(0), "b"), 1, &Told::Added(1))]);
    log.append(shard(0), end, &Commit { recorded_at: ahead, ..theirs }).await.unwrap();
    assert_eq!(tell(&writer, shard(0), "a", Tell::Add(1)).await.unwrap().at, ahead);
    assert_sound(&all_rows(&log, shard(0)).await);
}

/// Events that others append while a stream is being read are not lost on it.
#[tokio::test]
async fn a_writer_far_behind_starts_afresh() {
    let (log, _) = memory();
    let config = WriterConfig { catch_up_events_max: 10, ..WriterConfig::default() };
    let behind = memory_writer(Arc::new(log.clone()), config).await;
    let other = memory_writer(Arc::new(log.clone()), WriterConfig::default()).await;
    tell(&behind, shard(0), "a", Tell::Add(1)).await.unwrap();
    for _ in 0..30 {
        tell(&other, shard(0), "a", Tell::Add(1)).await.unwrap();
    }
    tell(&behind, shard(0), "a", Tell::Take(31)).await.unwrap();
    assert_eq!(tell(&behind, shard(0), "a", Tell::Take(1)).await, Err(Ok(TooFew(0))));
    assert_eq!(behind.status(shard(0)).unwrap().diverged, 0);
    assert_sound(&all_rows(&log, shard(0)).await);
}

/// A read of one stream never comes back; decisions on others go on.
#[tokio::test]
async fn a_cold_long_stream_delays_only_its_own_decisions() {
    let log = MemoryEventLog::new();
    let slow = SlowStream::new(log.clone(), stream(shard(0), "long"));
    let end = log.open(shard(0), new_commit_id(shard(0)), crate::support::at(1)).await.unwrap();
    let events = (1..=100).map(|n| event(stream(shard(0), "long"), n, &Told::Added(1))).collect();
    log.append(shard(0), end, &commit(shard(0), events)).await.unwrap();
    let config = WriterConfig { load_page_events: 10, loads_max: 1, ..WriterConfig::default() };
    let writer = memory_writer(Arc::new(slow.clone()), config).await;
    let long = spawn_tell(&writer, 1, LONG, "long");
    for n in 0..20 {
        let other = spawn_tell(&writer, 1, LONG, &format!("other {n}"));
        tokio::time::timeout(Duration::from_secs(5), other).await.expect("others go on").unwrap().unwrap();
    }
    // Another process writes the stream while it is being read here, and this one hears of it.
    let theirs = memory_writer(Arc::new(log.clone()), WriterConfig::default()).await;
    tell(&theirs, shard(0), "long", Tell::Add(1_000)).await.unwrap();
    tell(&writer, shard(0), "other 1", Tell::Add(1)).await.unwrap();
    assert!(!long.is_finished());
    slow.let_go();
    long.await.unwrap().unwrap();
    assert_eq!(total(&writer, shard(0), "long").await, 1_101);
    assert_sound(&all_rows(&log, shard(0)).await);
}

/// What one account has waiting is answered in the order in which it came.
#[tokio::test]
async fn one_accounts_decisions_keep_their_order() {
    let (log, _) = memory();
    let writer = memory_writer(Arc::new(log.clone()), WriterConfig::default()).await;
    let held = stuck(&log, &writer).await;
    let mut waiting = HashMap::new();
    for n in 0..50 {
        waiting.insert(n, spawn_tell(&writer, 1, LONG, &format!("c{n}")));
        until("it waits", || async { writer.status(shard(0)).unwrap().waiting == n + 2 }).await;
    }
    drop(held);
    for (_, waiting) in waiting {
        waiting.await.unwrap().unwrap();
    }
    let rows = all_rows(&log, shard(0)).await;
    let order: Vec<_> = rows[2..].iter().map(|row| row.stream).collect();
    let expected: Vec<_> = (0..50).map(|n| stream(shard(0), &format!("c{n}"))).collect();
    assert_eq!(order, expected);
}

/// What waits together is appended together, on one hot stream too.
#[tokio::test]
async fn what_waits_together_is_appended_together() {
    let (log, _) = memory();
    let writer = memory_writer(Arc::new(log.clone()), WriterConfig::default()).await;
    let held = stuck(&log, &writer).await;
    let waiting: Vec<_> = (0..100).map(|account| spawn_tell(&writer, account, LONG, "hot")).collect();
    until("all wait", || async { writer.status(shard(0)).unwrap().waiting == 101 }).await;
    drop(held);
    for waiting in futures::future::join_all(waiting).await {
        waiting.unwrap().unwrap();
    }
    let rows = all_rows(&log, shard(0)).await;
    assert_sound(&rows);
    let commits: HashSet<_> = rows[2..].iter().map(|row| row.commit_id).collect();
    assert!(rows.len() == 102 && commits.len() <= 3, "{} commits of {} rows", commits.len(), rows.len());
}
