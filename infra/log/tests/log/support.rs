//! What the tests of the log share: an aggregate made for them, and a log to stand on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cqrs_es::event_sink::EventSink;
use mintmark_domain::es::{
    self, Acting, Commit, DecisionRequest, End, EventLog, NewEvent, Position, Recorded, StreamId, StreamRef,
};
use mintmark_domain::ids::{CommitId, derived_id};
use mintmark_domain::ports::{Clock, Entropy, ManualClock};
use mintmark_domain::{Shard, Timestamp};
use mintmark_log::memory::MemoryEventLog;
use mintmark_log::postgres::PgEventLog;
use mintmark_log::snapshots::{MemorySnapshots, PgSnapshots, SnapshotStore};
use mintmark_log::system::{SystemClock, SystemEntropy};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use mintmark_log::{postgres, schema};
use mintmark_testkit::TestDb;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A counter that never goes below zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    pub total: i64,
    pub events: u64,
    /// Only there to take memory.
    pub ballast: String,
}

#[derive(Clone, Debug)]
pub enum Tell {
    Add(i64),
    Take(i64),
    Weigh(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    Added(i64),
    Taken(i64),
    Weighed(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only {0} are there")]
pub struct TooFew(pub i64);

impl cqrs_es::DomainEvent for Told {
    fn event_type(&self) -> String {
        match self {
            Told::Added(_) => "counter.added",
            Told::Taken(_) => "counter.taken",
            Told::Weighed(_) => "counter.weighed",
        }
        .into()
    }

    fn event_version(&self) -> String {
        "1.0".into()
    }
}

impl cqrs_es::Aggregate for Counter {
    const TYPE: &'static str = "counter";
    type Command = Tell;
    type Event = Told;
    type Error = TooFew;
    type Services = ();

    async fn handle(&mut self, command: Tell, (): &(), sink: &EventSink<Self>) -> Result<(), TooFew> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Told) {
        self.events += 1;
        match event {
            Told::Added(n) => self.total += n,
            Told::Taken(n) => self.total -= n,
            Told::Weighed(bytes) => self.ballast = "x".repeat(bytes),
        }
    }
}

impl es::Aggregate for Counter {
    const STATE_SCHEMA: &'static str = "total:i64,events:u64,ballast:string";

    fn decide(&self, command: Tell) -> Result<Vec<Told>, TooFew> {
        match command {
            Tell::Add(n) => Ok(vec![Told::Added(n)]),
            Tell::Take(n) if n <= self.total => Ok(vec![Told::Taken(n)]),
            Tell::Take(_) => Err(TooFew(self.total)),
            Tell::Weigh(bytes) => Ok(vec![Told::Weighed(bytes)]),
        }
    }

    fn weight(&self) -> usize {
        64 + self.ballast.len()
    }
}

pub fn shard(number: u16) -> Shard {
    Shard::new(number).unwrap()
}

/// The id of the test's counter of that name.
pub fn counter_id(shard: Shard, name: &str) -> Uuid {
    derived_id(shard, "test_counter", &[name.as_bytes()])
}

pub fn counter(shard: Shard, name: &str) -> StreamRef {
    StreamRef::of::<Counter>(counter_id(shard, name))
}

pub fn stream(shard: Shard, name: &str) -> StreamId {
    counter(shard, name).stream
}

pub fn event(stream: StreamId, sequence: u64, told: &Told) -> NewEvent {
    NewEvent {
        stream,
        sequence,
        event_type: cqrs_es::DomainEvent::event_type(told),
        event_version: "1.0".into(),
        payload: serde_json::to_string(told).unwrap(),
        metadata: r#"{"actor":"test"}"#.into(),
    }
}

pub fn commit(shard: Shard, events: Vec<NewEvent>) -> Commit {
    let now = SystemClock.now();
    Commit { id: SystemEntropy.commit_id(shard, now), recorded_at: now, events, sealed: Vec::new() }
}

pub fn new_commit_id(shard: Shard) -> CommitId {
    SystemEntropy.commit_id(shard, SystemClock.now())
}

pub fn at(micros: i64) -> Timestamp {
    chrono::DateTime::from_timestamp_micros(micros).unwrap()
}

/// A log that several "processes" can use at once, each through its own handle.
pub enum Ground {
    Memory(MemoryEventLog),
    Postgres(Box<TestDb>),
}

impl Ground {
    pub fn memory() -> Self {
        Ground::Memory(MemoryEventLog::new())
    }

    pub async fn postgres() -> Self {
        Ground::Postgres(Box::new(test_db().await))
    }

    /// A handle as another process has it.
    pub fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Ground::Memory(log) => Arc::new(log.clone()),
            Ground::Postgres(db) => Arc::new(PgEventLog::new(db.options(), "test")),
        }
    }

    pub fn snapshots(&self) -> Arc<dyn SnapshotStore> {
        match self {
            Ground::Memory(_) => Arc::new(MemorySnapshots::new(self.log())),
            Ground::Postgres(db) => Arc::new(PgSnapshots::new(postgres::pool(db.options(), "test beside", 4))),
        }
    }

    pub fn deps(&self) -> WriterDeps {
        WriterDeps {
            log: self.log(),
            snapshots: self.snapshots(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// A writer as another process has it, for shards 0 and 1.
    pub async fn writer(&self, config: WriterConfig) -> Writer {
        Writer::start(self.deps(), config, &[shard(0), shard(1)]).await.unwrap()
    }

    pub async fn opened(&self, shard: Shard) -> (Arc<dyn EventLog>, End) {
        let log = self.log();
        let end = log.open(shard, new_commit_id(shard), SystemClock.now()).await.unwrap();
        (log, end)
    }
}

pub async fn test_db() -> TestDb {
    TestDb::migrated(&schema::scripts(), |pool| async move {
        let mut connection = pool.acquire().await?;
        schema::migrate(&mut connection).await?;
        anyhow::Ok(())
    })
    .await
}

/// All rows of a shard, its opening row first.
pub async fn all_rows(log: &dyn EventLog, shard: Shard) -> Vec<Recorded> {
    let mut rows: Vec<Recorded> = log.at(shard, Position(0)).await.unwrap().into_iter().collect();
    loop {
        let after = rows.last().map_or(Position(0), |row| row.position);
        let page = log.read(shard, after, 500).await.unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

/// Positions run on without gaps, sequences too, commits are not torn, times never run back, every
/// leaf is right.
pub fn assert_sound(rows: &[Recorded]) {
    let mut sequences = std::collections::HashMap::new();
    let mut commits = std::collections::HashSet::new();
    let mut before: Option<&Recorded> = None;
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row.position, Position(place as u64), "positions are contiguous");
        assert_eq!(row.leaf, row.computed_leaf(), "the leaf at {place}");
        if place > 0 {
            let last = sequences.entry(row.stream).or_insert(0);
            assert_eq!(row.sequence, *last + 1, "{:?} is gapless", row.stream);
            *last = row.sequence;
        }
        if before.map(|row| row.commit_id) != Some(row.commit_id) {
            assert!(commits.insert(row.commit_id), "commit {} stands in one place", row.commit_id);
        }
        assert!(before.is_none_or(|before| before.recorded_at <= row.recorded_at), "time runs on");
        before = Some(row);
    }
}

/// A decision request on counters, in the turn of `account`.
pub fn request(shard: Shard, names: &[&str], account: u128) -> DecisionRequest {
    let mut request =
        DecisionRequest::new(shard, Acting { actor: "test".into(), ..Acting::default() }, Uuid::from_u128(account));
    for name in names {
        request = request.stream(counter(shard, name));
    }
    request
}

pub fn manual_clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemClock.now()))
}

/// Waits until `done`, failing loudly after ten seconds.
pub async fn until<F: Future<Output = bool>>(what: impl fmt::Display, mut done: impl FnMut() -> F) {
    for _ in 0..2_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within ten seconds: {what}");
}
