//! Places for work that takes much memory, disk or bandwidth: so many in all, and fewer for one account, so
//! that nobody's slow work keeps others out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use mintmark_domain::ids::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many accounts are remembered before those that hold no place are forgotten.
const REMEMBERED_MAX: usize = 1_024;

/// Places of one kind.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    each_max: usize,
    own: Mutex<HashMap<AccountId, Weak<Semaphore>>>,
}

/// A place; given back when dropped.
#[must_use = "the place is given back when this is dropped"]
#[derive(Debug)]
pub struct Turn {
    _of_account: OwnedSemaphorePermit,
    // Keeps the account's places known for as long as one of them is held.
    _own: Arc<Semaphore>,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    /// So many places in all, and so many of them for one account.
    #[must_use]
    pub fn new(all_max: usize, each_max: usize) -> Self {
        Turns { all: Arc::new(Semaphore::new(all_max)), each_max, own: Mutex::new(HashMap::new()) }
    }

    /// Waits for a place, first among the account's own requests, then among all. `None`: none in time.
    pub async fn take(&self, account: AccountId, within: Duration) -> Option<Turn> {
        let own = self.own(account);
        let both = async {
            let of_account = Arc::clone(&own).acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some((of_account, of_all))
        };
        let (of_account, of_all) = tokio::time::timeout(within, both).await.ok()??;
        Some(Turn { _of_account: of_account, _own: own, _of_all: of_all })
    }

    /// A place, if there is one now.
    #[must_use]
    pub fn try_take(&self, account: AccountId) -> Option<Turn> {
        let own = self.own(account);
        let of_account = Arc::clone(&own).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Turn { _of_account: of_account, _own: own, _of_all: of_all })
    }

    fn own(&self, account: AccountId) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = own.get(&account).and_then(Weak::upgrade) {
            return known;
        }
        if own.len() >= REMEMBERED_MAX {
            own.retain(|_, known| known.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(self.each_max));
        own.insert(account, Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    fn account(number: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(number))
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_takes_its_share_and_leaves_the_rest_to_others() {
        let turns = Turns::new(3, 2);
        let (first, second) = (turns.try_take(account(1)), turns.take(account(1), AT_ONCE).await);
        assert!(first.is_some() && second.is_some());
        assert!(turns.try_take(account(1)).is_none(), "its share is taken");
        assert!(turns.take(account(1), Duration::from_secs(60)).await.is_none());
        let other = turns.try_take(account(2));
        assert!(other.is_some(), "another account has a place");
        assert!(turns.try_take(account(3)).is_none(), "all are taken");
        drop(first);
        assert!(turns.take(account(3), AT_ONCE).await.is_some());
        assert!(turns.take(account(1), AT_ONCE).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_place_that_is_given_back() {
        let turns = Turns::new(1, 1);
        let held = turns.try_take(account(1)).unwrap();
        let (got, ()) = tokio::join!(turns.take(account(2), Duration::from_secs(60)), async { drop(held) });
        assert!(got.is_some());
    }

    #[test]
    fn accounts_without_a_place_are_forgotten() {
        let turns = Turns::new(usize::MAX >> 4, 1);
        let _held = turns.try_take(account(0));
        for number in 1..=3 * REMEMBERED_MAX as u128 {
            let _ = turns.try_take(account(number));
        }
        assert!(turns.own.lock().unwrap().len() <= REMEMBERED_MAX);
        assert!(turns.try_take(account(0)).is_none(), "who holds one is remembered");
    }
}
