//! The use cases over a database, on a [`Recorder`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mintmark_domain::catalog::{Catalog, Sources};
use mintmark_domain::ids::{AccountId, BatchId, RunId};
use mintmark_domain::ports::{Clock, Dispatch, Links, Slot};
use mintmark_domain::usecases::{Core, Settings};
use mintmark_domain::{Shard, Timestamp};
use mintmark_infra::assets::{AssetStore, UrlSigner};
use mintmark_infra::egress::{Egress, SystemResolver};
use mintmark_infra::identity::{self, SigningKeys};
use mintmark_infra::inputs::{GuardedInputs, document_sample};
use mintmark_infra::keys::{MasterKeySource, Purpose, open_master_key};
use mintmark_infra::links::SignedLinks;
use mintmark_infra::vault::PgVault;
use mintmark_log::directory::{BlockSizes, IdAllocator, PgBlocks, PgDirectory};
use mintmark_log::postgres::PgEventLog;
use mintmark_log::system::{SystemClock, SystemEntropy};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

use crate::recorder::Recorder;

/// Connections for keys, names and numbers.
const CONNECTIONS: u32 = 16;
/// The node that is said to run everything.
pub(crate) const NODE: &str = "history";
/// How many of the use cases are under way at once: while one waits for a key, others go on.
pub(crate) const AT_ONCE: usize = 32;

/// What a history is told on.
pub(crate) struct Stage {
    pub core: Core,
    pub recorder: Arc<Recorder>,
    pool: PgPool,
}

impl Stage {
    pub async fn open(options: PgConnectOptions, data_directory: &Path) -> anyhow::Result<Self> {
        // What a crash takes away is told anew with the rest.
        let lasting = options.clone().options([("synchronous_commit", "off")]).disable_statement_logging();
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(lasting);
        let master = open_master_key(&MasterKeySource::File(data_directory.join("master.key")), &pool, false).await?;
        let log = Arc::new(PgEventLog::new(options, "history"));
        let recorder = Arc::new(Recorder::start(log, Shard::ZERO).await?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let public_url: url::Url = "http://127.0.0.1:8080".parse()?;
        let links =
            SignedLinks::new(&public_url, UrlSigner::new(master.purpose(Purpose::UrlSigning), public_url.clone()));
        let links: Arc<dyn Links> = Arc::new(links);
        let assets = AssetStore::open(&data_directory.join("assets").display().to_string())?;
        let egress = Egress::new(Vec::new(), Arc::new(SystemResolver), Arc::new(document_sample));
        let tokens = Arc::new(SigningKeys::new(pool.clone(), &master, clock.clone()));
        let problems = |problems: Vec<_>| anyhow::anyhow!("the catalog has {} problems", problems.len());
        let core = Core {
            decider: recorder.clone(),
            clock: clock.clone(),
            entropy: Arc::new(SystemEntropy),
            directory: Arc::new(PgDirectory::new(pool.clone(), clock.clone())),
            integers: Arc::new(IdAllocator::new(Arc::new(PgBlocks::new(pool.clone())), BlockSizes::default())),
            vault: Arc::new(PgVault::new(pool.clone(), &master)),
            dispatch: Arc::new(AtOnce),
            inputs: Arc::new(GuardedInputs::new(egress, links.clone(), assets.clone(), clock)),
            assets: Arc::new(assets),
            identity: identity::on_postgres(&pool, &master, tokens),
            links,
            catalog: Arc::new(Catalog::load(&Sources::embedded()).map_err(problems)?),
            settings: Arc::new(Settings::default()),
        };
        Ok(Stage { core, recorder, pool })
    }

    /// Waits until everything is in the log.
    pub async fn close(self) -> anyhow::Result<()> {
        self.recorder.finish().await?;
        self.pool.close().await;
        Ok(())
    }
}

/// Has room for every run, and leaves its end to the history.
struct AtOnce;

struct Place;

impl Slot for Place {
    fn node(&self) -> &str {
        NODE
    }

    fn submit_by(&self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(60)
    }
}

#[async_trait]
impl Dispatch for AtOnce {
    fn reserve(&self, _provider: &str, _account: AccountId) -> Option<Box<dyn Slot>> {
        Some(Box::new(Place))
    }

    fn accepted(&self, _run: RunId, _account: AccountId, _provider: &str, _slot: Option<Box<dyn Slot>>) {}

    fn batch(&self, _batch: BatchId, _account: AccountId) {}

    fn cancel_requested(&self, _run: RunId) {}

    async fn ended(&self, _run: RunId, _within: Duration) -> bool {
        true
    }

    fn progress(&self, _run: RunId) -> Option<u8> {
        None
    }
}
