//! A team's wallet: filled by its members, spent by them up to their limits.
//!
//! A run is paid for in its own shard (its account's), and the team's wallet may lie in another. So each member
//! has an allowance: a wallet in the member's shard, into which what a run lacks is drawn from the team's, as a
//! gift is carried. The limit is asked where the team's wallet is.

use std::time::Duration;

use super::accept_run::IdempotencyKey;
use super::authenticate::Caller;
use super::core::Core;
use super::gifts::{NewGift, SentGiftView, send};
use super::people::Permit;
use super::refusal::Refusal;
use super::teams::TeamView;
use crate::Credits;
use crate::account::Scope;
use crate::es::{Acting, Confirmed, DecideError, Position, StreamRef, Unit};
use crate::gift::{Gift, GiftStatus, SentGift};
use crate::ids::{AccountId, AllowanceId, GiftId, TeamId, WalletId};
use crate::run::Payer;
use crate::team::{Act, Allowance, AllowanceCommand, AllowanceError, Member, Purse, Team, TeamCommand, TeamError};
use crate::wallet::{Balance, CreditWallet, WalletError, WalletOwner};

/// When it is worth drawing again what came back.
const RETURNED_RETRY_AFTER: Duration = Duration::from_secs(5);

/// What a run is made for, and who pays it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForTeam {
    /// The team.
    pub team: TeamId,
    /// Whether its wallet pays; else whoever acts does.
    pub pays: bool,
}

impl ForTeam {
    /// Who pays for what `account` makes.
    #[must_use]
    pub fn payer(self, account: AccountId) -> Payer {
        match self.pays {
            true => Payer { wallet: WalletId::allowance(self.team, account), team: Some(self.team) },
            false => Payer { wallet: account.wallet(), team: None },
        }
    }
}

/// What one member may spend of a team's wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberShare {
    /// Who.
    pub account: AccountId,
    /// Their public integer id.
    pub user_id: u64,
    /// In all; their own limit, else the team's.
    pub limit: Credits,
    /// Whether the limit is their own.
    pub own_limit: bool,
    /// Drawn of it: spent, held for what is under way, or ready to be spent.
    pub drawn: Credits,
}

impl MemberShare {
    /// What can still be drawn.
    #[must_use]
    pub fn left(&self) -> Credits {
        self.limit.saturating_sub(self.drawn)
    }
}

/// A team's wallet as its members see it.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamWalletView {
    /// Which.
    pub wallet: WalletId,
    /// What it is for.
    pub purse: Purse,
    /// What is in it now.
    pub balance: Balance,
    /// What each member may spend, in the order in which they came in.
    pub members: Vec<MemberShare>,
}

impl Core {
    /// A team's wallet. Errors: no such team, or not the caller's.
    pub async fn team_wallet(&self, caller: &Caller, number: u64) -> Result<TeamWalletView, Refusal> {
        let TeamView { id, team, .. } = self.team(caller, number).await?;
        let (wallet, members) = (WalletId::of_team(id), team.members().to_vec());
        let shares = members.iter().map(|member| StreamRef::of::<Allowance>(AllowanceId::of(id, member.account)));
        let streams = std::iter::once(StreamRef::of::<CreditWallet>(wallet)).chain(shares).collect();
        let (purse, now) = (team.purse(), self.now());
        let read = move |unit: &Unit<'_>| {
            let share = |member: &Member| {
                let allowance = unit.state::<Allowance>(AllowanceId::of(id, member.account));
                MemberShare {
                    account: member.account,
                    user_id: member.user_id,
                    limit: allowance.limit(purse.member_limit),
                    own_limit: allowance.own_limit().is_some(),
                    drawn: allowance.drawn(),
                }
            };
            (unit.state::<CreditWallet>(wallet).balance(now), members.iter().map(share).collect())
        };
        let ((balance, members), _) = self.read(id.into(), streams, read).await?;
        Ok(TeamWalletView { wallet, purse, balance, members })
    }

    /// Says what a team's wallet is for. Only its owner may.
    pub async fn set_team_purse(
        &self,
        caller: &Caller,
        number: u64,
        purse: Purse,
    ) -> Result<(TeamView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let (by, before) = (caller.account, self.team(caller, number).await?.team.purse());
        let changed = self.in_team(caller, number, move |at| TeamCommand::SetPurse { purse, by, at }).await?;
        // What was drawn under more generous terms and is not spent.
        if !purse.pays || purse.member_limit < before.member_limit {
            let members: Vec<AccountId> = changed.0.team.members().iter().map(|member| member.account).collect();
            self.give_allowances_back(changed.0.id, members).await;
        }
        Ok(changed)
    }

    /// Gives a member a limit of their own, or takes it away. Only the owner may.
    pub async fn set_member_limit(
        &self,
        caller: &Caller,
        number: u64,
        user_id: u64,
        limit: Option<Credits>,
    ) -> Result<Confirmed, Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let team = self.team_id(number).await?;
        let member = self.member(caller, number, user_id).await?;
        let (by, allowance) = (caller.account, AllowanceId::of(team, member));
        let request = self
            .request(team.shard(), caller.acting(), by)
            .stream(StreamRef::of::<Team>(team))
            .stream(StreamRef::of::<Allowance>(allowance));
        let (request, permit): (_, Permit) = self.permitted(caller, Scope::TeamsWrite, request).await?;
        let ((), confirmed) = self
            .decide(request, move |unit| {
                permit.ask(unit)?;
                unit.state::<Team>(team).for_act(by, Act::SetPurse)?;
                let at = unit.now();
                unit.execute::<Allowance>(allowance, AllowanceCommand::SetLimit { limit, at })?;
                Ok(())
            })
            .await?;
        // What was drawn and is not spent is drawn anew where the limit lets it.
        self.give_allowances_back(team, [member]).await;
        Ok(confirmed)
    }

    /// Puts credits of the caller's into a team's wallet. Errors: those of a gift; no such team, or not theirs.
    pub async fn fund_team(
        &self,
        caller: &Caller,
        number: u64,
        amount: Credits,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<(SentGiftView, Confirmed), Refusal> {
        caller.require(Scope::TeamsWrite)?;
        let view = self.team(caller, number).await.and_then(|view| {
            view.team.for_act(caller.account, Act::Fund)?;
            Ok(view)
        });
        let view = match view {
            Ok(view) => view,
            // What was put in stays found, whoever left since.
            Err(refusal) => return self.gift_sent_before(caller, idempotency.as_ref()).await?.ok_or(refusal),
        };
        let new = NewGift { to: WalletOwner::Team(view.id), amount, idempotency };
        self.send_gift(caller, Scope::TeamsWrite, new).await
    }

    /// The team with that public integer id, if the caller may make things for it, and whether it pays.
    pub async fn for_team(&self, caller: &Caller, number: u64) -> Result<ForTeam, Refusal> {
        let team = self.team_id(number).await?;
        let state = self.load::<Team>(team).await?;
        state.for_act(caller.account, Act::Create)?;
        Ok(ForTeam { team, pays: state.purse().pays })
    }

    /// Has the caller's part of a team's wallet hold at least `needed`: what it lacks is drawn. Errors: more than
    /// the member may spend, or than the team has; the team does not pay any more.
    pub(super) async fn draw_for(&self, caller: &Caller, team: TeamId, needed: Credits) -> Result<(), Refusal> {
        let member = caller.account;
        let part: CreditWallet = self.load(WalletId::allowance(team, member)).await?;
        let lacking = needed.saturating_sub(part.balance(self.now()).available);
        if !lacking.is_positive() {
            return Ok(());
        }
        let (wallet, allowance) = (WalletId::of_team(team), AllowanceId::of(team, member));
        let gift = GiftId(self.new_id(team.shard()));
        let request = self
            .request(team.shard(), caller.acting(), member)
            .stream(StreamRef::of::<Team>(team))
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Allowance>(allowance))
            .stream(StreamRef::of::<Gift>(gift));
        self.decide(request, move |unit| {
            let at = unit.now();
            let state = unit.state::<Team>(team);
            state.for_act(member, Act::Spend)?;
            let Purse { pays, member_limit: team_limit } = state.purse();
            if !pays {
                return Err(Refusal::Team(TeamError::PaysNoMore));
            }
            let draw = AllowanceCommand::Draw { gift, amount: lacking, team_limit, at };
            unit.execute::<Allowance>(allowance, draw)?;
            let (from, to) = (WalletOwner::Team(team), WalletOwner::Allowance { team, member });
            let sent = SentGift { from, to, by: member, amount: lacking, parts: Vec::new(), fingerprint: None, at };
            send(unit, gift, sent).map_err(of_the_team)
        })
        .await?;
        match self.carry_gift(gift).await? {
            GiftStatus::None | GiftStatus::Sent | GiftStatus::Delivered => Ok(()),
            // Whoever takes nothing just now: too many lots that held runs keep open, or the account was suspended.
            GiftStatus::Returned => Err(DecideError::Overloaded { retry_after: RETURNED_RETRY_AFTER }.into()),
        }
    }

    /// Sends on what lies where nobody spends it: with a member who draws on the team's wallet and has not spent it
    /// for long, or who is none any more, back to the team; with a team that has ended, to who was its last owner.
    /// Changes nothing where it is in its place. Whoever looks for such wallets calls it again and again.
    pub async fn send_stranded_on(&self, purse: WalletOwner) -> Result<(), Refusal> {
        let (WalletOwner::Team(team) | WalletOwner::Allowance { team, .. }) = purse else { return Ok(()) };
        let state = self.load::<Team>(team).await?;
        let to = match (state.live(), state.last_owner(), purse) {
            // Of a member's nothing is lost: what they need is drawn again.
            (Some(_), _, WalletOwner::Allowance { .. }) => WalletOwner::Team(team),
            (None, Some(owner), _) => WalletOwner::Account(owner),
            _ => return Ok(()),
        };
        // Else it would come and go for ever.
        if self.can_receive(to).await? { self.send_all(purse, to).await } else { Ok(()) }
    }

    /// Gives what is left of a member's part back to the team. Whatever is held for runs under way stays and is
    /// paid with; what is left of it then is sent on by [`Core::send_stranded_on`].
    pub(super) async fn give_allowance_back(&self, team: TeamId, member: AccountId) -> Result<(), Refusal> {
        self.send_all(WalletOwner::Allowance { team, member }, WalletOwner::Team(team)).await
    }

    /// The same of several, after what the caller asked for was done: what cannot be given back now is sent on later.
    pub(super) async fn give_allowances_back(&self, team: TeamId, members: impl IntoIterator<Item = AccountId>) {
        for member in members {
            if let Err(refusal) = self.give_allowance_back(team, member).await {
                tracing::warn!(%team, %member, %refusal, "a member's part of a team's wallet is given back later");
            }
        }
    }

    /// Sends all that a purse of a team's can spend to another.
    async fn send_all(&self, from: WalletOwner, to: WalletOwner) -> Result<(), Refusal> {
        let (WalletOwner::Team(team) | WalletOwner::Allowance { team, .. }) = from else { return Ok(()) };
        let by = match (from, to) {
            (WalletOwner::Allowance { member, .. }, _) => member,
            (_, WalletOwner::Account(account)) => account,
            (WalletOwner::Team(_) | WalletOwner::Account(_), _) => return Ok(()),
        };
        let wallet = from.wallet();
        let gift = GiftId(self.new_id(wallet.shard()));
        let acting = Acting { actor: "teams".into(), correlation_id: team.to_string(), ..Acting::default() };
        let request = self
            .request(wallet.shard(), acting, wallet)
            .stream(StreamRef::of::<CreditWallet>(wallet))
            .stream(StreamRef::of::<Gift>(gift));
        let (sent, _) = self
            .decide(request, move |unit| {
                let at = unit.now();
                let amount = unit.state::<CreditWallet>(wallet).balance(at).available;
                if !amount.is_positive() {
                    return Ok(false);
                }
                send(unit, gift, SentGift { from, to, by, amount, parts: Vec::new(), fingerprint: None, at })?;
                Ok(true)
            })
            .await?;
        if sent {
            self.carry_gift(gift).await?;
        }
        Ok(())
    }

    /// What the caller can still spend where `payer` pays, and the end of the caller's shard at which that was read:
    /// of their own, or what is left to them of a team's wallet.
    pub async fn spendable(&self, caller: &Caller, payer: Payer) -> Result<(Credits, Position), Refusal> {
        let (own, as_of) = self.load_at::<CreditWallet>(payer.wallet).await?;
        let own = own.balance(self.now()).available;
        let Some(team) = payer.team else { return Ok((own, as_of)) };
        let (wallet, allowance) = (WalletId::of_team(team), AllowanceId::of(team, caller.account));
        let streams = vec![
            StreamRef::of::<Team>(team),
            StreamRef::of::<CreditWallet>(wallet),
            StreamRef::of::<Allowance>(allowance),
        ];
        let now = self.now();
        let (drawable, _) = self
            .read(team.into(), streams, move |unit| {
                let allowance = unit.state::<Allowance>(allowance);
                let left = allowance.limit(unit.state::<Team>(team).purse().member_limit);
                left.saturating_sub(allowance.drawn()).min(unit.state::<CreditWallet>(wallet).balance(now).available)
            })
            .await?;
        Ok((own + drawable, as_of))
    }
}

/// A refusal of the team's wallet names the team's wallet.
fn of_the_team(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Insufficient { needed, available, .. } => {
            Refusal::Insufficient { needed, available, scope: "the team's wallet" }
        }
        // A wallet that nobody has put anything into yet.
        Refusal::Wallet(WalletError::NotOpen) => Refusal::Team(TeamError::NothingThere),
        other => other,
    }
}

impl From<AllowanceError> for Refusal {
    fn from(error: AllowanceError) -> Self {
        Refusal::Allowance(error)
    }
}
