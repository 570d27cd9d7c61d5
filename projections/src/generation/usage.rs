//! What an account's runs came to over a period. A run counts when it ended (decision 15), and the
//! credits are what was captured then: they tie to the wallet's captures.

use chrono::{Days, NaiveDate, NaiveTime};
use mintmark_domain::ids::AccountId;
use mintmark_domain::run::Surface;
use mintmark_domain::{Credits, Timestamp};
use rust_decimal::Decimal;

use crate::error::QueryError;
use crate::reads::ReadModels;
use crate::sql::{credits, unsigned};

/// By what usage is broken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageBy {
    /// The model's slug.
    Model,
    /// The capability's name.
    Capability,
    /// The UTC day, `2026-11-22`.
    Day,
    /// The API key's integer id; 0 where none was used.
    ApiKey,
    /// Through which door.
    Surface,
}

/// What of an account's usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of this capability, by name.
    pub capability: Option<String>,
    /// Through one of these doors; any if empty.
    pub surfaces: Vec<Surface>,
}

/// Sums over runs that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Runs that delivered.
    pub succeeded: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that were cancelled.
    pub cancelled: u64,
    /// What was captured for them.
    pub credits: Credits,
}

impl UsageTotals {
    /// All runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.succeeded + self.failed + self.cancelled
    }
}

/// One part of a breakdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageGroup {
    /// The model, capability, day, key or surface.
    pub group: String,
    /// What it came to.
    pub totals: UsageTotals,
}

/// What an account's runs came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All together.
    pub totals: UsageTotals,
    /// Broken down: days in their order, everything else by credits, the most first.
    pub groups: Vec<UsageGroup>,
}

/// A half-open period as whole UTC days and what is left of it at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    /// Whole days, from the first to before the last.
    days: (NaiveDate, NaiveDate),
    /// Before the whole days, half-open.
    head: (Timestamp, Timestamp),
    /// After them, half-open.
    tail: (Timestamp, Timestamp),
}

impl Period {
    fn of(from: Timestamp, to: Timestamp) -> Self {
        let to = to.max(from);
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let begun = from.date_naive();
        let first = if midnight(begun) == from { begun } else { begun.checked_add_days(Days::new(1)).unwrap_or(begun) };
        let last = to.date_naive();
        if first >= last {
            // No whole day lies within.
            return Period { days: (first, first), head: (from, to), tail: (to, to) };
        }
        Period { days: (first, last), head: (from, midnight(first)), tail: (midnight(last), to) }
    }
}

impl ReadModels {
    /// What an account's runs came to that ended in the half-open period from `from` to `to`.
    ///
    /// Whole days come from daily sums, what is left at both ends from the runs themselves; both are
    /// applied together, so they agree.
    pub async fn usage(
        &self,
        account: AccountId,
        from: Timestamp,
        to: Timestamp,
        by: UsageBy,
        filter: &UsageFilter,
    ) -> Result<Usage, QueryError> {
        let period = Period::of(from, to);
        let (group, order) = match by {
            UsageBy::Model => ("model", "sum(credits) DESC, 1"),
            UsageBy::Capability => ("capability", "sum(credits) DESC, 1"),
            UsageBy::Day => ("to_char(day, 'YYYY-MM-DD')", "1"),
            UsageBy::ApiKey => ("key_id::text", "sum(credits) DESC, 1"),
            UsageBy::Surface => ("surface", "sum(credits) DESC, 1"),
        };
        let sql = format!(
            "WITH ended AS (
                 SELECT day, capability, model, surface, key_id, succeeded, failed, cancelled, credits
                 FROM read_generation_v3.usage_days WHERE account_id = $1 AND day >= $2 AND day < $3
                 UNION ALL
                 SELECT (completed_at AT TIME ZONE 'UTC')::date, capability, model, surface, coalesce(key_id, 0),
                        (status = 'succeeded')::int, (status = 'failed')::int, (status = 'cancelled')::int, captured
                 FROM read_generation_v3.runs
                 WHERE account_id = $1 AND completed_at IS NOT NULL
                   AND (completed_at >= $4 AND completed_at < $5 OR completed_at >= $6 AND completed_at < $7))
             SELECT {group}, sum(succeeded)::bigint, sum(failed)::bigint, sum(cancelled)::bigint, sum(credits)
             FROM ended
             WHERE ($8::text IS NULL OR capability = $8) AND (cardinality($9::text[]) = 0 OR surface = ANY($9))
             GROUP BY 1 ORDER BY {order}"
        );
        let surfaces: Vec<&str> = filter.surfaces.iter().map(|surface| surface.as_str()).collect();
        let rows: Vec<(String, i64, i64, i64, Decimal)> = sqlx::query_as(&sql)
            .bind(account.0)
            .bind(period.days.0)
            .bind(period.days.1)
            .bind(period.head.0)
            .bind(period.head.1)
            .bind(period.tail.0)
            .bind(period.tail.1)
            .bind(&filter.capability)
            .bind(surfaces)
            .fetch_all(&self.pool)
            .await?;
        let mut usage = Usage::default();
        for (group, succeeded, failed, cancelled, amount) in rows {
            let totals = UsageTotals {
                succeeded: unsigned("usage_days", succeeded)?,
                failed: unsigned("usage_days", failed)?,
                cancelled: unsigned("usage_days", cancelled)?,
                credits: credits("usage_days", amount)?,
            };
            usage.totals.succeeded += totals.succeeded;
            usage.totals.failed += totals.failed;
            usage.totals.cancelled += totals.cancelled;
            usage.totals.credits += totals.credits;
            usage.groups.push(UsageGroup { group, totals });
        }
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_of_whole_days_has_no_ends() {
        let period = Period::of(at("2026-04-01T00:00:00Z"), at("2026-04-03T00:00:00Z"));
        assert_eq!(period.days, (day("2026-04-01"), day("2026-04-03")));
        assert_eq!(period.head.0, period.head.1);
        assert_eq!(period.tail.0, period.tail.1);
    }

    #[test]
    fn what_is_not_a_whole_day_is_at_the_ends() {
        let period = Period::of(at("2026-04-01T12:00:00Z"), at("2026-04-03T06:00:00Z"));
        assert_eq!(period.days, (day("2026-04-02"), day("2026-04-03")));
        assert_eq!(period.head, (at("2026-04-01T12:00:00Z"), at("2026-04-02T00:00:00Z")));
        assert_eq!(period.tail, (at("2026-04-03T00:00:00Z"), at("2026-04-03T06:00:00Z")));
    }

    #[test]
    fn a_period_within_a_day_or_over_one_midnight_has_no_whole_day() {
        for (from, to) in [
            ("2026-04-01T12:00:00Z", "2026-04-01T13:00:00Z"),
            ("2026-04-01T12:00:00Z", "2026-04-02T13:00:00Z"),
            ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ] {
            let period = Period::of(at(from), at(to));
            assert_eq!(period.days.0, period.days.1, "{from}");
            assert_eq!(period.head, (at(from), at(to)));
            assert_eq!(period.tail.0, period.tail.1);
        }
    }

    #[test]
    fn a_period_that_ends_before_it_begins_is_empty() {
        let period = Period::of(at("2026-04-03T00:00:00Z"), at("2026-04-01T00:00:00Z"));
        assert_eq!(period.head.0, period.head.1);
        assert_eq!(period.days.0, period.days.1);
    }
}
