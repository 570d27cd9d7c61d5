//! The writer's ends, good and bad, on a log that does not answer; and the bounds of what it reads and
//! keeps waiting.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::es::{
    AppendError, Commit, Confirmed, DecideError, Decider, DecisionExt, End, EventLog, LockedShard, Position, ReadError,
    Recorded, SealedText, StreamId,
};
use mintmark_domain::ids::{CommitId, SealedId};
use mintmark_domain::{Shard, Timestamp};
use mintmark_log::memory::MemoryEventLog;
use mintmark_log::snapshots::MemorySnapshots;
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use tokio::task::JoinHandle;

use crate::support::{Counter, Ground, Tell, Told, commit, counter, counter_id, event, request, shard, stream, until};

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    Nowhere,
    AppendsHang,
    LocksHang,
    AppendsPanic,
}

/// A log that can fall ill, and notes how much is read at once.
#[derive(Clone)]
struct IllLog {
    log: MemoryEventLog,
    ill: Arc<Mutex<Ill>>,
    /// Streams, and events of each, of every common read.
    read: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl IllLog {
    fn new() -> Self {
        IllLog { log: MemoryEventLog::new(), ill: Arc::new(Mutex::new(Ill::Nowhere)), read: Arc::default() }
    }

    fn falls(&self, ill: Ill) {
        *self.ill.lock().unwrap() = ill;
    }

    fn is(&self) -> Ill {
        *self.ill.lock().unwrap()
    }

    async fn writer(&self, config: WriterConfig) -> Arc<Writer> {
        let log: Arc<dyn EventLog> = Arc::new(self.clone());
        let snapshots = Arc::new(MemorySnapshots::new(Arc::clone(&log)));
        let deps = WriterDeps { log, snapshots, ..Ground::memory().deps() };
        Arc::new(Writer::start(deps, config, &[shard(0)]).await.unwrap())
    }
}

#[async_trait]
impl EventLog for IllLog {
    async fn open(&self, shard: Shard, commit_id: CommitId, at: Timestamp) -> Result<End, AppendError> {
        self.log.open(shard, commit_id, at).await
    }

    async fn append(&self, shard: Shard, expected: End, commit: &Commit) -> Result<End, AppendError> {
        match self.is() {
            Ill::AppendsHang => std::future::pending().await,
            Ill::AppendsPanic => panic!("a planned panic"),
            Ill::Nowhere | Ill::LocksHang => self.log.append(shard, expected, commit).await,
        }
    }

    async fn end(&self, shard: Shard) -> Result<End, ReadError> {
        self.log.end(shard).await
    }

    async fn at(&self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        self.log.at(shard, position).await
    }

    async fn read(&self, shard: Shard, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.read(shard, after, limit).await
    }

    async fn read_streams_page(&self, streams: &[(StreamId, u64)], each: usize) -> Result<Vec<Recorded>, ReadError> {
        self.read.lock().unwrap().push((streams.len(), each));
        self.log.read_streams_page(streams, each).await
    }

    async fn read_sealed(&self, shard: Shard, ids: &[SealedId]) -> Result<Vec<SealedText>, ReadError> {
        self.log.read_sealed(shard, ids).await
    }

    async fn lock(&self, shard: Shard) -> Result<Box<dyn LockedShard>, ReadError> {
        match self.is() {
            Ill::LocksHang => std::future::pending().await,
            Ill::Nowhere | Ill::AppendsHang | Ill::AppendsPanic => self.log.lock(shard).await,
        }
    }
}

type Answer = JoinHandle<Result<Confirmed, DecideError>>;

/// Has a counter count one, in a decision that carries so many bytes.
fn count(writer: &Arc<Writer>, name: &str, carries: usize) -> Answer {
    let (writer, id) = (Arc::clone(writer), counter_id(shard(0), name));
    let wanted = request(shard(0), &[name], 1).carrying(carries);
    tokio::spawn(async move {
        let decided = writer.decide(wanted, move |unit| unit.execute::<Counter>(id, Tell::Add(1))).await;
        decided.map(|(_, confirmed)| confirmed).map_err(Result::unwrap_err)
    })
}

async fn under_way(writer: &Arc<Writer>, decisions: usize) {
    until("they are under way", || async { writer.status(shard(0)).unwrap().waiting == decisions }).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Shuts the writer down, which must not take much longer than it is given.
async fn shut_down(writer: &Writer) {
    let ended = tokio::time::timeout(Duration::from_secs(5), writer.shutdown(Duration::from_millis(100)));
    ended.await.expect("nothing is waited for beyond the time given");
}

#[tokio::test]
async fn an_append_that_hangs_does_not_hold_the_end_up_and_is_said_to_be_unsettled() {
    let log = IllLog::new();
    let writer = log.writer(WriterConfig::default()).await;
    log.falls(Ill::AppendsHang);
    let answer = count(&writer, "a", 0);
    under_way(&writer, 1).await;
    shut_down(&writer).await;
    assert!(matches!(answer.await.unwrap(), Err(DecideError::Unsettled(_))));
}

#[tokio::test]
async fn a_lock_that_hangs_does_not_hold_the_end_up_and_nothing_was_decided() {
    let log = IllLog::new();
    let writer = log.writer(WriterConfig::default()).await;
    // Another writer is first: from now on the shard is locked while deciding.
    let end = log.log.end(shard(0)).await.unwrap();
    let other = commit(shard(0), vec![event(stream(shard(0), "other"), 1, &Told::Added(1))]);
    log.log.append(shard(0), end, &other).await.unwrap();
    log.falls(Ill::LocksHang);
    let answer = count(&writer, "a", 0);
    under_way(&writer, 1).await;
    shut_down(&writer).await;
    assert_eq!(answer.await.unwrap(), Err(DecideError::Stopping));
    assert_eq!(log.log.end(shard(0)).await.unwrap().commit_id, other.id);
}

#[tokio::test]
async fn a_task_that_panics_answers_everyone_and_says_so_from_then_on() {
    let log = IllLog::new();
    let writer = log.writer(WriterConfig { batch_decisions_max: 1, ..WriterConfig::default() }).await;
    assert_eq!(writer.status(shard(0)).unwrap().failure, None);
    log.falls(Ill::AppendsPanic);
    let answers: Vec<Answer> = (0..20).map(|_| count(&writer, "a", 0)).collect();
    let answers = tokio::time::timeout(Duration::from_secs(5), futures::future::join_all(answers)).await;
    for answer in answers.expect("all are answered") {
        let answer = answer.unwrap();
        assert!(matches!(answer, Err(DecideError::Unsettled(_) | DecideError::Unavailable(_))), "{answer:?}");
    }
    until("it is said", || async { writer.status(shard(0)).unwrap().failure.is_some() }).await;
    log.falls(Ill::Nowhere);
    let later = tokio::time::timeout(Duration::from_secs(5), count(&writer, "a", 0)).await.expect("an answer");
    assert!(matches!(later.unwrap(), Err(DecideError::Unavailable(why)) if why.contains("restart")));
}

#[tokio::test]
async fn what_waits_is_bounded_in_bytes_too() {
    let log = IllLog::new();
    let config = WriterConfig { waiting_bytes_max: 1_000, ..WriterConfig::default() };
    let writer = log.writer(config).await;
    let held = log.log.lock(shard(0)).await.unwrap();
    // More than fits is taken in while nothing else waits.
    let large = count(&writer, "a", 5_000);
    under_way(&writer, 1).await;
    let refused = count(&writer, "b", 1).await.unwrap();
    assert!(matches!(refused, Err(DecideError::Overloaded { .. })), "{refused:?}");
    drop(held);
    large.await.unwrap().unwrap();
    let held = log.log.lock(shard(0)).await.unwrap();
    let fitting = [count(&writer, "a", 400), count(&writer, "b", 600)];
    under_way(&writer, 2).await;
    let refused = count(&writer, "c", 1).await.unwrap();
    assert!(matches!(refused, Err(DecideError::Overloaded { .. })), "{refused:?}");
    drop(held);
    for answer in fitting {
        answer.await.unwrap().unwrap();
    }
    count(&writer, "c", 1_000).await.unwrap().unwrap();
}

#[tokio::test]
async fn one_read_asks_for_so_many_streams_and_events_and_no_more() {
    let log = IllLog::new();
    let config = WriterConfig { load_streams_max: 8, load_events_max: 40, ..WriterConfig::default() };
    let writer = log.writer(config).await;
    let names: Vec<String> = (0..100).map(|number| format!("cold {number}")).collect();
    let streams = names.iter().map(|name| counter(shard(0), name)).collect();
    let loaded = writer.load(shard(0), streams).await.unwrap();
    assert_eq!(loaded.len(), 100);
    let read = log.read.lock().unwrap().clone();
    assert_eq!(read.iter().map(|(streams, _)| streams).sum::<usize>(), 100);
    assert!(read.iter().all(|(streams, each)| *streams <= 8 && streams * each <= 40), "{read:?}");
}
