//! What one process has leased of each window, and what it knows of the rest. No waiting here.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use mintmark_domain::Timestamp;
use mintmark_domain::ports::{GivenBack, Lease, LeaseAsk, PermitWindow};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Counter, Standing, Subject, Verdict, Window};

/// How many counters are kept at most; about 200 bytes each. Beyond that those go first of which least is held.
const COUNTERS_MAX: usize = 131_072;
/// Which part of the limit of an hour or a day is leased at once at most: what a process that dies has not used is
/// lost to all until the window ends.
const PART_OF_LONG: u32 = 50;
/// How long others' permits that were not given back in time are not asked for again, in seconds.
const PAUSE_SECONDS: i64 = 1;
/// By how much the time that a request came may lie behind: it may have waited for a lease and for others.
const LATE: TimeDelta = TimeDelta::seconds(5);

/// A counter with its id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    id: Uuid,
    counter: Counter,
}

impl From<&Counter> for Counted {
    fn from(counter: &Counter) -> Self {
        Counted { id: counter.id(), counter: *counter }
    }
}

impl Counted {
    /// The windows that have limits, the shortest first.
    fn limits(&self) -> impl Iterator<Item = (Window, u32)> {
        let quota = self.counter.quota;
        Window::ALL.into_iter().filter_map(move |window| Some((window, quota.of(window)?)))
    }
}

/// What is known of the permits of a window that are not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// There may be some.
    Open,
    /// None is left, but others hold some that they have not used.
    WithOthers,
    /// There is no use in asking before then.
    None { until: Timestamp },
}

/// What is held of one window.
#[derive(Clone, Copy, Debug)]
struct Holding {
    ends_at: i64,
    limit: u32,
    /// By all processes, as last heard.
    leased: u32,
    /// Of those, ours that are not used.
    unused: u32,
    /// Ours that are used and were not told of yet.
    untold: u32,
    /// The least that an answer said to remain: what others give back does not make it more again.
    said: u32,
    rest: Rest,
}

impl Holding {
    fn new(ends_at: i64, limit: u32) -> Self {
        Holding { ends_at, limit, leased: 0, unused: 0, untold: 0, said: limit, rest: Rest::Open }
    }

    fn end(&self) -> Timestamp {
        DateTime::from_timestamp(self.ends_at, 0).unwrap_or(DateTime::<chrono::Utc>::MAX_UTC)
    }

    /// All that are used or held by others, as far as is known.
    fn gone(&self) -> u32 {
        self.leased.saturating_sub(self.unused)
    }

    fn has_one(&self) -> bool {
        self.unused > 0 && self.gone() < self.limit
    }

    /// Brings it up to date: its limit, and whether it is worth asking again.
    fn turn(&mut self, limit: u32, now: Timestamp) {
        if limit != self.limit {
            // Another tier: what was said under the old limit binds no more.
            (self.limit, self.said, self.rest) = (limit, limit, Rest::Open);
        }
        if self.unused > 0 && self.gone() >= limit {
            self.rest = Rest::None { until: self.end() };
        } else if matches!(self.rest, Rest::None { until } if until <= now) {
            self.rest = Rest::Open;
        }
    }

    fn standing(&mut self) -> Standing {
        self.said = self.said.min(self.limit.saturating_sub(self.gone()));
        Standing { limit: self.limit, remaining: self.said, reset: self.ends_at }
    }
}

/// What [`Purse::spend`] came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This is the answer.
    Done(Verdict),
    /// Permits of these windows have to be leased first.
    Lease {
        windows: Vec<PermitWindow>,
        /// Of one of them all are leased: others have to give some back first.
        with_others: bool,
    },
}

/// All that one process holds.
#[derive(Debug)]
pub(super) struct Purse {
    held: HashMap<Uuid, [Option<Holding>; 3]>,
    /// When it was last asked for anything.
    stirred: Instant,
    /// Whether there may be something to give back.
    holds: bool,
}

impl Default for Purse {
    fn default() -> Self {
        Purse { held: HashMap::new(), stirred: Instant::now(), holds: false }
    }
}

impl Purse {
    /// Uses a permit of each window of each counter, if `counts`, as soon as there is one of all of them.
    pub fn spend(&mut self, counters: &[Counted], now: Timestamp, counts: bool) -> Step {
        self.stirred = Instant::now();
        self.make_room(counters.len(), now);
        for counted in counters {
            let holdings = self.held.entry(counted.id).or_default();
            for (window, limit) in counted.limits() {
                let ends_at = window.at(now).1;
                let holding = holdings[window as usize].get_or_insert_with(|| Holding::new(ends_at, limit));
                // What waited for permits may say a time of the window before: what was leased for this one stays.
                if holding.ends_at != ends_at && holding.ends_at != window.at(now + LATE).1 {
                    *holding = Holding::new(ends_at, limit);
                }
                holding.turn(limit, now);
            }
        }
        if let Some(refused) = self.refused(counters, now) {
            return Step::Done(refused);
        }
        let mut windows = Vec::new();
        let mut with_others = false;
        self.each(counters, |counted, window, holding| {
            if !holding.has_one() {
                windows.push(permit_window(counted.id, window, holding.ends_at));
                with_others |= holding.rest == Rest::WithOthers;
            }
        });
        if !windows.is_empty() {
            return Step::Lease { windows, with_others };
        }
        let mut least: Option<Standing> = None;
        self.each(counters, |_, window, holding| {
            if counts {
                holding.unused -= 1;
                holding.untold += 1;
            }
            if window == Window::Minute {
                let standing = holding.standing();
                let lesser = |least: Standing| Standing { remaining: least.remaining.min(standing.remaining), ..least };
                least = Some(least.map_or(standing, lesser));
            }
        });
        Step::Done(Verdict::Allowed(least))
    }

    /// Visits each limited window of the counters.
    fn each(&mut self, counters: &[Counted], mut visit: impl FnMut(&Counted, Window, &mut Holding)) {
        for counted in counters {
            let Some(holdings) = self.held.get_mut(&counted.id) else { continue };
            for (window, _) in counted.limits() {
                if let Some(holding) = &mut holdings[window as usize] {
                    visit(counted, window, holding);
                }
            }
        }
    }

    /// The refusal by a window that has nothing left: of several by the one that binds longest.
    fn refused(&mut self, counters: &[Counted], now: Timestamp) -> Option<Verdict> {
        let mut bound: Option<(Timestamp, Subject, Window, Standing)> = None;
        self.each(counters, |counted, window, holding| {
            let Rest::None { until } = holding.rest else { return };
            if bound.is_some_and(|(longest, ..)| longest > until) {
                return;
            }
            holding.said = 0;
            bound = Some((until, counted.counter.subject, window, holding.standing()));
        });
        let (until, subject, window, standing) = bound?;
        let millis = u64::try_from((until - now).num_milliseconds()).unwrap_or(0);
        let retry_after_seconds = millis.div_ceil(1_000).max(1);
        Some(Verdict::Refused { subject, window, standing, retry_after_seconds })
    }

    /// Others did not give back in time: for a moment they are not asked again.
    pub fn pause(&mut self, counters: &[Counted], now: Timestamp) {
        self.each(counters, |_, _, holding| {
            if holding.rest == Rest::WithOthers {
                holding.rest = Rest::None { until: (now + TimeDelta::seconds(PAUSE_SECONDS)).min(holding.end()) };
            }
        });
    }

    /// What to ask for so that there is some of these windows, each once. What was used meanwhile is told along.
    pub fn asks(&mut self, windows: impl IntoIterator<Item = PermitWindow>) -> Vec<LeaseAsk> {
        let mut windows: Vec<PermitWindow> = windows.into_iter().collect();
        windows.sort_unstable();
        windows.dedup();
        let ask = |window| {
            let holding = self.holding(&window)?;
            // Somebody asked while this one waited for its turn.
            if holding.has_one() || matches!(holding.rest, Rest::None { .. }) {
                return None;
            }
            let is_long = window.seconds > Window::Minute.length();
            let wanted = if is_long { (holding.limit / PART_OF_LONG).max(1) } else { holding.limit };
            Some(LeaseAsk { window, limit: holding.limit, wanted, used: std::mem::take(&mut holding.untold) })
        };
        windows.into_iter().filter_map(ask).collect()
    }

    /// The asking failed: what was used is told with the next. Had it been heard all the same, some of what others hold
    /// counts as used, and is not asked for.
    pub fn not_told(&mut self, asks: &[LeaseAsk]) {
        for ask in asks {
            if let Some(holding) = self.holding(&ask.window) {
                holding.untold += ask.used;
            }
        }
    }

    /// Takes in what was leased. What came too late for its window is nobody's any more.
    pub fn take_in(&mut self, leases: &[Lease]) {
        for lease in leases {
            let Some(holding) = self.holding(&lease.window) else { continue };
            holding.leased = lease.leased;
            holding.unused = holding.unused.saturating_add(lease.granted);
            holding.rest = match lease.granted {
                1.. => Rest::Open,
                0 if lease.leased > lease.used => Rest::WithOthers,
                0 => Rest::None { until: holding.end() },
            };
            self.holds = true;
        }
    }

    fn holding(&mut self, window: &PermitWindow) -> Option<&mut Holding> {
        let slot = Window::ALL.into_iter().find(|known| known.length() == window.seconds)?;
        let holding = self.held.get_mut(&window.counter)?[slot as usize].as_mut()?;
        (holding.ends_at == window.ends_at).then_some(holding)
    }

    /// What is held of these windows; it is held no more.
    pub fn give_back(&mut self, windows: &[PermitWindow]) -> Vec<GivenBack> {
        windows.iter().filter_map(|window| self.holding(window).and_then(|holding| let_go(*window, holding))).collect()
    }

    /// All that is held.
    pub fn give_back_all(&mut self, now: Timestamp) -> Vec<GivenBack> {
        self.holds = false;
        let mut given = Vec::new();
        for (id, holdings) in &mut self.held {
            for window in Window::ALL {
                let Some(holding) = holdings[window as usize].as_mut() else { continue };
                if holding.end() > now {
                    given.extend(let_go(permit_window(*id, window, holding.ends_at), holding));
                }
            }
        }
        given
    }

    /// Whether something is held that others could want.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// For how long nobody has asked for anything.
    pub fn idle_for(&self) -> Duration {
        self.stirred.elapsed()
    }

    /// Forgets what is over; where that is not enough, the quarter of which least is held. That lets nothing pass:
    /// what is forgotten is asked for anew.
    fn make_room(&mut self, wanted: usize, now: Timestamp) {
        if self.held.len() + wanted <= COUNTERS_MAX {
            return;
        }
        let is_live = |holding: &Holding| holding.end() > now;
        self.held.retain(|_, holdings| holdings.iter().flatten().any(is_live));
        if self.held.len() + wanted <= COUNTERS_MAX {
            return;
        }
        let unused = |holdings: &[Option<Holding>; 3]| holdings.iter().flatten().map(|holding| holding.unused).max();
        let mut by_use: Vec<_> = self.held.iter().map(|(id, holdings)| (unused(holdings), *id)).collect();
        by_use.sort_unstable();
        for (_, id) in by_use.into_iter().take(COUNTERS_MAX / 4) {
            self.held.remove(&id);
        }
    }
}

fn permit_window(counter: Uuid, window: Window, ends_at: i64) -> PermitWindow {
    PermitWindow { counter, seconds: window.length(), ends_at }
}

fn let_go(window: PermitWindow, holding: &mut Holding) -> Option<GivenBack> {
    let (unused, used) = (std::mem::take(&mut holding.unused), std::mem::take(&mut holding.untold));
    holding.leased = holding.leased.saturating_sub(unused);
    (unused + used > 0).then_some(GivenBack { window, unused, used })
}

#[cfg(test)]
mod tests;
