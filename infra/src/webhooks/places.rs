//! Who holds how many of the places of a sender.

use std::collections::HashMap;

use mintmark_domain::ids::{AccountId, WebhookEndpointId};
use mintmark_domain::ports::DueDelivery;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Places {
    endpoints: HashMap<WebhookEndpointId, Held>,
}

#[derive(Debug)]
struct Held {
    account: AccountId,
    count: u32,
    failing: bool,
}

impl Places {
    /// One more delivery is under way.
    pub fn take(&mut self, due: &DueDelivery) {
        let held = Held { account: due.account, count: 0, failing: due.failing };
        self.endpoints.entry(due.endpoint).or_insert(held).count += 1;
    }

    /// One to that endpoint came to an end.
    pub fn leave(&mut self, endpoint: WebhookEndpointId) {
        if let Some(held) = self.endpoints.get_mut(&endpoint) {
            held.count = held.count.saturating_sub(1);
            if held.count == 0 {
                self.endpoints.remove(&endpoint);
            }
        }
    }

    /// How many are under way.
    pub fn total(&self) -> usize {
        self.endpoints.values().map(|held| held.count as usize).sum()
    }

    /// How many of them go to endpoints that fail.
    pub fn failing(&self) -> u32 {
        self.endpoints.values().filter(|held| held.failing).map(|held| held.count).sum()
    }

    /// The endpoints that are told.
    pub fn endpoints(&self) -> Vec<WebhookEndpointId> {
        self.endpoints.keys().copied().collect()
    }

    /// How many are under way for each account.
    pub fn accounts(&self) -> Vec<(AccountId, u32)> {
        let mut accounts: HashMap<AccountId, u32> = HashMap::new();
        for held in self.endpoints.values() {
            *accounts.entry(held.account).or_default() += held.count;
        }
        accounts.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use mintmark_domain::Shard;
    use mintmark_domain::ids::{DeliveryId, SealedId, WebhookEventId, derived_id};

    use super::*;

    fn due(account: &str, endpoint: &str, failing: bool) -> DueDelivery {
        let id = |name: &str| derived_id(Shard::ZERO, "test", &[name.as_bytes()]);
        DueDelivery {
            id: DeliveryId(id("delivery")),
            event: WebhookEventId(id("event")),
            endpoint: WebhookEndpointId(id(endpoint)),
            account: AccountId(id(account)),
            attempt: 1,
            settings: SealedId(id("settings")),
            secret: SealedId(id("secret")),
            previous: None,
            failing,
            postponed_since: None,
        }
    }

    #[test]
    fn places_are_counted_by_endpoint_and_account_until_they_are_left() {
        let mut places = Places::default();
        let (one, two, dead) = (due("ann", "one", false), due("ann", "two", false), due("bob", "dead", true));
        for due in [&one, &one, &two, &dead] {
            places.take(due);
        }
        let mut accounts = places.accounts();
        accounts.sort_by_key(|(_, count)| *count);
        assert_eq!(accounts, [(dead.account, 1), (one.account, 3)]);
        assert_eq!((places.total(), places.failing(), places.endpoints().len()), (4, 1, 3));
        for due in [&one, &two, &dead] {
            places.leave(due.endpoint);
        }
        assert_eq!((places.accounts(), places.endpoints()), (vec![(one.account, 1)], vec![one.endpoint]));
        places.leave(one.endpoint);
        places.leave(one.endpoint);
        assert_eq!((places.total(), places.failing()), (0, 0));
    }
}
