//! Teams, and their wallets.

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::es::Confirmed;
use mintmark_domain::ids::WalletId;
use mintmark_domain::team::Purse;
use mintmark_domain::usecases::{MemberShare, Refusal, TeamView, TeamWalletView};
use mintmark_projections::ProjectionName;
use mintmark_projections::generation::CreationList;

use crate::cost;
use crate::error::{GraphqlError, Result};
use crate::filter::{self, ListOrder};
use crate::fresh::fresh;
use crate::guard::Needs;
use crate::mutation::wait;
use crate::paging::{self, CreationConnection, TeamConnection, TransactionConnection};
use crate::person::{GiftPayload, idempotency};
use crate::scalar::{Credits, Long};
use crate::state::ContextExt as _;

/// A team of the caller's.
pub(crate) struct Team(TeamView);

/// Somebody who belongs to a team.
#[derive(SimpleObject)]
pub(crate) struct TeamMember {
    /// The public integer id.
    user_id: Long,
    /// The name; null where the person is gone.
    username: Option<String>,
    /// The address of a picture.
    avatar: Option<String>,
    /// `owner` or `member`.
    role: &'static str,
    /// Since when.
    joined_at: DateTime<Utc>,
}

/// What one member may spend of a team's wallet.
#[derive(SimpleObject)]
pub(crate) struct TeamMemberShare {
    /// The member's public integer id.
    user_id: Long,
    /// In all.
    limit: Credits,
    /// Whether the limit is the member's own; else it is the team's for everybody.
    own_limit: bool,
    /// Drawn of it: spent, held for what is under way, or ready to be spent.
    drawn: Credits,
    /// What can still be drawn.
    left: Credits,
}

impl From<MemberShare> for TeamMemberShare {
    fn from(share: MemberShare) -> Self {
        TeamMemberShare {
            user_id: Long(share.user_id),
            limit: share.limit.into(),
            own_limit: share.own_limit,
            drawn: share.drawn.into(),
            left: share.left().into(),
        }
    }
}

/// A team's wallet.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct TeamWallet {
    #[graphql(skip)]
    wallet: WalletId,
    /// Whether it pays for what is made for the team; else whoever acts pays.
    pays: bool,
    /// What a member may spend of it in all, where they have no limit of their own.
    member_limit: Credits,
    /// What is in it now.
    available: Credits,
    /// What each member may spend, in the order in which they came in.
    members: Vec<TeamMemberShare>,
}

#[ComplexObject]
impl TeamWallet {
    /// What moved in and out of it, by when: what members put in (`gift_received`), and what they drew or gave
    /// back. A walk is pinned to its first page.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn transactions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<TransactionConnection> {
        let _turn = ctx.turn().await;
        Ok(paging::transactions(ctx, self.wallet, order, first, after, None).await?)
    }
}

impl From<TeamWalletView> for TeamWallet {
    fn from(view: TeamWalletView) -> Self {
        TeamWallet {
            wallet: view.wallet,
            pays: view.purse.pays,
            member_limit: view.purse.member_limit.into(),
            available: view.balance.available.into(),
            members: view.members.into_iter().map(Into::into).collect(),
        }
    }
}

/// A team of the caller's.
#[Object]
impl Team {
    /// The public integer id.
    async fn number(&self) -> Long {
        Long(self.0.team.live().map_or(0, |team| team.number))
    }

    /// What it is called.
    async fn name(&self) -> &str {
        self.0.team.live().map_or("", |team| &team.name)
    }

    /// The owner's public integer id.
    async fn owner_id(&self) -> Long {
        Long(self.0.team.live().map_or(0, |team| team.user_id))
    }

    /// The code with which others come in.
    async fn invite_code(&self) -> Option<&str> {
        self.0.invite_code.as_deref()
    }

    /// When it was made.
    async fn created_at(&self) -> Option<DateTime<Utc>> {
        self.0.team.live().map(|team| team.at)
    }

    /// Who belongs to it, in the order in which they came in.
    #[graphql(complexity = "cost::rows(cost::FEW, child_complexity)")]
    async fn members(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<TeamMember>> {
        let _turn = ctx.turn().await;
        let ids: Vec<_> = self.0.team.members().iter().map(|member| member.account).collect();
        let rows = ctx.reads().accounts_by_id(&ids).await.map_err(GraphqlError::from)?;
        let owner = self.0.team.live().map(|team| team.owner);
        let member = |member: &mintmark_domain::team::Member| {
            let row = rows.iter().find(|row| row.id == member.account);
            TeamMember {
                user_id: Long(member.user_id),
                username: row.and_then(|row| row.username.clone()),
                avatar: row.and_then(|row| row.avatar.as_ref()).map(|key| ctx.core().links.public(key)),
                role: if owner == Some(member.account) { "owner" } else { "member" },
                joined_at: member.since,
            }
        };
        Ok(self.0.team.members().iter().map(member).collect())
    }

    /// What was made for it: what is public, and what is the caller's own; by when it was asked for.
    #[graphql(guard = "Needs(Scope::RunsRead)", complexity = "paging::cost(first, child_complexity)")]
    async fn creations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only of this generator.")] generator: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<CreationConnection> {
        let _turn = ctx.turn().await;
        let list = CreationList::OfTeam { team: self.0.id, reader: ctx.caller()?.account };
        let filter = filter::creations(ctx, generator, None)?;
        Ok(paging::creations(ctx, list, filter, order, first, after).await?)
    }

    /// Its wallet.
    #[graphql(guard = "Needs(Scope::CreditsRead)", complexity = "cost::rows(cost::FEW, child_complexity)")]
    async fn wallet(&self, ctx: &Context<'_>) -> async_graphql::Result<TeamWallet> {
        let _turn = ctx.turn().await;
        let number = self.0.team.live().map_or(0, |team| team.number);
        Ok(ctx.core().team_wallet(ctx.caller()?, number).await.map_err(GraphqlError::from)?.into())
    }
}

/// One team of the caller's; none if there is none, or it is not theirs.
async fn team(ctx: &Context<'_>, number: u64) -> Result<Option<Team>> {
    match ctx.core().team(ctx.caller()?, number).await {
        Ok(view) => Ok(Some(Team(view))),
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

/// A page of the caller's teams.
async fn teams(
    ctx: &Context<'_>,
    order: ListOrder,
    first: Option<i32>,
    after: Option<String>,
) -> Result<TeamConnection> {
    let (first, walk) = paging::page(first, after)?;
    let account = ctx.caller()?.account;
    let turn = ctx.turn().await;
    fresh(ctx, &[ProjectionName::People]).await?;
    let stretch = ctx.reads().team_walk(account, order.into(), &walk, first).await?;
    drop(turn);
    let (rows, more) = paging::with_cursors(stretch);
    let team = async |number| {
        let _turn = ctx.turn().await;
        self::team(ctx, number).await
    };
    let teams = futures::future::try_join_all(rows.iter().map(|(_, row)| team(row.number))).await?;
    // Whoever has left meanwhile is told of it no more.
    let cursors = rows.into_iter().map(|(cursor, _)| cursor);
    let nodes = cursors.zip(teams).filter_map(|(cursor, team)| Some((cursor, team?))).collect();
    Ok(TeamConnection::new(nodes, more, account))
}

#[derive(Default)]
pub(crate) struct TeamQuery;

/// Teams.
#[Object]
impl TeamQuery {
    /// One team of the caller's.
    #[graphql(guard = "Needs(Scope::AccountRead)", complexity = "cost::one(child_complexity)")]
    async fn team(&self, ctx: &Context<'_>, number: Long) -> async_graphql::Result<Option<Team>> {
        let _turn = ctx.turn().await;
        Ok(self::team(ctx, number.0).await?)
    }

    /// The caller's teams, by when the caller joined them.
    #[graphql(guard = "Needs(Scope::AccountRead)", complexity = "paging::cost(first, cost::one(child_complexity))")]
    async fn teams(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<TeamConnection> {
        Ok(teams(ctx, order, first, after).await?)
    }
}

#[derive(Default)]
pub(crate) struct TeamMutation;

/// What can be changed of teams. Who may do what is one table: the owner adds, removes, renames, renews the invite
/// code, hands over and says what the wallet is for; every member adds others, funds and spends.
#[Object]
impl TeamMutation {
    /// Makes a team that is the caller's.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn create_team(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 80 characters.")] name: String,
    ) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().create_team(ctx.caller()?, &name).await).await?)
    }

    /// Calls a team otherwise.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn rename_team(&self, ctx: &Context<'_>, number: Long, name: String) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().rename_team(ctx.caller()?, number.0, &name).await).await?)
    }

    /// Takes the caller out of a team. With the last member it ends, and what is in its wallet is theirs.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn leave_team(&self, ctx: &Context<'_>, number: Long) -> async_graphql::Result<bool> {
        let left = ctx.core().leave_team(ctx.caller()?, number.0).await;
        let (team, confirmed) = left.map_err(GraphqlError::from)?;
        wait(ctx, ProjectionName::People, team.shard(), confirmed).await;
        Ok(true)
    }

    /// Adds somebody by name.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn add_team_member(&self, ctx: &Context<'_>, number: Long, username: String) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().add_member(ctx.caller()?, number.0, &username).await).await?)
    }

    /// Removes a member; what they had left of the team's credits is the team's again.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn remove_team_member(&self, ctx: &Context<'_>, number: Long, user_id: Long) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().remove_member(ctx.caller()?, number.0, user_id.0).await).await?)
    }

    /// Makes another member the owner.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn hand_team_over(&self, ctx: &Context<'_>, number: Long, user_id: Long) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().hand_team_over(ctx.caller()?, number.0, user_id.0).await).await?)
    }

    /// Comes into the team that an invite code opens.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn join_team(&self, ctx: &Context<'_>, invite_code: String) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().join_team(ctx.caller()?, &invite_code).await).await?)
    }

    /// Gives a team another invite code; the old one opens nothing from then on.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn renew_team_invite(&self, ctx: &Context<'_>, number: Long) -> async_graphql::Result<Team> {
        Ok(done(ctx, ctx.core().renew_invite(ctx.caller()?, number.0).await).await?)
    }

    /// Says what a team's wallet is for.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn set_team_wallet(
        &self,
        ctx: &Context<'_>,
        number: Long,
        #[graphql(desc = "Whether it pays for what is made for the team; else whoever acts pays.")] pays: bool,
        #[graphql(desc = "What a member may spend of it in all, where they have no limit of their own.")]
        member_limit: Credits,
    ) -> async_graphql::Result<Team> {
        let purse = Purse { pays, member_limit: member_limit.0 };
        Ok(done(ctx, ctx.core().set_team_purse(ctx.caller()?, number.0, purse).await).await?)
    }

    /// Gives a member a limit of their own, or takes it away.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn set_team_member_limit(
        &self,
        ctx: &Context<'_>,
        number: Long,
        user_id: Long,
        #[graphql(desc = "What they may spend in all; the team's own limit holds if left out.")] limit: Option<Credits>,
    ) -> async_graphql::Result<TeamWallet> {
        let (caller, limit) = (ctx.caller()?, limit.map(|limit| limit.0));
        let set = ctx.core().set_member_limit(caller, number.0, user_id.0, limit).await;
        set.map_err(GraphqlError::from)?;
        Ok(ctx.core().team_wallet(caller, number.0).await.map_err(GraphqlError::from)?.into())
    }

    /// Puts credits of the caller's into a team's wallet. With an idempotency key the same request finds the same
    /// gift.
    #[graphql(guard = "Needs(Scope::TeamsWrite)")]
    async fn fund_team(
        &self,
        ctx: &Context<'_>,
        number: Long,
        #[graphql(desc = "At least 1, at most six places.")] amount: Credits,
        #[graphql(desc = "1 to 255 printable characters.")] idempotency_key: Option<String>,
    ) -> async_graphql::Result<GiftPayload> {
        let key = idempotency(idempotency_key, "fundTeam", &(number.0, amount.0.to_string()));
        let sent = ctx.core().fund_team(ctx.caller()?, number.0, amount.0, key).await;
        let (sent, _) = sent.map_err(GraphqlError::from)?;
        Ok(GiftPayload::carried(ctx, sent).await?)
    }
}

/// The team as it was just changed.
async fn done(ctx: &Context<'_>, changed: std::result::Result<(TeamView, Confirmed), Refusal>) -> Result<Team> {
    let (view, confirmed) = changed?;
    wait(ctx, ProjectionName::People, view.id.shard(), confirmed).await;
    Ok(Team(view))
}
