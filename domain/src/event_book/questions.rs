//! What an auditor asks, and the field that answers it.

/// A question, and where the answer stands: event type and path of a field.
pub(super) struct Question {
    /// In words.
    pub asked: &'static str,
    /// The fields that answer it.
    pub answers: &'static [(&'static str, &'static str)],
    /// Where else to look.
    pub and: &'static str,
}

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        asked: "Who paid?",
        answers: &[
            ("run.requested", "payer.wallet"),
            ("run.requested", "payer.team"),
            ("batch.created", "payer.wallet"),
        ],
        and: "The hold stands in that wallet's stream (`credit_wallet.opened` says whose it is).",
    },
    Question {
        asked: "Who acted?",
        answers: &[("run.requested", "account"), ("batch.created", "account"), ("run.cancel_requested", "by")],
        and: "Metadata `actor` says it of every event.",
    },
    Question {
        asked: "Through which surface, with which key or client?",
        answers: &[
            ("run.requested", "surface"),
            ("run.requested", "route"),
            ("run.requested", "key_id"),
            ("run.requested", "client_id"),
            ("batch.created", "surface"),
            ("batch.created", "key_id"),
            ("batch.created", "client_id"),
        ],
        and: "`request_id` ties it to the request's log lines.",
    },
    Question {
        asked: "How did the price come about?",
        answers: &[
            ("run.requested", "quote.lines[].unit"),
            ("run.requested", "quote.lines[].quantity"),
            ("run.requested", "quote.lines[].unit_price"),
            ("run.requested", "quote.lines[].multipliers[].times"),
            ("run.requested", "quote.exact"),
            ("run.requested", "quote.rounding"),
            ("run.requested", "quote.amount"),
        ],
        and: "",
    },
    Question { asked: "Under which price book?", answers: &[("run.requested", "quote.price_book")], and: "" },
    Question {
        asked: "Which lots?",
        answers: &[
            ("credit_wallet.credits_held", "parts[].lot"),
            ("credit_wallet.hold_split", "parts[].lot"),
            ("credit_wallet.credits_captured", "parts[].lot"),
            ("credit_wallet.credits_released", "parts[].lot"),
            ("credit_wallet.credits_refunded", "lots[].lot"),
        ],
        and: "`credit_wallet.lot_granted` says where a lot came from.",
    },
    Question {
        asked: "Each attempt: at which provider, under which ids?",
        answers: &[
            ("run.submit_intended", "attempt"),
            ("run.submit_intended", "provider"),
            ("run.submit_intended", "client_id"),
            ("run.submitted", "provider_request_id"),
        ],
        and: "",
    },
    Question {
        asked: "Each attempt: with which outcome?",
        answers: &[
            ("run.submit_disproved", "reason.code"),
            ("run.outcome_unknown", "reason.code"),
            ("run.succeeded", "outputs[]"),
            ("run.failed", "reason.code"),
            ("run.cancelled", "outputs[]"),
            ("run.settled_by_hand", "reason.code"),
        ],
        and: "Every attempt but the last was disproved: it never reached its provider.",
    },
    Question {
        asked: "Each attempt: at which reported cost?",
        answers: &[
            ("run.succeeded", "ending.reported_cost.amount"),
            ("run.failed", "ending.reported_cost.amount"),
            ("run.cancelled", "ending.reported_cost.amount"),
            ("run.billed_late", "reported_cost.amount"),
        ],
        and: "A disproved attempt cost nothing.",
    },
    Question {
        asked: "By which charging rule?",
        answers: &[
            ("run.succeeded", "ending.rule"),
            ("run.failed", "ending.rule"),
            ("run.cancelled", "ending.rule"),
            ("run.settled_by_hand", "ending.rule"),
            ("credit_wallet.credits_captured", "rule"),
        ],
        and: "The rules are published under `/v1/charging-rules`.",
    },
    Question {
        asked: "Both sides of each posting?",
        answers: &[
            ("credit_wallet.credits_held", "posting.from"),
            ("credit_wallet.credits_held", "posting.to"),
            ("credit_wallet.credits_held", "posting.amount"),
        ],
        and: "So on every event of a wallet that moves credits; a chargeback has two postings, `posting` and `owed`. \
              `after` is the balance that the event leads to.",
    },
    Question { asked: "When was it recorded?", answers: &[], and: "Row column `recorded_at` of every event." },
    Question {
        asked: "When did it become true?",
        answers: &[
            ("run.requested", "at"),
            ("run.succeeded", "ending.at"),
            ("creation.opened", "at"),
            ("payment.received", "at"),
            ("credit_wallet.lot_expired", "effective_at"),
        ],
        and: "Where an event has no moment of its own, it is `recorded_at`.",
    },
];
