//! A payment: something bought or granted once, and what of it was taken back. Its id is derived
//! from the payment processor's own, so the same payment is never credited twice.

pub(crate) mod described;
mod events;
pub(crate) mod samples;

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use events::{PaymentEvent, Reversal};

use crate::ids::WalletId;
use crate::{Credits, Timestamp, es};

/// A payment as whoever tells of it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPayment {
    /// The wallet it fills.
    pub wallet: WalletId,
    /// The credits it bought.
    pub credits: Credits,
    /// Who tells of it: `processor` or `operator`.
    pub source: String,
    /// What that calls it.
    pub reference: Option<String>,
    /// What was paid, a decimal number; absent where the operator granted it.
    pub paid: Option<String>,
    /// In which currency (ISO 4217).
    pub currency: Option<String>,
}

impl ReceivedPayment {
    /// What the operator grants.
    #[must_use]
    pub fn granted(wallet: WalletId, credits: Credits, reference: Option<String>) -> Self {
        ReceivedPayment { wallet, credits, source: "operator".to_owned(), reference, paid: None, currency: None }
    }
}

/// Some of a payment taken back, as whoever tells of it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversedPayment {
    /// How many credits.
    pub credits: Credits,
    /// How.
    pub how: Reversal,
    /// What the act is called; of one payment, one act of its kind.
    pub reference: String,
    /// What was paid back, a decimal number; absent where the operator says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_back: Option<String>,
    /// In which currency (ISO 4217).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// A command to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentCommand {
    /// It was received.
    Receive {
        /// What was.
        received: ReceivedPayment,
        /// The moment.
        at: Timestamp,
    },
    /// Some of it was taken back.
    Reverse {
        /// What was.
        reversed: ReversedPayment,
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
    #[error("the payment exists with other content: account, credits, amount and currency must be as before")]
    OtherPayment,
    /// The act was carried out with other content.
    #[error("it was taken back with other content: credits, amount and currency must be as before")]
    OtherReversal,
    /// An amount of nothing, or less.
    #[error("the amount must be more than nothing")]
    NotPositive,
    /// More would be taken back than was bought.
    #[error("{asked} credits cannot be charged back, {left} of the payment are left")]
    TooMuch {
        /// What was asked.
        asked: Credits,
        /// What can be.
        left: Credits,
    },
    /// It was taken back in more parts than are kept.
    #[error("a payment is taken back in at most {max} parts")]
    TooManyReversals {
        /// The limit.
        max: usize,
    },
}

/// Something bought or granted once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    wallet: Option<WalletId>,
    credits: Credits,
    paid: Option<String>,
    currency: Option<String>,
    reversed: Vec<ReversedPayment>,
}

impl Payment {
    /// In how many parts it is taken back at most.
    pub const REVERSALS_MAX: usize = 100;

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

    /// What was paid, and in which currency.
    #[must_use]
    pub fn paid(&self) -> Option<(&str, &str)> {
        self.paid.as_deref().zip(self.currency.as_deref())
    }

    /// What was taken back, in order.
    #[must_use]
    pub fn reversed(&self) -> &[ReversedPayment] {
        &self.reversed
    }

    /// What can still be taken back.
    #[must_use]
    pub fn left(&self) -> Credits {
        self.credits - self.reversed.iter().map(|reversed| reversed.credits).sum()
    }

    fn receive(&self, received: ReceivedPayment, at: Timestamp) -> Result<Vec<PaymentEvent>, PaymentError> {
        let ReceivedPayment { wallet, credits, source, reference, paid, currency } = received;
        match self.wallet {
            Some(known) => {
                let same = known == wallet && (self.credits, &self.paid, &self.currency) == (credits, &paid, &currency);
                if same { Ok(vec![]) } else { Err(PaymentError::OtherPayment) }
            }
            None if !credits.is_positive() => Err(PaymentError::NotPositive),
            None => Ok(vec![PaymentEvent::Received { wallet, credits, source, reference, paid, currency, at }]),
        }
    }

    fn reverse(&self, reversed: ReversedPayment, at: Timestamp) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.wallet.is_none() {
            return Err(PaymentError::NotFound);
        }
        let act = |known: &&ReversedPayment| (known.how, &known.reference) == (reversed.how, &reversed.reference);
        if let Some(known) = self.reversed.iter().find(act) {
            return if *known == reversed { Ok(vec![]) } else { Err(PaymentError::OtherReversal) };
        }
        if !reversed.credits.is_positive() {
            return Err(PaymentError::NotPositive);
        }
        if reversed.credits > self.left() {
            return Err(PaymentError::TooMuch { asked: reversed.credits, left: self.left() });
        }
        if self.reversed.len() >= Self::REVERSALS_MAX {
            return Err(PaymentError::TooManyReversals { max: Self::REVERSALS_MAX });
        }
        let ReversedPayment { credits, how, reference, paid_back, currency } = reversed;
        Ok(vec![PaymentEvent::ChargedBack { credits, how, reference, paid_back, currency, at }])
    }
}

impl es::Aggregate for Payment {
    const STATE_SCHEMA: &'static str = "payment/2";

    fn decide(&self, command: PaymentCommand) -> Result<Vec<PaymentEvent>, PaymentError> {
        match command {
            PaymentCommand::Receive { received, at } => self.receive(received, at),
            PaymentCommand::Reverse { reversed, at } => self.reverse(reversed, at),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.reversed.len() * (size_of::<ReversedPayment>() + 64)
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
            PaymentEvent::Received { wallet, credits, paid, currency, .. } => {
                self.wallet = Some(wallet);
                self.credits = credits;
                (self.paid, self.currency) = (paid, currency);
            }
            PaymentEvent::ChargedBack { credits, how, reference, paid_back, currency, .. } => {
                self.reversed.push(ReversedPayment { credits, how, reference, paid_back, currency });
            }
        }
    }
}

#[cfg(test)]
mod tests;
