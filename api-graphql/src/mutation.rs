//! What can be changed.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use mintmark_domain::account::{InfluencerStatus, Scope, Scopes};
use mintmark_domain::catalog::{AskField, AskProblem, AskReason, Dialect};
use mintmark_domain::creation::Privacy;
use mintmark_domain::es::Confirmed;
use mintmark_domain::usecases::{AvatarSource, Caller, CreationChange, ProfileChange, Refusal, scope_to_generate};
use mintmark_projections::ProjectionName;

use crate::account::{Account, CreateApiKeyPayload, CreateOAuthClientPayload};
use crate::character::{self, CreateInfluencerInput, Influencer, UpdateInfluencerInput, Voice};
use crate::cli_session::Session;
use crate::creation::{self, Creation, LicenseName};
use crate::error::{GraphqlError, Result};
use crate::generator::{self, GenerateInput};
use crate::guard::Needs;
use crate::input::{CreateRunInput, check_urls};
use crate::project::{self, Project, Said};
use crate::run::Run;
use crate::scalar::{Credits, Long};
use crate::state::ContextExt as _;

/// How long a mutation waits for the read models that its answer is read from.
const READ_OWN_WRITE: std::time::Duration = std::time::Duration::from_secs(2);

/// A run that was accepted.
#[derive(SimpleObject)]
pub(crate) struct CreateRunPayload {
    /// The run.
    run: Run,
    /// Whether the same request had been accepted before under the same key.
    replayed: bool,
    /// What can still be spent.
    available: Credits,
}

/// What a person says of themselves; what is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct UpdateProfileInput {
    /// The name to show.
    display_name: Option<String>,
    /// A few sentences.
    bio: Option<String>,
    /// An http or https address.
    website: Option<String>,
    /// The address of a picture: an upload of the caller's, or one that the server fetches; empty for none.
    avatar_url: Option<String>,
}

pub(crate) struct MutationRoot;

/// What can be changed.
#[Object]
impl MutationRoot {
    /// Accepts a run: its price is held, and it starts as soon as there is room. With an idempotency
    /// key the same request finds the same run.
    async fn create_run(
        &self,
        ctx: &Context<'_>,
        input: CreateRunInput,
        #[graphql(desc = "1 to 255 printable characters.")] idempotency_key: Option<String>,
    ) -> async_graphql::Result<CreateRunPayload> {
        let (core, caller) = (ctx.core(), ctx.caller()?);
        let model = core.catalog.find(Dialect::Native, &input.model).ok_or_else(|| {
            GraphqlError::from(Refusal::from(AskProblem::new(AskField::Model, AskReason::NotOffered)))
        })?;
        let request = input.into_request(model.capability, idempotency_key)?;
        let accepted = core.accept_run(caller, request).await.map_err(GraphqlError::from)?;
        let view = core.opened(accepted.run_id, accepted.run).await.map_err(GraphqlError::from)?;
        wait(ctx, ProjectionName::Generation, caller.account.shard(), accepted.confirmed).await;
        let run = Run::new(view).ok_or_else(|| GraphqlError::from(Refusal::NotFound("run")))?;
        Ok(CreateRunPayload { run, replayed: accepted.replayed, available: accepted.available.into() })
    }

    /// Makes something with a generator: its price is held, and it starts as soon as there is room.
    /// With an idempotency key the same request finds the same run.
    async fn generate(
        &self,
        ctx: &Context<'_>,
        input: GenerateInput,
        #[graphql(desc = "1 to 255 printable characters.")] idempotency_key: Option<String>,
        #[graphql(desc = "For how long to wait for the end of the run: 0 (if left out) to 300 seconds.")]
        wait_seconds: Option<i32>,
    ) -> async_graphql::Result<CreateRunPayload> {
        let within = generator::wait_of(wait_seconds)?;
        let accepted = generator::accept(ctx, input, idempotency_key).await?;
        let (replayed, confirmed) = (accepted.replayed, accepted.confirmed);
        let view = generator::settled(ctx, accepted, within).await?;
        let account = ctx.caller()?.account;
        wait(ctx, ProjectionName::Generation, account.shard(), confirmed).await;
        let payer = view.run.requested().map(|requested| requested.payer);
        let payer = payer.ok_or_else(|| GraphqlError::from(Refusal::NotFound("run")))?;
        let (available, _) = ctx.core().spendable(ctx.caller()?, payer).await.map_err(GraphqlError::from)?;
        let run = Run::new(view).ok_or_else(|| GraphqlError::from(Refusal::NotFound("run")))?;
        Ok(CreateRunPayload { run, replayed, available: available.into() })
    }

    /// Stops a run. One that waits ends at once and costs nothing; of one that is with its provider,
    /// what the provider confirms is paid for; one that has ended stays as it is.
    #[graphql(guard = "Needs(Scope::RunsRead)")]
    async fn cancel_run(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Run> {
        let not_found = || GraphqlError::from(Refusal::NotFound("run"));
        let run_id = id.parse().map_err(|_| not_found())?;
        let (core, caller) = (ctx.core(), ctx.caller()?);
        let capability = core.run_view(caller.account, run_id).await.map_err(GraphqlError::from)?;
        let requested = capability.run.requested().ok_or_else(not_found)?;
        let scope = scope_to_generate(requested.parameters.capability);
        caller.require(scope).map_err(GraphqlError::from)?;
        core.cancel_run(caller, run_id).await.map_err(GraphqlError::from)?;
        let view = core.run_view(caller.account, run_id).await.map_err(GraphqlError::from)?;
        Ok(Run::new(view).ok_or_else(not_found)?)
    }

    /// Approves a project's storyboard: its shots can be produced. Said again it changes nothing.
    #[graphql(guard = "Needs(Scope::WorkflowsWrite)")]
    async fn approve_storyboard(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Project> {
        Ok(project::say(ctx, &id, Said::Approved).await?)
    }

    /// Wants a project's storyboard otherwise; `reviseStoryboard` has it planned anew.
    #[graphql(guard = "Needs(Scope::WorkflowsWrite)")]
    async fn request_changes(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "What is wanted: 1 to 4,000 characters.")] comment: String,
    ) -> async_graphql::Result<Project> {
        Ok(project::say(ctx, &id, Said::ChangesRequested(comment)).await?)
    }

    /// Gives a project up, unless its storyboard is approved. Said again it changes nothing.
    #[graphql(guard = "Needs(Scope::WorkflowsWrite)")]
    async fn reject_project(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Project> {
        Ok(project::say(ctx, &id, Said::Rejected).await?)
    }

    /// Has a project planned anew with the changes that were asked for, by a run at the price of its
    /// workflow. With an idempotency key the same request finds the same run.
    #[graphql(guard = "Needs(Scope::WorkflowsWrite)")]
    async fn revise_storyboard(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "1 to 255 printable characters.")] idempotency_key: Option<String>,
        #[graphql(desc = "For how long to wait for the end of the run: 0 (if left out) to 300 seconds.")]
        wait_seconds: Option<i32>,
    ) -> async_graphql::Result<CreateRunPayload> {
        let within = generator::wait_of(wait_seconds)?;
        let accepted = project::revise(ctx, &id, idempotency_key).await?;
        let (replayed, confirmed) = (accepted.replayed, accepted.confirmed);
        let view = generator::settled(ctx, accepted, within).await?;
        let account = ctx.caller()?.account;
        wait(ctx, ProjectionName::Generation, account.shard(), confirmed).await;
        let available = ctx.core().balance_of(account).await.map_err(GraphqlError::from)?.available;
        let run = Run::new(view).ok_or_else(|| GraphqlError::from(Refusal::NotFound("run")))?;
        Ok(CreateRunPayload { run, replayed, available: available.into() })
    }

    /// Changes who may see a creation, its licence, or both.
    async fn update_creation(
        &self,
        ctx: &Context<'_>,
        number: Long,
        private: Option<bool>,
        license: Option<LicenseName>,
    ) -> async_graphql::Result<Creation> {
        let privacy = private.map(|private| if private { Privacy::Private } else { Privacy::Public });
        let change = CreationChange { privacy, license: license.map(Into::into), delete: false };
        if change == CreationChange::default() {
            return Err(GraphqlError::argument("private", "private or license is required").into());
        }
        let caller = ctx.caller()?;
        let changed = ctx.core().change_creation(caller, number.0, change).await;
        let (state, confirmed) = changed.map_err(GraphqlError::from)?;
        hidden_or_shown(ctx, caller, confirmed).await;
        let not_found = || GraphqlError::from(Refusal::NotFound("creation"));
        let found = creation::as_decided(ctx, state.opened().ok_or_else(not_found)?).await?;
        Ok(found.ok_or_else(not_found)?)
    }

    /// Deletes a creation: it is hidden everywhere, the books stay.
    async fn delete_creation(&self, ctx: &Context<'_>, number: Long) -> async_graphql::Result<bool> {
        let change = CreationChange { delete: true, ..CreationChange::default() };
        let caller = ctx.caller()?;
        let (_, confirmed) = ctx.core().change_creation(caller, number.0, change).await.map_err(GraphqlError::from)?;
        hidden_or_shown(ctx, caller, confirmed).await;
        Ok(true)
    }

    /// Changes the caller's profile: at least one field.
    async fn update_profile(&self, ctx: &Context<'_>, input: UpdateProfileInput) -> async_graphql::Result<Account> {
        let UpdateProfileInput { display_name, bio, website, avatar_url } = input;
        if display_name.is_none() && bio.is_none() && website.is_none() && avatar_url.is_none() {
            let required = "displayName, bio, website or avatarUrl is required";
            return Err(GraphqlError::argument("input", required).into());
        }
        let avatar = avatar_url.map(|url| Some(url).filter(|url| !url.is_empty()));
        if let Some(Some(url)) = &avatar {
            check_urls("avatarUrl", std::slice::from_ref(url), 1)?;
        }
        let avatar = avatar.map(|url| url.map(AvatarSource::Address));
        let change = ProfileChange { display_name, bio, website, avatar };
        let caller = ctx.caller()?;
        let (view, confirmed) = ctx.core().change_profile(caller, change).await.map_err(GraphqlError::from)?;
        wait(ctx, ProjectionName::Accounts, caller.account.shard(), confirmed).await;
        Ok(Account(view))
    }

    /// Clones a voice from 1 to 10 recordings of at most 25 MiB: addresses of files on this server, or
    /// public ones. Copies are kept.
    async fn create_voice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100 characters.")] name: String,
        sample_urls: Vec<String>,
    ) -> async_graphql::Result<Voice> {
        Ok(character::create_voice(ctx, &name, &sample_urls).await?)
    }

    /// Gives a cloned voice another name.
    async fn rename_voice(&self, ctx: &Context<'_>, id: ID, name: String) -> async_graphql::Result<Voice> {
        Ok(character::rename_voice(ctx, &id, &name).await?)
    }

    /// Puts a cloned voice away: nothing more can be spoken with it.
    async fn archive_voice(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<bool> {
        ctx.core().archive_voice(ctx.caller()?, &id).await.map_err(GraphqlError::from)?;
        Ok(true)
    }

    /// Makes an influencer, as a draft.
    async fn create_influencer(
        &self,
        ctx: &Context<'_>,
        input: CreateInfluencerInput,
    ) -> async_graphql::Result<Influencer> {
        Ok(character::create_influencer(ctx, input).await?)
    }

    /// Describes an influencer anew; it stays where it stands.
    async fn update_influencer(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: UpdateInfluencerInput,
    ) -> async_graphql::Result<Influencer> {
        Ok(character::update_influencer(ctx, &id, input).await?)
    }

    /// Has a draft trained, or one that is ready trained again. It becomes ready by itself.
    async fn train_influencer(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Influencer> {
        Ok(character::move_influencer(ctx, &id, InfluencerStatus::Training).await?)
    }

    /// Puts an influencer away for good; its handle is free again.
    async fn archive_influencer(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Influencer> {
        Ok(character::move_influencer(ctx, &id, InfluencerStatus::Archived).await?)
    }

    /// Issues an API key, never wider than the one it is made with. The secret is shown only here.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        name: String,
        #[graphql(desc = "What it may do; full access if left out. An empty list is refused.")] scopes: Option<
            Vec<String>,
        >,
    ) -> async_graphql::Result<CreateApiKeyPayload> {
        let scopes = parse_scopes(scopes)?;
        let caller = ctx.caller()?;
        let (key, confirmed) = ctx.core().issue_key(caller, &name, scopes).await.map_err(GraphqlError::from)?;
        Ok(CreateApiKeyPayload::made(ctx, caller.account, key, confirmed).await)
    }

    /// Revokes an API key: it may do nothing from now on.
    async fn revoke_api_key(&self, ctx: &Context<'_>, id: Long) -> async_graphql::Result<bool> {
        ctx.core().revoke_key(ctx.caller()?, id.0).await.map_err(GraphqlError::from)?;
        Ok(true)
    }

    /// Allows a command line a key of the caller's account: with all that it asks for, or with fewer scopes;
    /// never more than the caller has.
    async fn approve_cli_session(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "All that it asks for if left out. An empty list is refused.")] scopes: Option<Vec<String>>,
    ) -> async_graphql::Result<Session> {
        let scopes = scopes.map(|names| parse_scopes(Some(names))).transpose()?;
        let session = ctx.core().approve_cli_session(ctx.caller()?, &id, scopes).await;
        Ok(session.map_err(GraphqlError::from)?.into())
    }

    /// Refuses a command line its key.
    async fn deny_cli_session(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Session> {
        Ok(ctx.core().deny_cli_session(ctx.caller()?, &id).await.map_err(GraphqlError::from)?.into())
    }

    /// Makes an OAuth client, whose tokens (`POST /v1/oauth/token`) may do no more than what it is made
    /// with. The secret is shown only here.
    #[graphql(name = "createOAuthClient")]
    async fn create_oauth_client(
        &self,
        ctx: &Context<'_>,
        name: String,
        #[graphql(desc = "The most that its tokens may do; full access if left out. An empty list is refused.")]
        scopes: Option<Vec<String>>,
    ) -> async_graphql::Result<CreateOAuthClientPayload> {
        let scopes = parse_scopes(scopes)?;
        let (client, _) = ctx.core().create_client(ctx.caller()?, &name, scopes).await.map_err(GraphqlError::from)?;
        Ok(client.into())
    }

    /// Revokes an OAuth client: it and its tokens may do nothing from now on.
    #[graphql(name = "revokeOAuthClient")]
    async fn revoke_oauth_client(&self, ctx: &Context<'_>, client_id: String) -> async_graphql::Result<bool> {
        ctx.core().revoke_client(ctx.caller()?, &client_id).await.map_err(GraphqlError::from)?;
        Ok(true)
    }
}

fn parse_scopes(scopes: Option<Vec<String>>) -> Result<Scopes> {
    let Some(names) = scopes else { return Ok(Scopes::Full) };
    let scopes: std::result::Result<Vec<Scope>, _> = names.iter().map(|name| name.parse()).collect();
    scopes.map(Scopes::only).map_err(|error| GraphqlError::argument("scopes", error.to_string()))
}

/// Waits, for a while, until lists and search show a creation of the caller's as it was just changed: what was made
/// private or deleted is in nobody's any more when the answer goes out.
async fn hidden_or_shown(ctx: &Context<'_>, caller: &Caller, confirmed: Confirmed) {
    let shown = |projection| wait(ctx, projection, caller.account.shard(), confirmed);
    futures::join!(shown(ProjectionName::Generation), shown(ProjectionName::Search));
}

/// Waits, for a while, until a read model shows what was just written.
pub(crate) async fn wait(
    ctx: &Context<'_>,
    projection: ProjectionName,
    shard: mintmark_domain::Shard,
    confirmed: Confirmed,
) {
    ctx.reads().wait_for(projection, shard, confirmed.end.position, READ_OWN_WRITE).await;
}
