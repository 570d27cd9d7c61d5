//! The cluster that all tests of a checkout share.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use mintmark_postgres::{EmbeddedPostgres, EmbeddedSettings, Handle, LastLeave};
use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Row as _};
use tokio::sync::OnceCell;

use crate::keeper;

/// Enough for some hundred tests at once, each with a pool.
const MAX_CONNECTIONS: u16 = 600;
/// When more templates than this have gathered, all are dropped at the next start.
const TEMPLATES_MAX: i64 = 24;
/// Prefixes of the names of databases.
pub(crate) const TEST_PREFIX: &str = "test_";
pub(crate) const TEMPLATE_PREFIX: &str = "template_";

/// The cluster, in use by this process until it ends.
static CLUSTER: OnceCell<Handle> = OnceCell::const_new();

/// The shared cluster, started if need be.
pub(crate) async fn cluster() -> anyhow::Result<&'static Handle> {
    CLUSTER.get_or_try_init(start).await
}

/// How to connect to a database of the shared cluster.
pub(crate) async fn options(database: &str) -> anyhow::Result<PgConnectOptions> {
    Ok(cluster().await?.connect_options().database(database))
}

/// A connection for making and dropping databases.
pub(crate) async fn admin() -> anyhow::Result<PgConnection> {
    let options = options("postgres").await?;
    PgConnection::connect_with(&options).await.context("connecting to the test cluster")
}

async fn start() -> anyhow::Result<Handle> {
    let directory = directory()?;
    let settings = EmbeddedSettings {
        max_connections: MAX_CONNECTIONS,
        last_leave: LastLeave::Keep,
        // Fewer checkpoints; each commit still reaches the disk.
        extra: vec![
            ("checkpoint_timeout".to_owned(), "30min".to_owned()),
            ("max_wal_size".to_owned(), "1GB".to_owned()),
            ("autovacuum_naptime".to_owned(), "5min".to_owned()),
        ],
        ..EmbeddedSettings::default()
    };
    let handle = EmbeddedPostgres::start(&directory, settings).await?;
    keeper::ensure(handle.home(), keeper::LOOK_EVERY)?;
    if handle.started() {
        sweep(&handle).await?;
    }
    Ok(handle)
}

/// Where the shared cluster lies: the same for every test of this checkout and user, and
/// reachable by the user that runs Postgres.
fn directory() -> anyhow::Result<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let digest = hex::encode(Sha256::digest(checkout.as_os_str().as_encoded_bytes()));
    let uid = std::fs::metadata("/proc/self")?.uid();
    let directory = std::env::temp_dir().join(format!("mintmark-tests-{uid}-{}", &digest[..8]));
    std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&directory)?;
    let owner = std::fs::metadata(&directory)?.uid();
    ensure!(owner == uid, "{} belongs to somebody else", directory.display());
    Ok(directory)
}

/// Drops what tests that were killed left behind: databases whose process is gone, and
/// templates when many have gathered.
async fn sweep(handle: &Handle) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(&handle.connect_options().database("postgres")).await?;
    let rows = sqlx::query(
        "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) OR (starts_with(datname, $2) AND $3 < \
         (SELECT count(*) FROM pg_database WHERE starts_with(datname, $2)))",
    )
    .bind(TEST_PREFIX)
    .bind(TEMPLATE_PREFIX)
    .bind(TEMPLATES_MAX)
    .fetch_all(&mut connection)
    .await?;
    for row in rows {
        let name: String = row.get(0);
        if !made_by_a_live_process(&name) {
            drop_database(&mut connection, &name).await?;
        }
    }
    connection.close().await?;
    Ok(())
}

/// `test_<process id>_…`: whether that process still runs.
fn made_by_a_live_process(name: &str) -> bool {
    let rest = name.strip_prefix(TEST_PREFIX);
    let pid = rest.and_then(|rest| rest.split('_').next());
    pid.is_some_and(|pid| Path::new("/proc").join(pid).exists())
}

/// Drops a database with all who are connected to it.
pub(crate) async fn drop_database(connection: &mut PgConnection, name: &str) -> anyhow::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
    sqlx::query(&statement).execute(connection).await.with_context(|| format!("dropping {name}"))?;
    Ok(())
}
