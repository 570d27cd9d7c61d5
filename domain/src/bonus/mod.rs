//! Bonuses of one kind: free credits for one account, once a period. The stream's id is made of account
//! and kind, and a period is only ever later than the last: none is credited twice, and none that was
//! passed over is claimed afterwards by a process whose clock is slow.

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
    /// The id belongs to another wallet or kind.
    #[error("the bonus exists with other content")]
    OtherBonus,
    /// A later period was claimed already.
    #[error("the bonus of {last} was claimed, so that of {period}, which is earlier, no longer can be")]
    PeriodPast {
        /// The period that was asked for.
        period: String,
        /// The last one that was claimed.
        last: String,
    },
    /// An amount of less than nothing.
    #[error("the amount must not be negative")]
    Negative,
}

/// Free credits of one kind for one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bonus {
    /// Wallet, kind and the last period that was claimed.
    last: Option<(WalletId, BonusKind, String)>,
}

impl Bonus {
    /// Whether that period, or a later one, was claimed: it brings nothing more. Periods of a kind are
    /// written so that the later is the greater.
    #[must_use]
    pub fn is_past(&self, period: &str) -> bool {
        self.last.as_ref().is_some_and(|(_, _, last)| last.as_str() >= period)
    }
}

impl es::Aggregate for Bonus {
    const STATE_SCHEMA: &'static str = "bonus/2";

    fn decide(&self, command: BonusCommand) -> Result<Vec<BonusEvent>, BonusError> {
        let BonusCommand::Claim { wallet, kind, period, credits, at } = command;
        match &self.last {
            Some((of, which, _)) if *of != wallet || *which != kind => Err(BonusError::OtherBonus),
            Some((_, _, last)) if *last == period => Ok(vec![]),
            Some((_, _, last)) if *last > period => Err(BonusError::PeriodPast { period, last: last.clone() }),
            Some(_) | None if credits.is_negative() => Err(BonusError::Negative),
            Some(_) | None => Ok(vec![BonusEvent::Claimed { wallet, kind, period, credits, at }]),
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
            BonusEvent::Claimed { wallet, kind, period, .. } => self.last = Some((wallet, kind, period)),
        }
    }
}

#[cfg(test)]
mod tests;
