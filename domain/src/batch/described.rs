//! What each event of a batch means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::BatchEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "batch.created",
        meaning: "A batch was accepted; its maximum is held by the same append.",
        fields: &[
            ("mode", "What its items are runs of: `workflow` or `operation`"),
            ("target", "The workflow or operation"),
            ("concurrency", "How many items may run at once"),
            ("items[]", "For each item in order the sealed text that holds its inputs; several share one"),
            ("item_maxima[]", "The most that each item can cost, in order; together what is held"),
        ],
    },
    EventEntry {
        event_type: "batch.item_started",
        meaning: "An item became a run, by the same append; its part of the hold is the run's now.",
        fields: &[("index", "Which item, from 0"), ("run", "Its run")],
    },
    EventEntry {
        event_type: "batch.item_finished",
        meaning: "An item's run ended, by the same append; or the item could not be started.",
        fields: &[("index", "Which item, from 0"), ("outcome", "How: `succeeded`, `failed` or `cancelled`")],
    },
    EventEntry {
        event_type: "batch.cancel_requested",
        meaning: "Its owner wants it stopped: items that wait are cancelled by this, those that run go on.",
        fields: &[],
    },
    EventEntry { event_type: "batch.completed", meaning: "Every item succeeded.", fields: &[] },
    EventEntry { event_type: "batch.partial", meaning: "Some items succeeded.", fields: &[] },
    EventEntry { event_type: "batch.failed", meaning: "No item succeeded.", fields: &[] },
    EventEntry { event_type: "batch.cancelled", meaning: "It was stopped before any item succeeded.", fields: &[] },
];
