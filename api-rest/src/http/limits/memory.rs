//! Counting in memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mintmark_domain::Timestamp;

use super::{Class, Counter, RateLimiter, Standing, Subject, Uncounted, Verdict, Window};

/// Into how many parts the counters are divided, so that callers seldom wait for each other.
const PARTS: usize = 32;
/// How many counters one part keeps at most. About 100 bytes each: 13 MB in all.
const PART_COUNTERS_MAX: usize = 4_096;

/// Counts within one process, for tests and as the measure of others: exact, and bounded in memory. Where more than 131,072 subjects are
/// active at once, those that used least of their quota are forgotten first.
#[derive(Debug)]
pub struct MemoryLimiter {
    parts: Vec<Mutex<Part>>,
    hasher: RandomState,
}

type Part = HashMap<(Subject, Class), Counts>;

/// How many requests fell into the window of that index, by window.
#[derive(Clone, Copy, Debug, Default)]
struct Counts([(i64, u32); 3]);

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLimiter {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        MemoryLimiter { parts: (0..PARTS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// A key and its account are counted under one lock, so that both or neither is.
    fn part(&self, subject: Subject) -> &Mutex<Part> {
        let hash = match subject {
            Subject::Key(account, _) | Subject::Client(account, _) | Subject::Account(account) => {
                self.hasher.hash_one(account)
            }
            Subject::Named(name) => self.hasher.hash_one(name),
            Subject::Address(address) => self.hasher.hash_one(address),
        };
        &self.parts[usize::try_from(hash % PARTS as u64).unwrap_or(0)]
    }

    /// Counts, without waiting.
    #[must_use]
    pub fn count(&self, counters: &[Counter], now: Timestamp) -> Verdict {
        let Some(first) = counters.first() else { return Verdict::Allowed(None) };
        let mut part = self.part(first.subject).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = refused(&part, counters, now) {
            return refused;
        }
        make_room(&mut part, counters.len(), now);
        let mut least: Option<Standing> = None;
        for counter in counters {
            let counts = part.entry((counter.subject, counter.class)).or_default();
            counts.add(now);
            let standing = standing_of(counts, counter, Window::Minute, now);
            least = match (least, standing) {
                (Some(least), Some(other)) => {
                    Some(Standing { remaining: least.remaining.min(other.remaining), ..least })
                }
                (least, standing) => least.or(standing),
            };
        }
        Verdict::Allowed(least)
    }

    /// Looks whether there is room, and counts nothing.
    #[must_use]
    pub fn room(&self, counters: &[Counter], now: Timestamp) -> Verdict {
        let Some(first) = counters.first() else { return Verdict::Allowed(None) };
        let part = self.part(first.subject).lock().unwrap_or_else(PoisonError::into_inner);
        refused(&part, counters, now).unwrap_or(Verdict::Allowed(None))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap().len()).sum()
    }
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn take(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted> {
        Ok(self.count(counters, now))
    }

    async fn look(&self, counters: &[Counter], now: Timestamp) -> Result<Verdict, Uncounted> {
        Ok(self.room(counters, now))
    }
}

impl Counts {
    fn get(&self, window: Window, now: Timestamp) -> u32 {
        let (index, count) = self.0[window as usize];
        if index == window.at(now).0 { count } else { 0 }
    }

    fn add(&mut self, now: Timestamp) {
        for window in Window::ALL {
            let count = self.get(window, now).saturating_add(1);
            self.0[window as usize] = (window.at(now).0, count);
        }
    }

    /// Whether anything of it still counts.
    fn is_live(&self, now: Timestamp) -> bool {
        Window::ALL.into_iter().any(|window| self.get(window, now) > 0)
    }
}

fn standing_of(counts: &Counts, counter: &Counter, window: Window, now: Timestamp) -> Option<Standing> {
    let limit = counter.quota.of(window)?;
    let remaining = limit.saturating_sub(counts.get(window, now));
    Some(Standing { limit, remaining, reset: window.at(now).1 })
}

/// The refusal of what has no room: of several windows that bind, by the one that binds longest.
fn refused(part: &Part, counters: &[Counter], now: Timestamp) -> Option<Verdict> {
    let bound = counters.iter().filter_map(|counter| bound_of(part, counter, now));
    let (subject, window, standing) = bound.max_by_key(|(_, _, standing)| standing.reset)?;
    let retry_after_seconds = u64::try_from(standing.reset - now.timestamp()).unwrap_or(1).max(1);
    Some(Verdict::Refused { subject, window, standing, retry_after_seconds })
}

/// The window that has no room, the longest of several.
fn bound_of(part: &Part, counter: &Counter, now: Timestamp) -> Option<(Subject, Window, Standing)> {
    let counts = part.get(&(counter.subject, counter.class))?;
    Window::ALL.into_iter().rev().find_map(|window| {
        let standing = standing_of(counts, counter, window, now)?;
        (standing.remaining == 0).then_some((counter.subject, window, standing))
    })
}

/// Forgets what counts no more; where that is not enough, the quarter that counted least.
fn make_room(part: &mut Part, wanted: usize, now: Timestamp) {
    if part.len() + wanted <= PART_COUNTERS_MAX {
        return;
    }
    // An address has a minute's window only: the longer ones of its counters bind nobody.
    part.retain(|(subject, _), counts| match subject {
        Subject::Address(_) => counts.get(Window::Minute, now) > 0,
        Subject::Key(..) | Subject::Client(..) | Subject::Account(_) | Subject::Named(_) => counts.is_live(now),
    });
    if part.len() + wanted <= PART_COUNTERS_MAX {
        return;
    }
    let mut by_use: Vec<(u32, (Subject, Class))> =
        part.iter().map(|(key, counts)| (counts.get(Window::Day, now), *key)).collect();
    by_use.sort_unstable_by_key(|(used, _)| *used);
    for (_, key) in by_use.into_iter().take(PART_COUNTERS_MAX / 4) {
        part.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use chrono::TimeDelta;
    use mintmark_domain::ids::AccountId;
    use uuid::Uuid;

    use super::super::Quota;
    use super::*;

    fn start() -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn account() -> AccountId {
        AccountId(Uuid::from_u128(1))
    }

    fn key(id: u64, minute: u32, hour: u32, day: u32) -> Counter {
        let quota = Quota { minute, hour, day };
        Counter { subject: Subject::Key(account(), id), class: Class::Standard, quota }
    }

    fn whole(minute: u32) -> Counter {
        Counter { subject: Subject::Account(account()), class: Class::Standard, quota: Quota::per_minute(minute) }
    }

    fn allowed(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Allowed(_))
    }

    #[test]
    fn exactly_as_many_as_the_limit_pass_and_the_next_minute_takes_more() {
        let limiter = MemoryLimiter::new();
        let counters = [key(1, 3, 0, 0)];
        let left: Vec<_> = (0..3).map(|_| limiter.count(&counters, start())).collect();
        let reset = start().timestamp() + 60;
        let standing = |remaining| Verdict::Allowed(Some(Standing { limit: 3, remaining, reset }));
        assert_eq!(left, [standing(2), standing(1), standing(0)]);
        let late = start() + TimeDelta::milliseconds(59_900);
        assert_eq!(
            limiter.count(&counters, late),
            Verdict::Refused {
                subject: counters[0].subject,
                window: Window::Minute,
                standing: Standing { limit: 3, remaining: 0, reset },
                retry_after_seconds: 1,
            }
        );
        assert!(allowed(limiter.count(&counters, start() + TimeDelta::seconds(60))));
    }

    #[test]
    fn racing_callers_pass_exactly_as_often_as_the_limit_says() {
        let limiter = MemoryLimiter::new();
        let passed = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if allowed(limiter.count(&[key(1, 500, 0, 0), whole(5_000)], start())) {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 500);
    }

    #[test]
    fn the_longest_window_that_binds_is_named_and_a_refusal_counts_nowhere() {
        let limiter = MemoryLimiter::new();
        let counters = [key(1, 2, 2, 0), whole(3)];
        assert!(allowed(limiter.count(&counters, start())));
        assert!(allowed(limiter.count(&counters, start())));
        for _ in 0..5 {
            let Verdict::Refused { window, retry_after_seconds, .. } = limiter.count(&counters, start()) else {
                panic!()
            };
            assert_eq!((window, retry_after_seconds), (Window::Hour, 3_600));
        }
        // The account has one left: the refused ones were not counted there.
        let other = [key(2, 2, 2, 0), whole(3)];
        assert!(allowed(limiter.count(&other, start())));
        let Verdict::Refused { subject, .. } = limiter.count(&other, start()) else { panic!() };
        assert_eq!(subject, Subject::Account(account()));
    }

    #[test]
    fn a_look_counts_nothing_and_sees_what_binds() {
        let limiter = MemoryLimiter::new();
        let counters = [key(1, 1, 0, 0)];
        for _ in 0..3 {
            assert!(allowed(limiter.room(&counters, start())));
        }
        assert!(allowed(limiter.count(&counters, start())));
        assert!(!allowed(limiter.room(&counters, start())));
    }

    #[test]
    fn no_more_is_said_to_be_left_than_the_account_has() {
        let limiter = MemoryLimiter::new();
        let Verdict::Allowed(Some(standing)) = limiter.count(&[key(1, 30, 0, 0), whole(5)], start()) else { panic!() };
        assert_eq!((standing.limit, standing.remaining), (30, 4));
    }

    #[test]
    fn classes_are_counted_apart() {
        let limiter = MemoryLimiter::new();
        let poll = Counter { class: Class::GirlGeneratorPoll, ..key(1, 1, 0, 0) };
        assert!(allowed(limiter.count(&[key(1, 1, 0, 0)], start())));
        assert!(allowed(limiter.count(&[poll], start())));
        assert!(!allowed(limiter.count(&[poll], start())));
    }

    #[test]
    fn memory_is_bounded_and_a_heavy_user_is_not_forgotten() {
        let limiter = MemoryLimiter::new();
        let address = |n: u32| Counter {
            subject: Subject::address(Ipv4Addr::from(n).into()),
            class: Class::Standard,
            quota: Quota::per_minute(15),
        };
        for _ in 0..15 {
            assert!(allowed(limiter.count(&[address(0)], start())));
        }
        for n in 1..200_000 {
            assert!(allowed(limiter.count(&[address(n)], start())));
        }
        assert!(limiter.len() <= PARTS * PART_COUNTERS_MAX, "{}", limiter.len());
        assert!(!allowed(limiter.count(&[address(0)], start())), "it used all of its quota");
    }
}
