//! The embedded Postgres with real servers: made, shared, killed, restarted, refused.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mintmark_postgres::{EmbeddedPostgres, EmbeddedSettings, Handle, Left, StartError};
use rustix::process::{Pid, Signal};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _, Row as _};
use tempfile::TempDir;

/// A directory that the user `postgres` can pass through.
fn scratch() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o711);
    directory
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

async fn start(data: &Path) -> Handle {
    EmbeddedPostgres::start(data, EmbeddedSettings::default()).await.unwrap()
}

async fn run(handle: &Handle, statement: &str) {
    let mut connection = PgConnection::connect_with(&handle.connect_options()).await.unwrap();
    connection.execute(statement).await.unwrap();
    connection.close().await.unwrap();
}

async fn answer(handle: &Handle, question: &str) -> String {
    let mut connection = PgConnection::connect_with(&handle.connect_options()).await.unwrap();
    let row = connection.fetch_one(question).await.unwrap();
    connection.close().await.unwrap();
    row.get(0)
}

fn runs(pid: i32) -> bool {
    // A dead child that nobody waited for has an empty command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn kill(pid: i32) {
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    let begun = Instant::now();
    while runs(pid) {
        assert!(begun.elapsed() < Duration::from_secs(10), "process {pid} survives SIGKILL");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn data_survives_a_stop() {
    let data = scratch();
    let first = start(data.path()).await;
    assert_eq!(first.notice(), None);
    run(&first, "CREATE TABLE book AS SELECT 'kept' AS line").await;
    let pid = first.server_pid().unwrap();
    assert_eq!(first.close().await.unwrap(), Left::Stopped);
    assert!(!runs(pid), "the last to leave stops the server");

    let second = start(data.path()).await;
    assert_eq!(answer(&second, "SELECT line FROM book").await, "kept");
    second.close().await.unwrap();
}

#[tokio::test]
async fn durability_is_on_whatever_the_settings_say_and_nothing_listens_on_a_port() {
    let data = scratch();
    let extra = vec![("fsync".to_owned(), "off".to_owned()), ("work_mem".to_owned(), "7MB".to_owned())];
    let settings = EmbeddedSettings { extra, max_connections: 23, ..EmbeddedSettings::default() };
    let handle = EmbeddedPostgres::start(data.path(), settings).await.unwrap();
    let expected = [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("work_mem", "7MB"),
        ("max_connections", "23"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("log_rotation_size", "10MB"),
    ];
    for (name, value) in expected {
        assert_eq!(answer(&handle, &format!("SHOW {name}")).await, value, "{name}");
    }
    let mode = std::fs::metadata(handle.socket_directory()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "only the server's user may enter the socket's directory");
    handle.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_start_at_once_share_one_server_until_the_last_leaves() {
    let data = scratch();
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let data = data.path().to_owned();
            tokio::spawn(async move { start(&data).await })
        })
        .collect();
    let mut handles = Vec::new();
    for start in starts {
        handles.push(start.await.unwrap());
    }
    let pid = handles[0].server_pid().unwrap();
    assert!(handles.iter().all(|handle| handle.server_pid() == Some(pid)));
    let last = handles.pop().unwrap();
    for handle in handles {
        assert_eq!(handle.close().await.unwrap(), Left::Running);
    }
    assert_eq!(answer(&last, "SELECT 'alive'").await, "alive");
    assert_eq!(last.close().await.unwrap(), Left::Stopped);
    assert!(!runs(pid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_that_come_while_others_go_always_find_a_server() {
    let data = scratch();
    start(data.path()).await.close().await.unwrap();
    let visitors = (0..6).map(|visitor| {
        let data = data.path().to_owned();
        tokio::spawn(async move {
            for visit in 0..4 {
                let handle = start(&data).await;
                assert_eq!(answer(&handle, "SELECT 'here'").await, "here", "visitor {visitor}, visit {visit}");
                handle.close().await.unwrap();
            }
        })
    });
    for visitor in visitors.collect::<Vec<_>>() {
        visitor.await.unwrap();
    }
    let again = start(data.path()).await;
    assert_eq!(again.close().await.unwrap(), Left::Stopped, "no visitor left a lock behind");
}

#[tokio::test]
async fn a_dropped_handle_leaves_too() {
    let data = scratch();
    let handle = start(data.path()).await;
    let pid = handle.server_pid().unwrap();
    drop(handle);
    assert!(!runs(pid));
}

#[tokio::test]
async fn a_server_that_was_killed_is_started_again_with_its_data() {
    let data = scratch();
    let handle = start(data.path()).await;
    run(&handle, "CREATE TABLE book AS SELECT 'kept' AS line").await;
    assert!(!handle.ensure_running().await.unwrap(), "a live server is left alone");
    let pid = handle.server_pid().unwrap();
    kill(pid);
    assert!(data.path().join("postgres/cluster/postmaster.pid").exists(), "a crash leaves the file");
    assert!(handle.ensure_running().await.unwrap());
    assert_eq!(answer(&handle, "SELECT line FROM book").await, "kept");
    kill(handle.server_pid().unwrap());
    // Another process that starts does the same.
    let other = start(data.path()).await;
    assert_eq!(answer(&other, "SELECT line FROM book").await, "kept");
    drop(handle);
    assert_eq!(other.close().await.unwrap(), Left::Stopped);
}

#[tokio::test]
async fn a_stale_number_that_now_belongs_to_a_stranger_does_not_stop_a_start() {
    let data = scratch();
    let handle = start(data.path()).await;
    let cluster = data.path().join("postgres/cluster");
    kill(handle.server_pid().unwrap());
    drop(handle);
    // Somebody else's process, of the same user as the server: Postgres itself would give up.
    let owner = std::fs::metadata(&cluster).unwrap();
    let mut stranger = Command::new("sleep");
    stranger.arg("600");
    if is_root() {
        use std::os::unix::fs::MetadataExt as _;
        stranger.uid(owner.uid()).gid(owner.gid());
    }
    let mut stranger = stranger.spawn().unwrap();
    for name in ["cluster/postmaster.pid", "socket/.s.PGSQL.5432.lock"] {
        let path = data.path().join("postgres").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let rest = text.split_once('\n').unwrap().1;
        std::fs::write(&path, format!("{}\n{rest}", stranger.id())).unwrap();
    }
    let started = EmbeddedPostgres::start(data.path(), EmbeddedSettings::default()).await;
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    let handle = started.unwrap();
    assert_eq!(answer(&handle, "SELECT 'alive'").await, "alive");
    handle.close().await.unwrap();
}

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
async fn child_that_uses_a_cluster_until_it_is_killed() {
    let Some(data) = std::env::var_os("MINTMARK_TEST_CHILD_DATA") else {
        return;
    };
    let handle = start(Path::new(&data)).await;
    run(&handle, "CREATE TABLE book AS SELECT 'kept' AS line").await;
    println!("\nserver {}", handle.server_pid().unwrap());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_process_leaves_the_server_running_and_the_next_start_finds_it() {
    let data = scratch();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_uses_a_cluster_until_it_is_killed", "--nocapture"])
        .env("MINTMARK_TEST_CHILD_DATA", data.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let server: i32 = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("server ")?.parse().ok())
        .expect("the child starts a server");
    let group = |pid: i32| rustix::process::getpgid(Pid::from_raw(pid)).unwrap();
    let child_pid = i32::try_from(child.id()).unwrap();
    assert_ne!(group(server), group(child_pid), "Ctrl-C must not reach the server");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(runs(server), "the server outlives a process that was killed");

    let handle = start(data.path()).await;
    assert_eq!(handle.server_pid(), Some(server));
    assert_eq!(answer(&handle, "SELECT line FROM book").await, "kept");
    assert_eq!(handle.close().await.unwrap(), Left::Stopped);
    assert!(!runs(server));
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused_in_one_line() {
    let data = scratch();
    start(data.path()).await.close().await.unwrap();
    let version = data.path().join("postgres/cluster/PG_VERSION");
    std::fs::write(&version, "9\n").unwrap();
    let error = EmbeddedPostgres::start(data.path(), EmbeddedSettings::default()).await.unwrap_err();
    assert!(matches!(error, StartError::OtherVersion { made_by: 9, .. }), "{error}");
    assert!(error.to_string().contains("postgresql-9") && !error.to_string().contains('\n'), "{error}");
}

#[tokio::test]
async fn what_a_killed_initdb_left_is_cleared_away() {
    let data = scratch();
    let home = data.path().join("postgres");
    let half_made = home.join("draft-00000000");
    std::fs::create_dir_all(half_made.join("base")).unwrap();
    set_mode(&home, 0o711);
    let handle = start(data.path()).await;
    assert!(!half_made.exists());
    handle.close().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_with_a_long_path_gets_a_short_socket() {
    let data = scratch();
    let deep = data.path().join("d".repeat(120));
    let handle = start(&deep).await;
    assert!(handle.socket_directory().as_os_str().len() < 90);
    assert_eq!(answer(&handle, "SELECT 'alive'").await, "alive");
    let socket = handle.socket_directory().to_owned();
    handle.close().await.unwrap();
    std::fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn a_data_directory_out_of_reach_puts_the_cluster_elsewhere_and_says_so() {
    if !is_root() {
        return; // Only root runs Postgres as somebody else.
    }
    let closed = scratch();
    set_mode(closed.path(), 0o700);
    let elsewhere = scratch();
    let settings = EmbeddedSettings { fallback_root: elsewhere.path().join("mintmark"), ..EmbeddedSettings::default() };
    let data = closed.path().join("data");
    let handle = EmbeddedPostgres::start(&data, settings.clone()).await.unwrap();
    assert!(handle.home().starts_with(elsewhere.path()));
    let notice = handle.notice().unwrap().to_owned();
    assert!(notice.contains(&handle.home().display().to_string()) && notice.contains("cannot reach"), "{notice}");
    run(&handle, "CREATE TABLE book AS SELECT 'kept' AS line").await;
    handle.close().await.unwrap();
    // Found again, even after the data directory was moved.
    let moved = closed.path().join("moved");
    std::fs::rename(&data, &moved).unwrap();
    let handle = EmbeddedPostgres::start(&moved, settings).await.unwrap();
    assert_eq!(answer(&handle, "SELECT line FROM book").await, "kept");
    handle.close().await.unwrap();
}

/// A directory with programs that do what the test says.
fn server_that_says(initdb: &str) -> (TempDir, EmbeddedSettings) {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    for (name, script) in [("initdb", initdb), ("postgres", "echo 'postgres (PostgreSQL) 15.1'")] {
        let path: PathBuf = directory.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        set_mode(&path, 0o755);
    }
    let settings = EmbeddedSettings { binaries: Some(directory.path().to_owned()), ..EmbeddedSettings::default() };
    (directory, settings)
}

#[tokio::test]
async fn a_full_disk_says_so_in_one_line_and_leaves_nothing_half_made() {
    let data = scratch();
    let (_programs, settings) =
        server_that_says("echo 'initdb: error: could not write: No space left on device' >&2; exit 1");
    let error = EmbeddedPostgres::start(data.path(), settings).await.unwrap_err();
    assert!(matches!(error, StartError::DiskFull(_)), "{error}");
    assert!(error.to_string().starts_with("no space is left"), "{error}");
    start(data.path()).await.close().await.unwrap();
}

#[tokio::test]
async fn an_initdb_that_fails_is_quoted() {
    let data = scratch();
    let (_programs, settings) = server_that_says("echo 'initdb: error: the moon is full' >&2; exit 1");
    let error = EmbeddedPostgres::start(data.path(), settings).await.unwrap_err();
    assert!(error.to_string().ends_with("the moon is full"), "{error}");
}

#[tokio::test]
async fn missing_binaries_say_what_to_install() {
    let data = scratch();
    let empty = tempfile::tempdir().unwrap();
    let settings = EmbeddedSettings { binaries: Some(empty.path().to_owned()), ..EmbeddedSettings::default() };
    let error = EmbeddedPostgres::start(data.path(), settings).await.unwrap_err();
    assert!(matches!(error, StartError::BinariesNotThere(_)), "{error}");
    assert!(StartError::BinariesMissing.to_string().contains("apt-get install postgresql"));
}

#[tokio::test]
async fn a_setting_that_postgres_refuses_is_quoted() {
    let data = scratch();
    let extra = vec![("shared_buffers".to_owned(), "lots".to_owned())];
    let settings = EmbeddedSettings { extra, ..EmbeddedSettings::default() };
    let error = EmbeddedPostgres::start(data.path(), settings).await.unwrap_err();
    assert!(matches!(error, StartError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}

#[tokio::test]
async fn old_log_files_go() {
    let data = scratch();
    start(data.path()).await.close().await.unwrap();
    let log = data.path().join("postgres/cluster/log");
    for day in 10..30 {
        std::fs::write(log.join(format!("postgres-200001{day}-000000.log")), "old").unwrap();
    }
    let handle = start(data.path()).await;
    let kept = std::fs::read_dir(&log).unwrap().count();
    assert!(kept <= 6, "{kept} log files are left");
    handle.close().await.unwrap();
}
