//! `GET /models` and `GET /models/pricing`.

use axum::Json;
use axum::extract::State;
use mintmark_domain::Timestamp;
use mintmark_domain::account::Scope;
use mintmark_domain::catalog::{Catalog, Dialect, GenfireListing, Model};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{Amount, Authenticated, Problem};
use crate::state::AppState;

/// A list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// Always `list`.
    #[schema(examples("list"))]
    pub object: &'static str,
    /// What it holds.
    pub data: Vec<T>,
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        List { object: "list", data: items.into_iter().collect() }
    }
}

/// A model, as the document prints it.
#[derive(ToSchema)]
#[schema(as = Model, example = json!({
    "id": "image.nano_banana_2", "object": "model", "capability": "image_generation", "name": "Nano Banana 2",
    "description": "Google's general-purpose image model. Fast, broad subject coverage. Default.",
    "status": "available", "is_default": true,
    "limits": {"aspect_ratios": ["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"], "max_count": 4},
    "capabilities": {"text_to_output": true, "image_to_output": true, "reference_images": false,
        "source_video": false, "motion_control": false, "first_last_frame": false},
}))]
#[expect(dead_code, reason = "describes what the catalog serialises itself")]
pub struct ModelSchema {
    /// The alias that requests name it by.
    id: String,
    /// Always `model`.
    object: String,
    /// What it does.
    capability: String,
    /// For people.
    name: String,
    /// For people.
    description: String,
    /// `available` or `preview`.
    status: String,
    /// Whether it is taken where none is named.
    is_default: bool,
    /// What may be asked of it.
    #[schema(value_type = Object)]
    limits: serde_json::Value,
    /// How it can be driven; absent where the document prints none.
    #[schema(value_type = Option<Object>)]
    capabilities: Option<serde_json::Value>,
}

/// Every model.
#[derive(ToSchema)]
#[schema(as = ModelList)]
#[expect(dead_code, reason = "describes what the catalog serialises itself")]
pub struct ModelListSchema {
    /// Always `list`.
    object: String,
    /// The models, in the document's order.
    #[schema(inline = false)]
    data: Vec<ModelSchema>,
}

/// List public model aliases
///
/// Every model with its limits and capabilities. Requests name models by these aliases.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "models.list", tag = "Models",
    responses((status = 200, body = ModelListSchema)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<List<GenfireListing>>, Problem> {
    caller.require(Scope::ModelsRead)?;
    Ok(Json(models(&state.core.catalog)))
}

/// Get per-model pricing
///
/// Credits per unit of every model that has a price, under the price book in force. What a choice
/// multiplies is in `notes`.
#[utoipa::path(
    get, path = "/v1/models/pricing", operation_id = "models.pricing.list", tag = "Models",
    responses((status = 200, body = List<ModelPrice>)),
)]
pub(super) async fn pricing(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<List<ModelPrice>>, Problem> {
    caller.require(Scope::ModelsRead)?;
    Ok(Json(prices(&state.core.catalog, state.core.now())))
}

/// The models that GenFire offers, as printed and in the printed order.
fn models(catalog: &Catalog) -> List<GenfireListing> {
    catalog.offered_in(Dialect::Genfire).filter_map(|model| model.genfire.clone()).collect()
}

/// What a model costs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelPrice {
    /// The model's alias.
    #[schema(examples("image.nano_banana_2"))]
    pub model: String,
    /// What it does.
    #[schema(examples("image_generation"))]
    pub capability: &'static str,
    /// What is counted: `per_image`, `per_second`, `per_character`, or `per_run` where none of these fits.
    #[schema(examples("per_image"))]
    pub unit: &'static str,
    /// Credits for one unit.
    pub credits: Amount,
    /// The operation in cost reports and receipts.
    #[schema(examples("nano_banana_2"))]
    pub operation_key: String,
    /// What should be known about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// What GenFire's models cost at `now`; a model without a price, which cannot be run, is not listed.
fn prices(catalog: &Catalog, now: Timestamp) -> List<ModelPrice> {
    let book = catalog.prices().at(now);
    let priced = |model: &Model| {
        let price = book?.price(&model.slug)?;
        Some(ModelPrice {
            model: model.name_in(Dialect::Genfire)?,
            capability: model.capability.as_str(),
            unit: price.unit.as_str(),
            credits: price.credits.into(),
            operation_key: price.operation_key.clone(),
            notes: price.notes.clone(),
        })
    };
    catalog.offered_in(Dialect::Genfire).filter_map(priced).collect()
}
