//! A sample of every event of a bonus, one for each kind.

use super::BonusEvent;
use crate::Credits;
use crate::event_book::{sample_id, sample_time};
use crate::ids::AccountId;
use crate::wallet::BonusKind;

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<BonusEvent> {
    let claimed = |kind, period: &str, credits| BonusEvent::Claimed {
        wallet: AccountId(sample_id("account")).wallet(),
        kind,
        period: period.into(),
        credits: Credits::whole(credits),
        at: sample_time(0),
    };
    vec![
        claimed(BonusKind::Signup, "", 25),
        claimed(BonusKind::Daily, "2026-11-22", 5),
        claimed(BonusKind::Weekly, "2026-W47", 0),
    ]
}
