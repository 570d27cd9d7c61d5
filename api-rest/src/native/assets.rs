//! Files over HTTP: stable addresses of public creations, signed ones of private ones.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use mintmark_domain::creation::{Creation, CreationStatus, Output, Privacy};
use mintmark_domain::ports::{AssetError, OwnSignature};
use mintmark_domain::usecases::Refusal;

use super::ranges::{Asked, asked};
use crate::http::{Kind, Path, Problem};
use crate::{AppState, AssetMeta};

/// A public file may become private or deleted at any time: caches ask again after a minute.
const PUBLIC_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=60, must-revalidate");
/// A signed address is its holder's.
const PRIVATE_CACHE: HeaderValue = HeaderValue::from_static("private, max-age=300");

/// What a request for a file says.
type Asking = (Method, Uri, HeaderMap);

/// What is somebody's and has a stable address: the picture of their profile, which everybody may see, or a
/// creation of theirs.
pub(super) async fn of_user(
    state: State<AppState>,
    Path((user, kind, file)): Path<(String, String, String)>,
    asking: Asking,
) -> Result<Response, Problem> {
    match kind.as_str() {
        "avatar" => of_profile(state, &user, &file, asking).await,
        _ => of_creation(state, &user, &file, asking).await,
    }
}

/// The picture of somebody's profile, as long as it is that. The log says whether it is: an address that
/// was just answered can be opened, and a picture that was just taken down cannot.
async fn of_profile(
    State(state): State<AppState>,
    user: &str,
    file: &str,
    asking: Asking,
) -> Result<Response, Problem> {
    let key = format!("users/{user}/avatar/{file}");
    let user_id = user.parse().map_err(|_| not_found())?;
    let account = state.reads.account_by_user_id(user_id).await?.ok_or_else(not_found)?;
    let profile = state.core.account_view(account.id).await?.profile;
    if profile.avatar.as_ref() != Some(&key) {
        return Err(not_found());
    }
    serve(&state, &key, false, &asking).await
}

/// A creation by its owner and number: `/users/{user}/{kind}/{name}-{number}.{ext}`. The file may lie
/// under another key than its address says (a sample that was delivered by reference).
async fn of_creation(
    State(state): State<AppState>,
    user: &str,
    file: &str,
    asking: Asking,
) -> Result<Response, Problem> {
    let signed = signature(&state, &asking.1)?;
    let number = file
        .rsplit_once('.')
        .and_then(|(stem, _)| stem.rsplit_once('-'))
        .and_then(|(_, number)| number.parse().ok())
        .ok_or_else(not_found)?;
    let creation = state.core.creation_state(number).await?.ok_or_else(not_found)?;
    if creation.opened().is_none_or(|opened| opened.user_id.to_string() != user) {
        return Err(not_found());
    }
    let key = readable(&creation, signed)?;
    if extension(&key) != extension(file) {
        return Err(not_found());
    }
    serve(&state, &key, signed, &asking).await
}

/// A ready sample, which everybody may see: what the sandbox delivers by reference.
pub(super) async fn of_samples(
    State(state): State<AppState>,
    Path(file): Path<String>,
    asking: Asking,
) -> Result<Response, Problem> {
    serve(&state, &format!("samples/{file}"), false, &asking).await
}

/// A file that was uploaded, for whoever has its signed address. Pictures, sounds and videos are shown;
/// everything else is downloaded, and nothing of it is ever run as a page of ours.
pub(super) async fn of_uploads(
    State(state): State<AppState>,
    Path(file): Path<String>,
    asking: Asking,
) -> Result<Response, Problem> {
    if !signature(&state, &asking.1)? {
        return Err(not_found());
    }
    let key = format!("uploads/{file}");
    let stored = state.uploads.stored(&key).await.map_err(|error| Problem::unavailable(&error))?;
    let stored = stored.ok_or_else(not_found)?;
    let mut response = serve(&state, &key, true, &asking).await?;
    let shown = ["image/", "audio/", "video/"].iter().any(|kind| stored.content_type.starts_with(kind));
    let inline = shown && stored.content_type != "image/svg+xml";
    let disposition = format!("{}; filename=\"{file}\"", if inline { "inline" } else { "attachment" });
    put(response.headers_mut(), header::CONTENT_DISPOSITION, &disposition);
    if response.status().is_success() {
        put(response.headers_mut(), header::CONTENT_TYPE, &stored.content_type);
    }
    Ok(response)
}

/// A file that is no creation: a character's picture, a voice's recording, the sound of a transcript.
/// Only for whoever has its signed address.
async fn only_signed(state: &AppState, key: &str, asking: &Asking) -> Result<Response, Problem> {
    if !signature(state, &asking.1)? {
        return Err(not_found());
    }
    serve(state, key, true, asking).await
}

/// A picture of an influencer, or a recording of a voice.
pub(super) async fn of_characters(
    State(state): State<AppState>,
    Path((account, file)): Path<(String, String)>,
    asking: Asking,
) -> Result<Response, Problem> {
    only_signed(&state, &format!("characters/{account}/{file}"), &asking).await
}

/// The sound that was taken out of a video to be written down.
pub(super) async fn of_transcripts(
    State(state): State<AppState>,
    Path((run, file)): Path<(String, String)>,
    asking: Asking,
) -> Result<Response, Problem> {
    only_signed(&state, &format!("transcripts/{run}/{file}"), &asking).await
}

fn not_found() -> Problem {
    Problem::not_found("File")
}

fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// Whether the address is signed. Errors: a signature that is over, or never was one.
fn signature(state: &AppState, uri: &Uri) -> Result<bool, Problem> {
    let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
    let own = state.core.links.own(&state.core.links.page(path), state.core.now()).ok_or_else(not_found)?;
    let refused = |message| Err(Problem::new(Kind::Forbidden, message));
    match own.signature {
        OwnSignature::Absent => Ok(false),
        OwnSignature::Valid => Ok(true),
        OwnSignature::Expired => refused("This address has expired. Read the resource again for a fresh one."),
        OwnSignature::Wrong => refused("The signature of this address is wrong."),
    }
}

/// Where a creation's file lies, if whoever asks may read it: what is deleted or hidden nobody may,
/// what is private only who has a signed address.
fn readable(creation: &Creation, signed: bool) -> Result<String, Problem> {
    let public = creation.opened().is_some_and(|opened| opened.privacy == Privacy::Public);
    let gone = creation.is_deleted() || creation.is_hidden() || creation.status() != CreationStatus::Completed;
    match creation.output() {
        Some(Output::Asset { key, .. }) if !gone && (public || signed) => Ok(key.clone()),
        Some(Output::Asset { .. } | Output::Text { .. }) | None => Err(not_found()),
    }
}

fn storage(error: AssetError) -> Problem {
    match error {
        AssetError::NotFound | AssetError::BadKey => not_found(),
        AssetError::Unavailable(_) => Refusal::Asset(error).into(),
    }
}

async fn serve(
    state: &AppState,
    key: &str,
    signed: bool,
    (method, _, headers_asked): &Asking,
) -> Result<Response, Problem> {
    let meta = state.assets.meta(key).await.map_err(storage)?;
    let mut headers = describe(&meta, signed);
    let (status, range) = match asked(headers_asked, &meta) {
        Asked::NotModified => return Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        Asked::Whole => (StatusCode::OK, None),
        Asked::Part(range) => {
            let value = format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size_bytes);
            put(&mut headers, header::CONTENT_RANGE, &value);
            (StatusCode::PARTIAL_CONTENT, Some(range))
        }
        Asked::Outside => {
            let message = format!("No byte of the {} that there are lies in the range.", meta.size_bytes);
            let range = [(header::CONTENT_RANGE, format!("bytes */{}", meta.size_bytes))];
            return Ok((range, Problem::new(Kind::RangeNotSatisfiable, message)).into_response());
        }
    };
    let length = range.as_ref().map_or(meta.size_bytes, |range| range.end - range.start);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if *method == Method::HEAD {
        return Ok((status, headers).into_response());
    }
    let stream = state.assets.read(key, range).await.map_err(storage)?;
    Ok((status, headers, Body::from_stream(stream)).into_response())
}

fn describe(meta: &AssetMeta, signed: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, header::CONTENT_TYPE, &meta.content_type);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, if signed { PRIVATE_CACHE } else { PUBLIC_CACHE });
    // What a model made is never run as a page of ours.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    );
    let cross_origin = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(cross_origin, HeaderValue::from_static("cross-origin"));
    if let Some(etag) = &meta.etag {
        put(&mut headers, header::ETAG, &format!("\"{etag}\""));
    }
    put(&mut headers, header::LAST_MODIFIED, &super::ranges::http_date(meta.modified_at));
    headers
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
