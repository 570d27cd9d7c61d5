//! The giver's side of a gift, in the giver's shard. Its id is derived from the giver and what names the
//! request, so that a request said again is the same gift.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::receipt::RefusedGift;
use crate::event_book::{EventEntry, sample_credits, sample_id, sample_time};
use crate::ids::{AccountId, TeamId};
use crate::wallet::{LotKind, WalletOwner};
use crate::{Credits, Timestamp, es};

/// A gift as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentGift {
    /// Out of whose purse.
    pub from: WalletOwner,
    /// Into whose.
    pub to: WalletOwner,
    /// Who said so.
    pub by: AccountId,
    /// How much.
    pub amount: Credits,
    /// Of what it is made up, in the order of kinds: comes back as such.
    pub parts: Vec<GiftPart>,
    /// Keyed hash of the request, where it had an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl SentGift {
    /// Whether somebody wanted just that; else it is drawn from a team's wallet, or given back.
    fn is_made_by_hand(&self) -> bool {
        matches!(self.from, WalletOwner::Account(_))
    }
}

/// Credits of one kind in a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftPart {
    /// Which kind.
    pub kind: LotKind,
    /// How much.
    pub amount: Credits,
}

/// A fact about a gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiftEvent {
    /// It left the giver's wallet, by the same append.
    Sent(Box<SentGift>),
    /// The receiver has it.
    Delivered {
        /// When that was noted.
        at: Timestamp,
    },
    /// The receiver cannot have it; it is back in the giver's wallet, by the same append.
    Returned {
        /// Why.
        why: RefusedGift,
        /// When.
        at: Timestamp,
    },
}

impl GiftEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 3] = ["gift.sent", "gift.delivered", "gift.returned"];
}

impl DomainEvent for GiftEvent {
    fn event_type(&self) -> String {
        match self {
            GiftEvent::Sent(_) => Self::TYPES[0].to_owned(),
            GiftEvent::Delivered { .. } => Self::TYPES[1].to_owned(),
            GiftEvent::Returned { .. } => Self::TYPES[2].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a gift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiftCommand {
    /// Send it.
    Send(Box<SentGift>),
    /// The receiver has it.
    Deliver {
        /// The moment.
        at: Timestamp,
    },
    /// The receiver cannot have it.
    Return {
        /// Why.
        why: RefusedGift,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a gift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GiftError {
    /// There is no such gift.
    #[error("there is no such gift")]
    NotFound,
    /// Nobody gives to themselves.
    #[error("nobody can give credits to themselves")]
    Oneself,
    /// An amount of nothing, or less.
    #[error("the amount must be more than nothing")]
    NotPositive,
    /// Too little to be worth a lot of the receiver's.
    #[error("a gift is of at least {} credit", Gift::LEAST)]
    TooLittle,
    /// The id belongs to another gift.
    #[error("the gift exists with other content")]
    OtherGift,
    /// It ended otherwise.
    #[error("the gift has ended already")]
    Ended,
}

/// Where a gift stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiftStatus {
    /// There is no such gift.
    #[default]
    None,
    /// It left the giver.
    Sent,
    /// The receiver has it.
    Delivered,
    /// The giver has it again.
    Returned,
}

/// The giver's side of a gift.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    sent: Option<Box<SentGift>>,
    status: GiftStatus,
}

impl Gift {
    /// The least that one account gives to another: who receives has room for so many lots only.
    pub const LEAST: u32 = 1;

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> GiftStatus {
        self.status
    }

    /// The gift as it was sent; `None` if there is none.
    #[must_use]
    pub fn sent(&self) -> Option<&SentGift> {
        self.sent.as_deref()
    }

    fn send(&self, sent: Box<SentGift>) -> Result<Vec<GiftEvent>, GiftError> {
        match self.sent() {
            Some(known) if known.fingerprint == sent.fingerprint && (known.from, known.to) == (sent.from, sent.to) => {
                if known.amount == sent.amount {
                    Ok(vec![])
                } else {
                    Err(GiftError::OtherGift)
                }
            }
            Some(_) => Err(GiftError::OtherGift),
            None if sent.from == sent.to => Err(GiftError::Oneself),
            None if !sent.amount.is_positive() => Err(GiftError::NotPositive),
            None if sent.is_made_by_hand() && sent.amount < Credits::whole(Self::LEAST) => Err(GiftError::TooLittle),
            None => Ok(vec![GiftEvent::Sent(sent)]),
        }
    }

    fn end(&self, as_status: GiftStatus, event: GiftEvent) -> Result<Vec<GiftEvent>, GiftError> {
        match self.status {
            GiftStatus::None => Err(GiftError::NotFound),
            GiftStatus::Sent => Ok(vec![event]),
            ended if ended == as_status => Ok(vec![]),
            GiftStatus::Delivered | GiftStatus::Returned => Err(GiftError::Ended),
        }
    }
}

impl es::Aggregate for Gift {
    const STATE_SCHEMA: &'static str = "gift/1";

    fn decide(&self, command: GiftCommand) -> Result<Vec<GiftEvent>, GiftError> {
        match command {
            GiftCommand::Send(sent) => self.send(sent),
            GiftCommand::Deliver { at } => self.end(GiftStatus::Delivered, GiftEvent::Delivered { at }),
            GiftCommand::Return { why, at } => self.end(GiftStatus::Returned, GiftEvent::Returned { why, at }),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + size_of::<SentGift>() + 64
    }
}

impl cqrs_es::Aggregate for Gift {
    const TYPE: &'static str = "gift";
    type Command = GiftCommand;
    type Event = GiftEvent;
    type Error = GiftError;
    type Services = ();

    async fn handle(&mut self, command: GiftCommand, _: &(), sink: &EventSink<Self>) -> Result<(), GiftError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: GiftEvent) {
        match event {
            GiftEvent::Sent(sent) => *self = Gift { sent: Some(sent), status: GiftStatus::Sent },
            GiftEvent::Delivered { .. } => self.status = GiftStatus::Delivered,
            GiftEvent::Returned { .. } => self.status = GiftStatus::Returned,
        }
    }
}

/// In the order of [`GiftEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "gift.sent",
        meaning: "Credits left the giver's wallet for another; the wallet says so by the same append.",
        fields: &[
            ("from.account", "The account that gives"),
            ("from.team", "The team out of whose wallet it comes"),
            ("from.allowance.team", "The team to which a member gives back"),
            ("from.allowance.member", "That member"),
            ("to.team", "The team into whose wallet it goes"),
            ("to.account", "The account that is to have it"),
            ("to.allowance.team", "The team that lets a member spend it"),
            ("to.allowance.member", "That member"),
            ("by", "Who said so"),
            ("amount", "How much"),
            ("parts[].kind", "A kind of credits that it is made up of: comes back as such"),
            ("parts[].amount", "How much of it"),
            ("fingerprint", "Keyed hash of the request, where it had an idempotency key"),
        ],
    },
    EventEntry { event_type: "gift.delivered", meaning: "The receiver has it.", fields: &[] },
    EventEntry {
        event_type: "gift.returned",
        meaning: "The receiver cannot have it; the giver's wallet is credited by the same append.",
        fields: &[("why", "`gone` (no such account any more), `suspended` or `full`")],
    },
];

/// Every type, in the order of the enum; of a gift one with all that can be said, one with the least.
pub(crate) fn samples() -> Vec<GiftEvent> {
    let least = SentGift {
        from: WalletOwner::Account(AccountId(sample_id("account"))),
        to: WalletOwner::Account(AccountId(sample_id("receiver"))),
        by: AccountId(sample_id("account")),
        amount: sample_credits(25_000_000),
        parts: vec![GiftPart { kind: LotKind::Paid, amount: sample_credits(25_000_000) }],
        fingerprint: None,
        at: sample_time(0),
    };
    let team = TeamId(sample_id("team"));
    let most = SentGift { fingerprint: Some("5f0c".to_owned()), ..least.clone() };
    vec![
        GiftEvent::Sent(Box::new(most)),
        GiftEvent::Sent(Box::new(SentGift {
            from: WalletOwner::Team(team),
            to: WalletOwner::Allowance { team, member: AccountId(sample_id("member")) },
            ..least.clone()
        })),
        GiftEvent::Sent(Box::new(SentGift {
            from: WalletOwner::Allowance { team, member: AccountId(sample_id("member")) },
            to: WalletOwner::Team(team),
            ..least.clone()
        })),
        GiftEvent::Sent(Box::new(least)),
        GiftEvent::Delivered { at: sample_time(1) },
        GiftEvent::Returned { why: RefusedGift::Suspended, at: sample_time(1) },
    ]
}
