//! What only a real Postgres can show.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_es::persist::PersistedEventRepository;
use mintmark_domain::es::{AppendError, Commit, DecideError, End, EventLog, NewEvent, Position, Recorded};
use mintmark_domain::ports::Clock;
use mintmark_log::postgres::{ConnectError, PgEventLog, connect, pool, session_options};
use mintmark_log::schema::{self, SchemaError};
use mintmark_log::snapshots::PgSnapshots;
use mintmark_log::system::{SystemClock, SystemEntropy};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use mintmark_testkit::{TestCluster, TestDb};
use postgres_es::PostgresEventRepository;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::contract::{assert_sound_but_for_time, race};
use crate::support::{
    Counter, Ground, Tell, Told, all_rows, assert_sound, commit, counter_id, event, new_commit_id, shard, stream,
    test_db, until,
};
use crate::writing::{tell, total};

fn log_of(db: &TestDb) -> PgEventLog {
    PgEventLog::new(db.options(), "test")
}

async fn opened(log: &PgEventLog) -> End {
    log.open(shard(0), new_commit_id(shard(0)), SystemClock.now()).await.unwrap()
}

fn added(name: &str, sequence: u64) -> Commit {
    commit(shard(0), vec![event(stream(shard(0), name), sequence, &Told::Added(1))])
}

/// Another session that holds the shard's row, as any slow writer does.
async fn holding(db: &TestDb) -> PgConnection {
    let mut session = PgConnection::connect_with(&db.options()).await.unwrap();
    session.execute("BEGIN").await.unwrap();
    session.execute("SELECT shard FROM shards WHERE shard = 0 FOR UPDATE").await.unwrap();
    session
}

/// Backends of the log that wait for a lock.
async fn waiting(db: &TestDb) -> Vec<i32> {
    let sql = "SELECT pid FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'test' AND wait_event_type = 'Lock'
               ORDER BY query_start";
    sqlx::query_scalar(sql).fetch_all(db.pool()).await.unwrap()
}

#[tokio::test]
async fn sessions_are_as_the_log_needs_them_whatever_the_defaults_say() {
    let db = test_db().await;
    for setting in ["synchronous_commit = off", "default_transaction_isolation = 'serializable'"] {
        let sql = format!("ALTER DATABASE \"{}\" SET {setting}", db.name());
        db.pool().execute(sql.as_str()).await.unwrap();
    }
    let mut session = connect(&session_options(db.options(), "mintmark writer")).await.unwrap();
    let pool = pool(db.options(), "mintmark writer", 1);
    let mut pooled = pool.acquire().await.unwrap();
    for (kind, session) in [("a session", &mut session), ("one of a pool", &mut *pooled)] {
        for (setting, expected) in [
            ("transaction_isolation", "read committed"),
            ("synchronous_commit", "on"),
            ("application_name", "mintmark writer"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("statement_timeout", "1min"),
        ] {
            let sql = format!("SELECT current_setting('{setting}')");
            let found: String = sqlx::query_scalar(&sql).fetch_one(&mut *session).await.unwrap();
            assert_eq!(found, expected, "{setting} of {kind}");
        }
    }
}

/// The connection leads nowhere any more, and nobody says so: every call on a held shard gives up.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_said_while_the_shard_is_held_waits_for_ever() {
    let db = test_db().await;
    let proxy = Proxy::start(&db.options());
    let log = PgEventLog::new(proxy.options(&db.options()), "test").with_reply_max(Duration::from_millis(200));
    let end = opened(&log).await;
    // Longer than a new session may take, which a lock may need beside its own statements.
    let in_time = Duration::from_secs(30);
    for call in ["end", "at", "read", "append", "begin"] {
        proxy.swallows.store(false, Ordering::Relaxed);
        let mut held = log.lock(shard(0)).await.unwrap();
        proxy.swallows.store(true, Ordering::Relaxed);
        let said = tokio::time::timeout(in_time, async {
            match call {
                "end" => held.end().await.map(drop).map_err(|error| error.to_string()),
                "at" => held.at(Position(0)).await.map(drop).map_err(|error| error.to_string()),
                "read" => held.read(Position(0), 1).await.map(drop).map_err(|error| error.to_string()),
                "append" => held.append(end, &added("a", 1)).await.map(drop).map_err(|error| error.to_string()),
                _ => {
                    drop(held);
                    log.lock(shard(0)).await.map(drop).map_err(|error| error.to_string())
                }
            }
        });
        let said = said.await.unwrap_or_else(|_| panic!("{call} waits for ever"));
        assert!(said.is_err(), "{call}");
        // The server's sessions are gone with the proxy's connections.
        proxy.cut.notify_waiters();
        until("the shard is free", || async { holders(&db).await == 0 }).await;
    }
}

/// Sessions of the log that are in a transaction.
async fn holders(db: &TestDb) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'test' AND xact_start IS NOT NULL";
    sqlx::query_scalar(sql).fetch_one(db.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_made_once_by_however_many_start() {
    let db = TestDb::new().await;
    let starts = (0..6).map(|_| {
        let log = log_of(&db);
        tokio::spawn(async move { log.migrate().await })
    });
    for start in futures::future::join_all(starts).await {
        start.unwrap().unwrap();
    }
    let versions: Vec<i32> =
        sqlx::query_scalar("SELECT version FROM log_migrations ORDER BY 1").fetch_all(db.pool()).await.unwrap();
    assert_eq!(versions, [1, 2]);
    opened(&log_of(&db)).await;
    let mut session = db.pool().acquire().await.unwrap();
    session.execute("UPDATE log_migrations SET sha256 = '\\x00' WHERE version = 2").await.unwrap();
    assert!(matches!(schema::migrate(&mut session).await, Err(SchemaError::Differs { version: 2, .. })));
    session.execute("INSERT INTO log_migrations (version, name, sha256) VALUES (999, 'later', '')").await.unwrap();
    session.execute("DELETE FROM log_migrations WHERE version = 2").await.unwrap();
    assert!(matches!(schema::migrate(&mut session).await, Err(SchemaError::Newer { found: 999, known: 2 })));
}

/// The server ends the session in the middle of the statement: nothing is known, and nothing is in.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_killed_while_it_waits_appended_nothing() {
    let db = test_db().await;
    let log = log_of(&db);
    let end = opened(&log).await;
    let holder = holding(&db).await;
    let wanted = added("a", 1);
    let append = tokio::spawn({
        let (log, wanted) = (log.clone(), wanted.clone());
        async move { log.append(shard(0), end, &wanted).await }
    });
    until("it waits", || async { waiting(&db).await.len() == 1 }).await;
    sqlx::query("SELECT pg_terminate_backend($1)").bind(waiting(&db).await[0]).execute(db.pool()).await.unwrap();
    assert!(matches!(append.await.unwrap(), Err(AppendError::Unknown(_))));
    drop(holder);
    let after = log.append(shard(0), end, &wanted).await.unwrap();
    assert_eq!(log.append(shard(0), end, &wanted).await, Ok(after));
    assert_eq!(all_rows(&log, shard(0)).await.len(), 2);
}

/// A proxy before the server's socket that can lose what the server says.
struct Proxy {
    directory: tempfile::TempDir,
    /// Once set, the server's next words that contain these are awaited and dropped, and the connection
    /// is closed.
    lose: Arc<Mutex<Option<&'static [u8]>>>,
    /// While set, what anybody says is swallowed, and the connections stay open.
    swallows: Arc<AtomicBool>,
    /// Closes all connections.
    cut: Arc<tokio::sync::Notify>,
}

impl Proxy {
    fn start(server: &PgConnectOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = server.get_socket().unwrap().join(format!(".s.PGSQL.{}", server.get_port()));
        let name = format!(".s.PGSQL.{}", server.get_port());
        let listener = UnixListener::bind(directory.path().join(name)).unwrap();
        let lose: Arc<Mutex<Option<&'static [u8]>>> = Arc::default();
        let (swallows, cut): (Arc<AtomicBool>, Arc<tokio::sync::Notify>) = Default::default();
        let (losing, swallowing, cutting) = (Arc::clone(&lose), Arc::clone(&swallows), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&target).await.unwrap();
                let carried = Self::carry(client, server, Arc::clone(&losing), Arc::clone(&swallowing));
                let cut = Arc::clone(&cutting);
                tokio::spawn(async move {
                    tokio::select! {
                        () = carried => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        Proxy { directory, lose, swallows, cut }
    }

    async fn carry(
        client: UnixStream,
        server: UnixStream,
        lose: Arc<Mutex<Option<&'static [u8]>>>,
        swallows: Arc<AtomicBool>,
    ) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (gone, is_gone) = tokio::sync::oneshot::channel::<()>();
        let swallowing = Arc::clone(&swallows);
        tokio::spawn(async move {
            let forward = async {
                let mut buffer = vec![0; 1 << 16];
                loop {
                    let count = from_client.read(&mut buffer).await.unwrap_or(0);
                    if count == 0 {
                        return;
                    }
                    if !swallowing.load(Ordering::Relaxed) && to_server.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                () = forward => {}
                _ = is_gone => {}
            }
        });
        let _gone = gone;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = from_server.read(&mut buffer).await.unwrap_or(0);
            if count > 0 && swallows.load(Ordering::Relaxed) {
                continue;
            }
            let lost = {
                let mut lose = lose.lock().unwrap();
                let heard =
                    |words: &[u8]| words.is_empty() || buffer[..count].windows(words.len()).any(|part| part == words);
                let lost = lose.is_some_and(heard);
                *lose = lose.filter(|_| !lost);
                lost
            };
            if count == 0 || lost || to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    }

    fn options(&self, server: &PgConnectOptions) -> PgConnectOptions {
        server.clone().socket(self.directory.path())
    }
}

/// The commit takes effect, its reply is lost on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_between_send_and_reply_is_settled_by_sending_again() {
    let db = test_db().await;
    let proxy = Proxy::start(&db.options());
    let log = PgEventLog::new(proxy.options(&db.options()), "test");
    let mut end = opened(&log).await;
    // The first append prepares the statement; from then on the first reply is that to the execution.
    end = log.append(shard(0), end, &added("a", 1)).await.unwrap();
    for sequence in 2..=6 {
        let wanted = added("a", sequence);
        *proxy.lose.lock().unwrap() = Some(b"");
        let lost = log.append(shard(0), end, &wanted).await;
        assert!(matches!(lost, Err(AppendError::Unknown(_))), "{lost:?}");
        until("it is in", || async { log_of(&db).end(shard(0)).await.unwrap().commit_id == wanted.id }).await;
        end = log.append(shard(0), end, &wanted).await.unwrap();
        end = log.append(shard(0), end, &added("b", sequence - 1)).await.unwrap();
    }
    let rows = all_rows(&log, shard(0)).await;
    assert_eq!(rows.len(), 12);
    assert_sound(&rows);
}

/// The reply to COMMIT is lost while the shard is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_reply_is_lost_while_the_shard_is_held_is_settled() {
    let db = test_db().await;
    let proxy = Proxy::start(&db.options());
    let log = PgEventLog::new(proxy.options(&db.options()), "test");
    let end = opened(&log).await;
    let direct = log_of(&db);
    let wanted = added("a", 1);
    let held = log.lock(shard(0)).await.unwrap();
    *proxy.lose.lock().unwrap() = Some(b"COMMIT");
    let lost = held.append(end, &wanted).await;
    assert!(matches!(lost, Err(AppendError::Unknown(_))), "{lost:?}");
    until("it is in", || async { direct.end(shard(0)).await.unwrap().commit_id == wanted.id }).await;
    let after = log.append(shard(0), end, &wanted).await.unwrap();
    assert_eq!(direct.end(shard(0)).await.unwrap(), after);
    assert_eq!(all_rows(&direct, shard(0)).await.len(), 2);
}

/// We gave up on a statement; the server has not: it commits late. In whatever order the late one, the
/// one sent again and another writer's come, each commit is in once or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_commits_late_is_settled() {
    for other_first in [false, true] {
        let db = test_db().await;
        let impatient = log_of(&db).with_reply_max(Duration::from_millis(150));
        let log = log_of(&db);
        let end = opened(&log).await;
        let holder = holding(&db).await;
        let (ours, other) = (added("ours", 1), added("other", 1));
        let append =
            |log: PgEventLog, commit: Commit| tokio::spawn(async move { log.append(shard(0), end, &commit).await });
        let mut queued = 0;
        let mut others = None;
        if other_first {
            others = Some(append(log.clone(), other.clone()));
            queued += 1;
            until("the other waits", || async { waiting(&db).await.len() == 1 }).await;
        }
        let given_up = impatient.append(shard(0), end, &ours).await;
        assert!(matches!(given_up, Err(AppendError::Unknown(_))), "{given_up:?}");
        queued += 1;
        assert_eq!(waiting(&db).await.len(), queued, "the server still means to do it");
        if !other_first {
            others = Some(append(log.clone(), other.clone()));
            queued += 1;
            until("the other waits", || async { waiting(&db).await.len() == queued }).await;
        }
        let again = append(log.clone(), ours.clone());
        until("the second try waits", || async { waiting(&db).await.len() == queued + 1 }).await;
        drop(holder);
        let (winner, ours_is, other_is) =
            (if other_first { other.id } else { ours.id }, again.await.unwrap(), others.unwrap().await.unwrap());
        let after = End { position: Position(1), commit_id: winner };
        if other_first {
            assert_eq!((ours_is, other_is), (Err(AppendError::Stale), Ok(after)));
        } else {
            assert_eq!((ours_is, other_is), (Ok(after), Err(AppendError::Stale)));
        }
        until("nobody waits", || async { waiting(&db).await.is_empty() }).await;
        let rows = all_rows(&log, shard(0)).await;
        assert_eq!(rows.iter().map(|row| row.commit_id).collect::<Vec<_>>(), [end.commit_id, winner]);
    }
}

/// Which of the two unique indexes Postgres names depends on which was made first. It must not matter.
#[tokio::test]
async fn either_unique_index_may_be_named() {
    let mut named = Vec::new();
    for swapped in [false, true] {
        let db = test_db().await;
        if swapped {
            let sql = "ALTER TABLE events DROP CONSTRAINT events_pkey;
                       ALTER TABLE events ADD CONSTRAINT events_pkey
                           PRIMARY KEY (aggregate_type, aggregate_id, sequence, shard)";
            db.pool().execute(sql).await.unwrap();
        }
        let log = log_of(&db);
        let end = opened(&log).await;
        let first = added("a", 1);
        let after = log.append(shard(0), end, &first).await.unwrap();
        // A row that meets both.
        let again = sqlx::query("INSERT INTO events SELECT * FROM events WHERE position = 1").execute(db.pool()).await;
        let error = again.unwrap_err().into_database_error().unwrap();
        assert_eq!(error.code().as_deref(), Some("23505"));
        named.push(error.constraint().unwrap().to_owned());
        assert_eq!(log.append(shard(0), end, &added("a", 1)).await, Err(AppendError::Stale), "both");
        assert_eq!(log.append(shard(0), end, &added("b", 1)).await, Err(AppendError::Stale), "the position");
        assert_eq!(log.append(shard(0), end, &first).await, Ok(after), "sent again");
        let refused = log.append(shard(0), after, &added("a", 1)).await;
        assert!(matches!(refused, Err(AppendError::Refused(_))), "the sequence: {refused:?}");
    }
    assert_eq!(named, ["events_pkey", "events_position"]);
}

async fn cluster_log(cluster: &TestCluster) -> PgEventLog {
    let log = PgEventLog::new(cluster.options(), "test");
    log.migrate().await.unwrap();
    log
}

/// Nothing is skipped and nothing comes twice, whatever the copy's row order and transaction ids.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restores_into_a_fresh_cluster_and_goes_on() {
    let (old, new) = (TestCluster::start().await, TestCluster::start().await);
    let log = cluster_log(&old).await;
    opened(&log).await;
    race(vec![Arc::new(log.clone()), Arc::new(PgEventLog::new(old.options(), "test"))], 40, "before").await;
    let before = all_rows(&log, shard(0)).await;
    new.restore(&old.dump().await.unwrap()).await.unwrap();
    let restored = cluster_log(&new).await;
    assert_eq!(all_rows(&restored, shard(0)).await, before);
    let last = before.last().unwrap();
    assert_eq!(opened(&restored).await, End { position: last.position, commit_id: last.commit_id });
    let logs: Vec<Arc<dyn EventLog>> =
        (0..4).map(|_| Arc::new(PgEventLog::new(new.options(), "test")) as Arc<dyn EventLog>).collect();
    let won = race(logs, 40, "after").await;
    let after = all_rows(&restored, shard(0)).await;
    assert_eq!(after.len(), before.len() + 3 * won);
    assert_eq!(after[..before.len()], before);
    assert_sound_but_for_time(&after);
    // Paged from the first position, as a projection reads, each comes once.
    let mut paged: Vec<Recorded> = Vec::new();
    loop {
        let from = paged.last().map_or(Position(0), |row| row.position);
        let page = restored.read(shard(0), from, 7).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, after[1..]);
}

/// kill -9 of the server under a writer, and a start again: what was answered is there, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_started_again_loses_no_answer() {
    let mut cluster = TestCluster::start().await;
    let log = Arc::new(cluster_log(&cluster).await);
    let deps = WriterDeps {
        log: log.clone(),
        snapshots: Arc::new(PgSnapshots::new(pool(cluster.options(), "test", 2))),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let writer = Arc::new(Writer::start(deps, WriterConfig::default(), &[shard(0)]).await.unwrap());
    let over = Arc::new(AtomicBool::new(false));
    let tellers: Vec<_> = (0..8_i64)
        .map(|teller| {
            let (writer, over) = (Arc::clone(&writer), Arc::clone(&over));
            tokio::spawn(async move {
                let (mut told, mut n) = (Vec::new(), 0);
                while !over.load(Ordering::Relaxed) {
                    n += 1;
                    let amount = teller * 1_000_000 + n;
                    match tell(&writer, shard(0), "hot", Tell::Add(amount)).await {
                        Ok(_) => told.push(amount),
                        Err(Err(DecideError::Unavailable(_) | DecideError::Overloaded { .. })) => {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
                told
            })
        })
        .collect();
    for _ in 0..2 {
        let before = writer.status(shard(0)).unwrap().end.position.0;
        until("some are told", || async { writer.status(shard(0)).unwrap().end.position.0 > before + 50 }).await;
        cluster.kill_server();
        cluster.restart().await;
    }
    let before = writer.status(shard(0)).unwrap().end.position.0;
    until("it goes on", || async { writer.status(shard(0)).unwrap().end.position.0 > before + 50 }).await;
    over.store(true, Ordering::Relaxed);
    let mut told: Vec<i64> = Vec::new();
    for teller in tellers {
        told.extend(teller.await.unwrap());
    }
    let rows = all_rows(log.as_ref(), shard(0)).await;
    assert_sound(&rows);
    let mut recorded: Vec<i64> = rows[1..]
        .iter()
        .map(|row| match serde_json::from_str(&row.payload).unwrap() {
            Told::Added(amount) => amount,
            other => panic!("{other:?}"),
        })
        .collect();
    recorded.sort_unstable();
    told.sort_unstable();
    assert_eq!(recorded, told);
    assert_eq!(writer.status(shard(0)).unwrap().diverged, 0);
    writer.shutdown(Duration::from_secs(5)).await;
}

/// A standby answers reads, which is why it must be asked what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_refused() {
    let mut cluster = TestCluster::start().await;
    let log = cluster_log(&cluster).await;
    opened(&log).await;
    let directory: String = sqlx::query_scalar("SELECT current_setting('data_directory')")
        .fetch_one(&pool(cluster.options(), "test", 1))
        .await
        .unwrap();
    cluster.kill_server();
    // A server with this file follows a primary and takes no writes.
    std::fs::write(std::path::Path::new(&directory).join("standby.signal"), "").unwrap();
    cluster.restart().await;
    let mut plain = PgConnection::connect_with(&cluster.options()).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut plain).await.unwrap();
    assert_eq!(rows, 1, "it would answer");
    let options = session_options(cluster.options(), "test");
    assert!(matches!(connect(&options).await, Err(ConnectError::Standby)));
    let log = PgEventLog::new(cluster.options(), "test");
    let read = log.end(shard(0)).await.unwrap_err().to_string();
    assert!(read.contains("standby"), "{read}");
    let end = End { position: Position(0), commit_id: new_commit_id(shard(0)) };
    let append = log.append(shard(0), end, &added("a", 1)).await;
    assert!(matches!(&append, Err(AppendError::Unavailable(why)) if why.contains("standby")), "{append:?}");
    let pooled = pool(options, "test", 1).acquire().await;
    assert!(pooled.is_err(), "the pool refuses it, too");
}

/// The independent reader: the stock repository reads what our log wrote.
#[tokio::test]
async fn the_stock_repository_reads_our_log() {
    let db = test_db().await;
    let ground = Ground::Postgres(Box::new(db));
    let writer = ground.writer(WriterConfig::default()).await;
    for n in 1..=5 {
        tell(&writer, shard(1), "a", Tell::Add(n)).await.unwrap();
    }
    tell(&writer, shard(1), "b", Tell::Add(1)).await.unwrap();
    let ours = ground.log().read_streams(&[(stream(shard(1), "a"), 0)]).await.unwrap();
    let Ground::Postgres(db) = &ground else { unreachable!() };
    let stock = PostgresEventRepository::new(db.pool().clone());
    let id = counter_id(shard(1), "a").to_string();
    let theirs = stock.get_events::<Counter>(&id).await.unwrap();
    assert_eq!(theirs.len(), 5);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(theirs.aggregate_id, ours.stream.id.to_string());
        assert_eq!(theirs.aggregate_type, "counter");
        assert_eq!(theirs.sequence as u64, ours.sequence);
        assert_eq!((&theirs.event_type, &theirs.event_version), (&ours.event_type, &ours.event_version));
        assert_eq!(theirs.payload, serde_json::from_str::<serde_json::Value>(&ours.payload).unwrap());
        assert_eq!(theirs.metadata, serde_json::from_str::<serde_json::Value>(&ours.metadata).unwrap());
    }
    let tail = stock.get_last_events::<Counter>(&id, 3).await.unwrap();
    assert_eq!(tail.iter().map(|event| event.sequence).collect::<Vec<_>>(), [4, 5]);
    let mut replayed = Counter::default();
    let envelopes = theirs.into_iter().map(|event| serde_json::from_value::<Told>(event.payload).unwrap());
    envelopes.for_each(|event| cqrs_es::Aggregate::apply(&mut replayed, event));
    assert_eq!(replayed.total, total(&writer, shard(1), "a").await);
}

/// The shard's row is locked by every append and changed by none: it cannot bloat.
#[tokio::test]
async fn the_shards_row_is_never_rewritten() {
    let db = test_db().await;
    let log = log_of(&db);
    let mut end = opened(&log).await;
    let place = "SELECT ctid::text, xmin::text FROM shards WHERE shard = 0";
    let before = sqlx::query(place).fetch_one(db.pool()).await.unwrap();
    for sequence in 1..=20 {
        let commit = added("a", sequence);
        end = if sequence % 2 == 0 {
            log.append(shard(0), end, &commit).await.unwrap()
        } else {
            log.lock(shard(0)).await.unwrap().append(end, &commit).await.unwrap()
        };
    }
    let after = sqlx::query(place).fetch_one(db.pool()).await.unwrap();
    for column in [0, 1] {
        assert_eq!(before.get::<String, _>(column), after.get::<String, _>(column));
    }
}

/// A wallet with 200,000 events is loaded from its snapshot and the events after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_stream_is_loaded_from_its_snapshot() {
    let db = test_db().await;
    let log = log_of(&db);
    let mut end = opened(&log).await;
    let long = stream(shard(0), "long");
    let mut sequence = 0;
    while sequence < 12_000 {
        let events: Vec<NewEvent> = (1..=4_000).map(|n| event(long, sequence + n, &Told::Added(1))).collect();
        sequence += 4_000;
        end = log.append(shard(0), end, &commit(shard(0), events)).await.unwrap();
    }
    let ground = Ground::Postgres(Box::new(db));
    let first = ground.writer(WriterConfig::default()).await;
    assert_eq!(total(&first, shard(0), "long").await, 12_000);
    first.shutdown(Duration::from_secs(5)).await;
    // Had it been read whole, this could not go unnoticed.
    let Ground::Postgres(db) = &ground else { unreachable!() };
    db.pool().execute("UPDATE events SET payload = '{}' WHERE sequence BETWEEN 600 AND 11999").await.unwrap();
    let second = ground.writer(WriterConfig::default()).await;
    assert_eq!(total(&second, shard(0), "long").await, 12_000);
    tell(&second, shard(0), "long", Tell::Take(12_000)).await.unwrap();
}
