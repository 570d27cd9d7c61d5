//! What a team lets one member spend of its wallet: the limit, and how much of it was drawn. It lies in the
//! team's shard, beside the wallet that is drawn on; what was drawn and is not spent yet lies in a wallet of the
//! member's shard, so that a run is paid for where it lives.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_credits, sample_id, sample_time};
use crate::ids::GiftId;
use crate::{Credits, Timestamp, es};

/// A fact about an allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowanceEvent {
    /// The member has a limit of their own, or no longer.
    LimitSet {
        /// The limit; absent where the team's own holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<Credits>,
        /// When.
        at: Timestamp,
    },
    /// Credits left the team's wallet for the member's part of it, by the same append.
    Drawn {
        /// As which gift they travel.
        gift: GiftId,
        /// How much.
        amount: Credits,
        /// When.
        at: Timestamp,
    },
    /// Credits that had been drawn are in the team's wallet again, by the same append.
    GivenBack {
        /// As which gift they travelled.
        gift: GiftId,
        /// How much.
        amount: Credits,
        /// When.
        at: Timestamp,
    },
}

impl AllowanceEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 3] = ["allowance.limit_set", "allowance.drawn", "allowance.given_back"];
}

impl DomainEvent for AllowanceEvent {
    fn event_type(&self) -> String {
        match self {
            AllowanceEvent::LimitSet { .. } => Self::TYPES[0].to_owned(),
            AllowanceEvent::Drawn { .. } => Self::TYPES[1].to_owned(),
            AllowanceEvent::GivenBack { .. } => Self::TYPES[2].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to an allowance. Who may is asked of the team, by the same decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowanceCommand {
    /// Give the member a limit of their own, or take it away.
    SetLimit {
        /// The limit; `None` where the team's own is to hold.
        limit: Option<Credits>,
        /// The moment.
        at: Timestamp,
    },
    /// Draw on the team's wallet. The gift is sent by the same decision, which makes it happen once.
    Draw {
        /// As which gift.
        gift: GiftId,
        /// How much.
        amount: Credits,
        /// What the team lets each member spend.
        team_limit: Credits,
        /// The moment.
        at: Timestamp,
    },
    /// Note that what was drawn is back. The gift, or its receipt, makes it happen once.
    GiveBack {
        /// As which gift.
        gift: GiftId,
        /// How much.
        amount: Credits,
        /// The moment.
        at: Timestamp,
    },
}

/// Why an allowance refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllowanceError {
    /// A limit below nothing.
    #[error("a limit is not below 0")]
    BadLimit,
    /// An amount of nothing, or less.
    #[error("the amount must be more than nothing")]
    NotPositive,
    /// More than the member may spend.
    #[error(
        "the team lets this member spend {limit} credits in all; {drawn} are drawn and {asked} more were asked for"
    )]
    OverLimit {
        /// In all.
        limit: Credits,
        /// Of these, drawn before.
        drawn: Credits,
        /// Asked for now.
        asked: Credits,
    },
}

/// What a team lets one member spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    limit: Option<Credits>,
    drawn: Credits,
}

impl Allowance {
    /// The limit that holds: the member's own, else the team's.
    #[must_use]
    pub fn limit(&self, team_limit: Credits) -> Credits {
        self.limit.unwrap_or(team_limit)
    }

    /// The member's own limit, where there is one.
    #[must_use]
    pub fn own_limit(&self) -> Option<Credits> {
        self.limit
    }

    /// What was drawn and did not come back.
    #[must_use]
    pub fn drawn(&self) -> Credits {
        self.drawn
    }

    fn draw(
        &self,
        gift: GiftId,
        amount: Credits,
        limit: Credits,
        at: Timestamp,
    ) -> Result<AllowanceEvent, AllowanceError> {
        if !amount.is_positive() {
            return Err(AllowanceError::NotPositive);
        }
        let drawn = self.drawn;
        if limit.saturating_sub(drawn) < amount {
            return Err(AllowanceError::OverLimit { limit, drawn, asked: amount });
        }
        Ok(AllowanceEvent::Drawn { gift, amount, at })
    }
}

impl es::Aggregate for Allowance {
    const STATE_SCHEMA: &'static str = "allowance/1";

    fn decide(&self, command: AllowanceCommand) -> Result<Vec<AllowanceEvent>, AllowanceError> {
        match command {
            AllowanceCommand::SetLimit { limit, .. } if limit == self.limit => Ok(vec![]),
            AllowanceCommand::SetLimit { limit: Some(limit), .. } if limit.is_negative() => {
                Err(AllowanceError::BadLimit)
            }
            AllowanceCommand::SetLimit { limit, at } => Ok(vec![AllowanceEvent::LimitSet { limit, at }]),
            AllowanceCommand::Draw { gift, amount, team_limit, at } => {
                self.draw(gift, amount, self.limit(team_limit), at).map(|drawn| vec![drawn])
            }
            AllowanceCommand::GiveBack { amount, .. } if !amount.is_positive() => Err(AllowanceError::NotPositive),
            AllowanceCommand::GiveBack { gift, amount, at } => Ok(vec![AllowanceEvent::GivenBack { gift, amount, at }]),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl cqrs_es::Aggregate for Allowance {
    const TYPE: &'static str = "allowance";
    type Command = AllowanceCommand;
    type Event = AllowanceEvent;
    type Error = AllowanceError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AllowanceCommand,
        _: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AllowanceError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AllowanceEvent) {
        match event {
            AllowanceEvent::LimitSet { limit, .. } => self.limit = limit,
            AllowanceEvent::Drawn { amount, .. } => self.drawn += amount,
            // More than was drawn comes back where refunds of earlier runs are among it: that is the team's,
            // and lets nobody spend beyond the limit.
            AllowanceEvent::GivenBack { amount, .. } => self.drawn = self.drawn.saturating_sub(amount),
        }
    }
}

/// In the order of [`AllowanceEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "allowance.limit_set",
        meaning: "The owner set what a member may spend of the team's wallet in all.",
        fields: &[("limit", "The limit; absent where the team's own holds again")],
    },
    EventEntry {
        event_type: "allowance.drawn",
        meaning: "Credits left the team's wallet for the member's part of it; the wallet and the gift say so by the \
                  same append.",
        fields: &[("gift", "As which gift they travel"), ("amount", "How much")],
    },
    EventEntry {
        event_type: "allowance.given_back",
        meaning: "What had been drawn is in the team's wallet again, which says so by the same append.",
        fields: &[("gift", "As which gift they travelled"), ("amount", "How much")],
    },
];

/// Every type, in the order of the enum; of a limit one with it and one without.
pub(crate) fn samples() -> Vec<AllowanceEvent> {
    let (gift, amount) = (GiftId(sample_id("gift")), sample_credits(25_000_000));
    vec![
        AllowanceEvent::LimitSet { limit: Some(sample_credits(500_000_000)), at: sample_time(0) },
        AllowanceEvent::LimitSet { limit: None, at: sample_time(1) },
        AllowanceEvent::Drawn { gift, amount, at: sample_time(2) },
        AllowanceEvent::GivenBack { gift, amount, at: sample_time(3) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, c, given, said_twice_is_no_new_fact, state};

    fn draw(amount: &str) -> AllowanceCommand {
        AllowanceCommand::Draw { gift: GiftId(sample_id("gift")), amount: c(amount), team_limit: c("10"), at: at(0) }
    }

    fn give_back(amount: &str) -> AllowanceCommand {
        AllowanceCommand::GiveBack { gift: GiftId(sample_id("gift")), amount: c(amount), at: at(1) }
    }

    fn limit(limit: Option<&str>) -> AllowanceCommand {
        AllowanceCommand::SetLimit { limit: limit.map(c), at: at(0) }
    }

    fn over(limit: &str, drawn: &str, asked: &str) -> AllowanceError {
        AllowanceError::OverLimit { limit: c(limit), drawn: c(drawn), asked: c(asked) }
    }

    #[test]
    fn a_member_draws_up_to_the_teams_limit_or_their_own() {
        given::<Allowance>([draw("10")]).when(draw("0.000001")).then_expect_error(over("10", "10", "0.000001"));
        given::<Allowance>([limit(Some("12")), draw("10")]).when(draw("3")).then_expect_error(over("12", "10", "3"));
        given::<Allowance>([limit(Some("0"))]).when(draw("1")).then_expect_error(over("0", "0", "1"));
        assert_eq!(state::<Allowance>([limit(Some("12")), limit(None), draw("10")]).limit(c("10")), c("10"));
        // A limit that was lowered below what was drawn leaves nothing to draw.
        given::<Allowance>([draw("10"), limit(Some("5"))]).when(draw("1")).then_expect_error(over("5", "10", "1"));
    }

    #[test]
    fn what_comes_back_can_be_drawn_again() {
        assert_eq!(state::<Allowance>([draw("10"), give_back("4"), draw("3")]).drawn(), c("9"));
        assert_eq!(state::<Allowance>([draw("1"), give_back("4")]).drawn(), c("0"));
    }

    #[test]
    fn amounts_are_positive_and_limits_not_negative() {
        given::<Allowance>([]).when(draw("0")).then_expect_error(AllowanceError::NotPositive);
        given::<Allowance>([]).when(give_back("-1")).then_expect_error(AllowanceError::NotPositive);
        given::<Allowance>([]).when(limit(Some("-1"))).then_expect_error(AllowanceError::BadLimit);
        said_twice_is_no_new_fact::<Allowance>([], limit(Some("1")));
    }
}
