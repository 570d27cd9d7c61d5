//! Conditions and ranges of a request for a file (RFC 9110, sections 13 and 14).

use std::ops::Range;

use http::{HeaderMap, HeaderName, header};
use mintmark_domain::Timestamp;

use crate::AssetMeta;

/// What of a file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing: the caller has it.
    NotModified,
    /// All of it.
    Whole,
    /// A part, within its size and not empty.
    Part(Range<u64>),
    /// A part that it does not have.
    Outside,
}

/// A time as HTTP writes it.
pub(super) fn http_date(at: Timestamp) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Reads conditions, then the range.
pub(super) fn asked(headers: &HeaderMap, meta: &AssetMeta) -> Asked {
    let etag = meta.etag.as_ref().map(|etag| format!("\"{etag}\""));
    // A date has no fractions, and If-None-Match goes before it.
    let unmodified = match (text(headers, header::IF_NONE_MATCH), text(headers, header::IF_MODIFIED_SINCE)) {
        (Some(tags), _) => tags
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || Some(tag.trim_start_matches("W/")) == etag.as_deref()),
        (None, Some(date)) => date_of(date).is_some_and(|date| meta.modified_at.timestamp() <= date),
        (None, None) => false,
    };
    if unmodified {
        return Asked::NotModified;
    }
    // A range of another version of the file is no use: then it is sent whole.
    let same = match text(headers, header::IF_RANGE) {
        None => true,
        Some(condition) if condition.starts_with('"') => Some(condition) == etag.as_deref(),
        Some(date) => date_of(date) == Some(meta.modified_at.timestamp()),
    };
    match text(headers, header::RANGE).filter(|_| same) {
        Some(range) => part(range, meta.size_bytes),
        None => Asked::Whole,
    }
}

fn date_of(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc2822(text.trim()).ok().map(|date| date.timestamp())
}

/// One range. Several, or one that cannot be read, are answered with the whole, as the RFC permits.
fn part(header: &str, size: u64) -> Asked {
    let Some((from, to)) = one_range(header) else { return Asked::Whole };
    let range = match (from, to) {
        (Some(from), Some(to)) if from > to => return Asked::Whole,
        (Some(from), to) => from..to.map_or(size, |to| to.saturating_add(1).min(size)),
        (None, Some(last)) => size.saturating_sub(last)..size,
        (None, None) => return Asked::Whole,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Outside }
}

/// The two numbers of `bytes=from-to`.
fn one_range(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = header.trim().split_once('=')?;
    let (from, to) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let number = |text: &str| match text {
        "" => Some(None),
        digits => digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| Some(digits.parse().unwrap_or(u64::MAX))),
    };
    Some((number(from)?, number(to)?))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn file() -> AssetMeta {
        AssetMeta {
            size_bytes: 10,
            content_type: "image/png".into(),
            etag: Some("v1".into()),
            modified_at: Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(500),
        }
    }

    fn says(pairs: &[(HeaderName, &str)]) -> Asked {
        asked(&pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect(), &file())
    }

    #[test]
    fn a_range_is_cut_to_the_file_and_one_outside_it_is_refused() {
        for (range, wanted) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=2-99", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("Bytes = 9-99999999999999999999999", Asked::Part(9..10)),
            ("bytes=10-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes", Asked::Whole),
        ] {
            assert_eq!(says(&[(header::RANGE, range)]), wanted, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Asked::Outside);
    }

    #[test]
    fn who_has_it_is_sent_nothing() {
        for tags in ["\"v1\"", "W/\"v1\"", "\"v0\", \"v1\"", "*"] {
            assert_eq!(says(&[(header::IF_NONE_MATCH, tags)]), Asked::NotModified, "{tags}");
        }
        assert_eq!(says(&[(header::IF_NONE_MATCH, "\"v2\"")]), Asked::Whole);
        let date = http_date(file().modified_at);
        assert_eq!(says(&[(header::IF_MODIFIED_SINCE, &date)]), Asked::NotModified);
        let before = http_date(file().modified_at - TimeDelta::seconds(1));
        assert_eq!(says(&[(header::IF_MODIFIED_SINCE, &before)]), Asked::Whole);
        assert_eq!(says(&[(header::IF_NONE_MATCH, "\"v2\""), (header::IF_MODIFIED_SINCE, &date)]), Asked::Whole);
    }

    #[test]
    fn a_range_of_another_version_is_answered_whole() {
        let range = (header::RANGE, "bytes=0-1");
        assert_eq!(says(&[range.clone(), (header::IF_RANGE, "\"v1\"")]), Asked::Part(0..2));
        assert_eq!(says(&[range.clone(), (header::IF_RANGE, "\"v2\"")]), Asked::Whole);
        assert_eq!(says(&[range.clone(), (header::IF_RANGE, &http_date(file().modified_at))]), Asked::Part(0..2));
        assert_eq!(says(&[range, (header::IF_RANGE, "W/\"v1\"")]), Asked::Whole);
    }
}
