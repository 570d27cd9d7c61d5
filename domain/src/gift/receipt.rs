//! The receiver's side of a gift, in the receiver's shard: whether it was taken. Its id is derived from the
//! gift's, so a gift that is handed over twice is taken once.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_credits, sample_id, sample_time};
use crate::ids::{AccountId, GiftId};
use crate::wallet::WalletOwner;
use crate::{Credits, Timestamp, es};

/// Why a gift cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedGift {
    /// There is no such account or team any more.
    Gone,
    /// The account may do nothing for now.
    Suspended,
    /// The wallet has as many lots as it may.
    Full,
}

impl RefusedGift {
    /// The name in every dialect.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RefusedGift::Gone => "gone",
            RefusedGift::Suspended => "suspended",
            RefusedGift::Full => "full",
        }
    }
}

/// A fact about the receiver's side of a gift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptEvent {
    /// It is in the receiver's wallet, by the same append.
    Taken {
        /// The gift.
        gift: GiftId,
        /// Out of whose purse it came.
        from: WalletOwner,
        /// Into whose it went.
        to: WalletOwner,
        /// How much.
        amount: Credits,
        /// When.
        at: Timestamp,
    },
    /// It cannot be taken, and goes back.
    Refused {
        /// The gift.
        gift: GiftId,
        /// Why.
        why: RefusedGift,
        /// When.
        at: Timestamp,
    },
}

impl ReceiptEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 2] = ["gift_receipt.taken", "gift_receipt.refused"];
}

impl DomainEvent for ReceiptEvent {
    fn event_type(&self) -> String {
        match self {
            ReceiptEvent::Taken { .. } => Self::TYPES[0].to_owned(),
            ReceiptEvent::Refused { .. } => Self::TYPES[1].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to the receiver's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptCommand {
    /// Take it.
    Take {
        /// The gift.
        gift: GiftId,
        /// Out of whose purse it comes.
        from: WalletOwner,
        /// Into whose it goes.
        to: WalletOwner,
        /// How much.
        amount: Credits,
        /// The moment.
        at: Timestamp,
    },
    /// Send it back.
    Refuse {
        /// The gift.
        gift: GiftId,
        /// Why.
        why: RefusedGift,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by the receiver's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The id belongs to another gift.
    #[error("the receipt exists for another gift")]
    OtherGift,
}

/// The receiver's side of a gift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftReceipt {
    ended: Option<(GiftId, Result<(), RefusedGift>)>,
}

impl GiftReceipt {
    /// Whether it was taken, or why not; `None` before that is decided.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<(), RefusedGift>> {
        self.ended.map(|(_, outcome)| outcome)
    }
}

impl es::Aggregate for GiftReceipt {
    const STATE_SCHEMA: &'static str = "gift_receipt/1";

    fn decide(&self, command: ReceiptCommand) -> Result<Vec<ReceiptEvent>, ReceiptError> {
        let (ReceiptCommand::Take { gift, .. } | ReceiptCommand::Refuse { gift, .. }) = command;
        match self.ended {
            Some((known, _)) if known != gift => Err(ReceiptError::OtherGift),
            // However it ended, it ended once.
            Some(_) => Ok(vec![]),
            None => Ok(vec![match command {
                ReceiptCommand::Take { gift, from, to, amount, at } => {
                    ReceiptEvent::Taken { gift, from, to, amount, at }
                }
                ReceiptCommand::Refuse { gift, why, at } => ReceiptEvent::Refused { gift, why, at },
            }]),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl cqrs_es::Aggregate for GiftReceipt {
    const TYPE: &'static str = "gift_receipt";
    type Command = ReceiptCommand;
    type Event = ReceiptEvent;
    type Error = ReceiptError;
    type Services = ();

    async fn handle(&mut self, command: ReceiptCommand, _: &(), sink: &EventSink<Self>) -> Result<(), ReceiptError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ReceiptEvent) {
        match event {
            ReceiptEvent::Taken { gift, .. } => self.ended = Some((gift, Ok(()))),
            ReceiptEvent::Refused { gift, why, .. } => self.ended = Some((gift, Err(why))),
        }
    }
}

/// In the order of [`ReceiptEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "gift_receipt.taken",
        meaning: "A gift is in the receiver's wallet, which says so by the same append.",
        fields: &[
            ("gift", "The gift"),
            ("from.account", "The account that gave"),
            ("to.account", "The account that has it now"),
            ("amount", "How much"),
        ],
    },
    EventEntry {
        event_type: "gift_receipt.refused",
        meaning: "A gift cannot be taken, and goes back.",
        fields: &[("gift", "The gift"), ("why", "`gone` (no such account or team any more), `suspended` or `full`")],
    },
];

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<ReceiptEvent> {
    let gift = GiftId(sample_id("gift"));
    let [from, to] = ["account", "receiver"].map(|name| WalletOwner::Account(AccountId(sample_id(name))));
    vec![
        ReceiptEvent::Taken { gift, from, to, amount: sample_credits(25_000_000), at: sample_time(1) },
        ReceiptEvent::Refused { gift, why: RefusedGift::Gone, at: sample_time(1) },
    ]
}
