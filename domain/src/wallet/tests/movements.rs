//! Refunds, gifts, adjustments, chargebacks.

use super::*;

fn refund(parts: &[(LotKind, &str)]) -> WalletCommand {
    let parts = parts.iter().map(|(kind, amount)| RefundPart { kind: *kind, amount: c(amount) }).collect();
    WalletCommand::Refund { run: run(1), parts, reason: Some("not as described".into()), at: at(5) }
}

fn give(amount: &str) -> WalletCommand {
    WalletCommand::Gift { gift: gift(), to: friend(), amount: c(amount), at: at(5) }
}

fn adjust(amount: &str) -> WalletCommand {
    WalletCommand::Adjust { amount: c(amount), reason: "granted by mistake".into(), at: at(5) }
}

fn charge_back(amount: &str) -> WalletCommand {
    WalletCommand::ChargeBack { payment: payment(), how: Reversal::Chargeback, amount: c(amount), at: at(5) }
}

#[test]
fn a_refund_makes_a_lot_of_each_kind_that_had_paid() {
    let new = |lot, kind, amount| NewLot { lot, kind, amount: c(amount), expires_at: None };
    given::<Wallet>([open(), paid("5"), hold(1, "5"), capture(1, "5")])
        .when(refund(&[(LotKind::Free, "1"), (LotKind::Paid, "2")]))
        .then_expect_events(vec![WalletEvent::CreditsRefunded {
            run: run(1),
            amount: c("3"),
            lots: vec![new(2, LotKind::Free, "1"), new(3, LotKind::Paid, "2")],
            reason: Some("not as described".into()),
            posting: posting(Ledger::Spent, Ledger::Available, "3"),
            after: after("3", "0"),
        }]);
}

#[test]
fn a_refund_of_nothing_or_with_an_empty_part_is_refused() {
    for parts in [&[][..], &[(LotKind::Paid, "0")], &[(LotKind::Paid, "2"), (LotKind::Free, "-1")]] {
        given::<Wallet>([open()]).when(refund(parts)).then_expect_error(WalletError::NotPositive);
    }
}

#[test]
fn a_refund_that_would_overfill_the_wallet_is_refused() {
    let full = Credits::MAX.to_string();
    given::<Wallet>([open(), paid(&full)])
        .when(refund(&[(LotKind::Paid, "1")]))
        .then_expect_error(WalletError::TooMuch);
}

#[test]
fn a_gift_leaves_the_wallet_in_the_order_of_spending() {
    given::<Wallet>([open(), paid("5"), free_until("1", 50)]).when(give("2")).then_expect_events(vec![
        WalletEvent::CreditsGifted {
            gift: gift(),
            to: friend(),
            amount: c("2"),
            parts: vec![part(2, "1"), part(1, "1")],
            posting: posting(Ledger::Available, Ledger::Transferred, "2"),
            after: after("4", "0"),
        },
    ]);
}

#[test]
fn an_adjustment_takes_credits_and_says_why() {
    given::<Wallet>([open(), paid("5")]).when(adjust("2")).then_expect_events(vec![WalletEvent::CreditsAdjusted {
        amount: c("2"),
        parts: vec![part(1, "2")],
        reason: "granted by mistake".into(),
        posting: posting(Ledger::Available, Ledger::Adjusted, "2"),
        after: after("3", "0"),
    }]);
}

#[test]
fn neither_a_gift_nor_an_adjustment_can_take_more_than_is_available() {
    for command in [give("3"), adjust("3")] {
        given::<Wallet>([open(), paid("5"), hold(1, "3")])
            .when(command)
            .then_expect_error(WalletError::Insufficient { needed: c("3"), available: c("2") });
    }
}

#[test]
fn gifts_adjustments_and_chargebacks_of_nothing_or_less_are_refused() {
    for amount in ["0", "-1"] {
        for command in [give(amount), adjust(amount), charge_back(amount)] {
            given::<Wallet>([open(), paid("5")]).when(command).then_expect_error(WalletError::NotPositive);
        }
    }
}

#[test]
fn a_chargeback_takes_paid_credits_before_what_the_house_gave() {
    given::<Wallet>([open(), free_until("2", 50), paid("5")]).when(charge_back("6")).then_expect_events(vec![
        WalletEvent::PaymentChargedBack {
            payment: payment(),
            how: Reversal::Chargeback,
            amount: c("6"),
            parts: vec![part(2, "5"), part(1, "1")],
            receivable: c("0"),
            posting: Some(posting(Ledger::Available, Ledger::IssuedPaid, "6")),
            owed: None,
            after: after("1", "0"),
        },
    ]);
}

#[test]
fn a_payment_that_is_taken_back_gives_its_own_lot_before_others_that_were_bought() {
    let bought = |payment, amount| {
        let source = GrantSource::Purchase { payment };
        WalletCommand::Grant {
            kind: LotKind::Paid,
            amount: c(amount),
            priority: 0,
            expires_at: None,
            source,
            at: at(0),
        }
    };
    let another = PaymentId(Uuid::from_u128(5 << 64));
    let command = WalletCommand::ChargeBack { payment: payment(), how: Reversal::Refunded, amount: c("9"), at: at(5) };
    let held = [open(), free_until("2", 50), bought(another, "5"), bought(payment(), "3"), paid("2")];
    let events = given::<Wallet>(held).when(command).inspect_result().unwrap();
    assert!(matches!(
        &events[..],
        [WalletEvent::PaymentChargedBack { how: Reversal::Refunded, parts, .. }]
            if *parts == [part(3, "3"), part(2, "5"), part(4, "1")]
    ));
}

#[test]
fn a_grant_of_the_operators_that_is_taken_back_gives_its_own_lot_first() {
    let source = GrantSource::Operator { reason: "goodwill".into(), payment: Some(payment()) };
    let kind = LotKind::Free;
    let granted = WalletCommand::Grant { kind, amount: c("3"), priority: 0, expires_at: None, source, at: at(0) };
    let events = given::<Wallet>([open(), paid("5"), granted]).when(charge_back("4")).inspect_result().unwrap();
    assert!(matches!(
        &events[..],
        [WalletEvent::PaymentChargedBack { parts, .. }] if *parts == [part(2, "3"), part(1, "1")]
    ));
}

#[test]
fn nobody_owes_more_than_can_be_counted() {
    let full = Credits::MAX.to_string();
    let spent = [open(), paid(&full), give(&full), charge_back(&full)];
    given::<Wallet>(spent).when(charge_back("0.000001")).then_expect_error(WalletError::OwesTooMuch);
}

#[test]
fn what_was_spent_and_is_charged_back_is_owed_and_the_balance_never_negative() {
    let spent = [open(), paid("5"), hold(1, "4"), capture(1, "4")];
    given::<Wallet>(spent.clone()).when(charge_back("5")).then_expect_events(vec![WalletEvent::PaymentChargedBack {
        payment: payment(),
        how: Reversal::Chargeback,
        amount: c("5"),
        parts: vec![part(1, "1")],
        receivable: c("4"),
        posting: Some(posting(Ledger::Available, Ledger::IssuedPaid, "1")),
        owed: Some(posting(Ledger::Receivable, Ledger::IssuedPaid, "4")),
        after: after("0", "0"),
    }]);
    let balance = state::<Wallet>([spent.to_vec(), vec![charge_back("5")]].concat()).balance(at(6));
    assert_eq!((balance.available, balance.receivable), (Credits::ZERO, c("4")));
}

#[test]
fn a_chargeback_leaves_open_holds_alone() {
    let events = given::<Wallet>([open(), paid("5"), hold(1, "5")]).when(charge_back("5")).inspect_result().unwrap();
    assert!(matches!(
        &events[..],
        [WalletEvent::PaymentChargedBack { posting: None, owed: Some(_), parts, .. }] if parts.is_empty()
    ));
    assert_eq!(events[0].after(), after("0", "5"));
}

#[test]
fn both_sides_of_every_posting_can_be_read_from_the_event() {
    let events = history::<Wallet>([open(), paid("5"), hold(1, "5"), charge_back("5"), release(1)]);
    let postings: Vec<Posting> = events.iter().flat_map(WalletEvent::postings).collect();
    let expected = [
        posting(Ledger::IssuedPaid, Ledger::Available, "5"),
        posting(Ledger::Available, Ledger::Held, "5"),
        posting(Ledger::Receivable, Ledger::IssuedPaid, "5"),
        posting(Ledger::Held, Ledger::Available, "5"),
        posting(Ledger::Available, Ledger::Receivable, "5"),
    ];
    assert_eq!(postings, expected);
}

#[test]
fn what_comes_back_or_comes_in_pays_what_is_owed_first() {
    let owing = [open(), paid("10"), hold(1, "10"), charge_back("10")];
    let released = given::<Wallet>(owing.clone()).when(release(1)).inspect_result().unwrap();
    let paid_event = |amount, lot, left, after| WalletEvent::ReceivablePaid {
        amount: c(amount),
        parts: vec![part(lot, amount)],
        left: c(left),
        posting: posting(Ledger::Available, Ledger::Receivable, amount),
        after,
    };
    assert_eq!(released[1..], [paid_event("10", 1, "0", after("0", "0"))]);

    let spent = [&owing[..], &[capture(1, "10")]].concat();
    let granted = given::<Wallet>([&spent[..], &[]].concat()).when(paid("4")).inspect_result().unwrap();
    assert_eq!(granted[1..], [paid_event("4", 2, "6", after("0", "0"))]);
    let refunded = given::<Wallet>([&spent[..], &[paid("4")]].concat()).when(refund(&[(LotKind::Paid, "7")]));
    assert_eq!(refunded.inspect_result().unwrap()[1..], [paid_event("6", 3, "0", after("1", "0"))]);
    let balance = state::<Wallet>([&spent[..], &[paid("4"), refund(&[(LotKind::Paid, "7")])]].concat()).balance(at(6));
    assert_eq!((balance.available, balance.receivable), (c("1"), Credits::ZERO));
}
