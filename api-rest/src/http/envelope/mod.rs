//! How each dialect writes a problem down: one table from [`Kind`] to status, and an envelope.

mod generor;
mod genfire;
mod girlgenerator;
mod graphql;
mod native;
mod oauth;
#[cfg(test)]
mod tests;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use mintmark_domain::catalog::Dialect;
use serde::Serialize;
use serde_json::Value;

use super::context::{BasicUsed, RequestContext};
use super::problem::{Kind, Problem};

/// A dialect's way with problems.
pub trait Envelope: Sync {
    /// The status for a kind of problem. The one table of the dialect.
    fn status(&self, kind: Kind) -> StatusCode;

    /// The body for a problem: JSON, its fields in the order in which the document prints them.
    fn body(&self, problem: &Problem, request_id: &str) -> String;

    /// The body's media type.
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    /// How one proves who one is, for the header `WWW-Authenticate` of a 401; `None` for no header.
    fn challenge(&self) -> Option<&'static str> {
        Some("Bearer")
    }

    /// The schema of the body, by its name in the OpenAPI document and as JSON Schema.
    fn schema(&self) -> (&'static str, Value);
}

/// The envelope of a dialect.
#[must_use]
pub fn envelope(dialect: Dialect) -> &'static dyn Envelope {
    match dialect {
        Dialect::Generor => &generor::Generor,
        Dialect::Genfire => &genfire::Genfire,
        Dialect::GirlGenerator => &girlgenerator::GirlGenerator,
        Dialect::Native => &native::Native,
    }
}

/// The envelope of a route: its dialect's, or GraphQL's, which is no dialect.
pub(super) fn envelope_of(context: &RequestContext) -> &'static dyn Envelope {
    match context.0.oauth {
        Some(BasicUsed(true)) => &oauth::OauthBasic,
        Some(BasicUsed(false)) => oauth(),
        None if context.is_graphql() => &graphql::Graphql,
        None => envelope(context.dialect()),
    }
}

/// The envelope of the token endpoint: RFC 6749's.
pub(crate) fn oauth() -> &'static dyn Envelope {
    &oauth::Oauth
}

/// A problem as a response in that envelope.
#[must_use]
pub fn render(envelope: &dyn Envelope, problem: &Problem, request_id: &str) -> Response {
    let body = envelope.body(problem, request_id);
    let content_type = [(header::CONTENT_TYPE, envelope.content_type())];
    let mut response = (envelope.status(problem.kind), content_type, body).into_response();
    if let Some(seconds) = problem.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let (Kind::Unauthenticated, Some(challenge)) = (problem.kind, envelope.challenge()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// The statuses on which most dialects agree; each says where it differs.
fn usual(kind: Kind) -> StatusCode {
    match kind {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound | Kind::NoRoute => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Malformed | Kind::Validation => StatusCode::BAD_REQUEST,
        Kind::InsufficientCredits => StatusCode::PAYMENT_REQUIRED,
        Kind::IdempotencyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::NotYet => StatusCode::PRECONDITION_REQUIRED,
        Kind::Gone => StatusCode::GONE,
        Kind::Timeout => StatusCode::REQUEST_TIMEOUT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// JSON of what always has it.
fn json_of(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// `invalid_prompt` as `Invalid Prompt`.
fn title_of(code: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    code.split('_').map(word).collect::<Vec<String>>().join(" ")
}
