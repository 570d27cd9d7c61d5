//! Holding, splitting, capturing, releasing.

use super::*;

fn not_open(n: u128) -> WalletError {
    WalletError::HoldNotOpen { hold: HoldId(run(n).0) }
}

#[test]
fn a_hold_sets_credits_aside_from_lots_in_the_order_of_spending() {
    given::<Wallet>([open(), paid("5"), free_until("1", 50)]).when(hold(1, "3")).then_expect_events(vec![
        WalletEvent::CreditsHeld {
            held_for: HeldFor::Run(run(1)),
            amount: c("3"),
            parts: vec![part(2, "1"), part(1, "2")],
            posting: posting(Ledger::Available, Ledger::Held, "3"),
            after: after("3", "3"),
        },
    ]);
}

#[test]
fn an_open_hold_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Wallet>([open(), paid("5")], hold(1, "5"));
    said_twice_is_no_new_fact::<Wallet>([open(), paid("5")], hold_batch(1, "5"));
}

#[test]
fn a_hold_said_again_is_the_same_even_when_a_part_was_captured() {
    given::<Wallet>([open(), paid("5"), hold(1, "5"), capture(1, "2")]).when(hold(1, "5")).then_expect_events(vec![]);
}

#[test]
fn an_open_hold_of_another_amount_is_a_mismatch() {
    given::<Wallet>([open(), paid("9"), hold(1, "5")])
        .when(hold(1, "6"))
        .then_expect_error(WalletError::HoldMismatch { hold: HoldId(run(1).0), held: c("5"), asked: c("6") });
}

#[test]
fn more_than_is_available_cannot_be_held() {
    given::<Wallet>([open(), paid("5")])
        .when(hold(1, "9"))
        .then_expect_error(WalletError::Insufficient { needed: c("9"), available: c("5") });
}

#[test]
fn what_is_held_cannot_be_held_again() {
    given::<Wallet>([open(), paid("5"), hold(1, "4")])
        .when(hold(2, "2"))
        .then_expect_error(WalletError::Insufficient { needed: c("2"), available: c("1") });
}

#[test]
fn a_hold_of_nothing_or_less_is_refused() {
    for amount in ["0", "-1"] {
        given::<Wallet>([open(), paid("5")]).when(hold(1, amount)).then_expect_error(WalletError::NotPositive);
    }
}

#[test]
fn a_wallet_keeps_no_more_open_holds_than_its_limit() {
    use crate::es::Aggregate;
    let max = CreditWallet::OPEN_HOLDS_MAX;
    let mut wallet = state::<Wallet>([open(), paid("30000"), hold_batch(1, "5000")]);
    for n in 1..max as u128 {
        let held = WalletEvent::CreditsHeld {
            held_for: HeldFor::Run(run(n)),
            amount: c("1"),
            parts: vec![part(1, "1")],
            posting: posting(Ledger::Available, Ledger::Held, "1"),
            after: After::default(),
        };
        cqrs_es::Aggregate::apply(&mut wallet, held);
    }
    assert_eq!(wallet.decide(hold(max as u128, "1")), Err(WalletError::TooManyHolds { max }));
    assert_eq!(wallet.decide(split(1, max as u128, "1")), Err(WalletError::TooManyHolds { max }));
    assert_eq!(wallet.decide(hold(1, "1")), Ok(vec![]), "what is open already is found");
}

#[test]
fn a_part_of_a_batch_s_hold_becomes_a_run_s_own() {
    given::<Wallet>([open(), free_until("1", 50), paid("9"), hold_batch(1, "6")])
        .when(split(1, 1, "2"))
        .then_expect_events(vec![WalletEvent::HoldSplit {
            batch: batch(1),
            run: run(1),
            amount: c("2"),
            parts: vec![part(1, "1"), part(2, "1")],
            posting: posting(Ledger::Held, Ledger::Held, "2"),
            after: after("4", "6"),
        }]);
    let wallet = state::<Wallet>([open(), paid("9"), hold_batch(1, "6"), split(1, 1, "2")]);
    assert_eq!(wallet.hold(HeldFor::Batch(batch(1))).unwrap().left(), c("4"));
    assert_eq!(wallet.hold(HeldFor::Run(run(1))).unwrap().left(), c("2"));
    assert_eq!(wallet.balance(at(2)).held, c("6"));
}

#[test]
fn a_split_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Wallet>([open(), paid("5"), hold_batch(1, "5")], split(1, 1, "2"));
}

#[test]
fn a_split_to_a_run_that_holds_another_amount_is_a_mismatch() {
    given::<Wallet>([open(), paid("5"), hold_batch(1, "5"), split(1, 1, "2")])
        .when(split(1, 1, "3"))
        .then_expect_error(WalletError::HoldMismatch { hold: HoldId(run(1).0), held: c("2"), asked: c("3") });
}

#[test]
fn a_split_off_a_batch_that_holds_nothing_open_is_refused() {
    let error = WalletError::HoldNotOpen { hold: HoldId(batch(1).0) };
    given::<Wallet>([open(), paid("5")]).when(split(1, 1, "2")).then_expect_error(error.clone());
    let release = WalletCommand::Release { held_for: HeldFor::Batch(batch(1)), at: at(2) };
    given::<Wallet>([open(), paid("5"), hold_batch(1, "5"), release]).when(split(1, 1, "2")).then_expect_error(error);
}

#[test]
fn a_run_s_hold_is_not_a_batch_s_even_under_the_same_id() {
    let same = BatchId(run(1).0);
    let capture = WalletCommand::Capture {
        held_for: HeldFor::Batch(same),
        amount: c("1"),
        rule: ChargingRule::Delivered,
        at: at(3),
    };
    given::<Wallet>([open(), paid("5"), hold(1, "5")]).when(capture).then_expect_error(not_open(1));
}

#[test]
fn more_than_is_left_cannot_be_split_off() {
    given::<Wallet>([open(), paid("5"), hold_batch(1, "3"), split(1, 1, "2")])
        .when(split(1, 2, "2"))
        .then_expect_error(WalletError::HoldTooSmall { hold: HoldId(batch(1).0), left: c("1"), asked: c("2") });
}

#[test]
fn a_split_of_nothing_or_less_is_refused() {
    for amount in ["0", "-1"] {
        given::<Wallet>([open(), paid("5"), hold_batch(1, "3")])
            .when(split(1, 1, amount))
            .then_expect_error(WalletError::NotPositive);
    }
}

#[test]
fn an_emptied_batch_s_hold_stays_open_until_it_is_released() {
    let emptied = [open(), paid("5"), hold_batch(1, "2"), split(1, 1, "2")];
    let held_for = HeldFor::Batch(batch(1));
    assert_eq!(state::<Wallet>(emptied.clone()).hold(held_for).unwrap().left(), Credits::ZERO);
    given::<Wallet>(emptied).when(WalletCommand::Release { held_for, at: at(4) }).then_expect_events(vec![
        WalletEvent::CreditsReleased {
            held_for,
            amount: c("0"),
            parts: vec![],
            extended: vec![],
            posting: posting(Ledger::Held, Ledger::Available, "0"),
            after: after("3", "2"),
        },
    ]);
}

#[test]
fn a_capture_takes_from_the_lots_that_are_spent_first_and_names_the_rule() {
    given::<Wallet>([open(), paid("5"), free_until("1", 50), hold(1, "3")]).when(capture(1, "2")).then_expect_events(
        vec![WalletEvent::CreditsCaptured {
            held_for: HeldFor::Run(run(1)),
            amount: c("2"),
            parts: vec![part(2, "1"), part(1, "1")],
            rule: ChargingRule::Delivered,
            posting: posting(Ledger::Held, Ledger::Spent, "2"),
            after: after("3", "1"),
        }],
    );
}

#[test]
fn what_a_capture_leaves_stays_held_and_a_whole_capture_closes_the_hold() {
    let wallet = state::<Wallet>([open(), paid("5"), hold(1, "3"), capture(1, "2")]);
    assert_eq!(wallet.hold(HeldFor::Run(run(1))).unwrap().left(), c("1"));
    let wallet = state::<Wallet>([open(), paid("5"), hold(1, "3"), capture(1, "3")]);
    assert_eq!(wallet.holds().count(), 0);
}

#[test]
fn the_parts_and_kinds_of_a_capture_are_known_before_it() {
    let wallet =
        state::<Wallet>([open(), paid("5"), free_until("1", 50), lot(LotKind::Free, "1", 0, None), hold(1, "5")]);
    let parts = wallet.capture_parts(HeldFor::Run(run(1)), c("3"));
    assert_eq!(parts, [part(2, "1"), part(3, "1"), part(1, "1")]);
    let kinds =
        [RefundPart { kind: LotKind::Free, amount: c("2") }, RefundPart { kind: LotKind::Paid, amount: c("1") }];
    assert_eq!(wallet.kinds_of(&parts), kinds);
    assert_eq!(wallet.capture_parts(HeldFor::Run(run(2)), c("1")), []);
}

#[test]
fn a_capture_of_a_hold_that_is_not_open_is_refused() {
    given::<Wallet>([open(), paid("5")]).when(capture(1, "1")).then_expect_error(not_open(1));
    given::<Wallet>([open(), paid("5"), hold(1, "1"), capture(1, "1")])
        .when(capture(1, "1"))
        .then_expect_error(not_open(1));
    given::<Wallet>([open(), paid("5"), hold(1, "1"), release(1)]).when(capture(1, "1")).then_expect_error(not_open(1));
    given::<Wallet>([]).when(capture(1, "1")).then_expect_error(not_open(1));
}

#[test]
fn more_than_is_held_cannot_be_captured() {
    given::<Wallet>([open(), paid("5"), hold(1, "3"), capture(1, "1")])
        .when(capture(1, "2.5"))
        .then_expect_error(WalletError::HoldTooSmall { hold: HoldId(run(1).0), left: c("2"), asked: c("2.5") });
}

#[test]
fn a_capture_of_nothing_or_less_is_refused() {
    for amount in ["0", "-1"] {
        given::<Wallet>([open(), paid("5"), hold(1, "3")])
            .when(capture(1, amount))
            .then_expect_error(WalletError::NotPositive);
    }
}

#[test]
fn a_release_puts_what_is_left_back_into_the_lots_it_came_from() {
    given::<Wallet>([open(), paid("5"), free_until("1", 50), hold(1, "3"), capture(1, "0.5")])
        .when(release(1))
        .then_expect_events(vec![WalletEvent::CreditsReleased {
            held_for: HeldFor::Run(run(1)),
            amount: c("2.5"),
            parts: vec![part(2, "0.5"), part(1, "2")],
            extended: vec![],
            posting: posting(Ledger::Held, Ledger::Available, "2.5"),
            after: after("5.5", "0"),
        }]);
}

#[test]
fn a_release_of_a_hold_that_is_not_open_is_refused() {
    given::<Wallet>([open(), paid("5")]).when(release(1)).then_expect_error(not_open(1));
    given::<Wallet>([open(), paid("5"), hold(1, "3"), release(1)]).when(release(1)).then_expect_error(not_open(1));
    given::<Wallet>([open(), paid("5"), hold(1, "3"), capture(1, "3")]).when(release(1)).then_expect_error(not_open(1));
    given::<Wallet>([]).when(release(1)).then_expect_error(not_open(1));
}

#[test]
fn credits_released_into_an_expired_lot_live_a_day_more() {
    let until = at(20) + CreditWallet::EXPIRED_LOT_GRACE;
    let held = [open(), free_until("3", 10), hold(1, "2"), expire_at(10)];
    given::<Wallet>(held.clone()).when(release_at(1, 20)).then_expect_events(vec![WalletEvent::CreditsReleased {
        held_for: HeldFor::Run(run(1)),
        amount: c("2"),
        parts: vec![part(1, "2")],
        extended: vec![LotExtension { lot: 1, expires_at: until }],
        posting: posting(Ledger::Held, Ledger::Available, "2"),
        after: after("2", "0"),
    }]);
    let released = [held.to_vec(), vec![release_at(1, 20)]].concat();
    let wallet = state::<Wallet>(released);
    assert_eq!(wallet.balance(until - chrono::TimeDelta::microseconds(1)).free, c("2"));
    assert_eq!(wallet.balance(until).free, Credits::ZERO);
}

#[test]
fn a_lot_that_is_due_when_its_hold_is_released_expires_first_and_lives_on_by_what_came_back() {
    let events =
        given::<Wallet>([open(), free_until("3", 10), hold(1, "2")]).when(release_at(1, 20)).inspect_result().unwrap();
    assert!(matches!(events[0], WalletEvent::LotExpired { lot: 1, amount, .. } if amount == c("1")));
    assert!(matches!(&events[1], WalletEvent::CreditsReleased { extended, .. } if extended.len() == 1));
    assert_eq!(events[1].after(), after("2", "0"));
}

#[test]
fn what_comes_back_into_a_lot_that_lives_on_already_has_a_day_of_its_own() {
    let grace = CreditWallet::EXPIRED_LOT_GRACE;
    let hours = |n: i64| n * 3_600;
    let first_back = [open(), free_until("5", 10), hold(1, "2"), hold(2, "3"), expire_at(10), release_at(1, 20)];
    let second = release_at(2, hours(23));
    given::<Wallet>(first_back.clone()).when(second.clone()).then_expect_events(vec![WalletEvent::CreditsReleased {
        held_for: HeldFor::Run(run(2)),
        amount: c("3"),
        parts: vec![part(1, "3")],
        extended: vec![LotExtension { lot: 1, expires_at: at(hours(23)) + grace }],
        posting: posting(Ledger::Held, Ledger::Available, "3"),
        after: after("5", "0"),
    }]);
    let wallet = state::<Wallet>([&first_back[..], &[second]].concat());
    assert_eq!(wallet.balance(at(hours(46))).free, c("5"));
    assert_eq!(wallet.balance(at(hours(23)) + grace).free, Credits::ZERO);
}
