//! Deciding: runs decisions one after another and gathers what they want. Pure but for the jobs'
//! own results; nothing here is true until the log says so.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mintmark_domain::es::{
    DecideError, Effects, Job, Loaded, NewEvent, SealedText, StreamId, StreamRef, StreamSource, Unit, Verdict,
    check_parts,
};
use mintmark_domain::{Shard, Timestamp};

use super::cache::{Cache, Known};
use super::config::WriterConfig;
use super::mailbox::{Entry, Work};

/// What a batch of decisions came to.
#[derive(Default)]
pub(super) struct Plan {
    /// What is to be appended, in order.
    pub(super) events: Vec<NewEvent>,
    /// The texts that go with the events.
    pub(super) sealed: Vec<SealedText>,
    /// The states after the events.
    pub(super) overlay: HashMap<StreamId, Loaded>,
    /// For each of the first entries, what it will be answered once the log bears it out. Entries
    /// beyond were not decided: the batch is full without them.
    pub(super) outcomes: Vec<Result<Vec<Loaded>, DecideError>>,
    bytes: usize,
}

/// The states that one decision may see.
struct View<'a> {
    cache: &'a Cache,
    overlay: &'a HashMap<StreamId, Loaded>,
    named: &'a [StreamRef],
}

impl StreamSource for View<'_> {
    fn loaded(&self, stream: StreamId) -> Option<&Loaded> {
        if !self.named.iter().any(|named| named.stream == stream) {
            return None;
        }
        self.overlay.get(&stream).or_else(|| self.cache.ready(stream).map(|cached| &cached.loaded))
    }
}

/// Where and when decisions are made.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) shard: Shard,
    pub(super) now: Timestamp,
    pub(super) config: &'a WriterConfig,
    pub(super) cache: &'a Cache,
    /// Set where the log's time is too far ahead of the clock to write.
    pub(super) no_writing: Option<&'a str>,
}

/// Decides the entries in order until the batch is full. Every stream that they name is in the cache.
pub(super) fn plan(setting: Setting<'_>, entries: &mut [(u64, Entry)]) -> Plan {
    let mut plan = Plan::default();
    for (_, entry) in entries {
        match plan.decide(setting, entry) {
            Ok(outcome) => plan.outcomes.push(outcome),
            Err(Full) => break,
        }
    }
    plan
}

/// The batch has no room for the decision's events; it comes first in the next one.
struct Full;

impl Plan {
    fn decide(&mut self, setting: Setting<'_>, entry: &mut Entry) -> Result<Result<Vec<Loaded>, DecideError>, Full> {
        if let Some(error) = unreadable(setting.cache, &entry.request.streams) {
            return Ok(Err(error));
        }
        let view = View { cache: setting.cache, overlay: &self.overlay, named: &entry.request.streams };
        let job = match &mut entry.work {
            Work::Read => return Ok(Ok(read(&view))),
            Work::Decide(job) => job,
        };
        if let Some(why) = setting.no_writing {
            return Ok(Err(DecideError::Unavailable(why.to_owned())));
        }
        let unit = Unit::new(setting.shard, setting.now, &entry.request.acting, &view);
        let effects = match run(job, unit) {
            Ok((Verdict::Accept, effects)) => effects,
            Ok((Verdict::Reject, _)) => return Ok(Ok(Vec::new())),
            Err(panic) => return Ok(Err(DecideError::Defect(panic))),
        };
        if let Err(why) = check_parts(setting.shard, &effects.events, &effects.sealed) {
            return Ok(Err(DecideError::Defect(why)));
        }
        self.merge(setting.config, effects)?;
        Ok(Ok(Vec::new()))
    }

    fn merge(&mut self, config: &WriterConfig, effects: Effects) -> Result<(), Full> {
        let bytes: usize = effects
            .events
            .iter()
            .map(|event| event.payload.len() + event.metadata.len())
            .chain(effects.sealed.iter().map(|text| text.ciphertext.len()))
            .sum();
        let over = self.events.len() + effects.events.len() > config.batch_events_max
            || self.bytes + bytes > config.batch_bytes_max;
        if over && !self.events.is_empty() {
            return Err(Full);
        }
        self.bytes += bytes;
        self.events.extend(effects.events);
        self.sealed.extend(effects.sealed);
        self.overlay.extend(effects.changed);
        Ok(())
    }
}

fn unreadable(cache: &Cache, streams: &[StreamRef]) -> Option<DecideError> {
    streams.iter().find_map(|named| match cache.get(named.stream) {
        Some(Known::Unreadable(error)) => Some(DecideError::Unreadable(error.clone())),
        Some(Known::Ready(_)) | None => None,
    })
}

fn read(view: &View<'_>) -> Vec<Loaded> {
    view.named.iter().filter_map(|named| view.loaded(named.stream)).cloned().collect()
}

/// Runs one decision; what it panics with becomes text.
fn run(job: &mut Job, mut unit: Unit<'_>) -> Result<(Verdict, Effects), String> {
    catch_unwind(AssertUnwindSafe(move || {
        let verdict = job(&mut unit);
        (verdict, unit.into_effects())
    }))
    .map_err(|panic| panic_text(panic.as_ref()))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.map_or_else(|| "panicked".to_owned(), |text| format!("panicked: {text}"))
}
