//! Who may do what in a team: one table, which the aggregate obeys and the tests walk.

/// What somebody is to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is theirs.
    Owner,
    /// They belong to it.
    Member,
    /// They do not.
    Stranger,
}

/// What can be done in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// See the team, its members and its invite code.
    See,
    /// See what was made for it, and make something for it.
    Create,
    /// Add somebody by name.
    Add,
    /// Come in with its invite code.
    Join,
    /// Leave it.
    Leave,
    /// Remove somebody else.
    Remove,
    /// Give it another invite code, so that the old one opens nothing.
    RenewInvite,
    /// Call it otherwise.
    Rename,
    /// Make another member its owner.
    HandOver,
    /// Put credits of one's own into its wallet.
    Fund,
    /// Spend of its wallet, up to one's limit, where it pays.
    Spend,
    /// Say whether its wallet pays, and what each member may spend.
    SetPurse,
}

impl Act {
    /// Every act.
    pub const ALL: [Act; 12] = [
        Act::See,
        Act::Create,
        Act::Add,
        Act::Join,
        Act::Leave,
        Act::Remove,
        Act::RenewInvite,
        Act::Rename,
        Act::HandOver,
        Act::Fund,
        Act::Spend,
        Act::SetPurse,
    ];
}

/// Who may do it. What is not in the row may not.
pub const RIGHTS: &[(Act, &[Role])] = &[
    (Act::See, &[Role::Owner, Role::Member]),
    (Act::Create, &[Role::Owner, Role::Member]),
    (Act::Add, &[Role::Owner, Role::Member]),
    // Who is in already comes in again without a change.
    (Act::Join, &[Role::Owner, Role::Member, Role::Stranger]),
    // An owner first hands over, unless nobody else is left.
    (Act::Leave, &[Role::Owner, Role::Member]),
    (Act::Remove, &[Role::Owner]),
    (Act::RenewInvite, &[Role::Owner]),
    (Act::Rename, &[Role::Owner]),
    (Act::HandOver, &[Role::Owner]),
    (Act::Fund, &[Role::Owner, Role::Member]),
    (Act::Spend, &[Role::Owner, Role::Member]),
    (Act::SetPurse, &[Role::Owner]),
];

impl Role {
    /// Whether someone in this role may do it.
    #[must_use]
    pub fn may(self, act: Act) -> bool {
        RIGHTS.iter().any(|(of, roles)| *of == act && roles.contains(&self))
    }
}
