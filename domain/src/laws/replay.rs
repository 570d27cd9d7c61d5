//! Reading history again.

use std::collections::HashMap;
use std::fmt::Debug;

use crate::es::{Aggregate, Effects, Loaded, Place, Position, Recorded, StreamId, StreamRef, StreamSource};
use crate::ids::{CommitId, derived_id};
use crate::{Shard, Timestamp};

/// Every stream as it stands, and the rows that led there.
#[derive(Default)]
pub(super) struct Books {
    streams: HashMap<StreamId, Loaded>,
    named: HashMap<StreamId, StreamRef>,
    /// What the log holds, in order.
    pub rows: Vec<Recorded>,
}

impl StreamSource for Books {
    fn loaded(&self, stream: StreamId) -> Option<&Loaded> {
        self.streams.get(&stream)
    }
}

impl Books {
    /// Makes sure that the streams can be read.
    pub fn name(&mut self, streams: &[StreamRef]) {
        for named in streams {
            let empty = || Loaded { state: (named.empty)().into(), sequence: 0 };
            self.streams.entry(named.stream).or_insert_with(empty);
            self.named.insert(named.stream, *named);
        }
    }

    /// Writes what a decision wants, as the log would.
    pub fn append(&mut self, shard: Shard, at: Timestamp, effects: Effects) {
        crate::es::check_parts(shard, &effects.events, &effects.sealed).unwrap();
        let commit_id = CommitId(derived_id(shard, "commit", &[&self.rows.len().to_be_bytes()]));
        for event in effects.events {
            let place = Place { shard, position: Position(self.rows.len() as u64 + 1), commit_id, recorded_at: at };
            self.rows.push(Recorded {
                shard,
                position: place.position,
                commit_id,
                recorded_at: at,
                stream: event.stream,
                sequence: event.sequence,
                leaf: event.leaf(place),
                event_type: event.event_type,
                event_version: event.event_version,
                payload: event.payload,
                metadata: event.metadata,
            });
        }
        self.streams.extend(effects.changed);
    }

    /// A stream as it stands.
    pub fn loaded_of(&self, stream: StreamId) -> Loaded {
        self.streams[&stream].clone()
    }

    /// The state of an aggregate as it stands; as if it never was, if nobody named it.
    pub fn state<A: Aggregate>(&self, id: impl Into<uuid::Uuid>) -> A
    where
        A::Command: Clone + Debug,
    {
        let stream = StreamRef::of::<A>(id).stream;
        self.streams
            .get(&stream)
            .and_then(|loaded| loaded.state.as_any().downcast_ref::<A>())
            .cloned()
            .unwrap_or_default()
    }

    /// Folds all rows again, and brings every state through a snapshot and back.
    pub fn check_replay(&self) {
        let mut again: HashMap<StreamId, Loaded> = HashMap::new();
        for row in &self.rows {
            assert_eq!(row.leaf, row.computed_leaf());
            let folded = again.remove(&row.stream);
            let (mut state, sequence) = match folded {
                Some(loaded) => (loaded.state.cloned(), loaded.sequence),
                None => ((self.named[&row.stream].empty)(), 0),
            };
            assert_eq!(row.sequence, sequence + 1, "{:?}", row.stream);
            state.apply(row).unwrap();
            again.insert(row.stream, Loaded { state: state.into(), sequence: row.sequence });
        }
        for (stream, live) in self.streams.iter().filter(|(_, live)| live.sequence > 0) {
            let replayed = &again[stream];
            assert_eq!(replayed.sequence, live.sequence, "{stream:?}");
            assert!(replayed.state.same_as(&*live.state), "{stream:?} replayed is not what it is live");
            let mut restored = (self.named[stream].empty)();
            restored.restore(&live.state.to_json().unwrap()).unwrap();
            assert!(restored.same_as(&*live.state), "{stream:?} does not survive a snapshot");
        }
    }
}
