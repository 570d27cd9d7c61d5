//! The configuration: one file, `mintmark.toml`; every key by environment too; an unknown key is an
//! error. `docs/CONFIG.md` is generated from [`keys::KEYS`].

mod files;
mod keys;
mod payments;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use files::{ProductsConfig, S3Config, UploadsConfig};
pub use keys::markdown;
pub use payments::PaymentsConfig;
pub use webhooks::WebhookConfig;

/// What is read when no other file is named; it need not exist.
const FILE_DEFAULT: &str = "mintmark.toml";
/// The demo account's username, and what its bonuses are set under.
pub const DEMO: &str = "demo";
/// The longest that a webhook endpoint may be given to answer: a delivery's lease is longer by what the rest takes.
const WEBHOOK_TIMEOUT_SECONDS_MAX: u32 = 30;
/// Before every key in the environment; `__` stands between the parts of a key.
const ENV_PREFIX: &str = "MINTMARK_";

/// Every setting. Defaults run a complete server on a machine where nothing is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// What absolute links start with; made from `listen` if empty.
    pub public_url: String,
    /// Where the embedded database, files and the master key lie.
    pub data_dir: PathBuf,
    /// A Postgres to use instead of the embedded one.
    pub database_url: String,
    /// The file of the master key; `<data_dir>/master.key` if empty.
    pub master_key_file: PathBuf,
    /// The master key itself, 64 hex digits, instead of a file.
    pub master_key: String,
    /// How many shards new accounts go round.
    pub shards: u16,
    /// Where files are stored: a directory or a `file://` address; `<data_dir>/assets` if empty.
    pub storage: String,
    /// A directory whose files replace those of the built-in catalog.
    pub catalog_dir: PathBuf,
    /// Who may call from a browser.
    pub cors_origins: Vec<String>,
    /// How many proxies of the operator's stand before the server.
    pub trusted_proxies: usize,
    /// Whether the first start makes a demo account.
    pub demo_account: bool,
    /// Logging.
    pub log: LogConfig,
    /// What user-named addresses may be fetched besides public https ones.
    pub egress: EgressConfig,
    /// The built-in provider.
    pub sandbox: SandboxConfig,
    /// Running of runs.
    pub running: RunningConfig,
    /// Providers behind the generic HTTP adapter, by name.
    pub providers: BTreeMap<String, HttpProviderConfig>,
    /// Free credits by tier, and the demo account's.
    pub bonuses: BTreeMap<String, BonusConfig>,
    /// Rate limits.
    pub rate_limits: RateLimitConfig,
    /// The writer.
    pub writer: WriterLimits,
    /// The directory of unique names.
    pub directory: DirectoryConfig,
    /// Product pages.
    pub products: ProductsConfig,
    /// How an S3 API is reached that `storage` names.
    pub s3: S3Config,
    /// Uploads.
    pub uploads: UploadsConfig,
    /// Accounts.
    pub accounts: AccountsConfig,
    /// Webhooks.
    pub webhooks: WebhookConfig,
    /// Payments.
    pub payments: PaymentsConfig,
}

/// Accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Whether people may make accounts themselves.
    pub sign_up: bool,
}

/// Logging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What is logged, in `tracing`'s filter syntax.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The egress guard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// Hosts (`host` or `host:port`) that may be reached although they are not public, over http too.
    pub allow: Vec<String>,
}

/// The sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// Stores one ready asset by reference instead of drawing: for load tests.
    pub instant: bool,
    /// A sandbox that runs as its own process (`mintmark sandbox serve`), instead of the built-in one.
    pub url: String,
    /// How many jobs it works on at once.
    pub concurrency: usize,
}

/// A provider behind the generic HTTP adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpProviderConfig {
    /// Where it answers.
    pub url: String,
    /// Sent as a bearer token; nothing if empty.
    #[serde(default)]
    pub token: String,
    /// How many jobs may be under way there.
    #[serde(default = "default_concurrency")]
    pub concurrency: usize,
}

fn default_concurrency() -> usize {
    8
}

/// Running of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunningConfig {
    /// How long an unknown outcome is probed before the run fails at no cost, in hours.
    pub unknown_hours: u32,
    /// After how many seconds without a sign of life a node counts as gone.
    pub node_dead_seconds: u32,
    /// How many runs may wait in one process.
    pub queue_max: usize,
    /// How long after it was written down that a run is about to be sent it may be sent, in seconds.
    pub submit_window_seconds: u32,
    /// How long a provider behind the generic HTTP adapter may take to answer, in seconds.
    pub provider_timeout_seconds: u32,
    /// How long the training of an influencer lasts, in seconds.
    pub training_seconds: u32,
    /// A service that fetches the sound of YouTube videos; none if empty.
    pub youtube_downloader: String,
}

/// Free credits of one tier: decimal numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BonusConfig {
    /// Once, at the first authenticated call.
    #[serde(with = "rust_decimal::serde::str")]
    pub signup: Decimal,
    /// Once in a UTC day.
    #[serde(with = "rust_decimal::serde::str")]
    pub daily: Decimal,
    /// Once in an ISO week.
    #[serde(with = "rust_decimal::serde::str")]
    pub weekly: Decimal,
    /// The ceiling up to which free credits are refilled.
    #[serde(with = "rust_decimal::serde::str")]
    pub max: Decimal,
}

/// Requests per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// In a minute.
    pub minute: u32,
    /// In an hour.
    pub hour: u32,
    /// In a day.
    pub day: u32,
}

/// Rate limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Per key, by tier; an account has ten times that.
    pub tiers: BTreeMap<String, Windows>,
    /// Per minute and address without a key.
    pub unauthenticated_per_minute: u32,
    /// Submissions per minute and key in the GirlGeneratorAI dialect.
    pub girlgenerator_submits_per_minute: u32,
    /// Polls per minute and key in the GirlGeneratorAI dialect.
    pub girlgenerator_polls_per_minute: u32,
    /// A command line's polls of its session, per minute and address.
    pub cli_polls_per_minute: u32,
    /// Attempts at a password or an OAuth client's secret, per minute and address, and per name.
    pub sign_ins_per_minute: u32,
    /// Pages for people, per minute and address.
    pub pages_per_minute: u32,
}

/// Limits of the writer, per shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WriterLimits {
    /// How many decisions may wait; beyond that 503.
    pub waiting_max: usize,
    /// How many megabytes of states are kept in memory.
    pub cache_mb: usize,
}

/// The directory of unique names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DirectoryConfig {
    /// How often claims are settled whose event is, or is not, in the log, in seconds.
    pub sweep_seconds: u32,
    /// After how many seconds a claim without an event is an orphan.
    pub orphan_seconds: u32,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        DirectoryConfig { sweep_seconds: 60, orphan_seconds: 3_600 }
    }
}

impl Default for Config {
    fn default() -> Self {
        let bonus = |[signup, daily, weekly]: [u32; 3], max: u32| BonusConfig {
            signup: Decimal::from(signup),
            daily: Decimal::from(daily),
            weekly: Decimal::from(weekly),
            max: Decimal::from(max),
        };
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: String::new(),
            data_dir: PathBuf::from("./data"),
            database_url: String::new(),
            master_key_file: PathBuf::new(),
            master_key: String::new(),
            shards: 1,
            storage: String::new(),
            catalog_dir: PathBuf::new(),
            cors_origins: Vec::new(),
            trusted_proxies: 0,
            demo_account: true,
            log: LogConfig::default(),
            egress: EgressConfig::default(),
            sandbox: SandboxConfig::default(),
            running: RunningConfig::default(),
            providers: BTreeMap::new(),
            bonuses: BTreeMap::from([
                ("enterprise".to_owned(), bonus([0, 0, 0], 0)),
                (DEMO.to_owned(), bonus([25, 5, 20], 100)),
            ]),
            rate_limits: RateLimitConfig::default(),
            writer: WriterLimits::default(),
            directory: DirectoryConfig::default(),
            products: ProductsConfig::default(),
            s3: S3Config::default(),
            uploads: UploadsConfig::default(),
            accounts: AccountsConfig::default(),
            webhooks: WebhookConfig::default(),
            payments: PaymentsConfig::default(),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { filter: "info,sqlx::postgres::notice=warn".into(), format: LogFormat::Text }
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        SandboxConfig { instant: false, url: String::new(), concurrency: 64 }
    }
}

impl Default for RunningConfig {
    fn default() -> Self {
        RunningConfig {
            unknown_hours: 24,
            node_dead_seconds: 10,
            queue_max: 50_000,
            submit_window_seconds: 30,
            provider_timeout_seconds: 30,
            training_seconds: 5,
            youtube_downloader: String::new(),
        }
    }
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        let tier = |name: &str, minute, hour, day| (name.to_owned(), Windows { minute, hour, day });
        RateLimitConfig {
            tiers: BTreeMap::from([
                tier("free", 30, 500, 5_000),
                tier("basic", 60, 2_000, 20_000),
                tier("pro", 120, 5_000, 50_000),
                tier("enterprise", 300, 20_000, 200_000),
            ]),
            unauthenticated_per_minute: 15,
            girlgenerator_submits_per_minute: 10,
            girlgenerator_polls_per_minute: 60,
            cli_polls_per_minute: 60,
            sign_ins_per_minute: 10,
            pages_per_minute: 120,
        }
    }
}

impl Default for WriterLimits {
    fn default() -> Self {
        WriterLimits { waiting_max: 8_192, cache_mb: 64 }
    }
}

impl Config {
    /// Reads the file (`mintmark.toml` if none is named and it exists), then the environment, then
    /// the command line's own. Errors name the key.
    pub fn load(file: Option<&Path>, data_dir: Option<&Path>, listen: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        match file {
            Some(path) if !path.exists() => bail!("the configuration file {} does not exist", path.display()),
            Some(path) => figment = figment.merge(Toml::file_exact(path)),
            None if Path::new(FILE_DEFAULT).exists() => figment = figment.merge(Toml::file_exact(FILE_DEFAULT)),
            None => {}
        }
        figment = figment.merge(Env::raw().only(&["DATABASE_URL"])).merge(Env::prefixed(ENV_PREFIX).split("__"));
        if let Some(data_dir) = data_dir {
            figment = figment.merge(Serialized::default("data_dir", data_dir));
        }
        if let Some(listen) = listen {
            figment = figment.merge(Serialized::default("listen", listen));
        }
        let config: Config = figment.extract().map_err(|error| {
            // One line: the parser draws where in the file it stumbled.
            let words: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
            anyhow::anyhow!("bad configuration: {}", words.join(" "))
        })?;
        config.checked()
    }

    fn checked(mut self) -> anyhow::Result<Self> {
        if !(1..=mintmark_domain::Shard::COUNT_MAX).contains(&self.shards) {
            bail!("bad configuration: shards must be 1 to {}", mintmark_domain::Shard::COUNT_MAX);
        }
        if self.public_url.is_empty() {
            self.public_url = format!("http://{}", self.listen);
        }
        self.public_url = self.public_url.trim_end_matches('/').to_owned();
        let known = |tier: &String| tier.parse::<mintmark_domain::account::Tier>().map(|_| ());
        for tier in self.bonuses.keys().filter(|tier| *tier != DEMO).chain(self.rate_limits.tiers.keys()) {
            known(tier).map_err(|error| anyhow::anyhow!("bad configuration: {error}"))?;
        }
        for (tier, bonus) in &self.bonuses {
            for amount in [bonus.signup, bonus.daily, bonus.weekly, bonus.max] {
                let amount = mintmark_domain::Credits::new(amount);
                let amount = amount.with_context(|| format!("bad configuration: bonuses.{tier}"))?;
                if amount.is_negative() {
                    bail!("bad configuration: bonuses.{tier}: {amount} is less than nothing");
                }
            }
        }
        self.payments.check()?;
        if let Some(origin) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            bail!("bad configuration: cors_origins: {origin:?} is neither `*` nor scheme://host or scheme://host:port");
        }
        if self.sandbox.concurrency == 0 || self.running.queue_max == 0 || self.writer.waiting_max == 0 {
            bail!(
                "bad configuration: sandbox.concurrency, running.queue_max and writer.waiting_max must be at least 1"
            );
        }
        if self.directory.sweep_seconds == 0 || self.directory.orphan_seconds == 0 {
            bail!("bad configuration: directory.sweep_seconds and directory.orphan_seconds must be at least 1");
        }
        let webhooks = &self.webhooks;
        if webhooks.attempts_max == 0 || [webhooks.retention_days, webhooks.per_endpoint_max].contains(&0) {
            bail!("bad configuration: the numbers of webhooks must be at least 1");
        }
        if !(1..=WEBHOOK_TIMEOUT_SECONDS_MAX).contains(&webhooks.timeout_seconds) {
            bail!("bad configuration: webhooks.timeout_seconds must be 1 to {WEBHOOK_TIMEOUT_SECONDS_MAX}");
        }
        let low = mintmark_domain::Credits::new(webhooks.credits_low);
        if low.context("bad configuration: webhooks.credits_low")?.is_negative() {
            bail!("bad configuration: webhooks.credits_low is less than nothing");
        }
        let running = &self.running;
        if [running.node_dead_seconds, running.submit_window_seconds, running.provider_timeout_seconds].contains(&0) {
            bail!("bad configuration: the seconds of running must be at least 1");
        }
        Ok(self)
    }

    /// Where files are stored.
    pub fn storage_place(&self) -> String {
        if self.storage.is_empty() { self.data_dir.join("assets").display().to_string() } else { self.storage.clone() }
    }
}

/// Whether browsers can send this as their `Origin`, or it means any.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return text == "*" };
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]+".contains(&byte))
    };
    plain(scheme) && plain(host)
}
