//! What each event of a payment means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::PaymentEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "payment.received",
        meaning: "Something was bought or granted; the wallet is credited by the same append. Version 1.0.0 had no \
                  `source`: it is read as `operator`.",
        fields: &[
            ("wallet", "The wallet it fills"),
            ("credits", "The credits it bought"),
            ("source", "Who tells of it: a payment processor's name, or `operator`"),
            ("paid", "What was paid; absent where the operator granted it"),
            ("currency", "In which currency (ISO 4217)"),
        ],
    },
    EventEntry {
        event_type: "payment.charged_back",
        meaning: "Some of it was taken back by the processor; the wallet is charged by the same append.",
        fields: &[
            ("credits", "How many credits"),
            ("reference", "The processor's id of the act; under the same one it is never carried out twice"),
        ],
    },
];
