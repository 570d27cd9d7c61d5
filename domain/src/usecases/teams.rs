//! Teams: made, joined, left, handed over.

use uuid::Uuid;

use super::authenticate::Caller;
use super::claims::Claimed;
use super::core::Core;
use super::gifts::send;
use super::people::Permit;
use super::refusal::Refusal;
use super::shown::is_name;
use crate::account::{Account, Scope};
use crate::es::{Confirmed, DecisionRequest, Position, SealedText, StreamRef, Unit};
use crate::gift::{Gift, SentGift};
use crate::ids::{AccountId, GiftId, SealedId, TeamId, WalletId};
use crate::ports::{ClaimKind, ClaimRequest, IntegerKind};
use crate::team::{Act, CreatedTeam, InviteCode, Team, TeamCommand, TeamError};
use crate::wallet::{CreditWallet, WalletOwner};

/// How many random bytes an invite code has; it is shown in hexadecimal.
const INVITE_BYTES: usize = 10;

/// A team as a member sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamView {
    /// Which.
    pub id: TeamId,
    /// Its state.
    pub team: Team,
    /// The code with which others come in; `None` once who made it was erased.
    pub invite_code: Option<String>,
    /// The shard's end at which it was read.
    pub as_of: Position,
}

/// A code, sealed, and what is claimed for it.
struct NewInvite {
    code: String,
    invite: InviteCode,
    claim: Vec<u8>,
    sealed: SealedText,
}

impl Core {
    /// Makes a team that is the caller's.
    pub async fn create_team(&self, caller: &Caller, name: &str) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let name = checked_name(name)?;
        let shard = caller.account.shard();
        let number = self.integers.next(IntegerKind::Team, shard).await?;
        let id = TeamId::numbered(shard, number);
        let (owner, user_id) = (caller.account, caller.user_id);
        let NewInvite { code, invite, claim, sealed } = self.new_invite(caller, id).await?;
        let request = self.request(shard, caller.acting(), owner).stream(StreamRef::of::<Team>(id));
        let (request, permit) = self.permitted(caller, Scope::TeamsWrite, request).await?;
        let mut claimed = Claimed::by(id);
        self.claim(&mut claimed, ClaimRequest::new(ClaimKind::Invite, claim, id)).await?;
        let decided = self
            .decide(request, move |unit| {
                permit.ask(unit)?;
                let (name, invite, at) = (name.clone(), invite.clone(), unit.now());
                let created = CreatedTeam { number, name, owner, user_id, invite, at };
                unit.execute::<Team>(id, TeamCommand::Create(Box::new(created)))?;
                unit.seal(sealed.clone());
                Ok(unit.state::<Team>(id).clone())
            })
            .await;
        self.settle_claims(claimed, &decided).await;
        let (team, confirmed) = decided?;
        let as_of = confirmed.end.position;
        Ok((TeamView { id, team, invite_code: Some(code), as_of }, confirmed))
    }

    /// A team that the caller belongs to. Errors: none, or none for the caller.
    pub async fn team(&self, caller: &Caller, number: u64) -> Result<TeamView, Refusal> {
        let id = self.team_id(number).await?;
        let (team, as_of) = self.load_at::<Team>(id).await?;
        if !team.role(caller.account).may(Act::See) {
            return Err(Refusal::NotFound("team"));
        }
        self.team_view(id, team, as_of).await
    }

    /// Adds somebody by name. Said again it changes nothing.
    pub async fn add_member(
        &self,
        caller: &Caller,
        number: u64,
        username: &str,
    ) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let account = self.person(username).await?;
        let member = self.load::<Account>(account).await?;
        let user_id = member.user_id().ok_or(Refusal::NotFound("user"))?;
        let by = caller.account;
        self.in_team(caller, number, move |at| TeamCommand::Add { account, user_id, by, at }).await
    }

    /// Removes the member with that public integer id; what they had left of the team's credits is the team's
    /// again. The invite code that they know opens nothing any more.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        number: u64,
        user_id: u64,
    ) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let (account, by) = (self.member(caller, number, user_id).await?, caller.account);
        // What is refused changes nothing, the invite code neither.
        if account == by {
            return Err(TeamError::OwnerStays.into());
        }
        // Before, so that nobody comes straight back where this stops halfway.
        self.renew_invite(caller, number).await?;
        let removed = self.in_team(caller, number, move |at| TeamCommand::Remove { account, by, at }).await?;
        self.give_allowances_back(removed.0.id, [account]).await;
        Ok(removed)
    }

    /// Makes the member with that public integer id the owner.
    pub async fn hand_team_over(
        &self,
        caller: &Caller,
        number: u64,
        user_id: u64,
    ) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let (to, by) = (self.member(caller, number, user_id).await?, caller.account);
        self.in_team(caller, number, move |at| TeamCommand::HandOver { to, by, at }).await
    }

    /// Calls a team otherwise.
    pub async fn rename_team(
        &self,
        caller: &Caller,
        number: u64,
        name: &str,
    ) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let (name, by) = (checked_name(name)?, caller.account);
        self.in_team(caller, number, move |at| TeamCommand::Rename { name: name.clone(), by, at }).await
    }

    /// Takes the caller out of a team; what they had left of its credits is the team's again. With the last member
    /// the team ends, and what is in its wallet is theirs. Returns which.
    pub async fn leave_team(&self, caller: &Caller, number: u64) -> Result<(TeamId, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let id = self.team_id(number).await?;
        let account = caller.account;
        // Before, so that the last member's part comes along; whoever may not leave can have it drawn again.
        if self.load::<Team>(id).await?.role(account).may(Act::Leave) {
            self.give_allowance_back(id, account).await?;
        }
        let (wallet, gift) = (WalletId::of_team(id), GiftId(self.new_id(id.shard())));
        let request = self
            .request(id.shard(), caller.acting(), account)
            .stream(StreamRef::of::<Team>(id))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Gift>(gift));
        let (request, permit): (_, Permit) = self.permitted(caller, Scope::TeamsWrite, request).await?;
        let ((ended, left), confirmed) = self
            .decide(request, move |unit| {
                permit.ask(unit)?;
                let at = unit.now();
                unit.execute::<Team>(id, TeamCommand::Leave { account, at })?;
                let ended = unit.state::<Team>(id).live().is_none();
                let amount = unit.state::<CreditWallet>(wallet).balance(at).available;
                if !ended || !amount.is_positive() {
                    return Ok((ended, false));
                }
                let (from, to) = (WalletOwner::Team(id), WalletOwner::Account(account));
                send(unit, gift, SentGift { from, to, by: account, amount, parts: Vec::new(), fingerprint: None, at })?;
                Ok((ended, true))
            })
            .await?;
        // The caller has left, whatever becomes of the rest now: whoever looks for gifts and claims carries it on.
        if left && let Err(refusal) = self.carry_gift(gift).await {
            tracing::warn!(%gift, %refusal, "a gift is carried on later");
        }
        if ended {
            // Its code opens nothing any more.
            match self.directory.owned_by(id.0).await {
                Ok(claims) => {
                    for claim in claims {
                        self.release_revoked(claim.kind, &claim.value, id).await;
                    }
                }
                Err(error) => tracing::warn!(%id, %error, "the invite code of a team that ended stays claimed"),
            }
        }
        Ok((id, confirmed))
    }

    /// Comes into the team that an invite code opens. Who is in already stays in.
    pub async fn join_team(&self, caller: &Caller, code: &str) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let value = self.vault.claim_value(ClaimKind::Invite, code);
        let found = self.directory.find(ClaimKind::Invite, &value).await?;
        let id = TeamId(found.ok_or(Refusal::NotFound("invite code"))?.owner);
        let (account, user_id, claim) = (caller.account, caller.user_id, hex::encode(value));
        let command = move |at| TeamCommand::Join { account, user_id, claim: claim.clone(), at };
        let ((team, _), confirmed) = self.change_team(caller, id, None, command).await?;
        Ok((self.team_view(id, team, confirmed.end.position).await?, confirmed))
    }

    /// Gives a team another invite code; the old one opens nothing from then on.
    pub async fn renew_invite(&self, caller: &Caller, number: u64) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let id = self.team_id(number).await?;
        let NewInvite { code, invite, claim, sealed } = self.new_invite(caller, id).await?;
        let mut claimed = Claimed::by(id);
        self.claim(&mut claimed, ClaimRequest::new(ClaimKind::Invite, claim, id)).await?;
        let by = caller.account;
        let command = move |at| TeamCommand::RenewInvite { invite: invite.clone(), by, at };
        let decided = self.change_team(caller, id, Some(sealed), command).await;
        self.settle_claims(claimed, &decided).await;
        let ((team, before), confirmed) = decided?;
        if let Some(before) = before.and_then(|claim| hex::decode(claim).ok()) {
            self.release_revoked(ClaimKind::Invite, &before, id).await;
        }
        let as_of = confirmed.end.position;
        Ok((TeamView { id, team, invite_code: Some(code), as_of }, confirmed))
    }

    pub(super) async fn team_id(&self, number: u64) -> Result<TeamId, Refusal> {
        let shard = self.integers.shard_of(IntegerKind::Team, number).await?.ok_or(Refusal::NotFound("team"))?;
        Ok(TeamId::numbered(shard, number))
    }

    /// The member of a team of the caller's.
    pub(super) async fn member(&self, caller: &Caller, number: u64, user_id: u64) -> Result<AccountId, Refusal> {
        let view = self.team(caller, number).await?;
        let member = view.team.members().iter().find(|member| member.user_id == user_id);
        member.map(|member| member.account).ok_or(Refusal::NotFound("member"))
    }

    pub(super) async fn in_team(
        &self,
        caller: &Caller,
        number: u64,
        command: impl Fn(crate::Timestamp) -> TeamCommand + Send + 'static,
    ) -> Result<(TeamView, Confirmed), Refusal> {
        let id = self.team_id(number).await?;
        let ((team, _), confirmed) = self.change_team(caller, id, None, command).await?;
        Ok((self.team_view(id, team, confirmed.end.position).await?, confirmed))
    }

    /// Carries a command out. Returns the team after it, and the claim of the invite code before it.
    async fn change_team(
        &self,
        caller: &Caller,
        id: TeamId,
        sealed: Option<SealedText>,
        command: impl Fn(crate::Timestamp) -> TeamCommand + Send + 'static,
    ) -> Result<((Team, Option<String>), Confirmed), Refusal> {
        let request: DecisionRequest =
            self.request(id.shard(), caller.acting(), caller.account).stream(StreamRef::of::<Team>(id));
        let (request, permit): (_, Permit) = self.permitted(caller, Scope::TeamsWrite, request).await?;
        self.decide(request, move |unit: &mut Unit<'_>| {
            permit.ask(unit)?;
            let before = unit.state::<Team>(id).live().map(|team| team.invite.claim.clone());
            unit.execute::<Team>(id, command(unit.now()))?;
            if let Some(sealed) = &sealed {
                unit.seal(sealed.clone());
            }
            Ok((unit.state::<Team>(id).clone(), before))
        })
        .await
    }

    async fn team_view(&self, id: TeamId, team: Team, as_of: Position) -> Result<TeamView, Refusal> {
        let code = team.live().map(|team| team.invite.code);
        let opened = match code {
            Some(code) => self.vault.open(&[code]).await?.remove(&code),
            None => None,
        };
        let invite_code = opened.and_then(|code| String::from_utf8(code).ok());
        Ok(TeamView { id, team, invite_code, as_of })
    }

    async fn new_invite(&self, caller: &Caller, team: TeamId) -> Result<NewInvite, Refusal> {
        let mut random = [0; INVITE_BYTES];
        self.entropy.fill(&mut random);
        let code = hex::encode(random);
        let claim = self.vault.claim_value(ClaimKind::Invite, &code);
        let id = SealedId(self.new_id(team.shard()));
        let sealed = self.vault.seal(Uuid::from(caller.account), id, code.as_bytes()).await?;
        Ok(NewInvite { code, invite: InviteCode { claim: hex::encode(&claim), code: id }, claim, sealed })
    }
}

fn checked_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if !is_name(name, Team::NAME_CHARS_MAX) {
        return Err(Refusal::field("name", format!("must have 1 to {} printable characters", Team::NAME_CHARS_MAX)));
    }
    Ok(name.to_owned())
}
