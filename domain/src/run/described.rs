//! What each event of a run means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::RunEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "run.requested",
        meaning: "A request was accepted; its price is held and its creations are opened by the same append.",
        fields: REQUESTED,
    },
    EventEntry {
        event_type: "run.submit_intended",
        meaning: "The run is about to be sent to its provider. Written before anything is sent, so that whoever takes \
                  over after a crash knows that it may have been.",
        fields: &[
            ("provider", "The provider"),
            ("client_id", "Our id of the attempt, by which the provider can be asked about it"),
            ("node", "The node that sends it and carries it on"),
            ("submit_by", "After this (and the provider's timeout) nobody sends this attempt any more"),
        ],
    },
    EventEntry {
        event_type: "run.taken_over",
        meaning: "The node that carried an attempt is gone; another carries it on. What the first one still says of \
                  it is refused from now on.",
        fields: &[("node", "The node that carries it on")],
    },
    EventEntry {
        event_type: "run.submitted",
        meaning: "The provider took it.",
        fields: &[("provider_request_id", "The provider's id of it")],
    },
    EventEntry {
        event_type: "run.submit_disproved",
        meaning: "It is proven that the provider never got this attempt; another may follow.",
        fields: &[],
    },
    EventEntry {
        event_type: "run.outcome_unknown",
        meaning: "Nobody can say whether the provider has it; the hold stays, probing goes on.",
        fields: &[("until", "If it is still unknown then, the run fails at no cost")],
    },
    EventEntry {
        event_type: "run.cancel_requested",
        meaning: "Its owner wants it stopped; what the provider confirms by then is paid for.",
        fields: &[],
    },
    EventEntry {
        event_type: "run.succeeded",
        meaning: "At least one output was delivered. The books are closed by the same append.",
        fields: &[],
    },
    EventEntry {
        event_type: "run.failed",
        meaning: "Nothing was delivered, and nothing is charged.",
        fields: &[("attempt", "Number of the last attempt; absent if none was under way")],
    },
    EventEntry {
        event_type: "run.cancelled",
        meaning: "It was stopped at its owner's wish; what had been delivered by then is charged.",
        fields: &[("attempt", "Number of the attempt; absent if none was under way")],
    },
    EventEntry {
        event_type: "run.settled_by_hand",
        meaning: "The operator ended it on evidence from outside; nothing was delivered, and nothing is charged.",
        fields: &[],
    },
    EventEntry {
        event_type: "run.refunded",
        meaning: "Some of what was captured was given back; the wallet gets new lots by the same append.",
        fields: &[
            ("reference", "Of this refund; under the same one it is never given twice"),
            ("parts[].kind", "Of lots of which kind: as they had paid, in that order"),
            ("parts[].amount", "How much of that kind"),
            ("reason", "Why, in the operator's words"),
        ],
    },
    EventEntry {
        event_type: "run.billed_late",
        meaning: "The provider said what it charges us after the run had been closed at no cost and without a bill. \
                  Nothing is charged: a late bill is the operator's loss.",
        fields: &[
            ("rule", "The line of the charging rules: `late_provider_bill`"),
            ("reported_cost.amount", "What the provider says it charges us"),
            ("reported_cost.currency", "In which currency (ISO 4217) or unit"),
        ],
    },
];

const REQUESTED: &[(&str, &str)] = &[
    ("route", "Method and path template"),
    ("operation", "The operation's stable name"),
    ("model_alias", "The model as the caller named it; a workflow's own; empty where there is none"),
    ("generator", "The generator, where one was used"),
    ("preference", "The generator's preference"),
    ("preference_two", "The generator's second preference"),
    ("workflow", "The workflow, where it is a run of one"),
    ("project", "The project that the run opens or plans anew, where its workflow makes one"),
    ("provider", "Which provider carries it out"),
    ("provider_model", "The model by the provider's own name"),
    ("private", "Whether outputs have signed addresses and appear in no public list"),
    ("item.batch", "The batch, if it is an item of one"),
    ("item.index", "Which item, from 0"),
    ("creations[].id", "Stream of an output asked for"),
    ("creations[].number", "Its public integer id"),
    ("quote.amount", "What is held, and captured when everything is delivered"),
    ("quote.exact", "The sum before rounding"),
    ("quote.per_output", "What one output costs, before rounding"),
    ("quote.outputs", "How many outputs were asked for"),
    ("quote.lines[].what", "What is paid for: the price's operation key"),
    (
        "quote.lines[].unit",
        "What is counted: `per_image`, `per_second`, `per_character`, `per_run`, `per_text` or `per_thousand_tokens`",
    ),
    ("quote.lines[].quantity", "How many units, over all outputs"),
    ("quote.lines[].unit_price", "Credits for one unit"),
    ("quote.lines[].multiplier", "The product of the factors; 1 where there are none"),
    ("quote.lines[].multipliers[].by", "The choice that a factor came from"),
    ("quote.lines[].multipliers[].value", "What was chosen"),
    ("quote.lines[].multipliers[].times", "The factor"),
    ("quote.lines[].amount", "quantity × unit price × multiplier, before the sum is rounded"),
    ("quote.price_book", "The version of the price book"),
    ("quote.rounding", "How sums are rounded under that book, always up: `whole_credits` or `exact`"),
    (
        "quote.per_output_by_quality.*",
        "What one output costs at each quality, where the choice was left to the provider",
    ),
    ("parameters.model", "The model's slug"),
    ("parameters.dialect", "Whose limits were applied"),
    ("parameters.capability", "What the model does"),
    ("parameters.media_type", "The medium of the outputs: `text`, `img`, `video`, `audio` or `svg`"),
    ("parameters.mode", "How the model is driven"),
    ("parameters.count", "How many outputs"),
    ("parameters.prompt_chars", "The prompt's length in Unicode scalars"),
    ("parameters.characters", "The spoken text's length in Unicode scalars"),
    ("parameters.aspect_ratio", "Asked or default ratio"),
    ("parameters.duration_seconds", "Seconds of output"),
    ("parameters.resolution", "Asked or default resolution"),
    ("parameters.quality", "Asked or default quality"),
    ("parameters.generate_audio", "Whether sound is made that could have been left out"),
    ("parameters.images", "How many source images are used"),
    ("parameters.references", "How many reference images are used"),
    ("parameters.source_video", "Whether there is a source video"),
    ("parameters.first_frame", "Whether there is a first frame"),
    ("parameters.last_frame", "Whether there is a last frame"),
    ("parameters.reference_videos", "How many reference videos there are"),
    ("parameters.reference_audio", "Whether there is a reference sound"),
    ("parameters.input_audio", "Whether there is a sound to work on"),
    ("parameters.media_seconds", "Probed length of the medium that is worked on"),
    ("parameters.scale_factor", "By how much to enlarge"),
    ("parameters.voice", "The voice's id"),
    ("parameters.language", "The text's language"),
    ("parameters.temperature", "The text's temperature"),
    ("parameters.output_format", "The file format asked for"),
];
