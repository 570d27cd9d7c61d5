//! What happened to a payment.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::ids::WalletId;
use crate::{Credits, Timestamp};

/// How a payment is taken back. What that does to the wallet is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversal {
    /// The seller gave the money back.
    Refunded,
    /// The payer's bank took it back.
    #[default]
    Chargeback,
}

impl Reversal {
    /// The name, as processors' events and lists have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reversal::Refunded => "refunded",
            Reversal::Chargeback => "chargeback",
        }
    }
}

/// A fact about a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentEvent {
    /// It was received; the wallet is credited by the same append.
    Received {
        /// The wallet it fills.
        wallet: WalletId,
        /// The credits it bought.
        credits: Credits,
        /// Who tells of it: `processor` or `operator`.
        source: String,
        /// What that calls it, where it calls it anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// What was paid, a decimal number; absent where the operator granted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paid: Option<String>,
        /// In which currency (ISO 4217).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Some of it was taken back by the processor; the wallet is charged by the same append.
    ChargedBack {
        /// How many credits.
        credits: Credits,
        /// How.
        #[serde(default)]
        how: Reversal,
        /// What the act is called, so that it is not carried out twice.
        reference: String,
        /// What was paid back, a decimal number; absent where the operator said it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paid_back: Option<String>,
        /// In which currency (ISO 4217).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
        /// When.
        at: Timestamp,
    },
}

impl PaymentEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 2] = ["payment.received", "payment.charged_back"];
}

impl DomainEvent for PaymentEvent {
    fn event_type(&self) -> String {
        match self {
            PaymentEvent::Received { .. } => Self::TYPES[0].to_owned(),
            PaymentEvent::ChargedBack { .. } => Self::TYPES[1].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        // See `es::upcasters`.
        match self {
            // 1.1.0 added `source`, 1.2.0 `reference`.
            PaymentEvent::Received { .. } => "1.2.0".to_owned(),
            // 1.1.0 added `how`, `paid_back` and `currency`.
            PaymentEvent::ChargedBack { .. } => "1.1.0".to_owned(),
        }
    }
}
