//! One sample or more of every event of a wallet: with all that can be said, and with the least.

use super::events::{
    After, BonusKind, GrantSource, HeldFor, Ledger, LotExtension, LotKind, NewLot, Part, Posting, WalletEvent,
    WalletOwner,
};
use crate::Credits;
use crate::event_book::{sample_credits, sample_id, sample_time};
use crate::ids::{AccountId, BatchId, BonusId, GiftId, PaymentId, RunId, TeamId};
use crate::money::ChargingRule;
use crate::payment::Reversal;

fn posting(from: Ledger, to: Ledger, amount: u32) -> Posting {
    Posting { from, to, amount: Credits::whole(amount) }
}

fn after(available: u32, held: u32) -> After {
    After { available: Credits::whole(available), held: Credits::whole(held) }
}

fn parts(parts: &[(u32, u32)]) -> Vec<Part> {
    parts.iter().map(|(lot, amount)| Part { lot: *lot, amount: Credits::whole(*amount) }).collect()
}

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<WalletEvent> {
    [opened(), granted(), held(), taken()].concat()
}

fn opened() -> Vec<WalletEvent> {
    let (account, team) = (AccountId(sample_id("account")), TeamId(sample_id("team")));
    [WalletOwner::Account(account), WalletOwner::Team(team), WalletOwner::Allowance { team, member: account }]
        .into_iter()
        .map(|owner| WalletEvent::Opened { owner })
        .collect()
}

fn granted() -> Vec<WalletEvent> {
    let gift = GiftId(sample_id("gift"));
    let bonus = BonusId(sample_id("bonus"));
    let purchase = GrantSource::Purchase { payment: PaymentId(sample_id("payment")) };
    let bonus = GrantSource::Bonus { bonus, kind: BonusKind::Weekly, period: "2026-W47".into() };
    let gifted = GrantSource::Gift { gift, from: AccountId(sample_id("friend")).into() };
    let operator = GrantSource::Operator { reason: "demo".into(), payment: None };
    let granted = GrantSource::Operator { reason: "demo".into(), payment: Some(PaymentId(sample_id("payment"))) };
    let lots = [
        (LotKind::Paid, 5, None, purchase, Ledger::IssuedPaid),
        (LotKind::Free, 0, Some(sample_time(604_800)), bonus, Ledger::IssuedFree),
        (LotKind::Earned, 0, None, gifted, Ledger::Transferred),
        (LotKind::Paid, 0, None, GrantSource::GiftReturned { gift }, Ledger::Transferred),
        (LotKind::Earned, -1, None, operator, Ledger::Adjusted),
        (LotKind::Free, 0, None, granted, Ledger::IssuedFree),
    ];
    (1..)
        .zip(lots)
        .map(|(lot, (kind, priority, expires_at, source, from))| WalletEvent::LotGranted {
            lot,
            kind,
            amount: sample_credits(12_500_000),
            priority,
            expires_at,
            source,
            posting: Posting { from, to: Ledger::Available, amount: sample_credits(12_500_000) },
            after: After { available: sample_credits(i64::from(lot) * 12_500_000), held: Credits::ZERO },
        })
        .collect()
}

fn held() -> Vec<WalletEvent> {
    let (run, batch) = (RunId(sample_id("run")), BatchId(sample_id("batch")));
    let hold = |held_for| WalletEvent::CreditsHeld {
        held_for,
        amount: Credits::whole(6),
        parts: parts(&[(2, 2), (1, 4)]),
        posting: posting(Ledger::Available, Ledger::Held, 6),
        after: after(44, 6),
    };
    let release = |extended| WalletEvent::CreditsReleased {
        held_for: HeldFor::Run(run),
        amount: Credits::whole(3),
        parts: parts(&[(2, 1), (1, 2)]),
        extended,
        posting: posting(Ledger::Held, Ledger::Available, 3),
        after: after(47, 0),
    };
    vec![
        hold(HeldFor::Run(run)),
        hold(HeldFor::Batch(batch)),
        WalletEvent::HoldSplit {
            batch,
            run,
            amount: Credits::whole(3),
            parts: parts(&[(2, 2), (1, 1)]),
            posting: posting(Ledger::Held, Ledger::Held, 3),
            after: after(44, 6),
        },
        WalletEvent::CreditsCaptured {
            held_for: HeldFor::Run(run),
            amount: Credits::whole(3),
            parts: parts(&[(2, 1), (1, 2)]),
            rule: ChargingRule::PartialDelivery,
            posting: posting(Ledger::Held, Ledger::Spent, 3),
            after: after(44, 3),
        },
        release(vec![LotExtension { lot: 2, expires_at: sample_time(86_430) }]),
        release(vec![]),
    ]
}

fn taken() -> Vec<WalletEvent> {
    let three = Credits::whole(3);
    let charged_back = |how, posting, owed, receivable| WalletEvent::PaymentChargedBack {
        payment: PaymentId(sample_id("payment")),
        how,
        amount: three,
        parts: parts(&[(1, 3 - receivable)]),
        receivable: Credits::whole(receivable),
        posting,
        owed,
        after: after(41, 0),
    };
    let expired = |amount: u32, posting| WalletEvent::LotExpired {
        lot: 2,
        amount: Credits::whole(amount),
        effective_at: sample_time(604_800),
        posting,
        after: after(40, 0),
    };
    let refunded = |lot, kind, amount| NewLot { lot, kind, amount: Credits::whole(amount), expires_at: None };
    vec![
        WalletEvent::CreditsRefunded {
            run: RunId(sample_id("run")),
            amount: three,
            lots: vec![refunded(6, LotKind::Free, 1), refunded(7, LotKind::Paid, 2)],
            reason: None,
            posting: posting(Ledger::Spent, Ledger::Available, 3),
            after: after(50, 0),
        },
        WalletEvent::CreditsRefunded {
            run: RunId(sample_id("run")),
            amount: three,
            lots: vec![refunded(8, LotKind::Paid, 3)],
            reason: Some("the picture was not as described".into()),
            posting: posting(Ledger::Spent, Ledger::Available, 3),
            after: after(53, 0),
        },
        WalletEvent::CreditsGifted {
            gift: GiftId(sample_id("gift")),
            to: AccountId(sample_id("friend")).into(),
            amount: three,
            parts: parts(&[(6, 1), (1, 2)]),
            posting: posting(Ledger::Available, Ledger::Transferred, 3),
            after: after(47, 0),
        },
        WalletEvent::CreditsAdjusted {
            amount: three,
            parts: parts(&[(1, 3)]),
            reason: "granted by mistake".into(),
            posting: posting(Ledger::Available, Ledger::Adjusted, 3),
            after: after(44, 0),
        },
        charged_back(
            Reversal::Chargeback,
            Some(posting(Ledger::Available, Ledger::IssuedPaid, 2)),
            Some(posting(Ledger::Receivable, Ledger::IssuedPaid, 1)),
            1,
        ),
        charged_back(Reversal::Refunded, Some(posting(Ledger::Available, Ledger::IssuedPaid, 3)), None, 0),
        WalletEvent::ReceivablePaid {
            amount: three,
            parts: parts(&[(7, 2), (6, 1)]),
            left: Credits::whole(1),
            posting: posting(Ledger::Available, Ledger::Receivable, 3),
            after: after(0, 0),
        },
        expired(1, Some(posting(Ledger::Available, Ledger::Expired, 1))),
        expired(0, None),
    ]
}
