//! Bodies that are much larger than any other: only a few of them are in memory at once, and one of each
//! account.

use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use http::header;
use mintmark_turns::{Turn, Turns};
use serde_json::{Map, Value};

use super::{Authenticated, JSON_BYTES_MAX, JsonBody, Problem};

/// How many bodies of more than a usual body's size are read and accepted at once: each takes several times
/// its size in memory.
const LARGE_AT_ONCE: usize = 4;
/// How many of them are one account's: it may send the second when the first is accepted.
const ACCOUNT_LARGE_AT_ONCE: usize = 1;
/// How long one waits for its turn before it is refused with 503.
const TURN_WITHIN: Duration = Duration::from_secs(20);

static LARGE: LazyLock<Turns> = LazyLock::new(|| Turns::new(LARGE_AT_ONCE, ACCOUNT_LARGE_AT_ONCE));

/// A JSON object of at most `MAX` bytes, and its place among those in memory.
pub struct LargeBody<const MAX: usize> {
    /// What was sent.
    pub body: JsonBody<Map<String, Value>, MAX>,
    /// Kept until what it asks for is accepted; none where it is no larger than a usual body.
    pub turn: Option<Turn>,
}

impl<const MAX: usize, S: Send + Sync> FromRequest<S> for LargeBody<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Authenticated(caller) = Authenticated::from_request_parts(&mut parts, state).await?;
        let said = parts.headers.get(header::CONTENT_LENGTH);
        let size = said.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let turn = match size {
            Some(size) if size <= JSON_BYTES_MAX => None,
            Some(_) | None => {
                let turn = LARGE.take(caller.account, TURN_WITHIN).await;
                Some(turn.ok_or_else(|| Problem::unavailable("too many large bodies arrive at once"))?)
            }
        };
        Ok(LargeBody { body: JsonBody::from_request(Request::from_parts(parts, body), state).await?, turn })
    }
}
