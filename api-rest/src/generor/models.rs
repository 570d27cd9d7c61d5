//! `/models`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use mintmark_domain::catalog::{Catalog, Dialect, Durations, GenerorListing, Model, ModelType, VoiceRule};
use mintmark_domain::money::PriceBook;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::ser::SerializeMap;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::envelope::{Listing, PagesOfFew, Success, page_of, paging_of_few, success};
use crate::AppState;
use crate::http::{Amount, Path, Problem, QueryParams};

/// A model, as the document prints it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelSummary {
    /// What requests name it by.
    #[schema(examples(10001))]
    pub id: u32,
    /// For people.
    #[schema(examples("Flux 1.1 Pro"))]
    pub name: String,
    /// The group it is listed under.
    #[serde(rename = "type")]
    #[schema(examples("image"))]
    pub model_type: &'static str,
    /// Who runs it.
    #[schema(examples("replicate"))]
    pub provider: String,
    /// For people.
    pub description: String,
    /// What one output with defaults costs; null of a model without a price, which cannot be run.
    pub credit_cost: Option<Amount>,
    /// Whether it takes a source image.
    pub supports_img2img: bool,
    /// Whether a ratio can be chosen.
    pub supports_aspect_ratio: bool,
}

/// A model with its price and limits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelDetail {
    #[serde(flatten)]
    summary: ModelSummary,
    /// How it is priced; null of a model without a price.
    pricing: Option<Pricing>,
    /// What may be asked of it.
    limits: Limits,
}

/// How a model is priced.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pricing {
    /// What is counted: `per_image`, `per_second`, `per_character`, `per_run`, `per_text` or
    /// `per_thousand_tokens`.
    unit: &'static str,
    /// Credits for one unit.
    credits_per_unit: Amount,
    /// The version of the price book.
    price_book: String,
    /// What a customer should know about it; null where there is nothing.
    notes: Option<String>,
}

/// What may be asked of a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Limits {
    /// The longest prompt, or text to be spoken, in characters.
    max_prompt_characters: u32,
    /// The most outputs of one request.
    max_count: u32,
    /// Ratios; empty where there is no choice.
    aspect_ratios: Vec<String>,
    /// The least and the most seconds; null where there is no choice.
    seconds: Option<Seconds>,
    /// The most reference images.
    max_reference_images: u32,
    /// The most reference videos.
    max_reference_videos: u32,
}

/// The least and the most seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Seconds {
    /// The least.
    min: u32,
    /// The most.
    max: u32,
}

/// Models by type, in the document's order of types.
#[derive(Clone, Debug)]
pub struct Grouped(Vec<(ModelType, Vec<ModelSummary>)>);

type GroupedSchema = BTreeMap<String, Vec<ModelSummary>>;

impl PartialSchema for Grouped {
    fn schema() -> RefOr<Schema> {
        GroupedSchema::schema()
    }
}

impl ToSchema for Grouped {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        GroupedSchema::schemas(schemas);
    }
}

impl Serialize for Grouped {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (model_type, models) in &self.0 {
            map.serialize_entry(model_type.as_str(), models)?;
        }
        map.end()
    }
}

/// The prices that hold now.
fn book(state: &AppState) -> Result<&PriceBook, Problem> {
    state.core.catalog.prices().at(state.core.now()).ok_or_else(|| Problem::internal("no price book holds now"))
}

fn summary(book: &PriceBook, model: &Model, listing: &GenerorListing) -> ModelSummary {
    ModelSummary {
        id: listing.id,
        name: listing.name.clone(),
        model_type: listing.model_type.as_str(),
        provider: listing.provider.clone(),
        description: listing.description.clone(),
        credit_cost: book.credit_cost(model, Dialect::Generor).ok().map(Amount::from),
        supports_img2img: listing.supports_img2img,
        supports_aspect_ratio: listing.supports_aspect_ratio,
    }
}

fn listed(catalog: &Catalog, model_type: ModelType) -> impl Iterator<Item = (&Model, &GenerorListing)> {
    let listed = catalog.models().filter_map(|model| Some((model, model.generor.as_ref()?)));
    listed.filter(move |(_, listing)| listing.model_type == model_type)
}

fn summaries(book: &PriceBook, catalog: &Catalog, model_type: ModelType) -> Vec<ModelSummary> {
    listed(catalog, model_type).map(|(model, listing)| summary(book, model, listing)).collect()
}

/// The type of that name. Errors: there is none.
fn type_of(name: &str) -> Result<ModelType, Problem> {
    ModelType::from_name(name).ok_or_else(|| Problem::not_found("Model type"))
}

fn seconds(durations: &Durations) -> Option<Seconds> {
    let whole = |seconds: &Decimal| u32::try_from(seconds.trunc().mantissa()).unwrap_or(u32::MAX);
    match durations {
        Durations::None | Durations::Flat | Durations::AsInput { .. } => None,
        Durations::OneOf { seconds } => Some(Seconds { min: *seconds.iter().min()?, max: *seconds.iter().max()? }),
        Durations::Whole { min, max } => Some(Seconds { min: *min, max: *max }),
        Durations::Between { min, max, .. } => Some(Seconds { min: whole(min), max: whole(max) }),
    }
}

fn detail(book: &PriceBook, model: &Model, listing: &GenerorListing) -> Result<ModelDetail, Problem> {
    let rules = model.rules(Dialect::Generor).ok_or_else(|| Problem::not_found("Model"))?;
    let spoken = rules.voice != VoiceRule::Unused;
    Ok(ModelDetail {
        summary: summary(book, model, listing),
        pricing: book.price(&model.slug).map(|price| Pricing {
            unit: price.unit.as_str(),
            credits_per_unit: price.credits.into(),
            price_book: book.version.clone(),
            notes: price.notes.clone(),
        }),
        limits: Limits {
            max_prompt_characters: if spoken { rules.characters_max } else { rules.prompt_chars_max },
            max_count: rules.count_max,
            aspect_ratios: rules.aspect_ratios.clone(),
            seconds: seconds(&rules.durations),
            max_reference_images: rules.references_max,
            max_reference_videos: rules.reference_videos_max,
        },
    })
}

/// List all AI models
///
/// Grouped by type.
#[utoipa::path(
    get, path = "/api/v1/models", operation_id = "models.list", tag = "Models",
    responses((status = 200, body = Success<Grouped>)),
    security((), ("key" = [])),
)]
pub(super) async fn grouped(State(state): State<AppState>) -> Result<Json<Success<Grouped>>, Problem> {
    let (book, catalog) = (book(&state)?, &state.core.catalog);
    let groups = ModelType::ALL.into_iter().map(|kind| (kind, summaries(book, catalog, kind)));
    Ok(success(Grouped(groups.collect())))
}

/// List models of a type
#[utoipa::path(
    get, path = "/api/v1/models/{type}", operation_id = "models.of_type", tag = "Models",
    params(
        ("type" = String, Path, description = "`text`, `image`, `video`, `speech`, `music`, `soundeffect`, \
            `upscale`, `vector` or `backgroundremoval`."),
        PagesOfFew,
    ),
    responses((status = 200, body = Listing<ModelSummary>)),
    security((), ("key" = [])),
)]
pub(super) async fn of_type(
    State(state): State<AppState>,
    Path(name): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<ModelSummary>>, Problem> {
    let models = summaries(book(&state)?, &state.core.catalog, type_of(&name)?);
    Ok(page_of(&paging_of_few(&query)?, models))
}

/// Get a model
///
/// With its price and limits.
#[utoipa::path(
    get, path = "/api/v1/models/{type}/{id}", operation_id = "models.get", tag = "Models",
    params(
        ("type" = String, Path, description = "The model's type."),
        ("id" = u32, Path, description = "The model."),
    ),
    responses((status = 200, body = Success<ModelDetail>)),
    security((), ("key" = [])),
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<Success<ModelDetail>>, Problem> {
    let (kind, id) = (type_of(&name)?, id.parse::<u32>().ok());
    let found = listed(&state.core.catalog, kind).find(|(_, listing)| Some(listing.id) == id);
    let (model, listing) = found.ok_or_else(|| Problem::not_found("Model"))?;
    Ok(success(detail(book(&state)?, model, listing)?))
}
