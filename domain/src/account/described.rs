//! What each event of an account means, for `docs/EVENTS.md`.

use crate::event_book::EventEntry;

const DETAILS: (&str, &str) = ("details", "The sealed details");
const VOICE: (&str, &str) = ("voice_id", "The voice");
const INFLUENCER: (&str, &str) = ("influencer_id", "The influencer");

const HANDLE: (&str, &str) =
    ("handle_claim", "A fingerprint of its handle under the account's key, so that no two have one");

/// In the order of [`super::AccountEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "account.registered",
        meaning: "The account came to be.",
        fields: &[
            ("user_id", "Its public integer id"),
            ("profile", "The sealed profile: username, email, names"),
            ("username_claim", "Keyed hash of the username in hex, as claimed in the directory"),
            ("email_claim", "Keyed hash of the email in hex, as claimed in the directory"),
            ("tier", "Its limits: `free`, `basic`, `pro`, `enterprise` or `unlimited`"),
        ],
    },
    EventEntry {
        event_type: "account.profile_changed",
        meaning: "The person changed what they say of themselves.",
        fields: &[("profile", "The sealed profile as it is now")],
    },
    EventEntry {
        event_type: "account.key_issued",
        meaning: "The account may act with one more key.",
        fields: &[
            ("key_id", "The key's public integer id"),
            ("name", "What its maker calls it"),
            ("prefix", "What is shown of it"),
            ("hash", "Hash of the secret in hex"),
            ("scopes", "What it may do: `full`, or a list"),
            ("scopes.only[]", "A scope that it has"),
            ("made_with", "The key it was made with; absent where it was made otherwise"),
            ("made_with_client", "The OAuth client with whose token it was made; absent where it was made otherwise"),
        ],
    },
    EventEntry {
        event_type: "account.key_revoked",
        meaning: "A key may do nothing any more.",
        fields: &[("key_id", "Which"), ("by_key", "By which key; absent from the command line")],
    },
    EventEntry {
        event_type: "account.client_issued",
        meaning: "The account may act through one more OAuth client.",
        fields: &[
            ("client_id", "The client's public id"),
            ("name", "What its maker calls it"),
            ("secret_hash", "Hash of the secret in hex"),
            ("scopes", "The most that its tokens may do: `full`, or a list"),
            ("scopes.only[]", "A scope that its tokens may have"),
            ("made_with", "The key it was made with; absent where it was made otherwise"),
            ("made_with_client", "The OAuth client with whose token it was made; absent where it was made otherwise"),
        ],
    },
    EventEntry {
        event_type: "account.client_revoked",
        meaning: "An OAuth client and its tokens may do nothing any more.",
        fields: &[("client_id", "Which")],
    },
    EventEntry {
        event_type: "account.tier_changed",
        meaning: "Its limits changed.",
        fields: &[("tier", "To these: `free`, `basic`, `pro`, `enterprise` or `unlimited`")],
    },
    EventEntry {
        event_type: "account.suspended",
        meaning: "It may do nothing for now.",
        fields: &[("reason", "Why, in the operator's words")],
    },
    EventEntry { event_type: "account.reinstated", meaning: "It may act again.", fields: &[] },
    EventEntry { event_type: "account.voice_added", meaning: "A cloned voice was added.", fields: &[VOICE, DETAILS] },
    EventEntry {
        event_type: "account.voice_changed",
        meaning: "A voice has other details.",
        fields: &[VOICE, DETAILS],
    },
    EventEntry { event_type: "account.voice_archived", meaning: "A voice was put away.", fields: &[VOICE] },
    EventEntry {
        event_type: "account.influencer_added",
        meaning: "An influencer was added, as a draft.",
        fields: &[INFLUENCER, DETAILS, HANDLE],
    },
    EventEntry {
        event_type: "account.influencer_changed",
        meaning: "An influencer has other details.",
        fields: &[INFLUENCER, DETAILS, HANDLE],
    },
    EventEntry {
        event_type: "account.influencer_moved",
        meaning: "An influencer moved on.",
        fields: &[
            INFLUENCER,
            ("status", "Where it stands now: `draft`, `training`, `ready` or `archived`"),
            ("at", "When"),
        ],
    },
    EventEntry {
        event_type: "account.erased",
        meaning: "The person is erased: their sealing key is destroyed, every key and client revoked.",
        fields: &[("by", "Who did it")],
    },
];
