//! Given, when, then: every command and every refusal of the wallet.

mod holds;
mod lots;
mod movements;

use uuid::Uuid;

use super::*;
use crate::ids::{AccountId, BatchId, GiftId, PartyId, PaymentId, RunId};
use crate::money::ChargingRule;
use crate::payment::Reversal;
use crate::testing::{at, c, given, history, said_twice_is_no_new_fact, state};
use crate::{Credits, Timestamp};

type Wallet = CreditWallet;

fn owner() -> WalletOwner {
    WalletOwner::Account(AccountId(Uuid::from_u128(1)))
}

fn run(n: u128) -> RunId {
    RunId(Uuid::from_u128((1 << 64) + n))
}

fn batch(n: u128) -> BatchId {
    BatchId(Uuid::from_u128((2 << 64) + n))
}

fn payment() -> PaymentId {
    PaymentId(Uuid::from_u128(3 << 64))
}

fn gift() -> GiftId {
    GiftId(Uuid::from_u128(4 << 64))
}

fn friend() -> PartyId {
    AccountId(Uuid::from_u128(2)).into()
}

fn open() -> WalletCommand {
    WalletCommand::Open { owner: owner() }
}

fn operator() -> GrantSource {
    GrantSource::Operator { reason: "trial".into(), payment: None }
}

/// A lot granted at second 0.
fn lot(kind: LotKind, amount: &str, priority: i16, expires_at: Option<Timestamp>) -> WalletCommand {
    WalletCommand::Grant { kind, amount: c(amount), priority, expires_at, source: operator(), at: at(0) }
}

fn paid(amount: &str) -> WalletCommand {
    lot(LotKind::Paid, amount, 0, None)
}

fn free_until(amount: &str, second: i64) -> WalletCommand {
    lot(LotKind::Free, amount, 0, Some(at(second)))
}

fn hold_at(n: u128, amount: &str, second: i64) -> WalletCommand {
    WalletCommand::Hold { held_for: HeldFor::Run(run(n)), amount: c(amount), at: at(second) }
}

fn hold(n: u128, amount: &str) -> WalletCommand {
    hold_at(n, amount, 1)
}

fn hold_batch(n: u128, amount: &str) -> WalletCommand {
    WalletCommand::Hold { held_for: HeldFor::Batch(batch(n)), amount: c(amount), at: at(1) }
}

fn split(from: u128, to: u128, amount: &str) -> WalletCommand {
    WalletCommand::Split { batch: batch(from), run: run(to), amount: c(amount), at: at(2) }
}

fn capture(n: u128, amount: &str) -> WalletCommand {
    let rule = ChargingRule::Delivered;
    WalletCommand::Capture { held_for: HeldFor::Run(run(n)), amount: c(amount), rule, at: at(3) }
}

fn release_at(n: u128, second: i64) -> WalletCommand {
    WalletCommand::Release { held_for: HeldFor::Run(run(n)), at: at(second) }
}

fn release(n: u128) -> WalletCommand {
    release_at(n, 3)
}

fn expire_at(second: i64) -> WalletCommand {
    WalletCommand::ExpireDue { at: at(second) }
}

fn part(lot: LotNumber, amount: &str) -> Part {
    Part { lot, amount: c(amount) }
}

fn posting(from: Ledger, to: Ledger, amount: &str) -> Posting {
    Posting { from, to, amount: c(amount) }
}

fn after(available: &str, held: &str) -> After {
    After { available: c(available), held: c(held) }
}

/// Of which lots the next hold of `amount` would be.
fn taken(commands: Vec<WalletCommand>, amount: &str) -> Vec<Part> {
    let mut commands = commands;
    commands.push(hold(99, amount));
    let wallet = state::<Wallet>(commands);
    wallet.hold(HeldFor::Run(run(99))).unwrap().parts.clone()
}

#[test]
fn every_event_names_its_frozen_type_in_the_order_of_the_enum() {
    use cqrs_es::DomainEvent;
    let opened = WalletEvent::Opened { owner: owner() };
    assert_eq!(opened.event_type(), "credit_wallet.opened");
    assert_eq!(opened.after(), After::default());
    assert_eq!(opened.postings(), vec![]);
}

#[test]
fn ledgers_and_holds_are_written_in_snake_case() {
    assert_eq!(serde_json::to_string(&Ledger::IssuedPaid).unwrap(), "\"issued_paid\"");
    let held_for = serde_json::to_value(HeldFor::Run(run(1))).unwrap();
    assert_eq!(held_for, serde_json::json!({"run": run(1).0.to_string()}));
}

#[test]
fn a_wallet_weighs_more_with_every_lot_and_hold() {
    use crate::es::Aggregate;
    let mut commands = vec![open()];
    let empty = state::<Wallet>(commands.clone()).weight();
    commands.push(paid("5"));
    let with_lot = state::<Wallet>(commands.clone()).weight();
    commands.push(hold(1, "5"));
    let with_hold = state::<Wallet>(commands).weight();
    assert!(empty < with_lot && with_lot < with_hold);
}

#[test]
fn the_balance_counts_due_lots_as_expired_before_that_is_recorded() {
    let wallet = state::<Wallet>([
        open(),
        paid("5"),
        free_until("3", 10),
        lot(LotKind::Earned, "2", 9, None),
        hold_batch(1, "1"),
    ]);
    let before = Balance {
        available: c("9"),
        held: c("1"),
        paid: c("5"),
        free: c("2"),
        earned: c("2"),
        receivable: Credits::ZERO,
    };
    assert_eq!(wallet.balance(at(9)), before);
    assert_eq!(wallet.balance(at(10)), Balance { available: c("7"), free: Credits::ZERO, ..before });
    assert_eq!(wallet.owner(), Some(owner()));
    assert_eq!(wallet.lots().count(), 3);
    assert_eq!(wallet.holds().map(Hold::left).sum::<Credits>(), c("1"));
}
