//! The body of a batch: much larger than any other, so only a few are in memory at once.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use http::header;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{JSON_BYTES_MAX, JsonBody, Problem};

/// How many bytes a batch has at most: 64 MB (decision 32).
pub(super) const BATCH_BYTES_MAX: usize = 64 << 20;
/// How many bodies of more than a usual body's size are read and accepted at once: each takes several
/// times its size in memory.
const LARGE_AT_ONCE: usize = 2;
/// How long one waits for its turn before it is refused with 503.
const TURN_WITHIN: Duration = Duration::from_secs(20);

static LARGE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(LARGE_AT_ONCE)));

/// A batch's body, and its place among those in memory.
pub(in crate::genfire) struct BatchBody {
    /// What was sent.
    pub body: JsonBody<Map<String, Value>, BATCH_BYTES_MAX>,
    /// Kept until the batch is accepted.
    pub turn: Option<OwnedSemaphorePermit>,
}

impl<S: Send + Sync> FromRequest<S> for BatchBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let said = request.headers().get(header::CONTENT_LENGTH);
        let size = said.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let turn = match size {
            Some(size) if size <= JSON_BYTES_MAX => None,
            Some(_) | None => Some(turn().await?),
        };
        Ok(BatchBody { body: JsonBody::from_request(request, state).await?, turn })
    }
}

async fn turn() -> Result<OwnedSemaphorePermit, Problem> {
    match tokio::time::timeout(TURN_WITHIN, Arc::clone(&LARGE).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(Problem::unavailable("too many large batches arrive at once")),
    }
}
