//! What each event of an endpoint means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::WebhookEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "webhook_endpoint.created",
        meaning: "An address is told about events from now on.",
        fields: &[
            ("settings", "The sealed address and description"),
            ("topics[]", "What it is told about: `run.completed`, …"),
            (
                "topics_unchosen",
                "Whether nobody chose that: then it is told of failing endpoints, too; absent where false",
            ),
            ("secret", "The sealed signing secret"),
        ],
    },
    EventEntry {
        event_type: "webhook_endpoint.changed",
        meaning: "Its owner changed where it leads, what it is called or what it is told about.",
        fields: &[
            ("settings", "The sealed address and description; absent where they stay"),
            ("topics[]", "What it is told about from now on; absent where that stays"),
        ],
    },
    EventEntry {
        event_type: "webhook_endpoint.secret_rotated",
        meaning: "It has another signing secret; for a while the one before signs, too.",
        fields: &[("secret", "The sealed new secret"), ("previous_until", "Until when the secret before signs, too")],
    },
    EventEntry {
        event_type: "webhook_endpoint.failing_warned",
        meaning: "It has failed for days: its owner is told, and it will be disabled if it goes on.",
        fields: &[("failing_since", "Since when every delivery failed")],
    },
    EventEntry {
        event_type: "webhook_endpoint.disabled",
        meaning: "It is told nothing any more; deliveries that waited are given up.",
        fields: &[("cause", "`owner`, or `failing` after a warning")],
    },
    EventEntry { event_type: "webhook_endpoint.enabled", meaning: "It is told again.", fields: &[] },
    EventEntry { event_type: "webhook_endpoint.deleted", meaning: "It is gone for good.", fields: &[] },
];
