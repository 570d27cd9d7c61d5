//! What the web surfaces are given: adapters between crates that do not know each other.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use futures::StreamExt as _;
use mintmark_api_graphql::GraphqlState;
use mintmark_api_rest::http::Authenticator;
use mintmark_api_rest::http::limits::{LeasedLimiter, Quota, RateLimits};
use mintmark_api_rest::{
    AppState, AssetMeta, AssetReader, AssetStream, HealthSource, MetricsRenderer, PartHealth, RestSettings,
};
use mintmark_domain::Timestamp;
use mintmark_domain::account::{ActsWith, Tier};
use mintmark_domain::es::EventLog;
use mintmark_domain::ports::AssetError;
use mintmark_domain::usecases::{Caller, Core};
use mintmark_infra::assets::{self, AssetKey, AssetStore, ByteRange};
use mintmark_infra::limits::PgPermits;
use mintmark_infra::telemetry::Metrics;
use mintmark_log::postgres::PgEventLog;
use mintmark_log::writer::Writer;
use mintmark_projections::accounts::KeyUse;
use mintmark_projections::{Board, ReadModels};
use tokio_util::sync::CancellationToken;

use super::{Platform, door};
use crate::config::Config;

/// How often the use of keys is written.
const KEY_USE_EVERY: Duration = Duration::from_secs(10);
/// How many sessions lease permits of rate limits and give them back.
const PERMIT_CONNECTIONS: u32 = 2;
/// How many sessions read for all subscriptions.
const FOLLOWERS: usize = 4;
/// How long a part may take to say how it is doing.
const HEALTH_WITHIN: Duration = Duration::from_secs(1);

/// Reads stored files for the web.
struct Files(AssetStore);

fn port_error(error: assets::AssetError) -> AssetError {
    match error {
        assets::AssetError::NotFound(_) => AssetError::NotFound,
        other => AssetError::Unavailable(other.to_string()),
    }
}

#[async_trait]
impl AssetReader for Files {
    async fn meta(&self, key: &str) -> Result<AssetMeta, AssetError> {
        let key: AssetKey = key.parse().map_err(|_| AssetError::BadKey)?;
        let head = self.0.head(&key).await.map_err(port_error)?;
        Ok(AssetMeta {
            size_bytes: head.size_bytes,
            content_type: head.media_type.to_owned(),
            etag: head.etag,
            modified_at: head.modified_at,
        })
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<AssetStream, AssetError> {
        let key: AssetKey = key.parse().map_err(|_| AssetError::BadKey)?;
        let range = match range {
            None => None,
            Some(range) => {
                let size_bytes = self.0.head(&key).await.map_err(port_error)?.size_bytes;
                Some(ByteRange { range, size_bytes })
            }
        };
        let body = self.0.get(&key, range.as_ref()).await.map_err(port_error)?;
        Ok(body.stream.map(|chunk| chunk.map_err(std::io::Error::other)).boxed())
    }
}

/// Notes when keys are used.
struct KeysUsed(Arc<KeyUse>);

impl mintmark_api_rest::http::KeyUse for KeysUsed {
    fn used(&self, caller: &Caller, at: Timestamp) {
        match &caller.acts_with {
            ActsWith::Key(key_id) => self.0.touch(*key_id, at),
            ActsWith::Client { client_id, .. } => self.0.touch_client(client_id, at),
            ActsWith::Person | ActsWith::Operator => {}
        }
    }
}

/// How the log and its writer are doing.
struct LogHealth {
    log: Arc<PgEventLog>,
    writer: Arc<Writer>,
}

#[async_trait]
impl HealthSource for LogHealth {
    async fn check(&self) -> Vec<PartHealth> {
        let mut parts = Vec::new();
        for shard in self.writer.shards() {
            let answer = tokio::time::timeout(HEALTH_WITHIN, self.log.end(shard)).await;
            let (reached, said) = match answer {
                Ok(Ok(end)) => (true, format!("end at {}", end.position)),
                Ok(Err(error)) => (false, error.to_string()),
                Err(_) => (false, "no answer in time".to_owned()),
            };
            let status = self.writer.status(shard);
            let diverged = status.map_or(0, |status| status.diverged);
            let failure = status.and_then(|status| status.failure);
            let detail = match failure {
                Some(why) => format!("{said}; {why}"),
                None if diverged > 0 => format!("{said}; a tail was lost {diverged} times"),
                None => said,
            };
            let ready = reached && diverged == 0 && failure.is_none();
            parts.push(PartHealth { name: format!("log/{shard}"), ready, detail });
        }
        parts
    }
}

/// How the projections are doing.
struct ProjectionHealth(Arc<Board>);

#[async_trait]
impl HealthSource for ProjectionHealth {
    async fn check(&self) -> Vec<PartHealth> {
        self.0
            .health()
            .into_iter()
            .map(|health| PartHealth {
                name: format!("projection {}/{}", health.projection, health.shard),
                ready: !health.status.is_stopped(),
                detail: match health.error {
                    Some(error) => format!("{}: {error}", health.status.as_str()),
                    None => format!("{}, {} events behind", health.status.as_str(), health.lag_events),
                },
            })
            .collect()
    }
}

/// Whether storage takes files.
struct StorageHealth(AssetStore);

#[async_trait]
impl HealthSource for StorageHealth {
    async fn check(&self) -> Vec<PartHealth> {
        let probe: AssetKey = match "health/probe.txt".parse() {
            Ok(key) => key,
            Err(_) => return Vec::new(),
        };
        let wrote = tokio::time::timeout(HEALTH_WITHIN, self.0.put(&probe, bytes::Bytes::from_static(b"ok"))).await;
        let (ready, detail) = match wrote {
            Ok(Ok(())) => (true, "takes files".to_owned()),
            Ok(Err(error)) => (false, error.to_string()),
            Err(_) => (false, "no answer in time".to_owned()),
        };
        vec![PartHealth { name: "storage".into(), ready, detail }]
    }
}

fn rate_limits(config: &Config) -> RateLimits {
    let limits = &config.rate_limits;
    let quota =
        |windows: &crate::config::Windows| Quota { minute: windows.minute, hour: windows.hour, day: windows.day };
    RateLimits {
        tiers: limits
            .tiers
            .iter()
            .filter_map(|(tier, windows)| Some((tier.parse::<Tier>().ok()?.as_str(), quota(windows))))
            .collect(),
        unauthenticated_per_minute: limits.unauthenticated_per_minute,
        girlgenerator_submits_per_minute: limits.girlgenerator_submits_per_minute,
        girlgenerator_polls_per_minute: limits.girlgenerator_polls_per_minute,
        cli_polls_per_minute: limits.cli_polls_per_minute,
        sign_ins_per_minute: limits.sign_ins_per_minute,
        pages_per_minute: limits.pages_per_minute,
    }
}

/// Who counts requests, together with all other servers on this database.
pub fn limiter(platform: &Platform) -> Arc<LeasedLimiter> {
    // Sessions of their own: requests are counted, or refused, however long others wait for theirs.
    let pool = mintmark_log::postgres::pool(platform.connect_options(), "mintmark limits", PERMIT_CONNECTIONS);
    Arc::new(LeasedLimiter::start(Arc::new(PgPermits::new(pool)), platform.core.clock.clone()))
}

/// Everything that is served: REST, GraphQL, native routes.
pub fn surfaces(
    platform: &Platform,
    core: Core,
    reads: ReadModels,
    board: Arc<Board>,
    metrics: Metrics,
    limiter: Arc<LeasedLimiter>,
    stop: CancellationToken,
) -> Router {
    let key_use = Arc::new(KeyUse::new(platform.pool.clone()));
    let writing = Arc::clone(&key_use);
    tokio::spawn(async move { writing.run(KEY_USE_EVERY, stop).await });
    let health: Arc<[Arc<dyn HealthSource>]> = Arc::from([
        Arc::new(LogHealth { log: platform.log.clone(), writer: platform.writer.clone() }) as Arc<dyn HealthSource>,
        Arc::new(ProjectionHealth(board)),
        Arc::new(StorageHealth(platform.assets.clone())),
    ]);
    let render: MetricsRenderer = Arc::new(move || metrics.render());
    let state = AppState {
        core: core.clone(),
        reads: reads.clone(),
        auth: Authenticator::new(core.clone(), Arc::new(KeysUsed(key_use))),
        limiter,
        assets: Arc::new(Files(platform.assets.clone())),
        uploads: platform.uploads.clone(),
        health,
        metrics: render,
        settings: Arc::new(RestSettings {
            cors_origins: platform.config.cors_origins.clone(),
            rate_limits: rate_limits(&platform.config),
            trusted_proxies: platform.config.trusted_proxies,
            sign_up: platform.config.accounts.sign_up,
            payment_secrets: platform.config.payments.read(),
        }),
    };
    let ends =
        platform.shards().iter().filter_map(|shard| Some((*shard, platform.writer.subscribe(*shard)?))).collect();
    // Sessions of their own: whoever listens never stands in the way of who writes.
    let log = Arc::new(PgEventLog::with_sessions(platform.connect_options(), "mintmark subscriptions", FOLLOWERS));
    let graphql = GraphqlState { core, reads, log, ends };
    let routes = door::graphql(graphql, &state);
    mintmark_api_rest::router_with(state, routes)
}
