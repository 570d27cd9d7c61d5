//! The caller's account and keys.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::{Scope, Scopes};
use mintmark_domain::es::Confirmed;
use mintmark_domain::ids::AccountId;
use mintmark_domain::usecases::{AccountView, NewClient, NewKey};
use mintmark_projections::ProjectionName;

use crate::cost;
use crate::error::GraphqlError;
use crate::fresh::fresh;
use crate::guard::Needs;
use crate::mutation::wait;
use crate::scalar::Long;
use crate::state::ContextExt as _;

/// The caller's account.
pub(crate) struct Account(pub AccountView);

/// The caller's account.
#[Object]
impl Account {
    /// `acct_` and 32 hex digits.
    async fn id(&self) -> async_graphql::ID {
        self.0.account.to_string().into()
    }

    /// The public integer id.
    async fn user_id(&self) -> Long {
        Long(self.0.state.user_id().unwrap_or_default())
    }

    /// The unique name.
    async fn username(&self) -> &str {
        &self.0.profile.username
    }

    /// What they call themselves; empty where nothing is said, and others are shown the unique name.
    async fn display_name(&self) -> &str {
        &self.0.profile.display_name
    }

    /// The email address.
    async fn email(&self) -> &str {
        &self.0.profile.email
    }

    /// A few sentences.
    async fn bio(&self) -> &str {
        &self.0.profile.bio
    }

    /// An address of theirs.
    async fn website(&self) -> &str {
        &self.0.profile.website
    }

    /// The address of their picture.
    async fn avatar(&self, ctx: &Context<'_>) -> Option<String> {
        self.0.profile.avatar.as_ref().map(|key| ctx.core().links.public(key))
    }

    /// `free`, `basic`, `pro`, `enterprise` or `unlimited`.
    async fn tier(&self) -> &str {
        self.0.state.tier().as_str()
    }

    /// When the account was made; null for the moment until the read models show it.
    #[graphql(complexity = "cost::VALUE")]
    async fn joined_at(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<DateTime<Utc>>> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::Accounts]).await?;
        let row = ctx.reads().account(self.0.account).await.map_err(GraphqlError::from)?;
        Ok(row.map(|row| row.created_at))
    }

    /// How many creations they have that were made and not deleted, private ones too.
    #[graphql(complexity = "cost::VALUE")]
    async fn creation_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::Generation]).await?;
        Ok(Long(ctx.reads().creation_counts(self.0.account).await.map_err(GraphqlError::from)?.made))
    }

    /// How many follow them.
    #[graphql(complexity = "cost::VALUE")]
    async fn follower_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::People]).await?;
        Ok(Long(ctx.reads().follow_counts(self.0.account).await.map_err(GraphqlError::from)?.followers))
    }

    /// How many they follow.
    #[graphql(complexity = "cost::VALUE")]
    async fn following_count(&self, ctx: &Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::People]).await?;
        Ok(Long(ctx.reads().follow_counts(self.0.account).await.map_err(GraphqlError::from)?.following))
    }

    /// The active API keys.
    #[graphql(guard = "Needs(Scope::AccountRead)", complexity = "cost::rows(cost::FEW, child_complexity)")]
    async fn api_keys(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<ApiKey>> {
        let _turn = ctx.turn().await;
        fresh(ctx, &[ProjectionName::Accounts]).await?;
        let shown = ctx.reads().api_keys(self.0.account, false).await.map_err(GraphqlError::from)?;
        let key = |(id, key): (u64, &mintmark_domain::account::ApiKey)| {
            let row = shown.iter().find(|row| row.key_id == id);
            ApiKey {
                id: Long(id),
                prefix: key.prefix.clone(),
                name: key.name.clone(),
                scopes: names(&key.scopes),
                created_at: row.map(|row| row.created_at),
                last_used_at: row.and_then(|row| row.last_used_at),
            }
        };
        Ok(self.0.state.keys().map(key).collect())
    }

    /// The OAuth clients whose tokens may act for the account.
    #[graphql(
        name = "oAuthClients",
        guard = "Needs(Scope::AccountRead)",
        complexity = "cost::rows(cost::FEW, child_complexity)"
    )]
    async fn oauth_clients(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<OAuthClient>> {
        let _turn = ctx.turn().await;
        let ids: Vec<&str> = self.0.state.clients().map(|(id, _)| id).collect();
        let last_used = ctx.reads().clients_last_used(&ids).await.map_err(GraphqlError::from)?;
        let client = |(id, client): (&str, &mintmark_domain::account::OAuthClient)| OAuthClient {
            client_id: id.to_owned(),
            name: client.name.clone(),
            scopes: names(&client.scopes),
            last_used_at: last_used.get(id).copied(),
        };
        Ok(self.0.state.clients().map(client).collect())
    }
}

/// Scopes by name; none for full access.
pub(crate) fn names(scopes: &Scopes) -> Vec<String> {
    scopes.names().into_iter().map(str::to_owned).collect()
}

/// An API key, without its secret.
#[derive(SimpleObject)]
pub(crate) struct ApiKey {
    /// Its integer id.
    pub id: Long,
    /// What is shown of it.
    pub prefix: String,
    /// What its maker calls it.
    pub name: String,
    /// What it may do; empty for full access.
    pub scopes: Vec<String>,
    /// When it was made; null for the moment until the read models show it.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last used, to within some seconds; null if never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// An OAuth client, without its secret.
#[derive(SimpleObject)]
#[graphql(name = "OAuthClient")]
pub(crate) struct OAuthClient {
    /// `gfo_oauth_…`.
    pub client_id: String,
    /// What its maker calls it.
    pub name: String,
    /// The most that its tokens may do; empty for full access.
    pub scopes: Vec<String>,
    /// When a token of it was last used, to within some seconds; null if never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A key that was just made.
#[derive(SimpleObject)]
pub(crate) struct CreateApiKeyPayload {
    /// The key itself. It is not shown again.
    secret: String,
    /// What is shown of it from now on.
    api_key: ApiKey,
}

impl CreateApiKeyPayload {
    /// A key of the account's, once the read models show it.
    pub async fn made(ctx: &Context<'_>, account: AccountId, key: NewKey, confirmed: Confirmed) -> Self {
        wait(ctx, ProjectionName::Accounts, account.shard(), confirmed).await;
        // The secret is shown only here: it is not lost because the rest cannot be read just now.
        let shown = ctx.reads().api_keys(account, false).await.unwrap_or_default();
        let created_at = shown.iter().find(|row| row.key_id == key.key_id).map(|row| row.created_at);
        let (scopes, id) = (names(&key.scopes), Long(key.key_id));
        let api_key = ApiKey { id, prefix: key.prefix, name: key.name, scopes, created_at, last_used_at: None };
        CreateApiKeyPayload { secret: key.secret, api_key }
    }
}

/// An OAuth client that was just made.
#[derive(SimpleObject)]
#[graphql(name = "CreateOAuthClientPayload")]
pub(crate) struct CreateOAuthClientPayload {
    /// Its secret. It is not shown again.
    secret: String,
    /// What is shown of it from now on.
    client: OAuthClient,
}

impl From<NewClient> for CreateOAuthClientPayload {
    fn from(made: NewClient) -> Self {
        let scopes = names(&made.scopes);
        let client = OAuthClient { client_id: made.client_id, name: made.name, scopes, last_used_at: None };
        CreateOAuthClientPayload { secret: made.secret, client }
    }
}
