//! What can be asked of a team.

use super::events::{CreatedTeam, InviteCode, Purse};
use crate::Timestamp;
use crate::ids::AccountId;

/// A command to a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamCommand {
    /// Make it.
    Create(Box<CreatedTeam>),
    /// Add somebody by name.
    Add {
        /// Who is added.
        account: AccountId,
        /// Their public integer id.
        user_id: u64,
        /// Who adds.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Come in with an invite code.
    Join {
        /// Who comes in.
        account: AccountId,
        /// Their public integer id.
        user_id: u64,
        /// Hash of the code that they have, as claimed in the directory.
        claim: String,
        /// The moment.
        at: Timestamp,
    },
    /// Leave it.
    Leave {
        /// Who leaves.
        account: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Remove somebody.
    Remove {
        /// Who is removed.
        account: AccountId,
        /// Who removes.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Give it another invite code.
    RenewInvite {
        /// The new one.
        invite: InviteCode,
        /// Who wants that.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Call it otherwise.
    Rename {
        /// The new name.
        name: String,
        /// Who wants that.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Say what its wallet is for.
    SetPurse {
        /// What for.
        purse: Purse,
        /// Who wants that.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
    /// Make another member its owner.
    HandOver {
        /// Who it is to be.
        to: AccountId,
        /// Who wants that.
        by: AccountId,
        /// The moment.
        at: Timestamp,
    },
}
