//! What one account thinks of one creation. The stream's id is derived from both, in the creation's shard.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_id, sample_time};
use crate::ids::{AccountId, CreationId};
use crate::{Timestamp, es};

/// The lowest score.
pub const SCORE_MIN: u8 = 1;
/// The highest score.
pub const SCORE_MAX: u8 = 5;

/// A fact about a rating.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatingEvent {
    /// A creation was rated, for the first time or otherwise than before.
    Rated {
        /// The creation.
        creation: CreationId,
        /// Who rates.
        rater: AccountId,
        /// 1 to 5.
        score: u8,
        /// The score before; absent the first time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<u8>,
        /// When.
        at: Timestamp,
    },
}

impl RatingEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 1] = ["rating.rated"];
}

impl DomainEvent for RatingEvent {
    fn event_type(&self) -> String {
        match self {
            RatingEvent::Rated { .. } => Self::TYPES[0].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatingCommand {
    /// Rate, or rate otherwise.
    Rate {
        /// The creation.
        creation: CreationId,
        /// Who rates.
        rater: AccountId,
        /// 1 to 5.
        score: u8,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// A score that is none.
    #[error("score must be {SCORE_MIN} to {SCORE_MAX}")]
    BadScore,
    /// The id belongs to another creation or rater.
    #[error("the rating exists for another creation or rater")]
    OtherRating,
}

/// What one account thinks of one creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    rated: Option<(CreationId, AccountId, u8)>,
}

impl Rating {
    /// The score; `None` if there is none.
    #[must_use]
    pub fn score(&self) -> Option<u8> {
        self.rated.map(|(_, _, score)| score)
    }
}

impl es::Aggregate for Rating {
    const STATE_SCHEMA: &'static str = "rating/1";

    fn decide(&self, command: RatingCommand) -> Result<Vec<RatingEvent>, RatingError> {
        let RatingCommand::Rate { creation, rater, score, at } = command;
        if !(SCORE_MIN..=SCORE_MAX).contains(&score) {
            return Err(RatingError::BadScore);
        }
        match self.rated {
            Some((of, by, _)) if (of, by) != (creation, rater) => Err(RatingError::OtherRating),
            Some((_, _, known)) if known == score => Ok(vec![]),
            Some(_) | None => Ok(vec![RatingEvent::Rated { creation, rater, score, previous: self.score(), at }]),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl cqrs_es::Aggregate for Rating {
    const TYPE: &'static str = "rating";
    type Command = RatingCommand;
    type Event = RatingEvent;
    type Error = RatingError;
    type Services = ();

    async fn handle(&mut self, command: RatingCommand, _: &(), sink: &EventSink<Self>) -> Result<(), RatingError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: RatingEvent) {
        match event {
            RatingEvent::Rated { creation, rater, score, .. } => self.rated = Some((creation, rater, score)),
        }
    }
}

/// In the order of [`RatingEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[EventEntry {
    event_type: "rating.rated",
    meaning: "An account rated a creation, for the first time or otherwise than before.",
    fields: &[
        ("creation", "The creation"),
        ("rater", "Who rates"),
        ("score", "1 to 5"),
        ("previous", "The same account's score before"),
    ],
}];

/// One with all that can be said, one with the least.
pub(crate) fn samples() -> Vec<RatingEvent> {
    let (creation, rater) = (CreationId(sample_id("creation")), AccountId(sample_id("account")));
    vec![
        RatingEvent::Rated { creation, rater, score: 5, previous: Some(3), at: sample_time(60) },
        RatingEvent::Rated { creation, rater, score: 3, previous: None, at: sample_time(0) },
    ]
}
