//! The period of a usage summary: half-open, at most 365 days.

use chrono::TimeDelta;
use mintmark_domain::Timestamp;

use crate::http::Problem;

/// How far back a summary reaches where nobody says from when.
const DAYS_DEFAULT: TimeDelta = TimeDelta::days(30);
/// The longest period.
const DAYS_MAX: i64 = 365;

/// From `start` (in it) to `end` (not in it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Period {
    /// The period between two moments. An end that is not said is now; a start that is not said is 30
    /// days before the end. Errors: an end that is not after its start, more than 365 days.
    pub fn new(start: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> Result<Self, Problem> {
        let end = end.unwrap_or(now);
        let start = start.or_else(|| end.checked_sub_signed(DAYS_DEFAULT)).unwrap_or(end);
        if start >= end {
            return Err(Problem::invalid("start_date must be before end_date.").coded("invalid_date_range"));
        }
        if end - start > TimeDelta::days(DAYS_MAX) {
            let message = format!("start_date and end_date may be at most {DAYS_MAX} days apart.");
            return Err(Problem::invalid(message).coded("invalid_date_range"));
        }
        Ok(Period { start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-05-01T10:00:00Z";

    fn between(start: Option<&str>, end: Option<&str>) -> Result<(Timestamp, Timestamp), String> {
        let period = Period::new(start.map(at), end.map(at), at(NOW));
        period.map(|period| (period.start, period.end)).map_err(|problem| problem.code.into_owned())
    }

    #[test]
    fn a_period_is_the_last_thirty_days_unless_said_otherwise() {
        assert_eq!(between(None, None), Ok((at("2026-04-01T10:00:00Z"), at(NOW))));
        let end = "2026-02-01T00:00:00Z";
        assert_eq!(between(None, Some(end)), Ok((at("2026-01-02T00:00:00Z"), at(end))));
    }

    #[test]
    fn a_period_begins_before_it_ends() {
        let same = Some("2026-04-01T00:00:00Z");
        for (start, end) in [(Some("2026-05-02T00:00:00Z"), None), (same, same)] {
            assert_eq!(between(start, end), Err("invalid_date_range".to_owned()));
        }
    }

    #[test]
    fn a_period_of_365_days_is_allowed_and_no_more() {
        let end = Some("2026-04-01T00:00:00Z");
        assert!(between(Some("2025-04-01T00:00:00Z"), end).is_ok());
        assert_eq!(between(Some("2025-03-31T23:59:59Z"), end), Err("invalid_date_range".to_owned()));
    }
}
