//! How refusals among people, in teams and of gifts are told.

use super::refusal::{ErrorClass, Refusal};
use crate::gift::GiftError;
use crate::social::{CommentError, FollowError, RatingError};
use crate::team::{AllowanceError, TeamError};

impl From<CommentError> for Refusal {
    fn from(error: CommentError) -> Self {
        match error {
            CommentError::NotFound => Refusal::NotFound("comment"),
            other => Refusal::Comment(other),
        }
    }
}

impl From<TeamError> for Refusal {
    fn from(error: TeamError) -> Self {
        match error {
            TeamError::NotFound => Refusal::NotFound("team"),
            TeamError::BadInvite => Refusal::NotFound("invite code"),
            TeamError::NoMember => Refusal::NotFound("member"),
            other => Refusal::Team(other),
        }
    }
}

impl From<GiftError> for Refusal {
    fn from(error: GiftError) -> Self {
        match error {
            GiftError::NotFound => Refusal::NotFound("gift"),
            GiftError::OtherGift => Refusal::IdempotencyReused,
            other => Refusal::Gift(other),
        }
    }
}

impl Refusal {
    /// The class and code of what people, teams and gifts refuse; any other is none of theirs.
    pub(super) fn among_people(&self) -> (ErrorClass, &'static str) {
        match self {
            Refusal::Follow(FollowError::Oneself) => (ErrorClass::Validation, "invalid_value"),
            Refusal::Comment(error) => match error {
                CommentError::NotFound => (ErrorClass::NotFound, "not_found"),
                CommentError::NotAuthor => (ErrorClass::Forbidden, "not_owner"),
                CommentError::TooDeep => (ErrorClass::Validation, "invalid_value"),
                CommentError::OtherComment => (ErrorClass::Conflict, "conflict"),
            },
            Refusal::Rating(RatingError::BadScore) => (ErrorClass::Validation, "invalid_value"),
            Refusal::Team(error) => match error {
                TeamError::NotFound | TeamError::BadInvite | TeamError::NoMember => (ErrorClass::NotFound, "not_found"),
                TeamError::OwnersAct => (ErrorClass::Forbidden, "not_owner"),
                TeamError::NothingThere | TeamError::PaysNoMore => {
                    (ErrorClass::InsufficientCredits, "insufficient_credits")
                }
                TeamError::BadLimit => (ErrorClass::Validation, "invalid_amount"),
                TeamError::TooMany => (ErrorClass::Validation, "too_many"),
                TeamError::OwnerStays => (ErrorClass::Conflict, "owner_stays"),
                TeamError::OtherTeam => (ErrorClass::Conflict, "conflict"),
            },
            Refusal::Allowance(error) => match error {
                AllowanceError::OverLimit { .. } => (ErrorClass::InsufficientCredits, "insufficient_credits"),
                AllowanceError::BadLimit | AllowanceError::NotPositive => (ErrorClass::Validation, "invalid_amount"),
            },
            Refusal::Gift(error) => match error {
                GiftError::NotFound => (ErrorClass::NotFound, "not_found"),
                GiftError::Oneself => (ErrorClass::Validation, "invalid_value"),
                GiftError::NotPositive | GiftError::TooLittle => (ErrorClass::Validation, "invalid_amount"),
                GiftError::OtherGift => (ErrorClass::IdempotencyReused, "idempotency_key_reused"),
                GiftError::Ended => (ErrorClass::Conflict, "conflict"),
            },
            _ => (ErrorClass::Conflict, "conflict"),
        }
    }
}
