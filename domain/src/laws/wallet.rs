//! The wallet alone, on random commands.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::replay::Books;
use crate::es::{Acting, Aggregate, StreamRef, Unit};
use crate::ids::{AccountId, BatchId, GiftId, PaymentId, RunId, WalletId};
use crate::money::ChargingRule;
use crate::payment::Reversal;
use crate::testing::at;
use crate::wallet::{
    CreditWallet, GrantSource, HeldFor, Ledger, Lot, LotKind, LotNumber, Part, RefundPart, WalletCommand, WalletError,
    WalletEvent, WalletOwner,
};
use crate::{Credits, Shard, Timestamp};

/// What is done next, before names and the moment are filled in.
#[derive(Clone, Debug)]
enum Step {
    Grant { kind: LotKind, amount: Credits, priority: i16, lives: Option<i64> },
    Hold { name: u8, amount: Credits },
    HoldBatch { name: u8, amount: Credits },
    Split { batch: u8, name: u8, amount: Credits },
    Capture { name: u8, amount: Credits },
    Release { name: u8 },
    ReleaseBatch { name: u8 },
    Refund { kind: LotKind, amount: Credits },
    Gift { amount: Credits },
    Adjust { amount: Credits },
    Buy { payment: u8, amount: Credits },
    ChargeBack { payment: u8, amount: Credits },
    ExpireDue,
    Wait { seconds: i64 },
}

/// Up to 20 credits, in steps of a quarter of a millionth's worth of trouble: odd places on purpose.
fn amounts() -> impl Strategy<Value = Credits> {
    prop_oneof![
        3 => (1u32..20).prop_map(Credits::whole),
        1 => (1i64..20_000_000).prop_map(|millionths| Credits::new(rust_decimal::Decimal::new(millionths, 6)).unwrap()),
    ]
}

fn kinds() -> impl Strategy<Value = LotKind> {
    prop_oneof![Just(LotKind::Free), Just(LotKind::Earned), Just(LotKind::Paid)]
}

fn steps() -> impl Strategy<Value = Step> {
    let grant = (kinds(), amounts(), -1i16..2, prop::option::of(1i64..200));
    prop_oneof![
        4 => grant.prop_map(|(kind, amount, priority, lives)| Step::Grant { kind, amount, priority, lives }),
        5 => (0u8..6, amounts()).prop_map(|(name, amount)| Step::Hold { name, amount }),
        2 => (0u8..3, amounts()).prop_map(|(name, amount)| Step::HoldBatch { name, amount }),
        3 => (0u8..3, 0u8..6, amounts()).prop_map(|(batch, name, amount)| Step::Split { batch, name, amount }),
        4 => (0u8..6, amounts()).prop_map(|(name, amount)| Step::Capture { name, amount }),
        4 => (0u8..6).prop_map(|name| Step::Release { name }),
        1 => (0u8..3).prop_map(|name| Step::ReleaseBatch { name }),
        1 => (kinds(), amounts()).prop_map(|(kind, amount)| Step::Refund { kind, amount }),
        1 => amounts().prop_map(|amount| Step::Gift { amount }),
        1 => amounts().prop_map(|amount| Step::Adjust { amount }),
        2 => (0u8..3, amounts()).prop_map(|(payment, amount)| Step::ChargeBack { payment, amount }),
        2 => (0u8..3, amounts()).prop_map(|(payment, amount)| Step::Buy { payment, amount }),
        1 => Just(Step::ExpireDue),
        4 => (1i64..90_000).prop_map(|seconds| Step::Wait { seconds }),
        4 => (1i64..60).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

fn run(name: u8) -> RunId {
    RunId(Uuid::from_u128((1 << 64) + u128::from(name)))
}

fn batch(name: u8) -> BatchId {
    BatchId(Uuid::from_u128((2 << 64) + u128::from(name)))
}

fn payment(name: u8) -> PaymentId {
    PaymentId(Uuid::from_u128((3 << 64) + u128::from(name)))
}

impl Step {
    fn command(&self, at: Timestamp) -> Option<WalletCommand> {
        let rule = ChargingRule::Delivered;
        Some(match *self {
            Step::Grant { kind, amount, priority, lives } => {
                let expires_at = lives.map(|seconds| at + TimeDelta::seconds(seconds));
                let source = GrantSource::Operator { reason: "law".into(), payment: None };
                WalletCommand::Grant { kind, amount, priority, expires_at, source, at }
            }
            Step::Hold { name, amount } => WalletCommand::Hold { held_for: HeldFor::Run(run(name)), amount, at },
            Step::HoldBatch { name, amount } => {
                WalletCommand::Hold { held_for: HeldFor::Batch(batch(name)), amount, at }
            }
            Step::Split { batch: from, name, amount } => {
                WalletCommand::Split { batch: batch(from), run: run(name), amount, at }
            }
            Step::Capture { name, amount } => {
                WalletCommand::Capture { held_for: HeldFor::Run(run(name)), amount, rule, at }
            }
            Step::Release { name } => WalletCommand::Release { held_for: HeldFor::Run(run(name)), at },
            Step::ReleaseBatch { name } => WalletCommand::Release { held_for: HeldFor::Batch(batch(name)), at },
            Step::Refund { kind, amount } => {
                WalletCommand::Refund { run: run(0), parts: vec![RefundPart { kind, amount }], reason: None, at }
            }
            Step::Gift { amount } => {
                WalletCommand::Gift { gift: GiftId(Uuid::nil()), to: AccountId(Uuid::nil()).into(), amount, at }
            }
            Step::Adjust { amount } => WalletCommand::Adjust { amount, reason: "law".into(), at },
            Step::Buy { payment: of, amount } => {
                let source = GrantSource::Purchase { payment: payment(of) };
                WalletCommand::Grant { kind: LotKind::Paid, amount, priority: 0, expires_at: None, source, at }
            }
            Step::ChargeBack { payment: of, amount } => {
                WalletCommand::ChargeBack { payment: payment(of), how: Reversal::Chargeback, amount, at }
            }
            Step::ExpireDue => WalletCommand::ExpireDue { at },
            Step::Wait { .. } => return None,
        })
    }
}

/// What has flowed so far, summed from the events' own amounts.
#[derive(Default)]
struct Flows {
    granted: Credits,
    refunded: Credits,
    spent: Credits,
    expired: Credits,
    gifted: Credits,
    adjusted: Credits,
    charged_back: Credits,
    owed_paid: Credits,
    /// What stands on each side, summed from the postings.
    sides: BTreeMap<&'static str, Credits>,
}

fn side(ledger: Ledger) -> &'static str {
    match ledger {
        Ledger::Available => "available",
        Ledger::Held => "held",
        Ledger::Receivable => "receivable",
        Ledger::IssuedPaid => "issued_paid",
        Ledger::IssuedFree => "issued_free",
        Ledger::Transferred => "transferred",
        Ledger::Spent => "spent",
        Ledger::Expired => "expired",
        Ledger::Adjusted => "adjusted",
    }
}

impl Flows {
    fn count(&mut self, event: &WalletEvent) {
        match event {
            WalletEvent::LotGranted { amount, .. } => self.granted += *amount,
            WalletEvent::CreditsRefunded { amount, .. } => self.refunded += *amount,
            WalletEvent::CreditsCaptured { amount, .. } => self.spent += *amount,
            WalletEvent::LotExpired { amount, .. } => self.expired += *amount,
            WalletEvent::CreditsGifted { amount, .. } => self.gifted += *amount,
            WalletEvent::CreditsAdjusted { amount, .. } => self.adjusted += *amount,
            WalletEvent::PaymentChargedBack { amount, receivable, .. } => self.charged_back += *amount - *receivable,
            WalletEvent::ReceivablePaid { amount, .. } => self.owed_paid += *amount,
            WalletEvent::Opened { .. }
            | WalletEvent::CreditsHeld { .. }
            | WalletEvent::HoldSplit { .. }
            | WalletEvent::CreditsReleased { .. } => {}
        }
        for posting in event.postings() {
            *self.sides.entry(side(posting.from)).or_default() -= posting.amount;
            *self.sides.entry(side(posting.to)).or_default() += posting.amount;
        }
    }

    fn stands(&self, side: &str) -> Credits {
        self.sides.get(side).copied().unwrap_or_default()
    }

    fn check(&self, wallet: &CreditWallet) {
        let lots = || wallet.lots().map(|(_, lot)| lot);
        let available: Credits = lots().map(|lot| lot.available).sum();
        let held: Credits = lots().map(|lot| lot.held).sum();
        let gone = self.spent + self.expired + self.gifted + self.adjusted + self.charged_back + self.owed_paid;
        assert_eq!(self.granted + self.refunded, available + held + gone, "credits are conserved");
        assert_eq!((self.stands("available"), self.stands("held")), (available, held), "postings tie to the lots");
        assert_eq!(self.stands("spent"), self.spent - self.refunded);
        assert_eq!(self.stands("expired"), self.expired);
        assert_eq!(-self.stands("receivable"), wallet.balance(at(0)).receivable);
    }
}

/// Nothing is negative, and every lot's held part is that of the open holds.
fn check_state(wallet: &CreditWallet) {
    let mut held: BTreeMap<LotNumber, Credits> = BTreeMap::new();
    for part in wallet.holds().flat_map(|hold| &hold.parts) {
        assert!(part.amount.is_positive());
        *held.entry(part.lot).or_default() += part.amount;
    }
    for (number, lot) in wallet.lots() {
        assert!(!lot.available.is_negative() && !lot.held.is_negative(), "lot {number} is negative");
        assert_eq!(held.remove(&number).unwrap_or_default(), lot.held, "lot {number} is held for what is open");
    }
    assert!(held.is_empty(), "parts of lots that are gone: {held:?}");
}

/// Decision 4, said once more: priority, earliest expiry (never comes last), free before earned
/// before paid, oldest.
fn order(number: LotNumber, lot: &Lot) -> (i16, Timestamp, u8, LotNumber) {
    let kind = match lot.kind {
        LotKind::Free => 0,
        LotKind::Earned => 1,
        LotKind::Paid => 2,
    };
    (lot.priority, lot.expires_at.unwrap_or(Timestamp::MAX_UTC), kind, number)
}

/// What was taken came from lots that can be spent at `at`, in the order of spending.
fn check_taken(before: &CreditWallet, parts: &[Part], at: Timestamp, in_order: bool) {
    let lots: BTreeMap<LotNumber, &Lot> = before.lots().collect();
    let mut last = None;
    for part in parts {
        let lot = lots[&part.lot];
        assert!(!lot.expired && lot.expires_at.is_none_or(|due| due > at), "lot {} had expired", part.lot);
        assert!(part.amount <= lot.available);
        let place = order(part.lot, lot);
        assert!(!in_order || last < Some(place), "lot {} was taken too late", part.lot);
        last = Some(place);
    }
    for (number, lot) in lots {
        let taken: Credits = parts.iter().filter(|part| part.lot == number).map(|part| part.amount).sum();
        if in_order && taken < lot.available {
            assert!(Some(order(number, lot)) >= last, "lot {number} was passed over");
        }
    }
}

/// Nothing was taken of a lot as long as anything could be spent of one with a lower rank.
fn check_ranks(before: &CreditWallet, after: &CreditWallet, parts: &[Part], rank: impl Fn(&Lot) -> u8) {
    let taken = before.lots().filter(|(number, _)| parts.iter().any(|part| part.lot == *number));
    let last = taken.map(|(_, lot)| rank(lot)).max().unwrap_or_default();
    assert!(after.lots().all(|(_, lot)| rank(lot) >= last || lot.available.is_zero()));
}

fn check_event(before: &CreditWallet, event: &WalletEvent, after: &CreditWallet, now: Timestamp) {
    let lots = || after.lots().map(|(_, lot)| lot);
    assert_eq!(event.after().available, lots().map(|lot| lot.available).sum());
    assert_eq!(event.after().held, lots().map(|lot| lot.held).sum());
    match event {
        WalletEvent::CreditsHeld { parts, .. }
        | WalletEvent::CreditsGifted { parts, .. }
        | WalletEvent::CreditsAdjusted { parts, .. } => check_taken(before, parts, now, true),
        WalletEvent::PaymentChargedBack { payment, parts, .. } => {
            check_taken(before, parts, now, false);
            check_ranks(before, after, parts, |lot| match lot.bought_by {
                Some(by) if by == *payment => 0,
                _ => 1 + u8::from(lot.kind != LotKind::Paid),
            });
        }
        WalletEvent::ReceivablePaid { parts, .. } => {
            check_taken(before, parts, now, false);
            check_ranks(before, after, parts, |lot| u8::from(lot.kind != LotKind::Paid));
        }
        WalletEvent::CreditsReleased { held_for, parts, extended, .. } => {
            assert_eq!(&before.hold(*held_for).unwrap().parts, parts, "released into where they came from");
            let lots: BTreeMap<LotNumber, &Lot> = after.lots().collect();
            assert!(parts.iter().all(|part| !lots[&part.lot].expired));
            let until = now + CreditWallet::EXPIRED_LOT_GRACE;
            assert!(extended.iter().all(|lot| lot.expires_at == until));
            // Whatever comes back into a lot that expired, once or for the second time, has a day of its own.
            let overdue = before.lots().filter(|(_, lot)| lot.expired || lot.extended || lot.is_due(now));
            let overdue = overdue.filter(|(number, _)| parts.iter().any(|part| part.lot == *number));
            assert!(overdue.into_iter().all(|(number, _)| lots[&number].expires_at == Some(until)));
        }
        WalletEvent::LotExpired { effective_at, .. } => assert!(*effective_at <= now),
        WalletEvent::Opened { .. }
        | WalletEvent::LotGranted { .. }
        | WalletEvent::HoldSplit { .. }
        | WalletEvent::CreditsCaptured { .. }
        | WalletEvent::CreditsRefunded { .. } => {}
    }
}

/// Whether a refusal is the one that the state calls for.
fn check_refusal(wallet: &CreditWallet, command: &WalletCommand, error: &WalletError, now: Timestamp) {
    let available = wallet.balance(now).available;
    match command {
        WalletCommand::Capture { held_for, .. } | WalletCommand::Release { held_for, .. }
            if wallet.hold(*held_for).is_none() =>
        {
            assert_eq!(*error, WalletError::HoldNotOpen { hold: held_for.id() });
        }
        WalletCommand::Capture { held_for, amount, .. } => {
            let left = wallet.hold(*held_for).unwrap().left();
            assert_eq!(*error, WalletError::HoldTooSmall { hold: held_for.id(), left, asked: *amount });
            assert!(left < *amount);
        }
        WalletCommand::Hold { held_for, amount, .. } => match wallet.hold(*held_for) {
            Some(hold) => assert!(hold.amount != *amount && matches!(error, WalletError::HoldMismatch { .. })),
            None => {
                assert_eq!(*error, WalletError::Insufficient { needed: *amount, available });
                assert!(available < *amount);
            }
        },
        WalletCommand::Gift { amount, .. } | WalletCommand::Adjust { amount, .. } => {
            assert_eq!(*error, WalletError::Insufficient { needed: *amount, available });
            assert!(available < *amount);
        }
        WalletCommand::Split { .. } => assert!(matches!(
            error,
            WalletError::HoldNotOpen { .. } | WalletError::HoldTooSmall { .. } | WalletError::HoldMismatch { .. }
        )),
        WalletCommand::Open { .. }
        | WalletCommand::Grant { .. }
        | WalletCommand::Release { .. }
        | WalletCommand::Refund { .. }
        | WalletCommand::ChargeBack { .. }
        | WalletCommand::ExpireDue { .. } => panic!("{command:?} was refused: {error}"),
    }
}

/// Whether a command names what it makes, so that the same again is no new fact.
fn is_named(command: &WalletCommand) -> bool {
    matches!(
        command,
        WalletCommand::Open { .. }
            | WalletCommand::Hold { .. }
            | WalletCommand::Split { .. }
            | WalletCommand::ExpireDue { .. }
    )
}

struct Wallets {
    books: Books,
    flows: Flows,
    now: Timestamp,
}

const WALLET: WalletId = WalletId(Uuid::nil());

impl Wallets {
    fn wallet(&self) -> CreditWallet {
        self.books.state::<CreditWallet>(WALLET)
    }

    fn carry_out(&mut self, command: &WalletCommand) {
        let before = self.wallet();
        let events = match before.decide(command.clone()) {
            Ok(events) => events,
            Err(error) => return check_refusal(&before, command, &error, self.now),
        };
        let mut after = before;
        for event in &events {
            let step = after.clone();
            cqrs_es::Aggregate::apply(&mut after, event.clone());
            check_event(&step, event, &after, self.now);
            self.flows.count(event);
            self.flows.check(&after);
            check_state(&after);
        }
        if !events.is_empty() {
            assert!(after.lots().all(|(_, lot)| !lot.is_due(self.now)), "what is due expired first");
            assert_eq!(after.balance(self.now).available, events.last().unwrap().after().available);
        }
        if is_named(command) {
            assert_eq!(after.decide(command.clone()), Ok(vec![]), "said twice");
        }
        let acting = Acting::default();
        let mut unit = Unit::new(Shard::ZERO, self.now, &acting, &self.books);
        assert_eq!(unit.execute::<CreditWallet>(WALLET, command.clone()), Ok(events.len()));
        let effects = unit.into_effects();
        self.books.append(Shard::ZERO, self.now, effects);
        assert_eq!(self.wallet(), after);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn credits_are_conserved_never_negative_and_spent_in_order(steps in prop::collection::vec(steps(), 1..60)) {
        let mut books = Books::default();
        books.name(&[StreamRef::of::<CreditWallet>(WALLET)]);
        let mut wallets = Wallets { books, flows: Flows::default(), now: at(0) };
        wallets.carry_out(&WalletCommand::Open { owner: WalletOwner::Account(AccountId(Uuid::nil())) });
        for step in &steps {
            match step.command(wallets.now) {
                Some(command) => wallets.carry_out(&command),
                None => {
                    if let Step::Wait { seconds } = step {
                        wallets.now += TimeDelta::seconds(*seconds);
                    }
                }
            }
        }
        wallets.books.check_replay();
    }
}
