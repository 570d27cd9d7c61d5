//! What each event of a payment means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::PaymentEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "payment.received",
        meaning: "Something was bought or granted; the wallet is credited by the same append. Version 1.0.0 had no \
                  `source`: it is read as `operator`; before 1.2.0 there was no `reference`.",
        fields: &[
            ("wallet", "The wallet it fills"),
            ("credits", "The credits it bought"),
            ("source", "Who tells of it: `processor` (`POST /payments/events`) or `operator`"),
            (
                "reference",
                "What that calls it, unique among all payments of the processor, or among an account's grants; absent where it has no name",
            ),
            ("paid", "What was paid; absent where the operator granted it"),
            ("currency", "In which currency (ISO 4217)"),
        ],
    },
    EventEntry {
        event_type: "payment.charged_back",
        meaning: "Some of it was taken back by the processor; the wallet is charged by the same append. Version 1.0.0 \
                  had no `how`: it is read as `chargeback`.",
        fields: &[
            ("credits", "How many credits"),
            ("how", "`refunded` by the seller, or `chargeback` by the payer's bank"),
            ("reference", "What the act is called; with the same `how` it is never carried out twice"),
            ("paid_back", "What was paid back; absent where the operator said it"),
            ("currency", "In which currency (ISO 4217)"),
        ],
    },
];
