//! Given, when, then: every command and every refusal of a payment.

use super::*;
use crate::event_book::sample_id;
use crate::ids::AccountId;
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};

fn wallet() -> WalletId {
    AccountId(sample_id("account")).wallet()
}

fn receive(credits: &str) -> PaymentCommand {
    PaymentCommand::Receive {
        wallet: wallet(),
        credits: c(credits),
        source: "stripe".into(),
        paid: Some("9.99".into()),
        currency: Some("EUR".into()),
        at: at(0),
    }
}

fn charge_back(credits: &str, reference: &str) -> PaymentCommand {
    PaymentCommand::ChargeBack { credits: c(credits), reference: reference.into(), at: at(1) }
}

#[test]
fn a_payment_says_who_tells_of_it_and_what_was_paid() {
    given::<Payment>([]).when(receive("100")).then_expect_events(vec![PaymentEvent::Received {
        wallet: wallet(),
        credits: c("100"),
        source: "stripe".into(),
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
fn a_payment_s_id_stands_for_one_wallet_and_amount() {
    given::<Payment>([receive("100")]).when(receive("101")).then_expect_error(PaymentError::OtherPayment);
    let elsewhere = PaymentCommand::Receive {
        wallet: AccountId(sample_id("friend")).wallet(),
        credits: c("100"),
        source: "stripe".into(),
        paid: None,
        currency: None,
        at: at(0),
    };
    given::<Payment>([receive("100")]).when(elsewhere).then_expect_error(PaymentError::OtherPayment);
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
    given::<Payment>([receive("100")])
        .when(charge_back("60", "dp_1"))
        .then_expect_events(vec![PaymentEvent::ChargedBack { credits: c("60"), reference: "dp_1".into(), at: at(1) }]);
    given::<Payment>([receive("100"), charge_back("60", "dp_1")])
        .when(charge_back("41", "dp_2"))
        .then_expect_error(PaymentError::TooMuch { asked: c("41"), left: c("40") });
}

#[test]
fn a_chargeback_s_reference_stands_for_one_amount() {
    given::<Payment>([receive("100"), charge_back("60", "dp_1")])
        .when(charge_back("40", "dp_1"))
        .then_expect_error(PaymentError::OtherPayment);
}
