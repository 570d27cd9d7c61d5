//! GraphQL's way: a list of errors, each with a code in capitals in its extensions.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Envelope, usual};
use crate::http::problem::{Kind, Problem};

/// Of what is refused before a query is looked at.
pub(crate) struct Graphql;

fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::Unauthenticated => "UNAUTHENTICATED",
        Kind::Forbidden => "FORBIDDEN",
        Kind::NotFound | Kind::NoRoute => "NOT_FOUND",
        Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        Kind::Malformed | Kind::UnsupportedMediaType | Kind::TooLarge | Kind::Timeout | Kind::RangeNotSatisfiable => {
            "BAD_REQUEST"
        }
        Kind::Validation => "BAD_USER_INPUT",
        Kind::InsufficientCredits => "INSUFFICIENT_CREDITS",
        Kind::IdempotencyReused => "IDEMPOTENCY_KEY_REUSED",
        Kind::Conflict => "CONFLICT",
        Kind::NotYet => "PRECONDITION_REQUIRED",
        Kind::Gone => "GONE",
        Kind::RateLimited => "RATE_LIMITED",
        Kind::Overloaded => "UNAVAILABLE",
        Kind::Internal => "INTERNAL_SERVER_ERROR",
    }
}

impl Envelope for Graphql {
    fn status(&self, kind: Kind) -> StatusCode {
        usual(kind)
    }

    fn body(&self, problem: &Problem, request_id: &str) -> String {
        let mut extensions = json!({"code": code(problem.kind), "reason": problem.code, "requestId": request_id});
        if let Some(seconds) = problem.retry_after_seconds {
            extensions["retryAfterSeconds"] = seconds.into();
        }
        json!({"errors": [{"message": problem.message, "extensions": extensions}]}).to_string()
    }

    fn schema(&self) -> (&'static str, Value) {
        let error = json!({"type": "object", "required": ["message"], "properties": {
            "message": {"type": "string"}, "extensions": {"type": "object"},
        }});
        ("GraphqlErrors", json!({"type": "object", "properties": {"errors": {"type": "array", "items": error}}}))
    }
}
