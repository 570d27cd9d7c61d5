//! What people say and do to each other: small streams with derived ids, one for each pair of who and what.
//! Comments, ratings and votes live in the creation's shard, follows in the follower's. Counts are read models.

pub(crate) mod comment;
pub(crate) mod follow;
pub(crate) mod rating;
#[cfg(test)]
mod tests;
pub(crate) mod vote;

pub use comment::{Comment, CommentCommand, CommentError, CommentEvent, PostedComment};
pub use follow::{Follow, FollowCommand, FollowError, FollowEvent};
pub use rating::{Rating, RatingCommand, RatingError, RatingEvent, SCORE_MAX, SCORE_MIN};
pub use vote::{Direction, Vote, VoteCommand, VoteError, VoteEvent};
