use crate::event_book::sample_id;
use crate::ids::{AccountId, GiftId};
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};
use crate::wallet::WalletOwner;

use super::*;

fn account(name: &str) -> WalletOwner {
    WalletOwner::Account(AccountId(sample_id(name)))
}

fn sent(to: &str, amount: &str) -> SentGift {
    let (from, to) = (account("giver"), account(to));
    SentGift {
        from,
        to,
        by: AccountId(sample_id("giver")),
        amount: c(amount),
        parts: vec![],
        fingerprint: Some("f".to_owned()),
        at: at(0),
    }
}

fn send(to: &str, amount: &str) -> GiftCommand {
    GiftCommand::Send(Box::new(sent(to, amount)))
}

const DELIVER: fn() -> GiftCommand = || GiftCommand::Deliver { at: at(1) };
const RETURN: fn() -> GiftCommand = || GiftCommand::Return { why: RefusedGift::Gone, at: at(1) };

fn take(gift: &str) -> ReceiptCommand {
    let (from, to) = (account("giver"), account("receiver"));
    ReceiptCommand::Take { gift: GiftId(sample_id(gift)), from, to, amount: c("5"), at: at(1) }
}

fn refuse(gift: &str) -> ReceiptCommand {
    ReceiptCommand::Refuse { gift: GiftId(sample_id(gift)), why: RefusedGift::Suspended, at: at(1) }
}

#[test]
fn a_gift_is_sent_once_and_ends_once() {
    said_twice_is_no_new_fact::<Gift>([], send("receiver", "5"));
    said_twice_is_no_new_fact::<Gift>([send("receiver", "5")], DELIVER());
    said_twice_is_no_new_fact::<Gift>([send("receiver", "5")], RETURN());
    given::<Gift>([send("receiver", "5"), DELIVER()]).when(RETURN()).then_expect_error(GiftError::Ended);
    given::<Gift>([send("receiver", "5"), RETURN()]).when(DELIVER()).then_expect_error(GiftError::Ended);
    given::<Gift>([]).when(DELIVER()).then_expect_error(GiftError::NotFound);
}

#[test]
fn a_gift_is_something_for_somebody_else() {
    given::<Gift>([]).when(send("giver", "5")).then_expect_error(GiftError::Oneself);
    given::<Gift>([]).when(send("receiver", "0")).then_expect_error(GiftError::NotPositive);
    given::<Gift>([]).when(send("receiver", "-1")).then_expect_error(GiftError::NotPositive);
    given::<Gift>([]).when(send("receiver", "0.999999")).then_expect_error(GiftError::TooLittle);
    given::<Gift>([send("receiver", "5")]).when(send("receiver", "6")).then_expect_error(GiftError::OtherGift);
    given::<Gift>([send("receiver", "5")]).when(send("other", "5")).then_expect_error(GiftError::OtherGift);
}

#[test]
fn a_gift_that_is_handed_over_twice_is_taken_or_refused_once() {
    said_twice_is_no_new_fact::<GiftReceipt>([], take("gift"));
    said_twice_is_no_new_fact::<GiftReceipt>([], refuse("gift"));
    given::<GiftReceipt>([refuse("gift")]).when(take("gift")).then_expect_events(vec![]);
    given::<GiftReceipt>([take("gift")]).when(refuse("gift")).then_expect_events(vec![]);
    given::<GiftReceipt>([take("gift")]).when(take("another")).then_expect_error(ReceiptError::OtherGift);
}

/// Every pair of states that the two sides can be in, and what is due then.
#[test]
fn what_is_due_follows_from_both_sides() {
    let sides = |gift: &[GiftCommand], receipt: &[ReceiptCommand]| {
        next_step(&state::<Gift>(gift.to_vec()), &state::<GiftReceipt>(receipt.to_vec()))
    };
    let sent = send("receiver", "5");
    let table: [(&[GiftCommand], &[ReceiptCommand], Option<GiftStep>); 9] = [
        (&[], &[], None),
        (&[], &[take("gift")], None),
        (std::slice::from_ref(&sent), &[], Some(GiftStep::Hand)),
        (std::slice::from_ref(&sent), &[take("gift")], Some(GiftStep::Settle)),
        (std::slice::from_ref(&sent), &[refuse("gift")], Some(GiftStep::Return(RefusedGift::Suspended))),
        (&[sent.clone(), DELIVER()], &[take("gift")], None),
        (&[sent.clone(), DELIVER()], &[], None),
        (&[sent.clone(), RETURN()], &[refuse("gift")], None),
        (&[sent.clone(), RETURN()], &[], None),
    ];
    for (gift, receipt, due) in table {
        assert_eq!(sides(gift, receipt), due, "{gift:?} {receipt:?}");
    }
}
