//! Opening, granting, the order of spending, expiry.

use super::*;

#[test]
fn a_wallet_is_opened_for_its_owner() {
    given::<Wallet>([]).when(open()).then_expect_events(vec![WalletEvent::Opened { owner: owner() }]);
}

#[test]
fn opening_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Wallet>([], open());
}

#[test]
fn a_wallet_never_changes_its_owner() {
    let other = WalletCommand::Open { owner: WalletOwner::Account(AccountId(friend().0)) };
    given::<Wallet>([open()]).when(other).then_expect_error(WalletError::OtherOwner);
}

#[test]
fn nothing_moves_in_a_wallet_that_was_not_opened() {
    let parts = vec![RefundPart { kind: LotKind::Paid, amount: c("1") }];
    for command in [
        paid("1"),
        hold(1, "1"),
        WalletCommand::Refund { run: run(1), parts, reason: None, at: at(1) },
        WalletCommand::Gift { gift: gift(), to: friend(), amount: c("1"), at: at(1) },
        WalletCommand::Adjust { amount: c("1"), reason: "r".into(), at: at(1) },
        WalletCommand::ChargeBack { payment: payment(), how: Reversal::Chargeback, amount: c("1"), at: at(1) },
        expire_at(1),
    ] {
        given::<Wallet>([]).when(command).then_expect_error(WalletError::NotOpen);
    }
}

#[test]
fn a_grant_makes_a_lot_and_posts_from_where_the_credits_came() {
    let bonus = crate::ids::BonusId(uuid::Uuid::from_u128(7));
    let sources = [
        (LotKind::Paid, GrantSource::Purchase { payment: payment() }, Ledger::IssuedPaid),
        (
            LotKind::Free,
            GrantSource::Bonus { bonus, kind: BonusKind::Daily, period: "2026-11-22".into() },
            Ledger::IssuedFree,
        ),
        (LotKind::Earned, GrantSource::Gift { gift: gift(), from: friend() }, Ledger::Transferred),
        (LotKind::Paid, GrantSource::GiftReturned { gift: gift() }, Ledger::Transferred),
        (LotKind::Earned, operator(), Ledger::Adjusted),
        (LotKind::Free, operator(), Ledger::IssuedFree),
        (LotKind::Paid, operator(), Ledger::IssuedPaid),
    ];
    for (kind, source, from) in sources {
        let (amount, priority, expires_at) = (c("2.5"), 4, Some(at(100)));
        let command = WalletCommand::Grant { kind, amount, priority, expires_at, source: source.clone(), at: at(0) };
        given::<Wallet>([open()]).when(command).then_expect_events(vec![WalletEvent::LotGranted {
            lot: 1,
            kind,
            amount,
            priority,
            expires_at,
            source,
            posting: posting(from, Ledger::Available, "2.5"),
            after: after("2.5", "0"),
        }]);
    }
}

#[test]
fn a_grant_of_nothing_or_less_is_refused() {
    for amount in ["0", "-1"] {
        given::<Wallet>([open()]).when(paid(amount)).then_expect_error(WalletError::NotPositive);
    }
}

#[test]
fn a_lot_that_would_be_expired_before_it_could_be_spent_is_refused() {
    for second in [-1, 0] {
        given::<Wallet>([open()]).when(free_until("1", second)).then_expect_error(WalletError::ExpiryInPast);
    }
}

#[test]
fn a_wallet_holds_no_more_than_can_be_counted() {
    let full = WalletCommand::Grant {
        kind: LotKind::Paid,
        amount: Credits::MAX,
        priority: 0,
        expires_at: None,
        source: operator(),
        at: at(0),
    };
    given::<Wallet>([open(), full.clone()]).when(paid("0.000001")).then_expect_error(WalletError::TooMuch);
    // What is held counts, too.
    given::<Wallet>([open(), full, hold(1, "7")]).when(paid("0.000001")).then_expect_error(WalletError::TooMuch);
}

#[test]
fn a_wallet_keeps_no_more_open_lots_than_its_limit() {
    let max = CreditWallet::OPEN_LOTS_MAX;
    let mut wallet = state::<Wallet>([open()]);
    for n in 1..=u32::try_from(max).unwrap() {
        let lot = WalletEvent::LotGranted {
            lot: n,
            kind: LotKind::Free,
            amount: c("1"),
            priority: 0,
            expires_at: None,
            source: operator(),
            posting: posting(Ledger::IssuedFree, Ledger::Available, "1"),
            after: After::default(),
        };
        cqrs_es::Aggregate::apply(&mut wallet, lot);
    }
    use crate::es::Aggregate;
    assert_eq!(wallet.decide(paid("1")), Err(WalletError::TooManyLots { max }));
    let refund = vec![RefundPart { kind: LotKind::Paid, amount: c("1") }];
    let refund = WalletCommand::Refund { run: run(1), parts: refund, reason: None, at: at(1) };
    assert_eq!(wallet.decide(refund), Err(WalletError::TooManyLots { max }));
}

#[test]
fn lots_are_spent_by_priority_before_all_else() {
    let lots = vec![open(), lot(LotKind::Free, "1", 1, Some(at(9))), lot(LotKind::Paid, "1", 0, None)];
    assert_eq!(taken(lots, "1"), [part(2, "1")]);
}

#[test]
fn of_one_priority_the_earliest_expiry_is_spent_first_and_what_never_expires_last() {
    let lots =
        vec![open(), lot(LotKind::Free, "1", 0, None), free_until("1", 20), lot(LotKind::Paid, "1", 0, Some(at(10)))];
    assert_eq!(taken(lots, "3"), [part(3, "1"), part(2, "1"), part(1, "1")]);
}

#[test]
fn of_one_expiry_free_is_spent_before_earned_before_paid() {
    let lots = vec![open(), paid("1"), lot(LotKind::Earned, "1", 0, None), lot(LotKind::Free, "1", 0, None)];
    assert_eq!(taken(lots, "2.5"), [part(3, "1"), part(2, "1"), part(1, "0.5")]);
}

#[test]
fn of_equal_lots_the_oldest_is_spent_first() {
    assert_eq!(taken(vec![open(), paid("1"), paid("1")], "1.25"), [part(1, "1"), part(2, "0.25")]);
}

#[test]
fn a_due_lot_expires_at_its_moment_and_not_before() {
    given::<Wallet>([open(), free_until("3", 10)]).when(expire_at(9)).then_expect_events(vec![]);
    given::<Wallet>([open(), free_until("3", 10), paid("1")]).when(expire_at(12)).then_expect_events(vec![
        WalletEvent::LotExpired {
            lot: 1,
            amount: c("3"),
            effective_at: at(10),
            posting: Some(posting(Ledger::Available, Ledger::Expired, "3")),
            after: after("1", "0"),
        },
    ]);
}

#[test]
fn expiring_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Wallet>([open(), free_until("3", 10)], expire_at(10));
}

#[test]
fn every_decision_first_expires_what_is_due() {
    let given_lots = [open(), free_until("3", 10), paid("5")];
    let events = given::<Wallet>(given_lots.clone()).when(hold_at(1, "4", 10)).inspect_result().unwrap();
    assert!(matches!(events[0], WalletEvent::LotExpired { lot: 1, .. }));
    assert!(matches!(&events[1], WalletEvent::CreditsHeld { parts, .. } if *parts == [part(2, "4")]));
    assert_eq!(events.len(), 2);
    given::<Wallet>(given_lots)
        .when(hold_at(1, "6", 10))
        .then_expect_error(WalletError::Insufficient { needed: c("6"), available: c("5") });
}

#[test]
fn a_due_lot_that_is_all_held_expires_without_a_posting_and_its_hold_stays() {
    given::<Wallet>([open(), free_until("3", 10), hold(1, "3")]).when(expire_at(10)).then_expect_events(vec![
        WalletEvent::LotExpired { lot: 1, amount: c("0"), effective_at: at(10), posting: None, after: after("0", "3") },
    ]);
}

#[test]
fn a_lot_is_dropped_once_nothing_of_it_is_left_or_held() {
    let wallet = state::<Wallet>([open(), free_until("3", 10), hold(1, "2"), expire_at(10)]);
    assert_eq!(wallet.lots().count(), 1);
    let wallet = state::<Wallet>([open(), free_until("3", 10), hold(1, "2"), expire_at(10), capture(1, "2")]);
    assert_eq!(wallet.lots().count(), 0);
}

#[test]
fn lots_are_numbered_on_after_earlier_ones_are_gone() {
    let spent = [open(), paid("1"), hold(1, "1"), capture(1, "1"), paid("2")];
    let wallet = state::<Wallet>(spent);
    assert_eq!(wallet.lots().map(|(number, _)| number).collect::<Vec<_>>(), [2]);
}
