//! Our own routes' envelope: RFC 9457, with `code` and `request_id`.

use http::StatusCode;
use serde_json::Value;

use super::genfire::{problem_json, problem_schema};
use super::{Envelope, usual};
use crate::http::problem::{Kind, Problem};

pub(super) struct Native;

impl Envelope for Native {
    fn status(&self, kind: Kind) -> StatusCode {
        usual(kind)
    }

    fn body(&self, problem: &Problem, request_id: &str) -> String {
        problem_json("about:blank", self.status(problem.kind), problem, request_id)
    }

    fn content_type(&self) -> &'static str {
        "application/problem+json"
    }

    fn schema(&self) -> (&'static str, Value) {
        ("Problem", problem_schema())
    }
}
