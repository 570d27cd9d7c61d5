//! What the events of a team mean.

use crate::event_book::EventEntry;

/// In the order of [`super::TeamEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "team.created",
        meaning: "A team came to be, with its owner as its first member.",
        fields: &[
            ("number", "The team's public integer id"),
            ("name", "What it is called"),
            ("owner", "Whose it is"),
            ("user_id", "The owner's public integer id"),
            ("invite.claim", "Hash of the invite code, as claimed in the directory"),
            ("invite.code", "The invite code, sealed under the key of the account that made it"),
        ],
    },
    EventEntry {
        event_type: "team.member_joined",
        meaning: "Somebody came in.",
        fields: &[
            ("account", "Who"),
            ("user_id", "Their public integer id"),
            ("how", "`invited`: with the invite code"),
            ("how.added.by", "The member who added them by name"),
        ],
    },
    EventEntry { event_type: "team.member_left", meaning: "Somebody left.", fields: &[("account", "Who")] },
    EventEntry {
        event_type: "team.member_removed",
        meaning: "The owner removed somebody.",
        fields: &[("account", "Who")],
    },
    EventEntry {
        event_type: "team.invite_renewed",
        meaning: "The team has another invite code; the old one opens nothing.",
        fields: &[
            ("invite.claim", "Hash of the new code, as claimed in the directory"),
            ("invite.code", "The new code, sealed under the key of the account that made it"),
        ],
    },
    EventEntry {
        event_type: "team.renamed",
        meaning: "The team is called otherwise.",
        fields: &[("name", "The new name")],
    },
    EventEntry {
        event_type: "team.handed_over",
        meaning: "The team has another owner, who had been a member.",
        fields: &[("to", "The new owner")],
    },
    EventEntry {
        event_type: "team.purse_set",
        meaning: "The owner said whether the team pays for what is made for it, and what each member may spend.",
        fields: &[
            ("purse.pays", "Whether the team's wallet pays"),
            ("purse.member_limit", "What a member may spend of it in all, where they have no limit of their own"),
        ],
    },
    EventEntry {
        event_type: "team.archived",
        meaning: "The last member left; by the same append as that.",
        fields: &[],
    },
];
