//! What the writer promises, on the log in memory and the log on Postgres.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mintmark_domain::Shard;
use mintmark_domain::es::{
    Confirmed, DecideError, Decider, DecisionExt, DecisionRequest, MAX_EVENTS_PER_COMMIT, SealedText,
};
use mintmark_domain::ids::SealedId;
use mintmark_log::writer::{Writer, WriterConfig};

use crate::support::{
    Counter, Ground, Tell, Told, TooFew, all_rows, assert_sound, commit, counter, counter_id, event, request, shard,
    stream,
};

on_both!(
    a_decision_is_recorded_and_answered,
    a_refusal_sees_what_another_writer_granted,
    no_op_answers_are_validated_too,
    exactly_what_the_funds_allow_is_accepted_by_two_writers,
    a_decision_over_streams_is_all_or_nothing,
    a_panic_fails_only_its_own_decision,
    the_guilty_decision_alone_is_refused,
    a_stream_that_cannot_be_read_fails_only_its_own_decisions,
    what_a_decision_may_not_do_is_a_defect,
    two_shards_are_written_side_by_side,
    states_are_told_as_they_stand_at_the_end,
    the_confirmed_end_is_announced,
    a_batch_that_is_full_leaves_the_rest_for_the_next,
);

/// Has a counter told something.
pub async fn tell(
    writer: &Writer,
    shard: Shard,
    name: &str,
    command: Tell,
) -> Result<Confirmed, Result<TooFew, DecideError>> {
    tell_for(writer, request(shard, &[name], 1), counter_id(shard, name), command).await
}

async fn tell_for(
    writer: &Writer,
    request: DecisionRequest,
    id: uuid::Uuid,
    command: Tell,
) -> Result<Confirmed, Result<TooFew, DecideError>> {
    let decided = writer.decide(request, move |unit| unit.execute::<Counter>(id, command.clone())).await;
    decided.map(|(_, confirmed)| confirmed)
}

/// What a counter shows.
pub async fn total(writer: &Writer, shard: Shard, name: &str) -> i64 {
    let loaded = writer.load(shard, vec![counter(shard, name)]).await.unwrap();
    loaded[0].state.as_any().downcast_ref::<Counter>().unwrap().total
}

async fn a_decision_is_recorded_and_answered(ground: Ground) {
    let writer = ground.writer(WriterConfig::default()).await;
    let first = tell(&writer, shard(0), "a", Tell::Add(5)).await.unwrap();
    let second = tell(&writer, shard(0), "a", Tell::Take(3)).await.unwrap();
    assert_eq!(tell(&writer, shard(0), "a", Tell::Take(3)).await, Err(Ok(TooFew(2))));
    let rows = all_rows(ground.log().as_ref(), shard(0)).await;
    assert_sound(&rows);
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[1].commit_id, rows[2].commit_id), (first.end.commit_id, second.end.commit_id));
    assert_eq!((rows[1].recorded_at, rows[2].recorded_at), (first.at, second.at));
    assert_eq!(rows[2].position, second.end.position);
    assert_eq!(rows[2].event_type, "counter.taken");
    assert!(rows[2].metadata.contains(r#""actor":"test""#), "{}", rows[2].metadata);
    writer.shutdown(Duration::from_secs(5)).await;
}

/// A writer whose cache says "nothing there" must not refuse what another process just granted.
async fn a_refusal_sees_what_another_writer_granted(ground: Ground) {
    let ours = ground.writer(WriterConfig::default()).await;
    let theirs = ground.writer(WriterConfig::default()).await;
    for n in 1..=25 {
        assert_eq!(tell(&ours, shard(0), "w", Tell::Take(7)).await, Err(Ok(TooFew(0))), "the cache is warm");
        tell(&theirs, shard(0), "w", Tell::Add(7)).await.unwrap();
        tell(&ours, shard(0), "w", Tell::Take(7)).await.unwrap_or_else(|error| panic!("time {n}: {error:?}"));
        assert_eq!(tell(&theirs, shard(0), "w", Tell::Take(7)).await, Err(Ok(TooFew(0))), "nor grant what is spent");
    }
    assert_sound(&all_rows(ground.log().as_ref(), shard(0)).await);
}

async fn no_op_answers_are_validated_too(ground: Ground) {
    let ours = ground.writer(WriterConfig::default()).await;
    let theirs = ground.writer(WriterConfig::default()).await;
    let seen = |writer: Arc<Writer>| async move {
        let look = request(shard(0), &["x"], 1);
        let answer =
            writer.decide(look, |unit| Ok::<_, TooFew>(unit.state::<Counter>(counter_id(shard(0), "x")).total));
        answer.await.unwrap()
    };
    let ours = Arc::new(ours);
    for n in 1..=10 {
        let told = tell(&theirs, shard(0), "x", Tell::Add(1)).await.unwrap();
        let (total, confirmed) = seen(Arc::clone(&ours)).await;
        assert_eq!((total, confirmed.end), (n, told.end));
    }
}

async fn exactly_what_the_funds_allow_is_accepted_by_two_writers(ground: Ground) {
    let writers = [ground.writer(WriterConfig::default()).await, ground.writer(WriterConfig::default()).await];
    tell(&writers[0], shard(0), "purse", Tell::Add(7)).await.unwrap();
    let writers = Arc::new(writers);
    let tries = (0..200).map(|n: usize| {
        let writers = Arc::clone(&writers);
        tokio::spawn(async move { tell(&writers[n % 2], shard(0), "purse", Tell::Take(1)).await })
    });
    let answers: Vec<_> = futures::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 7);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Ok(TooFew(0)))).count(), 193);
    assert_eq!(total(&writers[1], shard(0), "purse").await, 0);
    assert_sound(&all_rows(ground.log().as_ref(), shard(0)).await);
}

async fn a_decision_over_streams_is_all_or_nothing(ground: Ground) {
    let writer = ground.writer(WriterConfig::default()).await;
    tell(&writer, shard(0), "from", Tell::Add(5)).await.unwrap();
    let (from, to) = (counter_id(shard(0), "from"), counter_id(shard(0), "to"));
    let transfer = |amount| {
        writer.decide(request(shard(0), &["from", "to"], 1), move |unit| {
            unit.execute::<Counter>(to, Tell::Add(amount))?;
            // What was done before in the same decision is seen.
            assert_eq!(unit.state::<Counter>(to).total % 4, 0);
            unit.execute::<Counter>(from, Tell::Take(amount))
        })
    };
    transfer(4).await.unwrap();
    assert_eq!(transfer(4).await.unwrap_err().unwrap(), TooFew(1));
    assert_eq!((total(&writer, shard(0), "from").await, total(&writer, shard(0), "to").await), (1, 4));
    let rows = all_rows(ground.log().as_ref(), shard(0)).await;
    assert_eq!((rows.len(), rows[2].commit_id), (4, rows[3].commit_id));
}

async fn a_panic_fails_only_its_own_decision(ground: Ground) {
    let writer = Arc::new(ground.writer(WriterConfig::default()).await);
    let answers = (0..30_u32).map(|n| {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move {
            let id = counter_id(shard(0), "a");
            let decided = writer.decide(request(shard(0), &["a"], u128::from(n)), move |unit| {
                let done = unit.execute::<Counter>(id, Tell::Add(1));
                assert!(!n.is_multiple_of(3), "number {n} panics");
                done
            });
            (n, decided.await)
        })
    });
    for answer in futures::future::join_all(answers).await {
        match answer.unwrap() {
            (n, Err(Err(DecideError::Defect(why)))) => {
                assert!(n.is_multiple_of(3) && why.contains(&format!("number {n} panics")), "{n}: {why}");
            }
            (n, answer) => assert!(answer.is_ok() && !n.is_multiple_of(3), "{n}: {answer:?}"),
        }
    }
    assert_eq!(total(&writer, shard(0), "a").await, 20);
}

/// Only the log can find this fault: a sealed id that is there already.
async fn the_guilty_decision_alone_is_refused(ground: Ground) {
    let writer = Arc::new(ground.writer(WriterConfig::default()).await);
    let seal = |n: u128, id: SealedId| {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move {
            let counter = counter_id(shard(0), &format!("c{n}"));
            let name = format!("c{n}");
            let decided = writer.decide(request(shard(0), &[name.as_str()], n), move |unit| {
                unit.seal(SealedText { id, subject: counter, ciphertext: vec![1] });
                unit.execute::<Counter>(counter, Tell::Add(1))
            });
            decided.await.map(|(_, confirmed)| confirmed)
        })
    };
    let taken = SealedId(counter_id(shard(0), "sealed"));
    seal(0, taken).await.unwrap().unwrap();
    let answers: Vec<_> = (1..=20)
        .map(|n| seal(n, if n == 7 { taken } else { SealedId(counter_id(shard(0), &format!("sealed {n}"))) }))
        .collect();
    for (n, answer) in (1..).zip(futures::future::join_all(answers).await) {
        let answer = answer.unwrap();
        if n == 7 {
            assert!(matches!(answer, Err(Err(DecideError::Defect(_)))), "{answer:?}");
        } else {
            assert!(answer.is_ok(), "{n}: {answer:?}");
        }
    }
    assert_eq!(total(&writer, shard(0), "c7").await, 0);
    assert_eq!(total(&writer, shard(0), "c8").await, 1);
    let rows = all_rows(ground.log().as_ref(), shard(0)).await;
    assert_eq!(rows.len(), 21);
    assert_sound(&rows);
}

async fn a_stream_that_cannot_be_read_fails_only_its_own_decisions(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let mut unknown = event(stream(shard(0), "new"), 1, &Told::Added(1));
    unknown.event_type = "counter.squared".into();
    unknown.payload = r#"{"Squared":2}"#.into();
    let end = log.append(shard(0), end, &commit(shard(0), vec![unknown.clone()])).await.unwrap();
    let writer = ground.writer(WriterConfig::default()).await;
    tell(&writer, shard(0), "warm", Tell::Add(1)).await.unwrap();
    for _ in 0..2 {
        let refused = tell(&writer, shard(0), "new", Tell::Add(1)).await;
        assert!(matches!(&refused, Err(Err(DecideError::Unreadable(error))) if error.event_type == "counter.squared"));
        tell(&writer, shard(0), "old", Tell::Add(1)).await.unwrap();
    }
    // The same where it is another writer's event on a stream that is in the cache.
    let end_now = log.end(shard(0)).await.unwrap();
    assert_ne!(end_now, end);
    let later = event(stream(shard(0), "warm"), 2, &Told::Added(1));
    let later = mintmark_domain::es::NewEvent { event_type: unknown.event_type, payload: unknown.payload, ..later };
    let fresh = mintmark_domain::es::Commit {
        recorded_at: log.at(shard(0), end_now.position).await.unwrap().unwrap().recorded_at,
        ..commit(shard(0), vec![later])
    };
    log.append(shard(0), end_now, &fresh).await.unwrap();
    let refused = tell(&writer, shard(0), "warm", Tell::Add(1)).await;
    assert!(matches!(refused, Err(Err(DecideError::Unreadable(_)))), "{refused:?}");
    assert_eq!(total(&writer, shard(0), "old").await, 2);
}

async fn what_a_decision_may_not_do_is_a_defect(ground: Ground) {
    let writer = ground.writer(WriterConfig::default()).await;
    let id = counter_id(shard(0), "a");
    let defect = |answer: Result<_, Result<TooFew, DecideError>>, why: &str| match answer {
        Err(Err(DecideError::Defect(said))) => assert!(said.contains(why), "{said}"),
        other => panic!("{why}: {:?}", other.map(|(done, _): (usize, Confirmed)| done)),
    };
    let unnamed = writer.decide(request(shard(0), &["b"], 1), move |unit| unit.execute::<Counter>(id, Tell::Add(1)));
    defect(unnamed.await, "did not name");
    let too_many = writer.decide(request(shard(0), &["a"], 1), move |unit| {
        for _ in 0..=MAX_EVENTS_PER_COMMIT {
            unit.execute::<Counter>(id, Tell::Add(1))?;
        }
        Ok(0)
    });
    defect(too_many.await, "more than");
    let elsewhere = request(shard(0), &[], 1).stream(counter(shard(1), "a"));
    defect(writer.decide(elsewhere, |_| Ok(0)).await, "not in shard 0");
    defect(writer.decide(request(shard(9), &[], 1), |_| Ok(0)).await, "not served");
    assert_eq!(all_rows(ground.log().as_ref(), shard(0)).await.len(), 1);
}

async fn two_shards_are_written_side_by_side(ground: Ground) {
    let writers =
        Arc::new([ground.writer(WriterConfig::default()).await, ground.writer(WriterConfig::default()).await]);
    let tellings = (0..200).map(|n: usize| {
        let writers = Arc::clone(&writers);
        let shard = shard(u16::from(n.is_multiple_of(2)));
        tokio::spawn(async move { tell(&writers[n / 2 % 2], shard, "same name", Tell::Add(1)).await.unwrap() })
    });
    futures::future::join_all(tellings).await;
    for number in [0, 1] {
        assert_eq!(total(&writers[0], shard(number), "same name").await, 100);
        let rows = all_rows(ground.log().as_ref(), shard(number)).await;
        assert_eq!(rows.len(), 101);
        assert_sound(&rows);
    }
}

async fn states_are_told_as_they_stand_at_the_end(ground: Ground) {
    let ours = ground.writer(WriterConfig::default()).await;
    let theirs = ground.writer(WriterConfig::default()).await;
    assert_eq!(total(&ours, shard(0), "a").await, 0);
    for n in 1..=10 {
        tell(&theirs, shard(0), "a", Tell::Add(1)).await.unwrap();
        assert_eq!(total(&ours, shard(0), "a").await, n);
    }
    let both = ours.load(shard(0), vec![counter(shard(0), "nothing"), counter(shard(0), "a")]).await.unwrap();
    assert_eq!((both[0].sequence, both[1].sequence), (0, 10));
}

async fn the_confirmed_end_is_announced(ground: Ground) {
    let writer = ground.writer(WriterConfig::default()).await;
    let mut watched = writer.subscribe(shard(1)).unwrap();
    let before = *watched.borrow_and_update();
    assert_eq!(before, ground.log().end(shard(1)).await.unwrap());
    let told = tell(&writer, shard(1), "a", Tell::Add(1)).await.unwrap();
    watched.changed().await.unwrap();
    assert_eq!(*watched.borrow(), told.end);
    assert_eq!(writer.status(shard(1)).unwrap().end, told.end);
    assert!(writer.subscribe(shard(2)).is_none());
}

async fn a_batch_that_is_full_leaves_the_rest_for_the_next(ground: Ground) {
    let config = WriterConfig { batch_events_max: 5, batch_decisions_max: 50, ..WriterConfig::default() };
    let writer = Arc::new(ground.writer(config).await);
    let largest = Arc::new(AtomicU64::new(0));
    let tellings = (0..40_u128).map(|n| {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move {
            let id = counter_id(shard(0), "a");
            let decided = writer.decide(request(shard(0), &["a"], n), move |unit| {
                // Numbers 0, 8, 16 … want more than a batch holds: they get one of their own.
                for _ in 0..if n.is_multiple_of(8) { 7 } else { 2 } {
                    unit.execute::<Counter>(id, Tell::Add(1))?;
                }
                Ok::<_, TooFew>(())
            });
            decided.await.unwrap();
        })
    });
    for telling in futures::future::join_all(tellings).await {
        telling.unwrap();
    }
    let rows = all_rows(ground.log().as_ref(), shard(0)).await;
    assert_eq!(rows.len(), 1 + 5 * 7 + 35 * 2);
    assert_sound(&rows);
    let mut commits = std::collections::HashMap::new();
    for row in &rows {
        *commits.entry(row.commit_id).or_insert(0) += 1;
    }
    largest.store(commits.values().copied().max().unwrap(), Ordering::Relaxed);
    assert_eq!(largest.load(Ordering::Relaxed), 7, "{commits:?}");
}
