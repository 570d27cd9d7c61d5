//! One sample or more of every event of a payment: with all that can be said, and with the least.

use super::PaymentEvent;
use crate::Credits;
use crate::event_book::{sample_id, sample_time};
use crate::ids::AccountId;

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<PaymentEvent> {
    let received = |source: &str, paid: Option<&str>| PaymentEvent::Received {
        wallet: AccountId(sample_id("account")).wallet(),
        credits: Credits::whole(100),
        source: source.into(),
        paid: paid.map(Into::into),
        currency: paid.map(|_| "EUR".into()),
        at: sample_time(0),
    };
    vec![
        received("stripe", Some("9.99")),
        received("operator", None),
        PaymentEvent::ChargedBack { credits: Credits::whole(60), reference: "dp_1".into(), at: sample_time(60) },
    ]
}
