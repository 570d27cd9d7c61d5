//! The token endpoint's envelope: RFC 6749, section 5.2.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Envelope, json_of, usual};
use crate::http::problem::{Kind, Problem};

/// For clients that say who they are in the body.
pub(super) struct Oauth;
/// For clients that say it with HTTP Basic: they are told so.
pub(super) struct OauthBasic;

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: String,
}

/// The codes that RFC 6749 knows for this endpoint; everything else is one of them.
fn error_of(problem: &Problem) -> &str {
    match problem.kind {
        Kind::Unauthenticated => "invalid_client",
        Kind::Forbidden => "unauthorized_client",
        Kind::RateLimited | Kind::Overloaded => "temporarily_unavailable",
        Kind::Internal => "server_error",
        _ if matches!(&*problem.code, "invalid_scope" | "unsupported_grant_type") => &problem.code,
        _ => "invalid_request",
    }
}

/// The description may hold printable ASCII but no quotation mark and no backslash.
fn description(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

impl Envelope for Oauth {
    fn status(&self, kind: Kind) -> StatusCode {
        match kind {
            Kind::UnsupportedMediaType => StatusCode::BAD_REQUEST,
            other => usual(other),
        }
    }

    fn body(&self, problem: &Problem, _request_id: &str) -> String {
        json_of(&Body { error: error_of(problem), error_description: description(&problem.message) })
    }

    fn challenge(&self) -> Option<&'static str> {
        None
    }

    fn schema(&self) -> (&'static str, Value) {
        let schema = json!({
            "type": "object",
            "required": ["error", "error_description"],
            "properties": {
                "error": {"type": "string", "enum": [
                    "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type",
                    "invalid_scope", "temporarily_unavailable", "server_error",
                ]},
                "error_description": {"type": "string"},
            },
        });
        ("OauthError", schema)
    }
}

impl Envelope for OauthBasic {
    fn status(&self, kind: Kind) -> StatusCode {
        Oauth.status(kind)
    }

    fn body(&self, problem: &Problem, request_id: &str) -> String {
        Oauth.body(problem, request_id)
    }

    fn challenge(&self) -> Option<&'static str> {
        Some("Basic realm=\"mintmark\", charset=\"UTF-8\"")
    }

    fn schema(&self) -> (&'static str, Value) {
        Oauth.schema()
    }
}
