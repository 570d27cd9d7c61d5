//! How many WebSockets there are: in all, of an account, of an address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mintmark_domain::ids::AccountId;

use crate::socket::SocketLimits;

/// Whose a connection is: the address's until it has said who it is, and for good if it says nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Address(IpAddr),
    Account(AccountId),
}

impl Owner {
    /// The owner for an address. Whoever has one IPv6 address has the whole /64.
    pub fn address(address: IpAddr) -> Self {
        Owner::Address(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => v6
                .to_ipv4_mapped()
                .map_or_else(|| IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))), IpAddr::V4),
        })
    }
}

/// The places there are for WebSockets.
#[derive(Clone)]
pub(crate) struct Places {
    limits: SocketLimits,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<Owner, usize>,
}

/// A place that is taken; given back when dropped.
pub(crate) struct Place {
    places: Places,
    owner: Owner,
}

/// Why there is none, for people.
pub(crate) type Full = String;

impl Places {
    pub fn new(limits: SocketLimits) -> Self {
        Places { limits, taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one. Errors: all are taken, or as many as one owner may have.
    pub fn take(&self, owner: Owner) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.all >= self.limits.all {
            return Err(format!("this server has its {} connections", self.limits.all));
        }
        taken.enter(owner, &self.limits)?;
        taken.all += 1;
        Ok(Place { places: self.clone(), owner })
    }
}

impl Taken {
    fn enter(&mut self, owner: Owner, limits: &SocketLimits) -> Result<(), Full> {
        let (max, whose) = match owner {
            Owner::Account(_) => (limits.per_account, "an account"),
            Owner::Address(_) => (limits.per_address, "an address without a key"),
        };
        let count = self.of.entry(owner).or_default();
        if *count >= max {
            return Err(format!("{whose} may have {max} connections"));
        }
        *count += 1;
        Ok(())
    }

    fn leave(&mut self, owner: Owner) {
        if let Some(count) = self.of.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&owner);
            }
        }
    }
}

impl Place {
    /// It is another's from now on. Errors: that one has as many as it may have; nothing changes.
    pub fn pass_to(&mut self, owner: Owner) -> Result<(), Full> {
        let mut taken = self.places.taken();
        taken.enter(owner, &self.places.limits)?;
        taken.leave(self.owner);
        self.owner = owner;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.leave(self.owner);
        taken.all -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LIMITS;

    #[test]
    fn places_are_bounded_in_all_and_for_each_and_given_back() {
        let limits = SocketLimits { all: 3, per_account: 1, per_address: 2, ..LIMITS.sockets };
        let places = Places::new(limits);
        let address = |text: &str| Owner::address(text.parse().unwrap());
        let mut first = places.take(address("2001:db8::1")).ok().unwrap();
        let second = places.take(address("2001:db8::2")).ok().unwrap();
        assert!(places.take(address("2001:db8::3")).is_err(), "one network, two places");
        let account = Owner::Account(AccountId(uuid::Uuid::from_u128(1)));
        first.pass_to(account).unwrap();
        let mut third = places.take(address("2001:db8::3")).ok().unwrap();
        assert!(third.pass_to(account).is_err(), "an account has one");
        assert!(places.take(address("1.2.3.4")).is_err(), "three in all");
        drop(first);
        third.pass_to(account).unwrap();
        drop((second, third));
        assert!(places.taken().of.is_empty() && places.taken().all == 0);
    }
}
