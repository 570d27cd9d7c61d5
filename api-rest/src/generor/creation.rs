//! A creation as the document shows it.

use std::collections::HashMap;

use mintmark_domain::Timestamp;
use mintmark_domain::catalog::{Catalog, MediaType};
use mintmark_domain::creation::{CreationStatus, License, Output, Privacy};
use mintmark_domain::ids::SealedId;
use mintmark_domain::run::{FailureReason, Inputs, RunStatus};
use mintmark_domain::usecases::{Core, Refusal};
use mintmark_projections::generation::{Creation as Row, CreationState};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::failure;
use super::values::{Fields, Moment, in_order, license_number, privacy_mode};
use crate::http::Problem;

/// Where a creation stands (decision 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It waits.
    Pending,
    /// It is being made.
    Generating,
    /// It was made.
    Completed,
    /// It was not made.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl Status {
    /// What a creation's own standing and its run's come to.
    pub(super) fn of(creation: CreationStatus, run: RunStatus) -> Self {
        match (creation, run) {
            (CreationStatus::Completed, _) => Status::Completed,
            (CreationStatus::Failed, _) => Status::Failed,
            (CreationStatus::Cancelled, _) => Status::Cancelled,
            (CreationStatus::None | CreationStatus::Opened, RunStatus::Running | RunStatus::OutcomeUnknown) => {
                Status::Generating
            }
            (
                CreationStatus::None | CreationStatus::Opened,
                RunStatus::None | RunStatus::Queued | RunStatus::Succeeded | RunStatus::Failed | RunStatus::Cancelled,
            ) => Status::Pending,
        }
    }
}

impl From<CreationState> for Status {
    fn from(state: CreationState) -> Self {
        match state {
            CreationState::Pending => Status::Pending,
            CreationState::Generating => Status::Generating,
            CreationState::Completed => Status::Completed,
            CreationState::Failed => Status::Failed,
            CreationState::Cancelled => Status::Cancelled,
        }
    }
}

/// A file of a creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct File {
    /// Its path on this server; signed, and made anew at each read, where not everybody may see it.
    #[schema(examples("/users/42/img/image-12345.png"))]
    pub url: String,
    /// Its width in pixels; null of a sound.
    pub width: Option<u32>,
    /// Its height in pixels; null of a sound.
    pub height: Option<u32>,
    /// Its length in milliseconds; absent of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A creation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Creation {
    /// Its id.
    pub creation_id: u64,
    /// The generator's slug; null where none was used.
    pub generator: Option<String>,
    /// Whose it is.
    pub user_id: u64,
    /// The owner's name; null once erased.
    pub username: Option<String>,
    /// The prompt.
    pub prompt: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// 0 public, 1 private.
    pub privacy_mode: u8,
    /// `text`, `img`, `video`, `audio` or `svg`.
    #[serde(rename = "type")]
    pub media_type: &'static str,
    /// 1 Open GO-1.0, 2 Exclusive GE-1.0.
    pub license: u8,
    /// Ours: where it stands.
    pub status: Status,
    /// Ours: the model.
    pub model_id: Option<u32>,
    /// Images and vector drawings; empty of anything else.
    pub images: Vec<File>,
    /// Ours: videos; absent of anything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub videos: Vec<File>,
    /// Ours: sounds; absent of anything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audios: Vec<File>,
    /// The generator's own fields of a text; empty of anything else.
    #[schema(value_type = Object)]
    pub generator_data: Fields,
    /// Ours: why it was not made; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// Why something was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failure {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

impl From<&FailureReason> for Failure {
    fn from(reason: &FailureReason) -> Self {
        Failure { code: reason.code.clone(), message: failure(reason) }
    }
}

/// What is known of a creation, from whichever side.
pub(super) struct Facts<'a> {
    pub number: u64,
    pub generator: Option<&'a str>,
    pub user_id: u64,
    pub username: Option<String>,
    pub inputs: SealedId,
    pub created_at: Timestamp,
    pub privacy: Privacy,
    pub media_type: MediaType,
    pub license: License,
    pub status: Status,
    pub model: &'a str,
    pub output: Option<&'a Output>,
    pub failure: Option<&'a FailureReason>,
}

impl<'a> Facts<'a> {
    /// From a row of the read model.
    fn of_row(row: &'a Row) -> Self {
        Facts {
            number: row.number,
            generator: row.generator.as_deref(),
            user_id: row.user_id,
            username: row.username.clone(),
            inputs: row.inputs,
            created_at: row.created_at,
            privacy: row.privacy,
            media_type: row.media_type,
            license: row.license,
            status: row.state.into(),
            model: &row.model,
            output: row.output.as_ref(),
            failure: row.failure.as_ref(),
        }
    }

    fn sealed(&self) -> impl Iterator<Item = SealedId> + use<> {
        let fields = match self.output {
            Some(Output::Text { fields, .. }) => Some(*fields),
            Some(Output::Asset { .. }) | None => None,
        };
        [Some(self.inputs), fields].into_iter().flatten()
    }

    fn shown(self, core: &Core, opened: &HashMap<SealedId, Vec<u8>>) -> Creation {
        let inputs = opened.get(&self.inputs).and_then(|text| serde_json::from_slice::<Inputs>(text).ok());
        let generator_data = match self.output {
            Some(Output::Text { fields, .. }) => opened.get(fields).and_then(|text| serde_json::from_slice(text).ok()),
            Some(Output::Asset { .. }) | None => None,
        };
        let files: Vec<File> = self.output.and_then(|output| file(core, output, self.privacy)).into_iter().collect();
        let of = |media_types: &[MediaType]| {
            if media_types.contains(&self.media_type) { files.clone() } else { Vec::new() }
        };
        Creation {
            creation_id: self.number,
            generator: self.generator.map(str::to_owned),
            user_id: self.user_id,
            username: self.username,
            prompt: inputs.unwrap_or_default().prompt,
            created_at: Moment(self.created_at),
            privacy_mode: privacy_mode(self.privacy),
            media_type: self.media_type.as_str(),
            license: license_number(self.license),
            status: self.status,
            model_id: model_id(&core.catalog, self.model),
            images: of(&[MediaType::Img, MediaType::Svg]),
            videos: of(&[MediaType::Video]),
            audios: of(&[MediaType::Audio]),
            generator_data: in_order(&core.catalog, self.generator, generator_data.unwrap_or_default()),
            error: self.failure.map(Failure::from),
        }
    }
}

/// Generor's integer for a model; `None` for one that it does not list.
pub(super) fn model_id(catalog: &Catalog, slug: &str) -> Option<u32> {
    catalog.model(slug).and_then(|model| model.generor.as_ref()).map(|listing| listing.id)
}

/// The path of an address of ours, as the document has paths.
fn on_this_server(core: &Core, url: String) -> String {
    let base = core.links.page("");
    url.strip_prefix(base.trim_end_matches('/')).map(str::to_owned).unwrap_or(url)
}

fn file(core: &Core, output: &Output, privacy: Privacy) -> Option<File> {
    let Output::Asset { key, width, height, duration_ms, .. } = output else { return None };
    let url = match privacy {
        Privacy::Public => format!("/{key}"),
        Privacy::Private => on_this_server(core, core.links.signed(key, core.now())),
    };
    Some(File { url, width: *width, height: *height, duration_ms: *duration_ms })
}

/// One creation, opened.
pub(super) async fn shown(core: &Core, facts: Facts<'_>) -> Result<Creation, Problem> {
    let opened = open(core, facts.sealed().collect()).await?;
    Ok(facts.shown(core, &opened))
}

/// Rows of the read model, what was sealed of them opened in one go.
pub(super) async fn shown_rows(core: &Core, rows: &[Row]) -> Result<Vec<Creation>, Problem> {
    let opened = open(core, rows.iter().flat_map(|row| Facts::of_row(row).sealed()).collect()).await?;
    Ok(rows.iter().map(|row| Facts::of_row(row).shown(core, &opened)).collect())
}

pub(super) async fn open(core: &Core, ids: Vec<SealedId>) -> Result<HashMap<SealedId, Vec<u8>>, Problem> {
    core.vault.open(&ids).await.map_err(|error| Problem::from(Refusal::from(error)))
}
