//! The runner's promises: once, in order, in one transaction; stopped and visible; never skipping.

use std::sync::Arc;
use std::time::Duration;

use cqrs_es::Aggregate as _;
use mintmark_domain::es::{EventLog, Position};
use mintmark_domain::wallet::{CreditWallet, LotKind};
use mintmark_domain::{Credits, Shard};
use sqlx::Connection as _;
use tokio::sync::watch;

use super::history::{Asked, History};
use super::support::{Bench, projections};
use crate::error::{ApplyError, QueryError};
use crate::feed::Feed;
use crate::generation::{CreationFilter, CreationList, GenerationProjection, RunFilter};
use crate::positions::{Positions, Walk};
use crate::projection::ProjectionName;
use crate::reads::{Order, Paging, ReadModels};
use crate::rebuild::{RebuildError, rebuild, verify};
use crate::runner::{Applied, Board, RunnerSettings, Runners, Status, Waited};
use crate::wallets::WalletsProjection;

/// Some accounts, runs that ended in every way, and creations.
async fn sample(shard: Shard) -> History {
    let mut history = History::in_shard(shard).await;
    let ada = history.account(&format!("ada{shard}")).await;
    let key = history.key(ada);
    history.grant(ada, 200, LotKind::Paid, None);
    history.commit().await;
    for n in 0..12 {
        let run = history.request(ada, &Asked { key_id: Some(key), ..Asked::default() }).unwrap();
        if n % 2 == 0 {
            history.commit().await;
        }
        history.start(run);
        match n % 4 {
            0 => assert!(history.deliver(run, 2)),
            1 => assert!(history.deliver(run, 1)),
            2 => assert!(history.fail(run, false)),
            _ => {}
        }
        history.commit().await;
    }
    history
}

fn quick() -> RunnerSettings {
    RunnerSettings {
        batch_events_max: 7,
        poll: Duration::from_millis(10),
        batch_every: Duration::ZERO,
        retries_max: 2,
        retry_first: Duration::from_millis(5),
        retry_pause_max: Duration::from_millis(20),
        stopped_look: Duration::from_millis(50),
    }
}

fn runners(bench: &Bench, board: &Arc<Board>, shards: &[Shard]) -> Runners {
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    Runners::start(bench.db.pool(), &log, &bench.projections, shards, |_| None, board, quick())
}

async fn wait(reads: &ReadModels, history: &History) {
    for name in ProjectionName::ALL {
        let positions = Positions::one(history.shard, history.end().position);
        assert_eq!(reads.wait_for_all(name, &positions, Duration::from_secs(20)).await, Waited::Reached, "{name}");
    }
}

async fn dump(bench: &Bench, table: &str) -> String {
    let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t");
    sqlx::query_scalar(&sql).fetch_one(bench.db.pool()).await.unwrap()
}

async fn dump_all(bench: &Bench) -> Vec<String> {
    let mut all = Vec::new();
    for projection in &bench.projections {
        let definition = projection.definition();
        for (table, _) in definition.tables {
            all.push(dump(bench, &format!("{}.{table}", definition.schema)).await);
        }
    }
    all
}

#[tokio::test]
async fn batches_of_any_size_come_to_the_same() {
    let history = sample(Shard::ZERO).await;
    let whole = Bench::new(&history).await;
    whole.catch_up(10_000).await;
    let expected = dump_all(&whole).await;
    assert!(expected.iter().filter(|table| !table.is_empty()).count() >= 7);
    for limit in [1, 3, 17] {
        let bench = Bench::new(&history).await;
        bench.catch_up(limit).await;
        assert!(dump_all(&bench).await == expected, "in batches of {limit}");
    }
}

#[tokio::test]
async fn delivering_again_changes_nothing() {
    let history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(5).await;
    let before = dump_all(&bench).await;
    for projection in &bench.projections {
        // Another process, whose feed knows nothing of what was applied.
        let feed = bench.feed(history.shard);
        feed.read(Position(0), 1_000).await.unwrap();
        let applied = bench.step(projection.as_ref(), &feed, 1_000).await.unwrap();
        assert_eq!(applied, Applied::Nothing { end: history.end() });
    }
    assert!(dump_all(&bench).await == before);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_nothing_behind() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(1_000).await;
    let (end, before) = (history.end().position, dump_all(&bench).await);
    let account = history.account("ben").await;
    history.grant(account, 9, LotKind::Paid, None);
    history.commit().await;
    // The grant's balance is not what its lots come to.
    let broken = history.end().position;
    let event = bench.log.at(history.shard, broken).await.unwrap().unwrap();
    bench.log.tamper(history.shard, broken, &event.payload.replace("\"available\":\"9\"", "\"available\":\"8\""));
    let feed = bench.feed(history.shard);
    let error = bench.step(&WalletsProjection, &feed, 1_000).await.unwrap_err();
    assert!(matches!(error, ApplyError::Inconsistent { at, .. } if at == broken), "{error}");
    assert!(!error.is_transient());
    assert!(dump_all(&bench).await == before);
    assert_eq!(bench.reads().applied(ProjectionName::Wallets).await.unwrap().get(history.shard), Some(end));
}

#[tokio::test]
async fn a_projection_that_cannot_go_on_stops_and_the_others_do_not() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(bench.db.pool().clone(), Arc::clone(&board));
    let running = runners(&bench, &board, &[history.shard]);
    wait(&reads, &history).await;
    let account = history.account("ben").await;
    history.grant(account, 9, LotKind::Paid, None);
    history.push_raw(CreditWallet::TYPE, account.wallet().0, "credit_wallet.lot_granted", "1.0.0", "{\"lot\":1}");
    history.commit().await;
    let end = history.end().position;
    let waited = |name| reads.wait_for(name, history.shard, end, Duration::from_secs(20));
    assert_eq!(waited(ProjectionName::Wallets).await, Waited::Stopped);
    assert_eq!(waited(ProjectionName::Generation).await, Waited::Reached);
    let health = board.health();
    let wallets = health.iter().find(|health| health.projection == ProjectionName::Wallets).unwrap();
    assert_eq!(wallets.status, Status::Stopped);
    assert!(wallets.error.as_deref().unwrap().contains("cannot be read"), "{wallets:?}");
    assert!(wallets.lag_events > 0);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_of_a_newer_release_is_not_shown_and_the_shard_goes_on() {
    let mut history = History::new().await;
    let (ada, ben) = (history.account("ada").await, history.account("ben").await);
    for account in [ada, ben] {
        history.grant(account, 50, LotKind::Paid, None);
    }
    history.commit().await;
    history.push_raw(CreditWallet::TYPE, ada.wallet().0, "credit_wallet.lent", "1.0.0", "{\"lent\":{}}");
    history.push_raw(CreditWallet::TYPE, ben.wallet().0, "credit_wallet.lot_granted", "9.0.0", "{\"other\":true}");
    history.commit().await;
    let eve = history.account("eve").await;
    history.grant(eve, 5, LotKind::Paid, None);
    history.commit().await;
    let bench = Bench::new(&history).await;
    bench.catch_up(4).await;
    let reads = bench.reads();
    for account in [ada, ben] {
        let shown = reads.wallet(account.wallet(), history.now()).await;
        assert!(matches!(shown, Err(QueryError::Unreadable)), "{shown:?}");
        let page = reads.transaction_page(account.wallet(), None, &Paging::first(5)).await;
        assert!(matches!(page, Err(QueryError::Unreadable)));
    }
    let shown = reads.wallet(eve.wallet(), history.now()).await.unwrap().unwrap();
    assert_eq!(shown.balance.available, Credits::whole(5));
}

#[tokio::test]
async fn lists_leave_out_what_only_a_newer_release_understands() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(4).await;
    let reads = bench.reads();
    let pool = bench.db.pool();
    let (account, run): (uuid::Uuid, uuid::Uuid) = sqlx::query_as(
        "SELECT account_id, run_id FROM read_generation_v3.creations WHERE deleted_position IS NULL LIMIT 1",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let account = mintmark_domain::ids::AccountId(account);
    let run = mintmark_domain::ids::RunId(run);
    let own = CreationList::Own(account);
    let filter = CreationFilter::default();
    let walk = Walk::default();
    let runs =
        async || reads.run_walk(account, &RunFilter::default(), Order::Newest, &walk, 100).await.unwrap().items.len();
    let creations = async || reads.creation_page(own, &filter, &Paging::first(100)).await.unwrap().items.len();
    let walked = async || reads.creation_walk(own, &filter, Order::Newest, &walk, 100).await.unwrap().items.len();
    let before = (runs().await, creations().await, walked().await);
    let made = reads.creations_of_runs(&[run]).await.unwrap();
    assert!(!made.is_empty() && reads.runs_by_id(&[run]).await.unwrap().len() == 1);

    history.push_raw("run", run.0, "run.invented", "1.0.0", "{}");
    for creation in &made {
        history.push_raw("creation", creation.id.0, "creation.invented", "1.0.0", "{}");
    }
    history.push_raw("account", account.0, "account.invented", "1.0.0", "{}");
    history.commit().await;
    bench.catch_up(4).await;
    assert!(matches!(reads.run(run).await, Err(QueryError::Unreadable)));
    assert_eq!(reads.runs_by_id(&[run]).await.unwrap(), []);
    assert_eq!(reads.creations_of_runs(&[run]).await.unwrap(), []);
    let left = before.1 - made.len();
    assert_eq!((runs().await, creations().await, walked().await), (before.0 - 1, left, left));
    assert_eq!(reads.accounts_by_id(&[account]).await.unwrap(), []);
    assert!(matches!(reads.account(account).await, Err(QueryError::Unreadable)));
    assert!(matches!(reads.api_keys(account, true).await, Err(QueryError::Unreadable)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_write_the_use_of_the_same_keys_never_deadlock() {
    let history = History::new().await;
    let bench = Bench::new(&history).await;
    let at = history.now();
    let write = |pool: sqlx::PgPool| async move {
        for round in 0..10 {
            let used = crate::accounts::KeyUse::new(pool.clone());
            for key in 1..4_000 {
                used.touch(key, at + chrono::TimeDelta::seconds(round));
            }
            used.flush().await?;
        }
        Ok::<(), sqlx::Error>(())
    };
    let pool = bench.db.pool();
    let both = [tokio::spawn(write(pool.clone())), tokio::spawn(write(pool.clone()))];
    for written in futures::future::join_all(both).await {
        written.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_a_projection_does_not_show_is_passed_over_and_its_checkpoint_follows() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(bench.db.pool().clone(), Arc::clone(&board));
    let running = runners(&bench, &board, &[history.shard]);
    wait(&reads, &history).await;
    // Events of wallets alone: nothing for accounts to apply.
    let account = history.account("ben").await;
    history.commit().await;
    for _ in 0..5 {
        history.grant(account, 1, LotKind::Paid, None);
        history.commit().await;
        wait(&reads, &history).await;
    }
    // A process without runners asks the checkpoint.
    let elsewhere = bench.reads();
    wait(&elsewhere, &history).await;
    assert!(board.health().iter().all(|health| health.position == history.end().position));
    running.stop().await;
}

#[tokio::test]
async fn of_two_processes_only_one_applies_and_both_know() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let boards = [Arc::new(Board::new()), Arc::new(Board::new())];
    let both: Vec<Runners> = boards.iter().map(|board| runners(&bench, board, &[history.shard])).collect();
    let account = history.account("ben").await;
    for _ in 0..40 {
        history.grant(account, 2, LotKind::Paid, None);
        history.commit().await;
        tokio::task::yield_now().await;
    }
    for board in &boards {
        wait(&ReadModels::new(bench.db.pool().clone(), Arc::clone(board)), &history).await;
    }
    let shown = bench.reads().wallet(account.wallet(), history.now()).await.unwrap().unwrap();
    assert_eq!(shown.balance.available, Credits::whole(80));
    for runners in both {
        runners.stop().await;
    }
    let all = Bench::new(&history).await;
    all.catch_up(1_000).await;
    assert!(dump_all(&bench).await == dump_all(&all).await);
}

#[tokio::test]
async fn while_one_process_holds_the_checkpoint_another_changes_nothing() {
    let history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let feed = bench.feed(history.shard);
    let done = bench.step(&WalletsProjection, &feed, 4).await.unwrap().position();
    let mut connection = bench.db.pool().acquire().await.unwrap();
    let mut held = connection.begin().await.unwrap();
    sqlx::query("SELECT FROM read_wallets_v2.checkpoints FOR UPDATE").execute(&mut *held).await.unwrap();
    let applied = bench.step(&WalletsProjection, &feed, 1_000).await.unwrap();
    assert_eq!(applied, Applied::Elsewhere { position: done });
    held.rollback().await.unwrap();
    assert!(matches!(bench.step(&WalletsProjection, &feed, 1_000).await.unwrap(), Applied::Events { .. }));
}

#[tokio::test]
async fn a_history_that_lost_its_tail_stops_the_projection_until_it_is_rebuilt() {
    let history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(bench.db.pool().clone(), Arc::clone(&board));
    let running = runners(&bench, &board, &[history.shard]);
    wait(&reads, &history).await;
    let kept = Position(history.end().position.0 - 5);
    bench.log.lose_after(history.shard, kept);
    // Another history goes on from there.
    let mut other = History::on(bench.log.clone(), history.shard).await.numbered_from(500_000);
    for n in 0..12 {
        other.account(&format!("new{n}")).await;
        other.commit().await;
    }
    let end = other.end().position;
    assert!(end > history.end().position);
    let waited = reads.wait_for(ProjectionName::Generation, history.shard, end, Duration::from_secs(20)).await;
    assert_eq!(waited, Waited::Stopped);
    assert!(board.health().iter().any(|health| health.status == Status::Diverged));
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    for projection in &bench.projections {
        let done = rebuild(bench.db.pool(), &log, projection.as_ref(), &[history.shard], &|_| {}).await.unwrap();
        assert!(!done.compared, "there is nothing to compare with");
        assert_eq!(done.events, end.0);
    }
    wait(&reads, &other).await;
    running.stop().await;
}

#[tokio::test]
async fn wait_for_is_told_by_the_writer_of_the_process() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(bench.db.pool().clone(), Arc::clone(&board));
    let (writer, ends) = watch::channel(history.end());
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    // Polling alone would take longer than the test waits.
    let settings = RunnerSettings { poll: Duration::from_secs(600), ..quick() };
    let ends = |_| Some(ends.clone());
    let running = Runners::start(bench.db.pool(), &log, &bench.projections, &[history.shard], ends, &board, settings);
    wait(&reads, &history).await;
    let account = history.account("ben").await;
    history.commit().await;
    writer.send_replace(history.end());
    wait(&reads, &history).await;
    assert!(reads.wallet(account.wallet(), history.now()).await.unwrap().is_some());
    let later = Position(history.end().position.0 + 1);
    let waited = reads.wait_for(ProjectionName::Wallets, history.shard, later, Duration::from_millis(30)).await;
    assert_eq!(waited, Waited::TimedOut);
    assert!(board.health().iter().all(|health| health.status == Status::Running && health.lag_events == 0));
    running.stop().await;
}

#[tokio::test]
async fn a_rebuild_comes_to_what_is_live_and_takes_its_place() {
    let history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(6).await;
    let before = dump_all(&bench).await;
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    for projection in &bench.projections {
        let told = std::sync::Mutex::new(Vec::new());
        let progress = |progress: crate::rebuild::Progress| told.lock().unwrap().push((progress.done, progress.total));
        let done = rebuild(bench.db.pool(), &log, projection.as_ref(), &[history.shard], &progress).await.unwrap();
        assert_eq!(done.differences, []);
        assert!(done.compared);
        let end = history.end().position.0;
        assert_eq!(done.events, end);
        assert_eq!(told.lock().unwrap().last(), Some(&(end, end)));
    }
    assert!(dump_all(&bench).await == before);
    let left: i64 = bench.count("pg_namespace WHERE nspname LIKE 'read%next' OR nspname LIKE 'read%retired'").await;
    assert_eq!(left, 0);
    // And it goes on from there.
    bench.catch_up(6).await;
    assert!(dump_all(&bench).await == before);
}

#[tokio::test]
async fn a_rebuild_under_way_loses_nothing_that_is_written_meanwhile() {
    let mut history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(bench.db.pool().clone(), Arc::clone(&board));
    let running = runners(&bench, &board, &[history.shard]);
    let ben = history.account("ben").await;
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    let shards = [history.shard];
    let writing = async {
        for _ in 0..60 {
            history.grant(ben, 1, LotKind::Paid, None);
            history.commit().await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let rebuilding = async {
        for projection in &bench.projections {
            let done = rebuild(bench.db.pool(), &log, projection.as_ref(), &shards, &|_| {}).await.unwrap();
            assert_eq!(done.differences, []);
            assert!(done.compared);
        }
    };
    tokio::join!(writing, rebuilding);
    wait(&reads, &history).await;
    running.stop().await;
    let all = Bench::new(&history).await;
    all.catch_up(1_000).await;
    assert!(dump_all(&bench).await == dump_all(&all).await);
}

#[tokio::test]
async fn verify_names_the_rows_that_are_not_what_a_replay_comes_to() {
    let history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    bench.catch_up(1_000).await;
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    let (pool, shards) = (bench.db.pool(), [history.shard]);
    for projection in &bench.projections {
        let done = verify(pool, &log, projection.as_ref(), &shards, &|_| {}).await.unwrap();
        assert_eq!((done.differences, done.compared), (vec![], true));
    }
    let tampered = dump_all(&bench).await;
    sqlx::query("UPDATE read_wallets_v2.wallets SET paid = paid + 1").execute(pool).await.unwrap();
    sqlx::query("DELETE FROM read_wallets_v2.transactions WHERE number = 2").execute(pool).await.unwrap();
    let done = verify(pool, &log, &WalletsProjection, &shards, &|_| {}).await.unwrap();
    let found: Vec<_> =
        done.differences.iter().map(|found| (found.table, found.is_live, found.columns.clone())).collect();
    assert_eq!(found, [("wallets", true, vec!["paid".to_owned()]), ("transactions", false, vec![])]);
    assert!(done.differences[1].key.contains("\"number\" : 2"), "{:?}", done.differences[1]);
    // Nobody repairs behind the auditor's back; a rebuild does, and says what was wrong.
    let done = rebuild(pool, &log, &WalletsProjection, &shards, &|_| {}).await.unwrap();
    assert_eq!(done.differences.len(), 2);
    assert!(dump_all(&bench).await == tampered);
}

#[tokio::test]
async fn only_one_rebuilds_at_a_time() {
    let history = sample(Shard::ZERO).await;
    let bench = Bench::new(&history).await;
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    let mut other = bench.db.pool().acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(1919246965, 0)").execute(&mut *other).await.unwrap();
    let refused = rebuild(bench.db.pool(), &log, &WalletsProjection, &[history.shard], &|_| {}).await;
    assert!(matches!(refused, Err(RebuildError::Busy(ProjectionName::Wallets))), "{refused:?}");
}

#[tokio::test]
async fn two_shards_are_applied_and_listed_together() {
    let mut histories = Vec::new();
    let first = sample(Shard::ZERO).await;
    let shard = Shard::new(5).unwrap();
    let mut second = History::on(first.log.clone(), shard).await;
    second.vault = Arc::clone(&first.vault);
    let eve = second.account("eve").await;
    second.grant(eve, 50, LotKind::Paid, None);
    for _ in 0..3 {
        let run = second.request(eve, &Asked::default()).unwrap();
        second.start(run);
        second.deliver(run, 2);
        second.commit().await;
    }
    histories.extend([first, second]);
    let mut bench = Bench::new(&histories[0]).await;
    bench.projections = projections(&histories[0].vault);
    let board = Arc::new(Board::new());
    let reads = ReadModels::new(bench.db.pool().clone(), Arc::clone(&board));
    let running = runners(&bench, &board, &[histories[0].shard, shard]);
    for history in &histories {
        wait(&reads, history).await;
    }
    running.stop().await;
    let made: i64 = bench.count("read_generation_v3.creations WHERE listed_from IS NOT NULL").await;
    let any = crate::generation::CreationFilter::default();
    let public = crate::generation::CreationList::Public;
    let page = reads.creation_page(public, &any, &Paging::first(100)).await.unwrap();
    assert_eq!((page.total, page.items.len()), (made.unsigned_abs(), page.items.len()));
    assert!(page.items.iter().any(|creation| creation.account == eve));
    assert!(page.items.iter().any(|creation| creation.account != eve));
    assert_eq!(page.as_of.positions.iter().count(), 2);
    // A list pinned to one shard's beginning shows only the other's.
    let pinned = Positions::one(shard, histories[1].end().position);
    let paging = Paging { as_of: Some(pinned.into()), ..Paging::first(100) };
    let page = reads.creation_page(public, &any, &paging).await.unwrap();
    assert!(page.items.iter().all(|creation| creation.account == eve) && page.items.len() == 6);
    let log: Arc<dyn EventLog> = Arc::new(bench.log.clone());
    let shards = [histories[0].shard, shard];
    let done = rebuild(bench.db.pool(), &log, &GenerationProjection, &shards, &|_| {}).await.unwrap();
    assert_eq!((done.differences, done.compared), (vec![], true));
}

#[tokio::test]
async fn runners_of_a_process_read_and_decode_an_event_once() {
    let history = sample(Shard::ZERO).await;
    let feed = Feed::new(Arc::new(history.log.clone()), history.shard);
    let one = feed.read(Position(0), 10).await.unwrap();
    let same = feed.read(Position(0), 10).await.unwrap();
    assert!(std::ptr::eq(one.events(), same.events()));
    let within = feed.read(Position(4), 10).await.unwrap();
    assert_eq!(within.before, Some(one.events()[3].recorded.commit_id));
    assert!(std::ptr::eq(&raw const within.events()[0], &raw const one.events()[4]));
    let beyond = feed.read(Position(history.end().position.0 + 3), 10).await.unwrap();
    assert_eq!((beyond.before, beyond.events().len()), (None, 0));
}
