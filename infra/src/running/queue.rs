//! The queue in front of one provider: bounded, and accounts take turns.

use std::collections::{HashMap, VecDeque};

use mintmark_domain::ids::{AccountId, RunId};

/// What waits for one provider, and how much is under way there.
#[derive(Debug)]
pub(super) struct Lane {
    /// How many runs may be under way.
    capacity: usize,
    /// How many are. Above `capacity` only while runs of a node that is gone are carried on: they are
    /// under way at the provider whoever counts them.
    taken: usize,
    /// Accounts with runs that wait, each once, in the order of their turns.
    turns: VecDeque<AccountId>,
    waiting: HashMap<AccountId, VecDeque<RunId>>,
    waiting_count: usize,
    /// A run found no room here and waits in the log alone.
    overflowed: bool,
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub waiting_max: usize,
    pub waiting_per_account_max: usize,
}

impl Lane {
    pub fn new(capacity: usize) -> Self {
        Lane {
            capacity,
            taken: 0,
            turns: VecDeque::new(),
            waiting: HashMap::new(),
            waiting_count: 0,
            overflowed: false,
        }
    }

    pub fn taken(&self) -> usize {
        self.taken
    }

    pub fn waiting(&self) -> usize {
        self.waiting_count
    }

    /// Takes a place if there is one and nobody waits for it.
    pub fn take_at_once(&mut self) -> bool {
        let free = self.waiting_count == 0 && self.taken < self.capacity;
        self.taken += usize::from(free);
        free
    }

    /// Counts a run that is under way already.
    pub fn take_over(&mut self) {
        self.taken += 1;
    }

    pub fn give_back(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }

    /// Lets a run wait. `false`: no room.
    pub fn push(&mut self, account: AccountId, run: RunId, bounds: Bounds) -> bool {
        let queue = self.waiting.entry(account).or_default();
        if self.waiting_count >= bounds.waiting_max || queue.len() >= bounds.waiting_per_account_max {
            if queue.is_empty() {
                self.waiting.remove(&account);
            }
            self.overflowed = true;
            return false;
        }
        if queue.is_empty() {
            self.turns.push_back(account);
        }
        queue.push_back(run);
        self.waiting_count += 1;
        true
    }

    /// The next run whose turn it is, with a place taken for it.
    pub fn pop(&mut self) -> Option<(AccountId, RunId)> {
        if self.taken >= self.capacity {
            return None;
        }
        let account = self.turns.pop_front()?;
        let queue = self.waiting.get_mut(&account)?;
        let run = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&account);
        } else {
            self.turns.push_back(account);
        }
        self.waiting_count -= 1;
        self.taken += 1;
        Some((account, run))
    }

    /// Takes a run out that has nothing to wait for any more. Whether it waited.
    pub fn remove(&mut self, account: AccountId, run: RunId) -> bool {
        let Some(queue) = self.waiting.get_mut(&account) else { return false };
        let before = queue.len();
        queue.retain(|waiting| *waiting != run);
        let removed = before - queue.len();
        self.waiting_count -= removed;
        if queue.is_empty() {
            self.waiting.remove(&account);
            self.turns.retain(|turn| *turn != account);
        }
        removed > 0
    }

    /// Whether the log has more for this lane, now that nothing waits in it. Said once.
    pub fn wants_more(&mut self) -> bool {
        let more = self.overflowed && self.waiting_count == 0;
        self.overflowed &= !more;
        more
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        self.turns.clear();
        self.waiting.clear();
        self.waiting_count = 0;
    }
}

#[cfg(test)]
mod tests {
    use mintmark_domain::Shard;
    use mintmark_domain::ids::derived_id;

    use super::*;

    const BOUNDS: Bounds = Bounds { waiting_max: 5_000, waiting_per_account_max: 2_000 };

    fn account(n: u8) -> AccountId {
        AccountId(derived_id(Shard::ZERO, "account", &[&[n]]))
    }

    fn run(n: u32) -> RunId {
        RunId(derived_id(Shard::ZERO, "run", &[&n.to_be_bytes()]))
    }

    #[test]
    fn a_thousand_runs_of_one_account_do_not_delay_the_first_of_another() {
        let mut lane = Lane::new(2);
        assert!((0..1_000).all(|n| lane.push(account(1), run(n), BOUNDS)));
        assert!(lane.push(account(2), run(5_000), BOUNDS));
        assert_eq!(lane.pop(), Some((account(1), run(0))));
        assert_eq!(lane.pop(), Some((account(2), run(5_000))));
        assert_eq!(lane.pop(), None, "both places are taken");
        lane.give_back();
        assert_eq!(lane.pop(), Some((account(1), run(1))));
    }

    #[test]
    fn accounts_take_turns() {
        let mut lane = Lane::new(100);
        for n in 0..3 {
            for who in 1..=3 {
                assert!(lane.push(account(who), run(u32::from(who) * 10 + n), BOUNDS));
            }
        }
        let order: Vec<AccountId> = std::iter::from_fn(|| lane.pop()).map(|(account, _)| account).collect();
        let turn = [account(1), account(2), account(3)];
        assert_eq!(order, [turn, turn, turn].concat());
        assert_eq!((lane.waiting(), lane.taken()), (0, 9));
    }

    #[test]
    fn what_waits_is_bounded_in_all_and_per_account() {
        let mut lane = Lane::new(1);
        let bounds = Bounds { waiting_max: 3, waiting_per_account_max: 2 };
        assert!(lane.push(account(1), run(1), bounds) && lane.push(account(1), run(2), bounds));
        assert!(!lane.push(account(1), run(3), bounds), "the account has as many as it may");
        assert!(lane.push(account(2), run(4), bounds));
        assert!(!lane.push(account(3), run(5), bounds), "it is full");
        assert!(lane.pop().is_some());
        assert!(lane.push(account(3), run(5), bounds));
    }

    #[test]
    fn a_lane_that_was_too_full_asks_for_more_once_when_it_is_empty() {
        let bounds = Bounds { waiting_max: 1, waiting_per_account_max: 1 };
        let (mut lane, mut other) = (Lane::new(1), Lane::new(1));
        assert!(lane.push(account(1), run(1), bounds) && !lane.push(account(2), run(2), bounds));
        assert!(!lane.wants_more(), "something waits in it");
        assert!(lane.pop().is_some());
        assert!(lane.wants_more() && !lane.wants_more());
        assert!(!other.wants_more(), "another lane's overflow is none of its business");
    }

    #[test]
    fn nobody_starts_at_once_past_those_who_wait() {
        let mut lane = Lane::new(1);
        assert!(lane.take_at_once());
        assert!(!lane.take_at_once());
        assert!(lane.push(account(1), run(1), BOUNDS));
        lane.give_back();
        assert!(!lane.take_at_once(), "somebody waits for that place");
        assert!(lane.remove(account(1), run(1)) && !lane.remove(account(1), run(1)));
        assert!(lane.take_at_once());
        assert_eq!(lane.pop(), None);
    }
}
