//! Loads cold streams, beside the turns.
//!
//! Streams asked for together are read together, up to a page each; one that is longer goes on by
//! itself, from its snapshot where there is one, so that it delays only the decisions that need it.

use std::collections::HashMap;
use std::sync::Arc;

use mintmark_domain::es::{DecodeError, EventLog, Loaded, ReadError, Recorded, StreamId, StreamRef};
use tokio::sync::{Semaphore, mpsc};

use super::cache::{Cached, Known, fold_into};
use crate::snapshots::{Snapshot, SnapshotStore, schema_hash};

/// How many events of one long stream are read at a time.
const LONG_PAGE_EVENTS: usize = 2_000;

/// What became of a load.
pub(super) struct LoadedStream {
    pub(super) stream: StreamId,
    /// Which history it was read from; see the shard's `generation`.
    pub(super) generation: u64,
    pub(super) result: Result<Known, ReadError>,
}

/// What a load tells the shard's task.
pub(super) enum LoadReport {
    /// A stream was read, or could not be.
    Stream(LoadedStream),
    /// The common read is over; long streams may still be under way, each by itself.
    Finished,
}

/// Everything that a load needs.
#[derive(Clone)]
pub(super) struct Loader {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) snapshots: Arc<dyn SnapshotStore>,
    pub(super) page_events: usize,
    /// Lets so many long streams be read at once.
    pub(super) long: Arc<Semaphore>,
    pub(super) generation: u64,
    pub(super) done: mpsc::UnboundedSender<LoadReport>,
}

impl Loader {
    /// Loads streams and reports each.
    pub(super) async fn load(self, wanted: Vec<StreamRef>) {
        self.load_together(wanted).await;
        drop(self.done.send(LoadReport::Finished));
    }

    async fn load_together(&self, wanted: Vec<StreamRef>) {
        let asked: Vec<(StreamId, u64)> = wanted.iter().map(|wanted| (wanted.stream, 0)).collect();
        let rows = match self.log.read_streams_page(&asked, self.page_events).await {
            Ok(rows) => rows,
            Err(error) => {
                for stream in wanted {
                    self.report(stream.stream, Err(error.clone()));
                }
                return;
            }
        };
        let mut by_stream: HashMap<StreamId, Vec<Recorded>> = HashMap::with_capacity(wanted.len());
        for row in rows {
            by_stream.entry(row.stream).or_default().push(row);
        }
        let mut long = Vec::new();
        for stream in wanted {
            let rows = by_stream.remove(&stream.stream).unwrap_or_default();
            if rows.len() < self.page_events {
                let mut known = Known::Ready(empty(stream));
                fold_all(&mut known, &rows);
                self.report(stream.stream, Ok(known));
            } else {
                long.push((stream, rows));
            }
        }
        for (stream, rows) in long {
            let loader = self.clone();
            tokio::spawn(async move {
                // Never closed; and what was read so far is little.
                let _turn = loader.long.acquire().await;
                let result = loader.load_long(stream, rows).await;
                loader.report(stream.stream, result);
            });
        }
    }

    fn report(&self, stream: StreamId, result: Result<Known, ReadError>) {
        // The shard's task may have ended.
        drop(self.done.send(LoadReport::Stream(LoadedStream { stream, generation: self.generation, result })));
    }

    async fn load_long(&self, stream: StreamRef, first_page: Vec<Recorded>) -> Result<Known, ReadError> {
        let mut known = match self.snapshot_of(stream, first_page.len() as u64).await {
            Some(cached) => Known::Ready(cached),
            None => {
                let mut known = Known::Ready(empty(stream));
                fold_all(&mut known, &first_page);
                known
            }
        };
        drop(first_page);
        while let Known::Ready(cached) = &known {
            let after = cached.loaded.sequence;
            let rows = self.log.read_streams_page(&[(stream.stream, after)], LONG_PAGE_EVENTS).await?;
            let last = rows.len() < LONG_PAGE_EVENTS;
            fold_all(&mut known, &rows);
            if last {
                break;
            }
        }
        Ok(known)
    }

    /// The state from the stream's snapshot, if there is a usable one beyond `at_least` events. Any
    /// doubt means replaying the stream: a snapshot is worth only speed.
    async fn snapshot_of(&self, stream: StreamRef, at_least: u64) -> Option<Cached> {
        let mut state = (stream.empty)();
        let found = self.snapshots.load(stream.stream, schema_hash(state.schema())).await;
        let Snapshot { sequence, commit_id, state: json, .. } = match found {
            Ok(found) => found?,
            Err(error) => {
                tracing::warn!(stream = ?stream.stream, %error, "a snapshot could not be read");
                return None;
            }
        };
        if sequence < at_least {
            return None;
        }
        if let Err(error) = state.restore(&json) {
            tracing::warn!(stream = ?stream.stream, %error, "a snapshot does not restore");
            return None;
        }
        let loaded = Loaded { state: Arc::from(state), sequence };
        Some(Cached { loaded, commit: Some(commit_id), snapshot_at: sequence })
    }
}

fn empty(stream: StreamRef) -> Cached {
    let loaded = Loaded { state: Arc::from((stream.empty)()), sequence: 0 };
    Cached { loaded, commit: None, snapshot_at: 0 }
}

/// Folds events in, those that are in already left out.
pub(super) fn fold_all(known: &mut Known, rows: &[Recorded]) {
    for row in rows {
        let Known::Ready(cached) = known else { return };
        if row.sequence <= cached.loaded.sequence {
            continue;
        }
        let folded = if row.sequence == cached.loaded.sequence + 1 {
            fold_into(cached, row)
        } else {
            Err(gap(cached.loaded.sequence, row))
        };
        if let Err(error) = folded {
            *known = Known::Unreadable(error);
        }
    }
}

fn gap(before: u64, row: &Recorded) -> DecodeError {
    DecodeError {
        stream: row.stream,
        event_type: row.event_type.clone(),
        event_version: row.event_version.clone(),
        why: format!("the stream goes from {before} to {}", row.sequence),
    }
}
