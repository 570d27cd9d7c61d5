//! Refusals by a team.

use super::aggregate::Team;

/// Why a team refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TeamError {
    /// There is no such team, or not for who asks.
    #[error("there is no such team")]
    NotFound,
    /// Only its owner may.
    #[error("only the team's owner may do that")]
    OwnersAct,
    /// The id belongs to another team.
    #[error("the team exists with other content")]
    OtherTeam,
    /// It has as many members as it may.
    #[error("a team has at most {} members", Team::MEMBERS_MAX)]
    TooMany,
    /// Somebody is named who does not belong to it.
    #[error("that account is no member of the team")]
    NoMember,
    /// The owner hands over first.
    #[error("the owner makes another member the owner before leaving")]
    OwnerStays,
    /// A limit below nothing.
    #[error("a limit is not below 0")]
    BadLimit,
    /// Nobody has put credits into the team's wallet.
    #[error("insufficient credits: the team's wallet is empty")]
    NothingThere,
    /// It was told to pay for no more runs while one was being accepted.
    #[error("insufficient credits: the team's wallet pays for its members no more; ask again to pay yourself")]
    PaysNoMore,
    /// The invite code is not the team's, or no longer.
    #[error("the invite code opens no team")]
    BadInvite,
}
