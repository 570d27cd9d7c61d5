//! One turn: decide a batch, append it in one statement, answer what the log bore out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::SubsecRound;
use mintmark_domain::es::{
    AppendError, Commit, DecideError, End, EventLog, LockedShard, Position, ReadError, Recorded,
};
use mintmark_domain::{Shard, Timestamp};
use tokio::time::Instant;

use super::mailbox::{Answer, Entry};
use super::plan::{Plan, Setting, plan};
use super::shard::{Batch, Parts, ShardTask};

/// How many missed events are read at a time.
const CATCH_UP_PAGE_EVENTS: usize = 2_000;
/// The first pause before a commit is sent again; doubled each time.
const RESEND_PAUSE_FIRST: Duration = Duration::from_millis(10);
/// The longest such pause.
const RESEND_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Reads the shard, held or not.
enum Reader<'a> {
    Free(&'a dyn EventLog),
    Held(&'a mut dyn LockedShard),
}

impl Reader<'_> {
    async fn end(&mut self, shard: Shard) -> Result<End, ReadError> {
        match self {
            Reader::Free(log) => log.end(shard).await,
            Reader::Held(held) => held.end().await,
        }
    }

    async fn at(&mut self, shard: Shard, position: Position) -> Result<Option<Recorded>, ReadError> {
        match self {
            Reader::Free(log) => log.at(shard, position).await,
            Reader::Held(held) => held.at(position).await,
        }
    }

    async fn read(&mut self, shard: Shard, after: Position) -> Result<Vec<Recorded>, ReadError> {
        match self {
            Reader::Free(log) => log.read(shard, after, CATCH_UP_PAGE_EVENTS).await,
            Reader::Held(held) => held.read(after, CATCH_UP_PAGE_EVENTS).await,
        }
    }
}

/// What reading on from the last confirmed end found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaughtUp {
    /// It is the end still.
    Same,
    /// Others appended; what is cached was folded on.
    Moved,
    /// So much that the caches were dropped instead.
    Jumped,
    /// It is not in the log any more; the caches were dropped.
    Diverged,
}

/// Why a commit is not in the log, for good.
enum NotAppended {
    Stale,
    Diverged,
    Refused(String),
    Unavailable(String),
    /// Nobody knows, and there is no more time to find out.
    Unsettled(String),
}

/// What an attempt came to.
enum Attempt {
    /// Everyone was answered, or put back to be decided in a later turn.
    Over,
    /// Another writer was first: decide again on what it wrote.
    Again(Batch),
    /// The commit was refused: find the guilty one.
    OneByOne(Batch),
}

impl ShardTask {
    /// Decides the entries and answers those whose decision the log bears out.
    pub(super) async fn turn(&mut self, batch: Batch) {
        let mut batches = VecDeque::from([batch]);
        while let Some(batch) = batches.pop_front() {
            match self.attempt(batch).await {
                Attempt::Over => {}
                Attempt::Again(batch) => batches.push_front(batch),
                Attempt::OneByOne(entries) => {
                    batches.extend(entries.into_iter().map(|entry| vec![entry]));
                }
            }
        }
    }

    async fn attempt(&mut self, mut batch: Batch) -> Attempt {
        let began = Instant::now();
        let mut held = None;
        if self.contended {
            let give_up = self.parts.give_up.clone();
            let held_now = tokio::select! {
                biased;
                held = self.hold() => Some(held),
                () = give_up.cancelled() => None,
            };
            match held_now {
                Some(Ok((handle, CaughtUp::Same | CaughtUp::Moved))) => held = Some(handle),
                Some(Ok((_, CaughtUp::Jumped | CaughtUp::Diverged))) => return self.later(batch),
                Some(Err(error)) => return self.unavailable(batch, &error.to_string()),
                // Nothing was decided; all are told so when the task ends.
                None => return self.later(batch),
            }
        }
        if !batch.iter().all(|(_, entry)| self.has_streams_of(entry)) {
            return self.later(batch);
        }
        let now = self.now();
        let plan = self.plan(now, &mut batch);
        let undecided = batch.split_off(plan.outcomes.len());
        self.put_back(undecided);
        if plan.events.is_empty() {
            return self.confirm(batch, plan, now, held.is_some()).await;
        }
        self.append(batch, plan, now, held, began).await
    }

    /// The moment of the decisions: never before what the shard holds.
    fn now(&self) -> Timestamp {
        self.parts.clock.now().trunc_subsecs(6).max(self.last_recorded)
    }

    fn plan(&self, now: Timestamp, batch: &mut [(u64, Entry)]) -> Plan {
        let ahead = (self.last_recorded - self.parts.clock.now()).to_std().unwrap_or_default();
        let no_writing = (ahead > self.parts.config.clock_behind_max)
            .then(|| format!("the log's time is {} s ahead of this machine's clock", ahead.as_secs()));
        if let Some(why) = &no_writing {
            tracing::error!(shard = %self.parts.shard, why, "writing stopped");
        }
        let setting = Setting {
            shard: self.parts.shard,
            now,
            config: &self.parts.config,
            cache: &self.cache,
            no_writing: no_writing.as_deref(),
        };
        plan(setting, batch)
    }

    /// Answers a batch that appends nothing, once its states are known to be those of the end.
    async fn confirm(&mut self, batch: Batch, plan: Plan, now: Timestamp, held: bool) -> Attempt {
        // Whoever holds the shard has just read it to its end.
        let give_up = self.parts.give_up.clone();
        let caught_up = tokio::select! {
            biased;
            caught_up = async { if held { Ok(CaughtUp::Same) } else { self.catch_up_free().await } } => caught_up,
            () = give_up.cancelled() => return self.later(batch),
        };
        match caught_up {
            Ok(CaughtUp::Same) => {
                self.answer(batch, plan, now);
                Attempt::Over
            }
            Ok(CaughtUp::Moved) => {
                self.contended = true;
                Attempt::Again(batch)
            }
            Ok(CaughtUp::Jumped | CaughtUp::Diverged) => self.later(batch),
            Err(error) => self.unavailable(batch, &error.to_string()),
        }
    }

    async fn append(
        &mut self,
        batch: Batch,
        mut plan: Plan,
        now: Timestamp,
        held: Option<Box<dyn LockedShard>>,
        began: Instant,
    ) -> Attempt {
        let commit = Commit {
            id: self.parts.entropy.commit_id(self.parts.shard, now),
            recorded_at: now,
            events: std::mem::take(&mut plan.events),
            sealed: std::mem::take(&mut plan.sealed),
        };
        let sent = Instant::now();
        let (parts, expected) = (self.parts.clone(), self.end);
        let appending = async {
            let first = async {
                match held {
                    Some(held) => held.append(expected, &commit).await,
                    None => parts.log.append(parts.shard, expected, &commit).await,
                }
            };
            let first = Self::unless_given_up(&parts, first).await?;
            Self::settle(&parts, expected, &commit, first).await
        };
        match self.meanwhile(appending).await {
            Ok(end) => {
                self.measure(&commit, batch.len(), began, sent);
                self.move_end(end, now);
                for (stream, loaded) in std::mem::take(&mut plan.overlay) {
                    self.cache.advance(stream, loaded, commit.id);
                    self.snapshot_cached_if_due(stream);
                }
                self.answer(batch, plan, now);
                Attempt::Over
            }
            Err(NotAppended::Stale) => self.lost_race(batch),
            Err(NotAppended::Diverged) => {
                let give_up = self.parts.give_up.clone();
                tokio::select! {
                    biased;
                    () = self.diverged() => {}
                    () = give_up.cancelled() => {}
                }
                self.later(batch)
            }
            Err(NotAppended::Refused(why)) => self.refused(batch, &why),
            Err(NotAppended::Unavailable(why)) => self.unavailable(batch, &why),
            Err(NotAppended::Unsettled(why)) => {
                for (_, entry) in batch {
                    self.finish(entry, Err(DecideError::Unsettled(why.clone())));
                }
                Attempt::Over
            }
        }
    }

    /// Finds out what became of a commit: as long as that is unknown, it is sent again, the same
    /// commit after the same end, and nobody is answered.
    async fn settle(
        parts: &Parts,
        expected: End,
        commit: &Commit,
        first: Result<End, AppendError>,
    ) -> Result<End, NotAppended> {
        let mut result = first;
        let mut may_be_in = false;
        let mut pause = RESEND_PAUSE_FIRST;
        let began = Instant::now();
        loop {
            let why = match result {
                Ok(end) => return Ok(end),
                Err(AppendError::Stale) => return Err(NotAppended::Stale),
                Err(AppendError::Diverged) => return Err(NotAppended::Diverged),
                Err(AppendError::Refused(why)) => return Err(NotAppended::Refused(why)),
                Err(AppendError::Unavailable(why)) => {
                    if !may_be_in && began.elapsed() >= parts.config.unreachable_max {
                        return Err(NotAppended::Unavailable(why));
                    }
                    why
                }
                Err(AppendError::Unknown(why)) => {
                    may_be_in = true;
                    metrics::counter!("mintmark_writer_unknown_total", "shard" => parts.shard.to_string()).increment(1);
                    why
                }
            };
            tracing::warn!(shard = %parts.shard, commit = %commit.id, why, "an append is sent again");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = parts.give_up.cancelled() => {
                    return Err(if may_be_in { NotAppended::Unsettled(why) } else { NotAppended::Unavailable(why) });
                }
            }
            pause = (pause * 2).min(RESEND_PAUSE_MAX);
            result = Self::unless_given_up(parts, parts.log.append(parts.shard, expected, commit)).await?;
        }
    }

    /// Waits for what the log says to an append, but not beyond the moment when waiting is over. What
    /// was sent may take effect all the same, and that is what those who wait are told.
    async fn unless_given_up(
        parts: &Parts,
        append: impl Future<Output = Result<End, AppendError>>,
    ) -> Result<Result<End, AppendError>, NotAppended> {
        tokio::select! {
            biased;
            said = append => Ok(said),
            () = parts.give_up.cancelled() => {
                Err(NotAppended::Unsettled("the process was stopped before the log replied".into()))
            }
        }
    }

    /// Another writer was first. From now on the shard is held while deciding.
    fn lost_race(&mut self, batch: Batch) -> Attempt {
        self.contended = true;
        self.parts.shared.lost_races.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("mintmark_writer_stale_total", "shard" => self.parts.shard.to_string()).increment(1);
        Attempt::Again(batch)
    }

    fn refused(&mut self, batch: Batch, why: &str) -> Attempt {
        metrics::counter!("mintmark_writer_refused_total", "shard" => self.parts.shard.to_string()).increment(1);
        if batch.len() > 1 {
            tracing::warn!(shard = %self.parts.shard, why, decisions = batch.len(), "a batch was refused");
            return Attempt::OneByOne(batch);
        }
        tracing::error!(shard = %self.parts.shard, why, "a decision's commit was refused");
        for (_, entry) in batch {
            // Should what is cached be at fault, the next decision reads afresh.
            for named in &entry.request.streams {
                self.cache.remove(named.stream);
            }
            self.finish(entry, Err(DecideError::Defect(why.to_owned())));
        }
        Attempt::Over
    }

    fn unavailable(&mut self, batch: Batch, why: &str) -> Attempt {
        for (_, entry) in batch {
            self.finish(entry, Err(DecideError::Unavailable(why.to_owned())));
        }
        Attempt::Over
    }

    /// Puts the whole batch back: its streams must be read again first.
    fn later(&mut self, batch: Batch) -> Attempt {
        self.put_back(batch);
        Attempt::Over
    }

    fn has_streams_of(&self, entry: &Entry) -> bool {
        entry.request.streams.iter().all(|named| self.cache.contains(named.stream))
    }

    fn answer(&mut self, batch: Batch, plan: Plan, now: Timestamp) {
        let confirmed = self.confirmed(now);
        for ((_, entry), outcome) in batch.into_iter().zip(plan.outcomes) {
            self.finish(entry, outcome.map(|loaded| Answer { confirmed, loaded }));
        }
    }

    /// Holds the shard and reads to its end.
    async fn hold(&mut self) -> Result<(Box<dyn LockedShard>, CaughtUp), ReadError> {
        let (log, shard) = (Arc::clone(&self.parts.log), self.parts.shard);
        let mut held = self.meanwhile(log.lock(shard)).await?;
        let caught_up = self.catch_up(Reader::Held(held.as_mut())).await?;
        // Nobody else wrote since: the next turn need not hold it.
        self.contended = caught_up != CaughtUp::Same;
        Ok((held, caught_up))
    }

    async fn catch_up_free(&mut self) -> Result<CaughtUp, ReadError> {
        let log = Arc::clone(&self.parts.log);
        self.catch_up(Reader::Free(log.as_ref())).await
    }

    /// Reads on from the last confirmed end and folds what was missed into the caches.
    async fn catch_up(&mut self, mut reader: Reader<'_>) -> Result<CaughtUp, ReadError> {
        let end = reader.end(self.parts.shard).await?;
        if end == self.end {
            return Ok(CaughtUp::Same);
        }
        let known = reader.at(self.parts.shard, self.end.position).await?;
        if known.map(|row| row.commit_id) != Some(self.end.commit_id) {
            self.diverged().await;
            return Ok(CaughtUp::Diverged);
        }
        if end.position.0 - self.end.position.0 > self.parts.config.catch_up_events_max {
            return self.jump(end, &mut reader).await;
        }
        loop {
            let rows = reader.read(self.parts.shard, self.end.position).await?;
            let whole = rows.len() < CATCH_UP_PAGE_EVENTS;
            let Some(last) = rows.last() else { return Ok(CaughtUp::Moved) };
            let (end, at) = (End { position: last.position, commit_id: last.commit_id }, last.recorded_at);
            for row in rows {
                self.fold(row);
            }
            self.move_end(end, at);
            if whole {
                return Ok(CaughtUp::Moved);
            }
        }
    }

    /// Drops the caches and goes on from `end`.
    async fn jump(&mut self, end: End, reader: &mut Reader<'_>) -> Result<CaughtUp, ReadError> {
        let last = reader.at(self.parts.shard, end.position).await?;
        self.drop_caches();
        self.move_end(end, last.map_or(self.last_recorded, |row| row.recorded_at));
        Ok(CaughtUp::Jumped)
    }

    /// The log lost a tail that was confirmed before: nothing that was read from it counts any more.
    async fn diverged(&mut self) {
        let shard = self.parts.shard;
        tracing::error!(%shard, position = %self.end.position, commit = %self.end.commit_id,
            "HISTORY DIVERGED: the log no longer holds a commit that it confirmed; caches and snapshots are dropped");
        metrics::counter!("mintmark_writer_diverged_total", "shard" => shard.to_string()).increment(1);
        self.parts.shared.diverged.fetch_add(1, Ordering::Relaxed);
        self.drop_caches();
        if let Err(error) = self.parts.snapshots.drop_diverged(shard).await {
            // They are not used all the same: each is compared with the log when it is read.
            tracing::warn!(%shard, %error, "diverged snapshots could not be dropped");
        }
        let log = Arc::clone(&self.parts.log);
        let end = async {
            let end = log.end(shard).await?;
            Ok::<_, ReadError>((end, log.at(shard, end.position).await?))
        };
        match end.await {
            Ok((end, row)) => {
                self.last_recorded = row.map_or(self.last_recorded, |row| row.recorded_at);
                self.move_end(end, self.last_recorded);
            }
            // The next turn finds out again.
            Err(error) => tracing::warn!(%shard, %error, "the new end could not be read"),
        }
    }

    fn measure(&self, commit: &Commit, decisions: usize, began: Instant, sent: Instant) {
        let shard = self.parts.shard.to_string();
        let took = began.elapsed();
        let per_decision = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / decisions.max(1) as u64;
        let pace = &self.parts.mailbox.pace_ns;
        let before = pace.load(Ordering::Relaxed);
        pace.store(if before == 0 { per_decision } else { before / 8 * 7 + per_decision / 8 }, Ordering::Relaxed);
        metrics::histogram!("mintmark_writer_append_seconds", "shard" => shard.clone())
            .record(sent.elapsed().as_secs_f64());
        metrics::histogram!("mintmark_writer_batch_events", "shard" => shard.clone())
            .record(u32::try_from(commit.events.len()).unwrap_or(u32::MAX));
        metrics::counter!("mintmark_writer_events_total", "shard" => shard.clone())
            .increment(commit.events.len() as u64);
        metrics::counter!("mintmark_writer_decisions_total", "shard" => shard).increment(decisions as u64);
    }
}
