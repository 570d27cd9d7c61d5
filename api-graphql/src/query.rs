//! What can be asked.

use async_graphql::{Context, ID, Object};
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Capability, Dialect};
use mintmark_domain::money::ChargingRule;
use mintmark_domain::run::RunStatus;
use mintmark_domain::usecases::Refusal;
use mintmark_projections::generation::{CreationList, RunFilter};

use crate::account::Account;
use crate::character::{self, Influencer, InfluencerStatus, Voice};
use crate::cli_session;
use crate::cost;
use crate::creation::{self, Creation};
use crate::error::GraphqlError;
use crate::filter::{self, ListOrder};
use crate::generator::{Generator, GeneratorStatus};
use crate::guard::Needs;
use crate::model::{Model, Rule};
use crate::paging::{self, CreationConnection, RunConnection};
use crate::project::{self, Project, ProjectPage};
use crate::run::{Run, Status};
use crate::scalar::Long;
use crate::search::{self, SearchConnection, SearchOrderName};
use crate::state::ContextExt as _;
use crate::usage::{Grouping, UsageRow};
use crate::wallet::Wallet;

/// What can be asked.
pub(crate) struct QueryRoot;

/// What can be asked.
#[Object]
impl QueryRoot {
    /// The account that asks.
    #[graphql(guard = "Needs(Scope::AccountRead)", complexity = "cost::one(child_complexity)")]
    async fn viewer(&self, ctx: &Context<'_>) -> async_graphql::Result<Account> {
        let _turn = ctx.turn().await;
        let view = ctx.core().account_view(ctx.caller()?.account).await.map_err(GraphqlError::from)?;
        Ok(Account(view))
    }

    /// A command line that asks for a key, by the id that it shows; null if there is none.
    #[graphql(guard = "Needs(Scope::KeysWrite)", complexity = "cost::one(child_complexity)")]
    async fn cli_session(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<cli_session::Session>> {
        let _turn = ctx.turn().await;
        match ctx.core().cli_session(&id).await {
            Ok(session) => Ok(Some(session.into())),
            Err(Refusal::NotFound(_)) => Ok(None),
            Err(refusal) => Err(GraphqlError::from(refusal).into()),
        }
    }

    /// One run of the caller's, as it stands now.
    #[graphql(guard = "Needs(Scope::RunsRead)", complexity = "cost::one(child_complexity)")]
    async fn run(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Run>> {
        let _turn = ctx.turn().await;
        let Ok(run_id) = id.parse() else { return Ok(None) };
        match ctx.core().run_view(ctx.caller()?.account, run_id).await {
            Ok(view) => Ok(Run::new(view)),
            Err(Refusal::NotFound(_)) => Ok(None),
            Err(refusal) => Err(GraphqlError::from(refusal).into()),
        }
    }

    /// The caller's runs, newest first.
    #[graphql(guard = "Needs(Scope::RunsRead)", complexity = "paging::cost(first, cost::one(child_complexity))")]
    async fn runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only in this state.")] status: Option<Status>,
        #[graphql(desc = "Only of this capability: `image_generation` …")] capability: Option<String>,
        #[graphql(desc = "Only of this model, by its slug.")] model: Option<String>,
    ) -> async_graphql::Result<RunConnection> {
        let statuses: Vec<RunStatus> = status.map(Into::into).into_iter().collect();
        let (capability, model) = (filter::text("capability", capability)?, filter::text("model", model)?);
        let filter = RunFilter { statuses, capability, model, ..RunFilter::default() };
        Ok(paging::runs(ctx, first, after, filter).await?)
    }

    /// One project of the caller's: what a storyboard run planned.
    #[graphql(guard = "Needs(Scope::WorkflowsRead)", complexity = "cost::one(child_complexity)")]
    async fn project(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Project>> {
        let _turn = ctx.turn().await;
        Ok(project::project(ctx, &id).await?)
    }

    /// The caller's projects, the newest first.
    #[graphql(guard = "Needs(Scope::WorkflowsRead)", complexity = "paging::cost(first, cost::one(child_complexity))")]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
    ) -> async_graphql::Result<ProjectPage> {
        Ok(project::projects(ctx, first, after).await?)
    }

    /// The caller's wallet: what is shown is what is enforced.
    #[graphql(guard = "Needs(Scope::CreditsRead)", complexity = "cost::one(child_complexity)")]
    async fn wallet(&self, ctx: &Context<'_>) -> async_graphql::Result<Wallet> {
        let _turn = ctx.turn().await;
        Ok(Wallet(ctx.core().wallet_view(ctx.caller()?).await.map_err(GraphqlError::from)?))
    }

    /// One creation: anybody's public one, or the caller's own, for which the key needs `runs:read`.
    #[graphql(complexity = "cost::one(child_complexity)")]
    async fn creation(&self, ctx: &Context<'_>, number: Long) -> async_graphql::Result<Option<Creation>> {
        let _turn = ctx.turn().await;
        Ok(creation::visible(ctx, number.0).await?)
    }

    /// The caller's creations, by when they were asked for.
    #[graphql(guard = "Needs(Scope::RunsRead)", complexity = "paging::cost(first, child_complexity)")]
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
        let own = CreationList::Own(ctx.caller()?.account);
        Ok(paging::creations(ctx, own, filter, order, first, after).await?)
    }

    /// What everybody may see, by when it was asked for. No key is needed.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn public_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only of this generator.")] generator: Option<String>,
        #[graphql(desc = "Only of this medium.")] media_type: Option<String>,
        #[graphql(default, desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<CreationConnection> {
        let _turn = ctx.turn().await;
        ctx.anyone()?;
        let filter = filter::creations(ctx, generator, media_type)?;
        Ok(paging::creations(ctx, CreationList::Public, filter, order, first, after).await?)
    }

    /// Public creations by the words of their prompts: all of them in any case, with any accents, misspelt or
    /// the last of them begun; `"two words"` stand in a row, `-word` must not be there, `this or that`. No key
    /// is needed.
    #[graphql(complexity = "cost::SEARCH + paging::cost(first, child_complexity)")]
    async fn search_creations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 500 characters, 32 words at most.")] query: String,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(desc = "Only of this generator.")] generator: Option<String>,
        #[graphql(desc = "What comes first; what fits best if left out.")] order: Option<SearchOrderName>,
    ) -> async_graphql::Result<SearchConnection> {
        let _turn = ctx.turn().await;
        ctx.anyone()?;
        Ok(search::creations(ctx, &query, generator, order.unwrap_or_default(), first, after).await?)
    }

    /// The caller's cloned voices, the newest first.
    #[graphql(guard = "Needs(Scope::ModelsRead)", complexity = "cost::rows(cost::FEW, child_complexity)")]
    async fn voices(
        &self,
        ctx: &Context<'_>,
        #[graphql(default, desc = "Whether the stock voices are wanted too.")] stock: bool,
    ) -> async_graphql::Result<Vec<Voice>> {
        let _turn = ctx.turn().await;
        Ok(character::voices(ctx, stock).await?)
    }

    /// The caller's influencers, the newest first.
    #[graphql(guard = "Needs(Scope::InfluencersRead)", complexity = "cost::rows(cost::FEW, child_complexity)")]
    async fn influencers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in this state; all if left out.")] status: Option<InfluencerStatus>,
    ) -> async_graphql::Result<Vec<Influencer>> {
        let _turn = ctx.turn().await;
        Ok(character::influencers(ctx, status).await?)
    }

    /// One of the caller's influencers.
    #[graphql(guard = "Needs(Scope::InfluencersRead)", complexity = "cost::one(child_complexity)")]
    async fn influencer(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Influencer>> {
        let _turn = ctx.turn().await;
        Ok(character::influencer(ctx, &id).await?)
    }

    /// Every model, with what it costs. No key is needed.
    #[graphql(complexity = "cost::rows(cost::CATALOG, child_complexity)")]
    async fn models(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this capability: `image_generation` …")] capability: Option<String>,
    ) -> async_graphql::Result<Vec<Model>> {
        let unknown = || GraphqlError::argument("capability", "is not known");
        let wanted = match capability {
            Some(name) => Some(Capability::from_name(&name).ok_or_else(unknown)?),
            None => None,
        };
        let models = ctx.core().catalog.offered_in(Dialect::Native);
        let wanted = |model: &&mintmark_domain::catalog::Model| wanted.is_none_or(|wanted| model.capability == wanted);
        Ok(models.filter(wanted).cloned().map(Model).collect())
    }

    /// One model, by its slug or by what any REST dialect calls it.
    async fn model(&self, ctx: &Context<'_>, name: String) -> Option<Model> {
        ctx.core().catalog.find(Dialect::Native, &name).cloned().map(Model)
    }

    /// Every generator, in the catalog's order. No key is needed.
    #[graphql(complexity = "cost::rows(cost::CATALOG, child_complexity)")]
    async fn generators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only in this state; all if left out.")] status: Option<GeneratorStatus>,
    ) -> Vec<Generator> {
        let status = status.map(mintmark_domain::catalog::GeneratorStatus::from);
        let wanted = |one: &&mintmark_domain::catalog::Generator| status.is_none_or(|status| one.status == status);
        ctx.core().catalog.generators().filter(wanted).cloned().map(Generator).collect()
    }

    /// One generator, by its slug.
    async fn generator(&self, ctx: &Context<'_>, slug: String) -> Option<Generator> {
        ctx.core().catalog.generator(&slug).cloned().map(Generator)
    }

    /// What each ending of a run costs. Receipts name the code.
    async fn charging_rules(&self) -> Vec<Rule> {
        ChargingRule::ALL.into_iter().map(Rule::from).collect()
    }

    /// What the caller's runs came to in a period: `from` included, `to` not; at most 365 days. A run
    /// counts in the period in which it ended.
    #[graphql(guard = "Needs(Scope::CreditsRead)", complexity = "cost::rows(cost::FEW, child_complexity)")]
    async fn usage(
        &self,
        ctx: &Context<'_>,
        from: chrono::DateTime<chrono::Utc>,
        to: chrono::DateTime<chrono::Utc>,
        #[graphql(default)] group_by: Grouping,
    ) -> async_graphql::Result<Vec<UsageRow>> {
        let _turn = ctx.turn().await;
        Ok(crate::usage::usage(ctx, from, to, group_by).await?)
    }
}
