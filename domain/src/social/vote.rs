//! How one account votes on one comment. The stream's id is derived from both, in the comment's shard.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_id, sample_time};
use crate::ids::{AccountId, CommentId};
use crate::{Timestamp, es};

/// Which way a vote goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// For it.
    Up,
    /// Against it.
    Down,
}

impl Direction {
    /// Both.
    pub const ALL: [Direction; 2] = [Direction::Up, Direction::Down];

    /// The name in every dialect.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// A fact about a vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoteEvent {
    /// An account voted, for the first time or otherwise than before.
    Cast {
        /// The comment.
        comment: CommentId,
        /// Who votes.
        voter: AccountId,
        /// Which way.
        vote: Direction,
        /// Which way before; absent the first time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Direction>,
        /// When.
        at: Timestamp,
    },
}

impl VoteEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 1] = ["vote.cast"];
}

impl DomainEvent for VoteEvent {
    fn event_type(&self) -> String {
        match self {
            VoteEvent::Cast { .. } => Self::TYPES[0].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteCommand {
    /// Vote, or vote otherwise.
    Cast {
        /// The comment.
        comment: CommentId,
        /// Who votes.
        voter: AccountId,
        /// Which way.
        vote: Direction,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VoteError {
    /// The id belongs to another comment or voter.
    #[error("the vote exists for another comment or voter")]
    OtherVote,
}

/// How one account votes on one comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    cast: Option<(CommentId, AccountId, Direction)>,
}

impl Vote {
    /// Which way; `None` if there was no vote.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.cast.map(|(_, _, direction)| direction)
    }
}

impl es::Aggregate for Vote {
    const STATE_SCHEMA: &'static str = "vote/1";

    fn decide(&self, command: VoteCommand) -> Result<Vec<VoteEvent>, VoteError> {
        let VoteCommand::Cast { comment, voter, vote, at } = command;
        match self.cast {
            Some((of, by, _)) if (of, by) != (comment, voter) => Err(VoteError::OtherVote),
            Some((_, _, known)) if known == vote => Ok(vec![]),
            Some(_) | None => Ok(vec![VoteEvent::Cast { comment, voter, vote, previous: self.direction(), at }]),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl cqrs_es::Aggregate for Vote {
    const TYPE: &'static str = "vote";
    type Command = VoteCommand;
    type Event = VoteEvent;
    type Error = VoteError;
    type Services = ();

    async fn handle(&mut self, command: VoteCommand, _: &(), sink: &EventSink<Self>) -> Result<(), VoteError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: VoteEvent) {
        match event {
            VoteEvent::Cast { comment, voter, vote, .. } => self.cast = Some((comment, voter, vote)),
        }
    }
}

/// In the order of [`VoteEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[EventEntry {
    event_type: "vote.cast",
    meaning: "An account voted on a comment, for the first time or otherwise than before.",
    fields: &[
        ("comment", "The comment"),
        ("voter", "Who votes"),
        ("vote", "`up` or `down`"),
        ("previous", "The same account's vote before"),
    ],
}];

/// One with all that can be said, one with the least.
pub(crate) fn samples() -> Vec<VoteEvent> {
    let (comment, voter) = (CommentId(sample_id("comment")), AccountId(sample_id("account")));
    let (up, down) = (Direction::Up, Direction::Down);
    vec![
        VoteEvent::Cast { comment, voter, vote: down, previous: Some(up), at: sample_time(60) },
        VoteEvent::Cast { comment, voter, vote: up, previous: None, at: sample_time(0) },
    ]
}
