//! Credits from the first payment to the last chargeback, and bonuses under clocks that nobody can trust.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::prelude::*;

use super::acts::{Act, Play};
use super::world::{World, bonuses};
use crate::Credits;
use crate::bonus::BonusEvent;
use crate::es::decode_event;
use crate::ids::PaymentId;
use crate::payment::{Payment, PaymentEvent, Reversal};
use crate::ports::ManualClock;
use crate::usecases::{Core, Happened};
use crate::wallet::{BonusKind, CreditWallet, LotKind, WalletEvent};

/// What the streams other than the wallet's say of its credits, and what its movements come to.
#[derive(Default)]
struct Money {
    /// By the payments: received, less what was taken back.
    net_of_payments: BTreeMap<PaymentId, Credits>,
    /// By the bonuses.
    bonuses: Credits,
    /// By the wallet: captured, expired, given away, less refunds.
    gone: Credits,
    /// The signed amounts of its movements, as they are listed.
    moved: Credits,
}

impl Money {
    fn wallet(&mut self, event: &WalletEvent) {
        let amount = match event {
            WalletEvent::LotGranted { amount, .. } | WalletEvent::CreditsReleased { amount, .. } => *amount,
            WalletEvent::CreditsRefunded { amount, .. } => {
                self.gone -= *amount;
                *amount
            }
            WalletEvent::CreditsCaptured { amount, .. } => {
                self.gone += *amount;
                Credits::ZERO
            }
            WalletEvent::LotExpired { amount, .. }
            | WalletEvent::CreditsGifted { amount, .. }
            | WalletEvent::CreditsAdjusted { amount, .. } => {
                self.gone += *amount;
                -*amount
            }
            WalletEvent::CreditsHeld { amount, .. } | WalletEvent::ReceivablePaid { amount, .. } => -*amount,
            WalletEvent::PaymentChargedBack { amount, receivable, .. } => *receivable - *amount,
            WalletEvent::Opened { .. } | WalletEvent::HoldSplit { .. } => Credits::ZERO,
        };
        self.moved += amount;
    }

    fn payment(&mut self, id: PaymentId, event: &PaymentEvent) {
        let net = self.net_of_payments.entry(id).or_default();
        match event {
            PaymentEvent::Received { credits, .. } => {
                assert!(net.is_zero(), "{id} was received twice");
                *net += *credits;
            }
            PaymentEvent::ChargedBack { credits, .. } => *net -= *credits,
        }
    }
}

impl Play {
    /// From the log alone: what payments and bonuses brought in is there, or went where it may go.
    pub(super) fn check_money(&self) {
        let books = self.world.books();
        let mut money = Money::default();
        for row in &books.rows {
            match row.stream.aggregate.as_str() {
                "credit_wallet" => money.wallet(&decode_event(row).unwrap()),
                "payment" => money.payment(PaymentId(row.stream.id), &decode_event(row).unwrap()),
                "bonus" => {
                    let BonusEvent::Claimed { credits, .. } = decode_event(row).unwrap();
                    money.bonuses += credits;
                }
                _ => {}
            }
        }
        let wallet: CreditWallet = books.state(self.caller.account.wallet());
        // What is due and not yet recorded is looked at by whoever decides next.
        let available: Credits = wallet.lots().map(|(_, lot)| lot.available).sum();
        let balance = wallet.balance(self.core.now());
        assert_eq!(money.moved, available, "the rows sum to the balance");
        assert_eq!(balance.paid + balance.free + balance.earned, balance.available);
        assert!(!balance.available.is_negative() && !balance.receivable.is_negative());
        assert!(money.net_of_payments.values().all(|net| !net.is_negative()), "more was taken back than received");
        let brought: Credits = money.net_of_payments.values().copied().sum::<Credits>() + money.bonuses;
        assert_eq!(brought - money.gone, available + balance.held - balance.receivable, "credits are conserved");
    }
}

fn balance(play: &Play) -> crate::wallet::Balance {
    play.world.books().state::<CreditWallet>(play.caller.account.wallet()).balance(play.core.now())
}

fn notice(id: u8, what: Happened, amount: u32) -> Act {
    Act::Notice { id, what, amount }
}

fn reversed(how: Reversal) -> Happened {
    Happened::Reversed { how, reference: None }
}

#[test]
fn a_payment_that_is_taken_back_after_it_was_spent_is_owed_and_the_next_one_pays() {
    let mut play = Play::new();
    for act in [
        notice(0, Happened::Paid, 9),
        Act::Request { key: 0, auto: false, count: 2, at_once: true },
        Act::Finish { run: 0, delivered: 0b11, low: false },
        notice(0, reversed(Reversal::Refunded), 2),
        // More than is left of the payment is refused whole, and leaves no trace.
        notice(0, reversed(Reversal::Chargeback), 9),
        notice(0, reversed(Reversal::Chargeback), 7),
        // Whatever comes in pays first, a bonus too.
        Act::Bonuses,
        notice(1, Happened::Paid, 3),
    ] {
        play.act(&act);
        play.check_money();
    }
    let balance = balance(&play);
    assert_eq!((balance.receivable, balance.available), (Credits::ZERO, Credits::whole(20 + 3 - 6)));
    let id = PaymentId::of_processor(play.caller.account.shard(), "pi_0");
    let payment: Payment = play.world.books().state(id);
    assert_eq!((payment.left(), payment.reversed().len()), (Credits::ZERO, 2));
}

#[test]
fn a_notice_said_twice_is_one_payment_and_one_about_nobody_leaves_no_trace() {
    let (world, core, caller) = World::new();
    let play = |account| {
        let what = Happened::Paid;
        let (credits, currency) = (Credits::whole(5), "eur".to_owned());
        let notice =
            crate::usecases::PaymentNotice { id: "pi_1".into(), what, account, credits, amount: 5.into(), currency };
        block_on(core.note_payment(notice, "req_1"))
    };
    assert!(!play(caller.account).unwrap().replayed);
    assert!(play(caller.account).unwrap().replayed);
    let stranger = crate::ids::AccountId(crate::event_book::sample_id("friend"));
    let rows = world.books().rows.len();
    assert_eq!(play(stranger), Err(crate::usecases::Refusal::NotFound("account")));
    assert_eq!(world.books().rows.len(), rows);
}

/// What one of two processes does: its clock is set, and it claims.
#[derive(Clone, Copy, Debug)]
struct Call {
    process: usize,
    /// From the middle of the days that are looked at.
    hours: i64,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    // Three weeks around the end of 2026, a year of 53 weeks.
    prop::collection::vec((0usize..2, -250i64..250).prop_map(|(process, hours)| Call { process, hours }), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bonus_is_claimed_once_a_period_whatever_the_clocks_of_two_processes_do(calls in calls()) {
        let (world, core, caller) = World::new();
        let turn = chrono::DateTime::parse_from_rfc3339("2026-12-31T23:30:00Z").unwrap().to_utc();
        let clocks = [0, 1].map(|_| Arc::new(ManualClock::at(turn)));
        let processes = [0, 1].map(|n: usize| Core { clock: clocks[n].clone(), ..core.clone() });
        for call in &calls {
            let now = turn + TimeDelta::hours(call.hours);
            let clock = &clocks[call.process];
            clock.advance(now - crate::ports::Clock::now(&**clock));
            block_on(processes[call.process].claim_bonuses(&caller)).unwrap();
        }
        let books = world.books();
        let mut claimed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for row in books.rows.iter().filter(|row| row.stream.aggregate.as_str() == "bonus") {
            let BonusEvent::Claimed { kind, period, credits, .. } = decode_event(row).unwrap();
            let most = match kind {
                BonusKind::Signup => bonuses().signup,
                BonusKind::Daily => bonuses().daily,
                BonusKind::Weekly => bonuses().weekly,
            };
            prop_assert!(credits <= most);
            claimed.entry(kind.as_str()).or_default().push(period);
        }
        prop_assert_eq!(claimed["signup"].len(), 1);
        for periods in claimed.values() {
            prop_assert!(periods.is_sorted_by(|one, next| one < next), "{periods:?}");
        }
        // The latest day that any process saw is claimed, and so is its week.
        let last = turn + TimeDelta::hours(calls.iter().map(|call| call.hours).max().unwrap_or_default());
        let week = last.date_naive().format("%G-W%V").to_string();
        prop_assert_eq!(claimed["daily"].last(), Some(&last.date_naive().to_string()));
        prop_assert_eq!(claimed["weekly"].last(), Some(&week));
        let wallet: CreditWallet = books.state(caller.account.wallet());
        let free: Credits = wallet.lots().filter(|(_, lot)| lot.kind == LotKind::Free).map(|(_, lot)| lot.available).sum();
        prop_assert!(free <= bonuses().max);
    }
}

#[test]
fn free_credits_that_are_held_over_midnight_have_their_place_under_the_ceiling() {
    let mut play = Play::new();
    let asked = Act::Request { key: 0, auto: false, count: 2, at_once: false };
    for act in [Act::Bonuses, asked, Act::Wait { seconds: 86_400 }, Act::Bonuses, Act::CancelRun { run: 0 }] {
        play.act(&act);
        play.check_money();
    }
    assert_eq!((balance(&play).held, balance(&play).free), (Credits::ZERO, bonuses().max));
}

#[test]
fn the_days_around_new_year_s_share_the_53rd_week() {
    let (world, core, caller) = World::new();
    let weeks = |from: &str, days: i64| {
        let first = chrono::DateTime::parse_from_rfc3339(from).unwrap().to_utc();
        let clock = Arc::new(ManualClock::at(first));
        let core = Core { clock: clock.clone(), ..core.clone() };
        for _ in 0..days {
            block_on(core.claim_bonuses(&caller)).unwrap();
            clock.advance(TimeDelta::days(1));
        }
        let books = world.books();
        let claims = books.rows.iter().filter(|row| row.stream.aggregate.as_str() == "bonus");
        let claims = claims.map(|row| decode_event::<BonusEvent>(row).unwrap());
        let weekly = claims.filter_map(|event| match event {
            BonusEvent::Claimed { kind: BonusKind::Weekly, period, .. } => Some(period),
            BonusEvent::Claimed { .. } => None,
        });
        weekly.collect::<Vec<_>>()
    };
    let through = weeks("2026-12-27T12:00:00Z", 9);
    assert_eq!(through, ["2026-W52", "2026-W53", "2027-W01"]);
    assert_eq!(weeks("2027-12-31T12:00:00Z", 4)[3..], ["2027-W52", "2028-W01"]);
}
