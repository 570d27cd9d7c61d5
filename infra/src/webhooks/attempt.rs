//! One attempt: signed, posted, judged.

use bytes::Bytes;
use chrono::TimeDelta;
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{Attempted, DELIVERY_ATTEMPTS_MAX, DueDelivery};
use mintmark_domain::webhook::SigningSecret;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use crate::egress::{Egress, EgressError, FetchLimits};

/// The pauses after each attempt but the last: 5 s, 5 min, 30 min, 2 h, 5 h (decision 26).
const PAUSES_SECONDS: [i64; DELIVERY_ATTEMPTS_MAX as usize - 1] = [5, 300, 1_800, 7_200, 18_000];
/// By how much a pause is longer at random, at most, in hundredths.
const JITTER_HUNDREDTHS_MAX: i64 = 10;
/// How many bytes of an answer's body are kept.
pub(super) const RESPONSE_BYTES_MAX: u64 = 4_096;

/// The header of the dialect's own signature: always exactly one.
const OWN_SIGNATURE: &str = "X-GenFire-Signature";
/// The header of the same signature with the new secret, while the one before signs [`OWN_SIGNATURE`].
const NEW_SIGNATURE: &str = "X-GenFire-Signature-New";

/// What is sent, and where to.
pub(super) struct Letter {
    /// The delivery.
    pub due: DueDelivery,
    /// Where it goes.
    pub url: String,
    /// The present secret.
    pub secret: SigningSecret,
    /// The one before, while it signs, too.
    pub previous: Option<SigningSecret>,
    /// Its body, the same at every attempt.
    pub body: Bytes,
}

impl Letter {
    /// Sends it. `now` is when; `random` draws the jitter.
    pub async fn send(&self, egress: &Egress, limits: FetchLimits, now: Timestamp, random: u8) -> Attempted {
        let headers = self.headers(now);
        let answered = match Url::parse(&self.url) {
            Ok(url) => egress.post(&url, &as_sent(&headers), self.body.clone(), limits).await,
            Err(_) => Err(EgressError::Refused("it is not a URL")),
        };
        let (status, body, error) = match answered {
            Ok(posted) if (200..300).contains(&posted.status) => (Some(posted.status), Some(posted.bytes), None),
            Ok(posted) => (Some(posted.status), Some(posted.bytes), Some(said(posted.status))),
            Err(error) => (None, None, Some(why(&error).to_owned())),
        };
        let succeeded = error.is_none();
        Attempted {
            delivery: self.due.id,
            endpoint: self.due.endpoint,
            at: now,
            succeeded,
            response_status: status,
            response_body: body.map(|bytes| text(&bytes)),
            error,
            headers: serde_json::to_string(&shown(&headers)).unwrap_or_else(|_| "{}".to_owned()),
            next_at: if succeeded { None } else { next(self.due.attempt, now, random) },
        }
    }

    /// While two secrets sign, the dialect's own header is signed with the one before, so that a receiver
    /// that compares it with what it expects goes on working until it has the new one, whose signature has a
    /// header of its own. Standard Webhooks has both in one line, the present secret's first.
    fn headers(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let (id, timestamp) = (self.due.event.to_string(), now.timestamp());
        let expected = self.previous.as_ref().unwrap_or(&self.secret);
        let secrets = [Some(&self.secret), self.previous.as_ref()];
        let sign = |secret: &SigningSecret| secret.sign_standard(&id, timestamp, &self.body);
        let standard = secrets.into_iter().flatten().map(sign).collect::<Vec<String>>().join(" ");
        let mut headers = vec![(OWN_SIGNATURE, expected.sign_body(&self.body))];
        headers.extend(self.previous.as_ref().map(|_| (NEW_SIGNATURE, self.secret.sign_body(&self.body))));
        headers.extend([
            ("webhook-id", id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", standard),
        ]);
        headers
    }
}

fn as_sent(headers: &[(&'static str, String)]) -> Vec<(HeaderName, HeaderValue)> {
    let own = headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    std::iter::once((CONTENT_TYPE, HeaderValue::from_static("application/json"))).chain(own).collect()
}

fn shown(headers: &[(&'static str, String)]) -> Map<String, Value> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), Value::String(value.clone()))).collect()
}

/// How long a delivery's attempts last at the most, the pauses and their jitter.
pub(super) fn attempts_last() -> TimeDelta {
    TimeDelta::milliseconds(PAUSES_SECONDS.iter().map(|seconds| seconds * 10 * (100 + JITTER_HUNDREDTHS_MAX)).sum())
}

/// When the attempt after the `attempt`th is due; `None` after the last.
fn next(attempt: u32, now: Timestamp, random: u8) -> Option<Timestamp> {
    let seconds = PAUSES_SECONDS.get(attempt.checked_sub(1)? as usize)?;
    let jitter = seconds * 1_000 * JITTER_HUNDREDTHS_MAX * i64::from(random) / (100 * i64::from(u8::MAX));
    Some(now + TimeDelta::seconds(*seconds) + TimeDelta::milliseconds(jitter))
}

fn said(status: u16) -> String {
    if (300..400).contains(&status) {
        format!("it answered with a redirect (status {status}), which is not followed")
    } else {
        format!("it answered with status {status}")
    }
}

/// Why there was no answer, without the address.
fn why(error: &EgressError) -> &'static str {
    match error {
        EgressError::Refused(why) => why,
        EgressError::ForbiddenAddress { .. } => "its address is not public",
        EgressError::Unresolvable { .. } => "its host cannot be resolved",
        EgressError::Unreachable { .. } => "it cannot be reached",
        EgressError::Status(_) => "it answered with another status",
        EgressError::TooManyRedirects { .. } => "it redirects",
        EgressError::TooLarge { .. } => "its answer is too large",
        EgressError::TooSlow => "it did not answer in time",
        EgressError::BrokenOff => "its answer broke off",
        EgressError::Store(_) => "its answer could not be kept",
    }
}

/// An answer's body as it is kept: text without U+0000, which Postgres does not take.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_attempts_are_made_and_each_pause_is_a_little_longer_at_random() {
        let now = Timestamp::UNIX_EPOCH;
        let pauses = |random| -> Vec<Option<i64>> {
            (1..=DELIVERY_ATTEMPTS_MAX)
                .map(|attempt| next(attempt, now, random).map(|at| (at - now).num_milliseconds()))
                .collect()
        };
        let exact = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000];
        assert_eq!(pauses(0)[..5], exact.map(Some));
        assert_eq!(pauses(255)[..5], exact.map(|pause| Some(pause + pause / 10)));
        assert_eq!((pauses(0)[5], pauses(255)[5]), (None, None), "the sixth is the last");
        assert_eq!(attempts_last().num_milliseconds(), pauses(255)[..5].iter().flatten().sum::<i64>());
    }

    #[test]
    fn an_answer_is_kept_as_text_that_the_database_takes() {
        assert_eq!(text(b"ok\0\xff"), "ok\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_redirect_is_a_failure_and_says_so() {
        assert!(said(302).contains("redirect"));
        assert_eq!(said(500), "it answered with status 500");
    }
}
