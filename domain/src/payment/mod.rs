//! A payment: something bought or granted once, and what of it was taken back. Its id is derived
//! from the payment processor's own, so the same payment is never credited twice.

pub(crate) mod described;
pub(crate) mod samples;

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::ids::WalletId;
use crate::{Credits, Timestamp, es};

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
        /// Who tells of it: a processor's name, or `operator`.
        source: String,
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
        /// The processor's id of the act, so that it is not carried out twice.
        reference: String,
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
        match self {
            // 1.1.0 added `source`; see `es::upcasters`.
            PaymentEvent::Received { .. } => "1.1.0".to_owned(),
            PaymentEvent::ChargedBack { .. } => "1.0.0".to_owned(),
        }
    }
}

/// A command to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentCommand {
    /// It was received.
    Receive {
        /// The wallet it fills.
        wallet: WalletId,
        /// The credits it bought.
        credits: Credits,
        /// Who tells of it.
        source: String,
        /// What was paid.
        paid: Option<String>,
        /// In which currency.
        currency: Option<String>,
        /// The moment.
        at: Timestamp,
    },
    /// Some of it was taken back.
    ChargeBack {
        /// How many credits.
        credits: Credits,
        /// The processor's id of the act.
        reference: String,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a payment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// The id was used for another wallet or amount.
    #[error("the payment exists with other content")]
    OtherPayment,
    /// An amount of nothing, or less.
    #[error("the amount must be more than nothing")]
    NotPositive,
    /// More would be taken back than was bought.
    #[error("{asked} cannot be charged back, {left} can")]
    TooMuch {
        /// What was asked.
        asked: Credits,
        /// What can be.
        left: Credits,
    },
}

/// Something bought or granted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    wallet: Option<WalletId>,
    credits: Credits,
    charged_back: Vec<(String, Credits)>,
}

impl Payment {
    /// The wallet it filled; `None` if there is no such payment.
    #[must_use]
    pub fn wallet(&self) -> Option<WalletId> {
        self.wallet
    }

    /// What it bought.
    #[must_use]
    pub fn credits(&self) -> Credits {
        self.credits
    }

    fn charge_back(
        &self,
        credits: Credits,
        reference: String,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.wallet.is_none() {
            return Err(PaymentError::NotFound);
        }
        if let Some((_, known)) = self.charged_back.iter().find(|(said, _)| *said == reference) {
            return if *known == credits { Ok(vec![]) } else { Err(PaymentError::OtherPayment) };
        }
        if !credits.is_positive() {
            return Err(PaymentError::NotPositive);
        }
        let left = self.credits - self.charged_back.iter().map(|(_, credits)| *credits).sum();
        if credits > left {
            return Err(PaymentError::TooMuch { asked: credits, left });
        }
        Ok(vec![PaymentEvent::ChargedBack { credits, reference, at }])
    }
}

impl es::Aggregate for Payment {
    const STATE_SCHEMA: &'static str = "payment/1";

    fn decide(&self, command: PaymentCommand) -> Result<Vec<PaymentEvent>, PaymentError> {
        match command {
            PaymentCommand::Receive { wallet, credits, source, paid, currency, at } => match self.wallet {
                Some(known) if known == wallet && self.credits == credits => Ok(vec![]),
                Some(_) => Err(PaymentError::OtherPayment),
                None if !credits.is_positive() => Err(PaymentError::NotPositive),
                None => Ok(vec![PaymentEvent::Received { wallet, credits, source, paid, currency, at }]),
            },
            PaymentCommand::ChargeBack { credits, reference, at } => self.charge_back(credits, reference, at),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.charged_back.len() * 64
    }
}

impl cqrs_es::Aggregate for Payment {
    const TYPE: &'static str = "payment";
    type Command = PaymentCommand;
    type Event = PaymentEvent;
    type Error = PaymentError;
    type Services = ();

    async fn handle(&mut self, command: PaymentCommand, _: &(), sink: &EventSink<Self>) -> Result<(), PaymentError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: PaymentEvent) {
        match event {
            PaymentEvent::Received { wallet, credits, .. } => {
                self.wallet = Some(wallet);
                self.credits = credits;
            }
            PaymentEvent::ChargedBack { credits, reference, .. } => self.charged_back.push((reference, credits)),
        }
    }
}

#[cfg(test)]
mod tests;
