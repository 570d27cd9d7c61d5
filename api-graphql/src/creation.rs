//! Creations, and the outputs of a run.

use async_graphql::{Enum, Json, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::Scope;
use mintmark_domain::creation::{License, OpenedCreation, Output, Privacy};
use mintmark_domain::usecases::CreationView;
use mintmark_projections::ProjectionName;
use mintmark_projections::generation::{self as reads, CreationState};

use crate::conversation::{self, CreationRating};
use crate::cost;
use crate::error::{GraphqlError, Result};
use crate::filter::ListOrder;
use crate::fresh::fresh_in;
use crate::generator::{TextField, typed};
use crate::paging::CommentConnection;
use crate::run::Failure;
use crate::scalar::Long;
use crate::state::ContextExt as _;

/// How long one creation waits for the read model to show it.
const SHOWN_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Under which licence a creation may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "License")]
pub(crate) enum LicenseName {
    /// Open GO-1.0.
    #[graphql(name = "OPEN_GO_1")]
    OpenGo1,
    /// Exclusive GE-1.0.
    #[graphql(name = "EXCLUSIVE_GE_1")]
    ExclusiveGe1,
}

impl From<License> for LicenseName {
    fn from(license: License) -> Self {
        match license {
            License::OpenGo1 => LicenseName::OpenGo1,
            License::ExclusiveGe1 => LicenseName::ExclusiveGe1,
        }
    }
}

impl From<LicenseName> for License {
    fn from(license: LicenseName) -> Self {
        match license {
            LicenseName::OpenGo1 => License::OpenGo1,
            LicenseName::ExclusiveGe1 => License::ExclusiveGe1,
        }
    }
}

/// A file that was made.
#[derive(SimpleObject)]
pub(crate) struct File {
    /// Where to fetch it. The address of a private file is signed and works for an hour; read it
    /// again for a fresh one.
    url: String,
    /// Its media type.
    content_type: String,
    /// Its size.
    size_bytes: Long,
    /// Its width in pixels, of a picture or video.
    width: Option<u32>,
    /// Its height in pixels, of a picture or video.
    height: Option<u32>,
    /// Its length in milliseconds, of a sound or video.
    duration_ms: Option<Long>,
}

fn file(ctx: &async_graphql::Context<'_>, output: &Output, privacy: Privacy) -> Option<File> {
    let Output::Asset { key, content_type, size_bytes, width, height, duration_ms, .. } = output else { return None };
    let core = ctx.core();
    let url = match privacy {
        Privacy::Private => core.links.signed(key, core.now()),
        Privacy::Public => core.links.public(key),
    };
    Some(File {
        url,
        content_type: content_type.clone(),
        size_bytes: Long(*size_bytes),
        width: *width,
        height: *height,
        duration_ms: duration_ms.map(Long),
    })
}

/// One output of a run.
pub(crate) struct RunOutput(pub CreationView);

/// One output of a run.
#[Object]
impl RunOutput {
    /// The creation's public integer id.
    async fn creation_number(&self) -> Long {
        Long(self.0.number)
    }

    /// The file, where one was delivered.
    async fn file(&self, ctx: &async_graphql::Context<'_>) -> Option<File> {
        // Who may see it may have changed since the run was asked for.
        let opened = self.0.creation.opened()?;
        file(ctx, self.0.creation.output()?, opened.privacy)
    }

    /// The typed fields, where a text was delivered.
    async fn fields(&self) -> Option<Json<serde_json::Map<String, serde_json::Value>>> {
        self.0.fields.clone().map(Json)
    }

    /// The same, each with its type.
    async fn typed_fields(&self) -> Option<Vec<TextField>> {
        self.0.fields.as_ref().map(typed)
    }
}

/// Where a creation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "CreationStatus", remote = "mintmark_projections::generation::CreationState")]
pub(crate) enum Status {
    /// Its run waits.
    Pending,
    /// Its run is under way.
    Generating,
    /// It was made.
    Completed,
    /// It was not made.
    Failed,
    /// It was stopped before it was made.
    Cancelled,
}

/// Something made, as lists show it.
pub(crate) struct Creation(pub reads::Creation);

/// One creation, if the caller may see it. The log says whether: what has just been made private is in the read
/// model for a moment yet.
pub(crate) async fn visible(ctx: &async_graphql::Context<'_>, number: u64) -> Result<Option<Creation>> {
    let caller = ctx.anyone()?;
    let Some((state, read_at)) = ctx.core().creation_state_at(number).await? else { return Ok(None) };
    if !state.is_public() {
        let owner = caller.filter(|caller| state.is_visible_to(caller.account));
        let Some(owner) = owner else { return Ok(None) };
        owner.require(Scope::RunsRead)?;
    }
    let Some(opened) = state.opened() else { return Ok(None) };
    ctx.reads().wait_for(ProjectionName::Generation, opened.run.shard(), read_at, SHOWN_WITHIN).await;
    as_decided(ctx, opened).await
}

/// A creation with the privacy and the licence that the log has: whether its file's address is signed hangs on them.
/// `None` for the moment until the read model shows what was asked for.
pub(crate) async fn as_decided(ctx: &async_graphql::Context<'_>, opened: &OpenedCreation) -> Result<Option<Creation>> {
    let row = ctx.reads().creation_by_number(opened.number).await?;
    Ok(row.map(|row| Creation(reads::Creation { privacy: opened.privacy, license: opened.license, ..row })))
}

/// Something made.
#[Object]
impl Creation {
    /// The public integer id.
    async fn number(&self) -> Long {
        Long(self.0.number)
    }

    /// The run that made it; for its owner only.
    async fn run_id(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Option<String>> {
        let own = ctx.anyone()?.is_some_and(|caller| caller.account == self.0.account);
        Ok(own.then(|| self.0.run.to_string()))
    }

    /// Where it stands.
    async fn status(&self) -> Status {
        self.0.state.into()
    }

    /// Percent done: 100 of what was made; of what is being made where the provider says so and this server knows.
    async fn progress(&self, ctx: &async_graphql::Context<'_>) -> Option<i32> {
        match self.0.state {
            CreationState::Completed => Some(100),
            CreationState::Generating => ctx.core().dispatch.progress(self.0.run).map(i32::from),
            CreationState::Pending | CreationState::Failed | CreationState::Cancelled => None,
        }
    }

    /// The public integer id of who made it.
    async fn user_id(&self) -> Long {
        Long(self.0.user_id)
    }

    /// Who made it.
    async fn username(&self) -> Option<&str> {
        self.0.username.as_deref()
    }

    /// The generator, where one was used.
    async fn generator(&self) -> Option<&str> {
        self.0.generator.as_deref()
    }

    /// The canonical name of the model.
    async fn model(&self) -> &str {
        &self.0.model
    }

    /// `text`, `img`, `video`, `audio`, `svg`.
    async fn media_type(&self) -> &str {
        self.0.media_type.as_str()
    }

    /// Whether only its owner may see it.
    async fn private(&self) -> bool {
        self.0.privacy == Privacy::Private
    }

    /// Its licence.
    async fn license(&self) -> LicenseName {
        self.0.license.into()
    }

    /// The prompt.
    #[graphql(complexity = "cost::VALUE")]
    async fn prompt(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Option<String>> {
        let _turn = ctx.turn().await;
        let text = ctx.core().prompt_of(self.0.inputs).await.map_err(GraphqlError::from)?;
        Ok(text)
    }

    /// The file, where one was delivered.
    async fn file(&self, ctx: &async_graphql::Context<'_>) -> Option<File> {
        file(ctx, self.0.output.as_ref()?, self.0.privacy)
    }

    /// The typed fields, where a text was delivered.
    #[graphql(complexity = "cost::VALUE")]
    async fn fields(
        &self,
        ctx: &async_graphql::Context<'_>,
    ) -> async_graphql::Result<Option<Json<serde_json::Map<String, serde_json::Value>>>> {
        let Some(Output::Text { fields, .. }) = &self.0.output else { return Ok(None) };
        let _turn = ctx.turn().await;
        let fields = ctx.core().fields_of(*fields).await.map_err(GraphqlError::from)?;
        Ok(fields.map(Json))
    }

    /// The same, each with its type.
    #[graphql(complexity = "cost::VALUE + child_complexity")]
    async fn typed_fields(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Option<Vec<TextField>>> {
        let Some(Output::Text { fields, .. }) = &self.0.output else { return Ok(None) };
        let _turn = ctx.turn().await;
        let fields = ctx.core().fields_of(*fields).await.map_err(GraphqlError::from)?;
        Ok(fields.as_ref().map(typed))
    }

    /// Why it was not made.
    #[graphql(guard = "crate::guard::Needs(Scope::RunsRead)")]
    async fn error(&self) -> Option<Failure> {
        self.0.failure.as_ref().map(Failure::from)
    }

    /// What was said of it, answers too. No key is needed for what is public.
    #[graphql(complexity = "crate::paging::cost(first, child_complexity)")]
    async fn comments(
        &self,
        ctx: &async_graphql::Context<'_>,
        #[graphql(desc = "At most 100.")] first: Option<i32>,
        #[graphql(desc = "A cursor.")] after: Option<String>,
        #[graphql(default_with = "ListOrder::Oldest", desc = "What comes first.")] order: ListOrder,
    ) -> async_graphql::Result<CommentConnection> {
        let _turn = ctx.turn().await;
        Ok(conversation::comments(ctx, self.0.id, order, first, after).await?)
    }

    /// How many comments it has that were not taken back.
    #[graphql(complexity = "cost::VALUE")]
    async fn comment_count(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<Long> {
        let _turn = ctx.turn().await;
        fresh_in(ctx, self.0.id.shard(), &[ProjectionName::People]).await?;
        Ok(Long(ctx.reads().comment_count(self.0.id).await.map_err(GraphqlError::from)?))
    }

    /// What it is rated.
    #[graphql(complexity = "cost::VALUE + child_complexity")]
    async fn rating(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<CreationRating> {
        let _turn = ctx.turn().await;
        fresh_in(ctx, self.0.id.shard(), &[ProjectionName::People]).await?;
        Ok(conversation::rating(ctx, self.0.id).await?)
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}
