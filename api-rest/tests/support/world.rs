//! What stands behind the surface: log, writer, read models, sandbox, storage, each the real one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mintmark_api_rest::genfire::EventBodies;
use mintmark_api_rest::http::limits::MemoryLimiter;
use mintmark_api_rest::http::{Authenticator, NoKeyUse};
use mintmark_api_rest::{AppState, HealthSource, PartHealth, RestSettings};
use mintmark_domain::catalog::Catalog;
use mintmark_domain::es::{End, EventLog, Position, StreamRef};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{Assets, Entropy, Links, Provider, WorkCursor, WorkItem, WorkQueue, WorkUnavailable};
use mintmark_domain::usecases::{Core, Settings};
use mintmark_domain::wallet::CreditWallet;
use mintmark_domain::{Credits, Shard};
use mintmark_infra::assets::{AssetStore, UrlSigner};
use mintmark_infra::egress::{Egress, SystemResolver};
use mintmark_infra::identity::{self, SigningKeys};
use mintmark_infra::inputs::{GuardedInputs, document_sample};
use mintmark_infra::keys::{self, MasterKey, Purpose};
use mintmark_infra::links::SignedLinks;
use mintmark_infra::products::{self, Extractor, PageCache, Products, ProductsSettings, product_sample};
use mintmark_infra::providers::Sandbox;
use mintmark_infra::providers::sandbox::SandboxSettings;
use mintmark_infra::running::{Dispatcher, MemoryNodes, Running, RunningDeps, RunningSettings};
use mintmark_infra::uploads::{self, SignedUploads, UploadsDeps};
use mintmark_infra::vault::PgVault;
use mintmark_infra::webhooks::{SenderDeps, SenderSettings, WebhookSender};
use mintmark_log::directory::{BlockSizes, IdAllocator, PgBlocks, PgDirectory};
use mintmark_log::postgres::PgEventLog;
use mintmark_log::snapshots::PgSnapshots;
use mintmark_log::system::{SystemClock, SystemEntropy};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use mintmark_projections::accounts::AccountsProjection;
use mintmark_projections::people::PeopleProjection;
use mintmark_projections::generation::GenerationProjection;
use mintmark_projections::wallets::WalletsProjection;
use mintmark_projections::webhooks::WebhookFollower;
use mintmark_projections::{Board, Projection, ProjectionName, ReadModels, RunnerSettings, Runners, Waited};
use mintmark_testkit::TestDb;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::sync::watch;

use super::assets::StoreReader;
use super::{Beside, Options};

/// How long read models may take to catch up.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(20);

pub struct World {
    core: Core,
    log: Arc<PgEventLog>,
    ends: BTreeMap<Shard, watch::Receiver<End>>,
    reads: ReadModels,
    assets: AssetStore,
    uploads: Arc<SignedUploads>,
    egress: Egress,
    _running: Running,
    _runners: Runners,
    _directory: TempDir,
    // Last: everything above is connected to it.
    _db: TestDb,
}

/// The master key of every test.
fn master_key() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

fn projections(pool: &PgPool) -> Vec<Arc<dyn Projection>> {
    let vault = Arc::new(PgVault::new(pool.clone(), &master_key()));
    vec![
        Arc::new(WalletsProjection),
        Arc::new(GenerationProjection),
        Arc::new(AccountsProjection::new(vault)),
        Arc::new(PeopleProjection),
    ]
}

/// All that follows the log: read models, and what webhooks are to tell.
fn followed(pool: &PgPool, log: &Arc<dyn EventLog>, credits_low: u32) -> Vec<Arc<dyn Projection>> {
    let webhooks = WebhookFollower::new(Arc::clone(log), Credits::whole(credits_low));
    projections(pool).into_iter().chain([Arc::new(webhooks) as Arc<dyn Projection>]).collect()
}

/// A database with every table, cloned from a template.
async fn database() -> TestDb {
    // Only asked for its tables: nothing is ever connected.
    let nowhere = PgPool::connect_lazy("postgres://nowhere").expect("an address");
    let nothing: Arc<dyn EventLog> = Arc::new(mintmark_log::memory::MemoryEventLog::default());
    let projections = followed(&nowhere, &nothing, 0);
    let ddl: Vec<&str> = projections.iter().map(|projection| projection.definition().ddl).collect();
    let common = [
        include_str!("../../../projections/src/common.sql"),
        include_str!("../../../projections/src/outside.sql"),
        keys::SCHEMA,
        products::SCHEMA,
        uploads::SCHEMA,
        identity::script(),
    ];
    let key = [mintmark_log::schema::scripts(), ddl, common.to_vec()].concat();
    TestDb::migrated(&key, |pool: PgPool| async move {
        let mut connection = pool.acquire().await?;
        mintmark_log::schema::migrate(&mut connection).await?;
        sqlx::raw_sql(keys::SCHEMA).execute(&mut *connection).await?;
        sqlx::raw_sql(products::SCHEMA).execute(&mut *connection).await?;
        sqlx::raw_sql(uploads::SCHEMA).execute(&mut *connection).await?;
        sqlx::raw_sql(identity::script()).execute(&mut *connection).await?;
        let projections: Vec<&dyn Projection> = projections.iter().map(|projection| &**projection).collect();
        mintmark_projections::migrate(&mut connection, &projections).await?;
        anyhow::Ok(())
    })
    .await
}

impl World {
    pub async fn start(base_url: &str, options: &Options) -> Self {
        let db = database().await;
        let directory = tempfile::tempdir().expect("a directory");
        let pool = db.pool().clone();
        let log = Arc::new(PgEventLog::new(db.options().clone(), "test log"));
        let clock = options.core_clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let shards: Vec<Shard> = (0..mintmark_testkit::shards()).filter_map(Shard::new).collect();
        let deps = WriterDeps {
            log: log.clone(),
            snapshots: Arc::new(PgSnapshots::new(pool.clone())),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let writer = Arc::new(Writer::start(deps, WriterConfig::default(), &shards).await.expect("a writer"));
        let ends = shards.iter().filter_map(|shard| Some((*shard, writer.subscribe(*shard)?))).collect();
        let board = Arc::new(Board::new());
        let feed: Arc<dyn EventLog> = log.clone();
        let runners = {
            let writer = Arc::clone(&writer);
            let ends = move |shard| writer.subscribe(shard);
            let followed = followed(&pool, &feed, options.credits_low);
            Runners::start(&pool, &feed, &followed, &shards, ends, &board, RunnerSettings::default())
        };
        let reads = ReadModels::new(pool.clone(), board);
        let master = master_key();
        let public_url: url::Url = base_url.parse().expect("an address");
        let signer = UrlSigner::new(master.purpose(Purpose::UrlSigning), public_url.clone());
        let links: Arc<dyn Links> = Arc::new(SignedLinks::new(&public_url, signer.clone()));
        let assets = match &options.storage {
            Some((place, s3)) => AssetStore::open_with(place, s3).expect("storage"),
            None => AssetStore::open(directory.path().to_str().expect("a path")).expect("storage"),
        };
        let uploads = SignedUploads::new(
            UploadsDeps {
                pool: pool.clone(),
                assets: assets.clone(),
                signer,
                clock: options.clock.clone().unwrap_or_else(|| clock.clone()),
                entropy: entropy.clone(),
            },
            options.uploads,
        );
        let allow = options.egress_allow.iter().map(|rule| rule.parse().expect("a rule")).collect();
        let resolver = options.resolver.clone().unwrap_or_else(|| Arc::new(SystemResolver));
        let egress = Egress::new(allow, resolver, Arc::new(document_sample));
        let sandbox = if options.instant {
            Sandbox::instant(SandboxSettings::default(), &assets).await.expect("samples")
        } else {
            Sandbox::new(SandboxSettings::default())
        };
        let products = Arc::new(Products::new(
            egress.with_samples(Arc::new(product_sample)),
            PageCache::new(pool.clone(), &master),
            clock.clone(),
            ProductsSettings::default(),
        ));
        let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(sandbox), Arc::new(Extractor::new(products.clone()))];
        let dispatcher = Dispatcher::new("test-node", writer.clone(), providers, RunningSettings::default());
        let tokens = SigningKeys::new(pool.clone(), &master, clock.clone());
        let core = Core {
            decider: writer,
            clock: clock.clone(),
            entropy,
            directory: Arc::new(PgDirectory::new(pool.clone(), clock.clone())),
            integers: Arc::new(IdAllocator::new(Arc::new(PgBlocks::new(pool.clone())), BlockSizes::default())),
            vault: Arc::new(PgVault::new(pool.clone(), &master)),
            dispatch: Arc::new(dispatcher.clone()),
            inputs: Arc::new(
                GuardedInputs::new(egress.clone(), links.clone(), assets.clone(), clock)
                    .with_youtube(options.youtube.clone()),
            ),
            assets: Arc::new(assets.clone()),
            identity: identity::on_postgres(&pool, &master, Arc::new(tokens)),
            links,
            catalog: Arc::new(Catalog::load(&options.catalog).expect("the catalog")),
            settings: Arc::new(Settings { shards, bonuses: options.bonuses.clone(), ..Settings::default() }),
        };
        let kept: Arc<dyn Assets> = Arc::new(assets.clone());
        let running = dispatcher.start(RunningDeps {
            core: core.clone(),
            assets: kept,
            work: Arc::new(NothingLeft),
            nodes: Arc::new(MemoryNodes::default()),
            products,
        });
        World {
            core,
            log,
            ends,
            reads,
            assets,
            uploads: Arc::new(uploads),
            egress,
            _running: running,
            _runners: runners,
            _directory: directory,
            _db: db,
        }
    }

    pub fn state(&self, settings: RestSettings) -> AppState {
        let health: Arc<dyn HealthSource> = Arc::new(AllWell);
        AppState {
            core: self.core.clone(),
            reads: self.reads.clone(),
            auth: Authenticator::new(self.core.clone(), Arc::new(NoKeyUse)),
            limiter: Arc::new(MemoryLimiter::new()),
            assets: Arc::new(StoreReader(self.assets.clone())),
            uploads: self.uploads.clone(),
            health: Arc::from([health]),
            metrics: Arc::new(|| "up 1\n".to_owned()),
            settings: Arc::new(settings),
        }
    }

    /// The uploads, and where they are stored.
    pub fn uploads(&self) -> (&SignedUploads, &std::path::Path) {
        (&self.uploads, self._directory.path())
    }

    /// Who tells webhook endpoints.
    pub fn sender(&self, state: &AppState) -> WebhookSender {
        WebhookSender::new(self.sending(state), SenderSettings::default())
    }

    /// What telling them needs.
    pub fn sending(&self, state: &AppState) -> SenderDeps {
        let lasts = SenderSettings::default().addresses_last();
        SenderDeps {
            outbox: Arc::new(state.reads.clone()),
            bodies: Arc::new(EventBodies::new(state.core.clone(), state.reads.clone(), lasts)),
            core: state.core.clone(),
            egress: self.egress.clone(),
        }
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        self._db.pool()
    }

    pub fn beside(&self, state: &AppState) -> Beside {
        Beside { state: state.clone(), log: self.log.clone(), ends: self.ends.clone() }
    }

    pub async fn events_of(&self, stream: mintmark_domain::es::StreamId) -> Vec<mintmark_domain::es::Recorded> {
        self.log.read_streams(&[(stream, 0)]).await.expect("the log")
    }

    /// Every event, as the log holds it.
    pub async fn events_as_text(&self) -> String {
        let mut text = String::new();
        for &shard in &self.core.settings.shards {
            for event in self.log.read(shard, Position(0), 10_000).await.expect("the log") {
                text.extend([event.event_type.as_str(), " ", event.payload.as_str(), "\n"]);
            }
        }
        text
    }

    /// Takes a stored file away.
    pub async fn delete_file(&self, key: &str) {
        assert!(self.assets.delete(&key.parse().expect("a key")).await.expect("storage"), "there is no {key}");
    }

    pub async fn caught_up(&self, reads: &ReadModels) {
        for &shard in &self.core.settings.shards {
            let end = self.log.end(shard).await.expect("the log's end").position;
            let followers = ProjectionName::ALL.into_iter().chain([ProjectionName::Webhooks]);
            for name in followers {
                let waited = reads.wait_for(name, shard, end, CATCH_UP_WITHIN).await;
                assert!(matches!(waited, Waited::Reached), "{name} {waited:?}");
            }
        }
    }

    pub async fn available(&self, core: &Core, account: AccountId) -> Credits {
        let wallet = account.wallet();
        let loaded = core.decider.load(wallet.shard(), vec![StreamRef::of::<CreditWallet>(wallet)]).await;
        let loaded = loaded.expect("the wallet");
        loaded[0].state.as_any().downcast_ref::<CreditWallet>().expect("a wallet").balance(core.now()).available
    }
}

/// A work queue for one process that lives as long as its test: nothing is ever left alone.
struct NothingLeft;

#[async_trait]
impl WorkQueue for NothingLeft {
    async fn pending(&self, _after: Option<WorkCursor>, _limit: usize) -> Result<Vec<WorkItem>, WorkUnavailable> {
        Ok(Vec::new())
    }
}

struct AllWell;

#[async_trait]
impl HealthSource for AllWell {
    async fn check(&self) -> Vec<PartHealth> {
        vec![PartHealth { name: "log".into(), ready: true, detail: "answers".into() }]
    }
}
