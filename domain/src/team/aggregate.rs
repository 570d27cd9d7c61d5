//! The team's state and its decisions.

use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use super::commands::TeamCommand;
use super::error::TeamError;
use super::events::{CreatedTeam, InviteCode, Joined, Purse, TeamEvent};
use super::rights::{Act, Role};
use crate::ids::AccountId;
use crate::{Timestamp, es};

/// Somebody who belongs to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub account: AccountId,
    /// Their public integer id.
    pub user_id: u64,
    /// Since when.
    pub since: Timestamp,
}

/// Accounts that make things together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    created: Option<Box<CreatedTeam>>,
    members: Vec<Member>,
    purse: Purse,
    archived: bool,
}

type Decided = Result<Vec<TeamEvent>, TeamError>;

impl Team {
    /// How many members there may be.
    pub const MEMBERS_MAX: usize = 100;
    /// The longest name, in Unicode scalars.
    pub const NAME_CHARS_MAX: usize = 80;

    /// The team, its name, owner and invite code as they are now; `None` if there is none, or no longer.
    #[must_use]
    pub fn live(&self) -> Option<&CreatedTeam> {
        self.created.as_deref().filter(|_| !self.archived)
    }

    /// Whose it is, or was when its last member left.
    #[must_use]
    pub fn last_owner(&self) -> Option<AccountId> {
        self.created.as_deref().map(|team| team.owner)
    }

    /// Its members, in the order in which they came in.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// What its wallet is for.
    #[must_use]
    pub fn purse(&self) -> Purse {
        self.purse
    }

    /// What an account is to it.
    #[must_use]
    pub fn role(&self, account: AccountId) -> Role {
        match self.live() {
            Some(team) if team.owner == account => Role::Owner,
            Some(_) if self.is_member(account) => Role::Member,
            Some(_) | None => Role::Stranger,
        }
    }

    fn is_member(&self, account: AccountId) -> bool {
        self.members.iter().any(|member| member.account == account)
    }

    /// The team, where `by` may do that; strangers are told that there is none.
    pub(crate) fn for_act(&self, by: AccountId, act: Act) -> Result<&CreatedTeam, TeamError> {
        let team = self.live().ok_or(TeamError::NotFound)?;
        match self.role(by) {
            role if role.may(act) => Ok(team),
            Role::Owner | Role::Member => Err(TeamError::OwnersAct),
            Role::Stranger => Err(TeamError::NotFound),
        }
    }

    fn create(&self, created: Box<CreatedTeam>) -> Decided {
        match &self.created {
            Some(known) if **known == *created => Ok(vec![]),
            Some(_) => Err(TeamError::OtherTeam),
            None => Ok(vec![TeamEvent::Created(created)]),
        }
    }

    fn come_in(&self, account: AccountId, user_id: u64, how: Joined, at: Timestamp) -> Decided {
        if self.is_member(account) {
            return Ok(vec![]);
        }
        if self.members.len() >= Self::MEMBERS_MAX {
            return Err(TeamError::TooMany);
        }
        Ok(vec![TeamEvent::MemberJoined { account, user_id, how, at }])
    }

    fn leave(&self, account: AccountId, at: Timestamp) -> Decided {
        self.for_act(account, Act::Leave)?;
        let left = TeamEvent::MemberLeft { account, at };
        match (self.role(account), self.members.len()) {
            (_, 0 | 1) => Ok(vec![left, TeamEvent::Archived { at }]),
            (Role::Owner, _) => Err(TeamError::OwnerStays),
            (Role::Member | Role::Stranger, _) => Ok(vec![left]),
        }
    }

    fn remove(&self, account: AccountId, by: AccountId, at: Timestamp) -> Decided {
        let team = self.for_act(by, Act::Remove)?;
        if account == team.owner {
            return Err(TeamError::OwnerStays);
        }
        if !self.is_member(account) {
            return Err(TeamError::NoMember);
        }
        Ok(vec![TeamEvent::MemberRemoved { account, at }])
    }

    fn hand_over(&self, to: AccountId, by: AccountId, at: Timestamp) -> Decided {
        let team = self.for_act(by, Act::HandOver)?;
        if !self.is_member(to) {
            return Err(TeamError::NoMember);
        }
        Ok(if team.owner == to { vec![] } else { vec![TeamEvent::HandedOver { to, at }] })
    }

    fn renew(&self, invite: InviteCode, by: AccountId, at: Timestamp) -> Decided {
        let team = self.for_act(by, Act::RenewInvite)?;
        Ok(if team.invite == invite { vec![] } else { vec![TeamEvent::InviteRenewed { invite, at }] })
    }

    fn set_purse(&self, purse: Purse, by: AccountId, at: Timestamp) -> Decided {
        self.for_act(by, Act::SetPurse)?;
        if purse.member_limit.is_negative() {
            return Err(TeamError::BadLimit);
        }
        Ok(if self.purse == purse { vec![] } else { vec![TeamEvent::PurseSet { purse, at }] })
    }

    fn rename(&self, name: String, by: AccountId, at: Timestamp) -> Decided {
        let team = self.for_act(by, Act::Rename)?;
        Ok(if team.name == name { vec![] } else { vec![TeamEvent::Renamed { name, at }] })
    }
}

impl es::Aggregate for Team {
    const STATE_SCHEMA: &'static str = "team/1";

    fn decide(&self, command: TeamCommand) -> Decided {
        match command {
            TeamCommand::Create(created) => self.create(created),
            TeamCommand::Add { account, user_id, by, at } => {
                self.for_act(by, Act::Add)?;
                self.come_in(account, user_id, Joined::Added { by }, at)
            }
            TeamCommand::Join { account, user_id, claim, at } => match self.live() {
                Some(team) if team.invite.claim == claim => self.come_in(account, user_id, Joined::Invited, at),
                Some(_) | None => Err(TeamError::BadInvite),
            },
            TeamCommand::Leave { account, at } => self.leave(account, at),
            TeamCommand::Remove { account, by, at } => self.remove(account, by, at),
            TeamCommand::RenewInvite { invite, by, at } => self.renew(invite, by, at),
            TeamCommand::Rename { name, by, at } => self.rename(name, by, at),
            TeamCommand::SetPurse { purse, by, at } => self.set_purse(purse, by, at),
            TeamCommand::HandOver { to, by, at } => self.hand_over(to, by, at),
        }
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + size_of::<CreatedTeam>() + self.members.len() * size_of::<Member>()
    }
}

impl cqrs_es::Aggregate for Team {
    const TYPE: &'static str = "team";
    type Command = TeamCommand;
    type Event = TeamEvent;
    type Error = TeamError;
    type Services = ();

    async fn handle(&mut self, command: TeamCommand, _: &(), sink: &EventSink<Self>) -> Result<(), TeamError> {
        for event in es::Aggregate::decide(self, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: TeamEvent) {
        match event {
            TeamEvent::Created(created) => {
                self.members = vec![Member { account: created.owner, user_id: created.user_id, since: created.at }];
                self.created = Some(created);
            }
            TeamEvent::MemberJoined { account, user_id, at, .. } => {
                self.members.push(Member { account, user_id, since: at });
            }
            TeamEvent::MemberLeft { account, .. } | TeamEvent::MemberRemoved { account, .. } => {
                self.members.retain(|member| member.account != account);
            }
            TeamEvent::InviteRenewed { invite, .. } => self.change(|team| team.invite = invite),
            TeamEvent::Renamed { name, .. } => self.change(|team| team.name = name),
            TeamEvent::HandedOver { to, .. } => {
                let user_id = self.members.iter().find(|member| member.account == to).map(|member| member.user_id);
                self.change(|team| {
                    team.owner = to;
                    team.user_id = user_id.unwrap_or(team.user_id);
                });
            }
            TeamEvent::PurseSet { purse, .. } => self.purse = purse,
            TeamEvent::Archived { .. } => self.archived = true,
        }
    }
}

impl Team {
    fn change(&mut self, change: impl FnOnce(&mut CreatedTeam)) {
        if let Some(created) = self.created.as_deref_mut() {
            change(created);
        }
    }
}
