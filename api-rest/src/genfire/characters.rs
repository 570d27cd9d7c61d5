//! `GET /influencers`, `GET /influencers/{influencerId}` and `GET /audio/voices`.

use axum::Json;
use axum::extract::State;
use mintmark_domain::account::{InfluencerStatus, Scope};
use mintmark_domain::catalog::Voice;
use mintmark_domain::usecases::{Core, InfluencerView, VoiceView};
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::unsupported;
use super::models::List;
use super::values::Moment;
use crate::http::{Authenticated, Path, Problem, QueryParams};
use crate::state::AppState;

/// Whose voice a cloned one is, in the document's words.
const CLONED_PROVIDER: &str = "fal_qwen3";

/// A voice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VoiceResource {
    /// What `voice_id` names it by.
    #[schema(examples("fal_cloned_8f14e45fceea167a5a36dedd"))]
    pub id: String,
    /// Always `voice`.
    #[schema(examples("voice"))]
    pub object: &'static str,
    /// For people.
    pub name: String,
    /// `cloned` or `stock`.
    #[schema(examples("cloned"))]
    pub r#type: &'static str,
    /// Whose voice it is.
    pub provider: String,
    /// Where it can be heard; null where there is no sample of it.
    pub preview_url: Option<String>,
    /// Since when it is offered.
    pub created_at: Moment,
}

impl From<&Voice> for VoiceResource {
    fn from(voice: &Voice) -> Self {
        VoiceResource {
            id: voice.id.clone(),
            object: "voice",
            name: voice.name.clone(),
            r#type: "stock",
            provider: voice.provider.clone(),
            preview_url: None,
            created_at: Moment(voice.created_at),
        }
    }
}

impl VoiceResource {
    fn cloned(core: &Core, voice: VoiceView) -> Self {
        let preview_url = voice.details.samples.first().map(|key| core.links.signed(key, core.now()));
        VoiceResource {
            id: voice.id,
            object: "voice",
            name: voice.details.name,
            r#type: "cloned",
            provider: CLONED_PROVIDER.to_owned(),
            preview_url,
            created_at: Moment(voice.details.created_at),
        }
    }
}

/// Whether the stock voices are wanted too. Errors: another source to include.
fn includes_stock(include: Option<&str>) -> Result<bool, Problem> {
    let mut stock = false;
    for source in include.unwrap_or_default().split(',').map(str::trim).filter(|source| !source.is_empty()) {
        if source != "stock" {
            return Err(unsupported(format!("include cannot be {source:?}. Allowed: stock.")));
        }
        stock = true;
    }
    Ok(stock)
}

/// List voices for speech generation
///
/// The voices that the account has cloned; with `include=stock` those of the catalog too.
#[utoipa::path(
    get, path = "/v1/audio/voices", operation_id = "audio.voices.list", tag = "Models",
    params(("include" = Option<String>, Query, description = "More sources, separated by commas: `stock`.")),
    responses((status = 200, body = List<VoiceResource>)),
)]
pub(super) async fn voices(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    query: QueryParams,
) -> Result<Json<List<VoiceResource>>, Problem> {
    caller.require(Scope::ModelsRead)?;
    let stock = includes_stock(query.text("include")?)?;
    let core = &state.core;
    let own = core.voices(caller.account).await?.into_iter().map(|voice| VoiceResource::cloned(core, voice));
    let stock = core.catalog.voices().filter(|_| stock).map(VoiceResource::from);
    Ok(Json(own.chain(stock).collect()))
}

/// An influencer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InfluencerResource {
    /// What `mentions` names it by.
    #[schema(examples("model_8f14e45fceea167a5a36dedd"))]
    pub id: String,
    /// Always `influencer`.
    #[schema(examples("influencer"))]
    pub object: &'static str,
    /// What prompts call it, after an `@`.
    #[schema(examples("sarah"))]
    pub handle: String,
    /// For people.
    pub display_name: String,
    /// `draft`, `training`, `ready` or `archived`.
    #[schema(examples("ready"))]
    pub status: &'static str,
    /// Where its pictures came from.
    #[schema(examples("uploaded"))]
    pub source_type: String,
    /// A picture of it.
    pub preview_url: Option<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// A status in the document's words.
fn status_name(status: InfluencerStatus) -> &'static str {
    match status {
        InfluencerStatus::Draft => "draft",
        InfluencerStatus::Training => "training",
        InfluencerStatus::Ready => "ready",
        InfluencerStatus::Archived => "archived",
    }
}

impl InfluencerResource {
    fn of(core: &Core, influencer: InfluencerView) -> Self {
        let preview_url = influencer.details.photos.first().map(|key| core.links.signed(key, core.now()));
        InfluencerResource {
            id: influencer.id,
            object: "influencer",
            handle: influencer.details.handle,
            display_name: influencer.details.display_name,
            status: status_name(influencer.status),
            source_type: influencer.details.source_type,
            preview_url,
            created_at: Moment(influencer.details.created_at),
            updated_at: Moment(influencer.updated_at),
        }
    }
}

/// List your trained influencers
///
/// The account's influencers that are ready to be mentioned, the newest first. Drafts, those in training
/// and archived ones are not listed.
#[utoipa::path(
    get, path = "/v1/influencers", operation_id = "influencers.list", tag = "Influencers",
    responses((status = 200, body = List<InfluencerResource>)),
)]
pub(super) async fn influencers(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<List<InfluencerResource>>, Problem> {
    caller.require(Scope::InfluencersRead)?;
    let all = state.core.influencers(caller.account).await?.into_iter();
    let ready = all.filter(|influencer| influencer.status == InfluencerStatus::Ready);
    Ok(Json(ready.map(|influencer| InfluencerResource::of(&state.core, influencer)).collect()))
}

/// Get one influencer
///
/// One of the account's influencers, in whatever status. Somebody else's is not found.
#[utoipa::path(
    get, path = "/v1/influencers/{influencerId}", operation_id = "influencers.get", tag = "Influencers",
    params(("influencerId" = String, Path, description = "The influencer's id: `model_…`.")),
    responses((status = 200, body = InfluencerResource)),
)]
pub(super) async fn influencer(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<InfluencerResource>, Problem> {
    caller.require(Scope::InfluencersRead)?;
    let found = state.core.influencer(caller.account, &id).await?;
    Ok(Json(InfluencerResource::of(&state.core, found)))
}
