//! A page's bytes as text.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How many of a page's first bytes are searched for what it says of its own encoding.
const PRESCAN_BYTES: usize = 2_048;

/// Decodes a page: by its byte order mark, else as the server says, else as the page says itself, else as
/// UTF-8 if it is that, else as browsers take what says nothing. What cannot be read is replaced.
pub(super) fn decode(bytes: &[u8], said: Option<&str>) -> String {
    let named = |label: &str| Encoding::for_label(label.trim().as_bytes());
    let encoding = said.and_then(named).or_else(|| prescan(bytes).and_then(named));
    let encoding = encoding.unwrap_or_else(|| if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 });
    // A byte order mark goes before all of that.
    encoding.decode(bytes).0.into_owned()
}

/// The `charset` of the page's own meta tags.
fn prescan(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(PRESCAN_BYTES)];
    let at = head.windows(8).position(|window| window.eq_ignore_ascii_case(b"charset="))? + 8;
    let rest = head[at..].trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let length = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_:.".contains(byte)));
    std::str::from_utf8(&rest[..length.unwrap_or(rest.len())]).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_page_is_read_as_it_is_written() {
        assert_eq!(decode("Käse".as_bytes(), None), "Käse");
        assert_eq!(decode(b"K\xe4se", None), "Käse", "says nothing and is no UTF-8");
        assert_eq!(decode(b"K\xe4se", Some("ISO-8859-1")), "Käse");
        assert_eq!(decode(b"<meta charset='windows-1251'>\xc0", None), "<meta charset='windows-1251'>А");
        assert_eq!(decode(b"<meta charset=utf-8>\xc3\xa4", Some("utf-8")), "<meta charset=utf-8>ä");
        assert_eq!(decode(b"\xef\xbb\xbfK\xc3\xa4se", Some("iso-8859-1")), "Käse", "the mark goes first");
        assert_eq!(decode(b"\xff", Some("utf-8")), "\u{fffd}");
        assert_eq!(decode(b"charset=", Some("no-such")), "charset=");
    }
}
