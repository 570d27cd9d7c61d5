//! One sample or more of every event of a payment: with all that can be said, and with the least.

use super::{PaymentEvent, Reversal};
use crate::Credits;
use crate::event_book::{sample_id, sample_time};
use crate::ids::AccountId;

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<PaymentEvent> {
    let received = |source: &str, paid: Option<&str>| PaymentEvent::Received {
        wallet: AccountId(sample_id("account")).wallet(),
        credits: Credits::whole(100),
        source: source.into(),
        reference: paid.map(|_| "pi_1".into()),
        paid: paid.map(Into::into),
        currency: paid.map(|_| "EUR".into()),
        at: sample_time(0),
    };
    let charged_back = |credits: u32, how, reference: &str, paid: Option<&str>| PaymentEvent::ChargedBack {
        credits: Credits::whole(credits),
        how,
        reference: reference.into(),
        paid_back: paid.map(Into::into),
        currency: paid.map(|_| "EUR".into()),
        at: sample_time(60),
    };
    vec![
        received("processor", Some("9.99")),
        received("operator", None),
        charged_back(30, Reversal::Refunded, "re_1", Some("3")),
        charged_back(60, Reversal::Chargeback, "dp_1", None),
    ]
}
