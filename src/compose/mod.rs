//! The composition root: the one place that knows every part and puts them together.

mod catalog;
mod door;
mod nobody;
mod running;
mod upkeep;
mod web;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use mintmark_domain::account::Tier;
use mintmark_domain::catalog::{Capability, Catalog, Dialect};
use mintmark_domain::es::{EventLog, Position};
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{Clock, Dispatch, Entropy, Links};
use mintmark_domain::usecases::{BonusAmounts, BonusPolicy, Core, Settings};
use mintmark_domain::{Credits, Shard};
use mintmark_infra::assets::{AssetStore, S3Settings, UrlSigner};
use mintmark_infra::egress::{Egress, SystemResolver};
use mintmark_infra::identity::{self, SigningKeys};
use mintmark_infra::inputs::{GuardedInputs, document_sample};
use mintmark_infra::keys::{self, MasterKey, MasterKeySource, Purpose, open_master_key};
use mintmark_infra::links::SignedLinks;
use mintmark_infra::postgres::{Database, EmbeddedSettings};
use mintmark_infra::products::{self, PageCache, Products, ProductsSettings, product_sample};
use mintmark_infra::uploads::{self, SignedUploads, UploadsDeps, UploadsSettings};
use mintmark_infra::vault::PgVault;
use mintmark_infra::youtube::YoutubeSource;
use mintmark_log::directory::{BlockSizes, IdAllocator, PgBlocks, PgDirectory};
use mintmark_log::postgres::PgEventLog;
use mintmark_log::snapshots::PgSnapshots;
use mintmark_log::system::{SystemClock, SystemEntropy};
use mintmark_log::writer::{Writer, WriterConfig, WriterDeps};
use mintmark_projections::accounts::AccountsProjection;
use mintmark_projections::people::PeopleProjection;
use mintmark_projections::generation::GenerationProjection;
use mintmark_projections::wallets::WalletsProjection;
use mintmark_projections::{Projection, ReadModels};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

pub use catalog::catalog_sources;
pub use running::providers;
pub use upkeep::{keep_directory, keep_files, keep_sign_ins};
pub use web::surfaces;
pub use webhooks::start_sending;

use crate::config::{BonusConfig, Config, DEMO};

/// The name under which routes know the built-in provider.
const SANDBOX: &str = "sandbox";
/// How long closing may take before what is not settled is left for the next start.
const CLOSE_WITHIN: Duration = Duration::from_secs(20);

/// What a process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Serves and runs what is accepted.
    Serve,
    /// Does one thing and leaves; what it accepts is run by a server.
    Tool,
}

/// Everything that is put together for one process, and the database that it stands on.
pub struct Platform {
    parts: Parts,
    /// Where the embedded database lies, if people should know.
    pub notice: Option<String>,
    database: Database,
}

/// What is put together over a database.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The use cases. A server's run what is accepted; a tool's leave it to a server.
    pub core: Core,
    /// The log.
    pub log: Arc<PgEventLog>,
    /// Makes decisions.
    pub writer: Arc<Writer>,
    /// For everything beside the log.
    pub pool: PgPool,
    /// What is projected.
    pub projections: Vec<Arc<dyn Projection>>,
    /// What follows the log besides, and is never rebuilt.
    pub followers: Vec<Arc<dyn Projection>>,
    /// The guarded way out.
    pub egress: Egress,
    /// Stored files.
    pub assets: AssetStore,
    /// Reads product pages.
    pub products: Arc<Products>,
    /// Takes files that accounts bring.
    pub uploads: Arc<SignedUploads>,
    /// The keys that sign access tokens.
    pub signing_keys: Arc<SigningKeys>,
}

impl std::ops::Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Platform {
    /// Opens everything. Each failure says in one line what is wrong and what to do.
    pub async fn open(config: Config, role: Role) -> anyhow::Result<Self> {
        let catalog = load_catalog(&config)?;
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("the data directory {} cannot be made", config.data_dir.display()))?;
        let url = Some(config.database_url.as_str()).filter(|url| !url.is_empty());
        let database = Database::open(url, &config.data_dir, EmbeddedSettings::default()).await?;
        match Self::on(config, role, catalog, &database).await {
            Ok(parts) => Ok(Platform { parts, notice: database.notice().map(str::to_owned), database }),
            Err(error) => {
                // The first error is the one that matters.
                let _ = database.close().await;
                Err(error)
            }
        }
    }

    async fn on(config: Config, role: Role, catalog: Catalog, database: &Database) -> anyhow::Result<Parts> {
        let options = database.connect_options();
        let (sessions, connections) = match role {
            Role::Serve => (8, 24),
            Role::Tool => (3, 8),
        };
        let log = Arc::new(PgEventLog::with_sessions(options.clone(), "mintmark log", sessions));
        log.migrate().await?;
        let pool = mintmark_log::postgres::pool(options, "mintmark reads", connections);
        upkeep::check_shards(&pool, config.shards).await?;
        sqlx::raw_sql(keys::SCHEMA).execute(&pool).await.context("the tables of keys cannot be made")?;
        sqlx::raw_sql(products::SCHEMA).execute(&pool).await.context("the table of product pages cannot be made")?;
        sqlx::raw_sql(uploads::SCHEMA).execute(&pool).await.context("the table of uploads cannot be made")?;
        identity::prepare(&pool).await.context("the tables of sign-in cannot be made")?;
        let shards: Vec<Shard> = (0..config.shards).filter_map(Shard::new).collect();
        let master = open_master_key(&master_key_source(&config), &pool, is_empty(&pool).await?).await?;

        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let writer = start_writer(&config, &log, &pool, &clock, &entropy, &shards).await?;
        let (links, assets, egress) = outside(&config, &master)?;
        let vault = Arc::new(PgVault::new(pool.clone(), &master));
        let settings_of_products =
            ProductsSettings { cached_for: Duration::from_secs(config.products.cache_seconds.into()) };
        let products = Arc::new(Products::new(
            egress.with_samples(Arc::new(product_sample)),
            PageCache::new(pool.clone(), &master),
            clock.clone(),
            settings_of_products,
        ));
        let uploads = Arc::new(SignedUploads::new(
            UploadsDeps {
                pool: pool.clone(),
                assets: assets.clone(),
                signer: links.signer().clone(),
                clock: clock.clone(),
                entropy: entropy.clone(),
            },
            UploadsSettings { count_max: config.uploads.count_max, bytes_max: config.uploads.bytes_max },
        ));
        let projections = projections(&vault);
        let followers = webhooks::followers(&config, &log);
        let all: Vec<&dyn Projection> = projections.iter().chain(&followers).map(|projection| &**projection).collect();
        mintmark_projections::migrate(&mut *pool.acquire().await?, &all).await?;
        let integers = Arc::new(IdAllocator::new(Arc::new(PgBlocks::new(pool.clone())), BlockSizes::default()));
        let reads = ReadModels::new(pool.clone(), Arc::default());
        upkeep::raise_integers(&pool, &reads, &*log, &*integers, &shards).await?;
        let linking: Arc<dyn Links> = Arc::new(links);
        let signing_keys = Arc::new(SigningKeys::new(pool.clone(), &master, clock.clone()));
        let core = Core {
            decider: writer.clone(),
            clock: clock.clone(),
            entropy,
            directory: Arc::new(PgDirectory::new(pool.clone(), clock.clone())),
            integers,
            vault,
            dispatch: Arc::new(nobody::Nobody),
            inputs: Arc::new(
                GuardedInputs::new(egress.clone(), linking.clone(), assets.clone(), clock)
                    .with_youtube(youtube_source(&config, &catalog)?),
            ),
            assets: Arc::new(assets.clone()),
            identity: identity::on_postgres(&pool, &master, signing_keys.clone()),
            links: linking,
            catalog: Arc::new(catalog),
            settings: Arc::new(settings(&config, shards)),
        };
        Ok(Parts {
            config,
            core,
            log,
            writer,
            pool,
            projections,
            followers,
            egress,
            assets,
            products,
            uploads,
            signing_keys,
        })
    }

    /// How to connect to the database.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.database.connect_options()
    }

    /// The shards of this installation.
    pub fn shards(&self) -> &[Shard] {
        &self.core.settings.shards
    }

    /// The same use cases, with somebody who runs what is accepted.
    pub fn core_with(&self, dispatch: Arc<dyn Dispatch>) -> Core {
        Core { dispatch, ..self.core.clone() }
    }

    /// The same use cases, in which the demo account has the bonuses that are set for it.
    pub fn with_demo(&self, core: Core, demo: AccountId) -> Core {
        let Some(bonus) = self.config.bonuses.get(DEMO) else { return core };
        let mut settings = Settings::clone(&core.settings);
        settings.own_bonuses.insert(demo, bonus_amounts(bonus));
        Core { settings: Arc::new(settings), ..core }
    }

    /// Watches the embedded Postgres as long as it is polled; see [`Database::keep_running`].
    pub async fn keep_database(&self) {
        self.database.keep_running().await;
    }

    /// [`Platform::close`] after some work: where both fail, the work's error is the one that matters.
    pub async fn close_after<T>(self, worked: anyhow::Result<T>) -> anyhow::Result<T> {
        first_error(worked, self.close().await)
    }

    /// Settles what is under way and leaves the database; the last to leave an embedded one stops it.
    pub async fn close(self) -> anyhow::Result<()> {
        let Parts { core, log, writer, pool, .. } = self.parts;
        writer.shutdown(CLOSE_WITHIN).await;
        drop((core, log));
        pool.close().await;
        self.database.close().await?;
        Ok(())
    }
}

/// What work came to, unless only the cleaning up after it failed.
fn first_error<T>(worked: anyhow::Result<T>, closed: anyhow::Result<()>) -> anyhow::Result<T> {
    match (worked, closed) {
        (Ok(worked), Ok(())) => Ok(worked),
        (Ok(_), Err(closing)) => Err(closing),
        (Err(working), Ok(())) => Err(working),
        (Err(working), Err(closing)) => {
            tracing::warn!(error = %closing, "closing failed too");
            Err(working)
        }
    }
}

/// Everything that is projected.
fn projections(vault: &Arc<PgVault>) -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(WalletsProjection),
        Arc::new(GenerationProjection),
        Arc::new(AccountsProjection::new(vault.clone())),
        Arc::new(PeopleProjection),
    ]
}

fn load_catalog(config: &Config) -> anyhow::Result<Catalog> {
    let directory = Some(config.catalog_dir.as_path()).filter(|path| !path.as_os_str().is_empty());
    Catalog::load(&catalog_sources(directory)?).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        anyhow::anyhow!(
            "the catalog has {} problems, the first: {first} (see `mintmark catalog check`)",
            problems.len()
        )
    })
}

async fn is_empty(pool: &PgPool) -> anyhow::Result<bool> {
    let any: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM events WHERE position > 0)").fetch_one(pool).await?;
    Ok(!any)
}

fn master_key_source(config: &Config) -> MasterKeySource {
    if !config.master_key.is_empty() {
        return MasterKeySource::Value(config.master_key.clone());
    }
    let named = !config.master_key_file.as_os_str().is_empty();
    MasterKeySource::File(if named { config.master_key_file.clone() } else { config.data_dir.join("master.key") })
}

async fn start_writer(
    config: &Config,
    log: &Arc<PgEventLog>,
    pool: &PgPool,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
    shards: &[Shard],
) -> anyhow::Result<Arc<Writer>> {
    let deps = WriterDeps {
        log: log.clone(),
        snapshots: Arc::new(PgSnapshots::new(pool.clone())),
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let limits = WriterConfig {
        waiting_max: config.writer.waiting_max,
        cache_bytes_max: config.writer.cache_mb << 20,
        ..WriterConfig::default()
    };
    Ok(Arc::new(Writer::start(deps, limits, shards).await?))
}

fn outside(config: &Config, master: &MasterKey) -> anyhow::Result<(SignedLinks, AssetStore, Egress)> {
    let public_url =
        config.public_url.parse().with_context(|| format!("public_url {:?} is not an address", config.public_url))?;
    let links = SignedLinks::new(&public_url, UrlSigner::new(master.purpose(Purpose::UrlSigning), public_url.clone()));
    let s3 = &config.s3;
    let s3 = S3Settings {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        access_key_id: s3.access_key_id.clone(),
        secret_access_key: s3.secret_access_key.clone(),
        virtual_hosted: s3.virtual_hosted,
    };
    let assets = AssetStore::open_with(&config.storage_place(), &s3)?;
    let allow: Result<Vec<_>, _> = config.egress.allow.iter().map(|rule| rule.parse()).collect();
    let allow = allow.map_err(|error| anyhow::anyhow!("egress.allow: {error}"))?;
    Ok((links, assets, Egress::new(allow, Arc::new(SystemResolver), Arc::new(document_sample))))
}

/// Where the sound of videos on YouTube comes from.
fn youtube_source(config: &Config, catalog: &Catalog) -> anyhow::Result<YoutubeSource> {
    let service = &config.running.youtube_downloader;
    if !service.is_empty() {
        let url =
            service.parse().with_context(|| format!("running.youtube_downloader {service:?} is not an address"))?;
        return Ok(YoutubeSource::Downloader(url));
    }
    let by_sandbox = catalog
        .offered_in(Dialect::Native)
        .filter(|model| model.capability == Capability::Transcription)
        .any(|model| catalog.route(model).is_some_and(|route| route.provider == SANDBOX));
    Ok(if by_sandbox { YoutubeSource::Sample } else { YoutubeSource::None })
}

fn bonus_amounts(bonus: &BonusConfig) -> BonusAmounts {
    let amount = |value| Credits::new(value).unwrap_or_default();
    BonusAmounts {
        signup: amount(bonus.signup),
        daily: amount(bonus.daily),
        weekly: amount(bonus.weekly),
        max: amount(bonus.max),
    }
}

fn settings(config: &Config, shards: Vec<Shard>) -> Settings {
    let bonuses: BonusPolicy = config
        .bonuses
        .iter()
        .filter_map(|(tier, bonus)| Some((tier.parse::<Tier>().ok()?.as_str(), bonus_amounts(bonus))))
        .collect();
    Settings {
        shards,
        bonuses,
        unknown_for: TimeDelta::hours(i64::from(config.running.unknown_hours)),
        ..Settings::default()
    }
}

/// How many events the log holds, for a progress bar.
pub async fn events_in(log: &dyn EventLog, shards: &[Shard]) -> anyhow::Result<u64> {
    let mut events = 0;
    for &shard in shards {
        let Position(end) = log.end(shard).await?.position;
        events += end;
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_the_work_is_told_whatever_closing_says() {
        let (work, close) = (|| anyhow::anyhow!("the work"), || anyhow::anyhow!("the closing"));
        assert_eq!(first_error::<()>(Err(work()), Err(close())).unwrap_err().to_string(), "the work");
        assert_eq!(first_error::<()>(Err(work()), Ok(())).unwrap_err().to_string(), "the work");
        assert_eq!(first_error(Ok(1), Err(close())).unwrap_err().to_string(), "the closing");
        assert_eq!(first_error(Ok(1), Ok(())).unwrap(), 1);
    }
}
