//! The log's contract, against the log in memory and the log on Postgres.

use std::sync::Arc;
use std::time::Duration;

use mintmark_domain::es::{
    AppendError, Commit, End, EventLog, MAX_EVENTS_PER_COMMIT, Position, SHARD_OPENED, SealedText, shard_opened_stream,
};
use mintmark_domain::ids::{CommitId, SealedId};
use mintmark_log::faults::{Fault, FaultyLog};
use uuid::Uuid;

use crate::support::{
    Ground, Told, all_rows, assert_sound, at, commit, counter_id, event, new_commit_id, shard, stream,
};

on_both!(
    a_shard_is_opened_once,
    what_is_read_is_what_was_written,
    an_append_after_another_commit_is_stale,
    an_end_that_is_not_there_has_diverged,
    what_cannot_be_appended_is_refused_and_leaves_no_trace,
    a_commit_that_is_sent_again_is_appended_once,
    positions_are_contiguous_under_racing_writers,
    sealed_texts_go_in_only_where_the_events_do,
    an_unknown_outcome_is_settled_by_sending_again,
    a_late_statement_never_overtakes,
    streams_are_read_together_in_the_order_asked_for,
    a_held_shard_keeps_others_waiting,
    a_held_shard_is_let_go_when_dropped,
    whoever_waits_for_a_shard_is_served_in_turn,
    shards_know_nothing_of_each_other,
);

async fn a_shard_is_opened_once(ground: Ground) {
    let openings = (0..8).map(|_| {
        let log = ground.log();
        tokio::spawn(async move { log.open(shard(7), new_commit_id(shard(7)), at(1_000_007)).await.unwrap() })
    });
    let ends: Vec<End> = futures::future::join_all(openings).await.into_iter().map(Result::unwrap).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    let log = ground.log();
    let row = log.at(shard(7), Position(0)).await.unwrap().unwrap();
    assert_eq!((row.event_type.as_str(), row.sequence, row.stream), (SHARD_OPENED, 0, shard_opened_stream(shard(7))));
    assert_eq!((row.recorded_at, row.leaf), (at(1_000_007), row.computed_leaf()));
    assert_eq!(ends[0], End { position: Position(0), commit_id: row.commit_id });
    assert!(log.read(shard(7), Position(0), 10).await.unwrap().is_empty());
}

async fn what_is_read_is_what_was_written(ground: Ground) {
    let (log, end) = ground.opened(shard(1)).await;
    let mut first = event(stream(shard(1), "a"), 1, &Told::Added(1));
    // Order, blanks and repeated keys stay: these are the bytes that the leaf covers.
    first.payload = "{ \"b\":1,  \"a\":\"ü\\u0041\", \"a\":1.50 }".into();
    let second = event(stream(shard(1), "b"), 1, &Told::Taken(2));
    let wanted = Commit { recorded_at: at(1_795_000_000_123_456), ..commit(shard(1), vec![first.clone(), second]) };
    let after = log.append(shard(1), end, &wanted).await.unwrap();
    assert_eq!(after, End { position: Position(2), commit_id: wanted.id });
    assert_eq!(log.end(shard(1)).await.unwrap(), after);
    let rows = log.read(shard(1), Position(0), 10).await.unwrap();
    for (row, new) in rows.iter().zip(&wanted.events) {
        assert_eq!((row.stream, row.sequence), (new.stream, new.sequence));
        assert_eq!((&row.event_type, &row.event_version), (&new.event_type, &new.event_version));
        assert_eq!((&row.payload, &row.metadata), (&new.payload, &new.metadata));
        assert_eq!((row.commit_id, row.recorded_at, row.shard), (wanted.id, wanted.recorded_at, shard(1)));
    }
    assert_eq!(log.read(shard(1), Position(1), 10).await.unwrap(), rows[1..]);
    assert_eq!(log.read(shard(1), Position(0), 1).await.unwrap(), rows[..1]);
    assert_eq!(log.at(shard(1), Position(1)).await.unwrap().as_ref(), Some(&rows[0]));
    assert_eq!(log.at(shard(1), Position(3)).await.unwrap(), None);
    assert_sound_but_for_time(&all_rows(log.as_ref(), shard(1)).await);
}

async fn an_append_after_another_commit_is_stale(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let first = commit(shard(0), vec![event(stream(shard(0), "a"), 1, &Told::Added(1))]);
    log.append(shard(0), end, &first).await.unwrap();
    // On the same stream both unique indexes are met, on another only that of positions.
    for name in ["a", "b"] {
        let late = commit(shard(0), vec![event(stream(shard(0), name), 1, &Told::Added(2))]);
        assert_eq!(ground.log().append(shard(0), end, &late).await, Err(AppendError::Stale), "{name}");
    }
    assert_eq!(all_rows(log.as_ref(), shard(0)).await.len(), 2);
}

async fn an_end_that_is_not_there_has_diverged(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let after = log
        .append(shard(0), end, &commit(shard(0), vec![event(stream(shard(0), "a"), 1, &Told::Added(1))]))
        .await
        .unwrap();
    let another = CommitId(counter_id(shard(0), "another commit"));
    let wanted = commit(shard(0), vec![event(stream(shard(0), "a"), 2, &Told::Added(2))]);
    for end in [
        End { commit_id: another, ..after },
        End { commit_id: another, ..end },
        End { position: Position(2), ..after },
        End { position: Position(99), ..after },
    ] {
        assert_eq!(log.append(shard(0), end, &wanted).await, Err(AppendError::Diverged), "{end:?}");
    }
    assert_eq!(all_rows(log.as_ref(), shard(0)).await.len(), 2);
}

async fn what_cannot_be_appended_is_refused_and_leaves_no_trace(ground: Ground) {
    let (log, opened) = ground.opened(shard(0)).await;
    let (a, b) = (stream(shard(0), "a"), stream(shard(0), "b"));
    let end = log.append(shard(0), opened, &commit(shard(0), vec![event(a, 1, &Told::Added(1))])).await.unwrap();
    let good = event(b, 1, &Told::Added(1));
    let mut not_json = event(a, 2, &Told::Added(1));
    not_json.payload = "{\"a\":".into();
    let mut nul = event(a, 2, &Told::Added(1));
    nul.metadata = "{\"a\":\"\0\"}".into();
    let too_many = (1..=MAX_EVENTS_PER_COMMIT as u64 + 1).map(|n| event(b, n, &Told::Added(1))).collect();
    for (why, events) in [
        ("no event", vec![]),
        ("a sequence that is there", vec![good.clone(), event(a, 1, &Told::Added(1))]),
        ("a gap inside the commit", vec![good.clone(), event(b, 3, &Told::Added(1))]),
        ("another shard's stream", vec![good.clone(), event(stream(shard(1), "c"), 1, &Told::Added(1))]),
        ("not JSON", vec![good.clone(), not_json]),
        ("U+0000", vec![good.clone(), nul]),
        ("too many", too_many),
    ] {
        let wanted = commit(shard(0), events);
        let result = log.append(shard(0), end, &wanted).await;
        assert!(matches!(result, Err(AppendError::Refused(_))), "{why}: {result:?}");
        let held = log.lock(shard(0)).await.unwrap();
        let result = held.append(end, &wanted).await;
        assert!(matches!(result, Err(AppendError::Refused(_))), "{why}, held: {result:?}");
    }
    assert_eq!(log.end(shard(0)).await.unwrap(), end);
    assert!(log.read_streams(&[(b, 0)]).await.unwrap().is_empty());
    // And nothing stands in the way of the next one.
    log.append(shard(0), end, &commit(shard(0), vec![good])).await.unwrap();
}

async fn a_commit_that_is_sent_again_is_appended_once(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let wanted = commit(shard(0), vec![event(stream(shard(0), "a"), 1, &Told::Added(1))]);
    let first = log.append(shard(0), end, &wanted).await.unwrap();
    let next = commit(shard(0), vec![event(stream(shard(0), "a"), 2, &Told::Added(1))]);
    assert_eq!(log.append(shard(0), end, &wanted).await, Ok(first));
    let last = log.append(shard(0), first, &next).await.unwrap();
    assert_eq!(ground.log().append(shard(0), end, &wanted).await, Ok(first), "after another one, too");
    assert_eq!(log.end(shard(0)).await.unwrap(), last);
    assert_sound(&all_rows(log.as_ref(), shard(0)).await);
}

/// Four writers, each with its own connections, race on one shard: a hot stream that all of them
/// write, and one of their own.
pub async fn race(logs: Vec<Arc<dyn EventLog>>, tries: u64, name: &str) -> usize {
    let hot = stream(shard(0), &format!("hot {name}"));
    let writers = logs.into_iter().enumerate().map(|(writer, log)| {
        let own = stream(shard(0), &format!("own {writer} {name}"));
        tokio::spawn(async move {
            let (mut won, mut own_sequence) = (Vec::new(), 0);
            for n in 0..tries {
                let end = log.end(shard(0)).await.unwrap();
                let hot_sequence = log.read_streams(&[(hot, 0)]).await.unwrap().len() as u64;
                let events = vec![
                    event(hot, hot_sequence + 1, &Told::Added(1)),
                    event(own, own_sequence + 1, &Told::Added(i64::try_from(n).unwrap())),
                    event(own, own_sequence + 2, &Told::Added(1)),
                ];
                let wanted = commit(shard(0), events);
                match log.append(shard(0), end, &wanted).await {
                    Ok(_) => {
                        won.push(wanted.id);
                        own_sequence += 2;
                    }
                    // Between the two reads another commit may come: then the sequence is taken, too.
                    Err(AppendError::Stale) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            won
        })
    });
    let won: Vec<CommitId> = futures::future::join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    won.len()
}

async fn positions_are_contiguous_under_racing_writers(ground: Ground) {
    let (log, _) = ground.opened(shard(0)).await;
    let won = race((0..4).map(|_| ground.log()).collect(), 60, "one").await;
    let rows = all_rows(log.as_ref(), shard(0)).await;
    assert!(won >= 60, "at least one of those who race wins each time: {won}");
    assert_eq!(rows.len(), 1 + 3 * won);
    assert_sound_but_for_time(&rows);
}

/// Racing writers stamp their commits before they know who is first.
pub fn assert_sound_but_for_time(rows: &[mintmark_domain::es::Recorded]) {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        assert_eq!(row.leaf, row.computed_leaf());
        row.recorded_at = at(0);
        row.leaf = row.computed_leaf();
    }
    assert_sound(&rows);
}

fn sealed(name: &str) -> SealedText {
    let id = SealedId(counter_id(shard(0), name));
    SealedText { id, subject: counter_id(shard(0), "subject"), ciphertext: vec![0, 1, 255] }
}

async fn sealed_texts_go_in_only_where_the_events_do(ground: Ground) {
    let (log, opened) = ground.opened(shard(0)).await;
    let a = stream(shard(0), "a");
    let texts = vec![sealed("one"), sealed("two")];
    let ids: Vec<SealedId> = texts.iter().map(|text| text.id).collect();
    let first = Commit { sealed: texts.clone(), ..commit(shard(0), vec![event(a, 1, &Told::Added(1))]) };
    let end = log.append(shard(0), opened, &first).await.unwrap();
    assert_eq!(log.append(shard(0), opened, &first).await, Ok(end), "sent again");
    let mut read = log.read_sealed(shard(0), &ids).await.unwrap();
    read.sort_by_key(|text| text.id);
    let mut expected = texts;
    expected.sort_by_key(|text| text.id);
    assert_eq!(read, expected);
    // Stale, diverged and refused commits leave no text.
    let with_text = |name: &str, sequence| Commit {
        sealed: vec![sealed(name)],
        ..commit(shard(0), vec![event(a, sequence, &Told::Added(1))])
    };
    assert_eq!(log.append(shard(0), opened, &with_text("stale", 2)).await, Err(AppendError::Stale));
    let gone = End { commit_id: CommitId(Uuid::from_u128(1)), ..end };
    assert_eq!(log.append(shard(0), gone, &with_text("diverged", 2)).await, Err(AppendError::Diverged));
    let refused = log.append(shard(0), end, &with_text("refused", 1)).await;
    assert!(matches!(refused, Err(AppendError::Refused(_))), "{refused:?}");
    // A text that is there already refuses the whole commit.
    let twice = log.append(shard(0), end, &with_text("one", 2)).await;
    assert!(matches!(twice, Err(AppendError::Refused(_))), "{twice:?}");
    let never: Vec<SealedId> = ["stale", "diverged", "refused"].iter().map(|name| sealed(name).id).collect();
    assert!(log.read_sealed(shard(0), &never).await.unwrap().is_empty());
    assert_eq!(log.end(shard(0)).await.unwrap(), end);
    // Without an event there is no commit to go with.
    let bare = Commit { sealed: vec![sealed("bare")], ..commit(shard(0), vec![]) };
    assert!(matches!(log.append(shard(0), end, &bare).await, Err(AppendError::Refused(_))));
}

async fn an_unknown_outcome_is_settled_by_sending_again(ground: Ground) {
    let (log, mut end) = ground.opened(shard(0)).await;
    let faulty = FaultyLog::new(Arc::clone(&log));
    for (n, fault) in [Fault::LostBefore, Fault::LostAfter, Fault::Late, Fault::LostAfter].into_iter().enumerate() {
        let sequence = n as u64 + 1;
        let wanted = commit(shard(0), vec![event(stream(shard(0), "a"), sequence, &Told::Added(1))]);
        faulty.next_appends([fault, fault]);
        for _ in 0..2 {
            let result = faulty.append(shard(0), end, &wanted).await;
            assert!(matches!(result, Err(AppendError::Unknown(_))), "{fault:?}: {result:?}");
        }
        let after = faulty.append(shard(0), end, &wanted).await.unwrap();
        for late in faulty.deliver_late().await {
            assert_eq!(late, Ok(after), "what arrives late finds itself there");
        }
        end = after;
    }
    assert_eq!(log.end(shard(0)).await.unwrap(), end);
    let rows = all_rows(log.as_ref(), shard(0)).await;
    assert_eq!(rows.len(), 5);
    assert_sound(&rows);
}

async fn a_late_statement_never_overtakes(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let faulty = FaultyLog::new(Arc::clone(&log));
    faulty.next_appends([Fault::Late]);
    let late = commit(shard(0), vec![event(stream(shard(0), "a"), 1, &Told::Added(1))]);
    assert!(matches!(faulty.append(shard(0), end, &late).await, Err(AppendError::Unknown(_))));
    let other = commit(shard(0), vec![event(stream(shard(0), "b"), 1, &Told::Added(1))]);
    ground.log().append(shard(0), end, &other).await.unwrap();
    // Once it is judged stale it can never take effect.
    assert_eq!(faulty.append(shard(0), end, &late).await, Err(AppendError::Stale));
    assert_eq!(faulty.deliver_late().await, [Err(AppendError::Stale)]);
    assert_eq!(all_rows(log.as_ref(), shard(0)).await.len(), 2);
}

async fn streams_are_read_together_in_the_order_asked_for(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let (a, b, c) = (stream(shard(0), "a"), stream(shard(0), "b"), stream(shard(0), "c"));
    let mut events: Vec<_> = (1..=5).map(|n| event(a, n, &Told::Added(1))).collect();
    events.extend((1..=3).map(|n| event(b, n, &Told::Added(1))));
    log.append(shard(0), end, &commit(shard(0), events)).await.unwrap();
    let found = |rows: Vec<mintmark_domain::es::Recorded>| {
        rows.into_iter().map(|row| (row.stream, row.sequence)).collect::<Vec<_>>()
    };
    let all = found(log.read_streams(&[(c, 0), (b, 1), (a, 3)]).await.unwrap());
    assert_eq!(all, [(b, 2), (b, 3), (a, 4), (a, 5)]);
    let paged = found(log.read_streams_page(&[(a, 1), (b, 0)], 2).await.unwrap());
    assert_eq!(paged, [(a, 2), (a, 3), (b, 1), (b, 2)]);
    assert!(log.read_streams(&[]).await.unwrap().is_empty());
    // Another kind of stream with the same id is another stream.
    let other = mintmark_domain::es::StreamId { aggregate: mintmark_domain::es::AggregateType::named("other"), ..a };
    assert!(log.read_streams(&[(other, 0)]).await.unwrap().is_empty());
}

async fn a_held_shard_keeps_others_waiting(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    let mut held = log.lock(shard(0)).await.unwrap();
    assert_eq!(held.end().await.unwrap(), end);
    let other = commit(shard(0), vec![event(stream(shard(0), "other"), 1, &Told::Added(1))]);
    let mut waiting = tokio::spawn({
        let (log, other) = (ground.log(), other.clone());
        async move { log.append(shard(0), end, &other).await }
    });
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut waiting).await.is_err(), "it waits");
    let ours = commit(shard(0), vec![event(stream(shard(0), "ours"), 1, &Told::Added(1))]);
    let after = held.append(end, &ours).await.unwrap();
    assert_eq!(waiting.await.unwrap(), Err(AppendError::Stale));
    assert_eq!(log.end(shard(0)).await.unwrap(), after);
    // What was appended before the shard was held is read by whoever holds it.
    let mut held = ground.log().lock(shard(0)).await.unwrap();
    assert_eq!(held.end().await.unwrap(), after);
    assert_eq!(held.read(Position(0), 10).await.unwrap()[0].commit_id, ours.id);
    assert_eq!(held.at(Position(0)).await.unwrap().unwrap().commit_id, end.commit_id);
    assert_eq!(held.append(end, &other).await, Err(AppendError::Stale));
}

async fn a_held_shard_is_let_go_when_dropped(ground: Ground) {
    let (log, end) = ground.opened(shard(0)).await;
    for sequence in 1..=3 {
        let mut held = log.lock(shard(0)).await.unwrap();
        let end_before = held.end().await.unwrap();
        drop(held);
        let wanted = commit(shard(0), vec![event(stream(shard(0), "a"), sequence, &Told::Added(1))]);
        let other = ground.log();
        let appended = tokio::time::timeout(Duration::from_secs(5), other.append(shard(0), end_before, &wanted));
        appended.await.expect("nobody holds it").unwrap();
    }
    assert_eq!(log.end(shard(0)).await.unwrap().position, Position(end.position.0 + 3));
}

async fn whoever_waits_for_a_shard_is_served_in_turn(ground: Ground) {
    let (log, _) = ground.opened(shard(0)).await;
    let first = log.lock(shard(0)).await.unwrap();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for n in 0..4 {
        let (log, order) = (ground.log(), Arc::clone(&order));
        waiting.push(tokio::spawn(async move {
            let held = log.lock(shard(0)).await.unwrap();
            order.lock().unwrap().push(n);
            drop(held);
        }));
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    drop(first);
    futures::future::join_all(waiting).await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3]);
}

async fn shards_know_nothing_of_each_other(ground: Ground) {
    let (log, zero) = ground.opened(shard(0)).await;
    let (_, one) = ground.opened(shard(1)).await;
    let held = log.lock(shard(0)).await.unwrap();
    let wanted = commit(shard(1), vec![event(stream(shard(1), "a"), 1, &Told::Added(1))]);
    let other = ground.log();
    let appended = tokio::time::timeout(Duration::from_secs(5), other.append(shard(1), one, &wanted));
    let after = appended.await.expect("shard 1 is free").unwrap();
    drop(held);
    assert_eq!((log.end(shard(0)).await.unwrap(), log.end(shard(1)).await.unwrap()), (zero, after));
    assert!(log.end(shard(2)).await.is_err(), "a shard that was never opened has no end");
}
