//! Following one stream: what it holds after a sequence, then what is added, each once.

use std::time::Duration;

use futures::Stream;
use mintmark_domain::es::{ReadError, Recorded, StreamId};

use crate::state::GraphqlState;

/// How long after a silent append of another process a subscription hears of it at the latest.
const POLL_EVERY: Duration = Duration::from_millis(250);
/// What is appended in quick succession is read together.
const GATHER_FOR: Duration = Duration::from_millis(20);
/// How many events are read at once.
const PAGE: usize = 200;

/// The events of a stream after `sequence`, in order, without a gap and each once; then live ones as
/// they are appended. Backfill and live come by the same read, so there is no seam between them.
pub(crate) fn follow(
    state: GraphqlState,
    stream: StreamId,
    mut sequence: u64,
) -> impl Stream<Item = Result<Recorded, ReadError>> {
    async_stream::stream! {
        let mut end = state.ends.get(&stream.shard()).cloned();
        loop {
            // Marked as seen before the read: an append during it wakes the wait below.
            if let Some(end) = &mut end {
                end.borrow_and_update();
            }
            match state.log.read_streams_page(&[(stream, sequence)], PAGE).await {
                Ok(events) => {
                    let more = events.len() == PAGE;
                    for event in events {
                        sequence = event.sequence;
                        yield Ok(event);
                    }
                    if more {
                        continue;
                    }
                }
                Err(error @ ReadError::Corrupt(_)) => {
                    yield Err(error);
                    return;
                }
                // Tried again at the next wake-up; the cursor has not moved.
                Err(ReadError::Unavailable(_)) => {}
            }
            match &mut end {
                Some(end) => drop(tokio::time::timeout(POLL_EVERY, end.changed()).await),
                None => tokio::time::sleep(POLL_EVERY).await,
            }
            tokio::time::sleep(GATHER_FOR).await;
        }
    }
}
