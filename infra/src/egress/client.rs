//! The client itself: fetch with redirects, and post.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, StatusCode};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::guard::{Guard, Pinned};
use super::{AllowRule, EgressError, FetchLimits, Resolve, SampleSource, body, is_sample_host};

/// How long a connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a name may take to resolve.
const RESOLVE_WITHIN: Duration = Duration::from_secs(5);
/// What we call ourselves.
const USER_AGENT: &str = concat!("Mintmark/", env!("CARGO_PKG_VERSION"));

/// The guarded client. Cheap to clone.
#[derive(Clone)]
pub struct Egress {
    guard: Arc<Guard>,
    samples: Arc<dyn SampleSource>,
    tls: rustls::ClientConfig,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The address that answered: the one that was asked, or the last that it redirected to.
    pub url: Url,
    /// The media type as the server named it, in lower case and without parameters.
    pub content_type: Option<String>,
    /// The encoding that the server says a text has.
    pub charset: Option<String>,
    /// The whole body.
    pub bytes: Bytes,
}

/// What was fetched into a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedHead {
    /// The address that answered: the one that was asked, or the last that it redirected to.
    pub url: Url,
    /// The media type as the server named it, in lower case and without parameters.
    pub content_type: Option<String>,
    /// The encoding that the server says a text has.
    pub charset: Option<String>,
    /// How many bytes were written.
    pub size_bytes: u64,
}

/// What a post was answered with, success or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The status; a redirect is not followed.
    pub status: u16,
    /// The beginning of the answer's body, up to the limit.
    pub bytes: Bytes,
}

impl Egress {
    /// A client with these exceptions, each logged as a warning. `samples` answers the hosts
    /// that the documents print.
    #[must_use]
    pub fn new(allow: Vec<AllowRule>, resolver: Arc<dyn Resolve>, samples: Arc<dyn SampleSource>) -> Self {
        for rule in &allow {
            tracing::warn!(%rule, "egress.allow: the guard is lifted for this host");
        }
        Self { guard: Arc::new(Guard::new(allow, resolver)), samples, tls: tls_config() }
    }

    /// The same client, which answers the documents' hosts otherwise.
    #[must_use]
    pub fn with_samples(&self, samples: Arc<dyn SampleSource>) -> Self {
        Self { samples, ..self.clone() }
    }

    /// Judges a URL and where its host leads by now; nothing is fetched.
    ///
    /// # Errors
    /// [`EgressError::Refused`], [`EgressError::ForbiddenAddress`], [`EgressError::Unresolvable`], or
    /// [`EgressError::TooSlow`] where the resolver is.
    pub async fn judge_target(&self, url: &Url) -> Result<(), EgressError> {
        if is_sample_host(url) {
            return Ok(());
        }
        timeout(RESOLVE_WITHIN, self.guard.pin(url)).await.map_err(|_| EgressError::TooSlow)?.map(drop)
    }

    /// Judges a URL by itself: nothing is resolved and nothing is fetched.
    ///
    /// # Errors
    /// [`EgressError::Refused`], or [`EgressError::ForbiddenAddress`] for a literal address.
    pub fn judge(&self, url: &Url) -> Result<(), EgressError> {
        if is_sample_host(url) { Ok(()) } else { self.guard.judge_alone(url) }
    }

    /// Fetches a URL into memory.
    ///
    /// # Errors
    /// Any [`EgressError`].
    pub async fn fetch(&self, url: &Url, limits: FetchLimits) -> Result<Fetched, EgressError> {
        let mut bytes = Vec::new();
        let head = self.fetch_to(url, limits, &mut bytes).await?;
        // What growing left over would live as long as the file.
        bytes.shrink_to_fit();
        Ok(Fetched { url: head.url, content_type: head.content_type, charset: head.charset, bytes: bytes.into() })
    }

    /// Fetches a URL into a writer, a file for example. After an error part of it may have
    /// been written.
    ///
    /// # Errors
    /// Any [`EgressError`].
    pub async fn fetch_to(
        &self,
        url: &Url,
        limits: FetchLimits,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<FetchedHead, EgressError> {
        let deadline = Instant::now() + limits.total;
        let mut url = url.clone();
        for _ in 0..=limits.redirects_max {
            if is_sample_host(&url) {
                return self.copy_sample(&url, limits, to).await;
            }
            let pinned = timeout_at(deadline, self.guard.pin(&url)).await.map_err(|_| EgressError::TooSlow)??;
            let response = self.send(Method::GET, &pinned, HeaderMap::new(), Bytes::new(), limits, deadline).await?;
            let status = response.status();
            if let Some(next) = redirect_target(&url, &response)? {
                url = next;
                continue;
            }
            if !status.is_success() {
                return Err(EgressError::Status(status.as_u16()));
            }
            let (content_type, charset) = (content_type(response.headers()), charset(response.headers()));
            let size_bytes = body::copy(response, limits, deadline, to).await?;
            return Ok(FetchedHead { url, content_type, charset, size_bytes });
        }
        Err(EgressError::TooManyRedirects { max: limits.redirects_max })
    }

    /// Posts a body, a webhook's delivery for example. The answer is returned whatever its
    /// status. On the hosts that the documents print nothing is sent, and the answer is 200.
    ///
    /// # Errors
    /// [`EgressError`], when there is no answer at all.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
        limits: FetchLimits,
    ) -> Result<Posted, EgressError> {
        if is_sample_host(url) {
            return Ok(Posted { status: 200, bytes: Bytes::new() });
        }
        let deadline = Instant::now() + limits.total;
        let pinned = timeout_at(deadline, self.guard.pin(url)).await.map_err(|_| EgressError::TooSlow)??;
        let response =
            self.send(Method::POST, &pinned, headers.iter().cloned().collect(), body, limits, deadline).await?;
        let status = response.status().as_u16();
        // The status is what counts; of a long or slow body the beginning is enough.
        Ok(Posted { status, bytes: body::beginning(response, limits, deadline).await })
    }

    async fn copy_sample(
        &self,
        url: &Url,
        limits: FetchLimits,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<FetchedHead, EgressError> {
        use tokio::io::AsyncWriteExt as _;
        // A sample is drawn, and a video encoded, when it is first asked for: other tasks need not wait.
        let (samples, asked) = (Arc::clone(&self.samples), url.clone());
        let sample = tokio::task::spawn_blocking(move || samples.sample(&asked)).await.ok().flatten();
        let sample = sample.ok_or(EgressError::Status(StatusCode::NOT_FOUND.as_u16()))?;
        let size_bytes = sample.bytes.len() as u64;
        if size_bytes > limits.bytes_max {
            return Err(EgressError::TooLarge { bytes_max: limits.bytes_max });
        }
        to.write_all(&sample.bytes).await.map_err(|error| EgressError::Store(error.to_string()))?;
        to.flush().await.map_err(|error| EgressError::Store(error.to_string()))?;
        Ok(FetchedHead { url: url.clone(), content_type: sample.content_type, charset: sample.charset, size_bytes })
    }

    /// One request to the pinned addresses, up to the head of its answer.
    async fn send(
        &self,
        method: Method,
        pinned: &Pinned,
        headers: HeaderMap,
        body: Bytes,
        limits: FetchLimits,
        deadline: Instant,
    ) -> Result<Response, EgressError> {
        let unreachable = || EgressError::Unreachable { host: pinned.host.clone() };
        let client = self.client_for(pinned).map_err(|_| unreachable())?;
        let request = client.request(method, pinned.url.clone()).headers(headers).body(body).send();
        match timeout_at(deadline, timeout(limits.idle, request)).await {
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(error))) => {
                tracing::debug!(%error, host = pinned.host, "egress failed");
                Err(unreachable())
            }
            Ok(Err(_)) | Err(_) => Err(EgressError::TooSlow),
        }
    }

    /// A client that can reach the pinned addresses only. Made for one request: a kept
    /// connection would outlive the judgement about its address. TLS settings are shared, so
    /// making one is cheap.
    fn client_for(&self, pinned: &Pinned) -> reqwest::Result<reqwest::Client> {
        reqwest::Client::builder()
            .use_preconfigured_tls(self.tls.clone())
            .dns_resolver(Arc::new(NoResolver))
            .resolve_to_addrs(&pinned.host, &pinned.addresses)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(0)
            .http1_only()
            .referer(false)
            .user_agent(USER_AGENT)
            .build()
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Egress")
    }
}

/// Refuses: every name is resolved and judged before a client is made.
struct NoResolver;

impl reqwest::dns::Resolve for NoResolver {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Err("only pinned addresses are used".into()) })
    }
}

/// Where a redirect leads, judged anew by the next round.
fn redirect_target(from: &Url, response: &Response) -> Result<Option<Url>, EgressError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let wrong = EgressError::Refused("it redirects to something that is not a URL");
    let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or(wrong.clone())?;
    from.join(target).map(Some).map_err(|_| wrong)
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim().to_ascii_lowercase();
    (essence.contains('/') && essence.len() <= 100).then_some(essence)
}

/// The parameter `charset` of the media type.
fn charset(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    let charset = charset.trim().trim_matches(['"', '\'']);
    (!charset.is_empty() && charset.len() <= 40).then(|| charset.to_owned())
}

/// TLS with the public certificate authorities that are built in; no file of the system and
/// nothing in the environment changes whom we trust.
pub(crate) fn tls_config() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // Fails only for a provider without the cipher suites of TLS 1.2 and 1.3.
    let builder = builder.expect("ring provides the default protocol versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
