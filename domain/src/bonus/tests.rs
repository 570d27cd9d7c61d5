//! Given, when, then: every command and every refusal of a bonus.

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
    assert!(!state::<Bonus>([]).is_claimed() && state::<Bonus>([claim("5")]).is_claimed());
}

#[test]
fn a_bonus_that_found_the_wallet_full_is_claimed_all_the_same() {
    said_twice_is_no_new_fact::<Bonus>([], claim("0"));
    // The same period does not bring more once there is room again.
    given::<Bonus>([claim("0")]).when(claim("5")).then_expect_events(vec![]);
}

#[test]
fn a_bonus_s_id_stands_for_one_wallet_kind_and_period() {
    for other in [
        claim_for("friend", BonusKind::Daily, "2026-11-22", "5"),
        claim_for("account", BonusKind::Weekly, "2026-11-22", "5"),
        claim_for("account", BonusKind::Daily, "2026-11-23", "5"),
    ] {
        given::<Bonus>([claim("5")]).when(other).then_expect_error(BonusError::OtherBonus);
    }
}

#[test]
fn a_bonus_takes_nothing_away() {
    given::<Bonus>([]).when(claim("-1")).then_expect_error(BonusError::Negative);
}
