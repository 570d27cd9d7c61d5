//! How what people do is applied.

use std::collections::HashSet;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::gift::GiftEvent;
use mintmark_domain::social::{CommentEvent, FollowEvent, RatingEvent, VoteEvent};
use mintmark_domain::team::TeamEvent;
use sqlx::PgConnection;
use uuid::Uuid;

use super::fold::PeopleFold;
use super::rows::{
    CommentKey, CommentRow, FollowKey, FollowRow, GiftKey, GiftRow, MemberKey, MemberRow, RatingKey, RatingRow,
    TeamKey, TeamRow, VoteKey, VoteRow,
};
use crate::error::ApplyError;
use crate::fact::{Event, Fact, Kind, PeopleFact};
use crate::projection::{Definition, Projection, ProjectionName};
use crate::table::Rows;

/// Follows, comments, votes, ratings, teams and gifts under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeopleProjection;

#[async_trait]
impl Projection for PeopleProjection {
    fn name(&self) -> ProjectionName {
        ProjectionName::People
    }

    fn definition(&self) -> Definition {
        Definition {
            schema: "read_people_v1",
            ddl: include_str!("schema.sql"),
            tables: &[
                ("follows", "follower, followee"),
                ("follow_counts", "account_id"),
                ("comments", "comment_id"),
                ("comment_counts", "creation_id"),
                ("votes", "comment_id, voter"),
                ("ratings", "creation_id, rater"),
                ("rating_totals", "creation_id"),
                ("teams", "team_id"),
                ("team_members", "team_id, account_id"),
                ("gifts_open", "gift_id"),
            ],
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::People => true,
            Kind::Run | Kind::Creation | Kind::Batch | Kind::Account | Kind::Wallet | Kind::Webhook => false,
        }
    }

    async fn apply(&self, connection: &mut PgConnection, _: Shard, events: &[&Event]) -> Result<(), ApplyError> {
        let mut fold = Touched::by(events).load(connection).await?;
        for event in events {
            // Nothing else is wanted, nor passed.
            let Fact::People(fact) = &event.fact else { continue };
            match fact {
                PeopleFact::Follow(fact) => fold.follow(&event.recorded, fact),
                PeopleFact::Comment(fact) => fold.comment(&event.recorded, fact)?,
                PeopleFact::Vote(fact) => fold.vote(&event.recorded, fact)?,
                PeopleFact::Rating(fact) => fold.rating(fact),
                PeopleFact::Team(fact) => fold.team(&event.recorded, fact)?,
                PeopleFact::Gift(fact) => fold.gift(&event.recorded, fact),
            }
        }
        fold.save(connection).await?;
        Ok(())
    }
}

/// Rows that a batch needs from before it.
#[derive(Default)]
struct Touched {
    follows: HashSet<FollowKey>,
    comments: HashSet<CommentKey>,
    votes: HashSet<VoteKey>,
    ratings: HashSet<RatingKey>,
    teams: HashSet<TeamKey>,
    members: HashSet<MemberKey>,
    gifts: HashSet<GiftKey>,
}

impl Touched {
    fn by(events: &[&Event]) -> Self {
        let mut touched = Touched::default();
        for event in events {
            if let Fact::People(fact) = &event.fact {
                touched.one(event.recorded.stream.id, fact);
            }
        }
        touched
    }

    fn one(&mut self, id: Uuid, fact: &PeopleFact) {
        match fact {
            PeopleFact::Follow(
                FollowEvent::Followed { follower, followee, .. } | FollowEvent::Unfollowed { follower, followee, .. },
            ) => {
                self.follows.insert(FollowKey { follower: follower.0, followee: followee.0 });
            }
            PeopleFact::Comment(CommentEvent::Posted(posted)) => {
                self.comments.extend(posted.parent.map(|parent| CommentKey { comment_id: parent.0 }));
            }
            PeopleFact::Comment(CommentEvent::Deleted { .. }) => {
                self.comments.insert(CommentKey { comment_id: id });
            }
            PeopleFact::Vote(VoteEvent::Cast { comment, voter, .. }) => {
                self.comments.insert(CommentKey { comment_id: comment.0 });
                self.votes.insert(VoteKey { comment_id: comment.0, voter: voter.0 });
            }
            PeopleFact::Rating(RatingEvent::Rated { creation, rater, .. }) => {
                self.ratings.insert(RatingKey { creation_id: creation.0, rater: rater.0 });
            }
            PeopleFact::Team(fact) => {
                self.teams.insert(TeamKey { team_id: id });
                if let TeamEvent::MemberLeft { account, .. } | TeamEvent::MemberRemoved { account, .. } = fact {
                    self.members.insert(MemberKey { team_id: id, account_id: account.0 });
                }
            }
            PeopleFact::Gift(GiftEvent::Delivered { .. } | GiftEvent::Returned { .. }) => {
                self.gifts.insert(GiftKey { gift_id: id });
            }
            PeopleFact::Gift(GiftEvent::Sent(_)) => {}
        }
    }

    async fn load(self, connection: &mut PgConnection) -> sqlx::Result<PeopleFold> {
        Ok(PeopleFold {
            follows: Rows::<FollowRow>::load(connection, self.follows.into_iter().collect()).await?,
            comments: Rows::<CommentRow>::load(connection, self.comments.into_iter().collect()).await?,
            votes: Rows::<VoteRow>::load(connection, self.votes.into_iter().collect()).await?,
            ratings: Rows::<RatingRow>::load(connection, self.ratings.into_iter().collect()).await?,
            teams: Rows::<TeamRow>::load(connection, self.teams.into_iter().collect()).await?,
            members: Rows::<MemberRow>::load(connection, self.members.into_iter().collect()).await?,
            gifts: Rows::<GiftRow>::load(connection, self.gifts.into_iter().collect()).await?,
            follow_counts: Default::default(),
            comment_counts: Default::default(),
            rating_totals: Default::default(),
        })
    }
}
