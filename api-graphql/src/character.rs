//! Voices and influencers of the caller's account.

use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use mintmark_domain::account::InfluencerStatus as Standing;
use mintmark_domain::usecases::{Core, InfluencerChange, InfluencerView, VoiceView};

use crate::error::{GraphqlError, Result};
use crate::state::ContextExt as _;

/// A voice that texts can be spoken with.
#[derive(SimpleObject)]
pub(crate) struct Voice {
    /// What `voiceId` names it by.
    id: String,
    /// For people.
    name: String,
    /// Whether the account cloned it; otherwise everybody has it.
    cloned: bool,
    /// Addresses of its recordings: signed, good for a while. None of a stock voice.
    sample_urls: Vec<String>,
    /// Since when there is such a voice.
    created_at: DateTime<Utc>,
}

impl Voice {
    fn of_account(core: &Core, voice: VoiceView) -> Self {
        let now = core.now();
        Voice {
            id: voice.id,
            name: voice.details.name,
            cloned: true,
            sample_urls: voice.details.samples.iter().map(|key| core.links.signed(key, now)).collect(),
            created_at: voice.details.created_at,
        }
    }
}

/// Where an influencer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum InfluencerStatus {
    /// Being described.
    Draft,
    /// Being trained; it will be ready by itself.
    Training,
    /// It can be mentioned.
    Ready,
    /// Put away.
    Archived,
}

impl From<Standing> for InfluencerStatus {
    fn from(status: Standing) -> Self {
        match status {
            Standing::Draft => InfluencerStatus::Draft,
            Standing::Training => InfluencerStatus::Training,
            Standing::Ready => InfluencerStatus::Ready,
            Standing::Archived => InfluencerStatus::Archived,
        }
    }
}

/// A character that prompts can mention.
pub(crate) struct Influencer(InfluencerView);

/// A character that prompts can mention.
#[Object]
impl Influencer {
    /// What `mentions` names it by.
    async fn id(&self) -> &str {
        &self.0.id
    }

    /// What prompts call it, after an `@`; unique in the account.
    async fn handle(&self) -> &str {
        &self.0.details.handle
    }

    /// For people.
    async fn display_name(&self) -> &str {
        &self.0.details.display_name
    }

    /// Where it stands.
    async fn status(&self) -> InfluencerStatus {
        self.0.status.into()
    }

    /// Addresses of its pictures: signed, good for a while.
    async fn photo_urls(&self, ctx: &Context<'_>) -> Vec<String> {
        let (core, now) = (ctx.core(), ctx.core().now());
        self.0.details.photos.iter().map(|key| core.links.signed(key, now)).collect()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.details.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// A new influencer.
#[derive(InputObject)]
pub(crate) struct CreateInfluencerInput {
    /// 2 to 30 of a-z, 0-9 and _; unique in the account.
    handle: String,
    /// For people; 1 to 100 characters.
    display_name: String,
    /// Addresses of 1 to 20 pictures of at most 20 MiB: of files on this server, or public ones. Copies
    /// are kept.
    photo_urls: Vec<String>,
}

/// What is to change of an influencer; what is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct UpdateInfluencerInput {
    /// 2 to 30 of a-z, 0-9 and _; unique in the account.
    handle: Option<String>,
    /// For people; 1 to 100 characters.
    display_name: Option<String>,
    /// Addresses of 1 to 20 pictures, in place of those that there are.
    photo_urls: Option<Vec<String>>,
}

/// The account's own voices, then the stock ones where they are wanted.
pub(crate) async fn voices(ctx: &Context<'_>, stock: bool) -> Result<Vec<Voice>> {
    let core = ctx.core();
    let own = core.voices(ctx.caller()?.account).await?.into_iter().map(|voice| Voice::of_account(core, voice));
    let stock = core.catalog.voices().filter(|_| stock).map(|voice| Voice {
        id: voice.id.clone(),
        name: voice.name.clone(),
        cloned: false,
        sample_urls: Vec::new(),
        created_at: voice.created_at,
    });
    Ok(own.chain(stock).collect())
}

/// The account's influencers, the newest first.
pub(crate) async fn influencers(ctx: &Context<'_>, status: Option<InfluencerStatus>) -> Result<Vec<Influencer>> {
    let all = ctx.core().influencers(ctx.caller()?.account).await?;
    let wanted = |one: &InfluencerView| status.is_none_or(|status| InfluencerStatus::from(one.status) == status);
    Ok(all.into_iter().filter(wanted).map(Influencer).collect())
}

/// One of the account's influencers; `None` where it has no such one.
pub(crate) async fn influencer(ctx: &Context<'_>, id: &str) -> Result<Option<Influencer>> {
    use mintmark_domain::account::AccountError;
    use mintmark_domain::usecases::Refusal;
    match ctx.core().influencer(ctx.caller()?.account, id).await {
        Ok(found) => Ok(Some(Influencer(found))),
        Err(Refusal::Account(AccountError::NoSuchInfluencer)) => Ok(None),
        Err(refusal) => Err(GraphqlError::from(refusal)),
    }
}

/// Clones a voice.
pub(crate) async fn create_voice(ctx: &Context<'_>, name: &str, samples: &[String]) -> Result<Voice> {
    let (voice, _) = ctx.core().create_voice(ctx.caller()?, name, samples).await?;
    Ok(Voice::of_account(ctx.core(), voice))
}

/// Gives a voice another name.
pub(crate) async fn rename_voice(ctx: &Context<'_>, id: &str, name: &str) -> Result<Voice> {
    let (voice, _) = ctx.core().rename_voice(ctx.caller()?, id, name).await?;
    Ok(Voice::of_account(ctx.core(), voice))
}

/// Makes an influencer.
pub(crate) async fn create_influencer(ctx: &Context<'_>, input: CreateInfluencerInput) -> Result<Influencer> {
    let CreateInfluencerInput { handle, display_name, photo_urls } = input;
    let made = ctx.core().create_influencer(ctx.caller()?, &handle, &display_name, &photo_urls).await?;
    Ok(Influencer(made.0))
}

/// Describes an influencer anew.
pub(crate) async fn update_influencer(ctx: &Context<'_>, id: &str, input: UpdateInfluencerInput) -> Result<Influencer> {
    let change = InfluencerChange { handle: input.handle, display_name: input.display_name, photos: input.photo_urls };
    Ok(Influencer(ctx.core().change_influencer(ctx.caller()?, id, change).await?.0))
}

/// Moves an influencer on.
pub(crate) async fn move_influencer(ctx: &Context<'_>, id: &str, status: Standing) -> Result<Influencer> {
    Ok(Influencer(ctx.core().move_influencer(ctx.caller()?, id, status).await?.0))
}
