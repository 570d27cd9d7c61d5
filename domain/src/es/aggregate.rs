//! What an aggregate is to the log: a named fold that can be decided on.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use cqrs_es::DomainEvent;
use cqrs_es::persist::SerializedEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::log::Recorded;
use super::upcast::{is_old, upcast, upcasters};
use crate::Shard;

/// The frozen name of a kind of stream (`credit_wallet`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregateType(&'static str);

impl AggregateType {
    /// The stream that opens a shard.
    pub const LOG: AggregateType = AggregateType("log");

    /// A kind known to the code.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        AggregateType(name)
    }

    /// A kind as read from the log. Unknown names are kept for the life of the process; there are as
    /// many as kinds of aggregate that newer releases know, so this stays small.
    #[must_use]
    pub fn interned(name: &str) -> Self {
        static NAMES: OnceLock<Mutex<Vec<&'static str>>> = OnceLock::new();
        let mut names = NAMES.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = names.iter().find(|known| **known == name) {
            return AggregateType(known);
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.push(kept);
        AggregateType(kept)
    }

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One stream of events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// What kind it is.
    pub aggregate: AggregateType,
    /// Which one; carries its shard.
    pub id: Uuid,
}

impl StreamId {
    /// The shard that holds it.
    #[must_use]
    pub fn shard(self) -> Shard {
        Shard::of(self.id)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.aggregate.0, self.id)
    }
}

/// An aggregate: state folded from events, and a pure decision on it.
///
/// `cqrs_es::Aggregate` is implemented beside it (its `handle` only writes what `decide` returned),
/// so the stock test framework and the stock repository work on it.
pub trait Aggregate: cqrs_es::Aggregate<Services = ()> + Clone + fmt::Debug + PartialEq + 'static
where
    Self::Command: Clone + fmt::Debug,
{
    /// A text that changes whenever the serialized state does, so that older snapshots are ignored.
    const STATE_SCHEMA: &'static str;

    /// The events that follow from a command, or why it is refused. Pure: time, ids and prices
    /// arrive in the command. A command that was carried out before yields no events.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// About how many bytes the state takes, for the cache's bound.
    fn weight(&self) -> usize;
}

/// Why a recorded event cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event_type} {event_version} of {stream:?} cannot be read: {why}")]
pub struct DecodeError {
    /// The stream that is unreadable until a release that knows the event.
    pub stream: StreamId,
    /// The event's type.
    pub event_type: String,
    /// The event's version.
    pub event_version: String,
    /// What the decoder said.
    pub why: String,
}

/// Decodes a recorded event, through the upcasters where it was written by an older release. A type or
/// version that this release does not write is an error, never a guess: a newer release may mean
/// something else by it.
pub fn decode_event<E: DomainEvent>(recorded: &Recorded) -> Result<E, DecodeError> {
    let failed = |why: String| DecodeError {
        stream: recorded.stream,
        event_type: recorded.event_type.clone(),
        event_version: recorded.event_version.clone(),
        why,
    };
    let casts = upcasters();
    if !is_old(casts, &recorded.event_type, &recorded.event_version) {
        let event: E = serde_json::from_str(&recorded.payload).map_err(|error| failed(error.to_string()))?;
        return check_kind(event, &recorded.event_type, &recorded.event_version).map_err(failed);
    }
    let event = SerializedEvent {
        aggregate_id: recorded.stream.id.to_string(),
        sequence: usize::try_from(recorded.sequence).unwrap_or(usize::MAX),
        aggregate_type: recorded.stream.aggregate.as_str().to_owned(),
        event_type: recorded.event_type.clone(),
        event_version: recorded.event_version.clone(),
        payload: serde_json::from_str(&recorded.payload).map_err(|error| failed(error.to_string()))?,
        metadata: serde_json::Value::Null,
    };
    let cast = upcast(casts, event);
    let event: E = serde_json::from_value(cast.payload).map_err(|error| failed(error.to_string()))?;
    check_kind(event, &cast.event_type, &cast.event_version).map_err(failed)
}

/// Refuses an event that is not of the type and version that its row says.
fn check_kind<E: DomainEvent>(event: E, event_type: &str, version: &str) -> Result<E, String> {
    let (known_type, known_version) = (event.event_type(), event.event_version());
    if known_type != event_type {
        Err(format!("the payload is that of {known_type}"))
    } else if known_version != version {
        Err(format!("this release reads version {known_version}"))
    } else {
        Ok(event)
    }
}

/// An aggregate's state with its type erased, as caches and snapshots hold it.
pub trait ErasedState: Send + Sync + 'static {
    /// Folds a recorded event in.
    fn apply(&mut self, recorded: &Recorded) -> Result<(), DecodeError>;
    /// A copy.
    fn cloned(&self) -> Box<dyn ErasedState>;
    /// About how many bytes it takes.
    fn weight(&self) -> usize;
    /// The state as JSON, for a snapshot.
    fn to_json(&self) -> Result<String, serde_json::Error>;
    /// Puts a snapshot's state in place of this one.
    fn restore(&mut self, json: &str) -> Result<(), serde_json::Error>;
    /// The text by which snapshots of another shape are told apart.
    fn schema(&self) -> &'static str;
    /// Whether two states are the same.
    fn same_as(&self, other: &dyn ErasedState) -> bool;
    /// The state itself.
    fn as_any(&self) -> &dyn Any;
    /// The state itself, to be changed.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

#[derive(Default)]
struct Typed<A>(A);

impl<A: Aggregate> ErasedState for Typed<A>
where
    A::Command: Clone + fmt::Debug,
{
    fn apply(&mut self, recorded: &Recorded) -> Result<(), DecodeError> {
        cqrs_es::Aggregate::apply(&mut self.0, decode_event::<A::Event>(recorded)?);
        Ok(())
    }

    fn cloned(&self) -> Box<dyn ErasedState> {
        Box::new(Typed(self.0.clone()))
    }

    fn weight(&self) -> usize {
        self.0.weight()
    }

    fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.0)
    }

    fn restore(&mut self, json: &str) -> Result<(), serde_json::Error> {
        self.0 = serde_json::from_str(json)?;
        Ok(())
    }

    fn schema(&self) -> &'static str {
        A::STATE_SCHEMA
    }

    fn same_as(&self, other: &dyn ErasedState) -> bool {
        other.as_any().downcast_ref::<A>().is_some_and(|other| *other == self.0)
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        &mut self.0
    }
}

/// A stream that a decision names, and how to fold it.
#[derive(Clone, Copy)]
pub struct StreamRef {
    /// Which stream.
    pub stream: StreamId,
    /// Makes the state before the first event.
    pub empty: fn() -> Box<dyn ErasedState>,
}

impl StreamRef {
    /// The stream of aggregate `A` with that id.
    #[must_use]
    pub fn of<A: Aggregate>(id: impl Into<Uuid>) -> Self
    where
        A::Command: Clone + fmt::Debug,
    {
        StreamRef {
            stream: StreamId { aggregate: AggregateType::named(A::TYPE), id: id.into() },
            empty: || Box::new(Typed(A::default())),
        }
    }
}

impl fmt::Debug for StreamRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}

/// A stream's state and the sequence up to which it is folded (0: no events yet).
#[derive(Clone)]
pub struct Loaded {
    /// The state.
    pub state: Arc<dyn ErasedState>,
    /// The last sequence folded in.
    pub sequence: u64,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loaded@{}", self.sequence)
    }
}

/// The metadata of an event, for those who read it back. All values are strings, as the stock
/// readers of cqrs-es want.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metadata<'a> {
    /// What all that one request caused has in common.
    pub correlation_id: &'a str,
    /// What caused this: a request's or an event's id.
    pub causation_id: &'a str,
    /// Who acted: an account's id, or the name of a part of the system.
    pub actor: &'a str,
    /// W3C trace context, where there is one.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub traceparent: &'a str,
}
