use crate::es::Aggregate as _;
use crate::event_book::sample_id;
use crate::ids::{AccountId, CommentId, CreationId, SealedId};
use crate::testing::{at, given, said_twice_is_no_new_fact, state};

use super::*;

fn account(name: &str) -> AccountId {
    AccountId(sample_id(name))
}

fn follow(follower: &str, followee: &str) -> FollowCommand {
    FollowCommand::Follow { follower: account(follower), followee: account(followee), at: at(0) }
}

#[test]
fn one_follows_another_once_and_may_begin_anew() {
    said_twice_is_no_new_fact::<Follow>([], follow("a", "b"));
    said_twice_is_no_new_fact::<Follow>([follow("a", "b")], FollowCommand::Unfollow { at: at(1) });
    let again = state::<Follow>([follow("a", "b"), FollowCommand::Unfollow { at: at(1) }, follow("a", "b")]);
    assert!(again.holds());
}

#[test]
fn who_follows_nobody_can_stop_following_without_a_fact() {
    given::<Follow>([]).when(FollowCommand::Unfollow { at: at(0) }).then_expect_events(vec![]);
}

#[test]
fn nobody_follows_themselves_or_under_anothers_id() {
    given::<Follow>([]).when(follow("a", "a")).then_expect_error(FollowError::Oneself);
    given::<Follow>([follow("a", "b")]).when(follow("a", "c")).then_expect_error(FollowError::OtherPair);
}

fn rate(score: u8) -> RatingCommand {
    RatingCommand::Rate { creation: CreationId(sample_id("creation")), rater: account("a"), score, at: at(0) }
}

#[test]
fn a_rating_can_be_changed_and_remembers_what_it_was() {
    said_twice_is_no_new_fact::<Rating>([], rate(3));
    let RatingCommand::Rate { creation, rater, .. } = rate(0);
    let changed = RatingEvent::Rated { creation, rater, score: 5, previous: Some(3), at: at(0) };
    given::<Rating>([rate(3)]).when(rate(5)).then_expect_events(vec![changed]);
    assert_eq!(state::<Rating>([rate(3), rate(5)]).score(), Some(5));
}

#[test]
fn a_score_is_one_to_five() {
    for score in [0, 6, u8::MAX] {
        given::<Rating>([]).when(rate(score)).then_expect_error(RatingError::BadScore);
    }
    for score in SCORE_MIN..=SCORE_MAX {
        assert_eq!(state::<Rating>([rate(score)]).score(), Some(score));
    }
}

#[test]
fn a_rating_belongs_to_one_person_and_one_creation() {
    let other =
        RatingCommand::Rate { creation: CreationId(sample_id("other")), rater: account("a"), score: 1, at: at(0) };
    given::<Rating>([rate(3)]).when(other).then_expect_error(RatingError::OtherRating);
}

fn vote(vote: Direction) -> VoteCommand {
    VoteCommand::Cast { comment: CommentId(sample_id("comment")), voter: account("a"), vote, at: at(0) }
}

#[test]
fn a_vote_can_be_turned_and_remembers_which_way_it_went() {
    said_twice_is_no_new_fact::<Vote>([], vote(Direction::Up));
    let VoteCommand::Cast { comment, voter, .. } = vote(Direction::Up);
    let turned = VoteEvent::Cast { comment, voter, vote: Direction::Down, previous: Some(Direction::Up), at: at(0) };
    given::<Vote>([vote(Direction::Up)]).when(vote(Direction::Down)).then_expect_events(vec![turned]);
    let other = VoteCommand::Cast {
        comment: CommentId(sample_id("comment")),
        voter: account("b"),
        vote: Direction::Up,
        at: at(0),
    };
    given::<Vote>([vote(Direction::Up)]).when(other).then_expect_error(VoteError::OtherVote);
}

fn posted(number: u64, depth: u8) -> PostedComment {
    PostedComment {
        number,
        creation: CreationId(sample_id("creation")),
        account: account("a"),
        user_id: 1,
        parent: None,
        parent_number: None,
        depth,
        text: SealedId(sample_id("text")),
        at: at(0),
    }
}

fn post(number: u64, depth: u8) -> CommentCommand {
    CommentCommand::Post(Box::new(posted(number, depth)))
}

#[test]
fn a_comment_is_taken_back_by_its_author_alone_and_once() {
    said_twice_is_no_new_fact::<Comment>([], post(1, 0));
    let delete = |who: &str| CommentCommand::Delete { by: account(who), at: at(1) };
    said_twice_is_no_new_fact::<Comment>([post(1, 0)], delete("a"));
    given::<Comment>([post(1, 0)]).when(delete("b")).then_expect_error(CommentError::NotAuthor);
    given::<Comment>([]).when(delete("a")).then_expect_error(CommentError::NotFound);
    let gone = state::<Comment>([post(1, 0), delete("a")]);
    assert_eq!((gone.live(), gone.posted().map(|posted| posted.number)), (None, Some(1)));
}

#[test]
fn a_comments_id_is_its_own_and_answers_end_somewhere() {
    given::<Comment>([post(1, 0)]).when(post(2, 0)).then_expect_error(CommentError::OtherComment);
    assert!(Comment::default().decide(post(1, Comment::DEPTH_MAX)).is_ok());
    given::<Comment>([]).when(post(1, Comment::DEPTH_MAX + 1)).then_expect_error(CommentError::TooDeep);
}
