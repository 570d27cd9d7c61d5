//! Given, when, then: every command and every refusal of a payment.

use super::*;
use crate::event_book::sample_id;
use crate::ids::AccountId;
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};

fn wallet() -> WalletId {
    AccountId(sample_id("account")).wallet()
}

fn received(credits: &str) -> ReceivedPayment {
    ReceivedPayment {
        wallet: wallet(),
        credits: c(credits),
        source: "processor".into(),
        reference: Some("pi_1".into()),
        paid: Some("9.99".into()),
        currency: Some("EUR".into()),
    }
}

fn receive(credits: &str) -> PaymentCommand {
    PaymentCommand::Receive { received: received(credits), at: at(0) }
}

fn reversed(credits: &str, how: Reversal, reference: &str) -> ReversedPayment {
    let (paid_back, currency) = (Some("5".into()), Some("EUR".into()));
    ReversedPayment { credits: c(credits), how, reference: reference.into(), paid_back, currency }
}

fn refund(credits: &str, reference: &str) -> PaymentCommand {
    PaymentCommand::Reverse { reversed: reversed(credits, Reversal::Refunded, reference), at: at(1) }
}

fn charge_back(credits: &str, reference: &str) -> PaymentCommand {
    PaymentCommand::Reverse { reversed: reversed(credits, Reversal::Chargeback, reference), at: at(1) }
}

#[test]
fn a_payment_says_who_tells_of_it_and_what_was_paid() {
    given::<Payment>([]).when(receive("100")).then_expect_events(vec![PaymentEvent::Received {
        wallet: wallet(),
        credits: c("100"),
        source: "processor".into(),
        reference: Some("pi_1".into()),
        paid: Some("9.99".into()),
        currency: Some("EUR".into()),
        at: at(0),
    }]);
    let payment = state::<Payment>([receive("100")]);
    assert_eq!((payment.wallet(), payment.credits()), (Some(wallet()), c("100")));
}

#[test]
fn a_payment_said_twice_is_no_new_fact() {
    said_twice_is_no_new_fact::<Payment>([], receive("100"));
    said_twice_is_no_new_fact::<Payment>([receive("100")], charge_back("60", "dp_1"));
}

#[test]
fn a_payment_s_id_stands_for_one_wallet_and_one_content() {
    given::<Payment>([receive("100")]).when(receive("101")).then_expect_error(PaymentError::OtherPayment);
    let elsewhere = AccountId(sample_id("friend")).wallet();
    for other in [
        ReceivedPayment { wallet: elsewhere, ..received("100") },
        ReceivedPayment { paid: Some("9.98".into()), ..received("100") },
        ReceivedPayment { currency: Some("USD".into()), ..received("100") },
    ] {
        let other = PaymentCommand::Receive { received: other, at: at(2) };
        given::<Payment>([receive("100")]).when(other).then_expect_error(PaymentError::OtherPayment);
    }
    // Nor is it received anew once it was taken back.
    given::<Payment>([receive("100"), refund("100", "re_1")]).when(receive("100")).then_expect_events(vec![]);
}

#[test]
fn a_payment_or_chargeback_of_nothing_or_less_is_refused() {
    for amount in ["0", "-1"] {
        given::<Payment>([]).when(receive(amount)).then_expect_error(PaymentError::NotPositive);
        given::<Payment>([receive("100")])
            .when(charge_back(amount, "dp_1"))
            .then_expect_error(PaymentError::NotPositive);
    }
}

#[test]
fn only_what_was_received_is_charged_back() {
    given::<Payment>([]).when(charge_back("1", "dp_1")).then_expect_error(PaymentError::NotFound);
    given::<Payment>([receive("100")]).when(charge_back("60", "dp_1")).then_expect_events(vec![
        PaymentEvent::ChargedBack {
            credits: c("60"),
            how: Reversal::Chargeback,
            reference: "dp_1".into(),
            paid_back: Some("5".into()),
            currency: Some("EUR".into()),
            at: at(1),
        },
    ]);
    for before in [charge_back("60", "dp_1"), refund("60", "re_1")] {
        let too_much = PaymentError::TooMuch { asked: c("41"), left: c("40") };
        let given = || given::<Payment>([receive("100"), before.clone()]);
        given().when(charge_back("41", "dp_2")).then_expect_error(too_much.clone());
        given().when(refund("41", "re_2")).then_expect_error(too_much);
        let taken_back = state::<Payment>([receive("100"), before.clone(), charge_back("40", "dp_2")]);
        assert_eq!((taken_back.left(), taken_back.reversed().len()), (c("0"), 2));
    }
}

#[test]
fn an_act_s_reference_stands_for_one_content_among_acts_of_its_kind() {
    let given = || given::<Payment>([receive("100"), charge_back("60", "1")]);
    given().when(charge_back("40", "1")).then_expect_error(PaymentError::OtherReversal);
    let other = ReversedPayment { paid_back: None, ..reversed("60", Reversal::Chargeback, "1") };
    let other = PaymentCommand::Reverse { reversed: other, at: at(2) };
    given().when(other).then_expect_error(PaymentError::OtherReversal);
    said_twice_is_no_new_fact::<Payment>([receive("100"), charge_back("60", "1")], refund("40", "1"));
}

#[test]
fn a_payment_is_taken_back_in_so_many_parts_at_most() {
    let parts = (0..Payment::REVERSALS_MAX).map(|part| refund("1", &part.to_string()));
    let commands: Vec<PaymentCommand> = [receive("1000")].into_iter().chain(parts).collect();
    let mut full = Payment::default();
    for command in commands {
        for event in es::Aggregate::decide(&full, command).unwrap() {
            cqrs_es::Aggregate::apply(&mut full, event);
        }
    }
    let max = Payment::REVERSALS_MAX;
    assert_eq!(es::Aggregate::decide(&full, refund("1", "one more")), Err(PaymentError::TooManyReversals { max }));
    assert_eq!(es::Aggregate::decide(&full, refund("1", "0")), Ok(vec![]));
}
