//! GirlGeneratorAI's envelope: `{"error": {"code", "message"}}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Envelope, json_of, usual};
use crate::http::problem::{Kind, Problem};

pub(super) struct GirlGenerator;

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

/// The document's codes; ours where it has none.
fn code(problem: &Problem) -> &str {
    match problem.kind {
        Kind::Unauthenticated => "unauthorized",
        Kind::InsufficientCredits => "insufficient_credits",
        // The only things that there are in this dialect are tasks.
        Kind::NotFound => "task_not_found",
        Kind::Malformed | Kind::Validation | Kind::TooLarge | Kind::UnsupportedMediaType => "invalid_params",
        Kind::RateLimited => "rate_limit_exceeded",
        Kind::Internal => "internal_error",
        Kind::Forbidden
        | Kind::NoRoute
        | Kind::MethodNotAllowed
        | Kind::IdempotencyReused
        | Kind::Conflict
        | Kind::NotYet
        | Kind::Gone
        | Kind::Timeout
        | Kind::RangeNotSatisfiable
        | Kind::Overloaded => &problem.code,
    }
}

impl Envelope for GirlGenerator {
    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            Kind::Malformed | Kind::Validation => StatusCode::UNPROCESSABLE_ENTITY,
            // The document's 403, where the others have 402.
            Kind::InsufficientCredits => StatusCode::FORBIDDEN,
            other => usual(other),
        }
    }

    fn body(&self, problem: &Problem, _request_id: &str) -> String {
        json_of(&Body { error: Error { code: code(problem), message: &problem.message } })
    }

    fn schema(&self) -> (&'static str, Value) {
        let schema = json!({
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                },
            },
        });
        ("Error", schema)
    }
}
