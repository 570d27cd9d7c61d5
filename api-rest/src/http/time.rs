//! Times as clients write them (decision 15).

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use mintmark_domain::Timestamp;

/// Reads RFC 3339; a time without a zone is UTC, a date alone is its 00:00. `None` for anything else,
/// and for years that no log holds.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zoned = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let bare = || {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|time| time.and_utc())
    };
    let date = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(|date| date.and_hms_opt(0, 0, 0))
            .map(|time| time.and_utc())
    };
    let sane = |time: &Timestamp| (0..=253_402_300_799).contains(&time.timestamp());
    zoned().or_else(bare).or_else(date).filter(sane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_utc_and_a_date_is_midnight() {
        let read = |text: &str| parse_time(text).map(|time| time.to_rfc3339());
        for (text, time) in [
            ("2026-01-31", "2026-01-31T00:00:00+00:00"),
            ("2026-01-31T12:30:00", "2026-01-31T12:30:00+00:00"),
            ("2026-01-31 12:30:00", "2026-01-31T12:30:00+00:00"),
            ("2026-01-31T12:30", "2026-01-31T12:30:00+00:00"),
            ("2026-01-31T12:30:00+02:00", "2026-01-31T10:30:00+00:00"),
            ("2026-01-31T12:30:00.5Z", "2026-01-31T12:30:00.500+00:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(time), "{text}");
        }
        for bad in ["", "soon", "2026-02-30", "2026-1", "1769", "-0001-01-01", "99999-01-01"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
