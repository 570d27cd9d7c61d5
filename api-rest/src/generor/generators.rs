//! `/generators`.

use axum::Json;
use axum::extract::State;
use mintmark_domain::catalog::{
    Catalog, Dialect, FieldType, Generator, GeneratorStatus, ImageInput, OutputField, Preference, PreferenceValue,
};
use mintmark_projections::generation::CreationList;
use serde::Serialize;
use utoipa::ToSchema;

use super::creation::{Creation, model_id};
use super::creations::page;
use super::envelope::{Listing, Pages, PagesOfFew, Success, page_of, paging_of_few, success};
use super::values::WordOrNumber;
use crate::AppState;
use crate::http::{Path, Problem, QueryParams, Visitor};

/// A generator, in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GeneratorSummary {
    /// Its name in paths.
    #[schema(examples("joke"))]
    pub slug: String,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// One pictograph.
    pub icon: String,
    /// Slugs of others like it.
    pub similar: Vec<String>,
    /// `active`, or `development`: listed, and cannot be run yet.
    #[schema(examples("active"))]
    pub status: &'static str,
    /// What it makes: `text`, `img`, `video`, `audio` or `svg`.
    #[serde(rename = "type")]
    pub media_type: &'static str,
}

/// A generator with all that a request needs to know of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GeneratorDetail {
    #[serde(flatten)]
    summary: GeneratorSummary,
    /// The model that is suggested.
    default_model_id: Option<u32>,
    /// The models that it takes.
    model_ids: Vec<u32>,
    /// `none`, `optional` or `required`: whether it takes `image_url`.
    image_input: &'static str,
    /// The choices for `preference`; null where there are none.
    preference: Option<Choice>,
    /// The choices for `preference_two`; null where there are none.
    preference_two: Option<Choice>,
    /// The fields of a text answer; empty for other media.
    fields: Vec<Field>,
}

/// A choice that a generator offers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Choice {
    /// For people.
    label: String,
    /// Taken where none is sent.
    #[schema(value_type = WordOrNumber)]
    default: PreferenceValue,
    /// What may be sent.
    options: Vec<ChoiceOption>,
}

/// One of a generator's choices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChoiceOption {
    /// What requests send.
    #[schema(value_type = WordOrNumber)]
    value: PreferenceValue,
    /// For people.
    label: String,
}

/// A field of a text answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Field {
    /// Its name.
    name: String,
    /// `string`, `integer` or `array<string>`.
    #[serde(rename = "type")]
    field_type: &'static str,
    /// What it means.
    description: String,
}

impl From<&Generator> for GeneratorSummary {
    fn from(generator: &Generator) -> Self {
        GeneratorSummary {
            slug: generator.slug.clone(),
            title: generator.title.clone(),
            description: generator.description.clone(),
            icon: generator.icon.clone(),
            similar: generator.similar.clone(),
            status: match generator.status {
                GeneratorStatus::Active => "active",
                GeneratorStatus::Development => "development",
            },
            media_type: generator.media_type.as_str(),
        }
    }
}

impl From<&Preference> for Choice {
    fn from(preference: &Preference) -> Self {
        let options = preference.options.iter();
        Choice {
            label: preference.label.clone(),
            default: preference.default.clone(),
            options: options
                .map(|option| ChoiceOption { value: option.value.clone(), label: option.label.clone() })
                .collect(),
        }
    }
}

impl From<&OutputField> for Field {
    fn from(field: &OutputField) -> Self {
        Field {
            name: field.name.clone(),
            field_type: match field.field_type {
                FieldType::String => "string",
                FieldType::Integer => "integer",
                FieldType::StringList => "array<string>",
            },
            description: field.description.clone(),
        }
    }
}

impl GeneratorDetail {
    fn of(catalog: &Catalog, generator: &Generator) -> Self {
        let taken = catalog
            .offered_in(Dialect::Generor)
            .filter(|model| generator.capabilities.contains(&model.capability))
            .filter_map(|model| model.generor.as_ref());
        GeneratorDetail {
            summary: generator.into(),
            default_model_id: model_id(catalog, &generator.default_model),
            model_ids: taken.map(|listing| listing.id).collect(),
            image_input: match generator.image_input {
                ImageInput::None => "none",
                ImageInput::Optional => "optional",
                ImageInput::Required => "required",
            },
            preference: generator.preference.as_ref().map(Choice::from),
            preference_two: generator.preference_two.as_ref().map(Choice::from),
            fields: generator.fields.iter().map(Field::from).collect(),
        }
    }
}

fn find<'c>(catalog: &'c Catalog, slug: &str) -> Result<&'c Generator, Problem> {
    catalog.generator(slug).ok_or_else(|| Problem::not_found("Generator"))
}

/// List all available generators
#[utoipa::path(
    get, path = "/api/v1/generators", operation_id = "generators.list", tag = "Generators",
    params(
        ("status" = Option<String>, Query, description = "`active` (if absent), `development` or `all`."),
        PagesOfFew,
    ),
    responses((status = 200, body = Listing<GeneratorSummary>)),
    security((), ("key" = [])),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    query: QueryParams,
) -> Result<Json<Listing<GeneratorSummary>>, Problem> {
    let paging = paging_of_few(&query)?;
    let wanted = match query.one_of("status", &["active", "development", "all"])? {
        Some("all") => None,
        Some("development") => Some(GeneratorStatus::Development),
        Some(_) | None => Some(GeneratorStatus::Active),
    };
    let shown = state.core.catalog.generators().filter(|one| wanted.is_none_or(|wanted| one.status == wanted));
    Ok(page_of(&paging, shown.map(GeneratorSummary::from).collect()))
}

/// Get a generator
///
/// With its choices, the fields of its answers and the models that it takes.
#[utoipa::path(
    get, path = "/api/v1/generators/{slug}", operation_id = "generators.get", tag = "Generators",
    params(("slug" = String, Path, description = "The generator.", example = "image")),
    responses((status = 200, body = Success<GeneratorDetail>)),
    security((), ("key" = [])),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(slug): Path<String>,
) -> Result<Json<Success<GeneratorDetail>>, Problem> {
    let catalog = &state.core.catalog;
    Ok(success(GeneratorDetail::of(catalog, find(catalog, &slug)?)))
}

/// Browse public creations of a generator
#[utoipa::path(
    get, path = "/api/v1/generators/{slug}/creations", operation_id = "generators.creations", tag = "Generators",
    params(
        ("slug" = String, Path, description = "The generator.", example = "joke"),
        Pages,
    ),
    responses((status = 200, body = Listing<Creation>)),
    security((), ("key" = [])),
)]
pub(super) async fn creations(
    State(state): State<AppState>,
    Visitor(caller): Visitor,
    Path(slug): Path<String>,
    query: QueryParams,
) -> Result<Json<Listing<Creation>>, Problem> {
    find(&state.core.catalog, &slug)?;
    page(&state, caller.as_ref(), &query, CreationList::Public, Some(&slug)).await
}
