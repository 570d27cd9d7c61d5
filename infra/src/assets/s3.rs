//! Storage behind the S3 API.

use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};

use super::AssetError;

/// How to reach an S3 API. What is empty is taken from the environment (`AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`), as its own tools do.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct S3Settings {
    /// Where it answers; empty: Amazon's own.
    pub endpoint: String,
    /// The region; empty: `us-east-1`.
    pub region: String,
    /// The key's id.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
    /// Whether the bucket stands in the host's name rather than in the path.
    pub virtual_hosted: bool,
}

impl std::fmt::Debug for S3Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        formatter.debug_struct("S3Settings").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Opens a bucket.
pub(super) fn open(bucket: &str, settings: &S3Settings) -> Result<AmazonS3, AssetError> {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_virtual_hosted_style_request(settings.virtual_hosted)
        .with_http_connector(Connector);
    if !settings.endpoint.is_empty() {
        let plain = settings.endpoint.starts_with("http://");
        builder = builder.with_endpoint(&settings.endpoint).with_allow_http(plain);
    }
    if !settings.region.is_empty() {
        builder = builder.with_region(&settings.region);
    }
    if !settings.access_key_id.is_empty() {
        builder =
            builder.with_access_key_id(&settings.access_key_id).with_secret_access_key(&settings.secret_access_key);
    }
    Ok(builder.build()?)
}

/// Makes clients with the TLS of everything else here; no library of the system decides whom we trust.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(crate::egress::tls_config())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let client = client.map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(Client(Arc::new(client))))
    }
}

/// How long a connection may take.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
/// How long an answer may take without a byte of progress.
const READ_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug)]
struct Client(Arc<reqwest::Client>);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string().parse().map_err(|error| HttpError::new(HttpErrorKind::Request, error))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        // Parts are shared, not copied; their length is known, as S3 wants it.
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        let response = self.0.execute(request).await.map_err(failure)?;
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body.map_err(failure))))
    }
}

/// What a failure means to whoever may try again.
fn failure(error: reqwest::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_body() || error.is_request() {
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    };
    HttpError::new(kind, error)
}
