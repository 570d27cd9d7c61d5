//! A history in a cluster of its own, and a server on it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mintmark_domain::ports::Vault;
use mintmark_history::{Cast, Size};
use mintmark_infra::keys::{MasterKeySource, open_master_key};
use mintmark_infra::postgres::{EmbeddedPostgres, EmbeddedSettings, Handle};
use mintmark_infra::vault::PgVault;
use mintmark_testkit::url_of;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::http::{Child, ready};
use crate::report::Report;

/// The database.
const DATABASE: &str = "history";
/// By what the full size is divided where nobody says.
const DIVIDE_BY: usize = 50;
/// Postgres' own cache, in MiB: what the operator of such an installation would at least give it.
const SHARED_BUFFERS_MIB: u32 = 1_024;
/// How long the read models may stand still while they catch up.
const STILL_MAX: Duration = Duration::from_secs(120);

/// A history, and where it lies.
pub struct Site {
    /// Who and what is worth asking for.
    pub cast: Cast,
    /// Asks.
    pub client: reqwest::Client,
    home: PathBuf,
    cluster: Handle,
    // After the cluster that lies in it.
    _temporary: Option<TempDir>,
}

/// By what the full size is divided: `BENCH_HISTORY_PART`, 1 for all of it.
fn divide_by() -> usize {
    std::env::var("BENCH_HISTORY_PART").ok().and_then(|text| text.parse().ok()).unwrap_or(DIVIDE_BY)
}

impl Site {
    /// Tells a history in a directory that goes with the value; or in `BENCH_HISTORY`, where it stays, and where
    /// one that was told before is taken as it is.
    pub async fn open(report: &mut Report) -> anyhow::Result<Self> {
        let named = std::env::var_os("BENCH_HISTORY").map(PathBuf::from);
        let (home, temporary) = match named {
            Some(home) => (home, None),
            None => {
                let made = tempfile::Builder::new().prefix("mintmark-").tempdir()?;
                (made.path().to_owned(), Some(made))
            }
        };
        std::fs::create_dir_all(&home)?;
        // Lets the user that runs Postgres pass through.
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o711))?;
        let settings = EmbeddedSettings { shared_buffers_mib: SHARED_BUFFERS_MIB, ..EmbeddedSettings::default() };
        let cluster = EmbeddedPostgres::start(&home, settings).await?;
        let said = home.join("cast.json");
        let cast = match std::fs::read(&said) {
            Ok(told) => serde_json::from_slice(&told)?,
            Err(_) => {
                let cast = tell(&home, &cluster, report).await?;
                std::fs::write(&said, serde_json::to_vec_pretty(&cast)?)?;
                cast
            }
        };
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(256).build()?;
        Ok(Site { cast, client, home, cluster, _temporary: temporary })
    }

    /// How to connect to its database.
    pub fn database(&self) -> PgConnectOptions {
        self.cluster.connect_options().database(DATABASE)
    }

    /// A directory into which Postgres may write.
    pub fn copies(&self) -> anyhow::Result<PathBuf> {
        let copies = self.home.join("copies");
        std::fs::create_dir_all(&copies)?;
        std::fs::set_permissions(&copies, std::fs::Permissions::from_mode(0o777))?;
        Ok(copies)
    }

    /// What the prompts of the history are sealed in.
    pub async fn vault(&self) -> anyhow::Result<Arc<dyn Vault>> {
        let pool = mintmark_log::postgres::pool(self.database(), "bench vault", 2);
        let key = MasterKeySource::File(data(&self.home).join("master.key"));
        let master = open_master_key(&key, &pool, false).await?;
        Ok(Arc::new(PgVault::new(pool, &master)))
    }

    /// A server that has applied everything.
    pub async fn serve(&self) -> anyhow::Result<Child> {
        serve(&self.home, &self.cluster).await
    }

    pub async fn close(self) -> anyhow::Result<()> {
        self.cluster.close().await?;
        Ok(())
    }
}

fn settings(cluster: &Handle) -> [(&'static str, String); 4] {
    [
        ("DATABASE_URL", url_of(&cluster.connect_options(), DATABASE)),
        ("MINTMARK_SANDBOX__INSTANT", "true".to_owned()),
        ("MINTMARK_DEMO_ACCOUNT", "false".to_owned()),
        ("MINTMARK_LOG__FILTER", "warn".to_owned()),
    ]
}

fn data(home: &Path) -> PathBuf {
    home.join("data")
}

async fn serve(home: &Path, cluster: &Handle) -> anyhow::Result<Child> {
    let data = data(home).display().to_string();
    let settings = settings(cluster);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let child = Child::serve(&["--data-dir", &data], &settings)?;
    caught_up(cluster).await?;
    ready(child.address).await?;
    Ok(child)
}

/// Makes the tables, tells the history, has a server apply it, and says how fast both went.
async fn tell(home: &Path, cluster: &Handle, report: &mut Report) -> anyhow::Result<Cast> {
    let mut connection = PgConnection::connect_with(&cluster.connect_options()).await?;
    sqlx::raw_sql(&format!("CREATE DATABASE {DATABASE}")).execute(&mut connection).await?;
    connection.close().await?;
    let data = data(home);
    let made = Command::new(env!("CARGO_BIN_EXE_mintmark"))
        .args(["account", "create", "--username", "operator", "--email", "operator@example.com", "--data-dir"])
        .arg(&data)
        .envs(settings(cluster))
        .output()?;
    ensure!(made.status.success(), "account create: {}", String::from_utf8_lossy(&made.stderr));
    let size = Size::divided_by(divide_by());
    let options = cluster.connect_options().database(DATABASE);
    let begun = Instant::now();
    let cast = mintmark_history::tell(options.clone(), &data, size, |what| eprintln!("  history: {what}")).await?;
    let told = begun.elapsed().as_secs_f64();
    let (events, _) = positions(&options).await?;
    let what = format!(
        "a history of {} accounts, {} creations, {} follows, {} comments",
        size.accounts, size.creations, size.follows, size.comments
    );
    report.line(&what, &format!("{events} events in {told:.0} s, {:.0}/s", events as f64 / told), "");
    let begun = Instant::now();
    serve(home, cluster).await?.stop().await?;
    let applied = begun.elapsed().as_secs_f64();
    let rate = format!("{applied:.0} s, {:.0} events/s", events as f64 / applied);
    report.line("all of it applied by a server that starts", &rate, "");
    // What autovacuum does in a history that is lived rather than told.
    let mut connection = PgConnection::connect_with(&options).await?;
    sqlx::raw_sql("VACUUM (ANALYZE)").execute(&mut connection).await?;
    connection.close().await?;
    Ok(cast)
}

/// Where the log ends, and how far the read model that is furthest behind is.
async fn positions(options: &PgConnectOptions) -> anyhow::Result<(i64, i64)> {
    let mut connection = PgConnection::connect_with(options).await?;
    let found = sqlx::query_as(
        "SELECT (SELECT max(position) FROM events WHERE shard = 0),
                coalesce(least((SELECT position FROM read_wallets_v2.checkpoints WHERE shard = 0),
                               (SELECT position FROM read_accounts_v2.checkpoints WHERE shard = 0),
                               (SELECT position FROM read_generation_v3.checkpoints WHERE shard = 0),
                               (SELECT position FROM read_people_v1.checkpoints WHERE shard = 0),
                               (SELECT position FROM read_search_v1.checkpoints WHERE shard = 0)), 0)",
    )
    .fetch_one(&mut connection)
    .await
    .context("positions")?;
    connection.close().await?;
    Ok(found)
}

/// Waits until the read models have everything.
async fn caught_up(cluster: &Handle) -> anyhow::Result<()> {
    let options = cluster.connect_options().database(DATABASE);
    let (mut last, mut moved) = (-1, Instant::now());
    loop {
        let (end, applied) = positions(&options).await?;
        if applied == end {
            return Ok(());
        }
        if applied > last {
            (last, moved) = (applied, Instant::now());
            eprintln!("  applied: {applied} of {end}");
        }
        ensure!(moved.elapsed() < STILL_MAX, "the read models stand still at {applied} of {end}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
