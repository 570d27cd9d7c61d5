//! What every handler is given.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use mintmark_domain::ports::{AssetError, Uploads};
use mintmark_domain::usecases::Core;
use mintmark_domain::webhook::StandardSecret;
use mintmark_domain::{Shard, Timestamp};
use mintmark_projections::ReadModels;

use crate::http::Authenticator;
use crate::http::limits::{RateLimiter, RateLimits};

/// Settings of the REST surface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestSettings {
    /// Origins that may call from a browser; `*` for any, none if empty.
    pub cors_origins: Vec<String>,
    /// Rate limits.
    pub rate_limits: RateLimits,
    /// How many proxies of the operator's stand before the server and write `X-Forwarded-For`. With 0
    /// the header counts for nothing.
    pub trusted_proxies: usize,
    /// Whether people may make accounts themselves.
    pub sign_up: bool,
    /// What payment processors sign their events with; none are taken if empty.
    pub payment_secrets: Vec<StandardSecret>,
}

/// What is known of a stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetMeta {
    /// Its size.
    pub size_bytes: u64,
    /// Its media type.
    pub content_type: String,
    /// A text that changes when the content does, quotes not included.
    pub etag: Option<String>,
    /// When it was stored.
    pub modified_at: Timestamp,
}

/// A file's bytes as they are read.
pub type AssetStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Reads stored files for the web.
#[async_trait]
pub trait AssetReader: Send + Sync + 'static {
    /// What is known of a file. Errors: [`AssetError::NotFound`], [`AssetError::BadKey`].
    async fn meta(&self, key: &str) -> Result<AssetMeta, AssetError>;

    /// A file's bytes: all, or those of a range within its size.
    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<AssetStream, AssetError>;
}

/// How a part of the server is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHealth {
    /// Its name: `log`, `projection wallets/0`, `storage`.
    pub name: String,
    /// Whether requests can be served with it as it is.
    pub ready: bool,
    /// How it stands, for people; no secrets.
    pub detail: String,
}

/// Says how parts of the server are doing.
#[async_trait]
pub trait HealthSource: Send + Sync + 'static {
    /// Each part it knows of. Must answer within a second or so.
    async fn check(&self) -> Vec<PartHealth>;
}

/// Renders the metrics in Prometheus' text format.
pub type MetricsRenderer = Arc<dyn Fn() -> String + Send + Sync>;

/// What handlers are given. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub core: Core,
    /// The read models.
    pub reads: ReadModels,
    /// Looks callers up.
    pub auth: Authenticator,
    /// Counts requests.
    pub limiter: Arc<dyn RateLimiter>,
    /// Reads stored files.
    pub assets: Arc<dyn AssetReader>,
    /// Takes files that accounts bring.
    pub uploads: Arc<dyn Uploads>,
    /// Who says whether the server is ready.
    pub health: Arc<[Arc<dyn HealthSource>]>,
    /// Renders the metrics.
    pub metrics: MetricsRenderer,
    /// Settings.
    pub settings: Arc<RestSettings>,
}

impl AppState {
    /// `req_` and 32 hex digits.
    pub(crate) fn new_request_id(&self) -> String {
        format!("req_{}", self.core.new_id(Shard::ZERO).simple())
    }
}
