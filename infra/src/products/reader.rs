//! Reading a product page: from what was read before, or through the guard.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use mintmark_domain::ports::{Clock, PageJob, ProductReader, ReadProduct};
use mintmark_domain::run::FailureReason;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use url::Url;

use super::cache::PageCache;
use super::{charset, parse_product};
use crate::egress::{Egress, EgressError, FetchLimits, Fetched};

/// The most bytes of a page.
const PAGE_BYTES_MAX: u64 = 5 << 20;
/// How long a page may take in all, redirects included.
const PAGE_WITHIN: Duration = Duration::from_secs(20);
/// How long a page may take without a byte of progress.
const PAGE_IDLE: Duration = Duration::from_secs(10);
/// How many redirects of a page are followed, each judged anew.
const REDIRECTS_MAX: u8 = 5;
/// How many pages are taken apart at once.
const PARSED_AT_ONCE_MAX: usize = 2;
/// What a page may be.
const PAGE_TYPES: [&str; 2] = ["text/html", "application/xhtml+xml"];

/// Settings of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductsSettings {
    /// For how long a page that was read is not fetched again for the same account; zero: always anew.
    pub cached_for: Duration,
}

impl Default for ProductsSettings {
    fn default() -> Self {
        ProductsSettings { cached_for: Duration::from_secs(3_600) }
    }
}

/// Reads product pages.
pub struct Products {
    egress: Egress,
    cache: PageCache,
    clock: Arc<dyn Clock>,
    settings: ProductsSettings,
    parsing: Arc<Semaphore>,
}

impl Products {
    /// A reader through `egress`, whose samples are pages.
    #[must_use]
    pub fn new(egress: Egress, cache: PageCache, clock: Arc<dyn Clock>, settings: ProductsSettings) -> Self {
        Products { egress, cache, clock, settings, parsing: Arc::new(Semaphore::new(PARSED_AT_ONCE_MAX)) }
    }

    /// Forgets pages that are not served from the cache any more. Answers how many.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn sweep(&self) -> Result<u64, super::cache::CacheError> {
        self.cache.sweep(self.clock.now(), self.kept_for()).await
    }

    fn kept_for(&self) -> TimeDelta {
        TimeDelta::from_std(self.settings.cached_for).unwrap_or(TimeDelta::MAX)
    }

    async fn cached(&self, page: &PageJob) -> Option<Map<String, Value>> {
        if self.settings.cached_for.is_zero() {
            return None;
        }
        let since = self.clock.now() - self.kept_for();
        // What the cache cannot say is read anew.
        self.cache.get(page.account, &page.url, since).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the cache of product pages cannot be read");
            None
        })
    }

    async fn fetched(&self, url: &Url) -> Result<Map<String, Value>, FailureReason> {
        let limits = FetchLimits {
            bytes_max: PAGE_BYTES_MAX,
            total: PAGE_WITHIN,
            idle: PAGE_IDLE,
            redirects_max: REDIRECTS_MAX,
        };
        let Fetched { url: base, content_type, charset, bytes } =
            self.egress.fetch(url, limits).await.map_err(|error| failure(&error))?;
        if content_type.as_deref().is_some_and(|kind| !PAGE_TYPES.contains(&kind)) {
            return Err(reason("not_a_page", "The address leads to no HTML page."));
        }
        let unreadable = || reason("not_a_page", "The page cannot be taken apart.");
        let turn = Arc::clone(&self.parsing).acquire_owned().await.map_err(|_| unreadable())?;
        // Taking a large page apart takes a while; other tasks need not wait for it.
        let parsed = tokio::task::spawn_blocking(move || {
            let product = parse_product(&charset::decode(&bytes, charset.as_deref()), &base);
            drop(turn);
            product
        });
        let product = parsed.await.map_err(|_| unreadable())?;
        Ok(product.fields())
    }
}

fn reason(code: &str, message: &str) -> FailureReason {
    FailureReason { code: code.into(), message: message.into() }
}

/// Why a page was not had. Never with its address.
fn failure(error: &EgressError) -> FailureReason {
    match error {
        EgressError::Refused(_) | EgressError::ForbiddenAddress { .. } => {
            reason("forbidden_url", "The page's address, or one that it redirects to, must not be reached.")
        }
        EgressError::TooLarge { .. } => {
            reason("page_too_large", &format!("The page is larger than {PAGE_BYTES_MAX} bytes."))
        }
        EgressError::Status(status) => reason("page_unreachable", &format!("The page answered with status {status}.")),
        EgressError::TooManyRedirects { .. } => reason("page_unreachable", "The page redirects too often."),
        EgressError::TooSlow => reason("page_unreachable", "The page took too long."),
        EgressError::Unresolvable { .. }
        | EgressError::Unreachable { .. }
        | EgressError::BrokenOff
        | EgressError::Store(_) => reason("page_unreachable", "The page cannot be reached."),
    }
}

#[async_trait]
impl ProductReader for Products {
    async fn read(&self, page: &PageJob) -> Result<ReadProduct, FailureReason> {
        let url: Url = page.url.parse().map_err(|_| reason("invalid_url", "The page's address is none."))?;
        if let Some(product) = self.cached(page).await {
            return Ok(ReadProduct { product, cached: true });
        }
        let product = self.fetched(&url).await?;
        if let Err(error) = self.cache.put(page.account, &page.url, &product, self.clock.now()).await {
            tracing::warn!(%error, "a product page is not kept");
        }
        Ok(ReadProduct { product, cached: false })
    }
}
