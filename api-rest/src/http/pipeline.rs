//! What every request goes through: its id, its caller, its limits, and the envelope of its dialect.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mintmark_domain::usecases::{Caller, Credential, Refusal};
use tracing::Instrument;

use super::auth::{Authenticated, presented, unauthenticated};
use super::context::{OAUTH_TOKEN, RequestContext, is_read, opens_socket};
use super::envelope::{envelope_of, render};
use super::limits::{Class, RateLimits, Standing, Verdict};
use super::problem::{Carried, Kind, Problem};
use super::query::QueryParams;
use crate::pages::session_token;
use crate::state::AppState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The headers that say how a caller's limits stand.
pub(crate) const RATE_LIMIT_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("x-ratelimit-tier"),
];
/// What the tier's header says of whoever has no key.
pub(crate) const NO_TIER: &str = "unauthenticated";

/// How a caller's limits stand, for the headers. A route that counts itself puts it on its response.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub standing: Option<Standing>,
    pub tier: &'static str,
}

/// The outermost layer.
pub(crate) async fn pipeline(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let context = RequestContext::read(
        (request.uri().path(), request.headers()),
        request.extensions().get::<ConnectInfo<SocketAddr>>(),
        state.settings.trusted_proxies,
        || state.new_request_id(),
    );
    let method = request.method().clone();
    request.extensions_mut().insert(context.clone());
    let span = tracing::info_span!("request", id = context.request_id(), %method, path = request.uri().path());
    let span_of_response = span.clone();
    let mut limits = None;
    let response = match admit(&state, &context, &mut request, &mut limits).instrument(span.clone()).await {
        Ok(()) => run(request, next, span).await,
        Err(problem) => Err(problem),
    };
    let _entered = span_of_response.entered();
    let mut response = written(&context, &method, response);
    let limits = response.extensions_mut().remove().or(limits);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(context.request_id()) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(limits) = limits {
        say_limits(headers, limits);
    }
    let label = if context.is_graphql() { "graphql" } else { context.dialect().as_str() };
    let labels = [
        ("dialect", label.to_owned()),
        ("method", if method.as_str().len() > 7 { "other".to_owned() } else { method.as_str().to_owned() }),
        ("status", response.status().as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", "dialect" => label).record(begun.elapsed());
    response
}

/// Finds out who asks and counts the request. Our own routes and the documents are open and
/// uncounted; so is asking what a route takes.
async fn admit(
    state: &AppState,
    context: &RequestContext,
    request: &mut Request,
    limits: &mut Option<Limits>,
) -> Result<(), Problem> {
    let path = request.uri().path();
    if context.surface().is_none()
        || is_socket(context, request)
        || request.method() == Method::OPTIONS
        || is_document(path)
        || is_upload(request.method(), path)
        || is_token_request(request.method(), path)
    {
        return Ok(());
    }
    let class = RateLimits::class(context.dialect(), path);
    // Who asks for a token proves itself there.
    let said = match presented(request.headers()) {
        _ if path == OAUTH_TOKEN => None,
        // A browser's session counts for GraphQL alone, and only where it comes from a page of ours.
        None if context.is_graphql() => session_token(state, request.headers()).map(Ok),
        said => said,
    };
    let caller = match said {
        None => None,
        Some(Err(problem)) => Some(Err(problem)),
        // Whose credential it is is asked before its address is counted: behind one address there are many,
        // and whoever has a key that holds is not to wait for what others there made up.
        Some(Ok(credential)) => match state.auth.caller(&credential, context).await {
            Ok(caller) => Some(Ok(caller)),
            // A browser goes on sending the cookie of a session that is over: that is as none.
            Err(Refusal::Unauthenticated) if matches!(credential, Credential::Session(_)) => None,
            Err(Refusal::Unauthenticated) => Some(Err(unauthenticated())),
            Err(refusal) => Some(Err(refusal.into())),
        },
    };
    let known: Option<&Caller> = caller.as_ref().and_then(|caller| caller.as_ref().ok());
    let counters = match known {
        Some(caller) => state.settings.rate_limits.of_caller(caller, class),
        None => state.settings.rate_limits.of_address(context.peer(), class),
    };
    let tier = known.map_or(NO_TIER, |caller| caller.tier.as_str());
    // How they stand is not known before it is counted, and not where that fails.
    *limits = Some(Limits { standing: None, tier });
    let verdict = state.limiter.take(&counters, state.core.now()).await?;
    *limits = Some(Limits { standing: verdict.standing(), tier });
    too_many(verdict).map_or(Ok(()), Err)?;
    if let Some(caller) = caller.transpose()? {
        request.extensions_mut().insert(Authenticated(caller));
    }
    check_position(request)
}

/// Any read may ask for a position. What is read from the log itself is never behind one, but a text
/// that is none is refused everywhere.
fn check_position(request: &Request) -> Result<(), Problem> {
    if is_read(request.method())
        && let Ok(query) = QueryParams::parse(request.uri().query().unwrap_or_default())
    {
        query.min_position()?;
    }
    Ok(())
}

/// The answer to a request that was not counted because a limit bound.
pub(crate) fn too_many(verdict: Verdict) -> Option<Problem> {
    let Verdict::Refused { subject, window, standing, retry_after_seconds } = verdict else { return None };
    let message = format!(
        "Too many requests: at most {} per {} and {}. Try again in {retry_after_seconds} s.",
        standing.limit,
        window.as_str(),
        subject.scope(),
    );
    let mut problem = Problem::new(Kind::RateLimited, message);
    problem.retry_after_seconds = Some(retry_after_seconds);
    Some(problem)
}

/// Who presents that `Authorization`, or else that session, to a connection that outlives its request;
/// nobody where neither is there, or the session is over. Errors: a header that holds no key, whatever
/// [`Authenticator::caller`](super::Authenticator::caller) refuses.
pub async fn caller_of(
    state: &AppState,
    authorization: Option<&str>,
    session: Option<&Credential>,
    context: &RequestContext,
) -> Result<Option<Caller>, Refusal> {
    let Some(authorization) = authorization else {
        let Some(session) = session else { return Ok(None) };
        return match state.auth.caller(session, context).await {
            Err(Refusal::Unauthenticated) => Ok(None),
            found => found.map(Some),
        };
    };
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(authorization).map_err(|_| Refusal::Unauthenticated)?;
    headers.insert(header::AUTHORIZATION, value);
    match presented(&headers) {
        Some(Ok(credential)) => state.auth.caller(&credential, context).await.map(Some),
        Some(Err(_)) | None => Err(Refusal::Unauthenticated),
    }
}

/// The session that a browser sent along when it opened a connection from a page of ours.
#[must_use]
pub fn session_of(state: &AppState, headers: &HeaderMap) -> Option<Credential> {
    session_token(state, headers)
}

/// Counts one request that came over such a connection. Errors: a limit bound, or it could not be counted.
pub async fn count(state: &AppState, caller: Option<&Caller>, peer: IpAddr) -> Result<(), Problem> {
    let counters = match caller {
        Some(caller) => state.settings.rate_limits.of_caller(caller, Class::Standard),
        None => state.settings.rate_limits.of_address(peer, Class::Standard),
    };
    too_many(state.limiter.take(&counters, state.core.now()).await?).map_or(Ok(()), Err)
}

/// A WebSocket of GraphQL's is counted when it says who it is, and then for each operation.
fn is_socket(context: &RequestContext, request: &Request) -> bool {
    context.is_graphql() && opens_socket(request.method(), request.headers())
}

/// Who asks for a token is counted once it has proven itself, or failed to: there, not here.
fn is_token_request(method: &Method, path: &str) -> bool {
    *method == Method::POST && path == OAUTH_TOKEN
}

/// A file that is put to a signed address: the address says who may, so a key is neither needed nor
/// counted.
fn is_upload(method: &Method, path: &str) -> bool {
    let upload = path.strip_prefix("/v1/uploads/").and_then(|rest| rest.strip_suffix("/content"));
    *method == Method::PUT && upload.is_some_and(|asset_id| !asset_id.contains('/'))
}

/// The machine-readable documents, which stand below a dialect's prefix.
fn is_document(path: &str) -> bool {
    matches!(path, "/v1/openapi.json" | "/api/v1/openapi.json" | "/api/v1/girlgenerator/openapi.json")
}

/// Runs the route. What changes something goes on when the caller is gone: it is answered to nobody,
/// but never left half done. A panic is a defect of ours and ends this request only.
async fn run(request: Request, next: Next, span: tracing::Span) -> Result<Response, Problem> {
    if is_read(request.method()) {
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await;
        return answer.map_err(|panic| panicked(&*panic));
    }
    match tokio::spawn(next.run(request).instrument(span)).await {
        Ok(response) => Ok(response),
        Err(error) if error.is_panic() => Err(panicked(&*error.into_panic())),
        Err(_) => Err(Problem::unavailable("the server is stopping")),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::internal(format!("panicked: {}", text.unwrap_or("no message")))
}

/// The response in its dialect's words; a defect is logged here, once.
fn written(context: &RequestContext, method: &Method, response: Result<Response, Problem>) -> Response {
    let (problem, headers, limits) = match response {
        Ok(mut response) => match response.extensions_mut().remove::<Carried>() {
            Some(Carried(problem)) => {
                let limits = response.extensions_mut().remove::<Limits>();
                (problem, std::mem::take(response.headers_mut()), limits)
            }
            None => return response,
        },
        Err(problem) => (Arc::new(problem), HeaderMap::new(), None),
    };
    // Asked with OPTIONS, a route that knows no such method still says which it takes.
    if *method == Method::OPTIONS && problem.kind == Kind::MethodNotAllowed {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if let Some(allow) = headers.get(header::ALLOW).and_then(|value| value.to_str().ok())
            && let Ok(allow) = HeaderValue::from_str(&format!("{allow},OPTIONS"))
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        return response;
    }
    if let Some(source) = &problem.source {
        match problem.kind {
            Kind::Internal => tracing::error!(code = %problem.code, source, "a request failed"),
            _ => tracing::warn!(code = %problem.code, source, "a request could not be answered"),
        }
    }
    let mut response = render(envelope_of(context), &problem, context.request_id());
    if let Some(limits) = limits {
        response.extensions_mut().insert(limits);
    }
    // What the route said besides the problem (`Allow`, `Content-Range`) stays.
    for (name, value) in &headers {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn say_limits(headers: &mut HeaderMap, limits: Limits) {
    let [limit, remaining, reset, tier] = RATE_LIMIT_HEADERS;
    if let Some(standing) = limits.standing {
        headers.insert(limit, HeaderValue::from(standing.limit));
        headers.insert(remaining, HeaderValue::from(standing.remaining));
        headers.insert(reset, HeaderValue::from(standing.reset));
    }
    headers.insert(tier, HeaderValue::from_static(limits.tier));
}

/// The answer where there is no route.
pub(crate) async fn no_route() -> Problem {
    Problem::new(Kind::NoRoute, "There is no such endpoint.")
}

/// The answer where a route does not take the method.
pub(crate) async fn no_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "This endpoint does not support the request's method.")
}
