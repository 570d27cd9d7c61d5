//! What went wrong with a request, in no dialect's words yet.
//!
//! Everything that answers with an error (extractors, handlers, fallbacks, the gate) answers with a
//! [`Problem`]. As a response it carries itself along; the outermost layer knows whose route it was
//! and has that dialect's envelope write it down (see [`super::envelope`]).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use mintmark_domain::catalog::AskField;
use mintmark_domain::usecases::{ErrorClass, Refusal};
use mintmark_projections::QueryError;

use super::limits::Uncounted;

/// What kind of problem it is: each envelope has one line for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No key, or one that is not known.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// There is no such thing, or not for the caller.
    NotFound,
    /// There is no such route.
    NoRoute,
    /// The route does not take this method.
    MethodNotAllowed,
    /// The body is not JSON, or holds what no JSON of ours may.
    Malformed,
    /// A field is wrong.
    Validation,
    /// Not enough credits.
    InsufficientCredits,
    /// The idempotency key was used for another request.
    IdempotencyReused,
    /// It contradicts what is already true.
    Conflict,
    /// Somebody else has to do something first; worth asking again.
    NotYet,
    /// It was there, and is not any more.
    Gone,
    /// The body did not arrive in time.
    Timeout,
    /// The body is larger than is taken.
    TooLarge,
    /// The body is of a type that is not taken.
    UnsupportedMediaType,
    /// No byte of the file is in the range that was asked for.
    RangeNotSatisfiable,
    /// More requests than the limits allow.
    RateLimited,
    /// Too much at the moment; worth trying again.
    Overloaded,
    /// A defect of ours.
    Internal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 19] = [
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::NoRoute,
        Kind::MethodNotAllowed,
        Kind::Malformed,
        Kind::Validation,
        Kind::InsufficientCredits,
        Kind::IdempotencyReused,
        Kind::Conflict,
        Kind::NotYet,
        Kind::Gone,
        Kind::Timeout,
        Kind::TooLarge,
        Kind::UnsupportedMediaType,
        Kind::RangeNotSatisfiable,
        Kind::RateLimited,
        Kind::Overloaded,
        Kind::Internal,
    ];

    /// The code where the problem has none of its own.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Kind::Unauthenticated => "unauthorized",
            Kind::Forbidden => "forbidden",
            Kind::NotFound | Kind::NoRoute => "not_found",
            Kind::MethodNotAllowed => "method_not_allowed",
            Kind::Malformed => "invalid_json",
            Kind::Validation => "invalid_value",
            Kind::InsufficientCredits => "insufficient_credits",
            Kind::IdempotencyReused => "idempotency_key_reused",
            Kind::Conflict => "conflict",
            Kind::NotYet => "precondition_required",
            Kind::Gone => "gone",
            Kind::Timeout => "request_timeout",
            Kind::TooLarge => "payload_too_large",
            Kind::UnsupportedMediaType => "unsupported_media_type",
            Kind::RangeNotSatisfiable => "range_not_satisfiable",
            Kind::RateLimited => "rate_limit_exceeded",
            Kind::Overloaded => "overloaded",
            Kind::Internal => "internal_error",
        }
    }
}

impl From<ErrorClass> for Kind {
    fn from(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Unauthenticated => Kind::Unauthenticated,
            ErrorClass::Forbidden => Kind::Forbidden,
            ErrorClass::NotFound => Kind::NotFound,
            ErrorClass::Validation => Kind::Validation,
            ErrorClass::InsufficientCredits => Kind::InsufficientCredits,
            ErrorClass::IdempotencyReused => Kind::IdempotencyReused,
            ErrorClass::Conflict => Kind::Conflict,
            ErrorClass::NotYet => Kind::NotYet,
            ErrorClass::Gone => Kind::Gone,
            ErrorClass::Overloaded => Kind::Overloaded,
            ErrorClass::Internal => Kind::Internal,
        }
    }
}

/// Something that went wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What kind of problem.
    pub kind: Kind,
    /// Stable, for programs; lower case with underscores.
    pub code: Cow<'static, str>,
    /// A sentence for people that names the field and what is allowed.
    pub message: String,
    /// After how many whole seconds it is worth trying again.
    pub retry_after_seconds: Option<u64>,
    /// What happened, for our log only.
    pub source: Option<String>,
}

impl Problem {
    /// A problem of a kind, with the kind's own code.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Problem {
            kind,
            code: Cow::Borrowed(kind.code()),
            message: message.into(),
            retry_after_seconds: None,
            source: None,
        }
    }

    /// With a code of its own.
    #[must_use]
    pub fn coded(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    /// A field is wrong; `message` names it and what is allowed.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Problem::new(Kind::Validation, message)
    }

    /// There is no such `thing` ("Run"), or not for the caller.
    #[must_use]
    pub fn not_found(thing: impl fmt::Display) -> Self {
        Problem::new(Kind::NotFound, format!("{thing} not found."))
    }

    /// A defect of ours: `source` goes to the log, never to the caller.
    #[must_use]
    pub fn internal(source: impl fmt::Display) -> Self {
        let mut problem = Problem::new(Kind::Internal, "Internal server error.");
        problem.source = Some(source.to_string());
        problem
    }

    /// Something that we stand on does not answer.
    #[must_use]
    pub fn unavailable(source: impl fmt::Display) -> Self {
        let mut problem = Problem::new(Kind::Overloaded, "The service is temporarily unavailable. Try again shortly.");
        problem.retry_after_seconds = Some(1);
        problem.source = Some(source.to_string());
        problem
    }

    /// A use case's refusal, with a dialect's own names for what was asked of a model.
    #[must_use]
    pub fn refused(refusal: &Refusal, names: impl Fn(AskField) -> &'static str) -> Self {
        let (class, code) = refusal.public();
        let kind = Kind::from(class);
        let mut problem = match kind {
            // Whatever these say inside, it is nobody's business outside.
            Kind::Internal => Problem::internal(refusal),
            Kind::Overloaded => Problem::unavailable(refusal),
            _ => Problem::new(kind, message(refusal, names)),
        };
        problem.retry_after_seconds = refusal.retry_after_seconds();
        problem.coded(code)
    }
}

/// A sentence for people.
fn message(refusal: &Refusal, names: impl Fn(AskField) -> &'static str) -> String {
    match refusal {
        Refusal::Ask(problem) => problem.message(names),
        Refusal::Insufficient { needed, available, scope } => {
            format!("Insufficient credits: this costs up to {needed} and the {scope} has {available} available.")
        }
        Refusal::Field { field, message, .. } => format!("{field} {message}."),
        Refusal::Given(problem) => format!("{problem}."),
        Refusal::Input { field, problem } => format!("{field}: {problem}."),
        other => sentence(&other.to_string()),
    }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

impl From<Refusal> for Problem {
    /// With our own names for the fields; a route whose dialect has others uses [`Problem::refused`].
    fn from(refusal: Refusal) -> Self {
        Problem::refused(&refusal, AskField::as_str)
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(_) | QueryError::Unreadable => Problem::unavailable(error),
            QueryError::Row { .. } => Problem::internal(error),
        }
    }
}

impl From<Uncounted> for Problem {
    /// What cannot be counted does not pass: limits are never open.
    fn from(uncounted: Uncounted) -> Self {
        Problem::unavailable(uncounted)
    }
}

/// How a problem rides on a response to the layer that writes it down.
#[derive(Clone)]
pub(super) struct Carried(pub Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Carried(Arc::new(self)));
        response
    }
}
