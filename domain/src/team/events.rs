//! What happened to a team.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, SealedId};
use crate::{Credits, Timestamp};

/// A team's invite code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCode {
    /// Hash of the code in hex, as claimed in the directory.
    pub claim: String,
    /// The code, sealed under the key of the account that made it.
    pub code: SealedId,
}

/// A team as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedTeam {
    /// Its public integer id.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// Whose it is, and its first member.
    pub owner: AccountId,
    /// That account's public integer id.
    pub user_id: u64,
    /// How others come in.
    pub invite: InviteCode,
    /// When.
    pub at: Timestamp,
}

/// What a team's wallet is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// Whether it pays for what is made for the team; else whoever acts pays.
    pub pays: bool,
    /// What a member may spend of it in all, where they have no limit of their own.
    pub member_limit: Credits,
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joined {
    /// With the invite code.
    Invited,
    /// Added by a member.
    Added {
        /// Who added them.
        by: AccountId,
    },
}

/// A fact about a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamEvent {
    /// It came to be, with its owner as its first member.
    Created(Box<CreatedTeam>),
    /// Somebody came in.
    MemberJoined {
        /// Who.
        account: AccountId,
        /// Their public integer id.
        user_id: u64,
        /// How.
        how: Joined,
        /// When.
        at: Timestamp,
    },
    /// Somebody left.
    MemberLeft {
        /// Who.
        account: AccountId,
        /// When.
        at: Timestamp,
    },
    /// The owner removed somebody.
    MemberRemoved {
        /// Who.
        account: AccountId,
        /// When.
        at: Timestamp,
    },
    /// It has another invite code; the old one opens nothing.
    InviteRenewed {
        /// The new one.
        invite: InviteCode,
        /// When.
        at: Timestamp,
    },
    /// It is called otherwise.
    Renamed {
        /// The new name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// It has another owner, who had been a member.
    HandedOver {
        /// Who.
        to: AccountId,
        /// When.
        at: Timestamp,
    },
    /// It has another purse policy.
    PurseSet {
        /// The new one.
        purse: Purse,
        /// When.
        at: Timestamp,
    },
    /// The last member left.
    Archived {
        /// When.
        at: Timestamp,
    },
}

impl TeamEvent {
    /// Every event type, in the order of the enum.
    pub const TYPES: [&'static str; 9] = [
        "team.created",
        "team.member_joined",
        "team.member_left",
        "team.member_removed",
        "team.invite_renewed",
        "team.renamed",
        "team.handed_over",
        "team.purse_set",
        "team.archived",
    ];
}

impl DomainEvent for TeamEvent {
    fn event_type(&self) -> String {
        let index = match self {
            TeamEvent::Created(_) => 0,
            TeamEvent::MemberJoined { .. } => 1,
            TeamEvent::MemberLeft { .. } => 2,
            TeamEvent::MemberRemoved { .. } => 3,
            TeamEvent::InviteRenewed { .. } => 4,
            TeamEvent::Renamed { .. } => 5,
            TeamEvent::HandedOver { .. } => 6,
            TeamEvent::PurseSet { .. } => 7,
            TeamEvent::Archived { .. } => 8,
        };
        Self::TYPES[index].to_owned()
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}
