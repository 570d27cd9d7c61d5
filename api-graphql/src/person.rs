//! People: public profiles, who follows whom, the feed, gifts.

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::gift::GiftStatus;
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::{IdempotencyKey, Refusal, SentGiftView};
use mintmark_projections::ProjectionName;
use mintmark_projections::accounts::Account as Row;
use mintmark_projections::generation::CreationList;
use mintmark_projections::people::FollowList;

use crate::cost;
use crate::error::{GraphqlError, Result};
use crate::filter::{self, ListOrder};
use crate::fresh::fresh;
use crate::guard::Needs;
use crate::mutation::wait;
use crate::paging::{self, CreationConnection, PageInfo};
use crate::scalar::{Credits, Long};
use crate::state::ContextExt as _;

/// Somebody, as everybody may see them.
pub(crate) struct Person(Row);

/// Somebody, as everybody may see them.
#[Object]
impl Person {
    /// The public integer id.
    async fn user_id(&self) -> Long {
        Long(self.0.user_id)
    }

    /// Unique.
    async fn username(&self) -> &str {
        self.0.username.as_deref().unwrap_or_default()
    }

    /// What they call themselves.
    async fn display_name(&self) -> Option<&str> {
        self.0.display_name.as_deref()
    }

    /// The address of a picture.
    async fn avatar(&self, ctx: &Context<'_>) -> Option<String> {
        self.0.avatar.as_ref().map(|key| ctx.core().links.public(key))
    }

    /// A few sentences.
    async fn bio(&self) -> Option<&str> {
        self.0.bio.as_deref().filter(|text| !text.is_empty())
    }

    /// An address of theirs.
    async fn website(&self) -> Option<&str> {
        self.0.website.as_deref().filter(|text| !text.is_empty())
    }

    /// When the account was made.
    async fn joined_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// How many public creations they have.
    #[graphql(complexity = "cost::VALUE")]
    async fn creation_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::Generation]).await?;
        Ok(Long(ctx.reads().creation_counts(self.0.id).await.map_err(GraphqlError::from)?.public))
    }

    /// How many follow them.
    #[graphql(complexity = "cost::VALUE")]
    async fn follower_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::People]).await?;
        Ok(Long(ctx.reads().follow_counts(self.0.id).await.map_err(GraphqlError::from)?.followers))
    }

    /// How many they follow.
    #[graphql(complexity = "cost::VALUE")]
    async fn following_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::People]).await?;
        Ok(Long(ctx.reads().follow_counts(self.0.id).await.map_err(GraphqlError::from)?.following))
    }

    /// Whether the caller follows them; null for whoever has not said who they are.
    #[graphql(complexity = "cost::VALUE")]
    async fn followed_by_me(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<bool>> {
        let _turn = ctx.turn().await;
        let Some(caller) = ctx.anyone()? else { return Ok(None) };
        let (follows, _) = ctx.core().is_following(caller.account, self.0.id).await.map_err(GraphqlError::from)?;
        Ok(Some(follows))
    }

    /// Their public creations, by when they were asked for.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn creations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only of this generator.")] generator: Option<String>,
        #[graphql(desc = "Only of this medium.")] media_type: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<CreationConnection> {
        let _turn = ctx.turn().await;
        let filter = filter::creations(ctx, generator, media_type)?;
        Ok(paging::creations(ctx, CreationList::OfUser(self.0.id), filter, order, first, after).await?)
    }

    /// Who follows them, by since when.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn followers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<PersonConnection> {
        let _turn = ctx.turn().await;
        Ok(follows(ctx, FollowList::Followers(self.0.id), order, first, after).await?)
    }

    /// Whom they follow, by since when.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn following(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<PersonConnection> {
        let _turn = ctx.turn().await;
        Ok(follows(ctx, FollowList::Following(self.0.id), order, first, after).await?)
    }
}

/// Somebody in a list of followers, or of whom somebody follows.
#[derive(SimpleObject)]
pub(crate) struct PersonEdge {
    /// To go on after it.
    cursor: String,
    /// Them.
    node: Person,
    /// Since when one follows the other.
    followed_at: DateTime<Utc>,
}

/// A page of people. A walk is pinned to its first page: it neither skips nor repeats.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct PersonConnection {
    /// The people with their cursors.
    edges: Vec<PersonEdge>,
    /// Where the page stands.
    page_info: PageInfo,
    #[graphql(skip)]
    list: FollowList,
}

#[ComplexObject]
impl PersonConnection {
    /// How many the whole list has now.
    #[graphql(complexity = "cost::VALUE")]
    async fn total_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        let (FollowList::Followers(account) | FollowList::Following(account)) = self.list;
        let counts = ctx.reads().follow_counts(account).await.map_err(GraphqlError::from)?;
        Ok(Long(match self.list {
            FollowList::Followers(_) => counts.followers,
            FollowList::Following(_) => counts.following,
        }))
    }
}

/// A page of people; whoever was erased meanwhile is left out.
async fn follows(
    ctx: &Context<'_>,
    list: FollowList,
    order: ListOrder,
    first: Option<i32>,
    after: Option<String>,
) -> Result<PersonConnection> {
    let (first, walk) = paging::page(first, after)?;
    fresh(ctx, &[ProjectionName::People]).await?;
    let stretch = ctx.reads().follow_walk(list, order.into(), &walk, first).await?;
    let (rows, more) = paging::with_cursors(stretch);
    let ids: Vec<AccountId> = rows.iter().map(|(_, (account, _))| *account).collect();
    let mut accounts = ctx.reads().accounts_by_id(&ids).await?;
    let mut person = |id: AccountId| {
        let found = accounts.iter().position(|row| row.id == id).map(|at| accounts.swap_remove(at));
        found.filter(|row| !row.erased && row.username.is_some()).map(Person)
    };
    let edge = |(cursor, (account, followed_at))| Some(PersonEdge { cursor, node: person(account)?, followed_at });
    let edges: Vec<PersonEdge> = rows.into_iter().filter_map(edge).collect();
    let page_info = PageInfo::of(&edges, more, |edge| edge.cursor.as_str());
    Ok(PersonConnection { edges, page_info, list })
}

/// Somebody by name; none if there is nobody of that name.
async fn by_name(ctx: &Context<'_>, username: &str) -> Result<Option<Person>> {
    let account = match ctx.core().person(username).await {
        Ok(account) => account,
        Err(Refusal::NotFound(_)) => return Ok(None),
        Err(refusal) => return Err(refusal.into()),
    };
    let row = ctx.reads().account(account).await?;
    Ok(row.filter(|row| !row.erased && row.username.is_some()).map(Person))
}

#[derive(Default)]
pub(crate) struct PeopleQuery;

/// People.
#[Object]
impl PeopleQuery {
    /// Somebody by name. No key is needed.
    #[graphql(complexity = "cost::one(child_complexity)")]
    async fn user(&self, ctx: &Context<'_>, username: String) -> async_graphql::Result<Option<Person>> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::Accounts]).await?;
        Ok(by_name(ctx, &username).await?)
    }

    /// What everybody may see of whom the caller follows, by when it was asked for.
    #[graphql(guard = "Needs(Scope::RunsRead)", complexity = "paging::cost(first, child_complexity)")]
    async fn feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only of this generator.")] generator: Option<String>,
        #[graphql(desc = "Only of this medium.")] media_type: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<CreationConnection> {
        let _turn = ctx.turn().await;
        let filter = filter::creations(ctx, generator, media_type)?;
        Ok(paging::feed(ctx, filter, order, first, after).await?)
    }
}

/// Credits that were given.
#[derive(SimpleObject)]
pub(crate) struct GiftPayload {
    /// `gift_` and 32 hex digits.
    id: async_graphql::ID,
    /// How much.
    amount: Credits,
    /// `sent`, `delivered`, or `returned` where the receiver cannot have it.
    status: &'static str,
    /// Whether the same request had given it before under the same key.
    replayed: bool,
    /// What the caller can still spend.
    available: Credits,
}

impl GiftPayload {
    /// A gift as far as it could be carried now.
    pub async fn carried(ctx: &Context<'_>, sent: SentGiftView) -> Result<Self> {
        let status = match ctx.core().carry_gift(sent.id).await {
            Ok(GiftStatus::Delivered) => "delivered",
            Ok(GiftStatus::Returned) => "returned",
            Ok(GiftStatus::None | GiftStatus::Sent) => "sent",
            Err(refusal) => {
                tracing::warn!(gift = %sent.id, %refusal, "a gift is carried on later");
                "sent"
            }
        };
        // What came back can be spent again.
        let available = match status {
            "returned" => ctx.core().balance_of(ctx.caller()?.account).await?.available,
            _ => sent.available,
        };
        Ok(GiftPayload {
            id: sent.id.to_string().into(),
            amount: sent.sent.amount.into(),
            status,
            replayed: sent.replayed,
            available: available.into(),
        })
    }
}

/// A key under which a mutation that moves credits may be said again.
pub(crate) fn idempotency<T: serde::Serialize>(key: Option<String>, path: &str, said: &T) -> Option<IdempotencyKey> {
    let body = serde_json::to_vec(said).unwrap_or_default();
    key.map(|key| IdempotencyKey { key, method: "MUTATION".into(), path: path.to_owned(), body })
}

#[derive(Default)]
pub(crate) struct PeopleMutation;

/// What people do.
#[Object]
impl PeopleMutation {
    /// Follows somebody. Said again it changes nothing.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn follow_user(&self, ctx: &Context<'_>, username: String) -> async_graphql::Result<Person> {
        Ok(set_following(ctx, &username, true).await?)
    }

    /// Follows somebody no longer. Said again it changes nothing.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn unfollow_user(&self, ctx: &Context<'_>, username: String) -> async_graphql::Result<Person> {
        Ok(set_following(ctx, &username, false).await?)
    }

    /// Gives credits to somebody. They leave the caller's wallet at once, and come back where the receiver cannot
    /// have them. With an idempotency key the same request finds the same gift.
    #[graphql(guard = "Needs(Scope::SocialWrite)")]
    async fn give_credits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is to have them.")] username: String,
        #[graphql(desc = "At least 1, at most six places.")] amount: Credits,
        #[graphql(desc = "1 to 255 printable characters.")] idempotency_key: Option<String>,
    ) -> async_graphql::Result<GiftPayload> {
        let idempotency = idempotency(idempotency_key, "giveCredits", &(&username, amount.0.to_string()));
        let sent = ctx.core().give_credits(ctx.caller()?, &username, amount.0, idempotency).await;
        let (sent, _) = sent.map_err(GraphqlError::from)?;
        Ok(GiftPayload::carried(ctx, sent).await?)
    }
}

async fn set_following(ctx: &Context<'_>, username: &str, follow: bool) -> Result<Person> {
    let caller = ctx.caller()?;
    let followee = ctx.core().person(username).await?;
    let confirmed = ctx.core().set_following(caller, followee, follow).await?;
    wait(ctx, ProjectionName::People, caller.account.shard(), confirmed).await;
    by_name(ctx, username).await?.ok_or_else(|| GraphqlError::from(Refusal::NotFound("user")))
}
