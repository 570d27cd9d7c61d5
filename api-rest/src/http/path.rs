//! What stands in a path.

use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};

/// The parameters of a path. One that is no text (bytes that are no UTF-8, U+0000), or not of the type that
/// the route wants, names nothing: 404, in the words of the route's dialect.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || Problem::new(Kind::NotFound, "There is nothing at this address.");
        if parts.uri.path().contains("%00") {
            return Err(nothing());
        }
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(found)) => Ok(Path(found)),
            Err(PathRejection::FailedToDeserializePathParams(_)) => Err(nothing()),
            // A route without the parameter that its handler wants.
            Err(rejection) => Err(Problem::internal(rejection)),
        }
    }
}
