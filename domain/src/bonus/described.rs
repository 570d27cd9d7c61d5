//! What each event of a bonus means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::BonusEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[EventEntry {
    event_type: "bonus.claimed",
    meaning: "A period's bonus was claimed; the wallet is credited by the same append, unless it was full.",
    fields: &[
        ("wallet", "The wallet"),
        ("kind", "Which bonus: `signup`, `daily` or `weekly`"),
        ("period", "The UTC day or ISO week; empty for the sign-up bonus"),
        ("credits", "How much; nothing where free credits stood at their ceiling"),
    ],
}];
