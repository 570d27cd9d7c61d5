//! What a form sends, and what stands in a page's address.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use url::form_urlencoded;

use super::fault::Fault;
use crate::http::{Kind, Problem, QueryParams, read};

/// How many bytes a form has at most.
const FORM_BYTES_MAX: usize = 16 << 10;

/// The fields of a form, in order; a name may come several times.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// A field's value; empty where it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// All values of that name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        let said = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::new(Kind::UnsupportedMediaType, "This page takes what its own form sends.").into());
        }
        let bytes = read(&parts.headers, body, FORM_BYTES_MAX).await?;
        let fields: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
        if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Problem::invalid("A field must not hold U+0000.").into());
        }
        Ok(Form(fields))
    }
}

/// What stands in a page's address.
pub(super) struct Asked(QueryParams);

impl Asked {
    /// A parameter's value; empty where it is not there. Errors: it is said more than once.
    pub fn get(&self, name: &str) -> Result<&str, Fault> {
        Ok(self.0.text(name)?.unwrap_or_default())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        Ok(Asked(QueryParams::parse(parts.uri.query().unwrap_or_default())?))
    }
}
