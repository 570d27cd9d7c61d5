//! GraphiQL, from files that are built in: the page needs no network but this server.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What the page may do: load scripts and styles of ours, and talk to us. CodeMirror and GraphiQL set
/// styles of elements, and the style sheet holds its fonts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
/// How long a browser keeps a file whose address holds the hash of its contents: a year.
const FOREVER: &str = "public, max-age=31536000, immutable";

struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal, $content_type:literal) => {
        File { name: $name, content_type: $content_type, bytes: include_bytes!(concat!("../assets/graphiql/", $name)) }
    };
}

const FILES: [File; 6] = [
    file!("graphiql.min.js", "text/javascript; charset=utf-8"),
    file!("graphiql.min.css", "text/css; charset=utf-8"),
    file!("react.production.min.js", "text/javascript; charset=utf-8"),
    file!("react-dom.production.min.js", "text/javascript; charset=utf-8"),
    file!("start.js", "text/javascript; charset=utf-8"),
    file!("start.css", "text/css; charset=utf-8"),
];

/// Changes when any of the files does.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for file in &FILES {
        (file.name, file.bytes).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
});

/// The page.
static PAGE: LazyLock<String> = LazyLock::new(|| include_str!("../assets/graphiql/page.html").replace("TAG", &TAG));

/// `GET /graphiql`, and `GET /graphql` for a browser.
pub(crate) async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        // The same address answers programs in another way.
        (header::VARY, "accept"),
    ];
    (headers, PAGE.as_str()).into_response()
}

/// `GET /graphiql/{tag}/{file}`. A page of another version of this server may still ask with its own
/// tag: it is given what there is, and told to keep nothing.
pub(crate) async fn file(named: Result<Path<(String, String)>, PathRejection>) -> Response {
    let Ok(Path((tag, name))) = named else { return StatusCode::NOT_FOUND.into_response() };
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    let keep = if tag == *TAG { FOREVER } else { "no-store" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}
