//! Folds what people do into rows.

use mintmark_domain::es::Recorded;
use mintmark_domain::gift::GiftEvent;
use mintmark_domain::social::{CommentEvent, Direction, FollowEvent, PostedComment, RatingEvent, VoteEvent};
use mintmark_domain::team::{CreatedTeam, TeamEvent};
use sqlx::PgConnection;
use uuid::Uuid;

use super::counts::{self, Deltas};
use super::rows::{
    CommentKey, CommentRow, FollowKey, FollowRow, GiftKey, GiftRow, MemberKey, MemberRow, RatingKey, RatingRow,
    TeamKey, TeamRow, VoteKey, VoteRow,
};
use crate::error::ApplyError;
use crate::positions::{position_column, shard_column};
use crate::sql::name_of;
use crate::table::Rows;

/// A public integer id as its column holds it; beyond a bigint there are none.
fn number_column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn missing(event: &Recorded) -> ApplyError {
    let why = format!("{} of what was never made", event.event_type);
    ApplyError::Inconsistent { at: event.position, why }
}

/// The rows that a batch touches.
pub(super) struct PeopleFold {
    pub follows: Rows<FollowRow>,
    pub comments: Rows<CommentRow>,
    pub votes: Rows<VoteRow>,
    pub ratings: Rows<RatingRow>,
    pub teams: Rows<TeamRow>,
    pub members: Rows<MemberRow>,
    pub gifts: Rows<GiftRow>,
    pub follow_counts: Deltas,
    pub comment_counts: Deltas,
    pub rating_totals: Deltas,
}

impl PeopleFold {
    pub fn follow(&mut self, event: &Recorded, fact: &FollowEvent) {
        let position = position_column(event.position);
        let (FollowEvent::Followed { follower, followee, .. } | FollowEvent::Unfollowed { follower, followee, .. }) =
            fact;
        let key = FollowKey { follower: follower.0, followee: followee.0 };
        let follows = matches!(fact, FollowEvent::Followed { .. });
        match self.follows.get_mut(&key) {
            Some(row) if follows => {
                if let Some(until) = row.listed_until.take() {
                    let before = row.listed_before.take();
                    let before = before.as_deref().and_then(|ranges| ranges.strip_suffix('}'));
                    let ranges = before.map_or_else(|| "{".to_owned(), |ranges| format!("{ranges},"));
                    row.listed_before = Some(format!("{ranges}[{},{until})}}", row.listed_from));
                }
                row.listed_from = position;
                row.followed_at = event.recorded_at;
            }
            Some(row) => row.listed_until = Some(position),
            None => self.follows.put(FollowRow {
                follower: follower.0,
                followee: followee.0,
                shard: shard_column(event.shard),
                followed_at: event.recorded_at,
                listed_from: position,
                listed_until: None,
                listed_before: None,
            }),
        }
        let one = if follows { 1 } else { -1 };
        self.follow_counts.add(follower.0, 0, one);
        self.follow_counts.add(followee.0, one, 0);
    }

    pub fn comment(&mut self, event: &Recorded, fact: &CommentEvent) -> Result<(), ApplyError> {
        match fact {
            CommentEvent::Posted(posted) => {
                if let Some(parent) = posted.parent {
                    let key = CommentKey { comment_id: parent.0 };
                    self.comments.get_mut(&key).ok_or_else(|| missing(event))?.answers += 1;
                }
                self.comments.put(comment_row(event, posted));
                self.comment_counts.add(posted.creation.0, 1, 1);
            }
            CommentEvent::Deleted { .. } => {
                let key = CommentKey { comment_id: event.stream.id };
                let row = self.comments.get_mut(&key).ok_or_else(|| missing(event))?;
                row.deleted_position = Some(position_column(event.position));
                // Nobody answers what was taken back: what is no gap now never will be.
                let (creation, listed) = (row.creation_id, if row.answers > 0 { 0 } else { -1 });
                self.comment_counts.add(creation, -1, listed);
            }
        }
        Ok(())
    }

    pub fn vote(&mut self, event: &Recorded, fact: &VoteEvent) -> Result<(), ApplyError> {
        let VoteEvent::Cast { comment, voter, vote, previous, .. } = fact;
        let row = self.comments.get_mut(&CommentKey { comment_id: comment.0 }).ok_or_else(|| missing(event))?;
        for (direction, by) in [(Some(*vote), 1), (*previous, -1)] {
            match direction {
                Some(Direction::Up) => row.ups += by,
                Some(Direction::Down) => row.downs += by,
                None => {}
            }
        }
        let key = VoteKey { comment_id: comment.0, voter: voter.0 };
        match self.votes.get_mut(&key) {
            Some(row) => row.vote = name_of(vote),
            None => self.votes.put(VoteRow { comment_id: comment.0, voter: voter.0, vote: name_of(vote) }),
        }
        Ok(())
    }

    pub fn rating(&mut self, fact: &RatingEvent) {
        let RatingEvent::Rated { creation, rater, score, previous, .. } = fact;
        let key = RatingKey { creation_id: creation.0, rater: rater.0 };
        let score = i16::from(*score);
        match self.ratings.get_mut(&key) {
            Some(row) => row.score = score,
            None => self.ratings.put(RatingRow { creation_id: creation.0, rater: rater.0, score }),
        }
        let (ratings, before) = previous.map_or((1, 0), |before| (0, i64::from(before)));
        self.rating_totals.add(creation.0, ratings, i64::from(score) - before);
    }

    pub fn team(&mut self, event: &Recorded, fact: &TeamEvent) -> Result<(), ApplyError> {
        let team_id = event.stream.id;
        if let TeamEvent::Created(created) = fact {
            self.teams.put(team_row(event, created));
            self.members.put(MemberRow { team_id, account_id: created.owner.0, joined_at: event.recorded_at });
            return Ok(());
        }
        let row = self.teams.get_mut(&TeamKey { team_id }).ok_or_else(|| missing(event))?;
        row.updated_at = event.recorded_at;
        match fact {
            // What its wallet is for is read where it is enforced.
            TeamEvent::Created(_) | TeamEvent::InviteRenewed { .. } | TeamEvent::PurseSet { .. } => {}
            TeamEvent::MemberJoined { account, .. } => {
                row.members += 1;
                self.members.put(MemberRow { team_id, account_id: account.0, joined_at: event.recorded_at });
            }
            TeamEvent::MemberLeft { account, .. } | TeamEvent::MemberRemoved { account, .. } => {
                row.members -= 1;
                self.members.remove(&MemberKey { team_id, account_id: account.0 });
            }
            TeamEvent::Renamed { name, .. } => row.name.clone_from(name),
            TeamEvent::HandedOver { to, .. } => row.owner = to.0,
            TeamEvent::Archived { .. } => row.archived = true,
        }
        Ok(())
    }

    pub fn gift(&mut self, event: &Recorded, fact: &GiftEvent) {
        let gift_id = event.stream.id;
        match fact {
            GiftEvent::Sent(_) => self.gifts.put(GiftRow { gift_id, sent_at: event.recorded_at }),
            GiftEvent::Delivered { .. } | GiftEvent::Returned { .. } => {
                self.gifts.remove(&GiftKey { gift_id });
            }
        }
    }

    pub async fn save(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.follows.save(connection).await?;
        self.comments.save(connection).await?;
        self.votes.save(connection).await?;
        self.ratings.save(connection).await?;
        self.teams.save(connection).await?;
        self.members.save(connection).await?;
        self.gifts.save(connection).await?;
        self.follow_counts.save(connection, counts::FOLLOWS).await?;
        self.comment_counts.save(connection, counts::COMMENTS).await?;
        self.rating_totals.save(connection, counts::RATINGS).await
    }
}

fn comment_row(event: &Recorded, posted: &PostedComment) -> CommentRow {
    CommentRow {
        comment_id: event.stream.id,
        creation_id: posted.creation.0,
        number: number_column(posted.number),
        shard: shard_column(event.shard),
        position: position_column(event.position),
        recorded_at: event.recorded_at,
        account_id: posted.account.0,
        user_id: number_column(posted.user_id),
        parent_id: posted.parent.map(Uuid::from),
        parent_number: posted.parent_number.map(number_column),
        depth: i16::from(posted.depth),
        body: posted.text.0,
        ups: 0,
        downs: 0,
        answers: 0,
        deleted_position: None,
    }
}

fn team_row(event: &Recorded, created: &CreatedTeam) -> TeamRow {
    TeamRow {
        team_id: event.stream.id,
        number: number_column(created.number),
        shard: shard_column(event.shard),
        position: position_column(event.position),
        created_at: event.recorded_at,
        name: created.name.clone(),
        owner: created.owner.0,
        members: 1,
        archived: false,
        updated_at: event.recorded_at,
    }
}
