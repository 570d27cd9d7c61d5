//! The rows of follows, comments, votes, ratings, teams and gifts.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::table::table;

table! {
    /// Whether one account follows another.
    FollowRow by FollowKey = "follows"
    key { follower: Uuid = "uuid", followee: Uuid = "uuid" }
    fixed { shard: i16 = "smallint" }
    once {}
    live {
        followed_at: DateTime<Utc> = "timestamptz",
        listed_from: i64 = "bigint",
        listed_until: Option<i64> = "bigint",
        listed_before: Option<String> = "text",
    }
}

table! {
    /// A comment.
    CommentRow by CommentKey = "comments"
    key { comment_id: Uuid = "uuid" }
    fixed { creation_id: Uuid = "uuid" }
    once {
        number: i64 = "bigint",
        shard: i16 = "smallint",
        position: i64 = "bigint",
        recorded_at: DateTime<Utc> = "timestamptz",
        account_id: Uuid = "uuid",
        user_id: i64 = "bigint",
        parent_id: Option<Uuid> = "uuid",
        parent_number: Option<i64> = "bigint",
        depth: i16 = "smallint",
        body: Uuid = "uuid",
    }
    live {
        ups: i32 = "integer",
        downs: i32 = "integer",
        answers: i32 = "integer",
        deleted_position: Option<i64> = "bigint",
    }
}

table! {
    /// How one account votes on one comment.
    VoteRow by VoteKey = "votes"
    key { comment_id: Uuid = "uuid", voter: Uuid = "uuid" }
    fixed {}
    once {}
    live { vote: String = "text" }
}

table! {
    /// What one account thinks of one creation.
    RatingRow by RatingKey = "ratings"
    key { creation_id: Uuid = "uuid", rater: Uuid = "uuid" }
    fixed {}
    once {}
    live { score: i16 = "smallint" }
}

table! {
    /// A team.
    TeamRow by TeamKey = "teams"
    key { team_id: Uuid = "uuid" }
    fixed {}
    once {
        number: i64 = "bigint",
        shard: i16 = "smallint",
        position: i64 = "bigint",
        created_at: DateTime<Utc> = "timestamptz",
    }
    live {
        name: String = "text",
        owner: Uuid = "uuid",
        members: i32 = "integer",
        archived: bool = "boolean",
        updated_at: DateTime<Utc> = "timestamptz",
    }
}

table! {
    /// Somebody who belongs to a team.
    MemberRow by MemberKey = "team_members"
    key { team_id: Uuid = "uuid", account_id: Uuid = "uuid" }
    fixed {}
    once {}
    live { joined_at: DateTime<Utc> = "timestamptz" }
}

table! {
    /// A gift that is under way.
    GiftRow by GiftKey = "gifts_open"
    key { gift_id: Uuid = "uuid" }
    fixed {}
    once {}
    live { sent_at: DateTime<Utc> = "timestamptz" }
}
