//! GenFire's envelope: RFC 9457's fields with `code` and `request_id`.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Envelope, json_of, title_of, usual};
use crate::http::problem::{Kind, Problem};

/// What types of problems are named below, as the document prints it.
const TYPES: &str = "https://api.genfire.ai/errors";

pub(super) struct Genfire;

impl Envelope for Genfire {
    fn status(&self, kind: Kind) -> StatusCode {
        usual(kind)
    }

    fn body(&self, problem: &Problem, request_id: &str) -> String {
        let kind = format!("{TYPES}/{}", problem.code);
        problem_json(&kind, self.status(problem.kind), problem, request_id)
    }

    fn content_type(&self) -> &'static str {
        "application/problem+json"
    }

    fn schema(&self) -> (&'static str, Value) {
        ("Problem", problem_schema())
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: String,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
}

/// A problem in RFC 9457's fields.
pub(super) fn problem_json(kind: &str, status: StatusCode, problem: &Problem, request_id: &str) -> String {
    json_of(&Body {
        r#type: kind,
        title: title_of(&problem.code),
        status: status.as_u16(),
        detail: &problem.message,
        code: &problem.code,
        request_id,
    })
}

/// The schema of a problem in RFC 9457's fields.
pub(super) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "request_id": {"type": "string"},
        },
    })
}
