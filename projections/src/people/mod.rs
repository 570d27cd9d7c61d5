//! Serves followers, comments, ratings, the feed of whom one follows, teams, and the task that carries gifts.

mod comments;
mod counts;
mod fold;
mod follows;
mod gifts;
mod projection;
mod ratings;
mod rows;
mod teams;
mod walks;

pub use comments::Comment;
pub use follows::{FollowCounts, FollowList};
pub use projection::PeopleProjection;
pub use ratings::RatingTotal;
pub use teams::MyTeam;
