//! A bonus: free credits for one account, kind and period. Its id is made of the three, so a period
//! is never credited twice, whatever the clock does.

pub(crate) mod described;
pub(crate) mod samples;

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::ids::WalletId;
use crate::wallet::BonusKind;
use crate::{Credits, Timestamp, es};

/// A fact about a bonus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BonusEvent {
    /// It was claimed; the wallet is credited by the same append, unless it was full.
    Claimed {
        /// The wallet.
        wallet: WalletId,
        /// Which bonus.
        kind: BonusKind,
        /// The period.
        period: String,
        /// How much; nothing where free credits stood at their ceiling.
        credits: Credits,
        /// When.
        at: Timestamp,
    },
}

impl BonusEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 1] = ["bonus.claimed"];
}

impl DomainEvent for BonusEvent {
    fn event_type(&self) -> String {
        match self {
            BonusEvent::Claimed { .. } => Self::TYPES[0].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a bonus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BonusCommand {
    /// Claim it.
    Claim {
        /// The wallet.
        wallet: WalletId,
        /// Which bonus.
        kind: BonusKind,
        /// The period.
        period: String,
        /// How much; nothing where free credits stand at their ceiling.
        credits: Credits,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a bonus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BonusError {
    /// The id belongs to another wallet, kind or period.
    #[error("the bonus exists with other content")]
    OtherBonus,
    /// An amount of less than nothing.
    #[error("the amount must not be negative")]
    Negative,
}

/// Free credits for one account, kind and period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bonus {
    claimed: Option<(WalletId, BonusKind, String)>,
}

impl Bonus {
    /// Whether it was claimed.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.claimed.is_some()
    }
}

impl es::Aggregate for Bonus {
    const STATE_SCHEMA: &'static str = "bonus/1";

    fn decide(&self, command: BonusCommand) -> Result<Vec<BonusEvent>, BonusError> {
        let BonusCommand::Claim { wallet, kind, period, credits, at } = command;
        match &self.claimed {
            Some((of, which, when)) if *of == wallet && *which == kind && *when == period => Ok(vec![]),
            Some(_) => Err(BonusError::OtherBonus),
            None if credits.is_negative() => Err(BonusError::Negative),
            None => Ok(vec![BonusEvent::Claimed { wallet, kind, period, credits, at }]),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + 16
    }
}

impl cqrs_es::Aggregate for Bonus {
    const TYPE: &'static str = "bonus";
    type Command = BonusCommand;
    type Event = BonusEvent;
    type Error = BonusError;
    type Services = ();

    async fn handle(&mut self, command: BonusCommand, _: &(), sink: &EventSink<Self>) -> Result<(), BonusError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: BonusEvent) {
        match event {
            BonusEvent::Claimed { wallet, kind, period, .. } => self.claimed = Some((wallet, kind, period)),
        }
    }
}

#[cfg(test)]
mod tests;
