//! What each event of a wallet means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

/// In the order of [`super::WalletEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "credit_wallet.opened",
        meaning: "The wallet came to be.",
        fields: &[
            ("owner.account", "Whose own wallet it is; one of the three ways to own one"),
            ("owner.team", "The team whose own wallet it is"),
            ("owner.allowance.team", "The team that fills an allowance"),
            ("owner.allowance.member", "The member who spends from the allowance"),
        ],
    },
    EventEntry {
        event_type: "credit_wallet.lot_granted",
        meaning: "Credits came in, as a lot of their own. Before 1.1.0 no grant of the operator's said its payment.",
        fields: &[
            ("lot", "Number of the new lot in its wallet, from 1"),
            ("kind", "`paid`, `free` or `earned`"),
            ("priority", "Lots of a lower number are spent first"),
            ("expires_at", "When what is left of it expires; never if absent"),
            ("source.purchase.payment", "The payment that bought it"),
            ("source.bonus.bonus", "The bonus it came by"),
            ("source.bonus.kind", "Which bonus: `signup`, `daily` or `weekly`"),
            ("source.bonus.period", "The bonus's period; empty for the sign-up bonus"),
            ("source.gift.gift", "The gift it came by"),
            ("source.gift.from", "The account that gave it"),
            ("source.gift_returned.gift", "The gift of one's own that came back"),
            ("source.operator.reason", "Why the operator granted it, in the operator's words"),
            ("source.operator.payment", "As which payment it is known; absent where it cannot be taken back"),
        ],
    },
    EventEntry {
        event_type: "credit_wallet.credits_held",
        meaning: "Credits were set aside for a run or a batch. Every open hold has one that has not ended.",
        fields: &[],
    },
    EventEntry {
        event_type: "credit_wallet.hold_split",
        meaning: "A part of a batch's hold became the hold of one of its runs.",
        fields: &[("batch", "The batch whose hold shrinks"), ("run", "The run whose hold it becomes")],
    },
    EventEntry {
        event_type: "credit_wallet.credits_captured",
        meaning: "Held credits paid for what was delivered.",
        fields: &[("rule", "The line of the charging rules that applied, as published under `/v1/charging-rules`")],
    },
    EventEntry {
        event_type: "credit_wallet.credits_released",
        meaning: "What was left of a hold went back into the lots it came from, and the hold is closed.",
        fields: &[
            ("amount", "How much; nothing where a batch's hold had all become its runs'"),
            ("extended[].lot", "A lot that had expired meanwhile and lives on"),
            ("extended[].expires_at", "Until when it lives on"),
        ],
    },
    EventEntry {
        event_type: "credit_wallet.credits_refunded",
        meaning: "Captured credits were given back, as new lots.",
        fields: &[
            ("run", "The run that had been paid for"),
            ("lots[].lot", "Number of a new lot"),
            ("lots[].kind", "Its kind: the kind that had paid"),
            ("lots[].amount", "How much it holds"),
            ("reason", "Why, in the operator's words; shown to the account"),
        ],
    },
    EventEntry {
        event_type: "credit_wallet.credits_gifted",
        meaning: "Credits were handed to another account.",
        fields: &[("gift", "The gift"), ("to", "The account that receives it")],
    },
    EventEntry {
        event_type: "credit_wallet.credits_adjusted",
        meaning: "The operator took credits away (what the operator adds is a granted lot).",
        fields: &[("reason", "Why, in the operator's words")],
    },
    EventEntry {
        event_type: "credit_wallet.payment_charged_back",
        meaning: "A payment was taken back: what was still there was taken, first of the payment's own lot, then of \
                  other paid credits; the rest is owed. Version 1.0.0 had no `how`: it is read as `chargeback`.",
        fields: &[
            ("payment", "The payment"),
            ("how", "`refunded` by the seller, or `chargeback` by the payer's bank"),
            ("amount", "How much was charged back"),
            ("parts[].lot", "A lot from which something was taken"),
            ("parts[].amount", "How much of it"),
            ("receivable", "What had been spent or was held, and is owed now"),
            ("posting.from", "What was taken: the side that gives; absent where nothing was left"),
            ("posting.to", "What was taken: the side that receives"),
            ("posting.amount", "What was taken: how much"),
            ("owed.from", "What is owed: the side that gives; absent where all was still there"),
            ("owed.to", "What is owed: the side that receives"),
            ("owed.amount", "What is owed: how much"),
        ],
    },
    EventEntry {
        event_type: "credit_wallet.receivable_paid",
        meaning: "Credits that came in, or came back, paid what a chargeback had left owing. Recorded in the append \
                  that brought them.",
        fields: &[
            ("amount", "How much was paid"),
            ("parts[].lot", "A lot from which something was taken"),
            ("parts[].amount", "How much of it"),
            ("left", "What is owed still"),
        ],
    },
    EventEntry {
        event_type: "credit_wallet.lot_expired",
        meaning: "What was left of a lot expired; what is held of it is not touched. Recorded with the wallet's next \
                  decision after that.",
        fields: &[
            ("lot", "The lot"),
            ("amount", "How much of it could still be spent; nothing where all of it is held"),
            ("effective_at", "When it was due (`recorded_at` says when that was recorded)"),
            ("posting.from", "The side that gives; absent where nothing could be spent any more"),
        ],
    },
];
