//! The REST surface: three dialects and our own routes over one core.
//!
//! [`router`] puts everything together. A dialect is a module with a function
//! `routes() -> OpenApiRouter<AppState>`; its error envelope is in [`http::envelope`].
//!
//! # How to add a route
//! 1. Write a handler in the dialect's module. Its parameters are extractors:
//!    * `State(state): State<AppState>`: use cases (`state.core`), read models (`state.reads`);
//!    * [`http::Authenticated`] where a key is needed, [`http::Visitor`] on a public route. Both hold
//!      the `Caller` that use cases take. Use cases check scopes where they change something; a read
//!      says `caller.require(Scope::…)?` itself;
//!    * [`http::Path`] (never axum's, whose refusals are no problems of ours), [`http::QueryParams`], [`http::JsonBody`] (last), [`http::Idempotency`],
//!      [`http::Prefer`], [`http::RequestContext`].
//! 2. It answers `Result<impl IntoResponse, Problem>`. A `Refusal` of a use case and a `QueryError` of
//!    the read models turn into a [`http::Problem`] by `?`; `Problem::refused(&refusal, names)` says the
//!    dialect's own names of the fields. **Nobody writes an error body by hand**: the problem rides on
//!    the response to the pipeline, which knows whose route it is (by the path) and has that dialect's
//!    envelope write it down: status, body, `Retry-After`, request id.
//! 3. Headers of a success are parts of the response: `(StatusCode::CREATED, Replayed(accepted.replayed),
//!    LogPosition::confirmed(shard, &confirmed), Json(body))`. Credits are [`http::Amount`]s: exact.
//! 4. Describe it with `#[utoipa::path(…)]`: full path, tag, parameters, body, its successes only. Every
//!    error that the route can answer is added by [`openapi`] from the envelope's table, by the rules
//!    written there; say `security(())` on a public route.
//! 5. Register it: `OpenApiRouter::new().routes(routes!(list, create))`, all methods of one path in one
//!    `routes!`.
//! 6. Test it with `tests/support`: `TestApp::start().await` runs the whole surface over a real core.
//!
//! Request ids, callers, rate limits, panics, CORS, 404, 405 and their envelopes need nothing from the
//! route. What changes something runs to its end even when its caller hangs up.

pub mod generor;
pub mod genfire;
pub mod girlgenerator;
pub mod http;
pub mod native;
pub mod openapi;
mod pages;
mod state;

use std::convert::Infallible;

use ::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
};
use ::http::{HeaderName, HeaderValue, Method};
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use mintmark_domain::catalog::Dialect;
use tower::ServiceExt;
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use state::{
    AppState, AssetMeta, AssetReader, AssetStream, HealthSource, MetricsRenderer, PartHealth, RestSettings,
};

/// Where people reach us by https, their browsers keep to it for a year.
const STAY_SECURE: &str = "max-age=31536000";

/// The whole surface. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that
/// callers without a key are counted by their address.
pub fn router(state: AppState) -> Router {
    router_with(state, Router::new())
}

/// The same with more routes behind the same pipeline: GraphQL, which asks who calls and how its limits
/// stand as the dialects do, and whatever a test adds.
pub fn router_with(state: AppState, more: Router<AppState>) -> Router {
    let (dialects, documents) = dialects();
    let routes = Router::new()
        .merge(dialects)
        .merge(native::routes())
        .merge(pages::routes())
        .merge(documents.routes())
        .merge(more)
        .fallback(http::pipeline::no_route)
        .method_not_allowed_fallback(http::pipeline::no_method)
        .with_state(state.clone());
    let cors = cors(&state.settings.cors_origins);
    let secure = state.core.links.page("/").starts_with("https://");
    // Around the routes rather than on each, so that what axum adds for them (`Allow`) is seen here.
    let answered = Router::new().fallback_service(routes).layer(from_fn_with_state(state, http::pipeline::pipeline));
    let for_browsers = answered.clone().layer(cors);
    // The layer takes every OPTIONS for a browser's question; only those that ask for a method are.
    let served = move |request: Request| {
        let bare =
            request.method() == Method::OPTIONS && !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let service = if bare { answered.clone() } else { for_browsers.clone() };
        async move {
            let mut response = service.oneshot(request).await?;
            if secure {
                response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STAY_SECURE));
            }
            Ok::<_, Infallible>(response)
        }
    };
    Router::new().fallback(served)
}

/// The OpenAPI documents of the dialects, as they are served.
#[must_use]
pub fn documents() -> openapi::Documents {
    dialects().1
}

/// The dialects' routes, and what they say of themselves.
fn dialects() -> (Router<AppState>, openapi::Documents) {
    let (generor, generor_document) = generor::routes().split_for_parts();
    let (genfire, genfire_document) = genfire::routes().split_for_parts();
    let (girlgenerator, girlgenerator_document) = girlgenerator::routes().split_for_parts();
    let documents = openapi::Documents::new([
        (Dialect::Generor, generor_document),
        (Dialect::Genfire, genfire_document),
        (Dialect::GirlGenerator, girlgenerator_document),
    ]);
    (Router::new().merge(generor).merge(genfire).merge(girlgenerator), documents)
}

/// Which origins may call from a browser, and what they may send and see.
fn cors(origins: &[String]) -> CorsLayer {
    let named = |names: &'static [&'static str]| names.iter().copied().map(HeaderName::from_static);
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let allowed = named(&["idempotency-key", "prefer", "x-request-id", "traceparent"]);
    let exposed = named(&["x-request-id", "x-log-position", "idempotency-replayed", "preference-applied"]);
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::PUT, Method::DELETE])
        .allow_headers(allowed.chain([AUTHORIZATION, CONTENT_TYPE]).collect::<Vec<_>>())
        .expose_headers(
            exposed.chain(http::pipeline::RATE_LIMIT_HEADERS).chain([RETRY_AFTER, LOCATION, ETAG]).collect::<Vec<_>>(),
        )
        .max_age(std::time::Duration::from_secs(600))
}
