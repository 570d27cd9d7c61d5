//! Headers with a meaning of their own: idempotency keys, how long to wait, log positions.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponseParts, ResponseParts};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use mintmark_domain::Shard;
use mintmark_domain::es::{Confirmed, Position};
use mintmark_domain::usecases::{IdempotencyKey, Refusal};
use mintmark_projections::Positions;

use super::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LOG_POSITION: HeaderName = HeaderName::from_static("x-log-position");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The key under which a request may be said again, where one was sent, with what makes it the same
/// request: method and concrete path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    key: Option<String>,
    method: String,
    path: String,
}

impl Idempotency {
    /// What the use case takes; `body` is the request's, byte for byte.
    #[must_use]
    pub fn with_body(self, body: &Bytes) -> Option<IdempotencyKey> {
        let Idempotency { key, method, path } = self;
        key.map(|key| IdempotencyKey { key, method, path, body: body.to_vec() })
    }

    /// The same where a key must be there. Errors: `idempotency_key_required`.
    pub fn required(self, body: &Bytes) -> Result<IdempotencyKey, Problem> {
        self.with_body(body).ok_or_else(|| {
            Problem::invalid("The Idempotency-Key header is required.").coded("idempotency_key_required")
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    /// Errors: the header is said twice, or is not 1 to 255 printable characters.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let key = idempotency_key(&parts.headers)?;
        Ok(Idempotency { key, method: parts.method.as_str().to_owned(), path: parts.uri.path().to_owned() })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let printable = |key: &&str| {
        (1..=IdempotencyKey::LENGTH_MAX).contains(&key.len()) && key.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    };
    let key = value.to_str().ok().filter(|_| values.next().is_none()).filter(printable);
    key.map(|key| Some(key.to_owned())).ok_or_else(|| Refusal::BadIdempotencyKey.into())
}

/// How long the caller wants to wait (RFC 7240).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// Not at all.
    pub respond_async: bool,
    /// So long at most.
    pub wait: Option<Duration>,
}

impl Prefer {
    fn parse(headers: &HeaderMap) -> Self {
        let mut prefer = Prefer::default();
        let said = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        for preference in said.flat_map(|value| value.split(',')) {
            // What stands behind a semicolon are parameters, of which these two have none.
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => prefer.respond_async = true,
                // The first one said counts.
                "wait" if prefer.wait.is_none() => {
                    let seconds = value.trim().trim_matches('"').parse().ok();
                    prefer.wait = seconds.map(Duration::from_secs);
                }
                _ => {}
            }
        }
        prefer
    }

    /// How long to wait where the route waits `usual` without being asked, and `max` at most.
    #[must_use]
    pub fn wait_for(self, usual: Duration, max: Duration) -> Duration {
        match (self.wait, self.respond_async) {
            // RFC 7240, section 4.3: together they mean "answer at once what is not done by then".
            (Some(wait), _) => wait.min(max),
            (None, true) => Duration::ZERO,
            (None, false) => usual.min(max),
        }
    }

    /// Says which preferences were honoured.
    #[must_use]
    pub fn applied(self) -> Applied {
        Applied(match (self.respond_async, self.wait) {
            (true, None) => Some("respond-async".to_owned()),
            (true, Some(wait)) => Some(format!("respond-async, wait={}", wait.as_secs())),
            (false, Some(wait)) => Some(format!("wait={}", wait.as_secs())),
            (false, None) => None,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Prefer::parse(&parts.headers))
    }
}

/// `Preference-Applied`, where a preference was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied(Option<String>);

/// `Idempotency-Replayed: true`, where the same request had been accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed(pub bool);

/// `X-Log-Position`: reading at or after it sees what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPosition(pub Positions);

impl LogPosition {
    /// Where a decision in `shard` was confirmed.
    #[must_use]
    pub fn confirmed(shard: Shard, confirmed: &Confirmed) -> Self {
        Self::read(shard, Some(confirmed.end.position))
    }

    /// Where something of `shard` was read, at the latest; nothing where nothing was.
    #[must_use]
    pub fn read(shard: Shard, at: impl IntoIterator<Item = Position>) -> Self {
        LogPosition::default().and(shard, at)
    }

    /// The later of this and those places: what an answer shows may have been read after it was
    /// written.
    #[must_use]
    pub fn and(mut self, shard: Shard, at: impl IntoIterator<Item = Position>) -> Self {
        at.into_iter().for_each(|position| self.0.raise(shard, position));
        self
    }
}

fn put(parts: &mut ResponseParts, name: HeaderName, value: &str) {
    // Only characters that may stand in a header come here.
    if let Ok(value) = HeaderValue::from_str(value) {
        parts.headers_mut().insert(name, value);
    }
}

macro_rules! response_part {
    ($name:ident, |$this:ident| $($header:expr => $value:expr)?) => {
        impl IntoResponseParts for $name {
            type Error = std::convert::Infallible;

            fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
                let $this = self;
                $(if let Some(value) = $value {
                    put(&mut parts, $header, &value);
                })?
                Ok(parts)
            }
        }
    };
}

response_part!(Applied, |applied| PREFERENCE_APPLIED => applied.0);
response_part!(Replayed, |replayed| IDEMPOTENCY_REPLAYED => replayed.0.then(|| "true".to_owned()));
response_part!(LogPosition, |position| LOG_POSITION => Some(position.0.to_token()));

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn a_key_is_1_to_255_printable_characters_said_once() {
        let read = |values: &[&str]| {
            let pairs: Vec<_> = values.iter().map(|value| (IDEMPOTENCY_KEY, *value)).collect();
            idempotency_key(&headers(&pairs))
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["a b-1"]), Ok(Some("a b-1".to_owned())));
        assert!(read(&[&"x".repeat(255)]).is_ok());
        for bad in [vec![""], vec!["ü"], vec!["a", "a"]] {
            assert_eq!(read(&bad).unwrap_err().code, "invalid_idempotency_key", "{bad:?}");
        }
        assert!(read(&[&"x".repeat(256)]).is_err());
    }

    #[test]
    fn preferences_say_how_long_to_wait() {
        let read = |values: &[&str]| {
            let pairs: Vec<_> = values.iter().map(|value| (PREFER, *value)).collect();
            let minute = Duration::from_secs(60);
            Prefer::parse(&headers(&pairs)).wait_for(minute, minute).as_secs()
        };
        assert_eq!(read(&[]), 60);
        assert_eq!(read(&["respond-async"]), 0);
        assert_eq!(read(&["return=minimal, Wait=5"]), 5);
        assert_eq!(read(&["respond-async", "wait=\"7\""]), 7);
        assert_eq!(read(&["wait=9999"]), 60);
        assert_eq!(read(&["wait=x"]), 60);
        assert_eq!(read(&["wait=3;x=1, wait=4"]), 3);
    }
}
