//! `POST /uploads`, and `PUT` to the address that it answers with.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use futures::{StreamExt as _, TryStreamExt as _};
use http::header;
use mintmark_domain::account::Scope;
use mintmark_domain::ports::{NewUpload, UploadError, UploadPut};
use mintmark_domain::usecases::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::values::Moment;
use crate::http::{Authenticated, JsonBody, Kind, Path, Problem, QueryParams};
use crate::state::AppState;

/// A file to be uploaded.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct UploadRequest {
    /// Its name; the extension is kept in the stored path.
    #[schema(min_length = 1, max_length = 255)]
    pub filename: String,
    /// Its media type; the PUT has to send the same.
    #[schema(default = "application/octet-stream", max_length = 100)]
    pub content_type: Option<String>,
    /// Its size; the upload has to have exactly that then.
    #[schema(minimum = 0, maximum = 5_368_709_120_i64)]
    pub size_bytes: Option<u64>,
}

/// An upload that was opened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UploadResource {
    /// `asset_` and 24 hex digits.
    #[schema(examples("asset_8f3c4a2b1d6e7f9a0b1c2d3e"))]
    pub asset_id: String,
    /// Put the file here, once, within 15 minutes.
    pub upload_url: String,
    /// Read it here, and name it so in other requests, for 7 days.
    pub asset_url: String,
    /// What the PUT has to send as `Content-Type`.
    pub content_type: String,
    /// Until when the PUT may begin.
    pub expires_at: Moment,
}

/// A file that was stored.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoredUploadResource {
    /// Which.
    pub asset_id: String,
    /// What it is served as.
    pub content_type: String,
    /// Its size.
    pub size_bytes: u64,
}

/// Create a signed upload URL
///
/// Answers where to put a file and where to read it afterwards. `asset_url` is taken as `image_url`,
/// `video_url` or `audio_url` of other requests, and never fetched over the network then.
#[utoipa::path(
    post, path = "/v1/uploads", operation_id = "uploads.create", tag = "Uploads",
    request_body(content = UploadRequest, example = json!({
        "filename": "reference.png", "content_type": "image/png", "size_bytes": 124_000,
    })),
    responses((status = 201, body = UploadResource)),
)]
pub(super) async fn open(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    body: JsonBody<UploadRequest>,
) -> Result<impl IntoResponse, Problem> {
    caller.require(Scope::UploadsWrite)?;
    let UploadRequest { filename, content_type, size_bytes } = body.value;
    let content_type = content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    let asked = NewUpload { filename, content_type, size_bytes };
    let opened = state.uploads.open(caller.account, asked).await.map_err(|error| match error {
        // What is declared is a field like any other; what comes is a body.
        UploadError::TooLarge { max } => {
            Problem::invalid(format!("size_bytes must be at most {max}.")).coded("unsupported_value")
        }
        other => problem(other),
    })?;
    let resource = UploadResource {
        asset_id: opened.asset_id,
        upload_url: opened.upload_url,
        asset_url: opened.asset_url,
        content_type: opened.content_type,
        expires_at: Moment(opened.expires_at),
    };
    Ok((http::StatusCode::CREATED, Json(resource)))
}

/// Upload a file
///
/// The `upload_url` of `POST /v1/uploads`: no key is needed, the address is signed. The file is stored as it
/// comes in, whole or not at all. An address takes one file: a second PUT is refused (409); what broke off
/// can be sent again until the address expires. More bytes than were declared, or than 5 GiB, are refused
/// (400, 413), as are another `Content-Type` (415) and an address that has expired or was changed (403).
#[utoipa::path(
    put, path = "/v1/uploads/{assetId}/content", operation_id = "uploads.content.put", tag = "Uploads",
    security(()),
    params(
        ("assetId" = String, Path, description = "The upload's id."),
        ("expires" = String, Query, description = "Part of the signed address."),
        ("signature" = String, Query, description = "Part of the signed address."),
    ),
    request_body(content_type = "application/octet-stream", description = "The file, under the `Content-Type` that \
        the upload was opened with."),
    responses((status = 200, body = StoredUploadResource)),
)]
pub(super) async fn put(
    State(state): State<AppState>,
    Path(asset_id): Path<String>,
    query: QueryParams,
    request: Request,
) -> Result<Json<StoredUploadResource>, Problem> {
    let (parts, body) = request.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let put = UploadPut {
        asset_id,
        expires: query.text("expires")?.unwrap_or_default().to_owned(),
        signature: query.text("signature")?.unwrap_or_default().to_owned(),
        content_type: text(header::CONTENT_TYPE).map(str::to_owned),
        content_length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
    };
    let body = body.into_data_stream().map_err(std::io::Error::other).boxed();
    let stored = state.uploads.put(put, body).await.map_err(problem)?;
    Ok(Json(StoredUploadResource {
        asset_id: stored.asset_id,
        content_type: stored.content_type,
        size_bytes: stored.size_bytes,
    }))
}

/// What an upload was refused for, in the dialect's kinds.
pub(super) fn problem(error: UploadError) -> Problem {
    let said = crate::http::sentence(&error.to_string());
    let of = |kind: Kind, code: &'static str| Problem::new(kind, said.clone()).coded(code);
    match error {
        UploadError::BadFilename | UploadError::BadContentType => of(Kind::Validation, "unsupported_value"),
        UploadError::TooLarge { .. } => of(Kind::TooLarge, "payload_too_large"),
        UploadError::TooMany { .. } => of(Kind::Validation, "too_many_uploads"),
        UploadError::WrongSignature => of(Kind::Forbidden, "invalid_signature"),
        UploadError::Expired => of(Kind::Forbidden, "upload_expired"),
        UploadError::NotFound => of(Kind::NotFound, "not_found"),
        UploadError::OtherContentType { .. } => of(Kind::UnsupportedMediaType, "content_type_mismatch"),
        UploadError::OtherSize { .. } => of(Kind::Validation, "size_mismatch"),
        UploadError::AlreadyStored => of(Kind::Conflict, "already_uploaded"),
        UploadError::Busy => Problem::unavailable("too many files come in at once"),
        UploadError::UnderWay => of(Kind::Conflict, "upload_under_way"),
        UploadError::BrokenOff => of(Kind::Timeout, "upload_broken_off"),
        UploadError::Asset(error) => Refusal::Asset(error).into(),
    }
}
