//! Given, when, then: every command and every refusal of a bonus.

use proptest::prelude::*;

use super::*;
use crate::event_book::sample_id;
use crate::ids::AccountId;
use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};

fn wallet(of: &str) -> WalletId {
    AccountId(sample_id(of)).wallet()
}

fn claim_for(of: &str, kind: BonusKind, period: &str, credits: &str) -> BonusCommand {
    BonusCommand::Claim { wallet: wallet(of), kind, period: period.into(), credits: c(credits), at: at(0) }
}

fn claim(credits: &str) -> BonusCommand {
    claim_for("account", BonusKind::Daily, "2026-11-22", credits)
}

#[test]
fn a_bonus_is_claimed_once_for_its_period() {
    given::<Bonus>([]).when(claim("5")).then_expect_events(vec![BonusEvent::Claimed {
        wallet: wallet("account"),
        kind: BonusKind::Daily,
        period: "2026-11-22".into(),
        credits: c("5"),
        at: at(0),
    }]);
    said_twice_is_no_new_fact::<Bonus>([], claim("5"));
    assert!(!state::<Bonus>([]).is_past("2026-11-22"));
    let claimed = state::<Bonus>([claim("5")]);
    assert!(claimed.is_past("2026-11-21") && claimed.is_past("2026-11-22") && !claimed.is_past("2026-11-23"));
}

#[test]
fn a_period_is_only_ever_later_than_the_last() {
    for (kind, earlier, last, later) in [
        (BonusKind::Daily, "2026-11-21", "2026-11-22", "2026-11-23"),
        (BonusKind::Daily, "2026-09-30", "2026-10-01", "2027-01-01"),
        (BonusKind::Weekly, "2026-W09", "2026-W10", "2027-W01"),
    ] {
        let claim = |period| claim_for("account", kind, period, "5");
        let past = BonusError::PeriodPast { period: earlier.into(), last: last.into() };
        given::<Bonus>([claim(last)]).when(claim(earlier)).then_expect_error(past.clone());
        // One that found the wallet full counts as well.
        given::<Bonus>([claim_for("account", kind, last, "0")]).when(claim(earlier)).then_expect_error(past);
        said_twice_is_no_new_fact::<Bonus>([claim(last)], claim(later));
    }
}

proptest! {
    /// Whatever clocks say: what is claimed rises, and nothing is claimed twice.
    #[test]
    fn the_periods_that_are_claimed_rise(days in prop::collection::vec(0_u64..40, 1..30)) {
        let mut bonus = Bonus::default();
        let mut claimed: Vec<String> = Vec::new();
        for day in days {
            let date = chrono::NaiveDate::from_ymd_opt(2026, 12, 15).unwrap() + chrono::Days::new(day);
            let period = date.to_string();
            let is_past = bonus.is_past(&period);
            let command = claim_for("account", BonusKind::Daily, &period, "5");
            match es::Aggregate::decide(&bonus, command) {
                Ok(events) => {
                    prop_assert_eq!(events.is_empty(), is_past);
                    for event in events {
                        cqrs_es::Aggregate::apply(&mut bonus, event);
                        claimed.push(period.clone());
                    }
                }
                Err(refusal) => {
                    let last = claimed.last().cloned().unwrap_or_default();
                    prop_assert_eq!(refusal, BonusError::PeriodPast { period, last });
                }
            }
        }
        prop_assert!(claimed.is_sorted_by(|one, next| one < next));
        prop_assert!(!claimed.is_empty());
    }
}

#[test]
fn a_bonus_that_found_the_wallet_full_is_claimed_all_the_same() {
    said_twice_is_no_new_fact::<Bonus>([], claim("0"));
    // The same period does not bring more once there is room again.
    given::<Bonus>([claim("0")]).when(claim("5")).then_expect_events(vec![]);
}

#[test]
fn a_bonus_s_id_stands_for_one_wallet_and_kind() {
    for other in [
        claim_for("friend", BonusKind::Daily, "2026-11-22", "5"),
        claim_for("account", BonusKind::Weekly, "2026-W48", "5"),
        claim_for("friend", BonusKind::Daily, "2026-11-23", "5"),
    ] {
        given::<Bonus>([claim("5")]).when(other).then_expect_error(BonusError::OtherBonus);
    }
}

#[test]
fn a_bonus_takes_nothing_away() {
    given::<Bonus>([]).when(claim("-1")).then_expect_error(BonusError::Negative);
}
