//! The purse by itself: no place to lease from, no waiting.

use std::net::Ipv4Addr;

use super::super::{Class, Quota};
use super::*;

fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn address(n: u32) -> Counted {
    let subject = Subject::address(Ipv4Addr::from(n).into());
    Counted::from(&Counter { subject, class: Class::Standard, quota: Quota::per_minute(15) })
}

/// Asks for what is missing, and is granted so many.
fn leased(purse: &mut Purse, counted: Counted, now: Timestamp, granted: u32) -> LeaseAsk {
    let Step::Lease { windows, .. } = purse.spend(&[counted], now, true) else { panic!("something is in hand") };
    let asks = purse.asks(windows.iter().chain(&windows).copied());
    assert_eq!(asks.len(), 1, "each window once");
    purse.take_in(&[Lease { window: asks[0].window, granted, leased: granted, used: 0 }]);
    asks[0]
}

fn passes(purse: &mut Purse, counted: Counted, now: Timestamp) -> bool {
    matches!(purse.spend(&[counted], now, true), Step::Done(Verdict::Allowed(_)))
}

#[test]
fn what_was_used_is_told_once_and_again_where_the_asking_failed() {
    let mut purse = Purse::default();
    assert_eq!(leased(&mut purse, address(1), start(), 2).used, 0);
    assert!(passes(&mut purse, address(1), start()) && passes(&mut purse, address(1), start()));
    let Step::Lease { windows, .. } = purse.spend(&[address(1)], start(), true) else { panic!("both were used") };
    let asks = purse.asks(windows.clone());
    assert_eq!(asks[0].used, 2);
    assert_eq!(purse.asks(windows.clone())[0].used, 0);
    purse.not_told(&asks);
    assert_eq!(purse.asks(windows)[0].used, 2);
}

#[test]
fn what_comes_after_its_minute_is_nobodys() {
    let mut purse = Purse::default();
    let Step::Lease { windows, .. } = purse.spend(&[address(1)], start(), true) else { panic!() };
    let later = start() + TimeDelta::seconds(60);
    assert!(matches!(purse.spend(&[address(1)], later, true), Step::Lease { .. }));
    purse.take_in(&[Lease { window: windows[0], granted: 4, leased: 4, used: 0 }]);
    assert!(!passes(&mut purse, address(1), later));
}

#[test]
fn who_waited_over_the_turn_of_the_minute_takes_of_the_new_one() {
    let mut purse = Purse::default();
    let before = start() + TimeDelta::milliseconds(59_990);
    let after = start() + TimeDelta::milliseconds(60_010);
    assert!(matches!(purse.spend(&[address(1)], before, true), Step::Lease { .. }));
    leased(&mut purse, address(1), after, 3);
    assert!(passes(&mut purse, address(1), before), "its answer comes in the new minute");
    assert!(passes(&mut purse, address(1), after) && passes(&mut purse, address(1), after));
    assert!(!passes(&mut purse, address(1), after), "three were leased");
    // A clock that is put back is another matter.
    let hour_ago = after - TimeDelta::hours(1);
    assert!(matches!(purse.spend(&[address(1)], hour_ago, true), Step::Lease { .. }));
}

#[test]
fn what_is_given_back_is_used_no_more() {
    let mut purse = Purse::default();
    let ask = leased(&mut purse, address(1), start(), 4);
    assert!(passes(&mut purse, address(1), start()));
    let given = GivenBack { window: ask.window, unused: 3, used: 1 };
    assert_eq!(purse.give_back(&[ask.window]), [given]);
    assert_eq!(purse.give_back(&[ask.window]), []);
    assert!(!passes(&mut purse, address(1), start()));
    leased(&mut purse, address(1), start(), 4);
    assert!(purse.holds());
    assert_eq!(purse.give_back_all(start()), [GivenBack { window: ask.window, unused: 4, used: 0 }]);
    assert!(!purse.holds());
}

#[test]
fn memory_is_bounded_and_forgetting_lets_nothing_pass() {
    let mut purse = Purse::default();
    leased(&mut purse, address(0), start(), 4);
    for n in 1..200_000 {
        assert!(!passes(&mut purse, address(n), start()), "nothing was leased");
    }
    assert!(purse.held.len() <= COUNTERS_MAX, "{}", purse.held.len());
    assert!(passes(&mut purse, address(0), start()), "what is held is kept longest");
}
