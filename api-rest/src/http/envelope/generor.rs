//! Generor's envelope: `{"success": false, "error": {"code", "message", "status"}}`.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Envelope, json_of, usual};
use crate::http::problem::{Kind, Problem};

pub(super) struct Generor;

#[derive(Serialize)]
struct Body<'a> {
    success: bool,
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
    status: u16,
}

/// The document's codes, for the schema.
const CODES: [&str; 8] = [
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "VALIDATION_ERROR",
    "INSUFFICIENT_CREDITS",
    "RATE_LIMIT_EXCEEDED",
    "SERVER_ERROR",
];

/// The code of a kind. Where the document has none for a status of ours, the nearest.
fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::Unauthenticated => "UNAUTHORIZED",
        Kind::Forbidden => "FORBIDDEN",
        Kind::NotFound | Kind::NoRoute => "NOT_FOUND",
        Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        Kind::Malformed
        | Kind::Validation
        | Kind::IdempotencyReused
        | Kind::Conflict
        | Kind::NotYet
        | Kind::Gone
        | Kind::Timeout
        | Kind::TooLarge
        | Kind::UnsupportedMediaType
        | Kind::RangeNotSatisfiable => "VALIDATION_ERROR",
        Kind::InsufficientCredits => "INSUFFICIENT_CREDITS",
        Kind::RateLimited => "RATE_LIMIT_EXCEEDED",
        Kind::Overloaded | Kind::Internal => "SERVER_ERROR",
    }
}

impl Envelope for Generor {
    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            // Decision 8.
            Kind::IdempotencyReused => StatusCode::BAD_REQUEST,
            other => usual(other),
        }
    }

    fn body(&self, problem: &Problem, _request_id: &str) -> String {
        let status = self.status(problem.kind).as_u16();
        let message = match problem.kind {
            // As the document prints it.
            Kind::NotFound => problem.message.strip_suffix('.').unwrap_or(&problem.message),
            _ => &problem.message,
        };
        json_of(&Body { success: false, error: Error { code: code(problem.kind), message, status } })
    }

    fn schema(&self) -> (&'static str, Value) {
        let schema = json!({
            "type": "object",
            "required": ["success", "error"],
            "properties": {
                "success": {"type": "boolean", "const": false},
                "error": {
                    "type": "object",
                    "required": ["code", "message", "status"],
                    "properties": {
                        "code": {"type": "string", "enum": CODES},
                        "message": {"type": "string"},
                        "status": {"type": "integer"},
                    },
                },
            },
        });
        ("Error", schema)
    }
}
