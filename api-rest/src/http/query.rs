//! Query strings: each parameter said at most once, strict in its type; unknown ones are ignored.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use http::request::Parts;
use mintmark_domain::Timestamp;
use mintmark_projections::Positions;

use super::problem::Problem;
use super::time::parse_time;

/// The parameters of a query.
#[derive(Clone, Debug, Default)]
pub struct QueryParams(BTreeMap<String, Vec<String>>);

impl QueryParams {
    /// Reads a query string. Errors: U+0000 in it, or bytes that are no UTF-8.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name.contains(['\0', '\u{fffd}']) || value.contains(['\0', '\u{fffd}']) {
                return Err(Problem::invalid("The query holds characters that are not allowed."));
            }
            found.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Ok(QueryParams(found))
    }

    /// A parameter's text; `None` where it is absent or empty. Errors: it is said more than once.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.0.get(name).map(Vec::as_slice) {
            None => Ok(None),
            Some([value]) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            Some(_) => Err(Problem::invalid(format!("{name} is said more than once."))),
        }
    }

    /// A whole number; any that fits.
    pub fn whole(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| Problem::invalid(format!("{name} must be a whole number.")))?;
        Ok(Some(number))
    }

    /// A whole number within bounds.
    pub fn whole_in(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        match self.whole(name)? {
            Some(number) if !range.contains(&number) => Err(Problem::invalid(format!(
                "{name} must be a whole number from {} to {}.",
                range.start(),
                range.end()
            ))),
            other => Ok(other),
        }
    }

    /// `true` or `false` (`1` and `0`, too).
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.text(name)? {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Problem::invalid(format!("{name} must be true or false."))),
        }
    }

    /// One of a few words.
    pub fn one_of(&self, name: &str, allowed: &[&'static str]) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let known = allowed.iter().find(|known| **known == text).copied();
        known.map(Some).ok_or_else(|| Problem::invalid(format!("{name} must be one of: {}.", allowed.join(", "))))
    }

    /// A moment: RFC 3339, without a zone UTC, a date alone 00:00.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let wrong =
            || Problem::invalid(format!("{name} must be a date (2026-01-31) or a time (2026-01-31T12:00:00Z)."));
        parse_time(text).map(Some).ok_or_else(wrong)
    }

    /// Up to which log positions the answer must have read: what a write answered as
    /// `X-Log-Position`.
    pub fn min_position(&self) -> Result<Option<Positions>, Problem> {
        let Some(text) = self.text("min_position")? else { return Ok(None) };
        let wrong = |_| Problem::invalid("min_position must be a value of X-Log-Position.");
        Positions::from_token(text).map(Some).map_err(wrong)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        QueryParams::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> QueryParams {
        QueryParams::parse(text).unwrap()
    }

    #[test]
    fn parameters_are_read_as_what_they_are() {
        let query = query("limit=20&sort=newest&flag=true&empty=&from=2026-01-31&name=a%20b+c");
        assert_eq!(query.whole_in("limit", 1..=100), Ok(Some(20)));
        assert_eq!(query.one_of("sort", &["newest", "oldest"]), Ok(Some("newest")));
        assert_eq!(query.flag("flag"), Ok(Some(true)));
        assert_eq!(query.text("empty"), Ok(None));
        assert_eq!(query.text("name"), Ok(Some("a b c")));
        assert_eq!(query.time("from").unwrap().unwrap().to_rfc3339(), "2026-01-31T00:00:00+00:00");
        assert_eq!(query.whole("missing"), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        let why = |result: Result<Option<i64>, Problem>| result.unwrap_err().message;
        assert_eq!(why(query("limit=0").whole_in("limit", 1..=100)), "limit must be a whole number from 1 to 100.");
        assert_eq!(why(query("limit=x").whole("limit")), "limit must be a whole number.");
        assert_eq!(why(query("limit=1&limit=2").whole("limit")), "limit is said more than once.");
        let sort = query("sort=up").one_of("sort", &["newest", "oldest"]).unwrap_err();
        assert_eq!(sort.message, "sort must be one of: newest, oldest.");
        assert!(query("flag=yes").flag("flag").is_err());
        assert!(query("from=soon").time("from").is_err());
        assert!(query("min_position=xx").min_position().is_err());
        assert!(QueryParams::parse("a=%00").is_err());
        assert!(QueryParams::parse("a=%ff").is_err());
    }
}
