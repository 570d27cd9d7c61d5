//! The unit of work: what a decision sees and what it makes true.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use cqrs_es::DomainEvent;
use uuid::Uuid;

use super::aggregate::{Aggregate, AggregateType, Loaded, Metadata, StreamId};
use super::decision::Acting;
use super::log::{NewEvent, SealedText};
use crate::{Shard, Timestamp};

/// Where a unit finds the streams that its decision named, as they stand before it.
pub trait StreamSource {
    /// The stream's state; `None` if the decision did not name it.
    fn loaded(&self, stream: StreamId) -> Option<&Loaded>;
}

/// What a decision wants to become true.
#[derive(Debug, Default)]
pub struct Effects {
    /// The states that it changed, folded up to its own events.
    pub changed: HashMap<StreamId, Loaded>,
    /// Its events, in order.
    pub events: Vec<NewEvent>,
    /// Texts they refer to.
    pub sealed: Vec<SealedText>,
}

/// One decision's view of the streams it named: an overlay that is merged only if it succeeds.
pub struct Unit<'a> {
    shard: Shard,
    now: Timestamp,
    acting: &'a Acting,
    source: &'a dyn StreamSource,
    effects: Effects,
}

impl<'a> Unit<'a> {
    /// A unit over `source` at `now` = max(clock, last recorded time of the shard).
    #[must_use]
    pub fn new(shard: Shard, now: Timestamp, acting: &'a Acting, source: &'a dyn StreamSource) -> Self {
        Unit { shard, now, acting, source, effects: Effects::default() }
    }

    /// The moment of the decision. Never before an event that the shard already holds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The shard that everything here belongs to.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.shard
    }

    fn loaded(&self, stream: StreamId) -> &Loaded {
        match self.effects.changed.get(&stream).or_else(|| self.source.loaded(stream)) {
            Some(loaded) => loaded,
            // A defect of the use case, caught by the writer as any panic in a decision is.
            None => panic!("the decision did not name {stream:?}"),
        }
    }

    /// The state of a stream that the decision named.
    ///
    /// # Panics
    /// If the decision did not name the stream (a defect; the writer answers it with an error).
    #[must_use]
    pub fn state<A: Aggregate>(&self, id: impl Into<Uuid>) -> &A
    where
        A::Command: Clone + fmt::Debug,
    {
        let stream = stream_of::<A>(id.into());
        let Some(state) = self.loaded(stream).state.as_any().downcast_ref::<A>() else {
            panic!("{stream:?} was named as another kind of aggregate");
        };
        state
    }

    /// Whether a stream has any event yet.
    #[must_use]
    pub fn exists<A: Aggregate>(&self, id: impl Into<Uuid>) -> bool
    where
        A::Command: Clone + fmt::Debug,
    {
        self.loaded(stream_of::<A>(id.into())).sequence > 0
    }

    /// Carries out a command on a stream; later reads in this unit see what it did. Returns how many
    /// events it yielded (0: it was carried out before).
    pub fn execute<A: Aggregate>(&mut self, id: impl Into<Uuid>, command: A::Command) -> Result<usize, A::Error>
    where
        A::Command: Clone + fmt::Debug,
    {
        let id = id.into();
        let events = self.state::<A>(id).decide(command)?;
        let count = events.len();
        if count > 0 {
            self.record::<A>(stream_of::<A>(id), events);
        }
        Ok(count)
    }

    fn record<A: Aggregate>(&mut self, stream: StreamId, events: Vec<A::Event>)
    where
        A::Command: Clone + fmt::Debug,
    {
        debug_assert_eq!(stream.shard(), self.shard, "a decision touches one shard only");
        // A state that this unit changed before is its own and is changed in place; one that it only
        // read is copied first.
        let mut changed = match self.effects.changed.remove(&stream) {
            Some(own) => own,
            None => self.loaded(stream).clone(),
        };
        if Arc::get_mut(&mut changed.state).is_none() {
            changed.state = Arc::from(changed.state.cloned());
        }
        let metadata = self.acting.metadata();
        let state = Arc::get_mut(&mut changed.state).and_then(|state| state.as_any_mut().downcast_mut::<A>());
        let Some(state) = state else {
            panic!("{stream:?} was named as another kind of aggregate");
        };
        for event in events {
            changed.sequence += 1;
            self.effects.events.push(NewEvent {
                stream,
                sequence: changed.sequence,
                event_type: event.event_type(),
                event_version: event.event_version(),
                payload: to_json(&event),
                metadata: metadata.clone(),
            });
            cqrs_es::Aggregate::apply(state, event);
        }
        self.effects.changed.insert(stream, changed);
    }

    /// Keeps a sealed text with this unit's events.
    pub fn seal(&mut self, text: SealedText) {
        self.effects.sealed.push(text);
    }

    /// What the decision wants.
    #[must_use]
    pub fn into_effects(self) -> Effects {
        self.effects
    }
}

fn stream_of<A: Aggregate>(id: Uuid) -> StreamId
where
    A::Command: Clone + fmt::Debug,
{
    StreamId { aggregate: AggregateType::named(A::TYPE), id }
}

/// Events are plain data with string keys; writing them cannot fail.
fn to_json<E: DomainEvent>(event: &E) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| panic!("an event that cannot be written: {error}"))
}

impl Acting {
    fn metadata(&self) -> String {
        let metadata = Metadata {
            correlation_id: &self.correlation_id,
            causation_id: &self.causation_id,
            actor: &self.actor,
            traceparent: &self.traceparent,
        };
        serde_json::to_string(&metadata).unwrap_or_default()
    }
}
