//! Ranges of bytes, as HTTP asks for them (RFC 9110, section 14).

use std::ops::Range;

/// A range of an asset's bytes, within its size and not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte, and the one after the last.
    pub range: Range<u64>,
    /// The whole asset's size.
    pub size_bytes: u64,
}

impl ByteRange {
    /// The value of a `Content-Range` header.
    #[must_use]
    pub fn content_range(&self) -> String {
        format!("bytes {}-{}/{}", self.range.start, self.range.end - 1, self.size_bytes)
    }
}

/// The range lies outside the asset: answer 416 with `Content-Range: bytes */{size_bytes}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the range lies outside the {size_bytes} bytes")]
pub struct RangeError {
    /// The whole asset's size.
    pub size_bytes: u64,
}

/// What a `Range` header asks for. `None` is the whole asset: no header, one that cannot be
/// read, and one with several ranges are answered so, as the RFC permits.
///
/// # Errors
/// [`RangeError`] when no byte of the asset is in the range.
pub fn parse_range(header: Option<&str>, size_bytes: u64) -> Result<Option<ByteRange>, RangeError> {
    let Some((from, to)) = header.and_then(one_range) else { return Ok(None) };
    let outside = RangeError { size_bytes };
    let range = match (from, to) {
        (Some(from), Some(to)) if from > to => return Ok(None),
        (Some(from), _) if from >= size_bytes => return Err(outside),
        (Some(from), Some(to)) => from..to.saturating_add(1).min(size_bytes),
        (Some(from), None) => from..size_bytes,
        (None, Some(0)) => return Err(outside),
        (None, Some(_)) if size_bytes == 0 => return Err(outside),
        (None, Some(last)) => size_bytes.saturating_sub(last)..size_bytes,
        (None, None) => return Ok(None),
    };
    Ok(Some(ByteRange { range, size_bytes }))
}

/// The two numbers of `bytes=from-to`.
fn one_range(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, ranges) = header.trim().split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (from, to) = ranges.trim().split_once('-')?;
    let number = |text: &str| -> Option<Option<u64>> {
        if text.is_empty() {
            return Some(None);
        }
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok().or(Some(u64::MAX)))
    };
    Some((number(from)?, number(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(header: &str, size: u64) -> Result<Option<Range<u64>>, RangeError> {
        parse_range(Some(header), size).map(|found| found.map(|found| found.range))
    }

    #[test]
    fn ranges_within_the_asset_are_cut_to_it() {
        assert_eq!(asked("bytes=0-0", 10), Ok(Some(0..1)));
        assert_eq!(asked("bytes=2-5", 10), Ok(Some(2..6)));
        assert_eq!(asked("bytes=2-", 10), Ok(Some(2..10)));
        assert_eq!(asked("bytes=2-99", 10), Ok(Some(2..10)));
        assert_eq!(asked("bytes=-3", 10), Ok(Some(7..10)));
        assert_eq!(asked("bytes=-99", 10), Ok(Some(0..10)));
        assert_eq!(asked("Bytes = 9-18446744073709551615", 10), Ok(Some(9..10)));
        assert_eq!(asked("bytes=9-99999999999999999999999", 10), Ok(Some(9..10)));
        let range = parse_range(Some("bytes=2-5"), 10).unwrap().unwrap();
        assert_eq!(range.content_range(), "bytes 2-5/10");
    }

    #[test]
    fn ranges_outside_the_asset_are_refused() {
        let outside = |size_bytes| Err(RangeError { size_bytes });
        assert_eq!(asked("bytes=10-", 10), outside(10));
        assert_eq!(asked("bytes=99-100", 10), outside(10));
        assert_eq!(asked("bytes=-0", 10), outside(10));
        assert_eq!(asked("bytes=0-", 0), outside(0));
        assert_eq!(asked("bytes=-1", 0), outside(0));
    }

    #[test]
    fn what_cannot_be_read_asks_for_the_whole() {
        assert_eq!(parse_range(None, 10), Ok(None));
        for header in
            ["", "bytes", "bytes=", "bytes=-", "lines=0-1", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "bytes=+1-2"]
        {
            assert_eq!(asked(header, 10), Ok(None), "{header}");
        }
    }
}
