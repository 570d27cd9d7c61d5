//! Reads events that older releases wrote. Stored rows are never edited: what a row holds is brought
//! step by step to the shape that this release knows.

use std::sync::OnceLock;

use cqrs_es::persist::{EventUpcaster, SemanticVersionEventUpcaster, SerializedEvent};
use serde_json::Value;

/// A step: an event type, the version it leads to from any lower one, and how.
type Step = (&'static str, &'static str, fn(Value) -> Value);

/// Those of one event type stand in rising order of the version they lead to, so that an event of any
/// age goes through all that came after it.
const STEPS: &[Step] = &[
    ("payment.received", "1.1.0", name_the_source),
    // `reference` is optional.
    ("payment.received", "1.2.0", as_it_is),
    // `how` has a default, `paid_back` and `currency` are optional.
    ("payment.charged_back", "1.1.0", as_it_is),
    // `how` has a default.
    ("credit_wallet.payment_charged_back", "1.1.0", as_it_is),
    // `source.operator.payment` is optional.
    ("credit_wallet.lot_granted", "1.1.0", as_it_is),
];

/// Every upcaster, in the order in which they are applied.
#[must_use]
pub fn upcasters() -> &'static [Box<dyn EventUpcaster>] {
    static UPCASTERS: OnceLock<Vec<Box<dyn EventUpcaster>>> = OnceLock::new();
    UPCASTERS.get_or_init(|| of_steps(STEPS))
}

fn of_steps(steps: &[Step]) -> Vec<Box<dyn EventUpcaster>> {
    steps
        .iter()
        .map(|(event_type, version, change)| -> Box<dyn EventUpcaster> {
            Box::new(SemanticVersionEventUpcaster::new(event_type, version, Box::new(*change)))
        })
        .collect()
}

/// Whether any of `casts` has something to do with an event of that type and version.
pub(super) fn is_old(casts: &[Box<dyn EventUpcaster>], event_type: &str, version: &str) -> bool {
    casts.iter().any(|cast| cast.can_upcast(event_type, version))
}

/// Takes an event through every step that lies above its version, in order.
pub(super) fn upcast(casts: &[Box<dyn EventUpcaster>], event: SerializedEvent) -> SerializedEvent {
    casts.iter().fold(event, |event, cast| {
        if cast.can_upcast(&event.event_type, &event.event_version) { cast.upcast(event) } else { event }
    })
}

/// `payment.received` 1.0.0 did not say who tells of the payment: only the operator could.
fn name_the_source(mut payload: Value) -> Value {
    if let Some(Value::Object(received)) = payload.get_mut("received") {
        received.entry("source").or_insert_with(|| "operator".into());
    }
    payload
}

/// Only fields were added that an older event may do without.
fn as_it_is(payload: Value) -> Value {
    payload
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::es::{AggregateType, DecodeError, Position, Recorded, StreamId, decode_event};
    use crate::event_book::{sample_credits, sample_id, sample_time};
    use crate::ids::{AccountId, CommitId};
    use crate::payment::{PaymentEvent, Reversal};
    use crate::wallet::{GrantSource, WalletEvent};

    fn recorded(event_type: &str, event_version: &str, payload: &str) -> Recorded {
        Recorded {
            shard: crate::Shard::ZERO,
            position: Position(1),
            commit_id: CommitId(sample_id("commit")),
            recorded_at: sample_time(0),
            stream: StreamId { aggregate: AggregateType::named("payment"), id: sample_id("payment") },
            sequence: 1,
            event_type: event_type.into(),
            event_version: event_version.into(),
            payload: payload.into(),
            metadata: "{}".into(),
            leaf: [0; 32],
        }
    }

    fn received(version: &str, payload: &str) -> Result<PaymentEvent, DecodeError> {
        decode_event(&recorded("payment.received", version, payload))
    }

    /// The lines of a golden file.
    fn golden(file: &str) -> Vec<String> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
        std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    fn old() -> Vec<String> {
        golden("payment.received-1.0.0.jsonl")
    }

    fn new() -> String {
        golden("payment.received-1.2.0.jsonl").swap_remove(0)
    }

    #[test]
    fn a_payment_recorded_before_sources_were_named_is_the_operator_s() {
        let expected = |paid: Option<&str>| PaymentEvent::Received {
            wallet: AccountId(sample_id("account")).wallet(),
            credits: sample_credits(100_000_000),
            source: "operator".into(),
            reference: None,
            paid: paid.map(Into::into),
            currency: paid.map(|_| "EUR".into()),
            at: sample_time(0),
        };
        let read: Vec<_> = old().iter().map(|payload| received("1.0.0", payload).unwrap()).collect();
        assert_eq!(read, [expected(Some("9.99")), expected(None)]);
    }

    #[test]
    fn a_payment_of_today_keeps_its_source() {
        let source = |version, payload: &str| match received(version, payload) {
            Ok(PaymentEvent::Received { source, reference, .. }) => (source, reference),
            other => panic!("{other:?}"),
        };
        assert_eq!(source("1.2.0", &new()), ("processor".into(), Some("pi_1".into())));
        let before = golden("payment.received-1.1.0.jsonl");
        assert_eq!(source("1.1.0", &before[0]), ("stripe".into(), None));
    }

    #[test]
    fn what_was_taken_back_before_it_was_said_how_was_a_chargeback() {
        let payments = golden("payment.charged_back-1.0.0.jsonl");
        let event: PaymentEvent = decode_event(&recorded("payment.charged_back", "1.0.0", &payments[0])).unwrap();
        let expected = PaymentEvent::ChargedBack {
            credits: sample_credits(60_000_000),
            how: Reversal::Chargeback,
            reference: "dp_1".into(),
            paid_back: None,
            currency: None,
            at: sample_time(60),
        };
        assert_eq!(event, expected);
        for payload in golden("credit_wallet.payment_charged_back-1.0.0.jsonl") {
            let event = decode_event(&recorded("credit_wallet.payment_charged_back", "1.0.0", &payload)).unwrap();
            assert!(matches!(event, WalletEvent::PaymentChargedBack { how: Reversal::Chargeback, .. }));
        }
    }

    #[test]
    fn what_the_operator_granted_before_payments_were_named_was_bought_by_none() {
        for payload in golden("credit_wallet.lot_granted-1.0.0.jsonl") {
            let event = decode_event(&recorded("credit_wallet.lot_granted", "1.0.0", &payload)).unwrap();
            let WalletEvent::LotGranted { source, .. } = event else { panic!("{event:?}") };
            assert!(!matches!(source, GrantSource::Operator { payment: Some(_), .. }));
        }
    }

    #[test]
    fn the_old_shape_is_unreadable_under_the_new_version() {
        assert!(received("1.1.0", &old()[0]).unwrap_err().why.contains("source"));
    }

    #[test]
    fn a_version_that_this_release_does_not_know_is_an_error_and_no_guess() {
        let payload = new();
        for version in ["1.2.1", "1.3.0", "2.0.0", "newest", ""] {
            let error = received(version, &payload).unwrap_err();
            assert_eq!(error.event_version, version);
            assert_eq!(error.event_type, "payment.received");
        }
        let charged_back = golden("payment.charged_back-1.1.0.jsonl");
        let newer = recorded("payment.charged_back", "1.1.1", &charged_back[0]);
        assert!(decode_event::<PaymentEvent>(&newer).unwrap_err().why.contains("1.1.0"));
    }

    #[test]
    fn a_type_that_this_release_does_not_know_is_an_error() {
        let settled = recorded("payment.settled", "1.0.0", r#"{"settled":{}}"#);
        assert!(decode_event::<PaymentEvent>(&settled).is_err());
        let mislabelled = recorded("payment.charged_back", "1.1.0", &new());
        assert!(decode_event::<PaymentEvent>(&mislabelled).unwrap_err().why.contains("payment.received"));
    }

    #[test]
    fn an_old_event_that_is_damaged_is_an_error_and_no_panic() {
        for payload in
            ["", "{", "null", "[]", r#"{"received":null}"#, r#"{"received":{"source":7}}"#, r#"{"charged_back":{}}"#]
        {
            assert!(received("1.0.0", payload).is_err(), "{payload}");
        }
    }

    fn mark(mut payload: Value, name: &str) -> Value {
        payload.as_array_mut().unwrap().push(name.into());
        payload
    }

    /// Where steps that each leave a mark lead an event.
    fn through(version: &str) -> (String, Value) {
        let steps: [Step; 3] = [
            ("a", "1.1.0", |payload| mark(payload, "first")),
            ("b", "1.5.0", |payload| mark(payload, "another type's")),
            ("a", "2.0.0", |payload| mark(payload, "second")),
        ];
        let text = String::new;
        let event = SerializedEvent::new(text(), 1, text(), "a".into(), version.into(), json!([]), Value::Null);
        let event = upcast(&of_steps(&steps), event);
        (event.event_version, event.payload)
    }

    #[test]
    fn an_event_goes_through_every_later_step_in_order() {
        assert_eq!(through("1.0.0"), ("2.0.0".into(), json!(["first", "second"])));
        assert_eq!(through("1.1.0"), ("2.0.0".into(), json!(["second"])));
        assert_eq!(through("2.0.0"), ("2.0.0".into(), json!([])));
        assert_eq!(through("3.0.0"), ("3.0.0".into(), json!([])));
    }

    #[test]
    fn the_steps_of_each_type_stand_in_rising_order() {
        let numbers = |version: &str| -> Vec<u32> { version.split('.').map(|part| part.parse().unwrap()).collect() };
        for (place, (event_type, version, _)) in STEPS.iter().enumerate() {
            for (_, later, _) in STEPS[place + 1..].iter().filter(|(other, _, _)| other == event_type) {
                assert!(numbers(later) > numbers(version), "{event_type} {later} stands after {version}");
            }
        }
    }
}
