//! A database for one test, cloned from a template that holds the schema.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Executor as _};

use crate::shared::{self, TEMPLATE_PREFIX, TEST_PREFIX};

/// Connections of the pool that a test gets.
const POOL_MAX: u32 = 16;

/// A database of one test, dropped with it.
///
/// ```no_run
/// # async fn test() {
/// let db = mintmark_testkit::TestDb::with_sql(&["CREATE TABLE book (line text)"]).await;
/// let lines: i64 = sqlx::query_scalar("SELECT count(*) FROM book").fetch_one(db.pool()).await.unwrap();
/// db.close().await;
/// # }
/// ```
#[derive(Debug)]
pub struct TestDb {
    name: String,
    options: PgConnectOptions,
    pool: PgPool,
    dropped: bool,
}

impl TestDb {
    /// An empty database.
    ///
    /// # Panics
    /// When there is no Postgres to be had; the message says what to do.
    pub async fn new() -> Self {
        Self::clone_of("template0").await.expect("a test database")
    }

    /// A database with a schema: SQL scripts, run in order. The template is kept under a hash
    /// of the scripts, so they run once and not for each test.
    ///
    /// # Panics
    /// When there is no Postgres to be had, or a script fails.
    pub async fn with_sql(scripts: &[&str]) -> Self {
        let owned: Vec<String> = scripts.iter().map(|&script| script.to_owned()).collect();
        let run = |pool: PgPool| async move {
            for script in &owned {
                sqlx::raw_sql(script).execute(&pool).await?;
            }
            anyhow::Ok(())
        };
        Self::migrated(scripts, run).await
    }

    /// A database with a schema that `migrate` makes. `key` names what it makes: the
    /// template is made again when a part of the key changes (pass the scripts themselves).
    ///
    /// # Panics
    /// When there is no Postgres to be had, or `migrate` fails.
    pub async fn migrated<F, T, E>(key: &[&str], migrate: F) -> Self
    where
        F: FnOnce(PgPool) -> T,
        T: Future<Output = Result<(), E>>,
        E: Into<anyhow::Error>,
    {
        let made = async {
            let template = ensure_template(key, migrate).await?;
            Self::clone_of(&template).await
        };
        made.await.expect("a test database with its schema")
    }

    async fn clone_of(template: &str) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{TEST_PREFIX}{}_{count}_{:08x}", std::process::id(), rand::random::<u32>());
        let mut admin = shared::admin().await?;
        // Through the log: copying files would force a checkpoint for each test.
        let statement = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" STRATEGY wal_log");
        admin.execute(statement.as_str()).await.with_context(|| format!("cloning {template}"))?;
        admin.close().await?;
        let options = shared::options(&name).await?;
        let pool = PgPoolOptions::new().max_connections(POOL_MAX).connect_lazy_with(options.clone());
        Ok(Self { name, options, pool, dropped: false })
    }

    /// A pool of up to sixteen connections.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How to connect, for code under test that makes its own connections.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// A URL for code under test that takes one, or for another process.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.options, &self.name)
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the database. Dropping the value does it too, blocking the thread.
    ///
    /// # Panics
    /// When Postgres refuses.
    pub async fn close(mut self) {
        self.dropped = true;
        self.pool.close().await;
        drop_by_name(&self.name).await.expect("dropping the test database");
    }
}

/// The URL of a database of the cluster that `options` lead to.
#[must_use]
pub fn url_of(options: &PgConnectOptions, database: &str) -> String {
    let socket = options.get_socket().map(|path| path.display().to_string()).unwrap_or_default();
    let socket = socket.replace('%', "%25").replace('/', "%2F");
    format!("postgres://{}@{socket}/{database}", options.get_username())
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if self.dropped {
            return;
        }
        // A runtime of its own: the test's may be the one that is blocked here. What fails
        // is swept by a later run.
        let name = self.name.clone();
        let work = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(drop_by_name(&name)).ok()
        });
        let _ = work.join();
    }
}

async fn drop_by_name(name: &str) -> anyhow::Result<()> {
    let mut admin = shared::admin().await?;
    shared::drop_database(&mut admin, name).await?;
    admin.close().await?;
    Ok(())
}

/// The template with this schema, made if it is missing. One process makes it while the
/// others wait; it takes its name when it is complete.
async fn ensure_template<F, T, E>(key: &[&str], migrate: F) -> anyhow::Result<String>
where
    F: FnOnce(PgPool) -> T,
    T: Future<Output = Result<(), E>>,
    E: Into<anyhow::Error>,
{
    let mut hash = Sha256::new();
    for part in key {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let name = format!("{TEMPLATE_PREFIX}{}", hex::encode(&digest[..12]));
    let mut admin = shared::admin().await?;
    if exists(&mut admin, &name).await? {
        admin.close().await?;
        return Ok(name);
    }
    let lock = i64::from_le_bytes(digest[..8].try_into()?);
    sqlx::query("SELECT pg_advisory_lock($1)").bind(lock).execute(&mut admin).await?;
    if !exists(&mut admin, &name).await? {
        let draft = format!("{name}_draft");
        shared::drop_database(&mut admin, &draft).await?;
        admin.execute(format!("CREATE DATABASE \"{draft}\" TEMPLATE template0").as_str()).await?;
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(shared::options(&draft).await?);
        let migrated = migrate(pool.clone()).await.map_err(Into::into);
        pool.close().await;
        migrated.context("making the schema of a test template")?;
        // A template that somebody is connected to cannot be cloned.
        admin.execute(format!("ALTER DATABASE \"{draft}\" ALLOW_CONNECTIONS false").as_str()).await?;
        // A session that was closed may take its time to end; renaming would wait for it, and give up.
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(&draft)
            .execute(&mut admin)
            .await?;
        admin.execute(format!("ALTER DATABASE \"{draft}\" RENAME TO \"{name}\"").as_str()).await?;
    }
    // Closing gives the lock back.
    admin.close().await?;
    Ok(name)
}

async fn exists(connection: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
}
