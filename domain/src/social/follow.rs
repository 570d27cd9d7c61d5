//! Whether one account follows another. The stream's id is derived from both, in the follower's shard.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_id, sample_time};
use crate::ids::AccountId;
use crate::{Timestamp, es};

/// A fact about a pair of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowEvent {
    /// One follows the other.
    Followed {
        /// Who follows.
        follower: AccountId,
        /// Who is followed.
        followee: AccountId,
        /// When.
        at: Timestamp,
    },
    /// No longer.
    Unfollowed {
        /// Who followed.
        follower: AccountId,
        /// Who was followed.
        followee: AccountId,
        /// When.
        at: Timestamp,
    },
}

impl FollowEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 2] = ["follow.followed", "follow.unfollowed"];
}

impl DomainEvent for FollowEvent {
    fn event_type(&self) -> String {
        match self {
            FollowEvent::Followed { .. } => Self::TYPES[0].to_owned(),
            FollowEvent::Unfollowed { .. } => Self::TYPES[1].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowCommand {
    /// Follow.
    Follow {
        /// Who follows.
        follower: AccountId,
        /// Who is followed.
        followee: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Follow no longer.
    Unfollow {
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// Nobody follows themselves.
    #[error("nobody can follow themselves")]
    Oneself,
    /// The id belongs to another pair.
    #[error("the follow exists between others")]
    OtherPair,
}

/// Whether one account follows another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    pair: Option<(AccountId, AccountId)>,
    follows: bool,
}

impl Follow {
    /// Whether it holds now.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.follows
    }
}

impl es::Aggregate for Follow {
    const STATE_SCHEMA: &'static str = "follow/1";

    fn decide(&self, command: FollowCommand) -> Result<Vec<FollowEvent>, FollowError> {
        match command {
            FollowCommand::Follow { follower, followee, .. } if follower == followee => Err(FollowError::Oneself),
            FollowCommand::Follow { follower, followee, at } => match self.pair {
                Some(pair) if pair != (follower, followee) => Err(FollowError::OtherPair),
                Some(_) if self.follows => Ok(vec![]),
                Some(_) | None => Ok(vec![FollowEvent::Followed { follower, followee, at }]),
            },
            FollowCommand::Unfollow { at } => match self.pair {
                Some((follower, followee)) if self.follows => {
                    Ok(vec![FollowEvent::Unfollowed { follower, followee, at }])
                }
                Some(_) | None => Ok(vec![]),
            },
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl cqrs_es::Aggregate for Follow {
    const TYPE: &'static str = "follow";
    type Command = FollowCommand;
    type Event = FollowEvent;
    type Error = FollowError;
    type Services = ();

    async fn handle(&mut self, command: FollowCommand, _: &(), sink: &EventSink<Self>) -> Result<(), FollowError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: FollowEvent) {
        match event {
            FollowEvent::Followed { follower, followee, .. } => {
                *self = Follow { pair: Some((follower, followee)), follows: true };
            }
            FollowEvent::Unfollowed { .. } => self.follows = false,
        }
    }
}

/// In the order of [`FollowEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "follow.followed",
        meaning: "One account follows another.",
        fields: &[("follower", "Who follows"), ("followee", "Who is followed")],
    },
    EventEntry {
        event_type: "follow.unfollowed",
        meaning: "It does so no longer.",
        fields: &[("follower", "Who followed"), ("followee", "Who was followed")],
    },
];

/// Every type, in the order of the enum.
pub(crate) fn samples() -> Vec<FollowEvent> {
    let (follower, followee) = (AccountId(sample_id("account")), AccountId(sample_id("followee")));
    vec![
        FollowEvent::Followed { follower, followee, at: sample_time(0) },
        FollowEvent::Unfollowed { follower, followee, at: sample_time(60) },
    ]
}
