//! What an account says of a creation, or of another comment. The stream's id is derived from the comment's
//! public integer id, in the creation's shard.

use cqrs_es::DomainEvent;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::event_book::{EventEntry, sample_id, sample_time};
use crate::ids::{AccountId, CommentId, CreationId, SealedId};
use crate::{Timestamp, es};

/// A comment as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedComment {
    /// Its public integer id.
    pub number: u64,
    /// The creation it belongs to.
    pub creation: CreationId,
    /// Who made it.
    pub account: AccountId,
    /// That account's public integer id.
    pub user_id: u64,
    /// The comment that it answers; absent at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CommentId>,
    /// That comment's public integer id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_number: Option<u64>,
    /// How many comments lie between it and the creation.
    pub depth: u8,
    /// What it says, sealed under its author's key.
    pub text: SealedId,
    /// When.
    pub at: Timestamp,
}

/// A fact about a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentEvent {
    /// It was made.
    Posted(Box<PostedComment>),
    /// Its author took it back.
    Deleted {
        /// When.
        at: Timestamp,
    },
}

impl CommentEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 2] = ["comment.posted", "comment.deleted"];
}

impl DomainEvent for CommentEvent {
    fn event_type(&self) -> String {
        match self {
            CommentEvent::Posted(_) => Self::TYPES[0].to_owned(),
            CommentEvent::Deleted { .. } => Self::TYPES[1].to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

/// A command to a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentCommand {
    /// Make it.
    Post(Box<PostedComment>),
    /// Take it back.
    Delete {
        /// Who wants that.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
}

/// A refusal by a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommentError {
    /// There is no such comment, or no longer.
    #[error("there is no such comment")]
    NotFound,
    /// It is somebody else's.
    #[error("only its author may delete a comment")]
    NotAuthor,
    /// The id belongs to another comment.
    #[error("the comment exists with other content")]
    OtherComment,
    /// Answers to answers end somewhere.
    #[error("a comment may be answered {} deep at most", Comment::DEPTH_MAX)]
    TooDeep,
}

/// What an account says of a creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    posted: Option<Box<PostedComment>>,
    deleted: bool,
}

impl Comment {
    /// How deep comments may answer each other.
    pub const DEPTH_MAX: u8 = 16;
    /// The longest text, in Unicode scalars.
    pub const TEXT_CHARS_MAX: usize = 2_000;

    /// The comment as it was made, deleted or not; `None` if there is none.
    #[must_use]
    pub fn posted(&self) -> Option<&PostedComment> {
        self.posted.as_deref()
    }

    /// The comment, unless it was deleted.
    #[must_use]
    pub fn live(&self) -> Option<&PostedComment> {
        self.posted().filter(|_| !self.deleted)
    }

    fn post(&self, posted: Box<PostedComment>) -> Result<Vec<CommentEvent>, CommentError> {
        match self.posted() {
            Some(known) if *known == *posted => Ok(vec![]),
            Some(_) => Err(CommentError::OtherComment),
            None if posted.depth > Self::DEPTH_MAX => Err(CommentError::TooDeep),
            None => Ok(vec![CommentEvent::Posted(posted)]),
        }
    }
}

impl es::Aggregate for Comment {
    const STATE_SCHEMA: &'static str = "comment/1";

    fn decide(&self, command: CommentCommand) -> Result<Vec<CommentEvent>, CommentError> {
        match command {
            CommentCommand::Post(posted) => self.post(posted),
            CommentCommand::Delete { by, at } => match self.posted() {
                None => Err(CommentError::NotFound),
                Some(posted) if posted.account != by => Err(CommentError::NotAuthor),
                Some(_) if self.deleted => Ok(vec![]),
                Some(_) => Ok(vec![CommentEvent::Deleted { at }]),
            },
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + size_of::<PostedComment>()
    }
}

impl cqrs_es::Aggregate for Comment {
    const TYPE: &'static str = "comment";
    type Command = CommentCommand;
    type Event = CommentEvent;
    type Error = CommentError;
    type Services = ();

    async fn handle(&mut self, command: CommentCommand, _: &(), sink: &EventSink<Self>) -> Result<(), CommentError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CommentEvent) {
        match event {
            CommentEvent::Posted(posted) => self.posted = Some(posted),
            CommentEvent::Deleted { .. } => self.deleted = true,
        }
    }
}

/// In the order of [`CommentEvent::TYPES`].
pub(crate) const DESCRIBED: &[EventEntry] = &[
    EventEntry {
        event_type: "comment.posted",
        meaning: "An account commented on a creation, or answered another comment on it.",
        fields: &[
            ("number", "The comment's public integer id"),
            ("creation", "The creation"),
            ("account", "The author"),
            ("user_id", "The author's public integer id"),
            ("parent", "The comment that it answers; absent at the top"),
            ("parent_number", "That comment's public integer id"),
            ("depth", "How many comments lie between it and the creation"),
            ("text", "What it says, sealed under the author's key"),
        ],
    },
    EventEntry { event_type: "comment.deleted", meaning: "Its author took it back.", fields: &[] },
];

/// Every type, in the order of the enum; of a comment one with all that can be said, one with the least.
pub(crate) fn samples() -> Vec<CommentEvent> {
    let top = PostedComment {
        number: 81,
        creation: CreationId(sample_id("creation")),
        account: AccountId(sample_id("account")),
        user_id: 42,
        parent: None,
        parent_number: None,
        depth: 0,
        text: SealedId(sample_id("text")),
        at: sample_time(0),
    };
    let answer = PostedComment {
        number: 82,
        parent: Some(CommentId(sample_id("comment"))),
        parent_number: Some(81),
        depth: 1,
        at: sample_time(60),
        ..top.clone()
    };
    vec![
        CommentEvent::Posted(Box::new(answer)),
        CommentEvent::Posted(Box::new(top)),
        CommentEvent::Deleted { at: sample_time(120) },
    ]
}
