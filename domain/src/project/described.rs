//! What each event of a project means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::ProjectEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "project.opened",
        meaning: "A storyboard run planned it; its storyboard waits for approval. By the append that ends the run.",
        fields: &[
            ("run", "The run"),
            ("stages[].stage", "A stage: `brief`, `brand_kit`, `script`, `shot_list` or `storyboard`"),
            ("stages[].output", "What the stage says, sealed"),
        ],
    },
    EventEntry {
        event_type: "project.changes_requested",
        meaning: "Its owner wants the storyboard otherwise.",
        fields: &[("revision", "Of which revision, from 1"), ("comment", "What is wanted, sealed")],
    },
    EventEntry {
        event_type: "project.revised",
        meaning: "Another run planned it anew; it waits for approval again. By the append that ends that run.",
        fields: &[
            ("revision", "The new revision"),
            ("run", "The run"),
            ("stages[].stage", "A stage: `brief`, `brand_kit`, `script`, `shot_list` or `storyboard`"),
            ("stages[].output", "What the stage says, sealed"),
        ],
    },
    EventEntry {
        event_type: "project.storyboard_approved",
        meaning: "Its owner approved the storyboard: it can be produced.",
        fields: &[("revision", "Which revision, from 1")],
    },
    EventEntry {
        event_type: "project.rejected",
        meaning: "Its owner gives it up.",
        fields: &[("revision", "At which revision, from 1")],
    },
];
