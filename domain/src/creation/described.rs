//! What each event of a creation means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::CreationEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "creation.opened",
        meaning: "An output was asked for, by the same append as its run.",
        fields: &[
            ("number", "Its public integer id"),
            ("account", "Whose it is"),
            ("user_id", "The owner's public integer id, part of stable addresses"),
            ("run", "The run that makes it"),
            ("index", "Which of the run's outputs, from 0"),
            ("team", "The team it was made under"),
            ("generator", "The generator, where one was used"),
            ("model", "The model's slug"),
            ("media_type", "What it will be: `text`, `img`, `video`, `audio` or `svg`"),
            ("privacy", "Who may see it: `public` or `private`"),
            ("license", "Under which licence: `open_go1` or `exclusive_ge1`"),
        ],
    },
    EventEntry {
        event_type: "creation.completed",
        meaning: "It was made and is in our storage.",
        fields: &[
            ("output.text.fields", "The sealed fields of a text"),
            ("output.text.characters", "Their length in Unicode scalars"),
            ("output.asset.key", "The file's key in our storage"),
            ("output.asset.content_type", "The file's media type"),
            ("output.asset.size_bytes", "The file's size"),
            ("output.asset.width", "Width in pixels, of a picture or video"),
            ("output.asset.height", "Height in pixels, of a picture or video"),
            ("output.asset.duration_ms", "Length, of a sound or video"),
            ("output.asset.details", "What the provider said of it, sealed"),
        ],
    },
    EventEntry { event_type: "creation.failed", meaning: "It was not made.", fields: &[] },
    EventEntry { event_type: "creation.cancelled", meaning: "Its run was stopped before it was made.", fields: &[] },
    EventEntry {
        event_type: "creation.privacy_changed",
        meaning: "Its owner changed who may see it.",
        fields: &[("privacy", "Who may now: `public` or `private`")],
    },
    EventEntry {
        event_type: "creation.license_changed",
        meaning: "Its owner changed its licence.",
        fields: &[("license", "Which it has now: `open_go1` or `exclusive_ge1`")],
    },
    EventEntry {
        event_type: "creation.deleted",
        meaning: "Its owner deleted it: it is hidden everywhere, and the books stay.",
        fields: &[],
    },
    EventEntry {
        event_type: "creation.hidden",
        meaning: "The operator hid it.",
        fields: &[("reason", "Why, in the operator's words")],
    },
];
