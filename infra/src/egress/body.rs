//! Reading a body within its limits.

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::{EgressError, FetchLimits};

/// Reads the whole body into a writer. Answers how many bytes it was.
///
/// `deadline` is the end of the whole fetch; a body that trickles ends there however steadily
/// it trickles, and one that decompresses to nothing ends by the idle limit.
pub(super) async fn copy(
    response: reqwest::Response,
    limits: FetchLimits,
    deadline: Instant,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, EgressError> {
    let too_large = EgressError::TooLarge { bytes_max: limits.bytes_max };
    if response.content_length().is_some_and(|length| length > limits.bytes_max) {
        return Err(too_large);
    }
    let mut stream = response.bytes_stream();
    let mut size: u64 = 0;
    while let Some(chunk) = next_chunk(&mut stream, limits, deadline).await? {
        size += chunk.len() as u64;
        if size > limits.bytes_max {
            return Err(too_large);
        }
        to.write_all(&chunk).await.map_err(|error| EgressError::Store(error.to_string()))?;
    }
    to.flush().await.map_err(|error| EgressError::Store(error.to_string()))?;
    Ok(size)
}

/// The beginning of a body: as much as the limits allow and as came in time.
pub(super) async fn beginning(response: reqwest::Response, limits: FetchLimits, deadline: Instant) -> Bytes {
    let most = usize::try_from(limits.bytes_max).unwrap_or(usize::MAX);
    let mut stream = response.bytes_stream();
    let mut read = Vec::new();
    while read.len() < most {
        let Ok(Some(chunk)) = next_chunk(&mut stream, limits, deadline).await else { break };
        read.extend_from_slice(&chunk[..chunk.len().min(most - read.len())]);
    }
    read.into()
}

async fn next_chunk(
    stream: &mut (impl futures::Stream<Item = reqwest::Result<Bytes>> + Unpin),
    limits: FetchLimits,
    deadline: Instant,
) -> Result<Option<Bytes>, EgressError> {
    let next = timeout_at(deadline, timeout(limits.idle, stream.next())).await;
    match next {
        Ok(Ok(Some(Ok(chunk)))) => Ok(Some(chunk)),
        Ok(Ok(Some(Err(_)))) => Err(EgressError::BrokenOff),
        Ok(Ok(None)) => Ok(None),
        Ok(Err(_)) | Err(_) => Err(EgressError::TooSlow),
    }
}
